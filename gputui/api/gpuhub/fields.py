"""The values of GPUhub's forms: written by people in units they read, sent in the API's.

Prices are written for an hour in the account's currency and sent as thousandths of it; CUDA versions are written as
11.8 and sent as 118. Every reader raises ValueError that says what is wrong, as what follows the field's name.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from gputui.api.common.form_values import LARGEST

REPLICA_SET, JOB, CONTAINER = "ReplicaSet", "Job", "Container"
"""The types of deployments."""
CUDA_VALUES = {"11.8": 118, "12.0": 120, "12.1": 121, "12.2": 122}
"""The versions of the document's table. Others are sent as they are: the table ends before the newest drivers."""
OPEN_CUDA = 999
"""The upper end of a range of CUDA versions that excludes no driver, as public clients send it."""
ANY_CUDA = 0
"""The value for any CUDA version in a private cloud."""

_CUDA = re.compile(r"([0-9]{1,2})\.([0-9])")


def read_price(text: str) -> int:
    """Read a price for an hour, ``1.5``, and return thousandths."""
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("must be a price for an hour, such as 1.50") from None
    if not price.is_finite():
        raise ValueError("must be a price for an hour, such as 1.50")
    if price < 0:
        raise ValueError("cannot be negative")
    if price > LARGEST // 1000:
        raise ValueError(f"is too large; {LARGEST // 1000} is the most")
    thousandths = price * 1000
    if thousandths != thousandths.to_integral_value():
        raise ValueError("may have three decimals at most")
    return int(thousandths)


def read_cuda(text: str) -> int:
    """Read a CUDA version, ``11.8`` or ``118``, and return 118; ``12`` is 12.0."""
    text = text.strip()
    if match := _CUDA.fullmatch(text):
        return int(match[1]) * 10 + int(match[2])
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 3):
        raise ValueError("must be a CUDA version, such as 11.8")
    number = int(text)
    version = number if number >= 50 else number * 10
    if version < 50:
        raise ValueError("must be a CUDA version, such as 11.8")
    return version


def read_any_cuda(text: str) -> int:
    """Read a CUDA version as :func:`read_cuda` does; 0 and ``any`` are any."""
    return ANY_CUDA if text.strip().lower() in ("0", "any") else read_cuda(text)
