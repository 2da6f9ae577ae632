"""The sections of the home view from the fleet and the session as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gputui.analytics.cost_lines import CostLine, cost_lines
from gputui.analytics.run_out import gpus_in_use, run_out
from gputui.analytics.starts import Start, starts_under_way
from gputui.analytics.stock import has_idle
from gputui.models import (
    RESOURCES,
    Balance,
    Change,
    Coverage,
    Deployment,
    Event,
    GpuDevice,
    Instance,
    Offer,
    Package,
    Ref,
    Resource,
    Row,
    TransferRow,
)
from gputui.models.periods import Period
from gputui.presentation.home.favourites import Favourite, favourites
from gputui.presentation.home.lines import HomeLine, HomeSection, Section
from gputui.presentation.home.news import news
from gputui.presentation.home.problems import Troubles, problems
from gputui.presentation.home.spending import Costs, spending, worth_a_line
from gputui.presentation.home.stock import Watched, watched_stock
from gputui.presentation.home.under_way import Work, under_way
from gputui.screens.base.feeds import coverage_shown
from gputui.screens.base.header_cost import (
    billing,
    currencies,
    old_accounts,
    partial_accounts,
    sums_coverage,
)
from gputui.screens.base.session import Session
from gputui.screens.events.slow_steps import SlowSteps
from gputui.screens.home.known_lists import account_state

if TYPE_CHECKING:
    from gputui.analytics.budgets import BudgetState
    from gputui.analytics.spend import SpendReport
    from gputui.fleet.spend_reports import SpendNow
    from gputui.rules.lease_book import LeaseView

FIRST_NEWS = timedelta(hours=24)
"""How far back the news go where it is not known when the user last looked."""

_WITH_PROBLEMS = (Resource.INSTANCES, Resource.DEPLOYMENTS)
"""Lists without which it is not known that there are no problems."""
_OF_INSTANCES = frozenset({Section.UNDER_WAY, Section.NEWS})
"""Sections of which nothing is said while instances of an account are not known."""


PackageEnd = tuple[Package, datetime | None]
"""A package, and when it is used up; None where that is unknown."""

_SPENT_SECONDS = 600.0
"""How long the spending of today, which grows by itself, is shown as it was: a screen at rest writes nothing."""


class HomeSections:
    """Makes the sections. It follows the events one by one: their number does not slow down a refresh."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._slow = SlowSteps()
        self._known: set[Ref] = set()
        self._entered: dict[Ref, datetime] = {}
        self._recent: list[Event] = []
        self._since: datetime | None = None
        self._kept: dict[Section, tuple[object, HomeSection]] = {}
        self._costs = self._events = 0
        self._spent_at: SpendNow | None = None
        """The spending as it is shown."""
        self._work: tuple[int, ...] = ()
        self.moving = False
        """Whether something shown changes by the second: copies and commands."""
        self.waiting = False
        """Whether times of what is under way pass."""

    # --- events ----------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Take the events since the last time, and the spending as it is now."""
        self._spent_at = None
        rows = self._session.fleet.rows(Resource.EVENTS)
        self._known.intersection_update(rows)
        self.take(Change(added=tuple(row for ref, row in rows.items() if ref not in self._known)))

    def take(self, change: Change) -> None:
        """Take new events."""
        self._events += 1
        added = [row for row in (*change.added, *change.updated) if isinstance(row, Event)]
        self._slow.take(added)
        self._known.update(event.ref for event in added)
        self._known.difference_update(change.removed)
        for event in added:
            at = self._entered.get(event.instance)
            if at is None or at <= event.at:
                self._entered[event.instance] = event.at
        if self._since is not None:
            self._recent += (event for event in added if event.at >= self._since)

    def _news_since(self, since: datetime) -> list[Event]:
        if since != self._since:
            self._since = since
            self._recent = [event for event in self._session.fleet.all(Event) if event.at >= since]
        return self._recent

    def costs_changed(self) -> None:
        """Add up the costs again: a row that may cost, or what is known of it, has changed."""
        self._costs += 1

    # --- sections --------------------------------------------------------------------------------------------

    def now(self) -> tuple[HomeSection, ...]:
        """Return all sections as they are now."""
        session, fleet = self._session, self._session.fleet
        now = fleet.now()
        instances = self._shown(Instance)
        starts = starts_under_way(instances, self._slow.book, partial(fleet.known_at, resource=Resource.INSTANCES))
        first = problems(self._troubles(instances, starts), now, utc=session.utc)
        found = (
            first,
            self._waste(first, now),
            self._under_way(starts, now),
            self._unless_kept(Section.SPENDING, (self._costs, _minute(now)), partial(self._spending, now)),
            watched_stock(
                self._watched(),
                fleet.is_stale,
                key=session.key_of("watch"),
                rules=self._rule_lines(Section.WATCHED, now),
            ),
            self._unless_kept(
                Section.NEWS, (self._events, session.attention.since, _minute(now)), partial(self._news, now)
            ),
            favourites(self._favourites(), fleet.is_stale, key=session.key_of("favourite")),
        )
        if coverage_shown(session, (Resource.INSTANCES,)).is_current:
            return found
        return tuple(replace(each, quiet="") if each.section in _OF_INSTANCES else each for each in found)

    def _unless_kept(self, section: Section, state: object, make: Callable[[], HomeSection]) -> HomeSection:
        """Make a section again only when the ``state`` that it depends on has changed, or a choice of the user."""
        of = state, self._session.only, self._session.utc
        kept = self._kept.get(section)
        if kept is None or kept[0] != of:
            kept = self._kept[section] = of, make()
        return kept[1]

    def _shown(self, kind: type[Row]) -> list:  # type: ignore[type-arg]
        return [row for row in self._session.fleet.all(kind) if self._session.shows_account(row.ref.account)]

    def _troubles(self, instances: list[Instance], starts: dict[Ref, Start]) -> Troubles:
        fleet = self._session.fleet
        accounts = [account_state(fleet, name) for name in self._session.accounts_shown()]
        attempts = fleet.work.attempts.all if "attempts" in fleet.work.__dict__ else ()
        shows = self._session.shows_account
        return Troubles(
            accounts=accounts,
            instances=instances,
            deployments=self._shown(Deployment),
            gpus=[row for row in self._shown(GpuDevice) if not fleet.is_stale(row)],
            starts=starts,
            attempts=[row for one in attempts if shows((row := one.row()).ref.account)],
            forwards=[row for row in fleet.work.forward_rows() if shows(row.instance.account)],
            leases=[*self._lease_problems(), *self._rule_lines(Section.PROBLEMS, fleet.now())],
            config=self._session.config_problems,
            since=self._entered,
            is_stale=fleet.is_stale,
            bills=self._bills,
            known=not coverage_shown(self._session, _WITH_PROBLEMS) & (Coverage.UNREAD | Coverage.AWAITED),
        )

    def _bills(self, account: str) -> bool:
        return self._session.fleet.runtime(account).bills

    def _waste(self, first: HomeSection, now: datetime) -> HomeSection:
        session = self._session
        if not session.fleet.polls:
            return HomeSection(Section.WASTE)  # the first frame: nothing is known yet
        from gputui.fleet.waste import READ as LISTS
        from gputui.presentation.home.waste import waste_section

        found = session.fleet.waste.found
        section = waste_section(
            [each for each in found.with_old if session.shows_account(each.ref.account)],
            now,
            view_of=self._view_of,
            elsewhere={line.about for line in first.lines if line.about is not None},
            old={each.ref for each in found.old},
            unknown=sum(session.shows_account(ref.account) for ref in found.unknown),
        )
        return section if coverage_shown(session, LISTS).is_complete else replace(section, quiet="")

    def _view_of(self, ref: Ref) -> str:
        """Return the view that shows a row."""
        return RESOURCES[self._session.fleet.resource_of(ref)].view or "instances"

    def _watched(self) -> Iterator[Watched]:
        session, notifications = self._session, self._session.stock_notifications
        for ref in sorted(notifications.refs):
            if session.shows_account(ref.account):
                offer, at_least = session.fleet.find(Offer, ref), notifications.at_least(ref)
                yield Watched(ref, at_least, offer, offer is not None and has_idle(offer, at_least))

    def _favourites(self) -> Iterator[Favourite]:
        session = self._session
        for ref in session.favourites.refs:
            if session.shows_account(ref.account):
                yield Favourite(ref, session.favourites.name(ref), session.fleet.get(ref), self._view_of(ref))

    def _under_way(self, starts: dict[Ref, Start], now: datetime) -> HomeSection:
        session, fleet = self._session, self._session.fleet
        attempts = [one.row() for one in fleet.work.attempts_under_way]
        runs = [one.row() for one in fleet.work.runs_under_way]
        changes = [
            (ref, pending, fleet.get(ref), self._view_of(ref))
            for ref, pending in fleet.mutations.under_way().items()
            if session.shows_account(ref.account)
        ]
        work = Work(
            changes=changes,
            starts=starts,
            deployments={row.ref: row for row in self._shown(Deployment)},
            bills=self._bills,
            is_stale=fleet.is_stale,
            attempts=[row for row in attempts if session.shows_account(row.ref.account)],
            transfers=self._copies(),
            runs=[row for row in runs if self._shows_any(one.ref for one in row.instances)],
            leases=[*self._leases_ending(now), *self._rule_lines(Section.UNDER_WAY, now)],
        )
        self._work = self._work_now()
        self.moving = bool(work.transfers or work.runs)
        self.waiting = bool(changes or starts or work.attempts or work.leases)
        return under_way(work, now, utc=session.utc)

    def _rule_lines(self, section: Section, now: datetime) -> Iterator[HomeLine]:
        found = self._session.rules.now
        if found is None or not found.rows:
            return
        from gputui.presentation.home.rules import rule_problems, rules_at_work, rules_waiting

        shows = self._session.shows_account
        rows = [row for row in found.rows if not row.accounts or any(map(shows, row.accounts))]
        match section:
            case Section.PROBLEMS:
                yield from rule_problems(rows, now, agent=found.agent)
            case Section.UNDER_WAY:
                yield from rules_at_work(rows)
            case Section.WATCHED:
                yield from rules_waiting(rows)

    def _leases(self) -> list[LeaseView]:
        session = self._session
        return [view for view in session.leases.all if session.shows_account(view.lease.ref.account)]

    def _lease_problems(self) -> Iterator[HomeLine]:
        if leases := self._leases():
            from gputui.presentation.home.leases import lease_problems

            yield from lease_problems(leases, self._session.leases.problem, self._view_of)

    def _leases_ending(self, now: datetime) -> Iterator[HomeLine]:
        if leases := self._leases():
            from gputui.presentation.home.leases import leases_ending

            yield from leases_ending(leases, now, self._view_of)

    def _work_now(self) -> tuple[int, ...]:
        """Return how much this session does by itself: nothing reports that it begins."""
        fleet = self._session.fleet
        under_way = (
            fleet.work.attempts_under_way,
            fleet.work.transfers_under_way,
            fleet.work.runs_under_way,
            fleet.work.forward_rows(),
        )
        return tuple(map(len, under_way))

    def has_other_work(self) -> bool:
        """Whether this session has begun or ended something since the sections were made."""
        return self._work_now() != self._work

    def _shows_any(self, refs: Iterable[Ref]) -> bool:
        """Whether one of these is of an account shown."""
        return any(self._session.shows_account(ref.account) for ref in refs)

    def _copies(self) -> list[TransferRow]:
        copies = [one for one in self._session.fleet.work.transfers_under_way if self._shows_any(one.refs)]
        if not copies:
            return []
        from gputui.screens.transfers.view import row_of

        return list(map(row_of, copies))

    def _spending(self, now: datetime) -> HomeSection:
        session, fleet = self._session, self._session.fleet
        of_each = [self._cost_of(account, now) for account in session.accounts_shown()]
        today, budgets = self._spent()
        return spending(
            Costs(
                lines=[line for lines, _ in of_each for line in lines],
                packages=[package for _, packages in of_each for package in packages],
                old=old_accounts(session),
                coverage=sums_coverage(session, fleet.costs.totals, fleet.costs.unread),
                currencies=currencies(session),
                today=today,
                budgets=budgets,
            ),
            now,
        )

    def _cost_of(self, account: str, now: datetime) -> tuple[Sequence[CostLine], Sequence[PackageEnd]]:
        """Return the lines of the cost of an account, and its packages that are worth a line."""
        fleet, bills = self._session.fleet, billing(self._session)
        partial = account in partial_accounts(self._session)
        lists = [fleet.version(each, account) for each in (Resource.BALANCES, Resource.PACKAGES)]

        def add_up() -> tuple[Sequence[CostLine], Sequence[PackageEnd]]:
            rows = fleet.costs.rows(account)
            packages = [row for row in fleet.all(Package) if row.ref.account == account]
            balances = [row for row in fleet.all(Balance) if row.ref.account == account]
            lines = cost_lines(
                rows,
                balances,
                [account],
                packages=packages,
                billing=bills,
                partial=[account] if partial else (),
                now=now,
            )
            used = ((package, sum(gpus_in_use(package, rows)), run_out(package, rows, now)) for package in packages)
            return lines, worth_a_line(used)

        return fleet.costs.kept("lines", account, (*lists, account in bills, partial, _minute(now)), add_up)

    def _spent(self) -> tuple[SpendReport | None, Sequence[BudgetState]]:
        """Return the spending of today of the accounts shown, and the budgets that count one of them."""
        session, spend = self._session, self._session.fleet.spend
        spend.use_zone(UTC if session.utc else None)
        if spend.now is None:
            return None, ()
        if self._spent_at is None or _differs(self._spent_at, spend.now):
            self._spent_at = spend.now
        shown = session.accounts_shown()
        budgets = [state for state in self._spent_at.budgets if any(map(state.budget.counts, shown))]
        return self._spent_at.reports[Period.TODAY].of(shown), budgets

    def _news(self, now: datetime) -> HomeSection:
        session, fleet = self._session, self._session.fleet
        since = session.attention.since or (self._since or now - FIRST_NEWS)
        shown = [event for event in self._news_since(since) if session.shows_account(event.ref.account)]
        return news(
            shown,
            since,
            now,
            slow=self._slow.medians.keys(),
            exists=lambda ref: fleet.get(ref) is not None,
            utc=session.utc,
        )


def _minute(now: datetime) -> int:
    return int(now.timestamp()) // 60


def _differs(shown: SpendNow, now: SpendNow) -> bool:
    """Whether the spending is to be shown again: after a while, on another day, and where it is of other things."""
    return (now.at - shown.at).total_seconds() >= _SPENT_SECONDS or _parts(now) != _parts(shown)


def _parts(spent: SpendNow) -> object:
    today = spent.reports[Period.TODAY]
    budgets = [(one.budget, one.reached, one.will_exceed) for one in spent.budgets]
    return today.window, [(line.key, today.lacks(line.key), line.spent is None) for line in today.lines], budgets
