"""The OpenSSH configuration: the files that make it up, their statements with file and line, and its names for hosts.

Standard library only, and nothing is run: the settings of one name are decided in :mod:`gputui.ssh.resolution`.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from gputui.errors import ConfigError, reason_of
from gputui.home_paths import home_expanded
from gputui.late_dataclasses import dataclass
from gputui.text import clean

SYSTEM_PATH = Path("/etc/ssh/ssh_config")
WRITTEN_MARK = "# Written by gputui"
"""The beginning of a file that ``gputui ssh-config`` wrote."""
DEEPEST = 16
"""Files that include one another, as in OpenSSH."""
_MOST_FILES = 1000
_LARGEST = 2**20
_WILDCARDS = frozenset("*?")
_UNTYPEABLE = re.compile(r"""^-|[\s'"`$\\;&<>|(){}]""")
"""Host names that OpenSSH refuses: a command of the configuration would get them through a shell."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a file: ``keyword`` in lower case, its words unquoted, and ``text`` all of them as written."""

    path: Path
    line: int
    keyword: str
    words: tuple[str, ...]
    text: str

    def problem(self, reason: str) -> ConfigError:
        """Return the error about this line."""
        return line_problem(self.path, self.line, reason)


def config_path() -> Path:
    """Return the path of the user's own file, whether it exists or not."""
    return Path.home() / ".ssh" / "config"


def passes(path: Path | None) -> tuple[Pass, ...]:
    """Return a pass over each file, in the order in which ``ssh`` reads them: the user's and that of the system.

    A file that is named is the only one, as with ``ssh -F``.
    """
    if path is not None:
        return (Pass(path),)
    return Pass(config_path()), Pass(SYSTEM_PATH, of_system=True)


def aliases(path: Path | None = None, *, own: bool = False) -> list[str]:
    """Return the names in the ``Host`` lines, without patterns, in the order of the files; [] where there is no file.

    ``path`` is that of a file which is read alone; ``own`` are the user's: neither those of the system nor those that
    gputui wrote. Blocking. Raises ConfigError, with file and line, for a file that cannot be read or a line that is
    none.
    """
    found: dict[str, None] = {}
    for files in passes(path)[:1] if own else passes(path):
        _collect(files.path, found, (), files, 0, own=own)
    return list(found)


def matching(path: Path | None, patterns: Sequence[str]) -> list[str]:
    """Return the user's own aliases that match the patterns of a ``Host`` line, in their order; ``!`` excludes.

    Blocking. Raises ConfigError as :func:`aliases` does.
    """
    return [alias for alias in aliases(path, own=True) if matches(patterns, alias)]


def is_pattern(text: str) -> bool:
    """Return whether a word of a ``Host`` line is a pattern, not a name."""
    return text.startswith("!") or not _WILDCARDS.isdisjoint(text)


def literal_prefix(pattern: str) -> str:
    """Return what each name that matches a pattern begins with; '' where it may be anything."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def matches(patterns: Sequence[str], name: str) -> bool:
    """Return whether a name matches one of the patterns, and none of those with ``!``. Case counts, as in OpenSSH."""
    excluded = any(pattern.startswith("!") and _wildcard(pattern[1:]).fullmatch(name) for pattern in patterns)
    return not excluded and any(
        not pattern.startswith("!") and _wildcard(pattern).fullmatch(name) is not None for pattern in patterns
    )


def is_safe_name(name: str) -> bool:
    """Return whether OpenSSH would accept the name of a host: no shell syntax, no control characters."""
    return bool(name) and clean(name) == name and _UNTYPEABLE.search(name) is None


@lru_cache(maxsize=32)
def _parsed(path: Path, text: str) -> tuple[Statement, ...]:
    """Parse the text of a file; each login reads it again, and it seldom changes."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        keyword, rest = _split_keyword(line.strip(" \t\r\f\0"))
        if not keyword:
            continue
        try:
            words = tuple(_words(rest))
        except ValueError as error:
            raise line_problem(path, number, str(error)) from None
        found.append(Statement(path, number, keyword.lower(), words, rest))
    return tuple(found)


class Pass:
    """One pass over a file and those that it includes: bounded, so that files which include one another end."""

    def __init__(self, path: Path, *, of_system: bool = False) -> None:
        self.path = path
        self._of_system = of_system
        self._left = _MOST_FILES

    def statements(self, path: Path, *, own: bool = False) -> tuple[Statement, ...]:
        """Read one file, without those that it includes. Raises ConfigError; a file that does not exist has none.

        ``own``: one that gputui wrote has none either.
        """
        # As in OpenSSH: the file of the system itself is not checked, what it includes is.
        text = _read(path, trusted=self._of_system and path == self.path)
        return () if own and text.startswith(WRITTEN_MARK) else _parsed(path, text)

    def included(self, statement: Statement, depth: int) -> Iterator[Path]:
        """Return the files of an ``Include`` line at this depth, sorted. Raises ConfigError past the bounds."""
        if not statement.words:
            raise statement.problem("Include names no file")
        folder = self.path.parent if self._of_system else config_path().parent
        for word in statement.words:
            if self._of_system and word.startswith("~"):
                raise statement.problem("Include names a file of a user")
            pattern = home_expanded(word)
            found = sorted(glob.glob(os.path.join(folder, pattern)))  # noqa: PTH118, PTH207
            for path in map(Path, found):
                if path.is_dir():
                    continue
                self._left -= 1
                if depth + 1 >= DEEPEST or self._left < 0:
                    raise statement.problem(f"too many files are included; does {path.name} include itself?")
                yield path


def line_problem(path: Path, line: int, reason: str) -> ConfigError:
    """Return the error about a line of the configuration."""
    return ConfigError(
        f"{clean(str(path))} line {line}: {clean(reason)}.", hint="Correct the line; ssh -G HOST checks the file too."
    )


def _collect(
    path: Path, found: dict[str, None], enclosing: tuple[tuple[str, ...], ...], files: Pass, depth: int, *, own: bool
) -> None:
    """Add the names of a file included in the blocks ``enclosing``: one that they do not match has no effect."""
    block: tuple[str, ...] = ("*",)
    for statement in files.statements(path, own=own):
        match statement.keyword:
            case "host":
                block = statement.words
                for name in block:
                    usable = not is_pattern(name) and is_safe_name(name)
                    if usable and all(matches(outer, name) for outer in enclosing):
                        found.setdefault(name)
            case "match":
                block = ("*",)  # may match any name
            case "include":
                for included in files.included(statement, depth):
                    _collect(included, found, (*enclosing, block), files, depth + 1, own=own)


def _read(path: Path, *, trusted: bool) -> str:
    """Read a file as OpenSSH does: unless trusted, one that others can change is refused, since it has commands."""
    name = clean(str(path))
    try:
        # Not waiting for the writer of a named pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        if trusted:
            return ""
        raise ConfigError(
            f"The OpenSSH configuration {name} cannot be read: {reason_of(error)}.",
            hint="Correct its permissions, or remove the line that includes it.",
        ) from error
    others = status.st_uid not in (0, os.getuid()) or (stat.S_ISREG(status.st_mode) and status.st_mode & 0o022)
    if others and not trusted:
        raise ConfigError(
            f"The OpenSSH configuration {name} is not used: others on this machine can change it.",
            hint=f"Run chmod go-w {name}.",
        )
    if len(data) > _LARGEST:
        raise ConfigError(f"The OpenSSH configuration {name} is not used: it is larger than 1 MiB.")
    return data.decode("utf-8", "surrogateescape")


def _split_keyword(line: str) -> tuple[str, str]:
    """Split a line into its keyword and the text after it; ('', '') for an empty line or a comment."""
    if line.startswith("#"):
        return "", ""
    match = re.match(r'"([^"]*)"|([^\s="]+)', line)
    if match is None:
        return line, ""  # no keyword of OpenSSH: reported as unknown where the settings are read
    rest = line[match.end() :].lstrip()
    return match[1] or match[2] or "", rest[1:].lstrip() if rest.startswith("=") else rest


def _words(text: str) -> Iterator[str]:
    """Split into words: quotes group, a backslash escapes a quote, # begins a comment. Raises ValueError."""
    place = 0
    while place < len(text):
        if text[place] in " \t":
            place += 1
            continue
        if text[place] == "#":
            return
        word, place = _word(text, place)
        yield word


def _word(text: str, place: int) -> tuple[str, int]:
    """Read one word; return it with the place after it."""
    quote, characters = "", list[str]()
    while place < len(text):
        character, after = text[place], text[place + 1 : place + 2]
        if character == "\\" and after and after in ("'\"\\" if quote else "'\"\\ "):
            characters.append(after)
            place += 1
        elif not quote and character in " \t":
            break
        elif not quote and character in "'\"":
            quote = character
        elif character == quote:
            quote = ""
        else:
            characters.append(character)
        place += 1
    if quote:
        raise ValueError(f"a quote {quote} is not closed")
    return "".join(characters), place


@lru_cache(maxsize=1024)
def _wildcard(pattern: str) -> re.Pattern[str]:
    """Return the expression of a pattern, where * and ? are the only special characters; stars in a row are one."""
    parts = (re.escape(part) for part in re.sub(r"\*+", "*", pattern).split("*"))
    return re.compile("(?s:" + ".*".join(part.replace(r"\?", ".") for part in parts) + ")")
