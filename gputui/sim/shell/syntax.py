"""The simulated shell's grammar: quotes, variables, pipes, redirections, `;`, `&&` and `||`. Pure, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_OPERATORS = ("&&", "||", ">>", ";", "|", ">", "<", "&", "\n")
_VARIABLE = re.compile(r"\$(?:\{(\w+|\?|#)\}|(\w+|\?|#|\$))")


class ShellSyntaxError(Exception):
    """A command line bash would refuse to parse."""


@dataclass
class Command:
    """One simple command: its words, and the file its output goes to."""

    words: list[str] = field(default_factory=list)
    to_file: str | None = None
    append: bool = False
    from_file: str | None = None
    blank: bool = False
    """A variable that is not set stood where a word could."""
    quiet: bool = False
    """What it complains about goes nowhere."""

    def __bool__(self) -> bool:
        return bool(self.words) or self.blank or self.to_file is not None or self.from_file is not None


@dataclass
class Step:
    """A pipeline, and when it runs: always (""), after success ("&&") or after failure ("||")."""

    when: str
    pipeline: list[Command]


@dataclass
class _Token:
    text: str
    operator: bool = False
    blank: bool = False
    quiet: bool = False


def parse(line: str, lookup: Callable[[str], str]) -> list[Step]:
    """The steps of a command line, variables replaced by what ``lookup`` says. Raises ShellSyntaxError."""
    steps: list[Step] = []
    when, pipeline, command = "", [Command()], Command()
    pipeline[0] = command
    tokens = iter(_tokens(line, lookup))

    def finish() -> None:
        nonlocal pipeline, command
        if command:
            steps.append(Step(when, pipeline))
        elif len(pipeline) > 1 or when:
            raise ShellSyntaxError("syntax error: unexpected end of file")
        command = Command()
        pipeline = [command]

    for token in tokens:
        if token.blank:
            command.blank = True
        elif token.quiet:
            command.quiet = True
        elif not token.operator:
            command.words.append(token.text)
        elif token.text in (">", ">>", "<"):
            target = next(tokens, None)
            if target is None or target.operator or target.quiet:
                raise ShellSyntaxError("syntax error near unexpected token `newline'")
            if token.text == "<":
                command.from_file = target.text
            else:
                command.to_file, command.append = target.text, token.text == ">>"
        elif token.text == "|":
            if not command:
                raise ShellSyntaxError("syntax error near unexpected token `|'")
            command = Command()
            pipeline.append(command)
        else:
            if not command and token.text != "\n":
                raise ShellSyntaxError(f"syntax error near unexpected token `{token.text}'")
            finish()
            when = token.text if token.text in ("&&", "||") else ""
    finish()
    return steps


def _tokens(line: str, lookup: Callable[[str], str]) -> list[_Token]:
    tokens: list[_Token] = []
    word: str | None = None
    blank = False
    place = 0

    def end() -> None:
        nonlocal word, blank
        if word is not None:
            tokens.append(_Token(word))
        elif blank:
            tokens.append(_Token("", blank=True))
        word, blank = None, False

    while place < len(line):
        char = line[place]
        silent = re.match(r"2>(?:&1|\s*/dev/null)", line[place:]) if word is None else None
        if silent:
            end()
            if silent[0].endswith("null"):
                tokens.append(_Token("", quiet=True))
            place += silent.end()
            continue
        operator = next((op for op in _OPERATORS if line.startswith(op, place)), None)
        if char == "#" and word is None:
            place = line.find("\n", place) if "\n" in line[place:] else len(line)
        elif operator:
            end()
            tokens.append(_Token(operator, operator=True))
            place += len(operator)
        elif char.isspace():
            end()
            place += 1
        else:
            text, place = _part(line, place, lookup)
            if text is not None:
                word = (word or "") + text
            elif word is None:
                blank = True
    end()
    return tokens


def _part(line: str, place: int, lookup: Callable[[str], str]) -> tuple[str | None, int]:
    """A piece of a word, and where it ends; None is a variable that is not set.

    A variable's value is not split into words: enough for a shell nobody scripts in.
    """
    char = line[place]
    if char == "'":
        close = line.find("'", place + 1)
        if close < 0:
            raise ShellSyntaxError("unexpected EOF while looking for matching `''")
        return line[place + 1 : close], close + 1
    if char == '"':
        return _double_quoted(line, place + 1, lookup)
    if char == "\\" and place + 1 < len(line):
        return line[place + 1], place + 2
    if found := _VARIABLE.match(line, place):
        return lookup(found[1] or found[2]) or None, found.end()
    return char, place + 1


def _double_quoted(line: str, place: int, lookup: Callable[[str], str]) -> tuple[str, int]:
    text = ""
    while place < len(line):
        char = line[place]
        if char == '"':
            return text, place + 1
        if char == "\\" and line[place + 1 : place + 2] in ('"', "\\", "$", "`"):
            text += line[place + 1]
            place += 2
        elif char == "$" and (found := _VARIABLE.match(line, place)):
            text += lookup(found[1] or found[2])
            place = found.end()
        else:
            text += char
            place += 1
    raise ShellSyntaxError("unexpected EOF while looking for matching `\"'")
