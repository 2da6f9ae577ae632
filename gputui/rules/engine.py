"""A grab step by step: what is done next, from the rule, its journal and the stock. Deterministic, without any I/O.

:func:`run` yields one effect after the other and gets the reply of each. Whoever performs them may be ended between
any two of them: with the journal as it is then, a new run continues. What keeps a grab from buying twice:

* an intent is on the disk before its request is sent, and counts against number and budget from then on;
* while an intent has no outcome, nothing else is sent: it is looked for by its name, which has the id of the rule;
* it is absent only after the server has listed all without it :data:`.schedule.SETTLE` seconds after the request;
  where an earlier run has sent it, the entry says when that was at the latest;
* what is absent is looked for once more before each later request.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import timedelta

from gputui.models import Money
from gputui.models.rules import Candidate, Grab, RuleState, Watch
from gputui.rules.decisions import READ_AGAIN, Choice, Decisions, minutes_until
from gputui.rules.effects import (
    Answer,
    Append,
    Effect,
    Failure,
    Find,
    Found,
    Look,
    Notice,
    Now,
    Reply,
    RuleContext,
    Seen,
    Send,
    SetLease,
    Undo,
    Wait,
)
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.orders import (
    COUNTED,
    LOST,
    Orders,
    Record,
    Stage,
    candidate_key,
    in_words,
    order_of,
)
from gputui.rules.schedule import SETTLE, Schedule

LOOK_PAUSE = 15.0
_LATE_PAUSE = 60.0
_AGAIN = 60.0
"""How long one look for what was absent serves."""
_STALE = 20.0
"""How long after the decision a request may be sent: the machine may have slept."""
_DISK_PAUSE = 30.0


Steps = Generator[Effect, Reply, None]


class Grabber:
    """The run of one grab. ``orders`` is what its journal says."""

    def __init__(self, entries: Iterable[Entry], context: RuleContext) -> None:
        self.orders = Orders(entries)
        self._context = context
        self._decide = Decisions(self.orders, context.chances)
        self._schedule = Schedule(self.orders)
        self._troubles: dict[int, str] = {}
        """Why the last look for an order failed."""
        self._unsaved: dict[int, str] = {}
        """Why what was obtained has no lease yet."""
        self._absent_at: dict[int, float] = {}
        """When the server last listed all without what was lost, in seconds since the start of the machine."""
        self._full = ""
        """Why the last entry could not be written."""

    def run(self) -> Steps:
        """Yield what is done next until the rule is over or deleted."""
        while True:
            rule = self._context.rule()
            if rule is None or rule.grab is None:
                return
            now = self._context.now()
            if (record := self._unleased(rule.grab, now)) is not None:
                yield from self._lease(rule, record)
                continue
            if self.orders.news:
                yield from self._announce(now)
            if self.orders.over is not None:
                return
            if self._schedule.waits("disk", 0, now):
                yield Wait(self._schedule.left_of("disk", 0, now), RuleState.WAITING, self._full)
                continue
            yield from self._step(rule, rule.grab, now)

    def _step(self, rule: Watch, grab: Grab, now: Now) -> Steps:
        if account := self._context.missing():
            yield from self._end(RuleState.FAILED, self._decide.removed(account), now)
        elif (record := self._schedule.first({Stage.OPEN}, "find", now)) is not None:
            yield from self._reconcile(rule, record)
        elif (record := self._schedule.first({Stage.UNDOING}, "undo", now)) is not None:
            yield from self._undo(rule, record)
        elif (record := self._schedule.first_absent(now)) is not None:
            yield from self._reconcile(rule, record)
        elif self._may_end(grab, now) and (end := self._decide.end(rule, grab, now)) is not None:
            yield from self._end(*end, now)
        elif isinstance(choice := self._decide.choose(rule, grab, now), Choice):
            lost = [
                one for one in self.orders.of(LOST) if self._absent_at.get(one.number, -_AGAIN) + _AGAIN <= now.up
            ]
            if not lost:
                yield from self._send(rule, grab, choice, now)
            elif self._schedule.waits("find", lost[0].number, now):
                seconds = self._schedule.left_of("find", lost[0].number, now)
                yield Wait(seconds, RuleState.UNKNOWN, self._trouble(lost[0]))
            else:
                yield from self._reconcile(rule, lost[0])
        elif (record := self._schedule.first({Stage.OBTAINED, Stage.SEEN}, "look", now)) is not None:
            yield from self._look(rule, record)
        else:
            yield self._wait(rule, grab, now, choice)

    # The journal.

    def _append(self, entry: Entry) -> Generator[Effect, Reply, bool]:
        """Write an entry; False where it could not be: then nothing that depends on it is done."""
        reply = yield Append(entry)
        if isinstance(reply, Failure):
            self._full = reply.text
            self._schedule.put_off("disk", 0, self._context.now().up + _DISK_PAUSE)
            return False
        self._full = ""
        self.orders.take(entry)
        return True

    def _entry(self, kind: EntryKind, record: Record, text: str, **more: object) -> Entry:
        now = self._context.now()
        return Entry(kind, now.at, record.number, up=now.up, boot=now.boot, text=text, **more)  # type: ignore[arg-type]

    def _announce(self, now: Now) -> Steps:
        for entry in list(self.orders.news):
            yield Notice(entry)
        if not (yield from self._append(Entry(EntryKind.NOTIFIED, now.at))):
            self.orders.news.clear()  # announced, though a later run will do so again

    def _end(self, state: RuleState, text: str, now: Now) -> Steps:
        yield from self._append(Entry(EntryKind.OVER, now.at, state=state.value, text=text))

    # Requests.

    def _send(self, rule: Watch, grab: Grab, choice: Choice, now: Now) -> Steps:
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
        after = self._context.now()
        if self._context.rule() != rule or after.up - now.up > _STALE:
            text = "The rule was changed." if after.up - now.up <= _STALE else "The stock is no longer of now."
            yield from self._append(self._entry(EntryKind.NOT_SENT, record, f"Nothing was sent: {text}"))
            return
        answer = yield Send(order_of(record, rule))
        asked = self._context.now().up
        self._schedule.asked(number, asked)
        if not isinstance(answer, Answer):
            return  # without an answer it is looked for
        self._schedule.put_off("find", number, asked + 1.0)
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
        now = self._context.now()
        self._schedule.put_off("find", record.number, now.up + LOOK_PAUSE)
        if isinstance(reply, Found) and reply.refs:
            self._troubles.pop(record.number, None)
            ref = sorted(reply.refs)[0]
            done = "created" if record.intent.ref is None else "started"
            text = f"It was {done}, though no answer came." if not record.answered else "It is there after all."
            wanted = 0 if rule.grab is None else rule.grab.count
            if record.stage in LOST and (more := len(self.orders.of(COUNTED)) + 1 - wanted) > 0:
                text += f" That was late: {more} more than wanted. Stop what is not needed."
            if len(reply.refs) > 1:
                text += f" {len(reply.refs)} things have its name: check them."
            yield from self._append(self._entry(EntryKind.OBTAINED, record, text, ref=ref, found=True))
        elif isinstance(reply, Found):
            self._troubles.pop(record.number, None)
            self._absent_at[record.number] = now.up
            self._schedule.put_off("late", record.number, now.up + _LATE_PAUSE)
            if record.stage is Stage.OPEN and late:
                done, sees = ("created", "list it") if record.intent.ref is None else ("started", "show it running")
                text = f"It was not {done}: {record.intent.account} does not {sees}."
                yield from self._append(self._entry(EntryKind.ABSENT, record, text))
        elif isinstance(reply, Failure):
            self._troubles[record.number] = reply.text

    def _look(self, rule: Watch, record: Record) -> Steps:
        """Read what was obtained: whether it is there, and what it costs."""
        order = order_of(record, rule)
        late = self._is_late(record)
        limited = order.candidate is not None and bool(order.candidate.limit_field)
        reply = yield Look(order)
        now = self._context.now()
        self._schedule.put_off("look", record.number, now.up + (_LATE_PAUSE if late else LOOK_PAUSE))
        if isinstance(reply, Failure):
            if late and limited and record.stage is Stage.SEEN:
                yield from self._price(rule, record, None)
            return
        if not isinstance(reply, Seen):
            return
        if not reply.there:
            if record.stage is Stage.SEEN:
                text = "It is gone again, before its price was known. Nothing replaces it."
                yield from self._append(self._entry(EntryKind.VANISHED, record, text))
            elif late:
                text = f"{record.intent.account} said that it is created, and does not list it."
                yield from self._append(self._entry(EntryKind.ABSENT, record, text))
            return
        # Some servers do not say what they have created.
        text = f"It is {reply.ref}." if record.ref is None and reply.ref is not None else ""
        if record.stage is Stage.OBTAINED and not (
            yield from self._append(self._entry(EntryKind.SEEN, record, text, ref=record.ref or reply.ref))
        ):
            return
        # What no request limits is looked at until it has a price, however long it takes to start.
        if reply.price is not None or (late and (limited or not reply.starts)):
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
        elif price.amount > limit.amount and record.found and record.intent.ref is not None:
            # Without an answer nothing says that it was this rule that has started it.
            text = f"It costs {in_words(price)}, above {in_words(limit)}, and runs on: others may have started it."
            yield from self._append(self._entry(EntryKind.PRICE, record, text, price=price, found=True))
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
        now = self._context.now()
        self._schedule.put_off("undo", record.number, now.up + LOOK_PAUSE)
        if isinstance(reply, Failure):
            self._troubles[record.number] = reply.text
        elif isinstance(reply, Seen) and (reply.ended or not reply.there):
            self._troubles.pop(record.number, None)
            yield from self._append(self._entry(EntryKind.UNDONE, record, "It has ended."))

    # Leases.

    def _unleased(self, grab: Grab, now: Now) -> Record | None:
        """Return what has no lease yet, and may get one now."""
        if self.orders.over is not None or self._schedule.waits("disk", 0, now):
            return None
        owed = (one for one in self.orders.unleased(grab) if not self._schedule.waits("lease", one.number, now))
        return next(owed, None)

    def _lease(self, rule: Watch, record: Record) -> Steps:
        """Set the lease of what was obtained; the entry after that says that none is owed any more."""
        reply = yield SetLease(order_of(record, rule), record.since or record.intent.at)
        if isinstance(reply, Answer):
            self._unsaved.pop(record.number, None)
            yield from self._append(self._entry(EntryKind.LEASED, record, reply.text))
        elif isinstance(reply, Failure):
            self._unsaved[record.number] = reply.text
            self._schedule.put_off("lease", record.number, self._context.now().up + _DISK_PAUSE)

    # Time.

    def _is_late(self, record: Record) -> bool:
        """Return whether no server performs the request of an order any more, if it has not yet."""
        return self._schedule.left(record, self._context.now()) <= 0

    def _may_end(self, grab: Grab, now: Now) -> bool:
        """Return whether nothing is owed to what was obtained, and nothing that was absent is looked for."""
        return not self.orders.unleased(grab) and not self._schedule.absent(now)

    def _wait(self, rule: Watch, grab: Grab, now: Now, why: Choice | str) -> Wait:
        """Return for how long nothing is done, and how that is shown."""
        orders = self.orders
        text = why if isinstance(why, str) else ""
        waits = self._schedule.pauses(self._unsaved, now)
        if open_ := orders.of(frozenset({Stage.OPEN})):
            return Wait(min(waits, default=LOOK_PAUSE), RuleState.UNKNOWN, self._trouble(open_[0]))
        if undoing := orders.of(frozenset({Stage.UNDOING})):
            trouble = self._troubles.get(undoing[0].number, "")
            return Wait(min(waits, default=LOOK_PAUSE), RuleState.CHECKING, trouble or orders.explained())
        absent = self._schedule.absent(now)
        waits += [max(0.1, self._schedule.absent_in(one, now)) for one in absent]
        if absent and self._decide.end(rule, grab, now) is not None:
            return Wait(min(waits, default=LOOK_PAUSE), RuleState.CHECKING, self._absent_text(absent[0], now))
        waits += [left for one in grab.candidates if (left := self._decide.pause(one, now)) > 0]
        recent = (READ_AGAIN - self._decide.since_request(one, now) for one in grab.candidates)
        waits += [left for left in recent if left > 0]
        if rule.expires is not None:
            waits.append(max(0.1, (rule.expires - now.at).total_seconds()))
        if grab.budget_day is not None and orders.counted(now) is not None:
            waits.append(_DAY_PAUSE)
        if rule.paused:
            return Wait(min(waits, default=None), RuleState.PAUSED, "Paused.")
        if rule.quiet is not None:
            waits.append(
                60.0 * minutes_until(rule.quiet.end if rule.quiet.has(now.minute) else rule.quiet.begin, now)
            )
            if rule.quiet.has(now.minute):
                return Wait(min(waits), RuleState.QUIET, text)
        if owed := orders.unleased(grab):
            text = f"{owed[0].intent.name} has no lease yet: {self._unsaved.get(owed[0].number, '')}"
        if owed or orders.of(frozenset({Stage.OBTAINED, Stage.SEEN})):
            state = RuleState.CHECKING if len(orders.of(COUNTED)) >= grab.count else RuleState.WAITING
            return Wait(min(waits, default=LOOK_PAUSE), state, text)
        return Wait(min(waits, default=None), RuleState.WAITING, text)

    def _trouble(self, record: Record) -> str:
        """Return what is known of an order without an outcome."""
        found = self._troubles.get(record.number, "")
        now = self._context.now()
        end = now.at + timedelta(seconds=max(0.0, self._schedule.left(record, now)))
        text = f"{record.intent.account}: whether {record.intent.name} was created is not known yet. "
        if found:
            return f"{text}{found}"
        return f"{text}It is looked for by its name until {end:%H:%M} UTC."

    def _absent_text(self, record: Record, now: Now) -> str:
        end = now.at + timedelta(seconds=max(0.0, self._schedule.left_absent(record, now)))
        text = f"{record.intent.account}: {record.intent.name} was not created in {SETTLE / 60:.0f} minutes."
        return f"{text} In case it still is, it is looked for until {end:%H:%M} UTC."


_DAY_PAUSE = 60.0
"""How often the budget of 24 hours is looked at again while something counts against it."""


def name_of(candidate: Candidate, number: int) -> str:
    """Return the name of what is created: that of the candidate, which has the rule's id, and a number."""
    return f"{candidate.name}{number}"
