"""grep, and regular expressions in the syntax of POSIX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import File
from gputui.sim.shell.language.patterns import character_class
from gputui.sim.shell.programs.options import parsed

from .inputs import BLOCK_BYTES, MOST_BYTES, count_of

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_Hit = tuple[int, str]
"""A line to show: its number and the text."""
_BRACKET = re.compile(r"\[(\^?)(\]?(?:\[:\w+:\]|[^\]])*)\]")


async def grep(shell: Shell, words: list[str]) -> int:
    """``grep [-EFivwxcnohHlLqsr] [-m N] [-A N] [-B N] [-C N] [-e] PATTERN [FILE...]``"""
    options, names = parsed(words, "xFEGqvicnshHlLowe:m:rRaA:B:C:", long={"color": ""})
    if "e" not in options:
        if not names:
            await shell.error("Usage: grep [OPTION]... PATTERNS [FILE]...")
            return 2
        options["e"], names = names[0], names[1:]
    try:
        wanted = _expression(options)
    except re.error:
        await shell.error("grep: Invalid regular expression")
        return 2
    deep = bool({"r", "R"} & options.keys())
    labelled = ("H" in options or len(names) > 1 or deep) and "h" not in options
    found, errors = False, False
    for name in _files(shell, names or ["."]) if deep else names or ["-"]:
        try:
            data = await shell.streams[0].rest(MOST_BYTES) if name == "-" else shell.open(name).read(0, MOST_BYTES)
        except OSError as problem:
            errors = True
            if "s" not in options:
                await shell.error(f"grep: {name}: {problem.strerror}")
            continue
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        lines = lines[:-1] if lines[-1] == "" else lines
        hits = _hits(lines, wanted, options)
        found = found or bool(hits) != ("L" in options)
        if "q" in options and hits:
            return 0
        await shell.out(_shown("(standard input)" if name == "-" else name, lines, hits, options, labelled=labelled))
    return 2 if errors and not found else 0 if found else 1


def _files(shell: Shell, names: Iterable[str]) -> Iterator[str]:
    """The names of the files below some places."""
    for name in names:
        start = shell.path(name)
        if not shell.files.exists(start):
            yield name
            continue
        for path, node in shell.files.walk(start):
            if isinstance(node, File):
                yield name.rstrip("/") + path[len(start) :]


def _shown(label: str, lines: list[str], hits: list[_Hit], options: dict[str, str], *, labelled: bool) -> str:
    """The output for one file."""
    if "q" in options:
        return ""
    if {"l", "L"} & options.keys():
        return f"{label}\n" if bool(hits) == ("l" in options) else ""
    prefix = label if labelled else ""
    if "c" in options:
        return f"{prefix}{':' * labelled}{len(hits)}\n"
    before, after = (count_of(options.get(side, options.get("C", ""))) for side in "BA")
    if not before and not after:
        return "".join(_line(prefix, ":", number, text, options) for number, text in hits)
    numbers = {number for number, _ in hits}
    near = sorted({other for number in numbers for other in range(number - before, number + after + 1)})
    shown, last = [], 0
    for number in near:
        if not 1 <= number <= len(lines):
            continue
        if last and number > last + 1:
            shown.append("--\n")
        shown.append(_line(prefix, ":" if number in numbers else "-", number, lines[number - 1], options))
        last = number
    return "".join(shown)


def _line(prefix: str, sign: str, number: int, text: str, options: dict[str, str]) -> str:
    return f"{prefix}{sign if prefix else ''}{f'{number}{sign}' if 'n' in options else ''}{text}\n"


def _expression(options: dict[str, str]) -> re.Pattern[str]:
    text = options["e"]
    parts = text.split("\n")
    if "F" in options:
        parts = [re.escape(part) for part in parts]
    else:
        parts = [expression(part, extended="E" in options) for part in parts]
    whole = "|".join(f"(?:{part})" for part in parts)
    whole = rf"\b(?:{whole})\b" if "w" in options else f"(?:{whole})"
    return re.compile(rf"\A{whole}\Z" if "x" in options else whole, re.IGNORECASE if "i" in options else 0)


def _hits(lines: list[str], wanted: re.Pattern[str], options: dict[str, str]) -> list[_Hit]:
    most = count_of(options["m"]) if "m" in options else len(lines)
    hits: list[_Hit] = []
    for number, line in enumerate(lines, 1):
        if len(hits) >= most:
            break
        if (wanted.search(line[:BLOCK_BYTES]) is None) == ("v" in options):
            if "o" in options and "v" not in options:
                hits += [(number, found[0]) for found in wanted.finditer(line[:BLOCK_BYTES]) if found[0]]
            else:
                hits.append((number, line))
    return hits


def expression(text: str, *, extended: bool = False) -> str:
    """Return a POSIX regular expression in the syntax of ``re``."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        char = text[place]
        if char == "[" and (found := _BRACKET.match(text, place)):
            parts.append(f"[{found[1]}{character_class(found[2])}]")
            place = found.end()
            continue
        if char == "\\" and place + 1 < len(text):
            following = text[place + 1]
            parts.append(following if not extended and following in "(){}+?|" else f"\\{following}")
            place += 2
            continue
        if not extended and char in "(){}+?|":
            parts.append(f"\\{char}")
        elif not extended and char == "*" and (not parts or parts[-1] in ("(", "|", "^")):
            parts.append("\\*")
        else:
            parts.append(char)
        place += 1
    return "".join(parts)
