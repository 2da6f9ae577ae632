"""The decisions of a grab: the next request, or why there is none; from its rule, its journal and the stock. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import IntEnum

from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Money
from gputui.models.rules import MINUTES_A_DAY, Candidate, Grab, RuleState, Watch
from gputui.rules.effects import Chance, Now, Wait
from gputui.rules.orders import (
    COUNTED,
    HELD,
    LOST,
    UNSETTLED,
    Orders,
    Stage,
    age,
    candidate_key,
    in_words,
    most,
)

PACE = 30.0
"""The least number of seconds between two requests for one candidate."""
READ_AGAIN = 10.0
"""How long after a request the stock of its candidate may not show it yet, in seconds."""
MOST_LOST = 3
"""Requests of a rule that may come to nothing without a reason: then it ends."""
_UNFINISHED = (
    (frozenset({Stage.OPEN}), " Whether {} was created is not known: look there."),
    (frozenset({Stage.OBTAINED, Stage.SEEN}), " {} was created; the price was not checked."),
    (frozenset({Stage.UNDOING}), " {} costs more than the ceiling, and was not seen to end: end it."),
)


class _Reason(IntEnum):
    """Why a candidate is not sent, the reason that may end first in front."""

    RECENT = 0
    STOCK = 1
    PRICE = 2
    BUDGET = 3


_OTHERS = {
    _Reason.RECENT: "tried just now",
    _Reason.STOCK: "not idle",
    _Reason.PRICE: "above the ceiling or without a price",
    _Reason.BUDGET: "beyond the budget",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate to be sent, the most that an hour of one instance may cost, and what all of it counts."""

    candidate: Candidate
    most: Money
    counts: Money


class Decisions:
    """Decides from the journal of a grab, ``orders``, and from its candidates as the stock is now."""

    def __init__(self, orders: Orders, chances: Callable[[], Sequence[Chance]]) -> None:
        self.orders = orders
        self._chances = chances

    def choose(self, rule: Watch, grab: Grab, now: Now) -> Choice | str:
        """Return what to send now: the cheapest that may be; else why there is nothing."""
        if self.orders.of(frozenset({Stage.OPEN, Stage.UNDOING})):
            return self.orders.explained()
        if len(self.orders.of(COUNTED)) >= grab.count:
            return "The price is not known yet: it is being read, or what was created waits for a host."
        if rule.expires is not None and now.at >= rule.expires:
            return "The time of the rule is over."
        if (
            self.orders.refused is not None
            or self.orders.of(frozenset({Stage.UNDONE}))
            or len(self.orders.of(LOST)) >= MOST_LOST
        ):
            return self.orders.explained()
        if pause_of_rule(rule, now) is not None:
            return ""
        reasons: list[tuple[_Reason, str]] = []
        chances = [chance for chance in self._chances() if chance.candidate < len(grab.candidates)]
        for chance in sorted(chances, key=_by_price):
            candidate = grab.candidates[chance.candidate]
            limit = most(rule, candidate)
            choice = Choice(candidate, limit, limit.times(candidate.parallel).times(grab.hours))
            why = self._beyond_budget(grab, choice, now) or why_too_dear(grab, choice, chance)
            if (why := why or self._why_not_now(choice, chance, now)) is None:
                return choice
            reasons.append(why)
        return _summary(reasons)

    def _beyond_budget(self, grab: Grab, choice: Choice, now: Now) -> tuple[_Reason, str] | None:
        for budget, day in ((grab.budget, None), (grab.budget_day, now)):
            if budget is not None and (left := self._left(budget, day)).amount < choice.counts.amount:
                span = "the budget" if day is None else "the budget of 24 hours"
                text = f"{format_money(choice.counts)} is needed, and {format_money(left)} of {span} is left."
                return _Reason.BUDGET, text
        return None

    def _why_not_now(self, choice: Choice, chance: Chance, now: Now) -> tuple[_Reason, str] | None:
        """Return why a candidate is not sent at this moment; None where it may be."""
        candidate = choice.candidate
        if candidate.start is not None and any(one.intent.ref == candidate.start for one in self.orders.of(COUNTED)):
            return _Reason.STOCK, f"{candidate.name} was started by this rule already."
        if chance.enough is False:
            return _Reason.STOCK, chance.why or f"Not enough is idle in {candidate.account}."
        if self.since_request(candidate, now) < READ_AGAIN:
            return _Reason.RECENT, f"The stock of {candidate.account} is read again after the last request."
        if self.pause(candidate, now) > 0:
            return _Reason.RECENT, self.orders.explained()
        return None

    def _left(self, budget: Money, day: Now | None) -> Money:
        counted = self.orders.counted(day)
        return budget if counted is None else Money(budget.amount - counted.amount, budget.currency)

    def since_request(self, candidate: Candidate, now: Now) -> float:
        """Return how long ago the last request for a candidate was announced, in seconds; at most READ_AGAIN."""
        last = self.orders.intents.get((candidate.account, candidate.kind, candidate_key(candidate)))
        return READ_AGAIN if last is None else age(last, now)

    def pause(self, candidate: Candidate, now: Now) -> float:
        """Return for how many seconds a candidate is not sent, after it was not created."""
        own = self.orders.pauses.get((candidate.account, candidate.kind, candidate_key(candidate)))
        of_account = self.orders.pauses_of_accounts.get(candidate.account)
        pauses = (max(PACE, one.wait) - age(one, now) for one in (own, of_account) if one is not None)
        return max(pauses, default=0.0)

    def end(self, rule: Watch, grab: Grab, now: Now) -> tuple[RuleState, str] | None:
        """Return the end of the rule, if this is it: nothing is left that follows by itself."""
        orders = self.orders
        if orders.of(UNSETTLED):
            return None
        if undone := orders.of(frozenset({Stage.UNDONE})):
            return RuleState.FAILED, f"{undone[0].intent.name} cost more than the ceiling, and was ended."
        if orders.refused is not None:
            return RuleState.FAILED, f"The request was refused: {orders.refused.text}"
        held = len(orders.of(HELD))
        if rehearsed := len(orders.of(frozenset({Stage.REHEARSED}))):
            return (RuleState.DONE, f"Dry run: {rehearsed} requests.") if rehearsed >= grab.count else None
        if (vanished := orders.of(frozenset({Stage.VANISHED}))) and held + len(vanished) >= grab.count:
            names = ", ".join(record.intent.name for record in vanished)
            return RuleState.FAILED, f"{held} of {grab.count} obtained. {names}: created, and gone again."
        if held >= grab.count:
            return RuleState.DONE, f"{held} of {grab.count} obtained."
        lost = orders.of(LOST)
        if len(lost) >= MOST_LOST:
            names = ", ".join(record.intent.name for record in lost)
            return RuleState.FAILED, f"{len(lost)} requests came to nothing: {names}. Look at their accounts."
        if rule.expires is not None and now.at >= rule.expires:
            return RuleState.EXPIRED, f"The time is over: {held} of {grab.count} obtained."
        if grab.budget is not None and self._left(grab.budget, None).amount <= 0:
            return RuleState.DONE, f"The budget is used: {held} of {grab.count} obtained."
        return None

    def removed(self, account: str) -> str:
        """Return what ends a rule whose account was removed, with what is not known then."""
        text = f"The account {account} is no longer in the configuration."
        for stages, words in _UNFINISHED:
            if names := [one.intent.name for one in self.orders.of(stages)]:
                text += words.format(", ".join(names))
        return text


