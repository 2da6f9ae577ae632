"""A grab step by step: what is done next, from the rule, its journal and the stock. Deterministic, without any I/O.

:func:`run` yields one effect after the other and gets the reply of each. Whoever performs them may be ended between
any two of them: with the journal as it is then, a new run continues. What keeps a grab from buying twice:

* an intent is on the disk before its request is sent, and counts against number and budget from then on;
* while an intent has no outcome, nothing else is sent: it is looked for by its name, which has the id of the rule;
* it is absent only after the server has listed all without it :data:`SETTLE` seconds after the request, or after
  this run began, since an earlier one may have sent it at its very end;
* what is absent is looked for once more before each later request.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from gputui.formatting import format_money
from gputui.models import Money
from gputui.models.rules import MINUTES_A_DAY, Candidate, Grab, RuleState, Watch
from gputui.rules.effects import (
    Answer,
    Append,
    Chance,
    Effect,
    Failure,
    Find,
    Found,
    Look,
    Notice,
    Now,
    Reply,
    Seen,
    Send,
    Surroundings,
    Undo,
    Wait,
)
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.orders import (
    COUNTED,
    HELD,
    LOST,
    UNSETTLED,
    Orders,
    Record,
    Stage,
    age,
    candidate_key,
    in_words,
    most,
    order_of,
)

PACE = 30.0
"""The least number of seconds between two requests for one candidate."""
READ_AGAIN = 10.0
"""How long after a request the stock of its candidate may not show it yet, in seconds."""
SETTLE = 600.0
"""How long after a request a server may still perform it, in seconds: longer than any request is awaited."""
LOOK_PAUSE = 15.0
MOST_LOST = 3
"""Requests of a rule that may come to nothing without a reason: then it ends."""
_AGAIN = 60.0
"""How long one look for what was absent serves."""
_STALE = 20.0
"""How long after the decision a request may be sent: the machine may have slept."""
_DISK_PAUSE = 30.0

_UNFINISHED = (
    (frozenset({Stage.OPEN}), " Whether {} was created is not known: look there."),
    (frozenset({Stage.OBTAINED, Stage.SEEN}), " {} was created; the price was not checked."),
    (frozenset({Stage.UNDOING}), " {} costs more than the ceiling, and was not seen to end: end it."),
)

Steps = Generator[Effect, Reply, None]


@dataclass(frozen=True, slots=True)
class _Choice:
    candidate: Candidate
    most: Money
    counts: Money


class Grabber:
    """The run of one grab. ``orders`` is what its journal says."""

    def __init__(self, entries: Iterable[Entry], around: Surroundings) -> None:
        self.orders = Orders(entries)
        self._around = around
        self._due: dict[tuple[str, int], float] = {}
        """When something may be done again, in seconds since the start of the machine."""
        self._troubles: dict[int, str] = {}
        """Why the last look for an order failed."""
        self._since = around.now().up
        self._asked: dict[int, float] = {}
        """When the last request about an order was answered, or given up."""
        self._absent_at: dict[int, float] = {}
        """When the server last listed all without what was lost, in seconds since the start of the machine."""
        self._full = ""
        """Why the last entry could not be written."""

    def run(self) -> Steps:
        """Yield what is done next until the rule is over or deleted."""
        while True:
            rule = self._around.rule()
            if rule is None or rule.grab is None:
                return
            now = self._around.now()
            if self.orders.news:
                yield from self._announce(now)
            if self.orders.over is not None:
                return
            if self._waits("disk", 0, now):
                yield Wait(self._due["disk", 0] - now.up, RuleState.WAITING, self._full)
                continue
            yield from self._step(rule, rule.grab, now)

    def _step(self, rule: Watch, grab: Grab, now: Now) -> Steps:
        if account := self._around.missing():
            yield from self._end(RuleState.FAILED, self._removed(account), now)
        elif (record := self._first({Stage.OPEN}, "find", now)) is not None:
            yield from self._reconcile(rule, record)
        elif (record := self._first({Stage.UNDOING}, "undo", now)) is not None:
            yield from self._undo(rule, record)
        elif (end := self._ended(rule, grab, now)) is not None:
            yield from self._end(*end, now)
        elif isinstance(choice := self._choose(rule, grab, now), _Choice):
            lost = [
                one for one in self.orders.of(LOST) if self._absent_at.get(one.number, -_AGAIN) + _AGAIN <= now.up
            ]
            if not lost:
                yield from self._send(rule, grab, choice, now)
            elif self._waits("find", lost[0].number, now):
                yield Wait(self._due["find", lost[0].number] - now.up, RuleState.UNKNOWN, self._trouble(lost[0]))
            else:
                yield from self._reconcile(rule, lost[0])
        elif (record := self._first({Stage.OBTAINED, Stage.SEEN}, "look", now)) is not None:
            yield from self._look(rule, record)
        else:
            yield self._wait(rule, grab, now, choice)

    # The journal.

    def _append(self, entry: Entry) -> Generator[Effect, Reply, bool]:
        """Write an entry; False where it could not be: then nothing that depends on it is done."""
        reply = yield Append(entry)
        if isinstance(reply, Failure):
            self._full = reply.text
            self._due["disk", 0] = self._around.now().up + _DISK_PAUSE
            return False
        self._full = ""
        self.orders.take(entry)
        return True

    def _entry(self, kind: EntryKind, record: Record, text: str, **more: object) -> Entry:
        now = self._around.now()
        return Entry(kind, now.at, record.number, up=now.up, boot=now.boot, text=text, **more)  # type: ignore[arg-type]

    def _announce(self, now: Now) -> Steps:
        for entry in list(self.orders.news):
            yield Notice(entry)
        if not (yield from self._append(Entry(EntryKind.NOTIFIED, now.at))):
            self.orders.news.clear()  # announced, though a later run will do so again

    def _end(self, state: RuleState, text: str, now: Now) -> Steps:
        yield from self._append(Entry(EntryKind.OVER, now.at, state=state.value, text=text))

    # Requests.

    def _send(self, rule: Watch, grab: Grab, choice: _Choice, now: Now) -> Steps:
        number = self.orders.last_number + 1
        candidate = choice.candidate
        intent = Entry(
            EntryKind.INTENT,
            now.at,
            number,
            account=candidate.account,
            thing=candidate.kind,
            candidate=candidate_key(candidate),
            name=candidate.name if candidate.start is not None else name_of(candidate, number),
            ref=candidate.start,
            generation=candidate.generation,
            price=choice.most,
            counts=choice.counts,
            parallel=candidate.parallel,
            up=now.up,
            boot=now.boot,
        )
        if not (yield from self._append(intent)):
            return
        record = self.orders.records[number]
        if grab.dry_run:
            text = f"A dry run: nothing was sent. {in_words(choice.most)} at most."
            yield from self._append(self._entry(EntryKind.REHEARSED, record, text))
            return
        after = self._around.now()
        if self._around.rule() != rule or after.up - now.up > _STALE:
            text = "The rule was changed." if after.up - now.up <= _STALE else "The stock is no longer of now."
            yield from self._append(self._entry(EntryKind.NOT_SENT, record, f"Nothing was sent: {text}"))
            return
        answer = yield Send(order_of(record, rule))
        self._asked[number] = self._around.now().up
        if not isinstance(answer, Answer):
            return  # without an answer it is looked for
        self._due["find", number] = self._asked[number] + 1.0
        yield from self._append(
            self._entry(
                answer.kind, record, answer.text, ref=answer.ref, generation=answer.generation, wait=answer.wait
            )
        )

    def _reconcile(self, rule: Watch, record: Record) -> Steps:
        """Look for what a request without an outcome, or one that came to nothing, may have made."""
        order = order_of(record, rule)
        late = self._is_late(record)
        reply = yield Find(order)
        now = self._around.now()
        self._due["find", record.number] = now.up + LOOK_PAUSE
        if isinstance(reply, Found) and reply.refs:
            self._troubles.pop(record.number, None)
            ref = sorted(reply.refs)[0]
            text = "It was created, though no answer came." if not record.answered else "It is there after all."
            if len(reply.refs) > 1:
                text += f" {len(reply.refs)} things have its name: check them."
            yield from self._append(self._entry(EntryKind.OBTAINED, record, text, ref=ref))
        elif isinstance(reply, Found):
            self._troubles.pop(record.number, None)
            self._absent_at[record.number] = now.up
            if record.stage is Stage.OPEN and late:
                text = f"It was not created: {record.intent.account} does not list it."
                yield from self._append(self._entry(EntryKind.ABSENT, record, text))
        elif isinstance(reply, Failure):
            self._troubles[record.number] = reply.text

    def _look(self, rule: Watch, record: Record) -> Steps:
        """Read what was obtained: whether it is there, and what it costs."""
        late = self._is_late(record)
        reply = yield Look(order_of(record, rule))
        now = self._around.now()
        self._due["look", record.number] = now.up + LOOK_PAUSE
        if isinstance(reply, Failure):
            if late and record.stage is Stage.SEEN:
                yield from self._price(rule, record, None)
            return
        if not isinstance(reply, Seen):
            return
        if not reply.there:
            if record.stage is Stage.SEEN:
                text = "It is gone again: its price was not read."
                yield from self._append(self._entry(EntryKind.PRICE, record, text))
            elif late:
                text = f"{record.intent.account} said that it is created, and does not list it."
                yield from self._append(self._entry(EntryKind.ABSENT, record, text))
            return
        if record.stage is Stage.OBTAINED and not (
            yield from self._append(self._entry(EntryKind.SEEN, record, "", ref=record.ref))
        ):
            return
        if reply.price is not None or late:
            yield from self._price(rule, record, reply.price)

    def _price(self, rule: Watch, record: Record, price: Money | None) -> Steps:
        limit = record.intent.price
        candidate = order_of(record, rule).candidate
        if price is None and limit is not None and candidate is not None and candidate.limit_field:
            text = f"The price is not known yet; the request limits it to {in_words(limit)}."
            yield from self._append(self._entry(EntryKind.PRICE, record, text))
        elif price is None or limit is None or price.currency != limit.currency:
            known = "not known" if price is None else f"{in_words(price)}, in another currency"
            text = f"The price is {known}, and may be above {'the ceiling' if limit is None else in_words(limit)}."
            yield from self._append(self._entry(EntryKind.PRICE, record, text, price=price))
        elif price.amount > limit.amount:
            text = f"It costs {in_words(price)}, above {in_words(limit)}: it is ended."
            yield from self._append(self._entry(EntryKind.UNDO, record, text, price=price))
        else:
            assert rule.grab is not None  # noqa: S101  (of grabs alone)
            counts = price.times(record.intent.parallel).times(rule.grab.hours)
            entry = self._entry(EntryKind.PRICE, record, f"It costs {in_words(price)}.", price=price, counts=counts)
            yield from self._append(entry)

    def _undo(self, rule: Watch, record: Record) -> Steps:
        """End what costs too much, until the server shows that it has ended."""
        order = order_of(record, rule)
        reply = yield Undo(order)
        if not isinstance(reply, Failure):
            reply = yield Look(order)
        now = self._around.now()
        self._due["undo", record.number] = now.up + LOOK_PAUSE
        if isinstance(reply, Failure):
            self._troubles[record.number] = reply.text
        elif isinstance(reply, Seen) and (reply.ended or not reply.there):
            self._troubles.pop(record.number, None)
            yield from self._append(self._entry(EntryKind.UNDONE, record, "It has ended."))

    # Decisions.

    def _choose(self, rule: Watch, grab: Grab, now: Now) -> _Choice | str:
        """Return what to send now: the cheapest that may be; else why there is nothing."""
        if self.orders.of(frozenset({Stage.OPEN, Stage.UNDOING})):
            return self.orders.explained()
        if len(self.orders.of(COUNTED)) >= grab.count:
            return "The price of each is being read."
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
        reasons = []
        chances = [chance for chance in self._around.chances() if chance.candidate < len(grab.candidates)]
        for chance in sorted(chances, key=_by_price):
            candidate = grab.candidates[chance.candidate]
            limit = most(rule, candidate)
            choice = _Choice(candidate, limit, limit.times(candidate.parallel).times(grab.hours))
            if not (why := self._why_not(grab, choice, chance, now)):
                return choice
            reasons.append(why)
        return next(iter(dict.fromkeys(reasons)), "There is no candidate.")

    def _why_not(self, grab: Grab, choice: _Choice, chance: Chance, now: Now) -> str:
        """Return why a candidate is not sent now; '' where it may be."""
        candidate, price = choice.candidate, chance.price
        if chance.enough is False:
            return chance.why or f"Not enough is idle in {candidate.account}."
        if price is None and not candidate.limit_field and not grab.unpriced:
            return f"{candidate.account}: the price is not known, and no request can limit it: nothing is sent."
        if price is not None and price.currency != choice.most.currency:
            return f"{candidate.account}: {in_words(price)} cannot be compared with {in_words(choice.most)}."
        if price is not None and price.amount > choice.most.amount:
            return f"{candidate.account}: {in_words(price)} is above {in_words(choice.most)}."
        if self._since_request(candidate, now) < READ_AGAIN:
            return f"The stock of {candidate.account} is read again after the last request."
        if self._pause(candidate, now) > 0:
            return self.orders.explained()
        for budget, day in ((grab.budget, None), (grab.budget_day, now)):
            if budget is not None and (left := self._left(budget, day)).amount < choice.counts.amount:
                span = "the budget" if day is None else "the budget of 24 hours"
                return f"{format_money(choice.counts)} is needed, and {format_money(left)} of {span} is left."
        return ""

    def _left(self, budget: Money, day: Now | None) -> Money:
        counted = self.orders.counted(day)
        return budget if counted is None else Money(budget.amount - counted.amount, budget.currency)

    def _since_request(self, candidate: Candidate, now: Now) -> float:
        last = self.orders.intents.get((candidate.account, candidate.kind, candidate_key(candidate)))
        return READ_AGAIN if last is None else age(last, now)

    def _pause(self, candidate: Candidate, now: Now) -> float:
        """Return for how many seconds a candidate is not sent, after it was not created."""
        own = self.orders.pauses.get((candidate.account, candidate.kind, candidate_key(candidate)))
        of_account = self.orders.pauses_of_accounts.get(candidate.account)
        pauses = (max(PACE, one.wait) - age(one, now) for one in (own, of_account) if one is not None)
        return max(pauses, default=0.0)

    def _ended(self, rule: Watch, grab: Grab, now: Now) -> tuple[RuleState, str] | None:
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

    def _removed(self, account: str) -> str:
        text = f"The account {account} is no longer in the configuration."
        for stages, words in _UNFINISHED:
            if names := [one.intent.name for one in self.orders.of(stages)]:
                text += words.format(", ".join(names))
        return text

    # Time.

    def _is_late(self, record: Record) -> bool:
        """Return whether no server performs the request of an order any more, if it has not yet."""
        return self._around.now().up - self._asked.get(record.number, self._since) >= SETTLE

    def _first(self, stages: set[Stage], what: str, now: Now) -> Record | None:
        """Return the first order in one of these stages whose time has come."""
        found = (one for one in self.orders.of(frozenset(stages)) if not self._waits(what, one.number, now))
        return next(found, None)

    def _waits(self, what: str, number: int, now: Now) -> bool:
        return self._due.get((what, number), 0.0) > now.up

    def _wait(self, rule: Watch, grab: Grab, now: Now, why: _Choice | str) -> Wait:
        """Return for how long nothing is done, and how that is shown."""
        orders = self.orders
        text = why if isinstance(why, str) else ""
        waits = [self._due[what, number] - now.up for what, number in self._due_of_orders()]
        if open_ := orders.of(frozenset({Stage.OPEN})):
            return Wait(min(waits, default=LOOK_PAUSE), RuleState.UNKNOWN, self._trouble(open_[0]))
        if undoing := orders.of(frozenset({Stage.UNDOING})):
            trouble = self._troubles.get(undoing[0].number, "")
            return Wait(min(waits, default=LOOK_PAUSE), RuleState.CHECKING, trouble or orders.explained())
        waits += [left for one in grab.candidates if (left := self._pause(one, now)) > 0]
        recent = (READ_AGAIN - self._since_request(one, now) for one in grab.candidates)
        waits += [left for left in recent if left > 0]
        if rule.expires is not None:
            waits.append(max(0.1, (rule.expires - now.at).total_seconds()))
        if grab.budget_day is not None and orders.counted(now) is not None:
            waits.append(_DAY_PAUSE)
        if rule.paused:
            return Wait(min(waits, default=None), RuleState.PAUSED, "Paused.")
        if rule.quiet is not None:
            waits.append(
                60.0 * _minutes_until(rule.quiet.end if rule.quiet.has(now.minute) else rule.quiet.begin, now)
            )
            if rule.quiet.has(now.minute):
                return Wait(min(waits), RuleState.QUIET, text)
        if orders.of(frozenset({Stage.OBTAINED, Stage.SEEN})):
            state = RuleState.CHECKING if len(orders.of(COUNTED)) >= grab.count else RuleState.WAITING
            return Wait(min(waits, default=LOOK_PAUSE), state, text)
        return Wait(min(waits, default=None), RuleState.WAITING, text)

    def _trouble(self, record: Record) -> str:
        """Return what is known of an order without an outcome."""
        found = self._troubles.get(record.number, "") or "It is looked for by its name."
        return f"{record.intent.account}: whether {record.intent.name} was created is not known yet. {found}"

    def _due_of_orders(self) -> list[tuple[str, int]]:
        what_of = {
            Stage.OPEN: "find",
            Stage.UNDOING: "undo",
            Stage.OBTAINED: "look",
            Stage.SEEN: "look",
        }
        keys = [(what_of[one.stage], one.number) for one in self.orders.of(UNSETTLED)]
        return [key for key in keys if key in self._due]


_DAY_PAUSE = 60.0
"""How often the budget of 24 hours is looked at again while something counts against it."""


def name_of(candidate: Candidate, number: int) -> str:
    """Return the name of what is created: that of the candidate, which has the rule's id, and a number."""
    return f"{candidate.name}{number}"


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
    quiet = 60.0 * _minutes_until(rule.quiet.end, now)
    return Wait(quiet if left is None else min(quiet, left), RuleState.QUIET, "It is quiet time.")


def _minutes_until(minute: int, now: Now) -> int:
    return (minute - now.minute) % MINUTES_A_DAY or MINUTES_A_DAY
