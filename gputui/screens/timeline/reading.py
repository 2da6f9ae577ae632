"""Reads the timeline of a view in the background: the newest wish alone, without blocking a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import WorkType

from gputui.errors import GputuiError
from gputui.fleet.timeline import ALL, Scope, Sources, collect, of_host, of_rule, of_thing, places_of
from gputui.models import Event, Ref, Resource, Row
from gputui.models.timeline import Timeline

if TYPE_CHECKING:
    from gputui.screens.timeline.view import TimelineView

_PAUSE = 0.04
"""Seconds for which a further move of the window is awaited before it is read."""
_ASK_AGAIN = 60.0
"""Seconds after which the events that a server keeps are asked for again."""


class Reader:
    """Reads for a view; ``done`` gets what was read of the window that is shown.

    The events that a server keeps of one thing are requested separately, so that no server delays the history.
    """

    def __init__(self, view: TimelineView, done: Callable[[Timeline], None]) -> None:
        self._view = view
        self._done = done
        self.busy = False
        self.outdated = False
        """Whether something new is known since the last reading."""
        self.problem = ""
        self._kept: Sequence[Event] = ()
        self._lacking: tuple[str, ...] = ()
        self._asked: tuple[Ref | None, float] = (None, 0.0)
        """The thing whose events were asked for last, and when, by the clock of the machine."""

    def outdate(self) -> None:
        """Note that something new is known."""
        self.outdated = True

    def read(self) -> None:
        """Read the window of now; an earlier reading that has not ended is given up."""
        view = self._view
        if not view.is_mounted or view.session.history is None:
            return
        self.busy = True
        # No coroutines: one that is replaced before it begins would never be awaited.
        read: WorkType[None] = self._read
        view.run_worker(read, group="timeline", exclusive=True, exit_on_error=False)
        now = view.session.fleet.clock.monotonic()
        if view.scope is not None and (self._asked[0] != view.scope or now - self._asked[1] >= _ASK_AGAIN):
            if self._asked[0] != view.scope:
                self._kept, self._lacking = (), ()
            self._asked = view.scope, now
            ask: WorkType[None] = partial(self._ask, view.scope)
            view.run_worker(ask, group="timeline-events", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        view, session = self._view, self._view.session
        await asyncio.sleep(_PAUSE)
        history = session.history
        if history is None:
            return
        self.outdated = False
        span, fleet = view.axis.span, session.fleet
        hosts, parents = places_of(fleet.rows(Resource.INSTANCES).values())
        accounts = tuple(session.accounts_shown())
        events = (*fleet.all(Event), *self._kept)
        sources = Sources(
            *(history, accounts, fleet.state_dir, events, hosts, parents, fleet.observed_now()), lacking=self._lacking
        )
        try:
            timeline = await collect(sources, span, self.scope())
            self.problem = ""
        except GputuiError as error:
            self.problem, self.busy = str(error), False
            if view.if_in_front is not None:
                view.show_error(error)  # the view itself shows it later
            return
        if span == view.axis.span:
            self.busy = False
            self._done(timeline)

    async def _ask(self, ref: Ref) -> None:
        """Ask for the events that a server keeps of a thing, and read again with them."""
        fleet = self._view.session.fleet
        if ref.account not in fleet.accounts:
            return
        opened = fleet.runtime(ref.account).opened
        if opened is None or opened.events_of is None:
            return
        try:
            self._kept, self._lacking = tuple(await fleet.events_of(ref)), ()
        except GputuiError as error:
            self._lacking = (f"{ref.account}: {error.message}",)
        if self._view.scope == ref:
            self.read()

    def scope(self) -> Scope:
        """Return the scope of the view with the offers and GPUs that belong to it."""
        ref = self._view.scope
        if ref is None:
            return ALL
        rows = self._rows()
        if not ref.account:
            return of_rule(ref.id) if ref.kind == "rule" else of_host(ref.id, rows)
        return of_thing(ref, rows)

    def _rows(self) -> list[Row]:
        fleet = self._view.session.fleet
        wanted = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.GPUS, Resource.STOCK)
        return [row for resource in wanted for row in fleet.rows(resource).values()]
