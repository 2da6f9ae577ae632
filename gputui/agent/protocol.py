"""The messages between agent and sessions: a line of JSON, followed by as many bytes as the line says.

The first line of each side is a greeting, which every version understands, and so are the requests of the status and
the end. Everything else is between processes of one build, so that it may change. After the greeting a session sends
requests with an ``id``, which is in their answers; an answer may have parts before its end. What the agent publishes
has a ``topic``.
Both sides are processes of one user: the form of the data is checked, as they may be of different versions.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gputui.errors import (
    AgentError,
    ConfigError,
    GputuiError,
    IncompleteError,
    InvalidError,
    RateLimitedError,
)
from gputui.late_dataclasses import dataclass
from gputui.text import clean
from gputui.version import version_text

PROTOCOL = 1
"""The version of the greeting, of the status and of the end. Incompatible changes increase it."""
NOTICE, PROBLEM = "notice", "problem"
"""The topics of notifications, and of failures inside the agent."""
LONGEST_LINE = 256 * 2**10
LONGEST_BODY = 64 * 2**20
"""The most bytes after a line: the largest answer of a server has half of that."""

_VARIABLE = re.compile(rb"env:([A-Za-z_][A-Za-z0-9_]*)")
_OF_THE_WAY = tuple(
    name
    for upper in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in (upper, upper.lower())
)
"""The variables that change where requests go, or which servers are trusted."""


class Frame(NamedTuple):
    """One message."""

    head: Mapping[str, Any]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Data:
    """An answer that is bytes instead of JSON, and the facts about it that precede them."""

    facts: Mapping[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """The greeting of a session. ``config`` is the path of its configuration.

    ``fingerprint`` is that of the configuration with what the environment adds to it; empty where the session
    has no use for the agent's requests. ``attached``: the agent does not end while the session is connected.
    ``control``: it asks for the status and the end alone, which every agent answers. ``build`` is that of the
    session, '' for this process.
    """

    config: str
    fingerprint: str = ""
    attached: bool = False
    control: bool = False
    build: str = ""
    protocol: int = PROTOCOL

    def head(self) -> dict[str, Any]:
        """Return it as a message."""
        return {
            "hello": self.protocol,
            "gputui": self.build or own_build(),
            "config": self.config,
            "fingerprint": self.fingerprint,
            "attached": self.attached,
            "control": self.control,
            "pid": os.getpid(),
        }


@cache
def own_build() -> str:
    """Return the version and commit of this process: those of its first call, as an upgrade may replace the files."""
    return version_text()


def hello_of(config: Path, *, attached: bool = False) -> Hello:
    """Return the greeting of this process for a configuration file, which need not be readable."""
    return Hello(config=str(config.absolute()), fingerprint=config_fingerprint(config), attached=attached)


def config_fingerprint(config: Path, environ: Mapping[bytes, bytes] | None = None) -> str:
    """Return a digest of a configuration file and of the environment variables that it names.

    Requests of another process are as good as ours only where both are the same. Empty where it cannot be read.
    """
    try:
        text = config.read_bytes()
    except OSError:
        return ""
    environ = os.environb if environ is None else environ
    names = {*_VARIABLE.findall(text), *map(os.fsencode, _OF_THE_WAY)}
    parts = [text, *(name + b"=" + environ.get(name, b"\0") for name in sorted(names))]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def encoded(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return a message as bytes."""
    line = json.dumps({**head, "bytes": len(body)} if body else head, separators=(",", ":"))
    return line.encode("ascii") + b"\n" + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Return the next message, None at the end. Raises AgentError for what is none."""
    try:
        line = await reader.readuntil(b"\n")
        head = json.loads(line)
        size = head.get("bytes", 0) if isinstance(head, dict) else -1
        if type(size) is not int or not 0 <= size <= LONGEST_BODY:
            raise AgentError("The other end of the agent's socket does not speak its protocol.")
        return Frame(head, await reader.readexactly(size) if size else b"")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except (ValueError, asyncio.LimitOverrunError, RecursionError):
        raise AgentError("The other end of the agent's socket does not speak its protocol.") from None


def error_to_plain(error: GputuiError) -> dict[str, Any]:
    """Return an error as plain data, with the names of its kinds, the closest first."""
    kinds = [cls.__name__ for cls in type(error).__mro__ if issubclass(cls, GputuiError)]
    more = {name: value for name, value in vars(error).items() if _is_plain(value)}
    return {"kinds": kinds, "with": more}


def error_from_plain(data: object) -> GputuiError:
    """Return the error of :func:`error_to_plain`, of the closest kind that is known here, safe for a terminal."""
    found = data if isinstance(data, dict) else {}
    names, more = found.get("kinds"), found.get("with")
    kinds = _kinds()
    known = [kinds[name] for name in names if name in kinds] if isinstance(names, list) else []
    kind = known[0] if known else GputuiError
    values = {clean(str(name)): _cleaned(value) for name, value in (more if isinstance(more, dict) else {}).items()}
    message = str(values.get("message") or "The agent reports a failure without a reason.")
    error = kind.__new__(kind, message)
    GputuiError.__init__(error, message)
    vars(error).update({"hint": "", "request_id": ""} | values)
    for name, default in _defaults(kind).items():
        value = values.get(name)
        setattr(error, name, value if isinstance(value, type(default)) else default)
    return error


def _defaults(kind: type[GputuiError]) -> dict[str, Any]:
    """Return the attributes that errors of a kind have in addition."""
    found: dict[str, Any] = {}
    for base, name, default in _ATTRIBUTES:
        if issubclass(kind, base):
            found[name] = default
    return found


_ATTRIBUTES: tuple[tuple[type[GputuiError], str, Any], ...] = (
    (RateLimitedError, "retry_after", 60.0),
    (InvalidError, "fields", {}),
    (ConfigError, "problems", ()),
    (IncompleteError, "all_named", False),
    (IncompleteError, "awaits", False),
    (IncompleteError, "of_parts", False),
)


def _kinds() -> dict[str, type[GputuiError]]:
    """Return all kinds of errors there are now: back ends have some of their own."""
    found: dict[str, type[GputuiError]] = {}
    waiting: list[type[GputuiError]] = [GputuiError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.__name__, kind)
        waiting += kind.__subclasses__()
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_is_plain, value.values()))
    return value is None or isinstance(value, (str, int, float, bool))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return tuple(map(_cleaned, value))
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(item) for key, item in value.items()}
    return value
