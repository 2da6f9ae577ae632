"""Several charts side by side, or one of them alone, in the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.widget import Widget

from gputui.widgets.chart.chart import Chart
from gputui.widgets.chart.data import ChartData
from gputui.widgets.chart.painter import LEAST_HEIGHT, LEAST_WIDTH

GAP = 2
"""Cells between two charts of a row."""
_GOOD_WIDTH, _GOOD_HEIGHT = 36, 5
"""A chart that reads well; what is larger is better only once all charts are as large as this."""
_SPARK_WORTH = 0.1
"""The value of a sparkline compared with a chart that reads well."""
_PHASES = 8
"""So many charts move on at different times, so that a refresh never has to write all of them."""
_SHAPE = 5.0
"""Cells across for each line down that suit something that runs through time."""


class ChartGrid(Widget):
    """Charts in rows, all of one size."""

    DEFAULT_CSS = f"""
    ChartGrid {{ layout: grid; grid-gutter: 0 {GAP}; height: 1fr; width: 1fr; }}
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Sequence[ChartData] = ()
        self._selected: str | None = None
        self._charts: list[Chart] = []
        self.columns = 1
        """The number of charts side by side."""

    @property
    def charts(self) -> Sequence[Chart]:
        """The charts in view, in their order."""
        return self._charts[: len(self._shown)]

    def show(self, charts: Sequence[ChartData], *, selected: str | None = None) -> None:
        """Show these charts in this order; ``selected`` is the key of the one that is marked.

        Charts look as before when their data do, and nothing is written then.
        """
        self._shown, self._selected = charts, selected
        self._arrange()
        for chart, data in zip(self._charts, self._shown, strict=False):
            chart.show(data, selected=data.key == selected)

    def on_resize(self) -> None:
        """Divide the new room."""
        self._arrange()

    def _arrange(self) -> None:
        missing = len(self._shown) - len(self._charts)
        if missing > 0 and self.is_attached:
            have = len(self._charts)
            fresh = [Chart(phase=place % _PHASES / _PHASES) for place in range(have, have + missing)]
            self._charts += fresh
            self.mount(*fresh)
            for chart, data in zip(self._charts, self._shown, strict=False):
                chart.show(data, selected=data.key == self._selected)
        for place, chart in enumerate(self._charts):
            chart.display = place < len(self._shown)
        self.columns = columns_for(len(self._shown), self.size)
        rows = max(1, -(-len(self._shown) // self.columns))
        if (self.styles.grid_size_columns, self.styles.grid_size_rows) != (self.columns, rows):
            self.styles.grid_size_columns = self.columns
            self.styles.grid_size_rows = rows


def columns_for(count: int, room: Size) -> int:
    """Return how many of ``count`` charts to put side by side so that each reads best."""

    def worth(columns: int) -> tuple[float, float]:
        rows = -(-count // columns)
        width, height = (room.width - GAP * (columns - 1)) / columns, room.height // rows
        legible = min(1.0, width / _GOOD_WIDTH) * min(1.0, height / _GOOD_HEIGHT)
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            legible = _SPARK_WORTH * min(1.0, width / _GOOD_WIDTH)
        shape = width / max(1, height) / _SHAPE
        return legible, -max(shape, 1 / max(shape, 0.01))

    return max(range(1, count + 1), key=worth, default=1)
