"""The lines of one log on their way to stdout: the newest ones, all since a time, and new ones."""

from __future__ import annotations

import argparse
import asyncio
import json
import select
import sys
from collections.abc import Iterable, Sequence

from gputui.cli.output import notify
from gputui.errors import ExitCode, GputuiError
from gputui.logs.reader import FINAL, PACE, ReadLog, retry_delay
from gputui.models import LogLine, LogPosition, LogQuery

PAGE = 1000
TAIL = 100
"""The number of lines that are printed by default."""


def _is_unread() -> bool:
    """Return whether stdout is a pipe that nothing reads any more: ``| head`` has ended."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(found & select.POLLERR for _, found in poll.poll(0))
    except (OSError, ValueError):  # stdout is no file, or closed
        return False


class PrintedLog:
    """One log on its way to stdout. ``name`` is what answers again after a failure, such as the account."""

    def __init__(self, read: ReadLog, name: str, query: LogQuery, args: argparse.Namespace) -> None:
        self._read = read
        self._name = name
        self._query = query
        self._json = args.output == "json"
        self._stamps = args.timestamps
        self._utc = args.utc
        self._follow = args.follow
        self._tail: int | None = args.tail if args.tail is not None else None if query.since else TAIL
        self._after: LogPosition | None = None
        """The position after the last printed line."""
        self._seen: set[LogPosition] = set()
        """The lines of the last pages, which the next one may repeat."""

    async def print(self) -> ExitCode:
        """Print the past, and new lines where they are followed."""
        if self._tail is None:
            await self._forward()
        else:
            await self._newest(self._tail)
        failures, pause = 0, PACE
        while self._follow:
            await asyncio.sleep(pause)
            if _is_unread():
                raise BrokenPipeError  # as at the next line that is written, which may be long in coming
            try:
                await self._forward()
            except FINAL:
                raise
            except GputuiError as error:
                failures += 1
                pause = retry_delay(error, failures)
                notify(f"gputui: {error} Retrying in {pause:.0f} s.")
                continue
            if failures:
                notify(f"gputui: {self._name} answers again.")
            failures, pause = 0, PACE
        return ExitCode.OK

    async def _newest(self, most: int) -> None:
        """Print the newest lines; new ones follow after the last of them."""
        pages: list[Sequence[LogLine]] = []
        wanted, after = most, None
        while wanted > 0 or not pages:
            page = await self._read(self._query, after=after, backward=True, size=max(1, min(PAGE, wanted)))
            if not pages and page.lines:
                self._after = page.lines[-1].position
            fresh = [line for line in page.lines if line.position not in self._seen]
            self._seen |= {line.position for line in fresh}
            pages.append(fresh[-wanted:] if wanted > 0 else ())
            wanted -= len(fresh)
            if not page.more or page.next == after:
                break
            after = page.next
        for lines in reversed(pages):
            self._write(lines)

    async def _forward(self) -> None:
        """Print the new lines, page by page; after a failure no line is printed twice."""
        while True:
            after = self._after
            page = await self._read(self._query, after=after, backward=False, size=PAGE)
            self._write(line for line in page.lines if line.position not in self._seen)
            if page.lines:
                self._seen = {line.position for line in page.lines}
            self._after = page.next
            # A page without progress is not requested again immediately: that would be an endless loop.
            if not page.more or page.next == after:
                return

    def _write(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            sys.stdout.write(self._written(line))
        sys.stdout.flush()

    def _written(self, line: LogLine) -> str:
        if self._json:
            at = None if line.at is None else line.at.isoformat().replace("+00:00", "Z")
            offset = line.position.offset
            return json.dumps({"at": at, "offset": offset, "text": line.text}, ensure_ascii=False) + "\n"
        if not self._stamps or line.at is None:
            return f"{line.text}\n"
        at_here = line.at if self._utc else line.at.astimezone()
        return f"{at_here.isoformat(sep=' ', timespec='milliseconds')}  {line.text}\n"
