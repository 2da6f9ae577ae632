"""Hosts ranked by evidence: how much worse they are than the median host of their account, at least. Pure.

A share of few cases says little: hosts are ranked by the lower bound of its 95 % confidence interval (Wilson), so
that two failures of two weigh less than eighteen of twenty. What was never observed is unknown, not fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import sqrt
from statistics import median

from gputui.analytics.startup_times import is_slow
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.hosts import BEFORE, Fact, HostFact

SHORT_LIFE = timedelta(minutes=10)
"""An instance that ran for less, ended by itself, and runs longer elsewhere, had a short life."""
_SHORT_SHARE = 0.5
"""The part of the usual life of its group on other hosts that a short one does not reach."""
CONFIDENCE = 1.96
"""Standard deviations of a confidence of 95 %."""
KIND = "host"
_MOST_DIGITS = 15
_ENOUGH = 3
"""Hosts that have a median, and cases that a host has for that."""


class Sign(StrEnum):
    """A kind of evidence against a host."""

    STARTS = "starts failed or slow"
    LIVES = "short lives"
    GPUS = "days with lost or faulty GPUs"


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. ``usual`` is that of the median host of the account, None where there is no other.

    ``pooled``: it is that of all other hosts together, as few of them have cases enough to have a median.
    ``compared`` is whether the share means something only next to that of others.
    """

    bad: int
    of: int
    usual: tuple[int, int] | None = None
    pooled: bool = False
    compared: bool = True

    @property
    def at_least(self) -> float | None:
        """The lower bound of the share; None where nothing was observed."""
        return wilson(self.bad, self.of) if self.of else None

    @property
    def excess(self) -> float | None:
        """By how much the lower bound is above the usual share; None where it, or that, was not observed."""
        if (bound := self.at_least) is None or (self.compared and self.usual is None):
            return None
        usual = self.usual[0] / self.usual[1] if self.usual is not None and self.usual[1] else 0.0
        return max(0.0, bound - usual)


@dataclass(frozen=True, slots=True)
class HostRecord:
    """The evidence about a host. ``days`` are the facts against it, by day of UTC.

    ``failed`` and ``slow`` are of ``starts``, ``short`` of ``lives``; ``lost`` are GPUs on ``seen`` observed days,
    ``faults`` those that needed a reset. ``ecc`` are uncorrected memory errors of its GPUs, of which ``ecc_before``
    were there already when a GPU was first read.
    """

    ref: Ref
    region: str
    starts: int
    failed: int
    slow: int
    lives: int
    short: int
    seen: int
    lost: int
    faults: int
    signs: Mapping[Sign, Share]
    first: datetime
    last: datetime
    days: Sequence[tuple[date, Mapping[Fact, int]]] = ()
    usual_start: float | None = None
    """The median of all other hosts' starts of the same groups, in seconds; None without any."""
    slow_start: float | None = None
    """The median of its own slow starts; None without any."""
    ecc: int = 0
    ecc_before: int = 0

    @property
    def host(self) -> str:
        """The name of the host."""
        return self.ref.id.removeprefix(f"{self.region}/") if self.region else self.ref.id

    @property
    def name(self) -> str:
        """The name of the host."""
        return self.host

    @property
    def score(self) -> float | None:
        """The largest excess of its signs, from 0 to 1; None where nothing of it was observed."""
        known = [share.excess for share in self.signs.values() if share.excess is not None]
        return max(known, default=None)

    @property
    def worst(self) -> Sign | None:
        """The sign with that excess; None where none speaks against it."""
        found = max(self.signs, key=lambda sign: self.signs[sign].excess or 0.0, default=None)
        return found if found is not None and (self.signs[found].excess or 0.0) > 0 else None


def wilson(bad: int, of: int, z: float = CONFIDENCE) -> float:
    """Return the lower bound of the share of ``bad`` of ``of``, which is above 0."""
    share = bad / of
    centre = share + z * z / (2 * of)
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, (centre - spread) / (1 + z * z / of))


def host_records(facts: Iterable[HostFact]) -> list[HostRecord]:
    """Return the record of each host, the worst first, those of which nothing is known last."""
    by_host: dict[tuple[str, str, str], list[HostFact]] = {}
    for fact in facts:
        by_host.setdefault((fact.account, fact.region, fact.host), []).append(fact)
    starts, lifetimes = _Durations(Fact.START, by_host), _Durations(Fact.LIFE, by_host)
    counts = {key: _counted(key, facts, starts, lifetimes) for key, facts in by_host.items()}
    records = [_with_usual(key, record, counts) for key, record in counts.items()]
    return sorted(records, key=_rank)


def _rank(record: HostRecord) -> tuple[bool, float, int, Ref]:
    return record.score is None, -(record.score or 0.0), -(record.failed + record.slow + record.short), record.ref


