"""The name of a host after CanonicalizeHostname: complete with a domain, an alias in the DNS followed.

Blocking: names are looked up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from gputui.late_dataclasses import dataclass
from gputui.openssh_config import matches

LookUp = Callable[[str], str | None]
"""Returns the canonical name that the DNS has for a host; None where there is no such host."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings for one name, which is completed from ``domains`` where it has at most ``dots`` dots.

    ``permitted`` has patterns of names with those of the aliases that are followed.
    """

    domains: Sequence[str] = ()
    dots: int = 1
    permitted: Sequence[tuple[Sequence[str], Sequence[str]]] = ()


def numeric(name: str) -> str:
    """Return an address in its usual form, such as ``::1`` for ``0::1``; '' for a name."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return socket.getnameinfo(found[0][4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    except (OSError, UnicodeError):
        return ""


def completed(name: str, rules: Rules, look_up: LookUp) -> str | None:
    """Return the name with the first domain that has it; None where none has, the name itself with too many dots."""
    if name.endswith("."):
        tried = [name]
    elif name.count(".") > rules.dots:
        return followed(name, rules, look_up)
    else:
        tried = [f"{name}.{domain}." for domain in rules.domains]
    for full in tried:
        if (alias := look_up(full)) is not None:
            return _followed(full[:-1], alias, rules)
    return None


def followed(name: str, rules: Rules, look_up: LookUp) -> str:
    """Return the name that an alias in the DNS is of, where that is permitted; else the name itself."""
    return _followed(name, look_up(name) or "", rules) if rules.permitted else name


def _followed(name: str, canonical: str, rules: Rules) -> str:
    is_permitted = canonical and any(
        matches(names, name.lower()) and matches(targets, canonical.lower()) for names, targets in rules.permitted
    )
    return canonical if is_permitted else name


def in_dns(family: int) -> LookUp:
    """Return the function that looks names up in the DNS, for addresses of a family."""

    def look_up(name: str) -> str | None:
        try:
            found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
        except (OSError, UnicodeError):
            return None
        return found[0][3].rstrip(".")

    return look_up
