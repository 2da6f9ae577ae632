"""Which proxy of the environment a server is reached through, and which hosts are left out of that.

As curl and Python's own tools read it, with two differences: a scheme's own proxy wins over ``all_proxy``, and
``no_proxy`` may contain networks (``10.0.0.0/8``) and addresses of IPv6 with and without brackets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from gputui.late_dataclasses import dataclass

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_OTHER_NAMES = {"socks": "socks5"}


class UnusableProxyError(Exception):
    """The environment names a proxy that cannot be used; says which variable, and why."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. ``url`` may have credentials in it and is never shown; ``name`` is its address alone."""

    variable: str
    name: str
    url: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.variable})"


def proxy_for(base_url: str, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """Return the proxy for a server, None where it is reached directly; raises UnusableProxyError."""
    given = os.environ if environ is None else environ
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    if _is_loopback(host) or _is_excluded(host, parts.port or _DEFAULT_PORTS.get(parts.scheme), given):
        return None
    for variable in (f"{parts.scheme}_proxy", f"{parts.scheme}_PROXY".upper(), "all_proxy", "ALL_PROXY"):
        if variable == "HTTP_PROXY" and "REQUEST_METHOD" in given:
            continue  # in a web server's script it is a header that anybody may send
        if value := given.get(variable, "").strip():
            return _proxy(variable, value)
    return None


def _proxy(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        scheme = _OTHER_NAMES.get(parts.scheme, parts.scheme)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UnusableProxyError(f"{variable} names no address of a proxy") from None
    if scheme not in _DEFAULT_PORTS:
        raise UnusableProxyError(f"{variable} names a kind of proxy that cannot be used; http, https and socks5 can")
    if not host or not host.isascii() or not host.isprintable():
        raise UnusableProxyError(f"{variable} names no address of a proxy")
    address = f"[{host}]" if ":" in host else host
    address = f"{address}:{port or _DEFAULT_PORTS[scheme]}"
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return Proxy(variable, f"{scheme}://{address}", f"{scheme}://{user}{address}")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excluded(host: str, port: int | None, given: Mapping[str, str]) -> bool:
    """Whether ``no_proxy`` names a host, one of its domains, its network, or all."""
    entries = (given.get("no_proxy") or given.get("NO_PROXY") or "").replace(",", " ").split()
    return any(_matches(entry.lower(), host.lower(), port) for entry in entries)


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    name, only = _without_port(entry)
    if only is not None and only != port:
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        pass  # one of them is a name
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _without_port(entry: str) -> tuple[str, int | None]:
    """Return an entry's host and port: ``[::1]:8000``, ``::1``, ``example.com:8000``."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
        return (f"{name}{rest}", None) if rest.startswith("/") else (name, int(port) if port.isdecimal() else None)
    name, colon, port = entry.partition(":")
    return (name, int(port)) if colon and port.isascii() and port.isdecimal() and len(port) < 6 else (entry, None)
