"""Spending per hour and in a period, balances, and the prepaid time that is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from gputui.analytics.cost import COSTING, Total
from gputui.analytics.cost_lines import CostLine, cost_lines
from gputui.analytics.run_out import gpus_in_use, run_out
from gputui.analytics.spend import SpendLine
from gputui.formatting import format_minutes, format_money
from gputui.models import Balance, Change, Coverage, Deployment, Package, Ref, Resource, Row
from gputui.models.periods import By
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.cost import cost_columns
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.prices import AT_LEAST, UNKNOWN, gpus_text, unstated_text
from gputui.screens.base.header_cost import (
    all_costing,
    billing,
    cost_coverage,
    hourly_sums,
    partial_accounts,
    shown_total,
    unstated,
)
from gputui.screens.base.session import Session
from gputui.screens.cost.commands import CostCommands
from gputui.screens.cost.period_bar import PeriodBar
from gputui.screens.cost.periods import SpentPart
from gputui.screens.list.list_view import ListView
from gputui.screens.list.remembered import keep_columns, keep_order
from gputui.widgets.table.table import RecordTable

ROOMY = 100
"""Cells of a line that has room for the sums of a day and for the unpriced things."""


class CostView(ListView):
    """``9``: spending above, prepaid time below. Enter shows the instances that cost it; tab changes sides.

    ``]`` and ``[`` choose a period: then the table has what was spent in it.
    """

    NAME = "cost"
    AUTO_FOCUS = "#table"
    HEADING = "Cost"
    RESOURCE = Resource.INSTANCES
    CREATES = frozenset()
    SHOWS_AGE = True
    COMMAND_SETS = (CostCommands, *ListView.COMMAND_SETS)
    RESOURCES = frozenset({*COSTING, Resource.PACKAGES, Resource.BALANCES})
    FOOTER = ("open", "window-longer", "window-shorter", "group")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "window-longer": ("Longer period", "Show the spending of today, this week, this month"),
        "window-shorter": ("Shorter period", "Show the spending of a shorter period, or the cost of an hour now"),
        "group": ("Add up by", "Add up the period by account, deployment, label, owner, instance"),
    }

    DEFAULT_CSS = """
    CostView #table { height: auto; max-height: 60%; min-height: 3; }
    CostView #packages-heading { height: 1; padding: 0 1; margin-top: 1; text-style: bold; }
    CostView #packages { height: 1fr; }
    CostView #periods { height: 1; padding: 0 1; }
    CostView #spent { height: 1fr; display: none; }
    CostView #spent-notes { height: auto; max-height: 8; padding: 0 1; }
    CostView.-period #spent { display: block; }
    CostView.-period #table, CostView.-period #packages-heading, CostView.-period #packages { display: none; }
    CostView.-no-packages #table { height: 1fr; max-height: 100%; }
    CostView.-no-packages #packages, CostView.-no-packages #packages-heading { display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        keep_order(self.memory, "sort", lambda: self._now_table)
        keep_columns(self.memory, "columns", lambda: self._now_table)
        self.spent = SpentPart(self)
        """The part that shows the spending of a period."""
        keep_order(self.memory, "package-sort", lambda: self.packages)
        keep_columns(self.memory, "package-columns", lambda: self.packages)
        self._totals: dict[str, Total] = {}
        self._unread: set[str] = set()
        self._lacks = False

    def compose_body(self) -> ComposeResult:
        """Lay out both tables."""
        yield from self.spent.above()
        yield self.make_table()
        yield Static(Content("Prepaid"), id="packages-heading")
        yield self.make_table(self._package_columns(), id="packages", sort=("gpu", False))
        yield from self.spent.below()

    @property
    def table(self) -> RecordTable[Row]:
        """The table that the keys act on: that of a period, or of the cost of now."""
        return self.spent.table if self.spent.is_shown else self._now_table

    @property
    def _now_table(self) -> RecordTable[Row]:
        return super().table

    @property
    def packages(self) -> RecordTable[Row]:
        """The lower table."""
        return cast("RecordTable[Row]", self.query_one("#packages", RecordTable))

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of lines of cost."""
        columns = (column for column in cost_columns(self.context) if column.listed)
        return cast("Sequence[Column[Row]]", list(columns))

    def _package_columns(self) -> Sequence[Column[Row]]:
        columns: list[Column[Package]] = [
            *columns_of(Resource.PACKAGES, self.context),
            Column("gpus", self._in_use, self._gpus_in_use, right=True),
            Column("out", self._used_up, self._run_out, heading="RUNS OUT"),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _gpus_in_use(self, row: Package) -> tuple[int, int]:
        return gpus_in_use(row, all_costing(self.session))

    def _run_out(self, row: Package) -> datetime | None:
        return run_out(row, all_costing(self.session), datetime.now(UTC))

    def _in_use(self, row: Package) -> Cell:
        gpus, unsure = self._gpus_in_use(row)
        if row.ref.account in partial_accounts(self.session):
            return (AT_LEAST + gpus_text(gpus, unsure), "warning")
        return gpus_text(gpus, unsure) if gpus or unsure else ("–", "muted")

    def _used_up(self, row: Package) -> Cell:
        if row.balance is not None and row.balance <= 0:
            return ("✗ used up", "bad")
        at, partial = self._run_out(row), row.ref.account in partial_accounts(self.session)
        if at is None:
            return (UNKNOWN, "warning") if self._gpus_in_use(row)[1] or partial else ("–", "muted")
        minutes = int((at - datetime.now(UTC)).total_seconds()) // 60
        when = f"{'≤' if partial else 'in'} {format_minutes(minutes)}"
        if minutes >= 24 * 60:
            return when
        clock = at.astimezone(UTC if self.session.utc else None)
        return [(when, "warning"), (f"  {clock:%H:%M}", "muted")]

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Put the cursor on a line of the cost of now."""
        if select is not None and self.is_mounted and self.spent.is_shown:
            self.spent.choose(None)
        super().limit_to(scope, select)

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow all lists on which the sums and the run-out times depend."""
        fleet = self.session.fleet
        return (
            *super().follow(),
            fleet.subscribe(Resource.DEPLOYMENTS, self._changed),
            fleet.subscribe(Resource.VOLUMES, self._changed),
            fleet.subscribe(Resource.BALANCES, self._changed),
            fleet.subscribe(Resource.PACKAGES, lambda change: self._packages_changed()),
            self.spent.follow(),
        )

    def _packages_changed(self) -> None:
        self._take_lines()
        self._show_packages()

    def _changed(self, change: Change) -> None:
        self._take_lines()
        self.packages.invalidate()
        self._fit()
        self._settle_columns()
        self._settle_cursor()
        self.frame.show()

    def catch_up(self) -> None:
        """Add up again."""
        self.spent.catch_up()
        self._note_staleness()
        self._take_lines()
        self._show_packages()
        self._apply_filter()
        self.pass_time()
        self._settle_columns()

    def _take_lines(self) -> None:
        fleet = self.session.fleet
        rows = all_costing(self.session)
        self._totals, self._unread = fleet.costs.totals, fleet.costs.unread
        lines = cost_lines(
            rows,
            fleet.all(Balance),
            fleet.accounts,
            packages=fleet.all(Package),
            billing=billing(self.session),
            partial=partial_accounts(self.session),
            now=datetime.now(UTC),
        )
        self._now_table.set_rows(lines)
        lacks = any(line.lacking for line in lines)
        if self._lacks and not lacks:
            # Without unpriced resources their column is left out: others have its room.
            self._now_table.refit()
        self._lacks = lacks

    def _show_packages(self) -> None:
        self.packages.set_rows(self.session.fleet.all(Package))
        self._limit_packages()

    @property
    def on_packages(self) -> bool:
        """Whether what is prepaid is the side in use."""
        return self.table_in_use is self.packages

    def _limit_packages(self) -> None:
        self.packages.set_filter(None, where=lambda row: self.session.shows_account(row.ref.account))
        self._fit()

    def _fit(self) -> None:
        """Give the upper table the lines it has rows for; all there are where nothing is prepaid."""
        alone = not self.packages.row_count
        if alone != self.has_class("-no-packages"):
            self.set_class(alone, "-no-packages")
            self.frame.show_keys()
        if alone and self.on_packages:
            self.set_focus(self.table)
        self._now_table.styles.height = "1fr" if alone else max(2, self._now_table.row_count + 1)

    def _apply_filter(self) -> None:
        super()._apply_filter()
        self._limit_packages()
        self.spent.limit()

    def shows(self, row: Row) -> bool:
        """Whether a row passes everything but the typed filter; a period is added up of the accounts shown."""
        if isinstance(row, SpendLine):
            return not self.problems_only or self.is_problem(row)
        return super().shows(row)

    def is_stale(self, row: Row) -> bool:
        """Whether it is a package, or a sum of rows, that is not up to date; what was spent stays true."""
        if isinstance(row, SpendLine):
            return False
        if isinstance(row, Package):
            return super().is_stale(row)
        return bool(cost_coverage(self.session, row.ref.account) & Coverage.STALE)

    # --- what it says ----------------------------------------------------------------------------------------

    @property
    def server_filtered(self) -> None:
        """Sums are of whole lists: the filters are those of the lists' own views."""

    def warning(self) -> str:
        """Return which rows the sums lack because of a server filter, and where it is cleared."""
        if not partial_accounts(self.session):
            return ""
        filtered = [resource for resource in COSTING if self.session.fleet.server_filters.values(resource)]
        lists = " and ".join(resource.words for resource in filtered)
        views = " and ".join(self.session.key_of(f"view.{resource.value}") for resource in filtered)
        key = self.session.key_of("server-filter")
        return f"Sums leave out {lists} excluded by the server filter; {key} in {views} changes or clears it."

    def status(self) -> tuple[Content, Content]:
        """Return the cost per hour and day of all rows shown, by currency, and what these sums lack."""
        if self.spent.is_shown:
            return Content.assemble(self.spent.status(), self.filter_caption()), super().status()[1]
        found = hourly_sums(self.session, self._totals, self._unread)
        daily = not found.total.lacking or self.size.width >= ROOMY
        parts = [
            Content.assemble(
                (f"   {found.sign}{format_money(money)}/h", "bold"),
                (found.doubt(money), "$text-warning"),
                (f"  {found.sign}{format_money(money.times(24))}/day" if daily else "", "$muted"),
                (found.doubt(money) if daily else "", "$text-warning"),
            )
            for money in found.total.amounts.values()
        ]
        if lacking := found.lacking:
            parts.append(Content.styled(f"   {'+ ' if parts else ''}{lacking}", "$text-warning"))
        if excluded := unstated(self.session, self._totals):
            parts.append(Content.styled(f"   without {', '.join(excluded)} (no price stated)", "$muted"))
        return Content.assemble(*parts), super().status()[1]

    @property
    def currencies(self) -> list[str]:
        """The currencies of the cost of an hour, in the order of the accounts that spend them."""
        return list(shown_total(self.session, self._totals).amounts)

    def empty_text(self) -> str:
        """Return why there are no rows."""
        if self.spent.is_shown:
            return self.spent.empty_text()
        if partial := self.warning():
            return f"The cost is not known. {partial}"
        where = self.session.accounts_text
        if excluded := unstated(self.session, self._totals):
            return f"No prices in {where}. {unstated_text(excluded)}"
        return f"Nothing that costs money runs in {where}, and no account has a balance."

    def is_problem(self, row: Row) -> bool:
        """A sum is no problem; one of a period is where it lacks something."""
        return isinstance(row, SpendLine) and (row.unpriced > 0 or row.estimate is not None)

    # --- what the commands act on ----------------------------------------------------------------------------

    def _meant(self, row: Row | None) -> Row | None:
        """Return the row of a line: its deployment, where there is one."""
        if isinstance(row, SpendLine):
            name = row.key if row.by is By.INSTANCE else row.deployment if row.by is By.DEPLOYMENT else ""
            return self.session.fleet.get(Ref.parse(name)) if name else None
        if isinstance(row, CostLine):
            return self.session.fleet.find(Deployment, row.deployment)
        return row

    def under_cursor(self) -> Row | None:
        """Return the deployment, or the package, that the cursor is on."""
        return self._meant(self.table_in_use.cursor_row)

    def chosen_rows(self) -> list[Row]:
        """Return the deployments of the marked lines, else what the cursor is on."""
        if self.on_packages or not self.table.marked:
            return [row for row in [self.under_cursor()] if row is not None]
        return [row for ref in self.table.marked if (row := self._meant(self.table.get(ref))) is not None]

    @on(PeriodBar.Chosen)
    def _period_chosen(self, event: PeriodBar.Chosen) -> None:
        event.stop()
        self.spent.choose(event.period)

    @on(RecordTable.Opened, "#packages")
    @on(RecordTable.Opened, "#spent")
    def _other_opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        self.open_row()
