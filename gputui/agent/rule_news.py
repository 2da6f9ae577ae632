"""The news of rules: notifications on the ways of the user, and the lease of what a grab has obtained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.completion import write_in_thread
from gputui.errors import GputuiError
from gputui.models import Ref
from gputui.models.notifications import Notification, Topic
from gputui.models.rules import Watch
from gputui.rules.effects import Answer, Failure, Order
from gputui.rules.files import FileProblem
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.lease_book import LeaseBook, LeaseTerms
from gputui.rules.market import in_few_words
from gputui.rules.orders import Orders, Record
from gputui.rules.status import accounts_of, words_of

if TYPE_CHECKING:
    from gputui.agent.services import AgentContext


class RuleNews:
    """Announces the entries of rules."""

    def __init__(self, agent: AgentContext) -> None:
        self._agent = agent
        self._unsaved: dict[Ref, str] = {}
        """Why the leases of what was obtained could not be saved."""

    async def announce(self, watch: Watch, orders: Orders, entry: Entry) -> None:
        """Announce an entry; of what was obtained also its lease, where the rule sets one."""
        record = orders.records.get(entry.number)
        name = "" if record is None else record.intent.name
        account = entry.account or ("" if record is None else record.intent.account)
        accounts: Sequence[str] = [account] if account else accounts_of(watch)
        text = " ".join(filter(None, (f"{account}: {name}:" if name else "", entry.text)))
        if entry.kind in {EntryKind.OBTAINED, EntryKind.SEEN} and watch.grab is not None and watch.grab.lease:
            text += f" {self._lease_text(record)}"
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

    def say_unleased(self, watch: Watch, owed: Sequence[Record]) -> None:
        """Announce that a rule was deleted before what it has obtained had its lease."""
        names = ", ".join(record.intent.name for record in owed)
        text = f"{names}: the rule was deleted before its lease could be saved. Set one: gputui lease REF --after 8h"
        now, account = self._agent.fleet.now(), owed[0].intent.account
        self._agent.notifier.announce(
            Notification(Topic.RULE, "No lease", text, now, account=account, ref=owed[0].ref, ways=watch.notify)
        )

    def _lease_text(self, record: Record | None) -> str:
        if record is not None and record.lease:
            return record.lease
        if record is None or record.ref is None:
            return "It has no lease yet: the server has not said what it is."
        return f"It has no lease yet, which is tried again: {self._unsaved.get(record.ref, '')}"

    async def set_lease(self, watch: Watch, order: Order, since: datetime) -> Answer | Failure:
        """Give what was obtained ``since`` a lease of the hours that it counts as."""
        assert order.ref is not None  # noqa: S101  (of what is named alone)
        try:
            words = await write_in_thread(self._save_lease, watch, order, since)
        except GputuiError as error:
            self._agent.log.warning("rule %s: no lease of %s: %s", watch.id, order.ref, error)
            self._unsaved[order.ref] = error.message
            return Failure(error.message)
        self._unsaved.pop(order.ref, None)
        return Answer(EntryKind.LEASED, words)

    def _save_lease(self, watch: Watch, order: Order, since: datetime) -> str:
        assert watch.grab is not None and order.ref is not None  # noqa: S101  (of grabs alone)
        until, note = since + timedelta(hours=float(watch.grab.hours)), f"of the rule {watch.id}"
        terms = LeaseTerms(until=until, note=note)
        book = LeaseBook(self._agent.folder, watch.scope)
        lease = book.set_once(order.ref, order.name, order.generation, terms, now=since, user=watch.user)
        if (lease.note, lease.created) != (note, since):
            return f"It has a lease already, {lease.id}, which applies."
        return f"A lease ends it at {until:%Y-%m-%d %H:%MZ}."
