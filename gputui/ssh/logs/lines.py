"""The bytes of a log as lines: cut, bounded, and safe for a terminal. Pure, in one pass."""

from __future__ import annotations

from zlib import crc32

from gputui.known_secrets import mask
from gputui.late_dataclasses import dataclass
from gputui.models import LogLine, LogPosition
from gputui.text import clean, without_escapes

LONGEST = 16_384
"""Bytes of a line that are shown."""
CHECKED = 64
"""Bytes up to the end of a line that are compared when the log continues after it."""
IN_PLACE = 2**16
"""Bytes up to which a look is read without a thread."""
FILTER_HERE = "Filter the output here: | grep WORDS"


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a file: its first byte, the one behind its end, its text.

    ``check`` is a checksum of the bytes before its end, ``checked`` of them, those of lines before it among them.
    """

    start: int
    end: int
    text: str
    checked: int
    check: int


def shown(raw: bytes) -> str:
    """Return a line as it is shown: of parts that overwrite each other the last, without colours, bounded."""
    # A gap in a file reads as zero bytes before the line behind it.
    raw = raw.rstrip(b"\r\n").rpartition(b"\r")[2].lstrip(b"\0")
    more = len(raw) - LONGEST
    if more > 0:
        raw = raw[:LONGEST]
    text = raw.decode("utf-8", "replace")
    if not text.isprintable():
        text = clean(without_escapes(text).expandtabs(4))
    return mask(text) + (f" … ({more:,} more bytes)" if more > 0 else "")


def note(text: str, position: LogPosition) -> LogLine:
    """Return a line of gputui's own in a log."""
    return LogLine(None, f"── gputui: {text} ──", position)


def checksum(data: bytes, end: int, checked: int) -> int:
    """Return the checksum of so many bytes before ``end``."""
    return crc32(data[end - checked : end])


def cut(data: bytes, start: int, at: int = 0, *, whole: bool) -> list[Piece]:
    """Cut bytes into lines, the first of which begins at ``at``. ``start`` is the place of the first byte.

    A part without a line end is left out unless ``whole``, but for what a carriage return ends: a progress bar
    is shown as it is at its last update.
    """
    pieces = list[Piece]()
    while at < len(data):
        end = data.find(b"\n", at) + 1
        if not end:
            # A last carriage return may be half of a line end.
            end = len(data) if whole else data.rfind(b"\r", at, len(data) - 1) + 1
            if not end:
                break
        checked = min(CHECKED, end)
        text = shown(data[at:end])
        pieces.append(Piece(start + at, start + end, text, checked, checksum(data, end, checked)))
        at = end
    return pieces
