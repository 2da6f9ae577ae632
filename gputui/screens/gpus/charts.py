"""The charts of the view of GPUs: those of which GPUs, and the room that tables and charts have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.screens.base.at_rest import AtRest
from gputui.widgets.chart.gpu_charts import READINGS
from gputui.widgets.chart.gpu_panel import Showing
from gputui.widgets.detail_pane import DetailPane

if TYPE_CHECKING:
    from textual.geometry import Size

    from gputui.models import GpuDevice
    from gputui.screens.gpus.view import GpusView

_FRAME, _GAPS = 3, 2
"""Lines of header, title and footer, and those that keep the parts apart."""
_TALLEST, _LEAST = 11, 4
"""Lines of charts next to tables: at most and at least."""
_ROOM_FOR_NONE = 3
"""Lines of a table of processes that has none."""
_ALL = "all"


class GpuCharts:
    """Shows the GPUs that the view has chosen in its panel, between its tables."""

    def __init__(self, view: GpusView) -> None:
        self._view = view
        self._rest = AtRest(view, self._show_with_title)
        self._divided: Size | None = None
        """The size of the view for which the room was divided."""
        view.memory.keep("window", str, self._get_window, self._put_window)
        view.memory.keep("metric", str, self._get_metric, self._put_metric)

    def follow_cursor(self) -> None:
        """Show the GPU that the cursor has moved to, when it rests."""
        self._rest.moved()

    def _show_with_title(self) -> None:
        self.show()
        self._view.frame.show()

    def show(self) -> None:
        """Draw the charts of now, in the room that there is now."""
        device = self._view.shown.charted()
        self._choose(device)
        self._divide(device)
        self._view.panel.draw()

    def _choose(self, device: GpuDevice | None) -> None:
        """Show the GPUs that are compared, else the one that was opened or is under the cursor."""
        panel, shown = self._view.panel, self._view.shown
        panel.utc = self._view.session.utc
        panel.names_accounts = not self._view.context.one_account
        if shown.comparing:
            panel.showing, panel.devices = Showing.MANY, shown.compared()
            known = panel.chosen in {one.ref for one in panel.devices}
            panel.chosen = panel.chosen if known else self._view.gpus.folding.row_here
        else:
            panel.showing = Showing.STRIP if shown.opened is None else Showing.ONE
            panel.devices = [device] if device is not None else []
            panel.chosen = device.ref if device is not None else None

    def _divide(self, device: GpuDevice | None) -> None:
        """Give the upper table the lines it has rows for, up to its share; the charts come next.

        While a filter is typed all keeps its place: its rows change with each letter.
        """
        view, panel, gpus, table = self._view, self._view.panel, self._view.gpus, self._view.table
        if view.frame.is_filtering and self._divided == view.size:
            return
        self._divided = view.size
        comparing = view.shown.comparing
        drawn = comparing or panel.has_readings(device)
        body = view.query_one("#body").size.height
        room = (body or view.size.height - _FRAME) - _GAPS - view.query_one(DetailPane).lines_below
        rows = 0 if comparing or (drawn and view.shown.opened is not None) else max(2, gpus.line_count + 1)
        rows = min(rows, max(2, room * 2 // 5))
        rest = room - rows
        if table.row_count == 0:
            lines = rest - _ROOM_FOR_NONE
        elif panel.showing is Showing.ONE:
            lines = rest - rest // 3
        else:
            lines = min(_TALLEST, rest // 2)
        gpus.display = rows > 0
        gpus.styles.height = rows
        panel.display = drawn and rest > _LEAST
        panel.styles.height = "1fr" if comparing else max(_LEAST, lines)
        table.display = not comparing

    # --- what is remembered ----------------------------------------------------------------------------------

    def _get_window(self) -> str | None:
        window = self._view.panel.window
        return None if window.fitted else _ALL if window.chosen is None else f"{window.chosen:.0f}"

    def _put_window(self, text: str | None) -> None:
        if text is None:
            self._view.panel.window.fitted = True
        else:
            self._view.panel.window.choose(None if text == _ALL else float(text))

    def _get_metric(self) -> str | None:
        reading = self._view.panel.reading
        return None if reading == READINGS[0] else reading

    def _put_metric(self, text: str | None) -> None:
        found = [reading for reading in READINGS if reading == (text or READINGS[0])]
        if not found:
            raise ValueError(f"there is no metric {text}")
        self._view.panel.reading = found[0]
