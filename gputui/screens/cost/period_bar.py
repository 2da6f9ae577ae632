"""The line of periods in Cost: now, today, this week, this month; a click chooses one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from gputui.models.periods import Period
from gputui.presentation.spend import PERIOD_NAMES
from gputui.widgets.internal_errors import GuardedHandlers

CHOICES: Sequence[Period | None] = (None, *Period)
"""The periods in their order; None is the cost of an hour now."""
_GAP = " "


class PeriodBar(GuardedHandlers, Static):
    """The names of the periods, that of the chosen one in brackets, and a text behind them."""

    class Chosen(Message):
        """A period was clicked on."""

        def __init__(self, period: Period | None) -> None:
            super().__init__()
            self.period = period

    def __init__(self, *, id: str) -> None:  # noqa: A002  (Textual's own name for it)
        super().__init__(id=id)
        self._ends: list[int] = []

    def show(self, chosen: Period | None, more: str) -> None:
        """Show which period is chosen."""
        parts, at = [], 0
        self._ends = []
        for period in CHOICES:
            name = "now" if period is None else PERIOD_NAMES[period]
            here = period is chosen
            text, style = (f"[{name}]", "bold $text-accent") if here else (f" {name} ", "$muted")
            parts.append(Content.styled(text, style))
            at += len(name) + 2 + len(_GAP)
            self._ends.append(at)
        self.update(Content.assemble(Content(_GAP).join(parts), (f"   {more}", "$muted")))

    def on_click(self, event: events.Click) -> None:
        """Choose the period at that place."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = next((place for place, end in enumerate(self._ends) if offset.x < end), None)
        if place is not None:
            self.post_message(self.Chosen(CHOICES[place]))
