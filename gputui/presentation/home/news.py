"""News on the home view: what has happened since the user last looked, the most important first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from gputui.formatting import counted, format_age, format_time, seconds_text, status_text
from gputui.models import Event, Phase, Ref
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, in_order, newest

GONE, REBOOTED = "gone", "rebooted"
_FAILED, _SLOW, _ENDED, _OTHER = range(4)


def news(
    events: Iterable[Event],
    since: datetime,
    now: datetime,
    *,
    slow: Collection[Ref] = (),
    exists: Callable[[Ref], bool],
    utc: bool = False,
) -> HomeSection:
    """Return a line for each instance that has changed since then: its most important event.

    ``slow`` are the events that ended a step which took clearly longer than usual; ``exists`` returns whether an
    instance is still there.
    """
    happened = [event for event in events if event.at >= since]
    worst: dict[Ref, tuple[tuple[float, float], Event]] = {}
    for event in happened:
        place = newest(_importance(event, slow), event.at)
        known = worst.get(event.instance)
        if known is None or place < known[0]:
            worst[event.instance] = place, event
    lines = [_line(event, place, now, slow, exists(event.instance)) for place, event in worst.values()]
    at = format_time(since, utc=utc)
    at = at[:-3] if at.count(":") == 2 else at
    return HomeSection(
        Section.NEWS,
        in_order(lines),
        note=f"{counted(len(happened), 'event')} since {at}{', failures first' if len(lines) > 1 else ''}",
        more=Opens("events", typed=""),
        quiet=f"No events since {at}.",
    )


def _importance(event: Event, slow: Collection[Ref]) -> int:
    if event.phase is Phase.FAILED or event.status == REBOOTED:
        return _FAILED
    if event.ref in slow or event.phase is Phase.UNKNOWN:
        return _SLOW
    return _ENDED if event.phase is Phase.STOPPED else _OTHER


def _line(event: Event, place: tuple[float, float], now: datetime, slow: Collection[Ref], exists: bool) -> HomeLine:
    status, before = status_text(event.status), status_text(event.before)
    gone = event.status == GONE
    took = f" after {seconds_text(event.after_seconds)}" if event.after_seconds is not None and not gone else ""
    late = ", slow" if event.ref in slow else ""
    return HomeLine(
        section=Section.NEWS,
        name=event.name,
        account=event.ref.account,
        about=event.instance if exists else event.ref,
        opens=Opens("events", select=event.ref),
        glyph="○" if gone else PHASE_GLYPHS[event.phase],
        style="muted" if gone else PHASE_STYLES[event.phase],
        text=f"{f'{before} → ' if before else '→ '}{status}{took}{late}",
        time=format_age(event.at, now),
        rank=place,
    )
