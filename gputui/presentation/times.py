"""Times as people write them: how long ago, a time of day, a date, or ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gputui.formatting import parse_span

_AGO = re.compile(r"(\d{1,9})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)
_WEEK = 7
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def parse_time(text: str, now: datetime, *, utc: bool = False, after: datetime | None = None) -> datetime:
    """Return the time in UTC that is meant by ``90m``, ``14:05``, ``2026-11-25 14:05`` or ISO 8601.

    Without an offset it is local time, or UTC with ``utc``; a time of day alone is the last one that there was,
    unless that is before ``after``. ``now`` is aware. Raises ValueError with the forms that are accepted.
    """
    given = text.strip()
    try:
        if match := _AGO.fullmatch(given):
            return (now - timedelta(**{_UNITS[match[2]]: int(match[1])})).astimezone(UTC)
        here = now.astimezone(UTC) if utc else now.astimezone()
        if match := _TIME.fullmatch(given):
            hour, minute, second = (int(part or 0) for part in match.groups())
            at = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            if at > here and (after is None or at - timedelta(days=1) >= after):
                at -= timedelta(days=1)
            return at.astimezone(UTC)
        read = datetime.fromisoformat(given)
        if read.tzinfo is None:
            read = read.replace(tzinfo=UTC) if utc else read.astimezone()
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be such as 90m, 2h, 14:05, 2026-11-25 14:05, or ISO 8601") from None


def parse_end(text: str, now: datetime, *, utc: bool = False) -> datetime:
    """Return the time to come, in UTC, that is meant by ``8h``, ``3d``, ``18:30``, a date, or a date and a time.

    Without an offset it is local time, or UTC with ``utc``; a time of day alone is the next one, a date alone the
    begin of that day. ``now`` is aware. Raises ValueError with the forms that are accepted, and for times that are
    past or more than a year ahead.
    """
    given = text.strip()
    here = now.astimezone(UTC) if utc else now.astimezone()
    try:
        if match := _TIME.fullmatch(given):
            hour, minute, second = (int(part or 0) for part in match.groups())
            today = here.replace(tzinfo=None)
            at = today.replace(hour=hour, minute=minute, second=second, microsecond=0)
            at += timedelta(days=at <= today)
            # The offset of that day: it may differ from that of now.
            at = at.replace(tzinfo=UTC) if utc else at.astimezone()
        elif given[:1].isdigit() and given[4:5] == "-":
            at = datetime.fromisoformat(given)
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC) if utc else at.astimezone()
        else:
            at = here + timedelta(minutes=parse_span(given))
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be such as 1h, 8h, 3d, 18:30, 2026-12-03 or 2026-12-03 18:30") from None
    if not timedelta() < at - now <= _LONGEST:
        raise ValueError("must be in the future" if at <= now else "must be within a year")
    return at


def end_text(at: datetime, now: datetime, *, utc: bool = False) -> str:
    """Write a time to come in minutes: ``18:30`` today, ``Mon 18:30`` within a week, else with the date."""
    shown, here = (time.astimezone(UTC if utc else None) for time in (at, now))
    days = (shown.date() - here.date()).days
    return shown.strftime("%H:%M" if not days else "%a %H:%M" if 0 < days < _WEEK else "%Y-%m-%d %H:%M")
