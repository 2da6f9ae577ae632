"""Spending in words: periods, gaps, what a sum lacks, budgets. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.formatting import format_minutes, format_money, some_of
from gputui.models import Money
from gputui.models.budgets import PERIODS
from gputui.models.periods import By, Period
from gputui.presentation.prices import AT_LEAST

if TYPE_CHECKING:
    from gputui.analytics.budgets import BudgetState
    from gputui.analytics.spend import SpendReport, Unobserved, Window

PERIOD_NAMES: Mapping[Period, str] = {
    Period.TODAY: "today",
    Period.WEEK: "this week",
    Period.MONTH: "this month",
}
ENDS: Mapping[Period, str] = {Period.TODAY: "the day", Period.WEEK: "the week", Period.MONTH: "the month"}
"""The periods of which a forecast is to the end."""
NONE: Mapping[By, str] = {
    By.ACCOUNT: "",
    By.DEPLOYMENT: "no deployment",
    By.LABEL: "no label",
    By.OWNER: "no owner",
    By.INSTANCE: "",
}
"""The names of what belongs to no group."""
_MOST_ACCOUNTS = 4
"""As many accounts of which the same is true are named."""
UNOBSERVED = "unknown"
"""The spending of what costs money and was not observed yet."""
NO_LABELS = "No server reports labels of its instances."


def span_text(seconds: float) -> str:
    """Write a length of time: ``45m``, ``3h 10m``, ``2d 04h``; ``<1m`` below a minute, '' for none."""
    if seconds <= 0:
        return ""
    return format_minutes(int(seconds // 60)) if seconds >= 60 else "<1m"


def clock_text(at: float, now: datetime, *, utc: bool) -> str:
    """Write a time to the minute: ``02:10``, with the date where it is not that of now."""
    zone = UTC if utc else None
    shown = datetime.fromtimestamp(at, UTC).astimezone(zone)
    same = shown.date() == now.astimezone(zone).date()
    return f"{shown:%H:%M}" if same else f"{shown:%Y-%m-%d %H:%M}"


def window_text(window: Window, now: datetime, *, utc: bool) -> str:
    """Write a period up to now: ``since 00:00``, ``2026-11-01 00:00 to 2026-11-08 00:00``."""
    since = clock_text(window.since.timestamp(), now, utc=utc)
    if window.until > now:
        return f"since {since}"
    return f"{since} to {clock_text(window.until.timestamp(), now, utc=utc)}"


def gaps_text(one: Unobserved, now: datetime, *, utc: bool) -> str:
    """Say for how long an account was not observed, and when: ``3h 10m (02:10–05:20)``."""
    longest = max(one.gaps, key=lambda gap: gap[1] - gap[0])
    times = "–".join(clock_text(at, now, utc=utc) for at in longest)
    return f"{span_text(one.seconds)} ({'' if len(one.gaps) == 1 else 'longest '}{times})"


def sums_text(amounts: Iterable[Money], *, at_least: bool = False) -> str:
    """Write sums by currency: ``≥ $12.30  ¥3.10``."""
    return "  ".join(f"{AT_LEAST if at_least else ''}{format_money(money)}" for money in amounts)


def in_order_of(amounts: Mapping[str, Money], currencies: Iterable[str]) -> list[Money]:
    """Return sums in the order of these currencies, others after them: two sums in sight have the same order."""
    order = {currency: place for place, currency in enumerate(currencies)}
    return sorted(amounts.values(), key=lambda money: order.get(money.currency, len(order)))


def spent_text(report: SpendReport, currencies: Iterable[str] = ()) -> str:
    """Write the sums of a period that are not zero, as lower bounds where something is not in them; '' for none.

    They are in the order of ``currencies``. ``unknown`` where something costs of which no time was observed yet.
    """
    sums = [money for money in in_order_of(report.totals, currencies) if money.amount]
    if not sums and any(line.spent is None and line.currency for line in report.lines):
        return UNOBSERVED
    return sums_text(sums, at_least=lacks_something(report))


def lacks_something(report: SpendReport) -> bool:
    """Whether the sums of a report are lower bounds: something was not observed or has no price."""
    return bool(report.unpriced or report.lacking)


def notes(report: SpendReport, now: datetime, *, utc: bool) -> list[str]:
    """Return what the sums of a report lack, a sentence each."""
    said: dict[str, list[str]] = {}
    for account, one in report.unobserved.items():
        if one.begun > report.window.since:
            text = f"recorded since {clock_text(one.begun.timestamp(), now, utc=utc)}."
            said.setdefault(text, []).append(account)
        if one.gaps:
            said.setdefault(f"not observed for {gaps_text(one, now, utc=utc)}.", []).append(account)
        if one.partial:
            text = f"lists lacked rows for {span_text(one.partial)}; the sum may be too low."
            said.setdefault(text, []).append(account)
    if report.never:
        said["nothing was ever recorded."] = list(report.never)
    lines = [f"{some_of(accounts, _MOST_ACCOUNTS)}: {text}" for text, accounts in said.items()]
    if report.estimates:
        lines.append(
            f"Probably spent while not observed, not in the sums: {sums_text(report.estimates.values())}"
            " (the same ran before and after at the same price)."
        )
    if report.unpriced:
        lines.append(f"At unknown prices, not in the sums: {span_text(report.unpriced)} of running time.")
    if report.prepaid:
        lines.append(f"Paid for by packages, not in the sums: {span_text(report.prepaid)} of running time.")
    return lines


def forecast_text(report: SpendReport) -> str:
    """Write what will have been spent at the end of the period; '' where that is unknown."""
    return "  ".join(
        f"{AT_LEAST if forecast.at_least else ''}{format_money(forecast.money)}"
        for forecast in report.forecasts.values()
    )


def level_text(level: float) -> str:
    """Write a percentage of a budget."""
    return f"{level:g} %"


def budget_text(state: BudgetState) -> str:
    """Write how much of a budget is spent: ``$82.10 of $100.00 this month (82 %), forecast ~$130.00``."""
    budget = state.budget
    spent = UNOBSERVED if state.is_unknown else f"{AT_LEAST if state.at_least else ''}{format_money(state.spent)}"
    text = (
        f"{spent} of {format_money(budget.amount)} {PERIOD_NAMES[PERIODS[budget.per]]}"
        f"{'' if state.is_unknown else f' ({int(state.share)} %)'}"
    )
    if state.forecast is None:
        return text
    least = AT_LEAST if state.forecast.at_least else ""
    return f"{text}, forecast {least}{format_money(state.forecast.money)}"


def budget_style(state: BudgetState) -> str:
    """Return the style of a budget: bad when it is used up, a warning from the first level or by the forecast on."""
    if state.share >= 100:
        return "bad"
    return "warning" if state.reached or state.will_exceed else ""


def never_recorded(accounts: Collection[str], report: SpendReport) -> Sequence[str]:
    """Return the accounts of which nothing was ever recorded."""
    return [name for name in accounts if name not in report.unobserved]
