"""What the arguments of the command line are read as: numbers, sizes, times, ports, assignments.

argparse takes a ValueError for a wrong value, and says the reader's name.
"""

from __future__ import annotations

import argparse
import re

from gputui.formatting import parse_span
from gputui.models import LONGEST_BLOCK


def positive(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def not_negative(text: str) -> float:
    """Read a number from 0 on."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def whole(text: str) -> int:
    """Read a whole number from 0 on."""
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def ports(text: str) -> tuple[int, int]:
    """Read ``[LOCAL:]REMOTE``; a local port of 0 is any that is free."""
    local, colon, remote = text.rpartition(":")
    ports = (int(local) if colon else 0, int(remote))
    if not (0 <= ports[0] < 65536 and 0 < ports[1] < 65536):
        raise ValueError(text)
    return ports


def span(text: str) -> int:
    """Read a length of time as minutes, at most the longest a block can have."""
    minutes = parse_span(text)
    if minutes > LONGEST_BLOCK:
        raise argparse.ArgumentTypeError(f"{text} is longer than {LONGEST_BLOCK // (24 * 60)} days")
    if minutes < 1:
        raise ValueError(text)
    return minutes


def size(text: str) -> int:
    """Read a size in whole GB."""
    match = re.fullmatch(r"(\d+)\s*(?:G|GB)?", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None or int(match[1]) < 1:
        raise ValueError(text)
    return int(match[1])


# argparse says "invalid NAME value" with these names.
span.__name__ = "time (90m, 6h, 7d)"
positive.__name__ = "number of seconds"
not_negative.__name__ = "factor"
whole.__name__ = "number"
count.__name__ = "count"
size.__name__ = "size in GB (200, 200G)"
ports.__name__ = "port"


def assignment(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def filter_value(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``, of which the value may be missing."""
    name, _, value = text.partition("=")
    return name, value
