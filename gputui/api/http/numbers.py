"""Numbers of an answer that no model accepts: NaN, infinities, numbers of hundreds of digits."""

from __future__ import annotations

import json
import re
from typing import Annotated

from pydantic import Field

LARGEST = 2**63
"""Figures from here on are no sizes, prices, times or counts of anything."""

TOO_LARGE = "too large"

Whole = Annotated[int, Field(gt=-LARGEST, lt=LARGEST)]
"""A whole number, also one written as text, that is a figure."""
Real = Annotated[float, Field(gt=-LARGEST, lt=LARGEST, allow_inf_nan=False)]
"""A number, also one written as text, that is a figure."""

_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG = b"0" * 19
_WORDS = (b"NaN", b"Infinity")
_EXPONENT = re.compile(rb"[:,\[]\s{0,40}-?[0-9][0-9.]{0,40}[eE]\+?[0-9]{2}")


def without_absurd(body: bytes) -> bytes:
    """Return JSON with null in place of NaN, and TOO_LARGE in place of what no figure is; any other body as it is.

    One such number would end the reading of a whole list, or the sum, sorting and writing of it later on. As a text
    it spoils its own field.
    """
    if not _may_have(body):
        return body
    try:
        return json.dumps(loads(body), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


def loads(body: bytes | str) -> object:
    """Read JSON, without what is no figure; raises ValueError or RecursionError."""
    return json.loads(body, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _may_have(body: bytes) -> bool:
    """Whether there may be such a figure, at a fraction of what reading costs."""
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
