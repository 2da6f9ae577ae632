"""The charts of the GPUs view: those of the GPU under the cursor, all of one GPU, or one figure of several GPUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuSample, Ref
from gputui.widgets.chart.data import ChartData, Reading, Window, fitted
from gputui.widgets.chart.gpu_charts import READINGS, chart_of, how_many, key_of, reported
from gputui.widgets.chart.grid import ChartGrid

if TYPE_CHECKING:
    from gputui.widgets.chart.chart import Chart

MOST = 16
"""The greatest number of GPUs compared: more charts cannot be read."""


class Showing(StrEnum):
    """The content of the charts."""

    STRIP = "strip"
    ONE = "one"
    MANY = "many"


class GpuPanel(Vertical, can_focus=True):
    """Draws what it is given. In MANY one of the charts is chosen with the keys."""

    DEFAULT_CSS = "GpuPanel { padding: 0 1; background: $background; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(0, 1)", show=False, id="charts.down"),
        Binding("k,up", "move(0, -1)", show=False, id="charts.up"),
        Binding("right", "move(1, 0)", show=False, id="charts.right"),
        Binding("left", "move(-1, 0)", show=False, id="charts.left"),
        Binding("enter", "open", show=False, id="charts.open"),
    ]

    @dataclass
    class Moved(Message):
        """Another chart was chosen, of this GPU."""

        ref: Ref

    @dataclass
    class Opened(Message):
        """A GPU was asked to be shown alone."""

        ref: Ref

    def __init__(
        self,
        samples_of: Callable[[Ref], Sequence[GpuSample]],
        now: Callable[[], datetime],
        *,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._samples_of = samples_of
        self._now = now
        self._grid = ChartGrid(id="chart-grid")
        self.showing = Showing.STRIP
        self.devices: Sequence[GpuDevice] = ()
        self.chosen: Ref | None = None
        self.window = Window()
        self.reading: Reading = "utilization"
        self.utc = False
        self.names_accounts = False
        """Whether the account is before the host: a name may be in several."""

    def compose(self) -> ComposeResult:
        """Lay out the charts."""
        yield self._grid

    @property
    def charts(self) -> Sequence[Chart]:
        """The charts that are drawn."""
        return self._grid.charts

    def has_readings(self, device: GpuDevice | None) -> bool:
        """Whether there is anything to draw of a GPU."""
        return device is not None and bool(self._samples_of(device.ref))

    def draw(self) -> None:
        """Show everything as it is now; what looks as before is not written again."""
        chosen = self.chosen if self.showing is Showing.MANY else None
        selected = None if chosen is None else key_of(chosen, self.reading)
        self._grid.show(self._charts() if self.display else [], selected=selected)

    def on_resize(self) -> None:
        """Show as many charts as there is room for."""
        self.draw()

    # --- what is drawn -----------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float | None:
        """The time that the charts show, the same in all; None for all there is."""
        return self.window.seconds(self._fits)

    def _fits(self) -> float:
        return fitted((self._samples_of(device.ref) for device in self.devices[:MOST]), self._now())

    def _charts(self) -> list[ChartData]:
        window = self.seconds
        if self.showing is Showing.MANY:
            named = len({(device.ref.account, device.host) for device in self.devices}) > 1
            return [self._chart(device, self.reading, window, named=named) for device in self.devices[:MOST]]
        device = next((device for device in self.devices if device.ref == self.chosen), None)
        if device is None:
            return []
        readings = reported(self._samples_of(device.ref)) or list(READINGS[:2])
        if self.showing is Showing.STRIP:
            readings = readings[: how_many(self.size.width, self.size.height)]
        # They are all of one GPU: the first one names its host.
        return [self._chart(device, reading, window, named=not place) for place, reading in enumerate(readings)]

    def _chart(self, device: GpuDevice, reading: Reading, window: float | None, *, named: bool) -> ChartData:
        samples = self._samples_of(device.ref)
        place = f"{device.ref.account}/{device.host}" if self.names_accounts else device.host
        return chart_of(
            device, reading, samples, window=window, now=self._now(), utc=self.utc, place=place if named else ""
        )

    # --- choosing ----------------------------------------------------------------------------------------------

    def longer(self, steps: int) -> None:
        """Show a longer time, or with less than 0 a shorter one, as far as there are others."""
        self.window.change(steps, self._fits())
        self.draw()

    def next_reading(self) -> None:
        """Compare another figure: the next that one of these GPUs reports."""
        able = {reading for device in self.devices for reading in reported(self._samples_of(device.ref))}
        order = [reading for reading in READINGS if reading in able or reading == self.reading]
        self.reading = order[(order.index(self.reading) + 1) % len(order)]
        self.draw()

    def action_move(self, right: int, down: int) -> None:
        """Choose the next chart in a direction."""
        refs = [device.ref for device in self.devices[:MOST]]
        if self.showing is not Showing.MANY or not refs:
            return
        place = refs.index(self.chosen) if self.chosen in refs else 0
        place += right + down * self._grid.columns
        if 0 <= place < len(refs):
            self.chosen = refs[place]
            self.draw()
            self.post_message(self.Moved(refs[place]))

    def action_open(self) -> None:
        """Show the chosen GPU alone."""
        if self.showing is Showing.MANY and self.chosen is not None:
            self.post_message(self.Opened(self.chosen))
