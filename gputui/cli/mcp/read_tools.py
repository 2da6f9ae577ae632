"""The tools that change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from gputui.analytics.cost import COSTING, SIZING
from gputui.analytics.cost_lines import parts
from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.spend import window
from gputui.analytics.spend_ledger import Ledger
from gputui.cli import session
from gputui.cli.lists import cost, odds, waste
from gputui.cli.lists.gpus import add_unreported
from gputui.cli.lists.rows import with_prices
from gputui.cli.mcp.answers import bounded
from gputui.cli.mcp.reading import Reader
from gputui.cli.mcp.tool import Answer, Arguments, Tool
from gputui.errors import InvalidError, NotFoundError
from gputui.fleet.waste import READ
from gputui.history.stock_past import read_past
from gputui.models import Deployment, Event, LogQuery, LogSeverity, Resource, Row
from gputui.models.periods import By, Period
from gputui.models.serialize import rows_to_plain, to_plain
from gputui.models.values import digits
from gputui.presentation.explanation import plain
from gputui.presentation.spend import forecast_text, lacks_something, notes
from gputui.rules.book import RulesNow

MOST_ROWS = 200
_FEW = 40
_MOST_LINES = 500
_LONG_ODDS = ("week", "prices")
"""The odds of each hour of the week are too long for an answer."""


class Kind(StrEnum):
    """The lists of rows."""

    INSTANCES = "instances"
    DEPLOYMENTS = "deployments"
    STOCK = "stock"
    GPUS = "gpus"
    PROCESSES = "processes"
    HOSTS = "hosts"
    IMAGES = "images"
    VOLUMES = "volumes"
    BLACKLIST = "blacklist"
    BALANCES = "balances"
    PACKAGES = "packages"


class OfAccounts(Arguments):
    """Arguments of what is of several accounts."""

    accounts: list[str] = Field(default=[], description="Names of accounts; all where none is named.")


class Limited(OfAccounts):
    """Arguments of a list."""

    limit: int = Field(default=_FEW, ge=1, le=MOST_ROWS, description="The most rows to return.")


class ListArguments(Limited):
    """Arguments of ``list``."""

    kind: Kind
    filter: str = Field(
        default="",
        max_length=400,
        description=(
            "Words that must all match: train (in any column), state:running, !state:stopped, gpus:>=2, idle:>0, "
            'image:"ubuntu:22.04", account:=lab. A column that does not exist is refused with those that do.'
        ),
    )


class EventArguments(Limited):
    """Arguments of ``events``."""

    of: str = Field(default="", description="REF of an instance or deployment; all where none is named.")
    hours: float = Field(default=24, gt=0, le=24 * 366, description="How far back.")


class RefArguments(Arguments):
    """Arguments of what is of one row."""

    ref: str = Field(description="account/kind/id as in `ref` of a row, or a name that only one row has.")


class CostArguments(Limited):
    """Arguments of ``cost``."""


class SpendArguments(Limited):
    """Arguments of ``spend``."""

    period: Period = Period.TODAY
    by: By = By.ACCOUNT


class OddsArguments(Limited):
    """Arguments of ``odds``."""

    model: str = Field(default="", max_length=100, description="A GPU model, or a part of its name; any if empty.")
    count: int = Field(default=1, ge=1, le=1000, description="How many GPUs at once.")


class LogArguments(RefArguments):
    """Arguments of ``tail_log``."""

    lines: int = Field(default=100, ge=1, le=_MOST_LINES)
    words: str = Field(default="", max_length=200, description="Only lines with these words; the server filters.")


class ReadTools:
    """The tools that change nothing, over one reader."""

    def __init__(self, reader: Reader, read_rules: Callable[[], RulesNow]) -> None:
        self._reader = reader
        self._read_rules = read_rules
        self._recalled = False

    def tools(self) -> Sequence[Tool[Any]]:
        """Return them."""
        return (
            Tool(
                "accounts",
                "The accounts of the configuration: whether each answers, what can be created in it, whether it is "
                "read-only.",
                OfAccounts,
                self.accounts,
            ),
            Tool(
                "list",
                "Rows of one kind: instances, deployments, stock (GPUs that can be rented, with prices), gpus (load, "
                "memory, temperature), processes on GPUs, hosts, images, volumes, blacklist, balances, packages.",
                ListArguments,
                self.rows,
            ),
            Tool(
                "describe",
                "All that is known of one row: instance, deployment, image, volume and others.",
                RefArguments,
                self.describe,
            ),
            Tool("events", "Changes of the states of instances, the newest last.", EventArguments, self.events),
            Tool(
                "cost",
                "The cost of an hour by account, deployment and instance. Currencies are not added; unknown prices "
                "are counted.",
                CostArguments,
                self.cost,
            ),
            Tool(
                "waste",
                "Resources that cost money and do nothing: idle GPUs, empty deployments, volumes without a mount. An "
                "unknown load is not waste, and is counted.",
                CostArguments,
                self.waste,
            ),
            Tool(
                "spend",
                "The money spent today, this week or this month, from observed time at known prices, and what that "
                "lacks. Sends no request.",
                SpendArguments,
                self.spend,
            ),
            Tool(
                "odds",
                "How likely GPUs are idle now, when best and cheapest, from the stock as it was observed. Sends no "
                "request.",
                OddsArguments,
                self.odds,
            ),
            Tool(
                "rules",
                "The rules of the agent: watches, grabs and leases, with their states and what came of them.",
                Arguments,
                self.rules,
            ),
            Tool(
                "explain",
                "Why a deployment runs fewer instances than it should, from its limits and the stock.",
                RefArguments,
                self.explain,
            ),
            Tool(
                "tail_log",
                "The newest lines of the log that the account's server has of an instance. Logs that are read over "
                "SSH are not available.",
                LogArguments,
                self.tail_log,
            ),
        )

    async def accounts(self, given: OfAccounts) -> Answer:
        """Return the accounts with their states."""
        names = self._reader.chosen(given.accounts)
        fleet = self._reader.fleet
        listing = await self._reader.read([Resource.INSTANCES], names)
        failures = dict(reversed(listing.failures))
        rows = [
            {
                "account": name,
                "vendor": fleet.accounts[name].kind,
                "answers": name not in failures,
                **({"problem": str(failures[name])} if name in failures else {}),
                "read_only": fleet.accounts[name].read_only,
                "can_create": [] if fleet.runtime(name).opened is None else list(fleet.creatable(name)),
            }
            for name in names
        ]
        return {"accounts": rows}

    async def rows(self, given: ListArguments) -> Answer:
        """Return rows of one kind."""
        resource, reader = Resource(given.kind.value), self._reader
        listing = await reader.read([resource], reader.chosen(given.accounts))
        if resource is Resource.PROCESSES:
            await self._add_unreported(listing)
        if resource is Resource.DEPLOYMENTS:
            listing.rows = await self._with_prices(listing)
        rows = await reader.matching(listing, resource, given.filter)
        return reader.answer(listing, rows, given.limit)

    async def _add_unreported(self, listing: session.Listing) -> None:
        """Add a row for each GPU whose processes are unknown."""
        without = listing.unsupported
        gpus = await self._reader.read([Resource.GPUS], without)
        listing.unsupported = self._reader.answered([Resource.GPUS], without)
        await add_unreported(self._reader.fleet, listing)
        listing.failures += [one for one in gpus.failures if one not in listing.failures]

    async def _with_prices(self, listing: session.Listing) -> list[Row]:
        """Return deployments with the prices of their instances, as far as these answer."""
        names = list({row.ref.account for row in listing.rows})
        await self._reader.read([Resource.INSTANCES], names)
        answered = self._reader.answered([Resource.INSTANCES], names)
        priced = await with_prices([row for row in listing.rows if row.ref.account in answered], self._reader.fleet)
        by_ref = {row.ref: row for row in priced}
        return [by_ref.get(row.ref, row) for row in listing.rows]

    async def describe(self, given: RefArguments) -> Answer:
        """Return one row with all its fields."""
        row = await self._reader.detail(given.ref)
        return {"row": to_plain(row)}

    async def events(self, given: EventArguments) -> Answer:
        """Return reported and observed events, oldest first."""
        reader, fleet = self._reader, self._reader.fleet
        since = fleet.now() - timedelta(hours=given.hours)
        names = reader.chosen(given.accounts)
        if given.of:
            (row,) = await reader.find([given.of], (Resource.INSTANCES, Resource.DEPLOYMENTS))
            observed = [one for one in self._observed([row.ref.account]) if row.ref in (one.instance, one.parent)]
            found, listing = [*await fleet.events_of(row.ref), *observed], session.Listing()
        else:
            listing = await reader.read([Resource.EVENTS], names)
            listing.unsupported = []
            reported = [row for row in listing.rows if isinstance(row, Event)]
            found = [*reported, *self._observed([name for name in names if fleet.runtime(name).observes_some])]
        once = {event.ref: event for event in found if event.at >= since}
        events = sorted(once.values(), key=lambda event: event.at)
        return reader.answer(listing, events, given.limit, newest_last=True)

    def _observed(self, accounts: Sequence[str]) -> Sequence[Event]:
        return self._reader.history.events(accounts=accounts) if accounts else []

    async def cost(self, given: CostArguments) -> Answer:
        """Return the cost of an hour by part, and its totals in words."""
        names = self._reader.chosen(given.accounts)
        first = await self._reader.read([*COSTING, *SIZING], names)
        listing, billing = await cost.read(self._reader.fleet, self._reader.answered([*COSTING, *SIZING], names))
        listing.failures = [*first.failures, *(one for one in listing.failures if one not in first.failures)]
        lines = parts(listing.rows, billing)
        accounts = {name: self._reader.fleet.accounts[name] for name in names}
        totals = cost.totals(listing, billing, accounts)
        return {"totals": totals, **self._reader.answer(listing, lines, given.limit, plain=cost.plain)}

    async def waste(self, given: CostArguments) -> Answer:
        """Return what costs money and does nothing, and what of that is unknown."""
        reader, fleet = self._reader, self._reader.fleet
        names = reader.chosen(given.accounts)
        fleet.idle_minutes = reader.config.waste.idle_minutes
        if not self._recalled:
            self._recalled = True
            waste.recall(fleet, reader.history)
        listing = await reader.read(READ, names)
        found = fleet.waste.now
        rows = [row for row in found.rows if row.ref.account in names]
        listing.unsupported = []
        return {"notes": waste.notes(found, listing), **reader.answer(listing, rows, given.limit, plain=waste.plain)}

    async def spend(self, given: SpendArguments) -> Answer:
        """Return what was spent in a period, and what the sums lack."""
        reader, now = self._reader, self._reader.fleet.now()
        names, zone = reader.chosen(given.accounts), UTC if reader.config.ui.utc else None
        when = window(given.period, now, zone)
        record = await asyncio.to_thread(reader.history.spend.read, names, when.since)
        report = Ledger(record, now).report(when, given.by, names)
        never = [] if reader.history.failure else [name for name in names if name not in report.unobserved]
        kept, omitted = bounded([to_plain(line) for line in report.lines], given.limit)
        return {
            "since": when.since.isoformat(),
            "totals": {currency: digits(money.amount) for currency, money in report.totals.items()},
            "totals_are_lower_bounds": lacks_something(report),
            "forecast_to_the_end": forecast_text(report),
            "lacks": notes(report, now, utc=reader.config.ui.utc),
            "never_recorded": never,
            "rows": kept,
            **({"omitted": omitted} if omitted else {}),
            **self._history_problem(),
        }

    async def odds(self, given: OddsArguments) -> Answer:
        """Return how likely so many GPUs are idle, by place."""
        reader, now = self._reader, self._reader.fleet.now()
        history, names = reader.history, reader.chosen(given.accounts)
        zone = UTC if reader.config.ui.utc else None

        def read() -> list[PlaceOdds]:
            known = [place for place in history.stock_hours.places() if place.ref.account in names]
            places = [place for place in known if odds.is_named(place, given.model or None)]
            if known and not places:
                raise odds.unknown(given.model, known)
            return [past.odds(given.count, now, zone) for past in read_past(history, places, now)]

        found = sorted((one for one in await asyncio.to_thread(read) if one.odds.since is not None), key=odds.order)
        rows = [{key: value for key, value in odds.plain(one).items() if key not in _LONG_ODDS} for one in found]
        kept, omitted = bounded(rows, given.limit)
        known = rows or history.failure
        observed = {} if known else {"note": "No stock was observed yet: nothing is known of the odds."}
        return {"rows": kept, **({"omitted": omitted} if omitted else {}), **observed, **self._history_problem()}

    def _history_problem(self) -> Answer:
        """Return why the history lacks what was recorded; nothing where it can be read."""
        problem = self._reader.history.problem
        return {"problems": [problem]} if problem else {}

    async def rules(self, given: Arguments) -> Answer:
        """Return the rules, and whether an agent follows them."""
        found = await asyncio.to_thread(self._read_rules)
        kept, omitted = bounded(rows_to_plain(found.rows), MOST_ROWS)
        return {
            "agent_runs": found.agent,
            "rows": kept,
            **({"omitted": omitted} if omitted else {}),
            **({"problems": list(found.problems)} if found.problems else {}),
        }

    async def explain(self, given: RefArguments) -> Answer:
        """Return why a deployment runs fewer instances than it should, in words."""
        from gputui.fleet.explanations import explain

        (row,) = await self._reader.find([given.ref], (Resource.DEPLOYMENTS,))
        if not isinstance(row, Deployment):
            raise InvalidError(f"{row.ref} is no deployment: only the starts of deployments are explained.")
        fleet = self._reader.fleet
        observed = self._observed([row.ref.account] if fleet.runtime(row.ref.account).observes_some else [])
        mine = [event for event in observed if row.ref in (event.instance, event.parent)]
        reasons = await explain(fleet, row, mine)
        data = plain(reasons, datetime.now(UTC))
        shown = ("heading", "phase", "desired", "running", "limits", "lines")
        return {"ref": str(row.ref), **{key: data[key] for key in shown}, "unknown": list(reasons.stock.unread)}

    async def tail_log(self, given: LogArguments) -> Answer:
        """Return the newest lines of a log, oldest first."""
        reader, fleet = self._reader, self._reader.fleet
        (row,) = await reader.find([given.ref], (Resource.INSTANCES, Resource.DEPLOYMENTS))
        if not fleet.has_log(row):
            raise NotFoundError(
                f"{row.ref} has no log that its account's server has.",
                hint="A person can read files, units and containers over SSH: gputui logs REF --file PATH.",
            )
        page = await fleet.read_log(row.ref, LogQuery(given.words), backward=True, size=given.lines)
        lines = [_log_line(line.at, line.text, line.severity) for line in page.lines[-given.lines :]]
        kept, omitted = bounded(lines, given.lines, newest_last=True)
        return {"ref": str(row.ref), "lines": kept, "older_lines": page.more or omitted > 0}


def _log_line(at: datetime | None, text: str, severity: LogSeverity | None) -> Mapping[str, Any]:
    line: dict[str, Any] = {"text": text}
    if at is not None:
        line["at"] = at.astimezone(UTC).isoformat(timespec="milliseconds")
    if severity is not None:
        line["severity"] = severity.name.lower()
    return line
