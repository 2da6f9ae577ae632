"""The hosts of an account: names of the user's OpenSSH configuration, and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gputui.late_dataclasses import dataclass
from gputui.models import Ref, SSHTarget, parse_host
from gputui.openssh_config import is_pattern, matching

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Host:
    """A host of an account. ``target`` has the text of the configuration as its alias."""

    ref: Ref
    name: str
    target: SSHTarget


def check_host(text: str) -> None:
    """Raise ValueError with the fix where a text of ``hosts`` is neither a name, an address nor a pattern."""
    if not text or text != text.strip() or any(character.isspace() for character in text):
        raise ValueError("contains a name that is empty or has spaces; separate hosts by commas")
    if text.startswith("-") or text.startswith("!-"):
        raise ValueError(f"contains {text}, which begins with a dash; ssh would read it as an option")
    if is_pattern(text):
        if "@" in text or "/" in text:
            raise ValueError(f"contains {text}; a pattern is of names of Host lines, without a user")
        return
    try:
        parse_host(text)
    except ValueError:
        raise ValueError(f"contains {text}; write a name of ~/.ssh/config or user@host:port") from None


def hosts_of(account: str, texts: Iterable[str], config: Path | None) -> list[Host]:
    """Return the hosts that are meant, each once, in the order of the texts. Raises ConfigError.

    Patterns are those of names in the OpenSSH configuration, ``config`` alone where it is given; one with ``!``
    excludes names from all of them.
    """
    given = list(texts)
    patterns = [text for text in given if is_pattern(text)]
    excluding = [text for text in patterns if text.startswith("!")]
    found = dict[str, None]()
    for text in given:
        if not is_pattern(text):
            found.setdefault(text)
        elif not text.startswith("!"):
            found |= dict.fromkeys(matching(config, [text, *excluding]))
    return [_host(account, text) for text in found]


def unmatched(texts: Iterable[str], config: Path | None) -> list[str]:
    """Return the patterns that match no name in the OpenSSH configuration. Raises ConfigError."""
    patterns = [text for text in texts if is_pattern(text) and not text.startswith("!")]
    return [pattern for pattern in patterns if not matching(config, [pattern])]


def _host(account: str, text: str) -> Host:
    try:
        user, host, port = parse_host(text)
    except ValueError:
        user, host, port = "", text, None  # a name that a pattern matches, such as an IPv6 address
    return Host(Ref(account, "host", text), text, SSHTarget(host, port or SSH_PORT, user, alias=text))
