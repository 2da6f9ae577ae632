"""Conversion of values from the history's file to those of the models, with checks of types and cleaning.

Other programs may write to the directory, so the file may contain anything. A value from it is treated like a
server's answer: it cannot move a cursor, overflow a clock or pass for another type.
Every function raises ValueError or TypeError for an invalid value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from gputui.models import GpuSample, Ref
from gputui.models.serialize import integer, is_usable, number, text
from gputui.text import clean

LONGEST_LINE = 1_000
"""Characters of a line typed into the command bar that is still taken for one."""

UNUSABLE = (ValueError, TypeError, ArithmeticError, OSError, LookupError, RecursionError)
"""The errors of reading a row; ArithmeticError and OSError are those of times."""

_T = TypeVar("_T")


def time(value: object) -> datetime:
    """Return a time in UTC from seconds since 1970."""
    at = datetime.fromtimestamp(number(value), UTC)
    if not is_usable(at):
        raise ValueError("not a time")
    return at


def or_none(read: Callable[[object], _T], value: object) -> _T | None:
    """Return a value that may be missing."""
    return None if value is None else read(value)


def ref(value: object) -> Ref:
    """Return a Ref from its text."""
    return Ref.parse(text(value))


def gpu_sample(values: tuple[object, ...]) -> GpuSample:
    """Return the reading of a GPU from its time and the figures in the order of the model."""
    at, utilization, memory_used, *others = values
    power, temperature, fan = (or_none(number, value) for value in others)
    return GpuSample(time(at), or_none(number, utilization), or_none(integer, memory_used), power, temperature, fan)


def typed_line(value: object) -> str | None:
    """Return a line of the command bar; None for a text that cannot be typed there."""
    return value if isinstance(value, str) and len(value) <= LONGEST_LINE and clean(value) == value else None
