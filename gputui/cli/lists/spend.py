"""``gputui get spend``: what was spent in a period, as the history has it, and what that lacks. Sends no request."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.analytics.budgets import budget_states
from gputui.analytics.spend import SpendLine, SpendReport, Window, window
from gputui.analytics.spend_ledger import Ledger
from gputui.cli import session
from gputui.cli.layout import make_layout
from gputui.cli.output import Plain, notify
from gputui.errors import ConfigError, ExitCode
from gputui.models import Money
from gputui.models.periods import By, Period
from gputui.models.serialize import to_plain
from gputui.models.values import digits
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import pick
from gputui.presentation.columns.spend import SPEND_TABLE, spend_columns
from gputui.presentation.spend import (
    ENDS,
    NO_LABELS,
    budget_text,
    forecast_text,
    lacks_something,
    never_recorded,
    notes,
    sums_text,
    window_text,
)
from gputui.presentation.times import parse_time

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.history.history import History

_TIMES = ("seconds", "estimated_seconds", "unpriced", "prepaid")
KEYS = (
    *("since", "until", "by", "accounts", "name", "ref", "deployment", "owner", "label", "count", "currency"),
    *("spent", "estimate", "per_hour", *_TIMES, "unobserved"),
)
"""The keys of the JSON and the columns of CSV, in their order."""
_MONEY = ("spent", "estimate", "per_hour")


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account]) -> int:
    """Print the lines, the most expensive of each currency first; on stderr what they lack, and sums of a table."""
    if args.watch or args.filters or args.of:
        raise ConfigError("spend is a sum: it takes neither --watch nor --filter nor --of.")
    columns = spend_columns(Context())
    layout = make_layout("spend", columns, pick(columns, SPEND_TABLE), KEYS, args.output, args.columns, args.sort)
    now, utc = datetime.now(UTC), config.ui.utc
    period = _period(args, now, utc=utc)
    with session.open_history() as history:
        ledger = _ledger(history, accounts, period, now)
        report = ledger.report(period, By(args.by or By.ACCOUNT), accounts)
        lines = _notes(report, accounts, now, utc=utc, readable=not history.failure)
        if layout.is_table:
            budgets = _budgets(config, history, accounts, now) if not args.since else []
            lines = [*_sums(report, args, now, utc=utc), *lines, *budgets]
        else:
            lines = [f"gputui: {line}" for line in lines]
        problem = history.problem
    layout.print(report.lines, partial(_plain, report, flat=args.output == "csv"))
    for line in lines:
        notify(line)
    if problem:
        notify(f"gputui: {problem}")
        return ExitCode.REFUSED
    return ExitCode.OK


def _period(args: argparse.Namespace, now: datetime, *, utc: bool) -> Window:
    """Return the period that the command line asks for; raises ConfigError."""
    if not args.since:
        if args.until:
            raise ConfigError("--until needs --since.")
        return window(Period(args.period or Period.TODAY), now, UTC if utc else None)
    if args.period:
        raise ConfigError("--period and --since do not go together.")
    times: dict[str, datetime] = {}
    for name in ("since", "until"):
        try:
            text = getattr(args, name)
            times[name] = parse_time(text, now, utc=utc, after=times.get("since")) if text else now
        except ValueError as error:
            raise ConfigError(f"--{name} {error}.") from None
    if times["since"] >= times["until"]:
        raise ConfigError("--since is not before --until.")
    return Window(times["since"], times["until"])


def _ledger(history: History, accounts: Mapping[str, Account], period: Window, now: datetime) -> Ledger:
    return Ledger(history.spend.read(accounts, period.since), now)


def _budgets(config: Config, history: History, accounts: Mapping[str, Account], now: datetime) -> list[str]:
    """Return a line for each budget of these accounts, in its own period."""
    budgets = [one for one in config.budget_list if any(map(one.counts, accounts))]
    if not budgets:
        return []
    zone = UTC if config.ui.utc else None
    since = min(window(Period.MONTH, now, zone).since, window(Period.WEEK, now, zone).since)
    ledger = Ledger(history.spend.read(config.accounts, since), now)
    states = budget_states(budgets, ledger, config.accounts, now, zone)
    return [f"Budget {state.budget.name}: {budget_text(state)}" for state in states]


def _sums(report: SpendReport, args: argparse.Namespace, now: datetime, *, utc: bool) -> list[str]:
    when = window_text(report.window, now, utc=utc)
    lines = []
    if report.totals:
        lines.append(f"Total: {sums_text(report.totals.values(), at_least=lacks_something(report))} ({when})")
    elif lacks_something(report):
        lines.append(f"The spending is not known ({when}).")
    elif report.unobserved:
        lines.append(f"Nothing was spent ({when}).")
    if (forecast := forecast_text(report)) and not args.since:
        lines.append(f"Forecast to the end of {ENDS[Period(args.period or Period.TODAY)]}: {forecast}")
    return lines


def _notes(
    report: SpendReport, accounts: Mapping[str, Account], now: datetime, *, utc: bool, readable: bool
) -> list[str]:
    """Return what the sums lack; without a ``readable`` history nothing is said of what it never recorded."""
    lines = notes(report, now, utc=utc)
    if report.by is By.LABEL:
        lines.append(NO_LABELS)
    if readable and (without := never_recorded(accounts, report)):
        lines.append(
            f"Never recorded: {', '.join(without)}. Spending of accounts with prices is recorded"
            " while the full-screen program or the agent runs."
        )
    return lines


def _plain(report: SpendReport, line: SpendLine, *, flat: bool) -> Plain:
    """Return a line with its period; ``flat``: amounts as numbers in the currency of the line, for CSV."""
    plain = to_plain(line)
    gaps = [report.unobserved[name].seconds for name in line.accounts if name in report.unobserved]
    plain |= {
        "since": _stamp(report.window.since),
        "until": _stamp(report.window.until),
        "ref": line.key if line.by is By.INSTANCE else line.deployment or None if line.by is By.DEPLOYMENT else None,
        "unobserved": max(gaps, default=0.0),
    }
    plain |= {name: round(float(plain[name]), 3) for name in (*_TIMES, "unobserved")}
    if flat:
        plain |= {name: _amount(getattr(line, name)) for name in _MONEY}
    return {key: plain[key] for key in KEYS}


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _amount(money: Money | None) -> str:
    return "" if money is None else digits(money.amount)
