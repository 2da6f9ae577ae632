"""``echo`` and ``printf``, and their escapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\([ntrabefv\\]|0?[0-7]{1,3}|x[0-9a-fA-F]{1,2})")
_FORM = re.compile(r"%([-+ 0]*)(\d{0,4})(?:\.(\d{1,4}))?([bcdiosuxX%])")


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
    words = [word for word in words[1:] if word != "--" or words.index(word) > 1]
    if not words:
        await shell.error(f"{shell.name}: printf: usage: printf format [arguments]")
        return 2
    form, arguments = unescaped(words[0]), words[1:]
    places = sum(found[4] != "%" for found in _FORM.finditer(form))
    while True:
        taken, arguments = arguments[:places], arguments[places:]
        rest = iter(taken)
        await shell.out(_FORM.sub(lambda found, rest=rest: _formed(found, rest), form))  # type: ignore[misc]
        if not arguments or not places:
            return 0


def _formed(found: re.Match[str], rest: object) -> str:
    flags, width, precision, kind = found.groups()
    if kind == "%":
        return "%"
    value = next(rest, "")  # type: ignore[call-overload]
    if kind in "dioux" or kind == "X":
        number = int(value) if re.fullmatch(r"[-+]?\d{1,18}", value) else 0
        text = format(number, {"i": "d", "u": "d"}.get(kind, kind))
    else:
        text = unescaped(value) if kind == "b" else value[:1] if kind == "c" else value
        text = text[: int(precision)] if precision else text
    fill = "0" if "0" in flags and kind in "dioux" else " "
    return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0), fill)
