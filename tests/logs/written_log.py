"""A log that grows when a test makes it, read page by page as back ends do it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gputui.api.capabilities import Logs
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, Ref, Row

BEGIN = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)


def line(number: int, text: str = "") -> LogLine:
    """Return a line; three share each moment."""
    at = BEGIN + timedelta(seconds=number // 3)
    return LogLine(at, text or f"line {number}", LogPosition(f"t{number // 3:06}", f"{number:06}"))


class WrittenLog(Logs):
    """The lines of one worker; ``calls`` are direction and size of each page.

    ``failures`` are raised one by one, None lets a call through.
    """

    def __init__(self, count: int) -> None:
        self.lines = [line(number) for number in range(count)]
        self.calls: list[tuple[bool, int]] = []
        self.failures: list[Exception | None] = []

    def has_log(self, row: Row) -> bool:
        return row.ref.kind in ("worker", "endpoint")

    async def read(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        self.calls.append((backward, size))
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        lines = [one for one in self.lines if query.keyword in one.text]
        lines = lines[::-1] if backward else lines
        if after is not None:
            key = (after.time, after.offset)
            lines = [
                one
                for one in lines
                if ((one.position.time, one.position.offset) < key) == backward and one.position != after
            ]
        found = lines[:size]
        ordered = tuple(sorted(found, key=lambda one: one.position.offset))
        return LogPage(ordered, len(lines) > size, found[-1].position if found else after)
