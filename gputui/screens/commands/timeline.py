"""``:timeline`` with a time, a name, a host or a rule, from any view; and the key for the row under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gputui.commands import Condition
from gputui.models import Deployment, GpuDevice, Instance, Ref
from gputui.presentation.times import parse_time
from gputui.screens.commands.command_set import CommandSet

_HOST, _RULE = "host", "rule"


class TimelineOfCommands(CommandSet):
    """Go to the timeline."""

    def conditions(self) -> Iterable[Condition]:
        """A rule has a journal."""
        yield from super().conditions()
        row = self.view.row_here()
        if row is not None and row.ref.kind == _RULE:
            yield Condition.EVENTS

    def do_timeline_of(self, argument: str) -> None:
        """Show the timeline of the row, of the thing that is named, or at the time that is typed."""
        if not argument:
            row = self.view.instance_here() or self.view.row_here()
            if isinstance(row, GpuDevice) and row.through is not None:
                self._go(row.through, None)
            elif isinstance(row, Instance | Deployment):
                self._go(row.ref, None)
            elif row is not None and row.ref.kind == _RULE:
                self._go(Ref("", _RULE, row.ref.id), None)
            return
        if (at := self._time(argument)) is not None:
            self._go(None, at)
            return
        subject, at = self._split(argument)
        kind, _, name = subject.partition(" ")
        if kind in (_HOST, _RULE) and name:
            self._go(Ref("", kind, name), at)
        elif (row := self.row_for(subject)) is not None:
            self._go(row.ref, at)

    def _split(self, argument: str) -> tuple[str, datetime | None]:
        """Return a name and the time behind it: ``main 03:12``, ``main 2026-11-30 03:12``."""
        words = argument.split()
        for count in (2, 1):
            if len(words) > count and (at := self._time(" ".join(words[-count:]))) is not None:
                return " ".join(words[:-count]), at
        return argument, None

    def _time(self, text: str) -> datetime | None:
        try:
            return parse_time(text, self.session.fleet.now(), utc=self.session.utc)
        except ValueError:
            return None

    def _go(self, scope: Ref | None, at: datetime | None) -> None:
        self.session.timeline_at = at
        self.session.navigator.go("timeline", scope=scope)
