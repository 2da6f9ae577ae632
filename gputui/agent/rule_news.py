"""The news of rules: notifications on the ways of the user, and the lease of what a grab has obtained."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from gputui.errors import GputuiError
from gputui.models import Ref
from gputui.models.leases import Lease
from gputui.models.notifications import Notification, Topic
from gputui.models.rules import Watch
from gputui.rules.files import FileProblem, RuleFiles
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.market import in_few_words
from gputui.rules.orders import Orders
from gputui.rules.status import accounts_of, words_of

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_AGAIN_SECONDS = 30.0


class Surroundings(Protocol):
    """The parts of the agent that it needs."""

    fleet: Fleet
    log: logging.Logger
    notifier: Any


class RuleNews:
    """Announces the entries of rules."""

    def __init__(self, agent: Surroundings, files: RuleFiles) -> None:
        self._agent = agent
        self._files = files
        self._owed: dict[Ref, tuple[Watch, Entry, str]] = {}
        """Leases that could not be saved, by their rows: the rule, the entry and the name."""
        self._tried = 0.0

    @property
    def owes(self) -> bool:
        """Whether something has no lease yet that is to have one."""
        return bool(self._owed)

    async def set_owed_leases(self) -> None:
        """Try again to save the leases that could not be saved, and say when one is."""
        now = self._agent.fleet.clock.monotonic()
        if not self._owed or now - self._tried < _AGAIN_SECONDS:
            return
        self._tried = now
        for ref, (watch, entry, name) in list(self._owed.items()):
            words = await self._lease(watch, entry, name)
            if ref not in self._owed:
                at = self._agent.fleet.now()
                text = f"{ref}:{words}"
                notification = Notification(Topic.RULE, "Lease set", text, at, ref.account, ref, ways=watch.notify)
                self._agent.notifier.announce(notification)

    async def announce(self, watch: Watch, orders: Orders, entry: Entry) -> None:
        """Announce an entry; what was obtained gets its lease first, where the rule says so."""
        record = orders.records.get(entry.number)
        name = "" if record is None else record.intent.name
        account = entry.account or ("" if record is None else record.intent.account)
        accounts: Sequence[str] = [account] if account else accounts_of(watch)
        text = " ".join(filter(None, (f"{account}: {name}:" if name else "", entry.text)))
        if entry.kind in {EntryKind.OBTAINED, EntryKind.SEEN} and watch.grab is not None and watch.grab.lease:
            text += await self._lease(watch, entry, name)
        if entry.kind is EntryKind.OVER:
            text = f"{in_few_words(watch)}: {entry.text}"
        self._agent.notifier.announce(
            Notification(
                Topic.RULE,
                words_of(entry),
                text,
                self._agent.fleet.now(),
                account=accounts[0] if accounts else "",
                ref=entry.ref,
                ways=watch.notify,
            )
        )

    def say_unusable(self, problem: FileProblem) -> None:
        """Announce that a rule or lease does nothing, as its file cannot be used."""
        text = f"{problem.why} gputui rules lists it."
        now = self._agent.fleet.now()
        self._agent.notifier.announce(Notification(Topic.RULE, f"Rule {problem.id} not followed", text, now))

    def say_unreadable(self, watch: Watch, error: GputuiError) -> None:
        """Announce that a rule does nothing, as its journal cannot be read."""
        accounts = accounts_of(watch)
        self._agent.notifier.announce(
            Notification(
                Topic.RULE,
                "Rule not followed",
                f"{in_few_words(watch)}: {error}",
                self._agent.fleet.now(),
                account=accounts[0] if accounts else "",
                ways=watch.notify,
            )
        )

    async def _lease(self, watch: Watch, entry: Entry, name: str) -> str:
        """Give what was obtained a lease of the hours that it counts as; returns what is said of it."""
        assert watch.grab is not None  # noqa: S101  (of grabs alone)
        if entry.ref is None:
            return " It has no lease yet: the server has not said what it is."
        try:
            words = await asyncio.to_thread(self._save_lease, watch, entry.ref, entry, name)
        except GputuiError as error:
            self._agent.log.warning("rule %s: no lease of %s: %s", watch.id, entry.ref, error)
            self._owed[entry.ref] = (watch, entry, name)
            return f" It has no lease yet, which is tried again: {error.message}"
        self._owed.pop(entry.ref, None)
        return words

    def _save_lease(self, watch: Watch, ref: Ref, entry: Entry, name: str) -> str:
        assert watch.grab is not None  # noqa: S101  (of grabs alone)
        until = entry.at + timedelta(hours=float(watch.grab.hours))
        words = f" A lease ends it at {until:%Y-%m-%d %H:%MZ}."
        for rule in self._files.read().rules.values():
            if isinstance(rule, Lease) and rule.ref == ref:
                return words  # it was announced before
        self._files.save(
            Lease(
                self._files.new_id(),
                ref,
                name,
                entry.at,
                until=until,
                generation=entry.generation,
                user=watch.user,
                scope=watch.scope,
                note=f"of the rule {watch.id}",
            )
        )
        return words
