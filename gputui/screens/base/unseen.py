"""The marks of views in which something came since they were last looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gputui.models import RESOURCES, Change, Event, Instance, Phase, Ref, Resource, Row
from gputui.widgets.bars.title import Mark

if TYPE_CHECKING:
    from datetime import datetime

    from gputui.fleet import Fleet
    from gputui.screens.base.session import Session

_STATES = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.TASKS)
_PAST = RESOURCES[Resource.TASKS].view
"""The view of rows that stay after their end: one that had failed when it was listed first is not marked."""
_EVENTS = RESOURCES[Resource.EVENTS].view
_PROBLEMS = (Phase.FAILED, Phase.UNKNOWN)


def _is_problem(row: Row) -> bool:
    return getattr(row, "phase", None) in _PROBLEMS and not (isinstance(row, Instance) and row.is_awaited)


class Unseen:
    """Follows the fleet for the marks in the bar of views.

    A mark stays until its view is looked at, also if the row recovers: it would flicker otherwise. A row that has
    failed is marked once, until it has recovered and failed again. Accounts that do not answer are in the header, not
    here.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fleet: Fleet | None = None
        self._since: datetime | None = None
        self._front = ""
        self._marks: dict[str, Mark] = {}
        self._problems: set[Ref] = set()
        self._listeners: list[Callable[[], None]] = []
        self._unsubscribe: list[Callable[[], None]] = []
        session.at_end(self._release)

    def mark(self, view: str) -> Mark:
        """Return the mark of a view."""
        return self._marks.get(view, Mark.NONE)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when a mark comes or goes; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def look(self, view: str) -> None:
        """Note that a view is in front now: all of it is seen, and all that comes until another is in front."""
        self._front = view
        self._follow()
        if self._marks.pop(view, None):
            self._notify()

    def _follow(self) -> None:
        """Follow the fleet of now: the one that polls replaces the first."""
        fleet = self._session.fleet
        if fleet is self._fleet:
            return
        self._release()
        self._fleet = fleet
        self._since = self._since or fleet.clock.now()
        self._unsubscribe = [
            *(fleet.subscribe(resource, self._follower(RESOURCES[resource].view)) for resource in _STATES),
            fleet.subscribe(Resource.EVENTS, lambda change: self._take_events(change.added)),
        ]
        for resource in _STATES:
            self._take(RESOURCES[resource].view, Change(added=tuple(fleet.rows(resource).values())))

    def _release(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def _follower(self, view: str) -> Callable[[Change], None]:
        return lambda change: self._take(view, change)

    def _take(self, view: str, change: Change) -> None:
        self._problems.difference_update(change.removed)
        failed = False
        for rows, counts in ((change.added, view != _PAST), (change.updated, True)):
            for row in rows:
                if not _is_problem(row):
                    self._problems.discard(row.ref)
                elif row.ref not in self._problems:
                    self._problems.add(row.ref)
                    failed = failed or (counts and self._session.shows_account(row.ref.account))
        if failed:
            self._set(view, Mark.PROBLEM)

    def _take_events(self, added: Iterable[Row]) -> None:
        """Note events that are no older than this session: the first lists of servers begin long before it."""
        since = self._since
        rows = [row for row in added if isinstance(row, Event) and since is not None and row.at >= since]
        shown = [row for row in rows if self._session.shows_account(row.ref.account)]
        if shown:
            self._set(_EVENTS, Mark.PROBLEM if any(map(_is_problem, shown)) else Mark.EVENTS)

    def _set(self, view: str, mark: Mark) -> None:
        if view in (self._front, "") or self.mark(view) in (mark, Mark.PROBLEM):
            return
        self._marks[view] = mark
        self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()
