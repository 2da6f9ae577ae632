"""grep, and regular expressions in the syntax of POSIX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gputui.sim.shell.programs.options import parsed

from .inputs import BLOCK_BYTES, MOST_BYTES, count_of, opened

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell


async def grep(shell: Shell, words: list[str]) -> int:
    options, names = parsed(words, "xFEGqvicnshHlowe:m:rRa", long={"color": ""})
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
    shown = ("H" in options or len(names) > 1) and "h" not in options
    found, shell.status = 0, 0
    errors = False
    for name in names or ["-"]:
        label = "(standard input)" if name == "-" else name
        try:
            data = await shell.streams[0].rest(MOST_BYTES) if name == "-" else opened(shell, name).read(0, MOST_BYTES)
        except OSError as problem:
            errors = True
            if "s" not in options:
                await shell.error(f"grep: {name}: {problem.strerror}")
            continue
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        hits = _hits(lines[:-1] if lines[-1] == "" else lines, wanted, options)
        found += len(hits)
        if "q" in options:
            if hits:
                return 0
            continue
        prefix = f"{label}:" if shown else ""
        if "c" in options:
            await shell.out(f"{prefix}{len(hits)}\n")
        elif "l" in options:
            await shell.out(f"{label}\n" if hits else "")
        else:
            numbered = "n" in options
            await shell.out("".join(f"{prefix}{f'{number}:' if numbered else ''}{line}\n" for number, line in hits))
    return 2 if errors and not found else 0 if found else 1


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


def _hits(lines: list[str], wanted: re.Pattern[str], options: dict[str, str]) -> list[tuple[int, str]]:
    most = count_of(options["m"]) if "m" in options else len(lines)
    hits: list[tuple[int, str]] = []
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
        if char == "[" and (found := re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]").match(text, place)):
            inside = found[0].replace("\\", "\\\\")
            for name, chars in (("digit", "0-9"), ("space", r"\s"), ("alpha", "a-zA-Z"), ("alnum", "a-zA-Z0-9"),
                                ("xdigit", "0-9a-fA-F"), ("upper", "A-Z"), ("lower", "a-z")):  # fmt: skip
                inside = inside.replace(f"[:{name}:]", chars)
            parts.append(re.sub(r"(?<=.)\[", r"\\[", inside))
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
