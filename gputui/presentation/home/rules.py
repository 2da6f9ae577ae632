"""Rules in the home view: those that need a look, those at work, and those that wait for stock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from gputui.formatting import counted
from gputui.models.rules import RuleState, RuleStatus
from gputui.presentation.home.lines import HomeLine, Opens, Section, newest

_RECENT = timedelta(hours=24)
"""How long a rule that has failed is a problem."""
_FAILED, _AT_WORK, _WAITING = 1, 0, 1
"""The places of these lines in their sections."""


def rule_problems(rows: Iterable[RuleStatus], now: datetime, *, agent: bool) -> Iterator[HomeLine]:
    """Yield the lines of rules that have failed or whose requests have no outcome, and that nothing follows any.

    Leases have lines of their own.
    """
    rows = [row for row in rows if row.kind != "lease"]
    open_ = [row for row in rows if not row.state.over and row.state is not RuleState.PAUSED]
    if open_ and not agent:
        text = "no agent runs: nothing follows them"
        yield _line(open_[0], Section.PROBLEMS, "✗", "bad", text, name=counted(len(open_), "rule"), key="agent")
    for row in rows:
        recent = row.at is None or now - row.at < _RECENT
        if row.state is RuleState.UNKNOWN or row.problem or (row.state is RuleState.FAILED and recent):
            glyph, style = ("?", "warning") if row.state is RuleState.UNKNOWN else ("✗", "bad")
            yield _line(row, Section.PROBLEMS, glyph, style, f"rule {row.state}: {row.problem or row.answer}")


def rules_at_work(rows: Iterable[RuleStatus]) -> Iterator[HomeLine]:
    """Yield the lines of grabs that send something or read what they obtained."""
    for row in rows:
        if row.kind != "lease" and row.state in {RuleState.TRYING, RuleState.CHECKING}:
            yield _line(row, Section.UNDER_WAY, "◐", "warning", f"{row.state}: {row.answer}")


def rules_waiting(rows: Iterable[RuleStatus]) -> Iterator[HomeLine]:
    """Yield the lines of watches and grabs that wait for stock."""
    for row in rows:
        if row.kind != "lease" and row.state in {RuleState.WAITING, RuleState.QUIET}:
            yield _line(row, Section.WATCHED, "○", "muted", f"{row.state}: {row.what}")


def _line(
    row: RuleStatus, section: Section, glyph: str, style: str, text: str, *, name: str = "", key: str = ""
) -> HomeLine:
    place = {Section.PROBLEMS: _FAILED, Section.UNDER_WAY: _AT_WORK}.get(section, _WAITING)
    return HomeLine(
        section=section,
        name=name or f"rule {row.ref.id}",
        account=", ".join(row.accounts),
        opens=Opens("rules", select=row.ref),
        glyph=glyph,
        style=style,
        text=text,
        rank=newest(place, row.at),
        key=f"rule {key or row.ref.id}",
    )
