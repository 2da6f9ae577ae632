"""A rule that a test drives: its clock and stock, and the answers to its effects."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gputui.models import Money, Ref
from gputui.models.rules import Candidate, Grab, Watch
from gputui.rules.effects import (
    Answer,
    Append,
    Chance,
    Effect,
    Find,
    Found,
    Idle,
    Look,
    Now,
    Reply,
    Seen,
    Send,
    Wait,
)
from gputui.rules.engine import Grabber
from gputui.rules.journal import Entry, EntryKind

AT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def candidate(account: str = "hub", **more: object) -> Candidate:
    return replace(Candidate(account, "pod", "run-g7k2-"), **more)  # type: ignore[arg-type]


def grabbing(*candidates: Candidate, count: int = 1, **more: object) -> Watch:
    grab = replace(Grab(candidates, count, usd("2.00")), **more)  # type: ignore[arg-type]
    return Watch("g7k2", "/c.toml", "me", AT, grab=grab)


class Around:
    """A rule, a clock and stock, as a test sets them."""

    def __init__(self, watch: Watch, *chances: Chance) -> None:
        self.watch: Watch | None = watch
        self.stock: Sequence[Chance] = chances or (Chance(0, usd("1.00"), enough=True),)
        self.offers: Sequence[Idle] = ()
        self.removed = ""
        self.at, self.up, self.boot = AT, 5000.0, "1"
        self.journal: list[Entry] = []

    def rule(self) -> Watch | None:
        return self.watch

    def now(self) -> Now:
        return Now(self.at, self.at.hour * 60 + self.at.minute, self.up, self.boot)

    def chances(self) -> Sequence[Chance]:
        return self.stock

    def idle(self) -> Sequence[Idle]:
        return self.offers

    def missing(self) -> str:
        return self.removed

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.up += seconds


def drive(around: Around, answers: Callable[[Effect], Reply], *, limit: int = 200) -> list[Effect]:
    """Run a grab until it waits for longer than a minute, or is over; returns its effects."""
    steps = Grabber(around.journal, around).run()
    effects: list[Effect] = []
    reply: Reply = None
    for _ in range(limit):
        try:
            effect = steps.send(reply)
        except StopIteration:
            break
        effects.append(effect)
        if isinstance(effect, Append):
            reply = answers(effect)
            if reply is None:
                around.journal.append(effect.entry)
            continue
        if isinstance(effect, Wait):
            if effect.seconds is None or effect.seconds > 60:
                break
            around.later(effect.seconds)
            reply = None
            continue
        reply = answers(effect)
    return effects


def sent(effects: Sequence[Effect]) -> list[str]:
    return [f"{one.order.account} {one.order.name}" for one in effects if isinstance(one, Send)]


def over(around: Around) -> tuple[str, str]:
    last = around.journal[-1] if around.journal[-1].kind is EntryKind.OVER else around.journal[-2]
    assert last.kind is EntryKind.OVER
    return last.state, last.text


def well(effect: Effect) -> Reply:
    match effect:
        case Send(order):
            return Answer(EntryKind.OBTAINED, "Created.", Ref(order.account, "pod", "p1"))
        case Look():
            return Seen(there=True, price=usd("1.00"))
        case Find():
            return Found(())
    return None
