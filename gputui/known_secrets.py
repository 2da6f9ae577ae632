"""The secrets that this process knows, which are masked in everything that is shown, stored or logged.

A server may repeat secrets that it received, in an error or a quoted header. So each secret is registered when it is
read or typed, and masked in messages, audit entries, commands, log lines and raw answers. Names and ids are not
masked: they identify objects. Standard library only, as errors use it.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 6
"""The length of the shortest masked secret; shorter ones cannot be distinguished from words."""
MOST = 200
"""The limit of known secrets; then the oldest are dropped."""

_lock = threading.Lock()
_forms: dict[str, tuple[str, ...]] = {}
_longest_first: tuple[str, ...] = ()
_packed: frozenset[str] = frozenset()
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def note(secret: str) -> None:
    """Register a secret."""
    global _longest_first, _packed  # noqa: PLW0603  (the registry of this process)
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


def mask(text: str) -> str:
    """Return a text without the known secrets, in any of their forms."""
    for form in _longest_first:
        if form in text:
            text = _without_packed(text, form) if form in _packed else text.replace(form, MASK)
    return text


def _without_packed(text: str, form: str) -> str:
    """Mask each whole base64 text that contains a form of a secret, with a user name or the rest of a header."""
    first, *rest = text.split(form)
    parts = [first.rstrip(_BASE64)]
    for part in rest[:-1]:
        inner = part.lstrip(f"{_BASE64}=")
        parts.append(inner.rstrip(_BASE64) if inner else "")
    parts.append(rest[-1].lstrip(f"{_BASE64}="))
    return MASK.join(parts)


def forms(secret: str) -> tuple[str, ...]:
    """Return the forms of a secret: plain, as in Python and JSON, percent-encoded, in base64 after other bytes."""
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
    """Return the base64 forms of a secret alone and amid other bytes, without characters that encode these."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {b64encode(raw).decode("ascii")}
    for before in range(3):
        whole = b64encode(b"\0" * before + raw)
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        found.add(whole[first:last].decode("ascii"))
    return found
