"""Stock that comes and goes and prices that change, cell by cell: a cell is a GPU model in a region."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from .world import World

Cells = Mapping[str, Callable[[int], object]]
"""Sets the number of idle GPUs of each cell, by name."""
Prices = Mapping[str, Callable[[float], object]]
"""Sets the price of each cell to a multiple of the usual one, by name."""
AWAY, HERE = (60.0, 600.0), (8.0, 60.0)
"""World seconds that a cell has no idle GPUs, and that it has some."""
COUNTS = (1, 1, 1, 2, 2, 4, 8)
PRICE_LASTS = (60.0, 300.0)
CHEAPEST, DEAREST = 0.7, 1.5
"""Multiples of the usual price."""


class Flicker:
    """Gives each cell a few idle GPUs now and then, for seconds. The same seed gives the same times and numbers.

    What a cell does depends on the seed and its name alone. In a frozen world nothing changes after the beginning.
    """

    def __init__(self, world: World, seed: int | str, cells: Cells) -> None:
        self._world = world
        self._ended = False
        for name, idle in cells.items():
            rng = random.Random(f"flicker {seed} {name}")  # noqa: S311  a pretend market has no secrets
            share = sum(HERE) / (sum(AWAY) + sum(HERE))
            self._enter(rng, idle, here=rng.random() < share)

    def end(self) -> None:
        """Change nothing any more."""
        self._ended = True

    def _enter(self, rng: random.Random, idle: Callable[[int], object], *, here: bool) -> None:
        if self._ended:
            return
        idle(rng.choice(COUNTS) if here else 0)
        self._world.after(rng.uniform(*(HERE if here else AWAY)), lambda: self._enter(rng, idle, here=not here))


class ChangingPrices:
    """Changes the price of each cell every few minutes. The same seed gives the same times and prices."""

    def __init__(self, world: World, seed: int | str, cells: Prices) -> None:
        self._world = world
        self._ended = False
        for name, multiply in cells.items():
            self._change(random.Random(f"prices {seed} {name}"), multiply)  # noqa: S311

    def end(self) -> None:
        """Change nothing any more."""
        self._ended = True

    def _change(self, rng: random.Random, multiply: Callable[[float], object]) -> None:
        if self._ended:
            return
        multiply(rng.uniform(CHEAPEST, DEAREST))
        self._world.after(rng.uniform(*PRICE_LASTS), lambda: self._change(rng, multiply))
