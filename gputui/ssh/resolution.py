"""Hosts of the user's OpenSSH configuration: what its settings mean for one login."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import asyncssh

from gputui.errors import SshError
from gputui.home_paths import home_expanded
from gputui.late_dataclasses import dataclass
from gputui.models import SSHLogin, SSHTarget, parse_host
from gputui.openssh_config import is_safe_name
from gputui.ssh.openssh_settings import FAMILIES, Settings
from gputui.ssh.user_known_hosts import NewKeys
from gputui.text import clean

_MOST_JUMPS = 8
_THREADS = ThreadPoolExecutor(8, "openssh-config")
"""Apart from those of other work: commands of ``Match exec`` that hang must not keep that waiting."""
_STRICT = {
    **{"ask": NewKeys.ASK, "accept-new": NewKeys.ACCEPT},
    # OpenSSH accepts even a changed key then; gputui never does.
    **{"no": NewKeys.ACCEPT, "off": NewKeys.ACCEPT, "yes": NewKeys.REFUSE, "true": NewKeys.REFUSE},
}
_ALGORITHMS = {
    "ciphers": "encryption_algs",
    "macs": "mac_algs",
    "kexalgorithms": "kex_algs",
    "hostkeyalgorithms": "server_host_key_algs",
    "pubkeyacceptedalgorithms": "signature_algs",
}
_METHODS = {
    "pubkeyauthentication": "publickey",
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
}


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A host as the user's configuration describes it. Times are in seconds.

    ``jumps`` are the hosts to go through, first to last, as texts that can be resolved. ``identity_files`` and
    ``certificates`` are None where the configuration names none, () where it says that there is none. ``agent`` is
    the socket of the agent, '' for none. ``methods_off`` are the ways to authenticate that are switched off;
    ``options`` are further arguments of :func:`asyncssh.connect`.
    """

    name: str
    host: str
    port: int
    user: str
    jumps: tuple[str, ...] = ()
    proxy_command: str | None = None
    identity_files: tuple[Path, ...] | None = None
    certificates: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str = ""
    known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    host_key_alias: str = ""
    new_keys: NewKeys | None = None
    hashes_known_hosts: bool | None = None
    keepalive: int | None = None
    keepalive_count: int | None = None
    connect_timeout: int | None = None
    methods_off: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        """Return the login: that of another user, or to another port, is another one."""
        return f"{self.user}@{self.name}:{self.port}"


