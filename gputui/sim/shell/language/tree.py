"""The commands of a script as the parser finds them: the tree of its syntax."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """Literal text; ``quoted`` text has no patterns."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Parameter:
    """``$name``, ``${name}`` or ``${name<operator>word}``; the operator "length" is ``${#name}``."""

    name: str
    quoted: bool = False
    operator: str = ""
    word: Word = ()


@dataclass(frozen=True)
class Substitution:
    """``$(commands)``"""

    commands: tuple[AndOr, ...]
    quoted: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """``$((expression))``"""

    word: Word
    quoted: bool = False


Part = Text | Parameter | Substitution | Arithmetic
Word = tuple[Part, ...]


@dataclass
class Document:
    """A here-document. Its body follows the line: it is read when that ends."""

    delimiter: str
    strip: bool
    expand: bool
    body: Word = ()


@dataclass(frozen=True)
class Redirection:
    """``fd operator word``; ``document`` is that of ``<<``."""

    fd: int
    operator: str
    word: Word = ()
    document: Document | None = None


@dataclass(frozen=True)
class Simple:
    """A simple command."""

    assignments: tuple[tuple[str, Word], ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Group:
    """``{ commands; }``, or ``(commands)`` in a subshell."""

    commands: tuple[AndOr, ...]
    subshell: bool = False


@dataclass(frozen=True)
class Background:
    """``commands &``"""

    commands: tuple[AndOr, ...]


@dataclass(frozen=True)
class If:
    """``if``: conditions with their commands, and those of ``else``."""

    branches: tuple[tuple[tuple[AndOr, ...], tuple[AndOr, ...]], ...]
    otherwise: tuple[AndOr, ...] = ()


@dataclass(frozen=True)
class Loop:
    """``while``, or ``until`` where ``wanted`` is False."""

    condition: tuple[AndOr, ...]
    body: tuple[AndOr, ...]
    wanted: bool = True


@dataclass(frozen=True)
class For:
    """``for name in words``; without ``in`` the words are None: the arguments."""

    name: str
    words: tuple[Word, ...] | None
    body: tuple[AndOr, ...]


@dataclass(frozen=True)
class Case:
    """``case word in pattern|pattern) commands;; esac``"""

    word: Word
    items: tuple[tuple[tuple[Word, ...], tuple[AndOr, ...]], ...]


@dataclass(frozen=True)
class Function:
    """``name() body``"""

    name: str
    body: Command


@dataclass(frozen=True)
class Command:
    """A command of any kind with its redirections."""

    what: Simple | Group | Background | If | Loop | For | Case | Function
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """Commands joined by ``|``. ``when`` is "", "&&" or "||"; ``negated`` by ``!``."""

    commands: tuple[Command, ...]
    when: str = ""
    negated: bool = False


AndOr = tuple[Pipeline, ...]
