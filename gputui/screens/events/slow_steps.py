"""Events that ended a step which took clearly longer than is usual for the deployment. Pure: no screen, no fleet."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gputui.analytics.startup_times import SLOW_SECONDS, StartupBook, slow_from
from gputui.models import Event, Ref


class _Step(NamedTuple):
    """A step of the starts of one deployment."""

    parent: Ref
    status: str


class SlowSteps:
    """Follows the stream: an event costs the slow steps of its own deployment, not those of all.

    ``medians`` are the slow events, each with the median of what it ended, in whole seconds; ``book`` the starts.
    """

    def __init__(self) -> None:
        self.book = StartupBook()
        self._medians: dict[Ref, int] = {}
        self.medians: Mapping[Ref, int] = MappingProxyType(self._medians)
        self._slow: dict[_Step, set[Ref]] = {}
        self._long: dict[_Step, list[tuple[float, Ref]]] = {}
        self._steps_of: dict[Ref, set[_Step]] = {}

    def take(self, added: Iterable[Event], dropped: Iterable[Event] = ()) -> set[Ref]:
        """Add and drop events; returns those whose slowness has changed."""
        touched: set[Ref] = set()
        gone = tuple(dropped)
        for event in gone:
            if (step := _long_step(event)) is not None:
                self._drop(step, event)
        self.book.drop(gone)
        events = tuple(added)
        for event in events:
            if (step := _long_step(event)) is not None:
                insort(self._long.setdefault(step, []), (event.after_seconds or 0.0, event.ref))
                self._steps_of.setdefault(step.parent, set()).add(step)
                touched.add(step.parent)
        touched |= self.book.add(events)
        return {ref for parent in touched for step in self._steps_of.get(parent, ()) for ref in self._renew(step)}

    def _drop(self, step: _Step, event: Event) -> None:
        held = self._long.get(step, [])
        index = bisect_left(held, (event.after_seconds or 0.0, event.ref))
        if index < len(held) and held[index][1] == event.ref:
            del held[index]
        self._slow.get(step, set()).discard(event.ref)
        self._medians.pop(event.ref, None)

    def _renew(self, step: _Step) -> set[Ref]:
        """Find the slow events by the median of now; returns those that this changes."""
        usual = self.book.usual_step(*step)
        held = self._long[step]
        first = len(held) if usual is None else bisect_left(held, (slow_from(usual),))
        slow = {ref for _, ref in held[first:]}
        median = round(usual or 0)
        changed = {ref for ref in slow if self._medians.get(ref) != median}
        no_more = self._slow.get(step, set()) - slow
        for ref in no_more:
            del self._medians[ref]
        self._medians.update(dict.fromkeys(changed, median))
        self._slow[step] = slow
        return changed | no_more


def _long_step(event: Event) -> _Step | None:
    """Return the step the event ended, where that took so long that it might be slow."""
    if event.parent is None or event.before is None or (event.after_seconds or 0) < SLOW_SECONDS:
        return None
    return _Step(event.parent, event.before)
