"""Looks again and again until all is reached, something never will be, or the time is over; reports on stderr."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from gputui.cli.output import notify, report_error
from gputui.cli.waits.goals import Look, Outcome
from gputui.formatting import format_duration, format_minutes

if TYPE_CHECKING:
    from gputui.fleet.clock import Clock

_TICK = 1.0
"""Seconds between two looks at what was read; requests have intervals of their own."""
_REMINDER = 60.0
"""Seconds after which a state that has not changed is reported again."""


def span_words(seconds: float) -> str:
    """Write a span: whole minutes without seconds."""
    return format_duration(seconds) if seconds % 60 else format_minutes(int(seconds // 60))


Looker = Callable[[], Awaitable[list[Look]]]


class Reporter:
    """Reports each new state, figures that change all the time once a minute, and each minute that it still waits."""

    def __init__(self, clock: Clock, end: float) -> None:
        self._clock = clock
        self._end = end
        self._shown: dict[str, tuple[Outcome, str, float]] = {}
        self._last = clock.monotonic()

    def show(self, looks: Sequence[Look]) -> None:
        """Report what is new in these looks."""
        now = self._clock.monotonic()
        for look in looks:
            outcome, state, at = self._shown.get(look.subject, (None, "", 0.0))
            quiet = look.moves and look.outcome is outcome and now - at < _REMINDER
            if look.state != state and not quiet:
                self._shown[look.subject] = look.outcome, look.state, now
                self._last = now
                notify(f"{look.subject}: {look.state}")
        if now - self._last >= _REMINDER:
            self._last = now
            awaited = [look for look in looks if look.outcome is not Outcome.REACHED]
            names = ", ".join(look.subject for look in awaited[:3]) + (" …" if len(awaited) > 3 else "")
            notify(f"Still waiting for {names}; {span_words(max(0.0, self._end - now))} left.")


async def look_until(clock: Clock, look: Looker, unread: Sequence[str], seconds: float) -> list[Look]:
    """Return the last looks. With 0 seconds there is one, which may take as long as a request may.

    ``unread`` are the subjects, for the case that the first look does not end in time. Raises GputuiError.
    """
    from gputui.fleet.clock import within

    end = clock.monotonic() + seconds
    reporter = Reporter(clock, end)
    looks = [Look(subject, Outcome.UNREADABLE, "no answer in time") for subject in unread]
    while True:
        task = asyncio.ensure_future(look())
        try:
            if seconds:
                await within(clock, max(_TICK, end - clock.monotonic()), task)
            else:
                await asyncio.wait({task})
        finally:
            task.cancel()
        if not task.done() or task.cancelled():
            # Requests that take longer than the time: what they would show is unknown.
            looks = [
                each if each.outcome is Outcome.NEVER else Look(each.subject, Outcome.UNREADABLE, "no answer in time")
                for each in looks
            ]
        else:
            looks = task.result()
        reporter.show(looks)
        outcomes = {each.outcome for each in looks}
        left = end - clock.monotonic()
        if Outcome.NEVER in outcomes or outcomes == {Outcome.REACHED} or left <= 0:
            return looks
        await clock.sleep(min(_TICK, left))


def report_end(looks: Sequence[Look], goal: str, seconds: float) -> None:
    """Report on stderr why the state was not reached, one line for each thing; nothing where it was."""
    for look in looks:
        if look.error is not None and look.outcome in (Outcome.NEVER, Outcome.UNREADABLE):
            report_error(look.error, about=look.subject)
        elif look.outcome is Outcome.NEVER:
            notify(f"gputui: {look.subject}: {look.state}: it will not be {goal}.")
        elif look.outcome is Outcome.UNREADABLE:
            notify(f"gputui: {look.subject}: not known to be {goal}: {look.state}")
        elif look.outcome is Outcome.NOT_YET:
            after = f" after {span_words(seconds)}" if seconds else ""
            notify(f"gputui: {look.subject}: not {goal}{after}: {look.state}")
