"""A watch that notifies, step by step: each time enough of an offer becomes idle. Without any I/O, as the grab is."""

from __future__ import annotations

from collections.abc import Iterable

from gputui.models import Ref
from gputui.models.rules import RuleState, Watch
from gputui.rules.decisions import pause_of_rule
from gputui.rules.effects import Append, Failure, Idle, Notice, Now, RuleContext, Wait
from gputui.rules.engine import Steps
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.orders import Orders

LEAST_BETWEEN = 300.0
"""The least number of seconds between two notifications of one offer: stock may flicker."""


class Watcher:
    """The run of one watch. ``orders`` is what its journal says."""

    def __init__(self, entries: Iterable[Entry], context: RuleContext) -> None:
        self.orders = Orders(entries)
        self._context = context
        self._enough: set[Ref] = set()
        self._announced: dict[Ref, float] = {}

    def run(self) -> Steps:
        """Yield what is done next until the watch is over or deleted."""
        while (rule := self._context.rule()) is not None and self.orders.over is None:
            now = self._context.now()
            if account := self._context.missing():
                text = f"The account {account} is no longer in the configuration."
                yield from self._end(RuleState.FAILED, text, now)
            elif rule.expires is not None and now.at >= rule.expires:
                yield from self._end(RuleState.EXPIRED, "The time of the watch is over.", now)
            elif (wait := pause_of_rule(rule, now)) is not None:
                yield wait
            else:
                yield from self._look(rule, now)

    def _look(self, rule: Watch, now: Now) -> Steps:
        idle = self._context.idle()
        for one in idle:
            if not one.enough:
                self._enough.discard(one.ref)
        risen = [one for one in idle if one.enough and one.ref not in self._enough and self._may_say(one, now)]
        for one in risen:
            entry = Entry(EntryKind.IDLE, now.at, ref=one.ref, account=one.ref.account, text=one.text)
            yield Notice(entry)
            self._enough.add(one.ref)
            self._announced[one.ref] = now.up
            # A journal that cannot be written is no reason for silence.
            if not isinstance((yield Append(entry)), Failure):
                self.orders.take(entry)
        if risen and rule.once:
            yield from self._end(RuleState.DONE, risen[0].text, now)
        elif not risen:
            left = None if rule.expires is None else max(0.1, (rule.expires - now.at).total_seconds())
            text = self.orders.explained() or ("" if idle else "No stock is known of it yet.")
            yield Wait(left, RuleState.WAITING, text)

    def _may_say(self, one: Idle, now: Now) -> bool:
        return now.up - self._announced.get(one.ref, -LEAST_BETWEEN) >= LEAST_BETWEEN

    def _end(self, state: RuleState, text: str, now: Now) -> Steps:
        entry = Entry(EntryKind.OVER, now.at, state=state.value, text=text)
        reply = yield Append(entry)
        if isinstance(reply, Failure):
            yield Wait(30.0, RuleState.WAITING, reply.text)
            return
        self.orders.take(entry)
        if state is not RuleState.DONE:
            yield Notice(entry)
