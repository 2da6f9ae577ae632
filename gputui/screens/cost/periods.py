"""The part of the Cost view that shows what was spent today, this week or this month."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from gputui.analytics.spend import SpendLine, SpendReport, window
from gputui.fleet.spend_reports import SpendNow
from gputui.formatting import format_money
from gputui.models import Ref, Row
from gputui.models.periods import By, Period
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.spend import spend_columns
from gputui.presentation.prices import AT_LEAST
from gputui.presentation.spend import (
    ENDS,
    NO_LABELS,
    PERIOD_NAMES,
    budget_style,
    budget_text,
    forecast_text,
    in_order_of,
    lacks_something,
    notes,
    sums_text,
)
from gputui.screens.cost.period_bar import CHOICES, PeriodBar
from gputui.screens.list.remembered import keep_columns, keep_order
from gputui.widgets.table.table import RecordTable

if TYPE_CHECKING:
    from gputui.screens.cost.view import CostView

_STYLES = {"bad": "$text-error", "warning": "$text-warning", "": "$muted"}


class SpentPart:
    """The period that a Cost view shows, None for the cost of now, and the table, sums and notes of it."""

    def __init__(self, view: CostView) -> None:
        self.period: Period | None = None
        self.by = By.ACCOUNT
        self.report: SpendReport | None = None
        self._view = view
        self._now: SpendNow | None = None
        self._accounts: tuple[str, ...] = ()
        self._fitted: object = None
        self._adding_up: Worker[None] | None = None
        keep_order(view.memory, "spent-sort", lambda: self.table)
        keep_columns(view.memory, "spent-columns", lambda: self.table)
        view.memory.keep("period", str, self._period_name, self._restore_period, limits=True, first=True)
        view.memory.keep("spent-by", str, lambda: None if self.by is By.ACCOUNT else self.by.value, self._restore)

    def _restore(self, name: str | None) -> None:
        self.by = By(name or By.ACCOUNT)

    def _period_name(self) -> str | None:
        return None if self.period is None else self.period.value

    def _restore_period(self, name: str | None) -> None:
        """Show another period, before a filter is read: which columns there are depends on it."""
        self.period, self.report = None if name is None else Period(name), None
        if self._view.is_mounted:
            self._show_table()
            self.show()

    # --- widgets ---------------------------------------------------------------------------------------------

    def above(self) -> Iterator[Widget]:
        """Yield the line of periods."""
        yield PeriodBar(id="periods")

    def below(self) -> Iterator[Widget]:
        """Yield the table, and the notes under it."""
        columns = (column for column in spend_columns(self._view.context) if column.listed)
        yield self._view.make_table(cast("Sequence[Column[Row]]", list(columns)), id="spent")
        yield Static(id="spent-notes")

    @property
    def table(self) -> RecordTable[Row]:
        """The table of lines."""
        return cast("RecordTable[Row]", self._view.query_one("#spent", RecordTable))

    @property
    def is_shown(self) -> bool:
        """Whether a period is shown, not the cost of now."""
        return self.period is not None

    # --- following -------------------------------------------------------------------------------------------

    def follow(self) -> Callable[[], None]:
        """Show the spending each time that it is added up; returns what ends that."""
        spend = self._view.session.fleet.spend
        spend.use_zone(UTC if self._view.session.utc else None)
        return spend.subscribe(self._take)

    def catch_up(self) -> None:
        """Show it as it was added up last."""
        spend = self._view.session.fleet.spend
        spend.use_zone(UTC if self._view.session.utc else None)
        self._now = spend.now
        self.show()

    def _take(self, now: SpendNow) -> None:
        self._now = now
        self.show()

    def show(self) -> None:
        """Show the period: its lines are added up in a thread."""
        view = self._view
        self._show_table()
        self._show_periods()
        self._show_notes()
        if self.period is not None and self._now is not None:
            now, period, by = self._now, self.period, self.by

            async def add_up() -> None:
                await self._add_up(now, period, by)

            # Not a coroutine: one that is replaced before it begins would never be awaited.
            self._adding_up = view.run_worker(add_up, group="spent", exclusive=True)
        else:
            view.frame.show()

    def limit(self) -> None:
        """Add up again if other accounts are shown."""
        if self.is_shown and tuple(self._view.session.accounts_shown()) != self._accounts:
            self.show()

    def _show_table(self) -> None:
        """Show the table of the period, or those of the cost of now, and give it the keys."""
        view = self._view
        if view.has_class("-period") is not self.is_shown:
            view.set_class(self.is_shown, "-period")
            view.set_focus(view.table)

    async def _add_up(self, now: SpendNow, period: Period, by: By) -> None:
        view = self._view
        accounts = self._accounts = tuple(view.session.accounts_shown())
        times = window(period, now.at, UTC if view.session.utc else None)
        self.report = await asyncio.to_thread(now.ledger.report, times, by, accounts)
        self.table.set_rows(self.report.lines)
        if self._fitted != (period, by):
            self._fitted = period, by
            self.table.refit()  # other columns have content
        self.table.settle()
        self.table.placeholder = Content(self.empty_text())
        self._show_notes()
        view.frame.show()
        view.frame.show_keys()

    # --- choices ---------------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Show the next longer period, or the next shorter one."""
        place = CHOICES.index(self.period) + by
        if 0 <= place < len(CHOICES):
            self.choose(CHOICES[place])

    def choose(self, period: Period | None) -> None:
        """Show a period, or the cost of now."""
        crosses = (period is None) != (self.period is None)
        if crosses:
            self._view.clear_filter()  # the other table has other columns
        self.period, self.report = period, None
        if self.is_shown:
            self.table.placeholder = Content(self.empty_text())
        self.show()
        self._view.memory.note()

    def group_by(self, by: By) -> None:
        """Add up by another kind of group."""
        self.by = by
        self.show()
        self._view.memory.note()

    def open(self, line: SpendLine) -> Ref | None:
        """Show what a line is made of; returns the thing to go to where that is one."""
        if line.by is By.INSTANCE:
            return Ref.parse(line.key)
        (name,) = {By.ACCOUNT: ["account"], By.DEPLOYMENT: ["deployment"]}.get(line.by, [line.by.value])
        by = By.DEPLOYMENT if line.by is By.ACCOUNT else By.INSTANCE
        self.by = by
        if line.name:
            self._view.set_filter(f"{name}:{quoted(line.name)}")
        self.show()
        return None

    # --- words -----------------------------------------------------------------------------------------------

    def _show_periods(self) -> None:
        keys = self._view.session
        more = f"{keys.key_of('window-shorter')} {keys.key_of('window-longer')}"
        if self.is_shown:
            more += f"   by {self.by.value}  {keys.key_of('group')}"
        self._view.query_one(PeriodBar).show(self.period, more)

    def status(self) -> Content:
        """Return the sums of the period, and what was probably spent in gaps in addition."""
        report = self.report
        if report is None:
            return Content("")
        sums = sums_text(in_order_of(report.totals, self._view.currencies), at_least=lacks_something(report))
        more = "".join(f" + {format_money(money)} unobserved" for money in report.estimates.values())
        unknown = not report.totals and lacks_something(report)
        return Content.assemble(
            (f"   {sums}" if sums else "   unknown" if unknown else "", "bold"),
            (more, "$text-warning"),
        )

    def _show_notes(self) -> None:
        now, report = self._now, self.report
        lines: list[Content] = []
        if now is not None:
            if self.period is not None and report is not None and (forecast := forecast_text(report)):
                lines.append(Content.assemble((f"Forecast to the end of {ENDS[self.period]}: ", "$muted"), forecast))
            lines += [
                Content.styled(f"Budget {state.budget.name}: {budget_text(state)}", _STYLES[budget_style(state)])
                for state in now.budgets
            ]
            if now.problem:
                lines.append(Content.styled(now.problem, "$text-warning"))
            if self.is_shown and report is not None:
                said = notes(report, now.at, utc=self._view.session.utc)
                said += [NO_LABELS] if self.by is By.LABEL else []
                lines += [Content.styled(line, "$muted") for line in said]
        widget = self._view.query_one("#spent-notes", Static)
        widget.display = bool(lines)
        widget.update(Content("\n").join(lines))

    def empty_text(self) -> str:
        """Return why there are no lines."""
        session = self._view.session
        if not session.fleet.spend.kept:
            return "Spending is not recorded: there is no history file."
        when = PERIOD_NAMES[self.period] if self.period is not None else ""
        if self._now is None or self.report is None:
            return "Reading the recorded spending…"
        if not self.report.unobserved:
            return (
                f"Nothing was recorded {when} in {session.accounts_text}. While gputui runs, it records what things"
                " with a price cost, once a minute."
            )
        sign = AT_LEAST if lacks_something(self.report) else ""
        observed = ", as far as it was observed" if sign else ""
        return f"Nothing was spent {when} in {session.accounts_text}{observed}."


def quoted(name: str) -> str:
    """Return a name as the filter reads it as one word."""
    return f'"{name}"' if any(each in name for each in ' "|()') else name
