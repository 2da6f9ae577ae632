"""A part of sed: addresses, blocks, and the commands for single lines."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gputui.sim.shell.programs.options import parsed

from .grep import expression
from .inputs import batches

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_LONGEST_LINE = 65_536
_ADDRESS = re.compile(r"\s*(?:(\d{1,9})|(\$)|/((?:[^/\\]|\\.)*)/)\s*")
_TEXT = re.compile(r"[ \t]*(?:\\\n)?((?:[^\\\n]|\\.)*)", re.DOTALL)
_COMMAND = re.compile(r"\s*(!?)\s*([pdq={}aic]|[sy](.))")


class SedError(Exception):
    """A script that is not understood."""


@dataclass
class _Edit:
    """A command for the lines from ``first`` to ``last``."""

    first: str | re.Pattern[str] | None
    last: str | re.Pattern[str] | None
    negated: bool
    name: str
    pattern: re.Pattern[str] | None = None
    replacement: str = ""
    flags: str = ""
    table: dict[int, str] = field(default_factory=dict)
    end: int = 0
    """Of a block: the number of the first command after it."""
    inside: bool = False


class Editor:
    """The commands of a script, applied to a line at a time. Raises SedError, re.error."""

    def __init__(self, script: str, *, silent: bool = False, extended: bool = False) -> None:
        self._edits = _edits(script, extended)
        self._silent = silent
        self._number = 0
        self.ended = False
        """Whether ``q`` has ended the work."""
        self.looks_ahead = any("$" in (edit.first, edit.last) for edit in self._edits)
        """Whether it matters which line is the last one."""

    def edited(self, line: str, *, last: bool) -> str:
        """Return the output for the next line."""
        self._number += 1
        written: list[str] = []
        after: list[str] = []
        place = 0
        while place < len(self._edits) and not self.ended:
            edit = self._edits[place]
            place += 1
            if _applies(edit, line, self._number, last) == edit.negated:
                place = edit.end or place
                continue
            match edit.name:
                case "p":
                    written.append(line)
                case "=":
                    written.append(str(self._number))
                case "i":
                    written.append(edit.replacement)
                case "a":
                    after.append(edit.replacement)
                case "c":
                    return _lines([*written, edit.replacement])
                case "d":
                    return _lines(written + after)
                case "q":
                    self.ended = True
                case "y":
                    line = line.translate(edit.table)
                case "s":
                    line, changed = _substituted(edit, line[:_LONGEST_LINE])
                    if changed and "p" in edit.flags:
                        written.append(line)
        return _lines([*written, *([] if self._silent else [line]), *after])


def _lines(texts: list[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def _substituted(edit: _Edit, line: str) -> tuple[str, bool]:
    """A line after ``s``, and whether that has changed it: each match with ``g``, that of a number, or the first."""
    assert edit.pattern is not None  # noqa: S101  (every s has one)
    wanted = int("".join(filter(str.isdecimal, edit.flags)) or 1)
    number, end, changed = 0, -1, False

    def replaced(found: re.Match[str]) -> str:
        nonlocal number, end, changed
        if found.start() == found.end() == end:
            return ""  # nothing is matched right after a match
        number, end = number + 1, found.end()
        if number != wanted and not ("g" in edit.flags and number > wanted):
            return found[0]
        changed = True
        return _filled(edit.replacement, found)

    return edit.pattern.sub(replaced, line), changed


def _edits(script: str, extended: bool) -> list[_Edit]:
    edits: list[_Edit] = []
    blocks: list[_Edit] = []
    place = 0
    while place < len(script):
        if script[place] in " \t\n;":
            place += 1
            continue
        first, place = _address(script, place, extended)
        last = first
        if script.startswith(",", place):
            last, place = _address(script, place + 1, extended)
        found = _COMMAND.match(script, place)
        if found is None:
            raise SedError(f"char {place + 1}: unknown command: `{script[place : place + 1]}'")
        edit = _Edit(first, last if last is not first else None, bool(found[1]), found[2][0])
        place = found.end()
        if edit.name == "}":
            if not blocks:
                raise SedError(f"char {place}: unexpected `}}'")
            blocks.pop().end = len(edits)
            continue
        if edit.name == "{":
            blocks.append(edit)
        elif edit.name in "aic":
            text = _TEXT.match(script, place)
            edit.replacement, place = (
                (re.sub(r"\\(.)", r"\1", text[1], flags=re.DOTALL), text.end()) if text else ("", place)
            )
        elif found[3]:
            pattern, place = _until(script, place, found[3])
            edit.replacement, place = _until(script, place, found[3])
            place = _complete(edit, pattern, script, place, extended)
        edits.append(edit)
    if blocks:
        raise SedError("char 0: unmatched `{'")
    return edits


def _complete(edit: _Edit, pattern: str, script: str, place: int, extended: bool) -> int:
    """Add the pattern to ``s`` or ``y``; the place after its flags."""
    if edit.name == "y":
        if len(pattern) != len(edit.replacement):
            raise SedError("strings for `y' command are different lengths")
        edit.table = {ord(one): other for one, other in zip(pattern, edit.replacement, strict=True)}
        return place
    flags = re.compile("[gpiI0-9]*").match(script, place)
    edit.flags = flags[0] if flags else ""
    ignore = re.IGNORECASE if "i" in edit.flags.lower() else 0
    edit.pattern = re.compile(expression(pattern, extended=extended), ignore)
    return place + len(edit.flags)


def _address(script: str, place: int, extended: bool) -> tuple[str | re.Pattern[str] | None, int]:
    found = _ADDRESS.match(script, place)
    if found is None:
        return None, place
    if found[3] is not None:
        return re.compile(expression(found[3].replace("\\/", "/"), extended=extended)), found.end()
    return found[1] or "$", found.end()


def _until(script: str, place: int, end: str) -> tuple[str, int]:
    start = place
    while place < len(script) and script[place] != end:
        place += 2 if script[place] == "\\" else 1
    if place >= len(script):
        raise SedError(f"char {len(script)}: unterminated `s' command")
    return script[start:place].replace(f"\\{end}", end), place + 1


def _applies(edit: _Edit, line: str, number: int, last: bool) -> bool:
    if edit.first is None:
        return True
    if edit.inside:
        if edit.last is not None and _is(edit.last, line, number, last):
            edit.inside = False
        return True
    if not _is(edit.first, line, number, last):
        return False
    edit.inside = edit.last is not None and not (
        isinstance(edit.last, str) and edit.last.isdecimal() and int(edit.last) <= number
    )
    return True


def _is(address: str | re.Pattern[str], line: str, number: int, last: bool) -> bool:
    if isinstance(address, re.Pattern):
        return address.search(line[:_LONGEST_LINE]) is not None
    return last if address == "$" else number == int(address)


def _filled(replacement: str, found: re.Match[str]) -> str:
    def one(part: re.Match[str]) -> str:
        if part[0] == "&":
            return found[0]
        if part[1].isdecimal():
            return (found[int(part[1])] or "") if int(part[1]) <= (found.re.groups) else ""
        return {"n": "\n", "t": "\t"}.get(part[1], part[1])

    return re.sub(r"\\(.)|&", one, replacement)


async def sed(shell: Shell, words: list[str]) -> int:
    """``sed [-n] [-E] [-i] SCRIPT [FILE...]``"""
    options, names = parsed(words, "nEre:is")
    if "e" not in options:
        if not names:
            await shell.error("Usage: sed [OPTION]... {script} [input-file]...")
            return 1
        options["e"], names = names[0], names[1:]
    shell.status = 0

    def editor() -> Editor:
        return Editor(options["e"], silent="n" in options, extended=bool({"E", "r"} & options.keys()))

    try:
        if "i" not in options:
            await _edit(editor(), _all_lines(shell, names or ["-"]), shell.out)
        for name in names if "i" in options else ():
            texts: list[str] = []

            async def keep(text: str, texts: list[str] = texts) -> None:
                texts.append(text)

            await _edit(editor(), _all_lines(shell, [name]), keep)
            shell.files.write(
                shell.open(name, write=True, truncate=True), 0, "".join(texts).encode("utf-8", "replace")
            )
    except (SedError, re.error) as problem:
        await shell.error(f"sed: -e expression #1: {problem}")
        return 1
    return 2 if shell.status else 0


async def _all_lines(shell: Shell, names: list[str]) -> AsyncIterator[list[str]]:
    for name in names:
        try:
            async for lines in batches(shell, name):
                yield lines
        except OSError as problem:
            shell.status = 1
            await shell.error(f"sed: can't read {name}: {problem.strerror}")


async def _edit(editor: Editor, source: AsyncIterator[list[str]], write: Callable[[str], Awaitable[None]]) -> None:
    """Edit lines as they come; where the last one matters, each once there is another."""
    waiting: list[str] = []
    async for lines in source:
        lines = [*waiting, *lines]  # noqa: PLW2901
        waiting = [lines.pop()] if editor.looks_ahead and lines else []
        await write("".join(editor.edited(line, last=False) for line in lines if not editor.ended))
        if editor.ended:
            return
    for line in waiting:
        await write(editor.edited(line, last=True))
