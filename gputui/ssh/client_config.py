"""A configuration for OpenSSH's own client: a Host block for each instance, and its known host keys. Pure.

Values come from servers: each has the form that its keyword needs, or is refused. No file is read and nothing is run.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.ssh.known_hosts import HostKey
from gputui.text import clean

_HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,254}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_NAME = 100
_DIGITS = 8
_LAST_PORT = 65535


@dataclass(slots=True)
class HostBlock:
    """One ``Host``: its names, a title and the options so far. The methods raise ValueError with the reason."""

    names: Sequence[str]
    title: str
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def address(self, host: str, port: int) -> None:
        """Add the address."""
        if _HOST.fullmatch(host) is None or not 0 < port <= _LAST_PORT:
            raise ValueError("its address is not the name of a host with a port")
        self.lines += [f"HostName {host}", f"Port {port}"]

    def user(self, name: str) -> None:
        """Add the user."""
        if _USER.fullmatch(name) is None:
            raise ValueError("its user cannot be written here")
        self.lines.append(f"User {name}")

    def paths(self, keyword: str, paths: Iterable[Path]) -> None:
        """Add an option whose value is one path or several."""
        self.lines.append(f"{keyword} {' '.join(map(_path, paths))}")

    def option(self, keyword: str, value: str) -> None:
        """Add an option whose value is a word of gputui or of the user's configuration."""
        if not value or clean(value) != value or re.search(r"[\s\"'\\]", value):
            raise ValueError(f"its {keyword} cannot be written here")
        self.lines.append(f"{keyword} {value}")

    def proxy(self, words: Sequence[str]) -> None:
        """Connect through a command of gputui."""
        if any(clean(word) != word for word in words):
            raise ValueError("its name has characters that cannot be in a command")
        self.lines.append(f"ProxyCommand {shlex.join(words).replace('%', '%%')}")

    def text(self) -> str:
        """Return the block, comments before it."""
        comments = [f"# {clean(line)}\n" for line in (self.title, *self.notes)]
        return "".join([*comments, f"Host {' '.join(self.names)}\n", *(f"    {line}\n" for line in self.lines)])


def _path(path: Path) -> str:
    text = str(path)
    if clean(text) != text or '"' in text or "\\" in text or "${" in text:
        raise ValueError(f"the path {clean(text)} cannot be written here")
    return '"' + text.replace("%", "%%") + '"'


def kept_blocks(before: str, account: str, written: Collection[str]) -> list[str]:
    """Return the blocks of an account and its jump host in an earlier text, except those whose titles are written."""
    titles = {f"# {clean(title)}" for title in written}
    beginnings = (f"# {account}/", f"# {jump_title(account)}\n")
    blocks = [f"{block.strip()}\n" for block in before.split("\n\n")]
    return [block for block in blocks if block.startswith(beginnings) and block.splitlines()[0] not in titles]


def jump_title(account: str) -> str:
    """Return the title of the block of an account's jump host."""
    return f"The jump host of {account}"


def host_names(rows: Sequence[tuple[Ref, str]]) -> Mapping[Ref, tuple[str, ...]]:
    """Return the names for ssh of rows, given with their own names: ``ACCOUNT.ID``, and ``ACCOUNT.NAME`` if unique.

    A name stays the same whatever else is there; where two rows would have one, both get a part of their own.
    """
    by_id = {ref: f"{ref.account}.{_safe(ref.id, str(ref))}" for ref, _ in rows}
    count = Counter(name.lower() for name in by_id.values())
    by_name = {ref: f"{ref.account}.{_safe(name, name)}" for ref, name in rows}
    names = Counter(name.lower() for name in by_name.values())
    found = dict[Ref, tuple[str, ...]]()
    for ref, _ in rows:
        first, other = by_id[ref], by_name[ref]
        if count[first.lower()] > 1:
            first = f"{first}-{_digest(str(ref))}"
        unique = names[other.lower()] == 1 and not count[other.lower()]
        found[ref] = (first, other) if unique else (first,)
    return found


def _safe(text: str, whole: str) -> str:
    """Return a text in characters of host names, with a part of its sum where that is another text."""
    safe = _UNSAFE.sub("-", text)[:_LONGEST_NAME]
    return safe if safe == text else f"{safe}-{_digest(whole)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def key_alias(name: str, host_id: str, ref: Ref) -> str:
    """Return the name for the host key of an instance: another one for each generation of it."""
    return (name if host_id == str(ref) else f"{name}-{_digest(host_id)}").lower()


def known_hosts_text(before: str, keys: Mapping[str, Sequence[HostKey]]) -> str:
    """Return the lines of a known_hosts file, with these keys in the place of those that their names had.

    Other lines stay: ssh adds to the file too.
    """
    kept = [line for line in before.splitlines() if line.strip() and line.split(None, 1)[0] not in keys]
    added = [f"{alias} {key.algorithm} {key.data}" for alias, known in keys.items() for key in known]
    return "".join(f"{line}\n" for line in (*kept, *added))
