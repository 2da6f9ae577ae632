"""Trends of the stock: the last change of each offer, and a series of the last day, from samples.

A sample is recorded when a number changes, so a number is valid until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from operator import itemgetter

from gputui.late_dataclasses import dataclass
from gputui.models import Ref

SPAN = timedelta(hours=24)
"""How far back a series goes."""

FADES_AFTER = timedelta(minutes=5)
"""How long a change is news."""

_PARTS = 96
_PART_SECONDS = SPAN.total_seconds() / _PARTS
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class IdleChange:
    """The last change of an idle count; ``by`` is how many more, negative for fewer."""

    at: datetime
    by: int


@dataclass(slots=True)
class _Track:
    """One offer: the last number and change, and the highest and the last number of each quarter of an hour."""

    idle: int
    change: IdleChange | None = None
    parts: dict[int, tuple[int, int]] = field(default_factory=dict)

    def note(self, idle: int, at: datetime) -> None:
        part = _part(at)
        if part not in self.parts:
            self._forget(part - _PARTS)
        highest, _ = self.parts.get(part, (self.idle, self.idle))
        self.parts[part] = (max(highest, idle), idle)
        if idle != self.idle:
            self.change = IdleChange(at, idle - self.idle)
            self.idle = idle

    def _forget(self, until: int) -> None:
        """Delete samples older than the series, except for the number valid at its beginning."""
        for part in sorted(part for part in self.parts if part <= until)[:-1]:
            del self.parts[part]

    def series(self, last: int) -> list[int | None]:
        earlier = [part for part in self.parts if part <= last - _PARTS]
        idle = self.parts[max(earlier)][1] if earlier else None
        found: list[int | None] = []
        for part in range(last - _PARTS + 1, last + 1):
            highest, idle = self.parts.get(part, (idle, idle))
            found.append(highest)
        return found


class Trends:
    """The trends of offers, filled from samples (offer, idle count, time), then updated with :meth:`note`."""

    def __init__(self, samples: Iterable[tuple[Ref, int | None, datetime]] = ()) -> None:
        self._tracks: dict[Ref, _Track] = {}
        # Several processes write samples, each in batches.
        for sample in sorted(samples, key=itemgetter(2)):
            self.note(*sample)

    def note(self, ref: Ref, idle: int | None, at: datetime) -> None:
        """Record the present number of idle GPUs, if known."""
        if idle is None:
            return
        track = self._tracks.get(ref)
        if track is None:
            track = self._tracks[ref] = _Track(idle)
        elif track.idle == idle:
            return
        track.note(idle, at)

    def change(self, ref: Ref) -> IdleChange | None:
        """Return the last change of an offer's idle count."""
        track = self._tracks.get(ref)
        return None if track is None else track.change

    def news(self, now: datetime) -> dict[Ref, int]:
        """Return by how much the offers changed whose last change is no older than ``FADES_AFTER``."""
        return {
            ref: track.change.by
            for ref, track in self._tracks.items()
            if track.change is not None and now - track.change.at <= FADES_AFTER
        }

    def series(self, ref: Ref, now: datetime, count: int = 24) -> list[int | None]:
        """Return the highest idle count in each of ``count`` equal parts of the last day, oldest first.

        None where it is unknown; empty when only the last number is known.
        ``count`` divides 96.
        """
        track = self._tracks.get(ref)
        if track is None:
            return []
        fine = track.series(_part(now))
        size = _PARTS // count
        parts = [
            max((value for value in fine[start : start + size] if value is not None), default=None)
            for start in range(0, _PARTS, size)
        ]
        return parts if sum(value is not None for value in parts) > 1 else []


def sparkline(values: Sequence[int | None]) -> str:
    """Draw numbers from zero to the highest as blocks; zero is the lowest block, an unknown number is blank."""
    top = max((value for value in values if value is not None), default=0)
    steps = len(_BLOCKS) - 1
    return "".join(" " if value is None else _BLOCKS[-(-value * steps // top) if top else 0] for value in values)


def arrow(by: int) -> str:
    """Write a change: ``↑3``, ``↓2``; '' for none."""
    return f"{'↑' if by > 0 else '↓'}{abs(by)}" if by else ""


def _part(at: datetime) -> int:
    return int(at.timestamp() // _PART_SECONDS)