def why_too_dear(grab: Grab, choice: Choice, chance: Chance) -> tuple[_Reason, str] | None:
    """Return why the price of a candidate is not accepted; None where it is, or a request limits it."""
    account, price, most_ = choice.candidate.account, chance.price, choice.most
    if price is not None and price.currency != most_.currency:
        return _Reason.PRICE, f"{account}: {in_words(price)} cannot be compared with {in_words(most_)}."
    if price is not None and price.amount > most_.amount:
        return _Reason.PRICE, f"{account}: {in_words(price)} is above {in_words(most_)}."
    least = chance.least
    if least is not None and least.currency == most_.currency and least.amount > most_.amount:
        return _Reason.PRICE, f"{account}: it costs {in_words(least)} at least, above {in_words(most_)}."
    if price is None and not choice.candidate.limit_field and not grab.unpriced:
        return _Reason.PRICE, f"{account}: the price is not known, and no request can limit it: nothing is sent."
    return None


def _summary(reasons: Sequence[tuple[_Reason, str]]) -> str:
    """Return the reason that may end first, and how many other candidates there are for each."""
    if not reasons:
        return "There is no candidate."
    first = min(reasons, key=lambda reason: reason[0])
    others = Counter(kind for kind, _ in reasons)
    others[first[0]] -= 1
    counts = [f"{others[kind]} {words}" for kind, words in _OTHERS.items() if others[kind] > 0]
    return f"{first[1]} Other candidates: {', '.join(counts)}." if counts else first[1]


def _by_price(chance: Chance) -> tuple[bool, object]:
    """Order by price, an unknown one last; all are in the currency of the ceiling, or refused."""
    return (chance.price is None, 0 if chance.price is None else chance.price.amount)


def pause_of_rule(rule: Watch, now: Now) -> Wait | None:
    """Return the wait of a rule that is paused, or in whose quiet time it is; None for another."""
    left = None if rule.expires is None else max(0.1, (rule.expires - now.at).total_seconds())
    if rule.paused:
        return Wait(left, RuleState.PAUSED, "Paused.")
    if rule.quiet is None or not rule.quiet.has(now.minute):
        return None
    quiet = 60.0 * minutes_until(rule.quiet.end, now)
    return Wait(quiet if left is None else min(quiet, left), RuleState.QUIET, "It is quiet time.")


def minutes_until(minute: int, now: Now) -> int:
    """Return the minutes until a minute of the day comes, a whole day where it is now."""
    return (minute - now.minute) % MINUTES_A_DAY or MINUTES_A_DAY
