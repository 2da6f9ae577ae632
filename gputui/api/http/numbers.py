"""Invalid numbers in an answer: NaN, infinities, numbers of hundreds of digits."""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import Field

LARGEST = 2**63
"""The limit of valid numbers: no size, price, time or count reaches it."""

TOO_LARGE = "too large"

Whole = Annotated[int, Field(gt=-LARGEST, lt=LARGEST)]
"""A valid whole number, also one written as text."""
Real = Annotated[float, Field(gt=-LARGEST, lt=LARGEST, allow_inf_nan=False)]
"""A valid number, also one written as text."""

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG = b"0" * 19
_WORDS = (b"NaN", b"Infinity")
_EXPONENT = re.compile(rb"[:,\[]\s{0,40}-?[0-9][0-9.]{0,40}[eE]\+?[0-9]{2}")


def without_invalid_numbers(body: bytes) -> bytes:
    """Return JSON with null in place of NaN, and TOO_LARGE in place of other invalid numbers; else the body itself.

    One such number would make a whole list unreadable, or break its sum, sorting and output later. As a text
    it makes only its own field unreadable.
    """
    if not _may_have(body):
        return body
    try:
        return json.dumps(loads(body), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


def loads(body: bytes | str) -> object:
    """Read JSON without invalid numbers; raises ValueError or RecursionError."""
    return json.loads(body, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _may_have(body: bytes) -> bool:
    """Whether there may be an invalid number, at a fraction of the cost of parsing."""
    shape = body.translate(_SHAPE)
    if _LONG in shape or any(word in body for word in _WORDS):
        return True
    return (b"0e00" in shape or b"0e+00" in shape) and _EXPONENT.search(body) is not None


def _integer(text: str) -> int | str:
    value = int(text) if len(text) <= 20 else LARGEST
    return value if abs(value) < LARGEST else TOO_LARGE


def _float(text: str) -> float | str:
    value = float(text)
    return value if abs(value) < LARGEST else TOO_LARGE


def _constant(text: str) -> str | None:
    return None if text == "NaN" else TOO_LARGE
