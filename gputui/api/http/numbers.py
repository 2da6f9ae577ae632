"""Invalid numbers in an answer: NaN, infinities, numbers of hundreds of digits."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Annotated

from pydantic import Field

LARGEST = 2**63
"""The limit of valid numbers: no size, price, time or count reaches it."""

TOO_LARGE = "too large"

Whole = Annotated[int, Field(gt=-LARGEST, lt=LARGEST)]
"""A valid whole number, also one written as text."""
Count = Annotated[int, Field(ge=0, lt=LARGEST)]
"""A whole number that is never below 0: a count, a size in bytes, a port."""
Amount = Annotated[float, Field(ge=0, lt=LARGEST, allow_inf_nan=False)]
"""A number that is never below 0: a size, a price, a share, a time."""

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG = b"0" * 19
_WORDS = (b"NaN", b"Infinity")
_EXPONENT = re.compile(rb"[:,\[]\s{0,40}-?[0-9][0-9.]{0,40}[eE]\+?[0-9]{2}")
_SHAPE_OF_EXPONENT = re.compile(rb"0e\+?00")
_BEFORE, _AFTER = 82, 5
"""The bytes of an exponent before the digit in front of its e, and from that on."""
_FEW = 64
"""Up to so many places it is quicker to look at each than through the whole answer."""


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
    # Most of these places are in texts of hexadecimal digits.
    places = [found.start() for found in islice(_SHAPE_OF_EXPONENT.finditer(shape), _FEW + 1)]
    if len(places) > _FEW:
        return _EXPONENT.search(body) is not None
    return any(_EXPONENT.search(body, max(0, at - _BEFORE), at + _AFTER) for at in places)


def _integer(text: str) -> int | str:
    value = int(text) if len(text) <= 20 else LARGEST
    return value if abs(value) < LARGEST else TOO_LARGE


def _float(text: str) -> float | str:
    value = float(text)
    return value if abs(value) < LARGEST else TOO_LARGE


def _constant(text: str) -> str | None:
    return None if text == "NaN" else TOO_LARGE
