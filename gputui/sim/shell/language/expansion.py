"""The expansions of the simulated shell: parameters, commands, arithmetic, word splitting and file names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .arithmetic import evaluate
from .errors import ShellExitError
from .patterns import matches
from .tree import Arithmetic, Parameter, Part, Substitution, Text, Word

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_BLANKS = " \t\n"
LARGEST = 1 << 20
"""Characters of an expanded word: what is longer ends the shell."""
Segment = tuple[str, bool]
"""A piece of a field, and whether it was quoted."""


async def fields_of(shell: Shell, word: Word) -> list[str]:
    """Return the fields of a word: split at blanks, file names in place of patterns."""
    found: list[str] = []
    for segments in await _split(shell, word):
        text = "".join(text for text, _ in segments)
        names = _names(shell, segments)
        found += names or [text]
    return found


async def text_of(shell: Shell, word: Word) -> str:
    """Return a word as one text, neither split nor matched with file names."""
    return "".join([text for text, _ in await _segments(shell, word)])


async def pattern_of(shell: Shell, word: Word) -> str:
    """Return a word as a pattern in which what was quoted has no special characters."""
    return "".join(re.sub(r"([*?\[\]\\])", r"\\\1", text) if quoted else text
                   for text, quoted in await _segments(shell, word))  # fmt: skip


def split_blanks(text: str, separators: str = _BLANKS) -> list[str]:
    """Return the fields of a text, split at the characters of IFS."""
    if not separators:
        return [text] if text else []
    blanks = "".join(char for char in separators if char in _BLANKS)
    others = "".join(char for char in separators if char not in _BLANKS)
    if not others:
        return [piece for piece in re.split(f"[{re.escape(blanks)}]+", text) if piece]
    around = f"[{re.escape(blanks)}]*" if blanks else ""
    pieces = re.split(f"{around}[{re.escape(others)}]{around}", text.strip(blanks) if blanks else text)
    return pieces[:-1] if pieces[-1:] == [""] else pieces


async def _split(shell: Shell, word: Word) -> list[list[Segment]]:
    """The segments of each field."""
    found: list[list[Segment]] = []
    field: list[Segment] | None = None
    separators = shell.variables.get("IFS", _BLANKS)
    for number, part in enumerate(word):
        if isinstance(part, Text):
            text = _tilde(shell, part.text) if number == 0 and not part.quoted else part.text
            field = [*(field or ()), (text, part.quoted)]
            continue
        if isinstance(part, Parameter) and part.name == "@" and not part.operator:
            for place, argument in enumerate(shell.arguments):
                if place and field is not None:
                    found.append(field)
                    field = None
                field = [*(field or ()), (argument, True)]
            continue
        if (
            isinstance(part, Parameter)
            and part.operator
            and not part.quoted
            and (inner := await _alternative(shell, part))
        ):
            pieces = await _split(shell, inner)
            if pieces:
                found += [[*(field or ()), *pieces[0]], *pieces[1:]]
                field = found.pop()
            continue
        value = await _value(shell, part)
        if part.quoted:
            field = [*(field or ()), (value, True)]
            continue
        pieces_of = split_blanks(value, separators)
        if value[:1] in _BLANKS and value and field is not None:
            found.append(field)
            field = None
        for place, piece in enumerate(pieces_of):
            if place and field is not None:
                found.append(field)
                field = None
            field = [*(field or ()), (piece, False)]
        if pieces_of and value[-1:] in _BLANKS and field is not None:
            found.append(field)
            field = None
    return [*found, field] if field is not None else found


async def _segments(shell: Shell, word: Word) -> list[Segment]:
    found: list[Segment] = []
    for number, part in enumerate(word):
        if isinstance(part, Text):
            text = _tilde(shell, part.text) if number == 0 and not part.quoted else part.text
            found.append((text, part.quoted))
        else:
            found.append((await _value(shell, part), part.quoted))
    if sum(len(text) for text, _ in found) > LARGEST:
        await shell.error(f"{shell.name}: xmalloc: cannot allocate memory")
        raise ShellExitError(2)
    return found


def _tilde(shell: Shell, text: str) -> str:
    return shell.variables.get("HOME", shell.home) + text[1:] if text == "~" or text.startswith("~/") else text


async def _value(shell: Shell, part: Part) -> str:
    if isinstance(part, Substitution):
        return (await shell.captured(part.commands)).rstrip("\n")
    if isinstance(part, Arithmetic):
        return str(evaluate(await text_of(shell, part.word), shell.lookup))
    if isinstance(part, Text):
        return part.text
    if part.operator:
        return await _modified(shell, part)
    return shell.lookup(part.name)


async def _alternative(shell: Shell, part: Parameter) -> Word:
    """The word of an unquoted ``${name-word}`` or ``${name+word}`` that replaces the parameter; () without one."""
    given = shell.is_set(part.name) and (not part.operator.startswith(":") or bool(shell.lookup(part.name)))
    sign = part.operator[-1]
    return part.word if (sign == "-" and not given) or (sign == "+" and given) else ()


async def _modified(shell: Shell, part: Parameter) -> str:
    value = shell.lookup(part.name)
    operator = part.operator
    if operator == "length":
        return str(len(value))
    if operator[0] in "#%":
        return _trimmed(value, await pattern_of(shell, part.word), operator)
    given = shell.is_set(part.name) and (not operator.startswith(":") or bool(value))
    match operator[-1]:
        case "+":
            return await text_of(shell, part.word) if given else ""
        case _ if given:
            return value
        case "?":
            await shell.error(f"{shell.name}: {part.name}: {await text_of(shell, part.word) or 'parameter not set'}")
            raise ShellExitError(1)
        case "=":
            shell.variables[part.name] = await text_of(shell, part.word)
            return shell.variables[part.name]
        case _:
            return await text_of(shell, part.word)


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


def _names(shell: Shell, segments: Sequence[Segment]) -> list[str]:
    """The file names that match a field with patterns, in order; [] for a field without."""
    if not any(char in text for text, quoted in segments if not quoted for char in "*?["):
        return []
    pattern = "".join(re.sub(r"([*?\[\]\\])", r"\\\1", text) if quoted else text for text, quoted in segments)
    parts = pattern.split("/")
    found = [("/", "/")] if pattern.startswith("/") else [("", shell.cwd)]
    for part in parts:
        if part:
            found = [step for place in found for step in _step(shell, *place, part)]
    return sorted(name for name, _ in found)


def _step(shell: Shell, shown: str, place: str, pattern: str) -> Iterator[tuple[str, str]]:
    """The entries of a directory that match a part of a pattern."""
    prefix = shown if shown in ("", "/") else f"{shown}/"
    if not any(char in pattern for char in "*?["):
        name = pattern.replace("\\", "")
        if shell.files.exists(f"{place.rstrip('/')}/{name}"):
            yield prefix + name, f"{place.rstrip('/')}/{name}"
        return
    for name in shell.files.names(place):
        if matches(pattern, name) and (not name.startswith(".") or pattern.startswith(".")):
            yield prefix + name, f"{place.rstrip('/')}/{name}"
