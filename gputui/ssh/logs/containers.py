"""The output of a container of the host, by docker or podman.

Their logs have no places but times, and from a time on they are searched from the beginning. So a look asks for the
newest lines, as many as may be new, and the past is read in growing parts.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from zlib import crc32

from gputui.errors import InvalidError, LogError
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, SSHTarget
from gputui.ssh.logs.lines import FILTER_HERE, IN_PLACE, note, shown
from gputui.ssh.logs.looks import Looks
from gputui.text import clean

_LIMIT = 4 * 2**20
"""Bytes of one look."""
_NEW = 1000
"""Newest lines that a look for new ones asks for at first."""
_MOST = 20_000
"""Lines of one page of the past."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")
_ENGINE = """
has() {{ command -v $1 >/dev/null && $1 inspect --type container {name} >/dev/null 2>&1; }}
for e in docker podman; do has $e && break; e=; done
[ -n "$e" ] || for e in docker podman; do command -v $e >/dev/null && break; e=; done
"""
"""Chooses the program that has the container, else one that can say that it has none."""
_SCRIPT = """
{engine}
echo "engine $e"
[ -z "$e" ] || $e logs --timestamps {options} {name} 2>&1 | tail -c {limit}
"""


class ContainerLog:
    """Reads the output of the container ``name``."""

    def __init__(self, looks: Looks, target: SSHTarget | None, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidError("A container is named by its name or id, as docker ps prints it.")
        self._looks = looks
        self._target = target
        self._name = name
        self._engine = ""
        self._known = 0
        """How many of the newest lines have been asked for."""
        self._cut = False
        """Whether the last output was longer than a look."""

    async def read(self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        """Read some lines past a position; see :meth:`gputui.api.capabilities.Logs.read`. Raises GputuiError."""
        if query.keyword:
            raise InvalidError("The output of a container is not filtered there.", hint=FILTER_HERE)
        if backward:
            return await self._backward(query, after, size)
        return await self._forward(query, after)

    async def _backward(self, query: LogQuery, after: LogPosition | None, size: int) -> LogPage:
        if after is None:
            self._known = 0
        asked = self._known + min(max(size, self._known), _MOST)
        for _ in range(2):
            found = await self._lines(asked, _time(query.since), after.time if after else _time(query.until))
            older = _before(found, after) if after is not None else found
            if older:
                self._known = asked
                return LogPage(tuple(older), more=True, next=older[0].position)
            # More lines than that may have come meanwhile.
            asked *= 4
        return LogPage((), more=False, next=after)

    async def _forward(self, query: LogQuery, after: LogPosition | None) -> LogPage:
        asked = _NEW
        while True:
            found = await self._lines(asked, after.time if after else _time(query.since), _time(query.until))
            if len(found) < asked or asked >= 16 * _NEW:
                break
            asked *= 4
        fresh = [*(_behind(found, after) if after is not None else found)]
        self._known += len(fresh)
        if fresh and len(fresh) == len(found) and (self._cut or len(found) >= asked):
            # The line to continue after is not among them.
            place = LogPosition(fresh[0].position.time, "before")
            fresh.insert(0, note("more was written than can be read at once; lines before this are left out", place))
        return LogPage(tuple(fresh), more=False, next=fresh[-1].position if fresh else after)

    async def _lines(self, newest: int, since: str, until: str) -> list[LogLine]:
        """Return those of the newest lines that are from ``since`` to ``until``. Raises GputuiError."""
        options = [f"--tail {newest}", since and f"--since {since}", until and f"--until {until}"]
        script = _SCRIPT.format(
            engine=f"e={self._engine}" if self._engine else _ENGINE.format(name=self._name),
            name=self._name,
            options=" ".join(filter(None, options)),
            limit=_LIMIT,
        )
        look = await self._looks.look(script, self._target, limit=_LIMIT + 64)
        head, _, output = look.output.partition(b"\n")
        engine = head.decode("utf-8", "replace").removeprefix("engine").strip()
        if engine not in ("docker", "podman"):
            raise LogError("There is neither docker nor podman: no output of containers can be read.")
        self._cut = len(output) >= _LIMIT
        if len(output) <= IN_PLACE:
            lines = _parsed(output, cut=False)
        else:
            lines = await asyncio.to_thread(_parsed, output, cut=self._cut)
        said = " ".join(clean(output[:400].decode("utf-8", "replace"), multiline=True).split())
        if not lines and said:
            raise self._refusal(said)
        self._engine = engine
        return lines

    def _refusal(self, said: str) -> LogError:
        if "o such container" in said or "no container with" in said:
            return LogError(f"There is no container {self._name}.")
        if "permission denied" in said.lower():
            return LogError(
                f"The output of {self._name}: permission denied.", hint="The user of the login may not use docker."
            )
        return LogError(f"The output of {self._name} cannot be read: {said[:200]}")


def _parsed(output: bytes, *, cut: bool) -> list[LogLine]:
    """Return the lines of an output, without the part of one that it begins with where it was ``cut``."""
    rows = output.split(b"\n")
    if cut:
        del rows[0]
    seen: Counter[tuple[str, int]] = Counter()
    lines = []
    for row in rows:
        if (found := _STAMP.match(row)) is None:
            continue
        try:
            at = datetime.fromisoformat(f"{found[1].decode()}{found[3].decode().replace('Z', '+00:00')}")
        except ValueError:
            continue
        digits = (found[2] or b"").decode().ljust(9, "0")
        at = at.astimezone(UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{digits}Z"
        text = row[found.end() :]
        key = (stamp, crc32(text))
        seen[key] += 1
        position = LogPosition(stamp, f"{key[1]:x}-{seen[key]}")
        lines.append(LogLine(at.replace(microsecond=int(digits[:6])), shown(text), position))
    return lines


def _time(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z") if at is not None else ""


def _before(lines: Sequence[LogLine], place: LogPosition) -> Sequence[LogLine]:
    for index, line in enumerate(lines):
        if line.position == place:
            return lines[:index]
    return [line for line in lines if line.position.time < place.time]


def _behind(lines: Sequence[LogLine], place: LogPosition) -> Sequence[LogLine]:
    for index, line in enumerate(lines):
        if line.position == place:
            return lines[index + 1 :]
    return [line for line in lines if line.position.time > place.time]
