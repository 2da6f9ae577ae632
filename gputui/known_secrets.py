"""The secrets that this process knows, and their masks in whatever is shown, saved or logged.

A server may repeat in any answer what it was sent: a password in a complaint, a key in a header that it quotes. So
every secret is noted when it is read, asked for or typed into a form, and taken out of every message, entry of the
audit log, command, log line and raw answer. Names and ids stay as they are: things are found by them.
Standard library only: errors are made of this.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 6
"""Characters of the shortest secret that is masked; a shorter one cannot be told from a word."""
MOST = 200
"""How many secrets are known at once; the oldest are given up then."""

_lock = threading.Lock()
_forms: dict[str, tuple[str, ...]] = {}
_longest_first: tuple[str, ...] = ()
_packed: frozenset[str] = frozenset()
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def note(secret: str) -> None:
    """Know a secret from now on."""
    global _longest_first, _packed  # noqa: PLW0603  (what a process knows is known in all of it)
    secret = secret.strip()
    if len(secret) < SHORTEST or secret in _forms:
        return
    with _lock:
        _forms[secret] = forms(secret)
        while len(_forms) > MOST:
            del _forms[next(iter(_forms))]
        found = {form for several in _forms.values() for form in several}
        _packed = frozenset(form for known in _forms for form in _in_base64(known))
        _longest_first = tuple(sorted(found, key=len, reverse=True))


def forget_all() -> None:
    """Know nothing any more."""
    global _longest_first, _packed
    with _lock:
        _forms.clear()
        _longest_first, _packed = (), frozenset()


def mask(text: str) -> str:
    """Return a text without the secrets that are known, in any of their forms."""
    for form in _longest_first:
        if form in text:
            text = _without_packed(text, form) if form in _packed else text.replace(form, MASK)
    return text


def _without_packed(text: str, form: str) -> str:
    """Mask the whole of each base64 that holds a form of a secret: a user name or the rest of a header with it."""
    first, *rest = text.split(form)
    parts = [first.rstrip(_BASE64)]
    for part in rest[:-1]:
        inner = part.lstrip(f"{_BASE64}=")
        parts.append(inner.rstrip(_BASE64) if inner else "")
    parts.append(rest[-1].lstrip(f"{_BASE64}="))
    return MASK.join(parts)


def forms(secret: str) -> tuple[str, ...]:
    """Return how a secret is written: as it is, by Python and JSON, percent-encoded, in base64 after anything."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(raw, safe=""),
        quote_plus(raw),
        *_in_base64(secret),
    }
    return tuple(form for form in found if len(form) >= SHORTEST)


def _in_base64(secret: str) -> set[str]:
    """Return what base64 makes of it alone and amid other bytes, as in a header for Basic authentication.

    The characters at both ends are made of its neighbours as well: they are left out.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    found = {b64encode(raw).decode("ascii")}
    for before in range(3):
        whole = b64encode(b"\0" * before + raw)
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        found.add(whole[first:last].decode("ascii"))
    return found
