"""``:timeline`` with a time, a name, a host or a rule, from any view; and the key for the row under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gputui.commands import Condition
from gputui.models import Deployment, Event, GpuDevice, Instance, Ref
from gputui.presentation.times import parse_time
from gputui.screens.commands.command_set import CommandSet

_HOST, _RULE = "host", "rule"


class TimelineOfCommands(CommandSet):
    """Go to the timeline."""

    def conditions(self) -> Iterable[Condition]:
        """Instances, deployments, events and rules have a timeline, gone ones too."""
        yield from super().conditions()
        if self._scope_here() is not None:
            yield Condition.TIMELINE

    def do_timeline_of(self, argument: str) -> None:
        """Show the timeline of the row, of the thing that is named, or at the time that is typed."""
        if not argument:
            if (scope := self._scope_here()) is not None:
                self._go(scope, None)
            return
        if (at := self._time(argument)) is not None:
            self._go(None, at)
            return
        subject, at = self._split(argument)
        kind, _, name = subject.partition(" ")
        if kind in (_HOST, _RULE) and name:
            self._go(Ref("", kind, name), at)
        elif (gone := self._gone(subject)) is not None:
            self._go(gone, at)
        elif (row := self.row_for(subject)) is not None:
            self._go(row.ref, at)

    def _scope_here(self) -> Ref | None:
        """Return the thing whose timeline the row under the cursor has."""
        row = self.view.instance_here() or self.view.row_here()
        match row:
            case Instance() | Deployment():
                return row.ref
            case Event():
                return row.instance
            case GpuDevice():
                return row.through
        return Ref("", _RULE, row.ref.id) if row is not None and row.ref.kind == _RULE else None

    def _gone(self, text: str) -> Ref | None:
        """Return an instance that is not listed: one that has events, or any that is named by its full Ref."""
        session = self.session
        if session.find(text):
            return None
        for event in session.fleet.all(Event):
            if text in (event.name, str(event.instance), f"{event.instance.account}/{event.name}"):
                return event.instance
        try:
            ref = Ref.parse(text)
        except ValueError:
            return None
        return ref if ref.account in session.fleet.accounts else None

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
        if at is None and scope is not None and self.view.NAME != "timeline":
            at = self.session.fleet.now()  # not where another timeline was left
        self.session.timeline_at = at
        self.session.navigator.go("timeline", scope=scope)
