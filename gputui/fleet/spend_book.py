"""Present spending, list by list, as spans of time for the history.

A charge counts from the reading that shows it first to the last one that shows it; between two readings it continued
if no more than three paces lie between them. It ends with a whole list without it, not with one that lacks rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models import Missing, Ref, Resource
from gputui.models.spend import Charge, Look, Span

GAP_PACES = 3.0
"""Readings of a list that are further apart, in intervals of its polling, leave the time between them unknown."""
LEAST_PACE = 30.0
"""The interval in seconds that is assumed at least: that of lists which are not on the screen."""
MOST_WAITING = 20_000
"""Spans of an account that wait for a file which cannot be written."""
_STEP = 5.0
"""From this difference in seconds on between the clocks of the day and of the machine, one of them was set."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a list: the time of the day, that of the machine, and the pace in seconds.

    ``charges`` are all in the list, with the begin where it is known. ``unread`` are things that are listed and were
    not read, ``missing`` what may lack; ``part``: a filter excludes rows. ``ended`` is when things ended, if known.
    """

    at: datetime
    monotonic: float
    pace: float
    charges: Mapping[Ref, tuple[Charge, datetime | None]]
    unread: frozenset[Ref] = frozenset()
    missing: tuple[Missing, ...] = ()
    part: bool = False
    ended: Mapping[Ref, datetime] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether what is not in the list does not cost anything."""
        return not (self.unread or self.missing or self.part)

    def lacks(self, ref: Ref) -> bool:
        """Whether a thing that is not charged in the list may continue nevertheless."""
        return self.part or ref in self.unread or any(one.may_be(ref) for one in self.missing)


@dataclass(slots=True)
class _Open:
    """A charge that continues; ``until`` is when it was seen last, where that is not the last reading of the list."""

    charge: Charge
    since: float
    joins: float
    until: float | None = None


@dataclass(slots=True)
class _List:
    """A list since its first reading. ``at`` is the last one, by both clocks, ``look`` the begin of the readings."""

    at: float
    monotonic: float
    pace: float
    whole: bool
    look: float
    joins: float
    open: dict[Ref, _Open] = field(default_factory=dict)

    def pass_to(self, at: float, monotonic: float, pace: float) -> None:
        """Note a reading; the last one is the newest."""
        self.pace = pace
        if monotonic >= self.monotonic:
            self.at, self.monotonic = at, monotonic


@dataclass(frozen=True, slots=True)
class Due:
    """The spans and looks to write; ``ended`` is how many of it have ended, by account: spans and looks."""

    spans: list[Span]
    looks: list[Look]
    ended: Mapping[str, tuple[int, int]]


