"""The drawing of a timeline: its lanes, the figures at the cursor, the legend."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from gputui.formatting import format_duration
from gputui.models.timeline import Moment, Timeline
from gputui.presentation.columns.fields import stamp
from gputui.presentation.lanes import LEGEND, LaneLine, axis_line, lane_lines, reading
from gputui.screens.timeline.axis import Axis
from gputui.widgets.bars.line import Line
from gputui.widgets.lanes import Lanes


class LanesDrawing:
    """Shows a timeline in ``lanes``, :attr:`figures` and :attr:`legend`; what is as it was is not written.

    While another window is being read the lanes stay those of the one before, with its times.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.figures = Line(id="reading")
        self.legend = Line(id="legend")
        self._drawn: tuple[Timeline, Sequence[Moment], int, Sequence[LaneLine]] | None = None
        """The lanes as they were drawn last, behind what they are of."""

    def show(self, timeline: Timeline | None, shown: Sequence[Moment], axis: Axis, *, utc: bool) -> None:
        """Show a timeline, None where it is not read yet, with the moments of it that pass the filter."""
        slots, span = self._lanes.slots, axis.span
        known = timeline or Timeline(span)
        if known.span == span:
            drawn = self._drawn
            if drawn is None or drawn[0] is not known or drawn[1] is not shown or drawn[2] != slots:
                drawn = self._drawn = known, shown, slots, lane_lines(known, shown, slots)
            self._lanes.show(drawn[3], axis_line(span, slots, utc=utc), axis.slot(slots))
        self.figures.show(_figures(known, shown, axis, slots, utc=utc))
        self.legend.show(Content(LEGEND))


def _figures(timeline: Timeline, moments: Sequence[Moment], axis: Axis, slots: int, *, utc: bool) -> Content:
    known = timeline.span == axis.span
    figures = ["reading …"] if not known else reading(timeline, moments, axis.at, slots)
    zone = "UTC" if utc else f"{axis.at.astimezone():%Z}"
    width = f" {zone}   {format_duration(max(1.0, axis.span.seconds / slots))} a cell   "
    return Content.assemble((stamp(axis.at, utc=utc), "bold $text-accent"), (width, "$muted"), "   ".join(figures))
