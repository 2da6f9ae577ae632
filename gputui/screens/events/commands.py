"""Commands for events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from gputui.models import Event, Row
from gputui.screens.commands.inspect import OpenCommands
from gputui.widgets.waterfall import describe_startup

if TYPE_CHECKING:
    from gputui.screens.events.view import EventsView


class EventCommands(OpenCommands):
    """Open the instance of an event, describe how it started, follow the newest."""

    view: EventsView

    def do_open(self, argument: str) -> None:
        """Go to the instance, or describe the event."""
        if (instance := self.view.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            super().do_open(argument)

    def description(self, row: Row) -> list[Content]:
        """Add how the instance started."""
        lines = super().description(row)
        start = self.view.slow.book.startups.get(row.instance) if isinstance(row, Event) else None
        if start is None:
            return lines
        usual = self.view.slow.book.usual(start.parent, excluding=start.instance)
        title = Content.styled("How it came up", "bold $text-accent")
        return [*lines, Content(""), title, *describe_startup(start, usual)]

    def do_follow(self, argument: str) -> None:
        """Go to the newest and stay there."""
        self.view.table.action_last()
