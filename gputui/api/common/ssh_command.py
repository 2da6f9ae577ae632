"""An SSH command as a server reports it, parsed: ``ssh -p 21305 root@region-1.example.com``."""

from __future__ import annotations

import re
import shlex
from urllib.parse import unquote

from gputui.models import Secret, SSHTarget

SSH_PORT = 22
SSH_USER = "root"
LAST_PORT = 65535

_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
"""The options of ssh(1) that take a value."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]*")
_DESTINATION = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^\s/]+)@)?(?P<host>\[[^\[\]]+\]|[^\s:/@]+|[0-9A-Fa-f:]+)(?::(?P<port>\d+))?/?"
)
_USUAL = re.compile(r"ssh -p (?P<port>\d+) (?P<user>\w+)@(?P<host>[\w.-]+)")
_PORT_OPTION = re.compile(r"port\s*[=\s]\s*(\d+)", re.IGNORECASE)


def ssh_target(command: str, password: Secret | None = None, *, generation: str = "") -> SSHTarget | None:
    """Return where a command would log in; None where it names no host that can be one.

    Options may be in any order, before the host or after it, their values joined or apart; a port may also follow
    the host. What it would run, forward or read from files is left out: nothing of it is ever executed.
    """
    if usual := _USUAL.fullmatch(command):
        return _checked(usual["user"], usual["host"], usual["port"], password, generation)
    try:
        words = shlex.split(command)
    except ValueError:
        return None  # a quote that is not closed
    is_command = bool(words) and words[0].rpartition("/")[2] == "ssh"
    user = host = port = ""
    rest = iter(words[1:] if is_command else words)
    for word in rest:
        if word.startswith("-") and len(word) > 1:
            name, value = _option(word)
            if name in _WITH_VALUE and not value:
                value = next(rest, "")
            if name == "p":
                port = value
            elif name == "l":
                user = value
            elif name == "o" and (named := _PORT_OPTION.fullmatch(value)):
                port = named[1]
        elif not host:
            match = _DESTINATION.fullmatch(word)
            if match is None or not (is_command or match["user"]):
                return None  # words for people
            host = match["host"].strip("[]")
            user = unquote(match["user"]) if match["user"] else user
            port = match["port"] or port
        elif word.isdecimal() and not port:
            port = word
    return _checked(user or SSH_USER, host, port or str(SSH_PORT), password, generation)


def _option(word: str) -> tuple[str, str]:
    """Return the last option of a word such as ``-p``, ``-p21305`` or ``-vp``, with the value joined to it."""
    for index, letter in enumerate(word[1:], start=1):
        if letter in _WITH_VALUE:
            return letter, word[index + 1 :].lstrip("=")
    return word[-1], ""


def _checked(user: str, host: str, port: str, password: Secret | None, generation: str) -> SSHTarget | None:
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
    if not (_HOST.fullmatch(host) and _USER.fullmatch(user) and 0 < number <= LAST_PORT):
        return None
    return SSHTarget(host, number, user, password, generation)
