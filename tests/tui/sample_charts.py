"""A program for tests and benchmarks: charts of made-up GPUs, an hour of samples each, one more with every refresh.

``python -m tests.tui.sample_charts COUNT KIND [SECONDS]``: ``r`` adds a sample to each and shows them, ``s`` shows
them again with nothing new, ``e`` enlarges the first and back, ``w`` takes the next window, ``t`` lets ten minutes
pass without a sample. KIND is ``load`` (as GPUs at work and at rest look) or ``walk`` (up and down at random). With
SECONDS it refreshes by itself as often as that.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from gputui.app.theme import DARK, variables
from gputui.models import GpuSample
from gputui.widgets.chart.data import WINDOWS, ChartData, Readings
from gputui.widgets.chart.grid import ChartGrid
from gputui.widgets.chart.scale import UTILIZATION
from gputui.widgets.textual_internals import partial_update

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEPT = 360
SPACING = 10.0


def load(gpu: int, seed: int) -> Callable[[int], float]:
    """Return what a GPU's utilisation may look like: at rest, at work with noise, work in waves, short jobs."""
    chance = random.Random(seed)

    def busy(step: int) -> float:
        return 93 + chance.gauss(0, 2.5)

    def waves(step: int) -> float:
        return 55 + 35 * math.sin(step / 25) + chance.gauss(0, 3)

    def jobs(step: int) -> float:
        return chance.uniform(80, 100) if step // 40 % 3 else 0.0

    def idle(step: int) -> float:
        return 0.0

    return (busy, waves, jobs, idle)[gpu % 4]


def walk(gpu: int, seed: int) -> Callable[[int], float]:
    """Return a utilisation that goes up and down at random, the hardest there is to draw."""
    chance = random.Random(seed)
    value = 50.0

    def next_value(step: int) -> float:
        nonlocal value
        value = min(100.0, max(0.0, value + chance.gauss(0, 6)))
        return value

    return next_value


KINDS = {"load": load, "walk": walk}


class SampleCharts(App[None]):
    """A grid of charts, one of them for each GPU."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh_charts", "Refresh"),
        Binding("s", "same", "Same"),
        Binding("e", "enlarge", "Enlarge"),
        Binding("w", "window", "Window"),
        Binding("t", "pause", "Pause"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, count: int, kind: str = "load", every: float | None = None) -> None:
        super().__init__()
        self._count = count
        self._every = every
        self._step = 0
        self._window = 3600.0
        self._alone = False
        self._makers = [KINDS[kind](gpu, gpu + 1) for gpu in range(count)]
        self._samples: list[list[GpuSample]] = [[] for _ in range(count)]
        self._now = BEGIN
        for _ in range(KEPT):
            self._add_samples(SPACING)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Add the colours that charts have, as the program has them."""
        return variables(self.current_theme, "truecolor")

    def compose(self) -> ComposeResult:
        """Show the grid alone."""
        yield ChartGrid()

    def on_mount(self) -> None:
        """Show what there is."""
        self.register_theme(DARK)
        self.theme = DARK.name
        self._show()
        if self._every:
            self.set_interval(self._every, self.action_refresh_charts)

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, partial_update(renderable))

    def _add_samples(self, apart: float) -> None:
        self._now += timedelta(seconds=apart)
        self._step += 1
        for samples, maker in zip(self._samples, self._makers, strict=True):
            samples.append(GpuSample(self._now, min(100.0, max(0.0, maker(self._step)))))
            del samples[:-KEPT]

    def _charts(self) -> list[ChartData]:
        window = None if math.isinf(self._window) else self._window
        return [
            ChartData(
                f"gpu {gpu}",
                f"GPU {gpu} utilisation",
                UTILIZATION,
                Readings(samples, "utilization"),
                window,
                self._now,
            )
            for gpu, samples in enumerate(self._samples)
        ]

    def _show(self) -> None:
        charts = self._charts()
        self.query_one(ChartGrid).show(charts[:1] if self._alone else charts)

    def action_refresh_charts(self) -> None:
        """Add a sample to each and show them."""
        self._add_samples(self._every or SPACING)
        self._show()

    def action_same(self) -> None:
        """Show the same again."""
        self._show()

    def action_enlarge(self) -> None:
        """Show the first alone, or all again."""
        self._alone = not self._alone
        self._show()

    def action_window(self) -> None:
        """Show the next window."""
        windows = [math.inf if window is None else window for window in WINDOWS]
        self._window = windows[(windows.index(self._window) + 1) % len(windows)]
        self._show()

    def action_pause(self) -> None:
        """Let time pass without a sample."""
        self._now += timedelta(minutes=10)
        self._show()


if __name__ == "__main__":
    SampleCharts(
        int(sys.argv[1]),
        sys.argv[2] if len(sys.argv) > 2 else "load",
        float(sys.argv[3]) if len(sys.argv) > 3 else None,
    ).run()
