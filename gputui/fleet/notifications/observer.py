"""Finds in the changes of a fleet what is worth a notification."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gputui.actions import ACTIONS
from gputui.analytics.cost import COSTING, SIZING
from gputui.analytics.run_out import lasting, run_out
from gputui.fleet.notifications.work import Work, end_of
from gputui.formatting import format_minutes, format_money, status_text, thing_in_account
from gputui.models import (
    Balance,
    Change,
    Deployment,
    FeedState,
    HealthState,
    Instance,
    Package,
    Phase,
    Ref,
    Resource,
)
from gputui.models.notifications import Notification, Topic
from gputui.models.waste import Waste, WasteReason

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet
    from gputui.fleet.waste_findings import Findings

_DOWN = timedelta(seconds=60)
"""How long an account does not answer before that is news: shorter gaps are common."""
_SOON = timedelta(hours=24)
"""How long before its end the run-out of money is news."""
_KNOWN = frozenset({Phase.RUNNING, Phase.PENDING, Phase.STOPPED, Phase.FAILED, Phase.STOPPING})
_STATES = (Resource.INSTANCES, Resource.DEPLOYMENTS)
_WasteKey = tuple[Ref, WasteReason]

Emit = Callable[[Notification], None]


class Observer:
    """Follows a fleet and calls ``emit``. What was so when it began is no news.

    The states of an account's list count from its first reading in this session: restored rows may be days old.
    """

    def __init__(self, fleet: Fleet, topics: Collection[Topic], emit: Emit) -> None:
        self._fleet = fleet
        self._topics = frozenset(topics)
        self._emit = emit
        self._phases: dict[Ref, Phase] = {}
        self._begun: set[tuple[str, Resource]] = set()
        """The lists that were read in this session."""
        self._down: dict[str, datetime] = {}
        self._said_down: set[str] = set()
        self._ending: set[Ref] = set()
        """The instances that the user has stopped or deleted: their end is no news."""
        self._short: set[Ref] = set()
        """The balances and packages whose end was said."""
        self._wasted: set[_WasteKey] = set()
        """The waste that is known, that which has been hidden or cannot be seen now among it."""
        self._searched: set[tuple[str, Resource]] = set()
        """The lists that were read in this session: the waste that the first reading of one shows is old."""
        self._since = fleet.now()
        self._ended: dict[int, Work] = {}
        """The work whose end was said. The objects are kept so that their numbers stay theirs."""
        self._unsubscribe: list[Callable[[], None]] = []

    def follow(self) -> None:
        """Subscribe to what the topics need."""
        fleet, topics = self._fleet, self._topics
        if topics & {Topic.FAILED, Topic.STARTED, Topic.STOPPED, Topic.UNREACHABLE}:
            for resource in _STATES:
                self._unsubscribe.append(fleet.subscribe(resource, partial(self._changed, resource)))
            self._begin()
            self._unsubscribe.append(fleet.subscribe_feeds(self._begin))
        if Topic.UNREACHABLE in topics:
            self._unsubscribe.append(fleet.subscribe_feeds(self._feeds_changed))
        if Topic.FINISHED in topics:
            self._unsubscribe.append(fleet.work.listeners.add(self._work_changed))
        if Topic.WASTE in topics:
            self._unsubscribe.append(fleet.waste.subscribe(self._waste_changed))
            self._note_old_waste()
            self._unsubscribe.append(fleet.subscribe_feeds(self._note_old_waste))
        if Topic.RUN_OUT in topics:
            fleet.polled_lists.keep({Resource.BALANCES, Resource.PACKAGES}, self)

    def close(self) -> None:
        """Unsubscribe, and poll nothing for it any more."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._fleet.polled_lists.keep((), self)

    def tick(self) -> None:
        """Look at what changes with time alone: to be called about once a minute."""
        if Topic.UNREACHABLE in self._topics:
            self._feeds_changed()
        if Topic.RUN_OUT in self._topics:
            self._look_at_money()
        if Topic.WASTE in self._topics:
            self._fleet.waste.look_again()
            self._waste_changed(self._fleet.waste.now)

    def _say(
        self, topic: Topic, title: str, text: str, *, ref: Ref | None = None, account: str = "", shown: bool = False
    ) -> None:
        if topic in self._topics:
            account = ref.account if ref is not None else account
            self._emit(Notification(topic, title, text, self._fleet.now(), account, ref, shown))

    # --- states ----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Note the states of lists that were read for the first time."""
        fleet = self._fleet
        for resource in _STATES:
            for name in fleet.accounts:
                if (name, resource) not in self._begun and fleet.feed(name, resource).state is FeedState.FRESH:
                    self._begun.add((name, resource))
                    for row in fleet.rows(resource, name).values():
                        if isinstance(row, Instance | Deployment):
                            self._note_end(row)
                            if row.phase in _KNOWN:
                                self._phases[row.ref] = row.phase

    def _changed(self, resource: Resource, change: Change) -> None:
        begun = {name for name, which in self._begun if which is resource}
        self._begin()
        for row in (*change.added, *change.updated):
            if isinstance(row, Instance | Deployment) and row.ref.account in begun:
                self._compare(row)
        for ref in change.removed:
            before = self._phases.pop(ref, None)
            if before is Phase.RUNNING and ref not in self._ending and self._lists_all(ref.account, resource):
                text = f"{thing_in_account(ref)}: it ran, and is no longer listed."
                self._say(Topic.STOPPED, f"{ref.id} is gone", text, ref=ref)
            self._ending.discard(ref)

    def _lists_all(self, account: str, resource: Resource) -> bool:
        """Return whether a list is up to date, and lacks no row by a filter or an error of its server."""
        return self._fleet.coverage(account, (resource,)).names_all

    def _note_end(self, row: Instance | Deployment) -> None:
        if (pending := self._fleet.mutations.pending(row.ref)) is not None and ACTIONS[pending.action].ends_spending:
            self._ending.add(row.ref)

    def _compare(self, row: Instance | Deployment) -> None:
        """Compare a state with the last one that was known: an unknown state is not another state."""
        self._note_end(row)
        before, now = self._phases.get(row.ref), row.phase
        if now not in _KNOWN:
            if now is Phase.UNKNOWN and before is Phase.RUNNING and isinstance(row, Instance) and row.machine:
                del self._phases[row.ref]
                text = f"{thing_in_account(row.ref)}: {row.problem}"
                self._say(Topic.UNREACHABLE, f"{row.name} does not answer", text, ref=row.ref)
            return
        self._phases[row.ref] = now
        if before is None or before is now:
            return
        status = "" if status_text(row.status) in ("", now.value) else f", {row.status}"
        text = f"{thing_in_account(row.ref)}{status}."
        if now is Phase.FAILED:
            self._say(Topic.FAILED, f"{row.name} failed", text, ref=row.ref)
        elif now is Phase.RUNNING and before is not Phase.STOPPING:
            self._say(Topic.STARTED, f"{row.name} runs", text, ref=row.ref)
        elif now is Phase.STOPPED and row.ref not in self._ending:
            self._say(Topic.STOPPED, f"{row.name} stopped", text, ref=row.ref)
        if now is Phase.STOPPED:
            self._ending.discard(row.ref)

    # --- accounts --------------------------------------------------------------------------------------------

    def _feeds_changed(self) -> None:
        now = self._fleet.now()
        for name, health in self._fleet.health().items():
            if health.state is HealthState.UNKNOWN:
                continue  # an outage ends with an answer
            if health.state is not HealthState.DOWN:
                began = self._down.pop(name, None)
                if name in self._said_down and began is not None:
                    self._said_down.discard(name)
                    gap = format_minutes(int((now - began).total_seconds() // 60))
                    self._say(Topic.UNREACHABLE, f"{name} answers again", f"It did not for {gap}.", account=name)
                continue
            began = self._down.setdefault(name, health.since or now)
            if now - began >= _DOWN and name not in self._said_down:
                self._said_down.add(name)
                self._say(Topic.UNREACHABLE, f"{name} does not answer", f"{health.message}.", account=name)

    # --- money -----------------------------------------------------------------------------------------------

    def _look_at_money(self) -> None:
        fleet, now = self._fleet, self._fleet.now()
        rows = [row for resource in (*COSTING, *SIZING) for row in fleet.rows(resource).values()]
        packages = fleet.all(Package)
        for balance in fleet.all(Balance):
            if not fleet.is_stale(balance):
                end = lasting(balance, rows, packages, now)
                left = format_money(balance.available)
                self._money(balance.ref, None if end is None else end.until, f"{left} left", now)
        for package in packages:
            if not fleet.is_stale(package):
                self._money(package.ref, run_out(package, rows, now), f"Prepaid {package.gpu_model}", now)

    def _money(self, ref: Ref, until: datetime | None, what: str, now: datetime) -> None:
        """Notify once when money or prepaid time lasts less than a day, and again after it lasted longer."""
        if until is None or until - now >= _SOON:
            self._short.discard(ref)
        elif ref not in self._short:
            self._short.add(ref)
            minutes = max(0, int((until - now).total_seconds() // 60))
            text = f"{what}; at the present use it lasts {format_minutes(minutes)}."
            self._say(Topic.RUN_OUT, f"{ref.account} runs out", text, ref=ref)

    # --- waste and work --------------------------------------------------------------------------------------

    def _note_old_waste(self) -> None:
        """Note the waste that the first reading of a list shows: that of a slow account is as old."""
        from gputui.fleet.waste import READ

        fleet = self._fleet
        lists = {(name, each) for name in fleet.accounts for each in READ} - self._searched
        if new := {(name, each) for name, each in lists if fleet.feed(name, each).state is FeedState.FRESH}:
            self._searched |= new
            accounts = {name for name, _ in new}
            found = fleet.waste.now
            rows = (*found.rows, *found.snoozed)
            self._wasted |= {(one.ref, one.reason) for one in rows if one.ref.account in accounts}

    def _waste_changed(self, found: Findings) -> None:
        """Notify of new waste. What is not found stays known where a list on which that depends is not up to date."""
        from gputui.presentation.columns.waste import REASONS

        self._note_old_waste()
        for one in found.rows:
            if (one.ref, one.reason) not in self._wasted and not self._is_old(one):
                price = f", {format_money(one.per_hour)}/h" if one.per_hour is not None else ""
                row = self._fleet.get(one.ref)
                name = getattr(row, "name", "") or one.ref.id
                text = f"{thing_in_account(one.ref)}: {REASONS[one.reason]}, {one.text}{price}."
                self._say(Topic.WASTE, f"{name} does nothing", text, ref=one.ref)
        unsure = {*found.unknown, *(one.ref for one in found.soon)}
        seen = {name for name in self._fleet.accounts if self._sees_waste(name)}
        self._wasted = {key for key in self._wasted if key[0] in unsure or key[0].account not in seen}
        self._wasted |= {(one.ref, one.reason) for one in (*found.rows, *found.snoozed)}

    def _is_old(self, waste: Waste) -> bool:
        """Return whether GPUs were idle for too long when it began: samples are restored later than the lists."""
        if waste.reason is not WasteReason.IDLE or waste.since is None:
            return False
        return waste.since + self._fleet.waste.idle_after <= self._since

    def _sees_waste(self, account: str) -> bool:
        """Return whether the lists of an account that were read in this session are up to date, and whole."""
        probed = self._fleet.runtime(account).uses_probes  # what these lack is of unknown load, and reported so
        lists = [each for name, each in self._searched if name == account and not probed(each)]
        return all(self._lists_all(account, each) for each in lists)

    def _work_changed(self, work: Work) -> None:
        """Notify of the end of a copy, a command or a series of attempts: of each end once."""
        end = end_of(work)
        if end is None:
            self._ended.pop(id(work), None)
        elif id(work) not in self._ended:
            self._ended[id(work)] = work
            self._say(Topic.FINISHED, end.title, end.text, ref=end.ref, shown=end.shown)
