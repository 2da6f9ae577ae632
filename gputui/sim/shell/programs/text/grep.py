"""grep, and regular expressions in the syntax of POSIX."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gputui.sim.machines.nodes import File
from gputui.sim.shell.language.patterns import character_class
from gputui.sim.shell.programs.options import parsed

from .inputs import BLOCK_BYTES, MOST_BYTES, batches, count_of

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

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
            seen = await _search(shell, name, wanted, options, labelled=labelled)
        except OSError as problem:
            errors = True
            if "s" not in options:
                await shell.error(f"grep: {name}: {problem.strerror}")
            continue
        if seen and "q" in options:
            return 0
        found = found or seen != ("L" in options)
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


async def _search(
    shell: Shell, name: str, wanted: re.Pattern[str], options: dict[str, str], *, labelled: bool
) -> bool:
    """Search a file and write what is to be shown of it: lines as they come, counts and names at the end."""
    label = "(standard input)" if name == "-" else name
    prefix = label if labelled else ""
    before, after = (count_of(options.get(side, options.get("C", ""))) for side in "BA")
    most = 1 if {"q", "l", "L"} & options.keys() else count_of(options["m"]) if "m" in options else MOST_BYTES
    number = count = last = until = 0
    recent: deque[str] = deque(maxlen=before)
    async for lines in batches(shell, name):
        shown = []
        for number, line in enumerate(lines, number + 1):  # noqa: B020  (it continues)
            if hits := _hits(line, wanted, options) if count < most else []:
                first = number - len(recent)
                shown += ["--\n"] if last and first > last + 1 and (before or after) else []
                shown += [_line(prefix, "-", first + place, text, options) for place, text in enumerate(recent)]
                shown += [_line(prefix, ":", number, text, options) for text in hits]
                recent.clear()
                count, last, until = count + 1, number, number + after
            elif number <= until:
                shown.append(_line(prefix, "-", number, line, options))
                last = number
            else:
                recent.append(line)
        if not {"q", "c", "l", "L"} & options.keys():
            await shell.out("".join(shown))
        if count >= most and number >= until:
            break
    if "c" in options:
        await shell.out(f"{prefix}{':' * labelled}{count}\n")
    elif ("l" in options and count) or ("L" in options and not count):
        await shell.out(f"{label}\n")
    return bool(count)


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


def _hits(line: str, wanted: re.Pattern[str], options: dict[str, str]) -> list[str]:
    """The texts to show of a line, none for one that is not wanted."""
    part = line[:BLOCK_BYTES]
    if (wanted.search(part) is None) != ("v" in options):
        return []
    return (
        [found[0] for found in wanted.finditer(part) if found[0]] if "o" in options and "v" not in options else [line]
    )


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
