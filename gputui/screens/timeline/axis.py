"""The window of a timeline and its cursor: moved, zoomed, at a time, at now. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gputui.analytics.timeline import around, clamped, slot_of, time_of, zoomed
from gputui.models.timeline import TimeSpan

FIRST_LENGTH = timedelta(hours=1)
_EDGE = 0.25
"""How far the window moves when the cursor leaves it, as a part of its length."""


class Axis:
    """A window with a cursor. ``following``: its end is now, and moves with the time."""

    def __init__(self, now: datetime, length: timedelta = FIRST_LENGTH) -> None:
        self.span = TimeSpan(now - length, now)
        self.at = now
        self.following = True

    def now(self, now: datetime, slots: int) -> bool:
        """Follow the time by whole parts of the window; returns whether it has moved."""
        if not self.following or now < self.span.end:
            return False
        length = self.span.end - self.span.begin
        step = length / max(1, slots)
        end = self.span.end + step * ((now - self.span.end) // step + 1)
        at_end = self.at >= self.span.end - step
        self.span = TimeSpan(end - length, end)
        self.at = time_of(self.span, slots - 1, slots) if at_end else max(self.at, self.span.begin)
        return True

    def slot(self, slots: int) -> int:
        """Return the part of the window in which the cursor is."""
        return slot_of(self.span, self.at, slots)

    def point(self, slot: int, slots: int) -> None:
        """Put the cursor into a part of the window."""
        self.at = time_of(self.span, max(0, min(slots - 1, slot)), slots)

    def move(self, parts: int, slots: int, now: datetime) -> bool:
        """Move the cursor by parts; returns whether the window had to move."""
        slot = self.slot(slots) + parts
        if 0 <= slot < slots:
            self.at = time_of(self.span, slot, slots)
            return False
        length = self.span.end - self.span.begin
        if parts > 0 and self.span.end >= now:
            self.at = time_of(self.span, slots - 1, slots)
            return False
        by = length * max(_EDGE, abs(parts) / slots) * (1 if parts > 0 else -1)
        target = self.at + length * (parts / slots)
        self._show(TimeSpan(self.span.begin + by, self.span.end + by), now)
        self.at = max(self.span.begin, min(target, self.span.end - length / slots / 2))
        return True

    def zoom(self, by: int, now: datetime) -> bool:
        """Show a longer time, or a shorter one where negative; returns whether there is one."""
        span = zoomed(self.span, self.at, by, now)
        if span.end - span.begin == self.span.end - self.span.begin:
            return False
        self._show(span, now)
        return True

    def go(self, at: datetime, now: datetime) -> None:
        """Put the cursor on a time; the window goes there where it is not in it."""
        self.at = min(at, now)
        if not self.span.begin <= self.at < self.span.end:
            self._show(around(self.at, self.span.end - self.span.begin, now), now)
        else:
            self.following = self.following and at >= now

    def to_now(self, now: datetime, slots: int) -> None:
        """Go to the newest and follow it."""
        length = self.span.end - self.span.begin
        self.span = TimeSpan(now - length, now)
        self.following = True
        self.at = time_of(self.span, slots - 1, slots)

    def _show(self, span: TimeSpan, now: datetime) -> None:
        self.span = clamped(span, now)
        self.following = self.span.end >= now
        self.at = max(self.span.begin, min(self.at, self.span.end))

    @property
    def words(self) -> str:
        """The length of the window in words."""
        minutes = round(self.span.seconds / 60)
        if minutes < 60:
            return f"{minutes} min"
        return f"{minutes // 60} h" if minutes < 3 * 24 * 60 else f"{minutes // (24 * 60)} days"
