"""Tracks the modes that remote programs set in the local terminal, in order to reset exactly those."""

from __future__ import annotations

import re

_KEEP = 64
"""The longest start of a sequence kept for the next chunk, in bytes."""

_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[\?(?P<modes>[\d;]+)(?P<switch>[hl])"
    rb"|\[>(?P<push>\d*)u"
    rb"|\[<(?P<pop>\d*)u"
    rb"|\[>4(?:;(?P<other_keys>\d*))?m"
    rb"|\[(?P<insert>4)(?P<insert_switch>[hl])"
    rb"|\[(?P<region>\d*;?\d*)r"
    rb"|\[(?P<shape>\d*) q"
    rb"|(?P<keypad>[=>])"
    rb"|(?P<charset>[()])(?P<set>[0B])"
    rb"|(?P<reset>c|\[!p)"
    rb")"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[?<>!]?[\d;]* ?|[()])?\Z")

# Private modes that are off by default, in the order of their reset: what changes the
# input first, the alternate screen last.
_OFF_AT_REST = (
    9, 1000, 1001, 1002, 1003, 1005, 1006, 1015, 1016, 1004, 2004, 2026, 2048, 2031, 1, 66, 5, 6, 45, 47, 1047, 1049,
)  # fmt: skip
_ON_AT_REST = (7, 25)  # line wrap, cursor
_ORIGIN = 6
"""Of no effect where the whole screen scrolls; switching it off moves the cursor home."""
_REGION = b"\x1b7\x1b[r\x1b8"
"""The whole screen scrolls. Setting that moves the cursor home, so it is kept."""
_CHARSET = b"\x1b(B\x0f"

AT_REST = b"".join(
    (
        b"".join(b"\x1b[?%dl" % mode for mode in _OFF_AT_REST if mode != _ORIGIN),
        b"".join(b"\x1b[?%dh" % mode for mode in _ON_AT_REST),
        b"\x1b[<99u",  # every level of the keyboard protocol
        b"\x1b[>4m\x1b>\x1b[4l",  # plain keys and keypad, no inserting
        _REGION + b"\x1b[0 q" + _CHARSET + b"\x1b[0m",
    )
)
"""The sequences that reset a terminal whatever modes were set."""


class TerminalModes:
    """Parses all output to the terminal.

    :meth:`undo` returns the bytes that restore the terminal, :meth:`redo` those that set the modes again.
    """

    def __init__(self) -> None:
        self._tail = b""
        self._clear()

    def feed(self, data: bytes) -> None:
        """Record the modes that ``data`` sets. Sequences may be split between two calls."""
        if self._tail:
            data = self._tail + data
            self._tail = b""
        elif b"\x1b" not in data:
            return
        for match in _SEQUENCE.finditer(data):
            self._note(match)
        last = data.rfind(b"\x1b", -_KEEP)
        if last >= 0 and _UNFINISHED.search(data, last):
            self._tail = data[last:]

    def undo(self) -> bytes:
        """Return the bytes that reset the terminal; empty when no mode was changed."""
        out = bytearray()
        for mode in _OFF_AT_REST:
            if mode in self._changed:
                out += b"\x1b[?%dl" % mode
        for mode in _ON_AT_REST:
            if mode in self._changed:
                out += b"\x1b[?%dh" % mode
        if self._pushed:
            out += b"\x1b[<%du" % len(self._pushed)
        if self._other_keys:
            out += b"\x1b[>4m"
        if self._keypad:
            out += b"\x1b>"
        if self._insert:
            out += b"\x1b[4l"
        if self._region:
            out += _REGION
        if self._shape:
            out += b"\x1b[0 q"
        if self._charset:
            out += _CHARSET
        # Colours are not followed: resetting them costs nothing and moves nothing.
        out += b"\x1b[0m"
        return bytes(out)

    def redo(self) -> bytes:
        """Return the bytes that, after :meth:`undo`, set screen, mouse, keyboard and cursor again."""
        out = bytearray()
        for mode in reversed(_OFF_AT_REST):
            if mode in self._changed:
                out += b"\x1b[?%dh" % mode
        for mode in _ON_AT_REST:
            if mode in self._changed:
                out += b"\x1b[?%dl" % mode
        out += b"".join(self._pushed)
        if self._other_keys:
            out += b"\x1b[>4;2m"
        if self._keypad:
            out += b"\x1b="
        return bytes(out)

    def _clear(self) -> None:
        self._changed: set[int] = set()
        self._pushed: list[bytes] = []
        self._other_keys = self._keypad = self._insert = self._region = self._shape = self._charset = False

    def _note(self, match: re.Match[bytes]) -> None:
        kind = match.lastgroup
        if kind == "switch":
            self._switch(match["modes"], on=match["switch"] == b"h")
        elif kind == "push":
            self._pushed.append(match[0])
        elif kind == "pop":
            del self._pushed[max(0, len(self._pushed) - int(match["pop"] or 1)) :]
        elif kind == "insert_switch":
            self._insert = match["insert_switch"] == b"h"
        elif kind == "region":
            self._region = bool(match["region"].strip(b";"))
        elif kind == "shape":
            self._shape = match["shape"] not in (b"", b"0")
        elif kind == "keypad":
            self._keypad = match["keypad"] == b"="
        elif kind == "set":
            self._charset = match["set"] == b"0"
        elif kind == "reset":
            self._clear()
        else:
            self._other_keys = (match["other_keys"] or b"0") != b"0"

    def _switch(self, modes: bytes, *, on: bool) -> None:
        for text in modes.split(b";"):
            mode = int(text or 0)
            if mode in _OFF_AT_REST if on else mode in _ON_AT_REST:
                self._changed.add(mode)
            else:
                self._changed.discard(mode)
