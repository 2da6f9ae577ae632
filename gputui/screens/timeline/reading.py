"""Reads the timeline of a view in the background: the newest wish alone, without blocking a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.fleet.timeline import ALL, Scope, Sources, collect, of_host, of_rule, of_thing, places_of
from gputui.models import Event, Ref, Resource, Row
from gputui.models.timeline import Timeline

if TYPE_CHECKING:
    from gputui.screens.timeline.view import TimelineView

_PAUSE = 0.04
"""Seconds for which a further move of the window is awaited before it is read."""


class Reader:
    """Reads for a view; ``done`` gets what was read of the window that is shown."""

    def __init__(self, view: TimelineView, done: Callable[[Timeline], None]) -> None:
        self._view = view
        self._done = done
        self.busy = False
        self.outdated = False
        """Whether something new is known since the last reading."""
        self.problem = ""
        self._asked: tuple[Ref, Sequence[Event]] | None = None

    def outdate(self) -> None:
        """Note that something new is known."""
        self.outdated = True

    def read(self) -> None:
        """Read the window of now; an earlier reading that has not ended is given up."""
        if self._view.is_mounted and self._view.session.history is not None:
            self.busy = True
            self._view.run_worker(self._read(), group="timeline", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        view, session = self._view, self._view.session
        await asyncio.sleep(_PAUSE)
        history = session.history
        if history is None:
            return
        self.outdated = False
        span, scope = view.axis.span, self.scope()
        instances = session.fleet.rows(Resource.INSTANCES).values()
        hosts, parents = places_of(instances)
        try:
            events, lacking = await self._events()
            accounts = tuple(session.accounts_shown())
            state, observed = session.fleet.state_dir, session.fleet.observed_now()
            sources = Sources(history, accounts, state, events, hosts, parents, observed, lacking=lacking)
            timeline = await collect(sources, span, scope)
        except GputuiError as error:
            self.problem, self.busy = str(error), False
            view.show_error(error)
            return
        self.problem = ""
        if span == view.axis.span:
            self.busy = False
            self._done(timeline)

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

    async def _events(self) -> tuple[Sequence[Event], tuple[str, ...]]:
        """Return the events that are listed, and those that a server keeps of one thing, asked for once."""
        fleet, ref = self._view.session.fleet, self._view.scope
        listed = fleet.all(Event)
        if ref is None or not ref.account or ref.account not in fleet.accounts:
            return listed, ()
        opened = fleet.runtime(ref.account).opened
        if opened is None or opened.events_of is None:
            return listed, ()
        if self._asked is None or self._asked[0] != ref:
            try:
                self._asked = ref, tuple(await fleet.events_of(ref))
            except GputuiError as error:
                return listed, (f"{ref.account}: {error.message}",)
        return [*listed, *self._asked[1]], ()
