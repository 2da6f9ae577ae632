"""A log in a file: each look reads a part of it, from a place that is known by the file and the bytes before it.

A place in a file is known by its device and inode, how often the log has begun again, the last line's first and last
byte, and a checksum of the bytes before that. So it is noticed when the file is another one, has become shorter, or
was written from its beginning again and is longer already.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from gputui.errors import InvalidError, LogError
from gputui.late_dataclasses import dataclass
from gputui.models import LogLine, LogPage, LogPosition, LogQuery, SSHTarget
from gputui.ssh.logs.lines import CHECKED, FILTER_HERE, IN_PLACE, Piece, checksum, cut, note
from gputui.ssh.logs.looks import Looks
from gputui.ssh.logs.paths import assignment
from gputui.text import clean

_BLOCK = 4096
_PER_LINE = 256
"""Bytes that are read for each line that is asked for."""
_LEAST, _MOST = 2**16, 2**20
"""Bytes of one look."""
_MOST_LINES = 10_000
"""Lines of one page."""
_QUIET_SECONDS = 2
"""Seconds without a change after which the last line is shown though it has no end."""

_OLD_FILE, _OLD_READ = 1, 2

_SCRIPT = """
{assign}
wanted='{wanted}'; end={end}; skip={skip}; count={count}
state() {{ stat -L -c '%d:%i %s %Y' "$1"; }}
[ -d "$f" ] && {{ echo directory; exit; }}
if s=$(state "$f" 2>&1); then :; else printf 'error %s\\n' "$s"; exit; fi
[ -f "$f" ] || {{ echo special; exit; }}
[ -r "$f" ] || {{ echo 'error Permission denied'; exit; }}
old=0
if [ -n "$wanted" ] && [ "${{s%% *}}" != "$wanted" ]; then
  t=$(state "$f.1" 2>/dev/null)
  case $t in "$wanted "*)
    size=${{t#* }}; size=${{size% *}}; old=2
    [ "$size" -gt "$end" ] && {{ f=$f.1; s=$t; old=1; }};;
  esac
fi
size=${{s#* }}; size=${{size% *}}
[ -n "$skip" ] || {{ skip=$(( size / {block} - count + 1 )); [ $skip -gt 0 ] || skip=0; }}
printf 'file %s %s %s %s\\n' "$s" "$(date +%s)" "$old" "$skip"
status=0
[ "$size" -gt $((skip * {block})) ] && {{ dd bs={block} skip=$skip count=$count <"$f"; status=$?; }}
printf '\\nend %s %s\\n' $status "$(state "$f")" >&2
"""
_HEAD = re.compile(rb"file (\d+:\d+) (\d+) (-?\d+) (-?\d+) ([012]) (\d+)\n")
_END = re.compile(r"\nend (\d+) (\d+:\d+) (\d+) -?\d+\n\Z")


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of a file. ``times`` counts how often the log has begun again before it."""

    file: str
    times: int
    start: int
    end: int
    checked: int = 0
    check: int = 0

    @staticmethod
    def of(position: LogPosition) -> _Place:
        file, times, checked, check = position.time.split("/")
        start, end = position.offset.split("-")
        return _Place(file, int(times), int(start), int(end), int(checked), int(check, 16))

    @property
    def position(self) -> LogPosition:
        return LogPosition(f"{self.file}/{self.times}/{self.checked}/{self.check:x}", f"{self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a file as it was read: its first byte, and the size of the file.

    ``quiet``: nothing was added to it for a while. ``old`` is ``_OLD_FILE`` where it is the file that was rotated
    away, ``_OLD_READ`` where that has nothing more.
    """

    file: str
    size: int
    quiet: bool
    old: int
    start: int
    data: bytes


class FileLog:
    """Reads the log in the file at ``path``."""

    def __init__(self, looks: Looks, target: SSHTarget | None, path: str) -> None:
        self._looks = looks
        self._target = target
        self._name = clean(path)
        """The path for messages: that of a glob's file comes from the host."""
        self._assign = assignment("f", path)

    async def read(self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        """Read some lines past a position, about ``size`` of them; see :meth:`gputui.api.capabilities.Logs.read`.

        Raises LogError where the file cannot be read, InvalidError for a time: a file has none.
        """
        if query != LogQuery():
            raise InvalidError(
                "The lines of a file have no times and are not filtered there.",
                hint=FILTER_HERE,
            )
        place = _Place.of(after) if after is not None else None
        count = max(_LEAST, min(_MOST, size * _PER_LINE)) // _BLOCK
        if not backward:
            return await self._forward(place, count)
        return await (self._newest(count) if place is None else self._backward(place, count))

    async def _newest(self, count: int) -> LogPage:
        part = await self._part(None, 0, None, count)
        begin = _first_line(part)
        pieces = await _cut(part.data, part.start, begin, whole=part.quiet)
        return _backward_page(pieces, part.file, 0)

    async def _backward(self, place: _Place, count: int) -> LogPage:
        """Read the lines before a line, that line with them to see whether the file is as it was."""
        first = max(0, (place.start - 1) // _BLOCK - count + 1)
        checked = place.end - place.start <= _LEAST
        last = -(-(place.end if checked else place.start) // _BLOCK)
        part = await self._part(place.file, 0, first, max(1, last - first))
        if part.file != place.file or part.size < place.end or (checked and not _holds(part, place)):
            gone = LogPosition(f"{place.file}/{place.times}/older", "")
            text = "older lines are no longer there: the file was rotated or truncated"
            return LogPage((note(text, gone),), more=False, next=None)
        before = part.data[: max(0, place.start - part.start)]
        begin = _first_line(part, before)
        pieces = await _cut(before, part.start, begin, whole=True)
        return _backward_page(pieces, place.file, place.times)

    async def _forward(self, place: _Place | None, count: int) -> LogPage:
        if place is None:
            part = await self._part(None, 0, 0, count)
            return await self._page(part, 0, 0, count, None)
        part = await self._part(place.file, place.end, max(0, place.end - CHECKED) // _BLOCK, count + 1)
        if part.file != place.file:
            missing = "" if part.old == _OLD_READ else "; what was written before that may be missing"
            text = f"the file was rotated: a new one begins here{missing}"
        elif part.size >= place.end and _emptied(part, place):
            # What truncated it (copytruncate) left the writer at its place: before that there is nothing to read.
            gap = replace(place, times=place.times + 1, start=place.end, checked=0, check=0)
            text = "the file was truncated while it is written on; what was written before that may be missing"
            return LogPage((note(text, gap.position),), more=True, next=gap.position)
        elif part.size < place.end or not _holds(part, place):
            text = "the file was truncated: it begins again here; what was written before that may be missing"
        else:
            return await self._page(part, place.end, place.times, count, place)
        begin = _Place(part.file, place.times + 1, 0, 0)
        return LogPage((note(text, begin.position),), more=True, next=begin.position)

    async def _page(self, part: _Part, start: int, times: int, count: int, place: _Place | None) -> LogPage:
        """Return the lines from ``start`` on; ``place`` is the line before."""
        at, end = start - part.start, part.start + len(part.data)
        pieces = await _cut(part.data, part.start, at, whole=part.quiet and end >= part.size)
        if not pieces and len(part.data) - at >= (count - 1) * _BLOCK:
            if not part.data[at:].strip(b"\0"):
                return await self._behind_gap(times, count)
            # A line longer than a look is shown in parts.
            pieces = await _cut(part.data, part.start, at, whole=True)
        some = pieces[:_MOST_LINES]
        if not some:
            return LogPage((), more=False, next=place.position if place is not None else None)
        lines = _lines(some, part.file, times)
        more = len(some) < len(pieces) or end < part.size or part.old == _OLD_FILE
        return LogPage(lines, more=more, next=lines[-1].position)

    async def _behind_gap(self, times: int, count: int) -> LogPage:
        """Continue near the end of a file that begins with zero bytes: a truncation left its writer at its place."""
        part = await self._part(None, 0, None, count)
        zeros = len(part.data) - len(part.data.lstrip(b"\0"))
        start = part.start + (zeros or _first_line(part))
        place = _Place(part.file, times + 1, start, start)
        text = "zero bytes are left out, which truncating the file left; what was written before that may be missing"
        return LogPage((note(text, place.position),), more=True, next=place.position)

    async def _part(self, wanted: str | None, end: int, skip: int | None, count: int) -> _Part:
        """Read blocks of the file; of the one that was rotated away where that is ``wanted`` and has more."""
        for _ in range(3):
            script = _SCRIPT.format(
                assign=self._assign,
                wanted=wanted or "",
                end=end,
                skip="" if skip is None else skip,
                count=count,
                block=_BLOCK,
            )
            look = await self._looks.look(script, self._target, limit=4 * _MOST)
            head, ended = _HEAD.match(look.output), _END.search(look.errors)
            if head is None:
                raise self._refusal(look.output, look.errors)
            if ended is None or ended[1] != "0":
                words = " ".join(clean(look.errors.split("\nend ")[0], multiline=True).split())
                raise LogError(f"{self._name} cannot be read: {words[:200] or 'reading it failed'}")
            file, size, modified, now = head[1].decode(), int(head[2]), int(head[3]), int(head[4])
            if ended[2] == file:
                return _Part(
                    file,
                    size,
                    quiet=now - modified >= _QUIET_SECONDS,
                    old=int(head[5]),
                    start=int(head[6]) * _BLOCK,
                    data=look.output[head.end() :],
                )
        raise LogError(f"{self._name} is replaced more often than it can be read.")

    def _refusal(self, output: bytes, errors: str) -> LogError:
        words = output.decode("utf-8", "replace").strip() or errors.strip()
        if words == "directory":
            return LogError(f"{self._name} is a directory.", hint="Name a file in it, or a glob: /var/log/*.log")
        if words == "special":
            return LogError(f"{self._name} is no file: a device or a pipe is not read.")
        if "No such file" in words or "Not a directory" in words:
            return LogError(f"{self._name} is not there.", hint="A glob finds files by a part of the name: *.log")
        if "ermission denied" in words:
            return LogError(f"{self._name}: permission denied.", hint="The user of the login may not read it.")
        if "not found" in words:
            return LogError("The program stat is missing there: files cannot be read.")
        return LogError(f"{self._name} cannot be read: {clean(words)[:200]}")


async def _cut(data: bytes, start: int, at: int, *, whole: bool) -> list[Piece]:
    if len(data) <= IN_PLACE:
        return cut(data, start, at, whole=whole)
    return await asyncio.to_thread(cut, data, start, at, whole=whole)


def _first_line(part: _Part, data: bytes | None = None) -> int:
    """Return where the first line of a part begins: at its beginning where none else does."""
    if part.start == 0:
        return 0
    data = part.data if data is None else data
    end = data.find(b"\n") + 1
    return end if 0 < end < len(data) else 0


def _holds(part: _Part, place: _Place) -> bool:
    """Return whether the bytes before the end of a line are as they were."""
    end = place.end - part.start
    if end > len(part.data):
        return False
    return end < place.checked or checksum(part.data, end, place.checked) == place.check


def _emptied(part: _Part, place: _Place) -> bool:
    """Return whether the bytes before the end of a line are a gap now: zero bytes, which they were not."""
    end = place.end - part.start
    if not 0 < place.checked <= end <= len(part.data) or _holds(part, place):
        return False
    return not any(part.data[end - place.checked : end])


def _lines(pieces: list[Piece], file: str, times: int) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(
            None,
            piece.text,
            _Place(file, times, piece.start, piece.end, piece.checked, piece.check).position,
        )
        for piece in pieces
    )


def _backward_page(pieces: list[Piece], file: str, times: int) -> LogPage:
    lines = _lines(pieces[-_MOST_LINES:], file, times)
    if not lines:
        return LogPage((), more=False, next=None)
    first = lines[0].position
    return LogPage(lines, more=_Place.of(first).start > 0, next=first)
