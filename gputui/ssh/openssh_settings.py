"""The settings that the user's OpenSSH configuration has for one name: which lines apply, and their first values.

asyncssh's reader is not used: it starts ``Match exec`` without expanding its tokens and without a time limit, breaks
its words at ``=``, refuses comments at the end of a line and times such as ``30s`` (docs/decisions.md). Blocking.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from gputui.errors import ConfigError, reason_of
from gputui.home_paths import home_expanded
from gputui.openssh_config import Pass, Statement, is_safe_name, matches, passes
from gputui.ssh import canonical_names

EXEC_SECONDS = 10.0
"""The time limit of one command of a ``Match exec``."""
FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
"""The families of AddressFamily."""
_NONE = "none"
_PROXIES = frozenset({"proxyjump", "proxycommand"})
_COLLECTED = frozenset({"identityfile", "certificatefile"})
_WHOLE_LINE = frozenset({"proxycommand"})
_OLD_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = re.compile(r"(?:\d+[smhdw]?)+")
_TOKEN = re.compile(r"%(.?)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Settings:
    """The lines that apply to ``name``, read once; values of the command line (``user``, ``port``) come before them.

    Raises ConfigError with file and line for a line that cannot be used, and for a ``Match exec`` that does not end.
    """

    def __init__(self, path: Path | None, name: str, *, user: str = "", port: int | None = None) -> None:
        self.name = name
        self._user = user
        self._port = port
        self._found: dict[str, list[Statement]] = {}
        self._ended: dict[str, bool] = {}
        self._final = self._wants_final = False
        self._address = ""
        self._read_all(path)
        # As in OpenSSH: in lower case, and a final pass does not change it.
        self._address = self._canonical_name(self.hostname.lower())
        if self._wants_final:
            self._final = True
            self._read_all(path)

    # --- the lines -------------------------------------------------------------------------------------------

    def _read_all(self, path: Path | None) -> None:
        for files in passes(path):
            self._read(files.path, files, 0)

    def _read(self, path: Path, files: Pass, depth: int, *, in_effect: bool = True) -> None:
        """Read a file; one that is included by lines without effect has none, but may ask for a final pass."""
        active = in_effect
        for statement in files.statements(path):
            match statement.keyword:
                case "host":
                    # As in OpenSSH: a final pass is about the address.
                    name = self._address if self._final else self.name
                    active = in_effect and matches(statement.words, name)
                case "match":
                    active = self._matches(statement) and in_effect
                case "include":
                    for included in files.included(statement, depth):
                        self._read(included, files, depth + 1, in_effect=active)
                case keyword if active:
                    self._take(_OLD_NAMES.get(keyword, keyword), statement)

    def _take(self, keyword: str, statement: Statement) -> None:
        known = self._found.get(keyword, [])
        if keyword in _COLLECTED:
            if statement not in known:  # a final pass reads it again
                self._found[keyword] = [*known, statement]
        elif keyword == "proxyjump":
            # After a ProxyCommand it does not count, not even after "none".
            if _PROXIES.isdisjoint(self._found):
                self._found[keyword] = [statement]
        elif keyword == "proxycommand":
            if not known and self.text("proxyjump") is None:
                self._found[keyword] = [statement]
        elif not known:
            self._found[keyword] = [statement]

    def _matches(self, statement: Statement) -> bool:
        words = list(statement.words)
        if not words:
            raise statement.problem("Match has no condition")
        result = True
        while words:
            word, equals, value = words.pop(0).partition("=")
            negated, criterion = word.startswith("!"), word.lstrip("!").lower()
            if criterion in ("all", "canonical", "final"):
                self._wants_final |= criterion == "final"
                hit = criterion == "all" or self._final
            else:
                if not equals:
                    if not words:
                        raise statement.problem(f"Match {criterion} has no value")
                    value = words.pop(0)
                # As in OpenSSH, a command runs only where all conditions before it are met.
                hit = result and self._meets(statement, criterion, value)
            result = result and hit != negated
        return result

    def _meets(self, statement: Statement, criterion: str, value: str) -> bool:
        patterns = value.split(",")
        match criterion:
            case "host":
                return matches([pattern.lower() for pattern in patterns], self.hostname.lower())
            case "originalhost":
                return matches([pattern.lower() for pattern in patterns], self.name.lower())
            case "user":
                return matches(patterns, self.user)
            case "localuser":
                return matches(patterns, _local_user())
            case "tagged":
                return matches(patterns, self.text("tag") or "")
            case "exec":
                return self._succeeds(statement, value)
        raise statement.problem(f"gputui does not know the condition {criterion} of Match")

    def _succeeds(self, statement: Statement, command: str) -> bool:
        """Run a command of the user's file as OpenSSH does; its output is thrown away."""
        command = self.expand(statement, command, for_shell=True)
        if command not in self._ended:
            shell = os.environ.get("SHELL") or "/bin/sh"
            nowhere = subprocess.DEVNULL
            try:
                process = subprocess.Popen(  # noqa: S603  (the user's own file says so, as to OpenSSH)
                    [shell, "-c", command], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
                )
            except OSError as error:
                raise statement.problem(f"{shell} does not start: {reason_of(error)}") from error
            try:
                self._ended[command] = process.wait(EXEC_SECONDS) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise statement.problem(f"its command did not end within {EXEC_SECONDS:.0f} s") from None
        return self._ended[command]

    def _canonical_name(self, host: str) -> str:
        """Return the address after CanonicalizeHostname, which asks for a final pass."""
        mode = self.choice("canonicalizehostname", ("yes", "true", "always", "no", "false")) or "no"
        is_on = mode in ("yes", "true", "always")
        self._wants_final |= is_on
        is_direct = self.text("proxycommand") is None and self.text("proxyjump") is None
        if (address := canonical_names.numeric(host)) or not (is_direct or mode == "always"):
            return address or host
        look_up = canonical_names.in_dns(FAMILIES[self.choice("addressfamily", tuple(FAMILIES)) or "any"])
        dots = self.number("canonicalizemaxdots")
        rules = canonical_names.Rules(
            self._several("canonicaldomains"),
            1 if dots is None else dots,
            [(names.split(","), targets.split(",")) for names, targets in self._permitted_aliases()],
        )
        if is_on and (found := canonical_names.completed(host, rules, look_up)) is not None:
            return found
        if is_on and self.flag("canonicalizefallbacklocal") is False:
            raise self.problem("canonicalizefallbacklocal", f"{host} is in none of the CanonicalDomains")
        return canonical_names.followed(host, rules, look_up)

    def _permitted_aliases(self) -> Iterator[tuple[str, str]]:
        keyword = "canonicalizepermittedcnames"
        for word in self._several(keyword):
            names, colon, targets = word.lower().partition(":")
            if not (names and colon and targets):
                raise self.problem(keyword, f"{word} is not written as NAMES:TARGETS")
            yield names, targets

    # --- the values ------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str:
        """The address, which is the name itself where no line says otherwise."""
        found = self._found.get("hostname")
        if self._address or not found:
            return self._address or self.name
        value = self._one_word(found[0])
        return _expanded(value, {"%": "%", "h": self.name}, found[0])

    @property
    def port(self) -> int:
        """The port."""
        if self._port is not None:
            return self._port
        found = self._found.get("port")
        if not found:
            return 22
        text = self._one_word(found[0])
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise found[0].problem(f"Port {text} is not a port from 1 to 65535")
        return int(text)

    @property
    def user(self) -> str:
        """The user, the local one where no line says otherwise."""
        return self._user or self.text("user") or _local_user()

    def has(self, keyword: str) -> bool:
        """Return whether a keyword is set, to ``none`` as well."""
        return keyword in self._found

    def text(self, keyword: str) -> str | None:
        """Return the word of a keyword; None where it is not set, or ``none``."""
        found = self._found.get(keyword)
        if not found:
            return None
        value = found[0].text if keyword in _WHOLE_LINE else self._one_word(found[0])
        return None if value.lower() == _NONE else value

    def expanded(self, keyword: str, *, for_shell: bool = False) -> str | None:
        """Return the word of a keyword with its tokens and, except for a shell, variables expanded."""
        value = self.text(keyword)
        return None if value is None else self.expand(self._found[keyword][0], value, for_shell=for_shell)

    def flag(self, keyword: str) -> bool | None:
        """Return a yes or no; None where it is not set."""
        value = self.choice(keyword, ("yes", "true", "no", "false"))
        return None if value is None else value in ("yes", "true")

    def choice(self, keyword: str, choices: Sequence[str]) -> str | None:
        """Return one of some words in lower case; None where it is not set."""
        found = self._found.get(keyword)
        if not found:
            return None
        value = self._one_word(found[0]).lower()
        if value not in choices:
            raise found[0].problem(f"{value} is none of {', '.join(choices)}")
        return value

    def number(self, keyword: str) -> int | None:
        """Return a number; None where it is not set."""
        found = self._found.get(keyword)
        if not found:
            return None
        value = self._one_word(found[0])
        if not value.isdecimal():
            raise found[0].problem(f"{value} is not a number")
        return int(value)

    def seconds(self, keyword: str) -> int | None:
        """Return a time such as ``30`` or ``1m30s`` in seconds; None where it is not set, or ``none``."""
        value = self.text(keyword)
        if value is None:
            return None
        if not _TIME.fullmatch(value.lower()):
            raise self._found[keyword][0].problem(f"{value} is not a time such as 30 or 1m30s")
        return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw]?)", value.lower()))

    def _several(self, keyword: str) -> list[str]:
        """Return the words of a keyword before ``none``; [] where it is not set."""
        found = self._found.get(keyword)
        return list(takewhile(lambda word: word.lower() != _NONE, found[0].words)) if found else []

    def paths(self, keyword: str) -> list[Path] | None:
        """Return the files of a keyword, of all its lines where they add up; None where it is not set.

        ``none`` is no file. A relative path counts from the directory that gputui was started in, as in OpenSSH.
        """
        if keyword not in self._found:
            return None
        found = dict[Path, None]()
        for statement in self._found[keyword]:
            words = (self._one_word(statement),) if keyword in _COLLECTED else statement.words
            if not words:
                raise statement.problem(f"{statement.keyword} has no value")
            for word in words:
                if word.lower() != _NONE:
                    named = home_expanded(self.expand(statement, word))
                    found.setdefault(Path(named).absolute())
        return list(found)

    def problem(self, keyword: str, reason: str) -> ConfigError:
        """Return the error about the line that a keyword was set in."""
        return self._found[keyword][0].problem(reason)

    def expand(self, statement: Statement, text: str, *, for_shell: bool = False) -> str:
        """Replace ``%`` tokens, and ``${VARIABLE}`` except for a shell, which does that itself.

        What reaches a shell is checked as OpenSSH does: names with shell syntax are refused.
        """
        host, user = self.hostname, self.user
        if for_shell and not (is_safe_name(host) and is_safe_name(user)):
            raise statement.problem("no command is run for a host or user with shell syntax in the name")
        port, local, jump = str(self.port), socket.gethostname(), self.text("proxyjump") or ""
        tokens = {
            **{"%": "%", "h": host, "n": self.name, "p": port, "r": user, "u": _local_user(), "d": str(Path.home())},
            **{"i": str(os.getuid()), "l": local, "L": local.partition(".")[0], "j": jump},
            "k": self.text("hostkeyalias") or self.name,
            "C": hashlib.sha1(f"{local}{host}{port}{user}".encode(), usedforsecurity=False).hexdigest(),
        }
        if not for_shell:
            text = _VARIABLE.sub(lambda match: _variable(match[1], statement), text)
        return _expanded(text, tokens, statement)

    @staticmethod
    def _one_word(statement: Statement) -> str:
        if not statement.words or not statement.words[0]:
            raise statement.problem(f"{statement.keyword} has no value")
        if len(statement.words) > 1:
            raise statement.problem(f"{statement.keyword} has more than one value; quote one with blanks")
        return statement.words[0]


def _expanded(text: str, tokens: Mapping[str, str], statement: Statement) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in tokens:
            raise statement.problem(f"the token {match[0]} is unknown")
        return tokens[match[1]]

    return _TOKEN.sub(value, text)


def _variable(name: str, statement: Statement) -> str:
    if name not in os.environ:
        raise statement.problem(f"the environment variable {name} is not set")
    return os.environ[name]


def _local_user() -> str:
    return getpass.getuser()
