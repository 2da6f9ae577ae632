"""The log of a worker of Yotta, page by page in either direction.

Uses ``GET /v2/serverless/{id}/workers/{workerId}/logs`` and the data model's WorkerLog.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from gputui.api.capabilities import Logs
from gputui.api.common.readers import read_time
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.mapping import ENDPOINT, WORKER
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.schema import Text, YottaRow
from gputui.errors import ProtocolError
from gputui.known_secrets import mask
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, Ref, Row
from gputui.text import clean

MOST = 1000
"""Lines that a page can have."""

_NO_OFFSET = "+"
"""The beginning of the offsets of lines that have none."""
_FORWARD, _BACKWARD = "Forward", "Backward"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Sequences that set colours and move the cursor."""


def _as_text(value: Any) -> Any:
    """Take whatever a program wrote for its text: one odd entry must not keep the others from being read."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_Anything = Annotated[str | None, BeforeValidator(_as_text)]


class LineRow(YottaRow):
    """An entry of a log. Its time is kept as it was written, for the request of the lines after it."""

    timestamp: _Anything = None
    log: _Anything = None
    offset: _Anything = None


class PageRow(YottaRow):
    """A page of a log."""

    logs: list[LineRow | None] | None = None
    has_more: bool | None = None
    next_search_after_time: Text = None
    next_search_after_offset: Text = None


def to_page(page: PageRow, *, after: LogPosition | None = None, backward: bool = False) -> LogPage:
    """Return a page's lines in order, each once. Without a position of its own it continues after its last line."""
    entries = [entry for entry in page.logs or [] if entry is not None]
    lines: dict[LogPosition, LogLine] = {}
    times: dict[str, datetime | None] = {}
    unnumbered: Counter[str] = Counter()
    for entry in entries:
        time, offset = entry.timestamp or "", entry.offset or ""
        if not offset:
            # Lines that differ in their order only are all kept.
            unnumbered[time] += 1
            offset = f"{_NO_OFFSET}{unnumbered[time]}"
        if time not in times:
            times[time] = read_time(time)
        position = LogPosition(time, offset)
        lines.setdefault(position, LogLine(times[time], _one_line(entry.log or ""), position))
    ordered = sorted(lines.values(), key=_place)
    if page.next_search_after_time and page.next_search_after_offset is not None:
        onward: LogPosition | None = LogPosition(page.next_search_after_time, page.next_search_after_offset)
    elif ordered:
        onward = ordered[0 if backward else -1].position
    else:
        onward = after
    return LogPage(tuple(ordered), bool(page.has_more) and bool(entries), onward)


def _place(line: LogLine) -> tuple[bool, datetime, int, str]:
    """Return the sort key of a line: its time, then its offset, which increases within a time."""
    offset = line.position.offset
    number = int(offset) if offset.isascii() and offset.isdecimal() and len(offset) < 20 else 0
    return line.at is not None, line.at or datetime.min.replace(tzinfo=UTC), number, offset


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    """Make an entry one line, safe for a terminal: without its colours, and a sign where a line ends inside it."""
    if text.isascii() and text.isprintable():
        return text
    bare = _COLOURS.sub("", text).rstrip("\r\n")
    if "\n" in bare or "\r" in bare:
        bare = " ⏎ ".join(bare.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return mask(clean(bare.expandtabs(4)))


class WorkerLogs(Logs):
    """The logs of workers; an endpoint has those of its workers."""

    def __init__(self, client: YottaClient, lists: YottaLists) -> None:
        self._client = client
        self._lists = lists

    def has_log(self, row: Row) -> bool:
        """Return whether the row is a worker or an endpoint."""
        if row.ref.kind == ENDPOINT:
            return True
        return row.ref.kind == WORKER and row.ref.id.count("/") >= 1 and not row.ref.id.endswith("/")

    async def read(
        self,
        ref: Ref,
        query: LogQuery,
        *,
        after: LogPosition | None = None,
        backward: bool = False,
        size: int = MOST,
    ) -> LogPage:
        """Read a page of a worker's log."""
        path = self._lists.log_path(ref)
        params: dict[str, str | int] = {
            "pageSize": max(1, min(size, MOST)),
            "direction": _BACKWARD if backward else _FORWARD,
        }
        if query.keyword:
            params["keyword"] = query.keyword
        for name, time in (("startTime", query.since), ("endTime", query.until)):
            if time is not None:
                params[name] = _written(time)
        if after is not None:
            offset = "" if after.offset.startswith(_NO_OFFSET) else after.offset
            params |= {"searchAfterTime": after.time, "searchAfterOffset": offset}
        data = await self._client.ask(path, params)
        if data is None:
            return LogPage((), False, after)
        try:
            page = PageRow.model_validate(data)
        except ValidationError:
            raise ProtocolError(
                f"{self._client.server}: {path} answers with something else than a page of a log."
            ) from None
        return to_page(page, after=after, backward=backward)
