"""The GPU samples of a DeepDock host: computed on request from the processes at the time of each."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui.sim.machines.hardware import MIB, card
from gputui.sim.machines.hosts import Process

if TYPE_CHECKING:
    from .host import DockHost

PERIOD = 10.1
"""World seconds between two samples; each is the mean of 101 readings, as the figures of the real server show."""
KEPT = 360
"""Samples of each GPU: an hour and a minute of them."""
_READINGS = 101
_LAG = 8
"""How many earlier samples affect a GPU's temperature."""
_JITTER = 0.06
_WARM_UP = 5.0
"""Seconds from a process's start until it uses a GPU."""


@dataclass(frozen=True)
class Sample:
    """One sample, ready to be sent. ``number`` counts all there ever were."""

    number: int
    text: str


def load_of(process: Process, at: float) -> float:
    """How much of a GPU a process uses at a world time, 0 to 1: training, serving, or work in fits and starts.

    A process without a load only uses memory.
    """
    if not process.load:
        return 0.0
    since = at - process.started - _WARM_UP
    if since <= 0:
        return 0.0
    rise = 1 - math.exp(-since / 6)
    if process.load >= 0.75:
        cycle = 300 + 90 * process.phase
        pause = (at + cycle * process.phase) % cycle < 24
        return rise * process.load * (0.12 if pause else 0.96 + 0.04 * math.sin(at / 13 + process.phase))
    if process.load >= 0.45:
        wave = 0.62 + 0.3 * math.sin(at / 210 + process.phase) + 0.12 * math.sin(at / 29 + 3 * process.phase)
        return rise * process.load * wave
    busy = math.sin(at / 95 + process.phase) + math.sin(at / 41 + 2 * process.phase) > 0.9
    return rise * (process.load if busy else 0.02)


class Series:
    """The samples of one GPU, newest last."""

    def __init__(self, host: DockHost, index: int) -> None:
        self._host = host
        self._index = index
        self._card = card(host.gpus[index].model)
        self._loads: deque[float] = deque(maxlen=_LAG)
        self._next = 0
        self.samples: deque[Sample] = deque(maxlen=KEPT)

    def catch_up(self, now: float) -> bool:
        """Take the samples that are due at a world time; whether there were any."""
        last = math.floor(now / PERIOD)
        while self._at(last) > now:
            last -= 1
        if last < self._next:
            return False
        first = max(self._next, last - KEPT + 1)
        if first > self._next:
            self.samples.clear()
            self._loads.clear()
            self._loads.extend(self._load(number) for number in range(first - _LAG, first))
        for number in range(first, last + 1):
            self.samples.append(self._take(number))
        self._next = last + 1
        return True

    def _at(self, number: int) -> float:
        return number * PERIOD + _JITTER * _noise(number, 0) + 0.0013 * self._index

    def _load(self, number: int) -> float:
        chance = 1 + 0.08 * (_noise(number, self._index + 1) - 0.5)
        return min(100.0, self._host.load_at(self._index, self._at(number)) * chance)

    def _take(self, number: int) -> Sample:
        at, load = self._at(number), self._load(number)
        self._loads.append(load)
        warmth = self._card.temperature(sum(self._loads) / len(self._loads))
        memory = self._host.memory_at(self._index, at) / MIB
        power = self._card.power((load + self._loads[-2]) / 2) + 3 * _noise(number, self._index + 50)
        fan = self._card.fan(warmth) or 0.0
        figures = ", ".join(
            f'"{name}": {round(value * _READINGS) / _READINGS}'
            for name, value in (
                ("memory_used", memory),
                ("utilization", load),
                ("power_usage", power),
                ("temperature", warmth),
                ("fan_speed", fan),
            )
        )
        return Sample(number, f'{{"timestamp": "{self._host.machine.local(at).isoformat()}", {figures}}}')


def _noise(number: int, salt: int) -> float:
    """A pseudo-random number from 0 to 1, the same for the same arguments."""
    value = math.sin(number % 1_000_003 * 12.9898 + salt * 78.233) * 43758.5453
    return value - math.floor(value)
