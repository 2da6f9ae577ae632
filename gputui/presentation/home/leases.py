"""Leases in the home view: those that need a look among the problems, those that end within the hour under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from gputui.formatting import counted
from gputui.models import Ref
from gputui.presentation.columns.column import plain_text
from gputui.presentation.home.lines import HomeLine, Opens, Section, newest
from gputui.presentation.leases import end_words, ends_soon, is_urgent, left_text
from gputui.rules.lease_book import LeaseView

SOON = timedelta(hours=1)
_FAILED, _ENDS = 1, 0
"""The places of these lines in their sections."""

ViewOf = Callable[[Ref], str]
"""Returns the view of a row."""


def lease_problems(views: Sequence[LeaseView], problem: str, view_of: ViewOf) -> Iterator[HomeLine]:
    """Yield the lines of leases that are not enforced, or whose end has failed; ``problem`` is of all of them."""
    if problem and views:
        yield HomeLine(
            section=Section.PROBLEMS,
            name=counted(len(views), "lease"),
            opens=Opens(view_of(views[0].lease.ref), select=views[0].lease.ref),
            glyph="✗",
            style="bad",
            text=f"not enforced: {problem}",
            rank=(_FAILED, 0),
            key="leases",
        )
    for view in views:
        if not is_urgent(view):
            continue
        what = f"lease not enforced: {view.problem}" if view.problem else f"lease over, and {view.log.alarm}"
        yield _line(view, Section.PROBLEMS, view_of, "✗", "bad", what, newest(_FAILED, view.log.alarmed))


def leases_ending(views: Iterable[LeaseView], now: datetime, view_of: ViewOf) -> Iterator[HomeLine]:
    """Yield the lines of leases that end within the hour, or whose end is under way."""
    for view in views:
        until = view.lease.until
        near = until is not None and until - now <= SOON
        if is_urgent(view) or not (near or ends_soon(view)):
            continue
        left = plain_text(left_text(view, now))
        what = left if view.log.sent is not None else f"{end_words(view.lease.action)} in {left}"
        if until is None and view.log.sent is None:
            what = f"{end_words(view.lease.action)} soon, as its GPUs are idle"
        yield _line(view, Section.UNDER_WAY, view_of, "◐", "warning", f"lease: {what}", newest(_ENDS, until))


def _line(
    view: LeaseView, section: Section, view_of: ViewOf, glyph: str, style: str, text: str, rank: tuple[float, float]
) -> HomeLine:
    ref = view.lease.ref
    return HomeLine(
        section=section,
        name=view.lease.name,
        account=ref.account,
        about=ref,
        opens=Opens(view_of(ref), select=ref),
        glyph=glyph,
        style=style,
        text=text,
        rank=rank,
        key="lease",
    )
