"""Spending on the home view: the cost of an hour, spending of today, the end of money and packages, budgets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gputui.analytics.cost import Total, reordered
from gputui.analytics.cost_lines import CostLine
from gputui.formatting import counted, format_minutes, format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Coverage, Package
from gputui.presentation.columns.column import plain_text
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section, in_order
from gputui.presentation.prices import AT_LEAST, SOON, UNKNOWN, gpus_text, runs_out_text, unpriced_text
from gputui.presentation.spend import UNOBSERVED, budget_style, budget_text, spent_text
from gputui.presentation.sums import HourlySums

if TYPE_CHECKING:
    from gputui.analytics.budgets import BudgetState
    from gputui.analytics.spend import SpendReport

_SOON, _LASTING = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The cost of the accounts shown.

    ``packages`` are those in use or used up, each with the time at which it ends, None where that is unknown.
    """

    lines: Sequence[CostLine] = ()
    packages: Sequence[tuple[Package, datetime | None]] = ()
    old: Collection[str] = ()
    """The accounts of which the numbers are of an earlier time."""
    coverage: Coverage = Coverage.COMPLETE
    """How far all that belongs in the sums is known."""
    currencies: Sequence[str] = ()
    """Those that come first in sums, in their order."""
    today: SpendReport | None = None
    """The spending of today by account; None where it is not known yet."""
    budgets: Sequence[BudgetState] = ()


def spending(costs: Costs, now: datetime) -> HomeSection:
    """Return a line for each account and currency, each package in use, and each budget that has reached a level.

    What runs out first comes first.
    """
    lines = [
        *(_budget(state) for state in costs.budgets if state.reached or state.will_exceed),
        *(
            _account(line, now, _today(costs.today, line), old=line.account in costs.old)
            for line in costs.lines
            if _matters(line)
        ),
        *(_package(package, end, now, old=package.ref.account in costs.old) for package, end in costs.packages),
    ]
    sums = _sums(costs)
    spent = "" if costs.today is None else spent_text(costs.today, sums.total.amounts)
    known = bool(sums.total.amounts or sums.total.lacking)
    note = " + ".join(filter(None, ("  ".join(sums.texts), sums.lacking))) if known else ""
    note += f"{'   ' if note else ''}today {spent}" if spent else ""
    quiet = f"Nothing costs money{f', {spent} spent today' if spent else ''}." if costs.coverage.is_complete else ""
    return HomeSection(Section.SPENDING, in_order(lines), note=note, more=Opens("cost", typed=""), quiet=quiet)


def _sums(costs: Costs) -> HourlySums:
    """Return the sums of the lines by currency, and how far they are known."""
    total, old = Total(), set[str]()
    for line in costs.lines:
        if line.account in costs.old and line.per_hour is not None:
            old.add(line.per_hour.currency)
        if line.whole and line.per_hour is not None and line.per_hour.amount:
            total += Total({line.per_hour.currency: line.per_hour})
        elif line.is_unpriced:
            total += Total(things=line.lacking, gpus=line.gpus, unsure=line.gpus_unknown)
    return HourlySums(
        total=reordered(total, costs.currencies),
        old=old,
        lacks=costs.coverage.lacks_rows,
        filtered=any(line.partial for line in costs.lines),
    )


def _matters(line: CostLine) -> bool:
    """Whether it is the line of an account that costs something, has money, or has things without a price."""
    costs = line.per_hour is not None and line.per_hour.amount > 0
    return line.whole and (costs or line.balance is not None or line.lacking > 0)


def _today(report: SpendReport | None, line: CostLine) -> str:
    """Return what an account has spent today in the currency of its line."""
    money = line.per_hour or line.balance
    if report is None or money is None:
        return ""
    of = (each for each in report.lines if each.key == line.account and each.currency == money.currency)
    found = next(of, None)
    if found is None:
        return ""
    spent = found.spent
    if spent is None:
        return f"today {UNOBSERVED}"
    return "" if not spent.amount else f"today {AT_LEAST if report.lacks(line.account) else ''}{format_money(spent)}"


def _budget(state: BudgetState) -> HomeLine:
    style = budget_style(state)
    accounts = state.budget.accounts
    return HomeLine(
        section=Section.SPENDING,
        name=f"budget {state.budget.name}",
        account=accounts[0] if len(accounts) == 1 else "",
        opens=Opens("cost", typed=""),
        glyph="✗" if style == "bad" else "◐",
        style=style,
        text=budget_text(state),
        loud=True,
        rank=(_SOON, -state.share),
        key=f"budget {state.budget.name}",
    )


def _account(line: CostLine, now: datetime, today: str, *, old: bool) -> HomeLine:
    lasts = plain_text(runs_out_text(line.lasting, now)) if line.lasting is not None else ""
    used_up = lasts.startswith("✗")
    minutes = None if line.lasting is None else (line.lasting.until - now).total_seconds() / 60
    soon = minutes is not None and minutes < SOON
    parts = [
        lasts if used_up else f"lasts {lasts}" if lasts else "",
        f"{format_money(line.balance)} left" if line.balance is not None else "",
        today,
        counted(line.instances, "instance") if line.instances else "",
        f"{gpus_text(line.gpus, line.gpus_unknown)} GPUs" if line.gpus or line.gpus_unknown else "",
        unpriced_text(line.lacking),
    ]
    return HomeLine(
        section=Section.SPENDING,
        name=line.account,
        account=line.account,
        opens=Opens("cost", select=line.ref),
        glyph="✗" if used_up else "◐" if soon else "○",
        style="bad" if used_up else "warning" if soon else "muted",
        text=", ".join(filter(None, parts)),
        loud=soon,
        price=format_money(line.per_hour) if line.per_hour is not None else UNKNOWN if line.lacking else "",
        stale=old,
        rank=(_SOON if soon else _LASTING, minutes if minutes is not None else 1e12),
        key=line.ref.id,
    )


def _package(package: Package, end: datetime | None, now: datetime, *, old: bool) -> HomeLine:
    used_up = package.balance is not None and package.balance <= 0
    minutes = None if end is None else int((end - now).total_seconds()) // 60
    soon = used_up or (minutes is not None and minutes < SOON)
    left = (
        f"{format_minutes(package.balance // 60)} of GPU time left" if package.balance is not None else "rest unknown"
    )
    when = f"used up in {format_minutes(minutes)}, " if minutes is not None else ""
    return HomeLine(
        section=Section.SPENDING,
        name=f"{package.gpu_model} prepaid",
        account=package.ref.account,
        about=package.ref,
        opens=Opens("cost", typed=""),
        glyph="✗" if used_up else "◐" if soon else "○",
        style="bad" if used_up else "warning" if soon else "muted",
        text="used up" if used_up else f"{when}{left}",
        loud=soon,
        stale=old,
        rank=(_SOON if soon else _LASTING, -1 if used_up else minutes if minutes is not None else 1e12),
    )


def worth_a_line(packages: Iterable[tuple[Package, int, datetime | None]]) -> list[tuple[Package, datetime | None]]:
    """Return the packages that are in use, given the number of GPUs that use each."""
    return [(package, end) for package, gpus, end in packages if gpus or end is not None]
