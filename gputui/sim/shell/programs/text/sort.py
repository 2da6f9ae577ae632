"""sort: lines in order of the whole line, or of some of its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui.sim.shell.programs.options import parsed

from .inputs import contents

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_FLAGS = "nhrfb"
_KEY = re.compile(rf"([1-9]\d{{0,3}})([{_FLAGS}]*)(?:,(\d{{1,4}})([{_FLAGS}]*))?")
_FIELD = re.compile(r"\s*\S+")
_NUMBER = re.compile(r"\s*(-?\d{1,18}(?:\.\d{1,18})?)([KMGT]?)")


@dataclass(frozen=True)
class _Key:
    """The fields from ``first`` to ``last`` (None for the last one), and how their values are compared."""

    first: int = 1
    last: int | None = None
    flags: str = ""
    separator: str = ""

    def value(self, line: str) -> tuple[float, str]:
        """Return what is compared of a line."""
        text = line
        if self.first > 1 or self.last is not None:
            fields = line.split(self.separator) if self.separator else _FIELD.findall(line)
            text = self.separator.join(fields[self.first - 1 : self.last])
        if {"n", "h"} & set(self.flags):
            found = _NUMBER.match(text)
            return (float(found[1]) * _UNITS[found[2] if "h" in self.flags else ""] if found else 0.0, "")
        text = text.lstrip() if "b" in self.flags else text
        return (0.0, text.upper() if "f" in self.flags else text)


async def sort(shell: Shell, words: list[str]) -> int:
    """``sort [-nhrufbs] [-t SEPARATOR] [-k FIRST[,LAST][nhrfb]]... [FILE...]``"""
    options, names = parsed(words, "unrk:t:fbhs")
    shell.status = 0
    lines: list[str] = []
    async for _, data in contents(shell, names, "sort"):
        lines += data.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n") if data else []
    keys = _keys(options)
    if not {"s", "u"} & options.keys():
        lines.sort(reverse="r" in options)  # decides between lines with equal keys
    for key in reversed(keys):
        lines.sort(key=key.value, reverse="r" in key.flags)
    if "u" in options:
        first = {tuple(key.value(line) for key in keys): line for line in reversed(lines)}
        lines = list(reversed(first.values()))
    await shell.out("".join(f"{line}\n" for line in lines))
    return shell.status


def _keys(options: dict[str, str]) -> list[_Key]:
    """The keys of the options; the whole line without any."""
    general, separator = "".join(flag for flag in _FLAGS if flag in options), options.get("t", "")
    keys = []
    for text in options.get("k", "").split("\n"):
        if found := _KEY.match(text):
            flags = found[2] + (found[4] or "")
            keys.append(_Key(int(found[1]), int(found[3]) if found[3] else None, flags or general, separator))
    return keys or [_Key(flags=general)]