class SpendBook:
    """Follows the readings of lists; :meth:`take` and :meth:`again` are called with each, on the event loop."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, Resource], _List] = {}
        self._ended: dict[str, tuple[list[Span], list[Look]]] = {}

    def again(self, account: str, resource: Resource, at: datetime, monotonic: float, pace: float) -> bool:
        """Note a reading that shows the same as the last one; returns False where it has to be taken in full."""
        kept = self._lists.get((account, resource))
        now = at.timestamp()
        if kept is None or not kept.whole or self._is_gap(kept, now, monotonic, pace):
            return False
        kept.pass_to(now, monotonic, pace)
        return True

    def take(self, account: str, resource: Resource, reading: Reading) -> None:
        """Take a reading of a list."""
        kept = self._lists.get((account, resource))
        now = reading.at.timestamp()
        first = kept is None
        if kept is not None and self._is_gap(kept, now, reading.monotonic, reading.pace):
            self._end_list(account, resource, kept)
            kept = None
        if kept is None:
            joins = GAP_PACES * max(LEAST_PACE, reading.pace) if first else 0.0
            kept = _List(now, reading.monotonic, reading.pace, reading.whole, now, joins)
            self._lists[account, resource] = kept
        elif kept.monotonic > reading.monotonic:
            now = kept.at  # an answer that another process got before the last one
        if kept.whole is not reading.whole:
            self._ended_of(account)[1].append(self._look(account, resource, kept))
            kept.whole, kept.look, kept.joins = reading.whole, kept.at, 0.0
        self._compare(account, kept, reading, now)
        kept.pass_to(now, reading.monotonic, reading.pace)

    def _compare(self, account: str, kept: _List, reading: Reading, now: float) -> None:
        ended = self._ended_of(account)[0]
        limit = GAP_PACES * max(LEAST_PACE, reading.pace, kept.pace)
        for ref, one in list(kept.open.items()):
            if ref in reading.charges:
                continue
            last = kept.at if one.until is None else one.until
            if reading.lacks(ref) and now - last <= limit:
                one.until = last
                continue
            at = reading.ended.get(ref)
            if at is not None and one.until is None and last < at.timestamp() < now:
                last = at.timestamp()
            ended.append(Span(one.charge, one.since, last, one.joins))
            del kept.open[ref]
        for ref, (charge, begin) in reading.charges.items():
            known = kept.open.get(ref)
            if known is not None and known.until is not None and now - known.until > limit:
                ended.append(Span(known.charge, known.since, known.until, known.joins))
                known = None
            if known is not None and (known.charge is charge or known.charge == charge):
                known.until = None
                continue
            since, joins = now, 0.0
            if known is not None:
                # The old price counts until the new one is seen.
                ended.append(Span(known.charge, known.since, now, known.joins))
            elif kept.look == now:
                joins = kept.joins
            elif begin is not None and kept.at < begin.timestamp() < now:
                since = begin.timestamp()
            kept.open[ref] = _Open(charge, since, joins)

    @staticmethod
    def _is_gap(kept: _List, now: float, monotonic: float, pace: float) -> bool:
        """Whether the time since the last reading is unknown: it is too long, or a clock was set meanwhile."""
        passed = monotonic - kept.monotonic
        return passed > GAP_PACES * max(LEAST_PACE, pace, kept.pace) or abs(now - kept.at - passed) > _STEP

    def _end_list(self, account: str, resource: Resource, kept: _List) -> None:
        spans, looks = self._ended_of(account)
        spans += self._spans(kept)
        looks.append(self._look(account, resource, kept))
        del self._lists[account, resource]

    def _ended_of(self, account: str) -> tuple[list[Span], list[Look]]:
        return self._ended.setdefault(account, ([], []))

    @staticmethod
    def _spans(kept: _List) -> Iterable[Span]:
        for one in kept.open.values():
            yield Span(one.charge, one.since, kept.at if one.until is None else one.until, one.joins)

    @staticmethod
    def _look(account: str, resource: Resource, kept: _List) -> Look:
        return Look(account, resource, kept.whole, kept.look, kept.at, kept.joins)

    def due(self) -> Due:
        """Return what is to be written: what has ended, and what continues, as far as it was seen."""
        spans: list[Span] = []
        looks: list[Look] = []
        ended: dict[str, tuple[int, int]] = {}
        for account, (own_spans, own_looks) in self._ended.items():
            ended[account] = len(own_spans), len(own_looks)
            spans += own_spans
            looks += own_looks
        for (account, resource), kept in self._lists.items():
            spans += self._spans(kept)
            looks.append(self._look(account, resource, kept))
        return Due(spans, looks, ended)

    def written(self, due: Due) -> None:
        """Forget what has ended and is written."""
        for account, (spans, looks) in due.ended.items():
            own_spans, own_looks = self._ended[account]
            del own_spans[:spans], own_looks[:looks]

    def not_written(self) -> None:
        """Keep what has ended for the next time; of too many the oldest are dropped."""
        for spans, looks in self._ended.values():
            del spans[:-MOST_WAITING], looks[:-MOST_WAITING]
