"""Times on an axis: windows that move and zoom, moments in parts of them, gaps of observation. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter

from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.timeline import Lane, Moment, TimeSpan, Tone

LENGTHS = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 15, 30, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 3 * 24 * 60, 7 * 24 * 60, 30 * 24 * 60)
)
"""The lengths of a window, from the shortest on."""
LEAST_GAP = timedelta(minutes=3)
"""A time without observation that is shorter is none."""
_AT = attrgetter("at")
_TONES = (Tone.QUIET, Tone.NOTICE, Tone.BAD)


def clamped(span: TimeSpan, now: datetime) -> TimeSpan:
    """Return a window of the same length that does not end after now."""
    late = span.end - now
    return TimeSpan(span.begin - late, now) if late > timedelta() else span


def around(at: datetime, length: timedelta, now: datetime) -> TimeSpan:
    """Return a window with a time in its middle, as far as that does not end after now."""
    return clamped(TimeSpan(at - length / 2, at + length / 2), now)


def zoomed(span: TimeSpan, at: datetime, by: int, now: datetime) -> TimeSpan:
    """Return a window that is ``by`` lengths longer, shorter where negative; ``at`` stays where it is on the axis."""
    length = span.end - span.begin
    place = bisect_left(LENGTHS, length)
    if by < 0 and (place == len(LENGTHS) or LENGTHS[place] != length):
        by += 1
    new = LENGTHS[max(0, min(len(LENGTHS) - 1, place + by))]
    share = (at - span.begin) / length if length else 0.5
    begin = at - new * share
    return clamped(TimeSpan(begin, begin + new), now)


_TICKS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 14 * 1440)
)


def ticks(span: TimeSpan, most: int, zone: tzinfo | None) -> list[datetime]:
    """Return round times in a window, ``most`` at most, by the clock of a zone; None is that of this machine."""
    least = (span.end - span.begin) / max(1, most)
    step = next((step for step in _TICKS if step >= least), None)
    if step is None:
        return []
    here = span.begin.astimezone(zone)
    at = here.replace(hour=0, minute=0, second=0, microsecond=0)
    at += step * -(-(here - at) // step)
    found = []
    while at < span.end:
        found.append(at.astimezone(zone))  # by the clock of that time, where clocks were changed since the begin
        at += step
    return found


def slot_of(span: TimeSpan, at: datetime, slots: int) -> int:
    """Return the part of a window, of so many, in which a time is; of one outside it the nearest."""
    share = (at - span.begin).total_seconds() / max(span.seconds, 1e-9)
    return max(0, min(slots - 1, int(share * slots)))


def time_of(span: TimeSpan, slot: int, slots: int) -> datetime:
    """Return the middle of a part of a window."""
    return span.begin + (span.end - span.begin) * ((slot + 0.5) / slots)


@dataclass(frozen=True, slots=True)
class Concern:
    """The limit of a timeline: things by their Refs, a rule, or nothing (everything).

    ``parents``: a moment of an instance of one of these is of it as well. ``label`` names it.
    """

    refs: frozenset[Ref] = frozenset()
    parents: frozenset[Ref] = frozenset()
    rule: str = ""
    label: str = ""

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts of the things, none for all."""
        return frozenset(ref.account for ref in self.refs | self.parents if ref.account)

    def has(self, moment: Moment) -> bool:
        """Whether a moment is of it."""
        if not (self.refs or self.parents or self.rule):
            return True
        if moment.lane is Lane.GAP:
            return True
        if self.rule and moment.rule == self.rule:
            return True
        return moment.about in self.refs or moment.about in self.parents or moment.parent in self.parents


EVERYTHING = Concern()


def merged(*sources: Iterable[Moment]) -> tuple[Moment, ...]:
    """Return moments of several sources in the order of time, each once, a state that two sources have once."""
    known: dict[Ref, Moment] = {}
    for source in sources:
        for moment in source:
            known.setdefault(moment.ref, moment)
    return tuple(sorted(known.values(), key=lambda moment: (moment.at, moment.lane, moment.ref)))


def nearest(moments: Sequence[Moment], at: datetime) -> int | None:
    """Return the index of the moment nearest to a time; None where there is none."""
    if not moments:
        return None
    place = bisect_left(moments, at, key=_AT)
    around = [index for index in (place - 1, place) if 0 <= index < len(moments)]
    return min(around, key=lambda index: abs(moments[index].at - at))


@dataclass(frozen=True, slots=True)
class Mark:
    """The moments of one lane in one part of a window: how many, and the worst of their tones."""

    count: int
    tone: Tone


def marks(span: TimeSpan, moments: Iterable[Moment], slots: int) -> dict[Lane, dict[int, Mark]]:
    """Return the marks of each lane, by the part of the window."""
    found: dict[Lane, dict[int, Mark]] = {}
    for moment in moments:
        if moment.lane is Lane.GAP or not span.begin <= moment.at < span.end:
            continue
        lane = found.setdefault(moment.lane, {})
        slot = slot_of(span, moment.at, slots)
        before = lane.get(slot)
        tone = moment.tone if before is None else max(before.tone, moment.tone, key=_TONES.index)
        lane[slot] = Mark(1 if before is None else before.count + 1, tone)
    return found


def joined(spans: Iterable[TimeSpan], least: timedelta = timedelta()) -> tuple[TimeSpan, ...]:
    """Return spans in the order of time, those that overlap or are no further apart than ``least`` as one."""
    found: list[TimeSpan] = []
    for span in sorted(spans, key=lambda span: span.begin):
        if found and span.begin - found[-1].end <= least:
            found[-1] = TimeSpan(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def gaps(observed: Iterable[TimeSpan], span: TimeSpan) -> tuple[TimeSpan, ...]:
    """Return the times of a window in which nothing was observed."""
    found: list[TimeSpan] = []
    begin = span.begin
    for one in joined(observed, LEAST_GAP):
        if one.end <= span.begin or one.begin >= span.end:
            continue
        if one.begin - begin > LEAST_GAP:
            found.append(TimeSpan(begin, one.begin))
        begin = max(begin, one.end)
    if span.end - begin > LEAST_GAP:
        found.append(TimeSpan(begin, span.end))
    return tuple(found)


def unseen(observed: Mapping[str, Sequence[TimeSpan]], span: TimeSpan, slots: int) -> frozenset[int]:
    """Return the parts of a window in which no account was observed, not even for a moment."""
    seen: set[int] = set()
    for spans in observed.values():
        for one in spans:
            if one.end < span.begin or one.begin >= span.end:
                continue
            first, last = (slot_of(span, at, slots) for at in (max(one.begin, span.begin), min(one.end, span.end)))
            seen.update(range(first, last + 1))
    return frozenset(range(slots)) - seen


def resampled(values: Sequence[float | None], slots: int) -> list[float | None]:
    """Return the means of a series in another number of parts; None where all is unknown."""
    if not values:
        return [None] * slots
    found: list[float | None] = []
    for slot in range(slots):
        first = slot * len(values) // slots
        last = max(first + 1, (slot + 1) * len(values) // slots)
        known = [value for value in values[first:last] if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found
