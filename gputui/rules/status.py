"""The status of a watch: the rule, its journal, and what the agent waits for. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gputui.models import Ref
from gputui.models.rules import RuleState, RuleStatus, Watch
from gputui.rules.effects import Wait
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.market import in_few_words
from gputui.rules.orders import COUNTED, HELD, UNSETTLED, Orders, Stage, state_of

KIND = "rule"
NO_AGENT = "No agent runs: nothing is done."
_LONGEST_PAUSE = 3600.0
"""Seconds: a rule that waits for longer waits for stock."""
NOT_READ = "It is not read yet."


def ref_of(id_: str, accounts: tuple[str, ...]) -> Ref:
    """Return the reference of a rule: of its first account, where it has one."""
    return Ref(accounts[0] if accounts else "any", KIND, id_)


def accounts_of(watch: Watch) -> tuple[str, ...]:
    """Return the accounts that a rule is about; none for all."""
    if watch.grab is None:
        return watch.accounts
    return tuple(dict.fromkeys(candidate.account for candidate in watch.grab.candidates))


def status_of(watch: Watch, orders: Orders, wait: Wait | None, now: datetime, *, problem: str = "") -> RuleStatus:
    """Return a watch as it is now. ``wait`` is what the agent waits for, None where none runs.

    ``problem`` is why it cannot be followed.
    """
    accounts = accounts_of(watch)
    grab = watch.grab
    state, answer = _state(watch, orders, wait, problem)
    refs = tuple(record.ref for record in orders.of(HELD) if record.ref is not None)
    return RuleStatus(
        ref_of(watch.id, accounts),
        "watch" if grab is None else "grab",
        in_few_words(watch),
        state,
        accounts=accounts,
        wanted=None if grab is None else grab.count,
        obtained=len(orders.of(HELD)),
        refs=refs,
        spent=None if grab is None else orders.counted(),
        budget=None if grab is None else grab.budget,
        ceiling=watch.price_limit if grab is None else grab.ceiling,
        answer=answer,
        at=None if orders.last is None else orders.last.at,
        next_at=_next_at(watch, wait, state, now),
        expires=watch.expires,
        user=watch.user,
        created=watch.created,
        note=watch.note,
        lines=tuple(f"{at:%Y-%m-%d %H:%M:%SZ} {text}" for at, text in orders.lines()),
        problem=problem,
    )


def _state(watch: Watch, orders: Orders, wait: Wait | None, problem: str) -> tuple[RuleState, str]:
    if orders.over is not None:
        return state_of(orders.over), orders.over.text
    if problem:
        return RuleState.FAILED, problem
    if wait is not None:
        return wait.state, wait.text or orders.explained()
    if orders.of(frozenset({Stage.OPEN})):
        return RuleState.UNKNOWN, orders.explained() or NOT_READ
    if watch.paused:
        return RuleState.PAUSED, "Paused."
    if orders.of(UNSETTLED) and watch.grab is not None and len(orders.of(COUNTED)) >= watch.grab.count:
        return RuleState.CHECKING, orders.explained()
    return RuleState.WAITING, orders.explained()


def _next_at(watch: Watch, wait: Wait | None, state: RuleState, now: datetime) -> datetime | None:
    """Return when something is done next; None where only the rule ends then, or quiet time begins."""
    if wait is None or wait.seconds is None or state.over:
        return None
    if state is RuleState.WAITING and wait.seconds > _LONGEST_PAUSE:
        return None
    if watch.expires is not None and abs((watch.expires - now).total_seconds() - wait.seconds) < 1:
        return None
    return (now + timedelta(seconds=wait.seconds)).replace(microsecond=0)


def words_of(entry: Entry) -> str:
    """Return the title of the notification about an entry."""
    match entry.kind:
        case EntryKind.OBTAINED | EntryKind.SEEN:
            return "Obtained"
        case EntryKind.LEASED:
            return "Lease set"
        case EntryKind.UNDO | EntryKind.PRICE:
            return "Above the ceiling"
        case EntryKind.UNDONE:
            return "Ended again"
        case EntryKind.REHEARSED:
            return "Dry run"
        case EntryKind.IDLE:
            return "Idle GPUs"
        case EntryKind.OVER:
            return {RuleState.DONE: "Rule done", RuleState.EXPIRED: "Rule expired"}.get(
                state_of(entry), "Rule failed"
            )
    return "Rule"
