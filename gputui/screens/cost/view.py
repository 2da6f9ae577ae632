"""Spending per hour, balances, and the prepaid time that is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from gputui.analytics.cost import COSTING, Total, by_account, gpus_in_use, gpus_text, run_out
from gputui.formatting import format_minutes, format_money
from gputui.models import Balance, Change, Deployment, FeedState, Package, Resource, Row
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.columns.offers import package_columns
from gputui.presentation.prices import UNKNOWN, money_text, price_key
from gputui.screens.base.header_cost import all_costing, billing, lacking_text, shown_total, unstated
from gputui.screens.base.session import Session
from gputui.screens.cost.commands import CostCommands
from gputui.screens.cost.lines import CostLine, cost_lines
from gputui.screens.list.list_view import ListView
from gputui.widgets.table.table import RecordTable

ROOMY = 100
"""Cells of a line that has room for the sums of a day and for the unpriced things."""
SOON = 24 * 60
"""Within so many minutes the end of a balance wants attention."""


class CostView(ListView):
    """``9``: spending above, prepaid time below. Enter shows the instances that cost it; tab changes sides."""

    NAME = "cost"
    AUTO_FOCUS = "#table"
    HEADING = "Cost"
    RESOURCE = Resource.INSTANCES
    CREATES = frozenset()
    SHOWS_AGE = True
    COMMAND_SETS = (CostCommands, *ListView.COMMAND_SETS)
    RESOURCES = frozenset({*COSTING, Resource.PACKAGES, Resource.BALANCES})

    DEFAULT_CSS = """
    CostView #table { height: auto; max-height: 60%; min-height: 3; }
    CostView #packages-heading { height: 1; padding: 0 1; margin-top: 1; text-style: bold; }
    CostView #packages { height: 1fr; }
    CostView.-no-packages #table { height: 1fr; max-height: 100%; }
    CostView.-no-packages #packages, CostView.-no-packages #packages-heading { display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._totals: dict[str, Total] = {}
        self._lacks = False

    def compose_body(self) -> ComposeResult:
        """Lay out both tables."""
        yield self.make_table()
        yield Static(Content("Prepaid"), id="packages-heading")
        packages: RecordTable[Row] = RecordTable(
            self._package_columns(),
            id="packages",
            row_style=self._package_style,
            on_fault=self.session.program.show_internal_error,
        )
        packages.set_sort("gpu")
        yield packages

    @property
    def packages(self) -> RecordTable[Row]:
        """The lower table."""
        return cast("RecordTable[Row]", self.query_one("#packages", RecordTable))

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of what is spent."""
        columns: list[Column[CostLine]] = [
            Column("account", "ACCOUNT", self._account, lambda row: row.ref.account, max_width=24),
            Column("deployment", "DEPLOYMENT", lambda row: row.name, lambda row: row.name, width=14, flex=True),
            Column("instances", "INSTANCES", _instances, lambda row: row.instances, right=True, priority=4),
            Column("gpus", "GPUS", _gpus, lambda row: row.gpus, right=True, priority=2),
            Column(
                "priced",
                "PRICED",
                _priced,
                lambda row: row.lacking or None,
                right=True,
                priority=3,
                when_filled=True,
            ),
            Column("hour", "PER HOUR", self._per_hour, lambda row: price_key(row.per_hour), right=True, number=_cost),
            Column("day", "PER DAY", self._per_day, lambda row: price_key(row.per_hour), right=True, priority=5),
            Column(
                "balance",
                "BALANCE",
                lambda row: format_money(row.balance),
                lambda row: price_key(row.balance),
                right=True,
                priority=1,
                when_filled=True,
            ),
            Column(
                "lasts",
                "RUNS OUT",
                self._lasts,
                lambda row: row.lasting and row.lasting.until,
                width=9,
                right=True,
                priority=1,
                when_filled=True,
            ),
        ]
        return cast("Sequence[Column[Row]]", columns)

    @staticmethod
    def _account(row: CostLine) -> Cell:
        return (row.ref.account, "muted" if row.name else "strong")

    @staticmethod
    def _per_hour(row: CostLine) -> Cell:
        style = "" if row.name else "strong"
        if row.per_hour is None:
            return (UNKNOWN, "warning") if row.lacking else ("nothing", "muted")
        known = (money_text(row.per_hour), style)
        return [known, (f" + {UNKNOWN}", "warning")] if row.lacking else known

    @staticmethod
    def _per_day(row: CostLine) -> Cell:
        if row.per_hour is None or not row.per_hour.amount:
            return ""
        return (format_money(row.per_hour.times(24)) + (f" + {UNKNOWN}" if row.lacking else ""), "muted")

    @staticmethod
    def _lasts(row: CostLine) -> Cell:
        if (end := row.lasting) is None:
            return ""
        minutes = int((end.until - datetime.now(UTC)).total_seconds()) // 60
        if minutes <= 0:
            return ("✗ used up", "bad")
        # With something unpriced the money ends by then at the latest.
        sign = "≤ " if end.at_most else "~" if end.estimated else ""
        return (f"{sign}{format_minutes(minutes)}", "warning" if minutes < SOON else "")

    def _package_columns(self) -> Sequence[Column[Row]]:
        columns: list[Column[Package]] = [
            *package_columns(self.context),
            Column("gpus", "GPUS", self._in_use, self._gpus_in_use, right=True),
            Column("out", "RUNS OUT", self._used_up, self._run_out),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _gpus_in_use(self, row: Package) -> tuple[int, int]:
        return gpus_in_use(row, all_costing(self.session))

    def _run_out(self, row: Package) -> datetime | None:
        return run_out(row, all_costing(self.session), datetime.now(UTC))

    def _in_use(self, row: Package) -> Cell:
        gpus, unsure = self._gpus_in_use(row)
        return gpus_text(gpus, unsure) if gpus or unsure else ("–", "muted")

    def _used_up(self, row: Package) -> Cell:
        if row.balance is not None and row.balance <= 0:
            return ("✗ used up", "bad")
        at = self._run_out(row)
        if at is None:
            return (UNKNOWN, "warning") if self._gpus_in_use(row)[1] else ("–", "muted")
        minutes = int((at - datetime.now(UTC)).total_seconds()) // 60
        if minutes >= 24 * 60:
            return f"in {format_minutes(minutes)}"
        clock = at.astimezone(UTC if self.session.utc else None)
        return [(f"in {format_minutes(minutes)}", "warning"), (f"  {clock:%H:%M}", "muted")]

    # --- following the fleet ---------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow all that the sums and the run-out times are made of."""
        fleet = self.session.fleet
        return (
            *super().follow(),
            fleet.subscribe(Resource.DEPLOYMENTS, self._changed),
            fleet.subscribe(Resource.VOLUMES, self._changed),
            fleet.subscribe(Resource.BALANCES, self._changed),
            fleet.subscribe(Resource.PACKAGES, lambda change: self._packages_changed()),
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
        self._note_staleness()
        self._take_lines()
        self._show_packages()
        self._apply_filter()
        self.pass_time()
        self._settle_columns()

    def _take_lines(self) -> None:
        fleet = self.session.fleet
        balances = [row for row in fleet.rows(Resource.BALANCES).values() if isinstance(row, Balance)]
        names = {
            row.ref: row.name for row in fleet.rows(Resource.DEPLOYMENTS).values() if isinstance(row, Deployment)
        }
        rows = all_costing(self.session)
        self._totals = by_account(rows)
        packages = [row for row in fleet.rows(Resource.PACKAGES).values() if isinstance(row, Package)]
        lines = cost_lines(
            rows,
            balances,
            names,
            fleet.accounts,
            packages=packages,
            billing=billing(self.session),
            now=datetime.now(UTC),
        )
        self.table.set_rows(lines)
        lacks = any(line.lacking for line in lines)
        if self._lacks and not lacks:
            # What all have a price for needs no column that says so: others have its room.
            self.table.refit()
        self._lacks = lacks

    def _show_packages(self) -> None:
        self.packages.set_rows(self.session.fleet.rows(Resource.PACKAGES).values())
        self._limit_packages()

    def _limit_packages(self) -> None:
        self.packages.set_filter(None, where=lambda row: self.session.shows_account(row.ref.account))
        self._fit()

    def _fit(self) -> None:
        """Give the upper table the lines it has rows for; all there are where nothing is prepaid."""
        alone = not self.packages.row_count
        if alone != self.has_class("-no-packages"):
            self.set_class(alone, "-no-packages")
            self.frame.show_keys()
        if self.packages.has_focus and alone:
            self.focus_body()
        self.table.styles.height = "1fr" if alone else max(2, self.table.row_count + 1)

    def _apply_filter(self) -> None:
        super()._apply_filter()
        self._limit_packages()

    def row_style(self, row: Row) -> str | None:
        """Dim sums of what is not up to date."""
        fleet, account = self.session.fleet, row.ref.account
        states = (
            fleet.feed(account, resource).state for resource in COSTING if fleet.runtime(account).costs(resource)
        )
        return "stale" if FeedState.STALE in states else None

    def _package_style(self, row: Row) -> str | None:
        return "stale" if self.session.fleet.is_stale(row.ref) else None

    # --- what it says ----------------------------------------------------------------------------------------

    def status(self) -> tuple[Content, Content]:
        """Return the cost per hour and day of all rows shown, by currency, and what these sums lack."""
        total = shown_total(self.session, self._totals)
        lacking = lacking_text(total)
        daily = not lacking or self.size.width >= ROOMY
        parts = [
            Content.assemble(
                (f"   {format_money(money)}/h", "bold"),
                (f"  {format_money(money.times(24))}/day" if daily else "", "$muted"),
            )
            for money in total.amounts.values()
        ]
        if lacking:
            parts.append(Content.styled(f"   {'+ ' if parts else ''}{lacking}", "$text-warning"))
        if left_out := unstated(self.session, self._totals):
            parts.append(Content.styled(f"   without {', '.join(left_out)} (no price stated)", "$muted"))
        return Content.assemble(*parts), super().status()[1]

    def empty_text(self) -> str:
        """Return why there are no rows."""
        where = self.session.account or "any account"
        if left_out := unstated(self.session, self._totals):
            tables = ", ".join(f"[accounts.{name}]" for name in left_out)
            return (
                f"No prices in {where}. The cost of own servers ({', '.join(left_out)}) is unknown: "
                f"state price, or price = 0 for none, in {tables}."
            )
        return f"Nothing that costs money runs in {where}, and no account has a balance."

    def is_problem(self, row: Row) -> bool:
        """A sum is no problem."""
        return False

    # --- what the commands act on ----------------------------------------------------------------------------

    def _meant(self, row: Row | None) -> Row | None:
        """Return the row of a line: its deployment, where there is one."""
        if isinstance(row, CostLine):
            return self.session.fleet.get(row.deployment) if row.deployment is not None else None
        return row

    def under_cursor(self) -> Row | None:
        """Return the deployment, or the package, that the cursor is on."""
        return self._meant((self.packages if self.packages.has_focus else self.table).cursor_row)

    def targets(self) -> list[Row]:
        """Return the deployments of the marked lines, else what the cursor is on."""
        if self._fixed or self.packages.has_focus or not self.table.marked:
            return list(self._fixed) or [row for row in [self.under_cursor()] if row is not None]
        return [row for ref in self.table.marked if (row := self._meant(self.table.get(ref))) is not None]

    @on(RecordTable.Opened, "#packages")
    def _package_opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        self.open_row()


def _cost(row: CostLine) -> float | None:
    """Return the figure that filters compare: where nothing runs, an hour costs 0; unknown where a part is."""
    if row.lacking:
        return None
    return 0.0 if row.per_hour is None else float(row.per_hour.amount)


def _priced(row: CostLine) -> Cell:
    if row.name or not row.lacking:
        return ""
    return (f"{row.things - row.lacking} of {row.things}", "warning")


def _instances(row: CostLine) -> Cell:
    return ("–", "muted") if row.volumes and row.name and not row.instances else str(row.instances)


def _gpus(row: CostLine) -> Cell:
    return ("–", "muted") if row.volumes and row.name and not row.instances else gpus_text(row.gpus, row.unsure)
