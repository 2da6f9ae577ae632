"""``echo`` and ``printf``, and their escapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\([ntrabefv\\]|0?[0-7]{1,3}|x[0-9a-fA-F]{1,2})")
_FORM = re.compile(r"%(?:%|([-+ 0#]*)(\*|\d{0,4})(?:\.(\*|\d{0,4}))?([bcdiosuxXeEfFgG]))")
_WIDEST = 9999
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,19})")


async def echo(shell: Shell, words: list[str]) -> int:
    words = words[1:]
    newline, escapes = "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        newline = "" if "n" in words[0] else newline
        escapes |= "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    await shell.out((unescaped(text) if escapes else text) + newline)
    return 0


def unescaped(text: str) -> str:
    """Return a text with its backslash escapes replaced."""

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code in _ESCAPES:
            return _ESCAPES[code]
        value = int(code[1:], 16) if code[0] == "x" else int(code, 8)
        return bytes([value % 256]).decode("utf-8", "surrogateescape")

    return _ESCAPE.sub(one, text)


async def printf(shell: Shell, words: list[str]) -> int:
    """``printf FORMAT [ARGUMENTS]``: the format again for as long as arguments are left."""
    words = words[2:] if words[1:2] == ["--"] else words[1:]
    if not words:
        await shell.error(f"{shell.name}: printf: usage: printf format [arguments]")
        return 2
    form, given = unescaped(words[0]), _Arguments(words[1:])
    while True:
        left = len(given.left)
        await shell.out(_FORM.sub(given.formed, form))
        if not given.left or len(given.left) == left:
            break
    for text in given.wrong:
        await shell.error(f"{shell.name}: printf: {text}: invalid number")
    return int(bool(given.wrong))


class _Arguments:
    """The arguments that are left for a format; ``wrong`` are those that should be numbers."""

    def __init__(self, words: list[str]) -> None:
        self.left = words
        self.wrong: list[str] = []

    def formed(self, found: re.Match[str]) -> str:
        """Return the text of a directive."""
        if found[0] == "%%":
            return "%"
        flags, kind = found[1], found[4]
        width, precision = (str(min(self._number(), _WIDEST)) if size == "*" else size for size in found.group(2, 3))
        form = f"%{flags}{width}{'' if precision is None else f'.{precision}'}"
        if kind in "diouxX":
            return f"{form}{kind.replace('i', 'd').replace('u', 'd')}" % self._number()
        if kind in "eEfFgG":
            return f"{form}{kind}" % self._float()
        text = self._next()
        return f"{form}s" % (unescaped(text) if kind == "b" else text[:1] if kind == "c" else text)

    def _next(self) -> str:
        return self.left.pop(0) if self.left else ""

    def _number(self) -> int:
        text = self._next()
        if text[:1] in ("'", '"'):
            return ord(text[1:2] or "\0")
        if not _NUMBER.fullmatch(text):
            self.wrong += [text] if text else []
            return 0
        digits = text.lstrip("+-")
        octal = digits.startswith("0") and digits.isdecimal() and set(digits) <= set("01234567")
        return int(text, 8 if octal else 16 if "x" in digits.lower() else 10)

    def _float(self) -> float:
        text = self._next()
        try:
            return float(text or 0)
        except ValueError:
            self.wrong.append(text)
            return 0.0
