"""The syntax of the simulated shell: quotes, variables, `;`, `&&`, `||`, redirections. Pure; runs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<blank>[^\S\n]+|\#[^\n]*)
    |(?P<redirection>2>&1|>&2|2?>>?|<)
    |(?P<separator>&&|\|\||[;&|\n])
    |'(?P<literal>[^']*)'
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |\\(?P<escaped>.?)
    |\$(?P<variable>\w+|[?$\#]|\{(?:\w+|[?\#])\})
    |(?P<plain>[^\s;&|<>'"\\$]+|\$)""",
    re.VERBOSE | re.DOTALL,
)
_IN_QUOTES = re.compile(r'\\(["\\$`])|\$(\w+|[?$#]|\{(?:\w+|[?#])\})')
Word = list[tuple[str, str]]
"""The parts of a word: a group of _TOKEN and its text."""


class ShellSyntaxError(Exception):
    """A command line that cannot be parsed."""


class ShellExitError(Exception):
    """The shell ends with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Command:
    """A command. It runs always (``when`` is ""), after success ("&&") or after failure ("||")."""

    when: str = ""
    words: list[Word] = field(default_factory=list)
    redirections: list[tuple[str, Word]] = field(default_factory=list)


def parse(line: str) -> list[Command]:
    """Return the commands of a line. Raises ShellSyntaxError."""
    commands: list[Command] = []
    command = Command()
    word: Word | None = None
    redirection = ""
    place = 0
    while place <= len(line):
        found = _TOKEN.match(line, place)
        if found is None and place < len(line):
            raise ShellSyntaxError(f"unexpected EOF while looking for matching `{line[place]}'")
        kind, text = (found.lastgroup or "", found[found.lastgroup or 0]) if found else ("separator", "")
        if kind not in ("blank", "redirection", "separator"):
            word = [*(word or ()), (kind, text)]
        elif word is not None:
            if redirection:
                command.redirections.append((redirection, word))
            else:
                command.words.append(word)
            word, redirection = None, ""
        if kind in ("redirection", "separator") and redirection:
            raise ShellSyntaxError("syntax error near unexpected token `newline'")
        if kind == "redirection" and "&" not in text:
            redirection = text
        elif kind == "separator":
            if text in ("|", "&"):
                raise ShellSyntaxError(f"the simulated shell has no `{text}'")
            if command.words or command.redirections:
                commands.append(command)
            elif command.when or text not in ("", "\n"):
                raise ShellSyntaxError(f"syntax error near unexpected token `{text or 'newline'}'")
            command = Command(text if text in ("&&", "||") else "")
        place = found.end() if found else len(line) + 1
    return commands


def expand(word: Word, lookup: Callable[[str], str]) -> str | None:
    """Replace the variables of a word; None for a word of unset variables alone. Values are not split into words."""
    texts = [_part(kind, text, lookup) for kind, text in word]
    return None if all(text is None for text in texts) else "".join(text or "" for text in texts)


def _part(kind: str, text: str, lookup: Callable[[str], str]) -> str | None:
    match kind:
        case "variable":
            return lookup(text.strip("{}")) or None
        case "quoted":
            return _IN_QUOTES.sub(lambda found: found[1] or lookup(found[2].strip("{}")), text)
        case _:
            return text
