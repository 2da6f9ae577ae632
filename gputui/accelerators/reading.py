"""The plain values of an accelerator that is no NVIDIA GPU, and of a process on it."""

from __future__ import annotations

import math
import re

from gputui.late_dataclasses import dataclass

MIB = 2**20
MOST_DEVICES = 1024
MOST_USES = 4096
_LONGEST_FIGURE = 32
_FIGURE = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
_UNITS = {"B": 1, "KB": 2**10, "MB": MIB, "GB": 2**30}


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One accelerator. Memory in bytes, utilisation and fan in percent, power in watts, temperature in °C.

    ``key`` is the number under which the driver lists its processes; '' where that is not reported.
    """

    index: int
    model: str = ""
    memory_total: int | None = None
    memory_used: int | None = None
    utilization: float | None = None
    power: float | None = None
    temperature: float | None = None
    fan: float | None = None
    uuid: str = ""
    key: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """The use of an accelerator by a process: its memory there in bytes, and the name the tool has for it."""

    index: int
    pid: int
    memory: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The accelerators of one tool.

    ``uses`` are the processes on them, ``silence`` is why they are unknown, '' where they are known. ``driver`` is
    the version of the driver.
    """

    devices: tuple[Accelerator, ...] = ()
    uses: tuple[Use, ...] = ()
    silence: str = ""
    driver: str = ""


def figure(value: object) -> float | None:
    """Return a plausible figure, as a number or as a text with or without ``%``; None for all else, NaN included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) and abs(value) < 1e15 else None
    if isinstance(value, str) and len(value) <= _LONGEST_FIGURE:
        text = value.strip().removesuffix("%").strip()
        return float(text) if _FIGURE.fullmatch(text) else None
    return None


def size(value: object, unit: str = "B") -> int | None:
    """Return a size in bytes, of a figure or of ``{"value": …, "unit": …}``; None for what is none."""
    if isinstance(value, dict):
        unit, value = str(value.get("unit", unit)), value.get("value")
    number = figure(value)
    factor = _UNITS.get(unit.upper().replace("IB", "B"))
    return None if number is None or number < 0 or factor is None else int(number * factor)
