"""The expansions of the simulated shell: parameters, commands, arithmetic, word splitting and file names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .arithmetic import evaluate
from .patterns import escaped, is_pattern, matches
from .tree import Arithmetic, Parameter, Substitution, Text, Word

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

BLANKS = " \t\n"
"""The characters of IFS where that is not set."""
LARGEST = 1 << 20
"""Characters of an expanded word: what is longer ends the shell."""


class Segment(NamedTuple):
    """A piece of a word. Only one that is not ``quoted`` has patterns; only one that ``splits`` is split at IFS."""

    text: str
    quoted: bool
    splits: bool = False


_Pieces = list[Segment | None]
"""The segments of a word; None where a field ends for certain, as between the arguments of ``"$@"``."""


async def fields_of(shell: Shell, word: Word) -> list[str]:
    """Return the fields of a word: split at the characters of IFS, file names in place of patterns."""
    found: list[str] = []
    for field in _split(await _pieces(shell, word), shell.variables.get("IFS", BLANKS)):
        found += _names(shell, field) or ["".join(segment.text for segment in field)]
    return found


async def text_of(shell: Shell, word: Word, *, assigned: bool = False) -> str:
    """Return a word as one text, neither split nor matched with file names.

    One that is ``assigned`` to a variable may have ``~`` after each colon.
    """
    pieces = await _pieces(shell, word, assigned=assigned)
    return "".join(" " if segment is None else segment.text for segment in pieces)


async def pattern_of(shell: Shell, word: Word) -> str:
    """Return a word as a pattern in which what was quoted has no special characters."""
    return _pattern(segment for segment in await _pieces(shell, word) if segment is not None)


def _pattern(segments: Iterable[Segment]) -> str:
    return "".join(escaped(segment.text) if segment.quoted else segment.text for segment in segments)


@lru_cache(maxsize=16)
def delimiters(separators: str) -> re.Pattern[str]:
    """Return the pattern of what ends a field for a value of IFS: one character with the blanks around, or blanks."""
    blanks = "".join(char for char in separators if char in BLANKS)
    others = "".join(char for char in separators if char not in BLANKS)
    blank = f"[{re.escape(blanks)}]" if blanks else "(?!)"
    return re.compile(f"{blank}*+[{re.escape(others)}]{blank}*+|{blank}++" if others else f"{blank}++")


def _split(pieces: _Pieces, separators: str) -> Iterator[list[Segment]]:
    """The segments of each field."""
    field: list[Segment] | None = None
    for segment in pieces:
        if segment is None:
            if field is not None:
                yield field
            field = None
            continue
        if not segment.splits:
            field = [*(field or ()), segment]
            continue
        place = 0
        for found in delimiters(separators).finditer(segment.text):
            if text := segment.text[place : found.start()]:
                field = [*(field or ()), Segment(text, quoted=False)]
            place = found.end()
            if field is not None or found[0].strip(BLANKS):
                yield field or []
            field = None
        if text := segment.text[place:]:
            field = [*(field or ()), Segment(text, quoted=False)]
    if field is not None:
        yield field


async def _pieces(shell: Shell, word: Word, *, assigned: bool = False, splits: bool = False) -> _Pieces:
    """Expand a word; its own unquoted texts are split where it ``splits``."""
    found: _Pieces = []
    for number, part in enumerate(word):
        if isinstance(part, Text):
            ends = not number, number == len(word) - 1
            text = part.text if part.quoted else _tilde(shell, part.text, *ends, assigned=assigned)
            found.append(Segment(text, part.quoted, splits and not part.quoted))
        elif isinstance(part, Parameter):
            found += await _parameter(shell, part)
        else:
            found.append(Segment(await _value(shell, part), part.quoted, not part.quoted))
    if sum(len(segment.text) for segment in found if segment is not None) > LARGEST:
        await shell.fail("xmalloc: cannot allocate memory")
    return found


def _tilde(shell: Shell, text: str, first: bool, last: bool, *, assigned: bool) -> str:
    """A text with the home directory for ``~`` as the first part of a path, after each colon in an assignment.

    ``first`` and ``last`` say which ends of the word it has.
    """
    if "~" not in text:
        return text
    home = shell.variables.get("HOME", shell.home)
    parts = text.split(":") if assigned else [text]
    for place, part in enumerate(parts):
        begins = first or place > 0
        ends = "/" in part or last or place < len(parts) - 1
        if part.partition("/")[0] == "~" and begins and ends:
            parts[place] = home + part[1:]
    return ":".join(parts)


async def _value(shell: Shell, part: Substitution | Arithmetic) -> str:
    if isinstance(part, Substitution):
        return (await shell.captured(part.commands)).rstrip("\n")
    text = await text_of(shell, part.word)
    try:
        return str(evaluate(text, shell.lookup, shell.variables.assign))
    except ValueError as problem:
        await shell.fail(f"{text.strip()}: {problem}")


async def _parameter(shell: Shell, part: Parameter) -> _Pieces:
    """The value of a parameter, or the word of its operator."""
    name, operator, quoted = part.name, part.operator, part.quoted
    if operator == "length":
        return [Segment(str(len(shell.lookup(name))), quoted)]
    if operator and operator[0] in "#%":
        text = _trimmed(shell.lookup(name), await pattern_of(shell, part.word), operator)
        return [Segment(text, quoted, not quoted)]
    given = shell.is_set(name) and (not operator.startswith(":") or bool(shell.lookup(name)))
    match operator[-1:]:
        case "+" if not given:
            return [Segment("", quoted, not quoted)]
        case "+":
            return await _word(shell, part)
        case _ if given:
            return _given(shell, part)
        case "-":
            return await _word(shell, part)
        case "=":
            await shell.assign(name, await text_of(shell, part.word))
        case "?":
            await shell.fail(f"{name}: {await text_of(shell, part.word) or 'parameter not set'}")
        case _ if "u" in shell.options and name not in ("@", "*"):
            await shell.fail(f"{name}: unbound variable")
    return _given(shell, part)


async def _word(shell: Shell, part: Parameter) -> _Pieces:
    """The word that replaces a parameter: as one text where that is quoted, else split."""
    pieces = await _pieces(shell, part.word, splits=not part.quoted)
    if part.quoted:
        pieces = [None if segment is None else Segment(segment.text, quoted=True) for segment in pieces]
    return pieces or [Segment("", part.quoted, not part.quoted)]


def _given(shell: Shell, part: Parameter) -> _Pieces:
    if part.name not in ("@", "*") or (part.quoted and part.name == "*"):
        return [Segment(shell.lookup(part.name), part.quoted, not part.quoted)]
    found: _Pieces = []
    for argument in shell.arguments:
        found += [Segment(argument, part.quoted, not part.quoted), None]
    return found[:-1]


def _trimmed(value: str, pattern: str, operator: str) -> str:
    """The value without the shortest or longest part at its start or end that matches."""
    places: Iterable[int] = range(min(len(value), 4096) + 1)
    if operator in ("##", "%"):
        places = reversed(list(places))
    for place in places:
        if operator[0] == "#" and matches(pattern, value[:place]):
            return value[place:]
        if operator[0] == "%" and matches(pattern, value[place:]):
            return value[:place]
    return value


def _names(shell: Shell, field: Sequence[Segment]) -> list[str]:
    """The file names that match a field with patterns, in order; [] for a field without."""
    if "f" in shell.options or not any(is_pattern(segment.text) for segment in field if not segment.quoted):
        return []
    pattern = _pattern(field)
    found = [("/", "/")] if pattern.startswith("/") else [("", shell.cwd)]
    for part in pattern.split("/"):
        if part:
            found = [step for place in found for step in _step(shell, *place, part)]
    return sorted(name for name, _ in found)


def _step(shell: Shell, shown: str, place: str, pattern: str) -> Iterator[tuple[str, str]]:
    """The entries of a directory that match a part of a pattern."""
    prefix = shown if shown in ("", "/") else f"{shown}/"
    if not is_pattern(pattern):
        name = re.sub(r"\\(.)", r"\1", pattern)
        if shell.files.exists(f"{place.rstrip('/')}/{name}"):
            yield prefix + name, f"{place.rstrip('/')}/{name}"
        return
    for name in shell.files.names(place):
        if matches(pattern, name) and (not name.startswith(".") or pattern.startswith(".")):
            yield prefix + name, f"{place.rstrip('/')}/{name}"