class _Durations:
    """The durations of one kind of fact by group, to compare those of a host with those of all others."""

    def __init__(self, kind: Fact, by_host: Mapping[tuple[str, str, str], Sequence[HostFact]]) -> None:
        self._groups: dict[tuple[str, str], dict[tuple[str, str, str], list[float]]] = {}
        for key, facts in by_host.items():
            for fact in facts:
                if fact.fact is kind and fact.seconds is not None:
                    group = self._groups.setdefault((fact.account, fact.group), {})
                    group.setdefault(key, []).append(fact.seconds)

    def usual(self, facts: Sequence[HostFact]) -> dict[str, float | None]:
        """Return the median on other hosts of each group of these facts of a host; None without any."""
        # Once for each group: it takes all of its durations.
        return {group: self._usual(fact) for group, fact in {fact.group: fact for fact in facts}.items()}

    def _usual(self, fact: HostFact) -> float | None:
        host = fact.account, fact.region, fact.host
        others = [
            seconds
            for key, found in self._groups.get((fact.account, fact.group), {}).items()
            if key != host
            for seconds in found
        ]
        return median(others) if others else None


def _is_short(seconds: float, usual: float) -> bool:
    return seconds < SHORT_LIFE.total_seconds() and seconds < usual * _SHORT_SHARE


def _counted(
    key: tuple[str, str, str], facts: Sequence[HostFact], starts: _Durations, lifetimes: _Durations
) -> HostRecord:
    account, region, host = key
    came_up = [fact for fact in facts if fact.fact is Fact.START]
    failed = [fact for fact in facts if fact.fact is Fact.FAILED]
    ended = [fact for fact in facts if fact.fact is Fact.LIFE and fact.seconds is not None]
    # What a group does nowhere else may be short by nature, as the tasks of a job are: it says nothing of the host.
    usual = lifetimes.usual(ended)
    lives = [fact for fact in ended if usual[fact.group] is not None]
    lost = [fact for fact in facts if fact.fact is Fact.LOST]
    medians = starts.usual(came_up)
    slow = [fact for fact in came_up if is_slow(fact.seconds, medians[fact.group])]
    short = [fact for fact in lives if _is_short(fact.seconds or 0.0, usual[fact.group] or 0.0)]
    faults = [fact for fact in facts if fact.fact is Fact.FAULT]
    errors = [fact for fact in facts if fact.fact is Fact.ECC]
    bad_days = {fact.at.date() for fact in (*lost, *faults, *errors)}
    seen = bad_days | {fact.at.date() for fact in facts if fact.fact is Fact.SEEN}
    signs = {
        Sign.STARTS: Share(len(failed) + len(slow), len(came_up) + len(failed)),
        Sign.LIVES: Share(len(short), len(lives)),
        Sign.GPUS: Share(len(bad_days), len(seen), compared=False),
    }
    days: dict[date, dict[Fact, int]] = {}
    for fact in facts:
        day = days.setdefault(fact.at.date(), {})
        day[fact.fact] = day.get(fact.fact, 0) + 1
    known = [one for one in medians.values() if one is not None]
    durations = [fact.seconds for fact in slow if fact.seconds is not None]
    return HostRecord(
        Ref(account, KIND, f"{region}/{host}" if region else host),
        region,
        len(came_up) + len(failed),
        len(failed),
        len(slow),
        len(lives),
        len(short),
        len(seen),
        sum(int(fact.detail) if fact.detail.isdigit() else 1 for fact in lost),
        len(faults),
        signs,
        min(fact.at for fact in facts),
        max(fact.at for fact in facts),
        sorted(days.items()),
        median(known) if known else None,
        median(durations) if durations else None,
        sum(_errors_of(fact) for fact in errors),
        sum(_errors_of(fact) for fact in errors if fact.detail.endswith(BEFORE)),
    )


def _errors_of(fact: HostFact) -> int:
    """Return the memory errors of a fact; 1 at least, as it is one."""
    number = fact.detail.removesuffix(BEFORE)
    return max(1, int(number)) if number.isdecimal() and len(number) <= _MOST_DIGITS else 1


def _with_usual(
    key: tuple[str, str, str], record: HostRecord, counts: Mapping[tuple[str, str, str], HostRecord]
) -> HostRecord:
    """Return a record with the shares of the median host of the account for comparison."""
    others = [other for name, other in counts.items() if name[0] == key[0] and name != key]
    signs = {sign: _compared(share, [other.signs[sign] for other in others]) for sign, share in record.signs.items()}
    return replace(record, signs=signs)


def _compared(share: Share, others: Sequence[Share]) -> Share:
    """Return a share with that of the host in the middle, of two the lower one; of few hosts that of all together."""
    known = sorted((one for one in others if one.of >= _ENOUGH), key=lambda one: (one.bad / one.of, -one.of))
    if len(known) >= _ENOUGH:
        middle = known[(len(known) - 1) // 2]
        return replace(share, usual=(middle.bad, middle.of))
    bad, of = sum(one.bad for one in others), sum(one.of for one in others)
    return replace(share, usual=(bad, of) if of else None, pooled=True)