async def in_thread(work: Callable[[], _T]) -> _T:
    """Do work on the configuration in one of the threads for it."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def resolve_alias(target: SSHTarget, login: SSHLogin) -> Resolved:
    """Read the settings of a target with an alias, as :func:`resolve` does."""
    return resolve(target.alias, user=login.user or "", port=login.port, path=login.config)


async def settings_of(target: SSHTarget, login: SSHLogin) -> Resolved | None:
    """Read the settings of a target with an alias, as :func:`resolve` does; None of any other."""
    return await in_thread(partial(resolve_alias, target, login)) if target.alias else None


def split_name(text: str) -> tuple[str, str, int | None]:
    """Split what one would type after ``ssh``, ``[user@]name[:port]``: the user is '', the port None without one."""
    try:
        return parse_host(text)
    except ValueError:
        return "", text, None  # an IPv6 address without brackets, or no name at all


def resolve(text: str, *, user: str = "", port: int | None = None, path: Path | None = None) -> Resolved:
    """Read the settings of an alias or ``[user@]host[:port]``, once; ``user`` and ``port`` where the text has none.

    Blocking: commands of ``Match exec`` run, with a time limit. Raises ConfigError for a line that cannot be used,
    SshError for a name that OpenSSH would refuse.
    """
    own_user, name, own_port = split_name(text)
    if not is_safe_name(name):
        raise SshError(
            f"{clean(text)} is not the name of a host.", hint="Write it as in ~/.ssh/config, or user@host."
        )
    settings = Settings(path, name, user=own_user or user, port=own_port or port)
    if settings.flag("proxyusefdpass"):
        raise settings.problem("proxyusefdpass", "gputui does not know ProxyUseFdpass")
    home = Path.home() / ".ssh"
    identity_files = settings.paths("identityfile")
    known_hosts = settings.paths("userknownhostsfile")
    global_known_hosts = settings.paths("globalknownhostsfile")
    strict = settings.choice("stricthostkeychecking", tuple(_STRICT))
    return Resolved(
        name=name,
        host=settings.hostname,
        port=settings.port,
        user=settings.user,
        jumps=_jumps(settings),
        proxy_command=settings.expanded("proxycommand", for_shell=True),
        identity_files=None if identity_files is None else tuple(identity_files),
        certificates=tuple(settings.paths("certificatefile") or ()),
        identities_only=settings.flag("identitiesonly") or False,
        agent=_agent(settings),
        known_hosts=tuple(
            [home / "known_hosts", home / "known_hosts2"] if known_hosts is None else known_hosts,
        ),
        global_known_hosts=tuple(
            map(Path, ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"))
            if global_known_hosts is None
            else global_known_hosts
        ),
        host_key_alias=settings.text("hostkeyalias") or "",
        new_keys=None if strict is None else _STRICT[strict],
        hashes_known_hosts=settings.flag("hashknownhosts"),
        keepalive=settings.seconds("serveraliveinterval"),
        keepalive_count=settings.number("serveralivecountmax"),
        connect_timeout=settings.seconds("connecttimeout"),
        methods_off=_methods_off(settings),
        options=MappingProxyType(_options(settings)),
    )


def through(jumps: Sequence[str], behind: Resolved | None = None, *, path: Path | None = None) -> list[Resolved]:
    """Return all hosts to go through, first to last, for the ``jumps`` of a host. Blocking.

    As in OpenSSH, only the first of several jump hosts is reached through jump hosts of its own. Raises SshError for
    a circle and for too many, ConfigError as :func:`resolve` does.
    """
    found, chain = list[Resolved](), [] if behind is None else [behind]
    while jumps:
        hosts = [resolve(jump, path=path) for jump in jumps]
        found = [*hosts, *found]
        shown = " → ".join(host.name for host in (*chain, hosts[0]))
        if any(hosts[0].key == host.key for host in chain):
            raise SshError(f"ProxyJump goes in a circle: {shown}.", hint="Correct it in the OpenSSH configuration.")
        if len(found) > _MOST_JUMPS:
            raise SshError(f"ProxyJump goes through more than {_MOST_JUMPS} hosts: {shown}.")
        chain.append(hosts[0])
        jumps = hosts[0].jumps
    return found


def _jumps(settings: Settings) -> tuple[str, ...]:
    text = settings.expanded("proxyjump")
    hops = tuple(hop.strip().removeprefix("ssh://").rstrip("/") for hop in (text or "").split(",") if hop.strip())
    for hop in hops:
        if not is_safe_name(split_name(hop)[1]):
            raise settings.problem("proxyjump", f"{hop} is not a host")
    return hops


def _agent(settings: Settings) -> str:
    """Return the socket of the agent: SSH_AUTH_SOCK unless the configuration names another, or none."""
    inherited = os.environ.get("SSH_AUTH_SOCK", "")
    if not settings.has("identityagent"):
        return inherited
    value = settings.text("identityagent")
    if value is None:
        return ""
    if value == "SSH_AUTH_SOCK":
        return inherited
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:], "")
    return home_expanded(settings.expanded("identityagent") or "")


def _methods_off(settings: Settings) -> frozenset[str]:
    off = {method for keyword, method in _METHODS.items() if settings.flag(keyword) is False}
    if (preferred := settings.text("preferredauthentications")) is not None:
        off |= set(_METHODS.values()) - {name.strip() for name in preferred.split(",")}
    return frozenset(off)


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for keyword, name in _ALGORITHMS.items():
        if (text := settings.text(keyword)) is not None:
            options[name] = _known_algorithms(settings, keyword, name, text)
    if (family := settings.choice("addressfamily", tuple(FAMILIES))) is not None:
        options["family"] = FAMILIES[family]
    if (address := settings.text("bindaddress")) is not None:
        options["local_addr"] = (address, 0)
    if settings.flag("compression"):
        options["compression_algs"] = "zlib@openssh.com,none"
    return options


def _known_algorithms(settings: Settings, keyword: str, name: str, text: str) -> str:
    """Return a list of algorithms without those that asyncssh does not have: OpenSSH's lists may be newer."""
    sign = text[0] if text[0] in "+-^" else ""
    known = [word for word in text.removeprefix(sign).split(",") if _is_known(name, word)]
    if not known:
        if sign:
            return "default"
        raise settings.problem(keyword, f"gputui has none of the algorithms {text}")
    return sign + ",".join(known)


@cache
def _is_known(name: str, algorithm: str) -> bool:
    arguments: dict[str, Any] = {name: algorithm}
    try:
        asyncssh.SSHClientConnectionOptions(config=None, client_keys=None, known_hosts=None, **arguments)
    except ValueError:
        return False
    return True
