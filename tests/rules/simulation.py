"""One grab in a simulated world: stock that flickers, prices that change, servers and a machine that fail.

Everything follows from the seed. The process of the rule may end before and after each of its effects, the machine
may restart or sleep, its clock may be set, its disk may be full; answers get lost, creates happen late, are listed
late or are forgotten. :func:`simulate` checks all the while that nothing is bought that should not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from gputui.models import Money, Ref
from gputui.models.rules import Candidate, Grab, Quiet, Watch
from gputui.rules.effects import (
    Answer,
    Append,
    Chance,
    Effect,
    Failure,
    Find,
    Found,
    Idle,
    Look,
    Notice,
    Now,
    Order,
    Reply,
    Seen,
    Send,
    SetLease,
    Undo,
    Wait,
)
from gputui.rules.engine import Grabber
from gputui.rules.journal import Entry, EntryKind
from gputui.rules.orders import candidate_key
from gputui.rules.schedule import SETTLE
from tests.rules.promises import PAUSE, BrokenPromiseError, check, check_explained, check_send

BEGIN = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
SLOT = 60.0
LATEST = SETTLE - 60.0
"""How long after a request a server may still perform it."""


class _CrashError(Exception):
    """The process of the rule has ended."""


@dataclass
class Thing:
    """Something on a server."""

    name: str
    ref: Ref
    candidate: int
    price: Decimal
    sent: float
    listed: float
    runs: float
    """When it runs, and has its price."""
    ended: bool = False


@dataclass
class World:
    """The servers, the machine and its user."""

    seed: int
    faults: bool = True
    random: Random = field(init=False)
    t: float = 0.0
    up: float = 5_000.0
    boot: int = 0
    shift: float = 0.0
    restarts: int = 0
    sets: int = 0
    things: list[Thing] = field(default_factory=list)
    late: list[tuple[float, Thing]] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)
    notices: list[Entry] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    full_until: float = 0.0
    effects: Counter[str] = field(default_factory=Counter)
    deleted: bool = False
    removed: bool = False
    sends: int = 0
    calm_since: float = 0.0
    crashes: int = 0
    sent: set[str] = field(default_factory=set)
    """The names of all requests."""
    resting: dict[int, float] = field(default_factory=dict)
    """Until when a candidate is not to be sent, after an answer that nothing was created."""
    leased: set[str] = field(default_factory=set)
    """The names of the things whose lease was saved."""
    looked: dict[str, float] = field(default_factory=dict)
    """When all was listed last without a name."""
    shown: tuple[float, Sequence[Chance]] = (0.0, ())
    """What the rule has seen last, and when."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        chance = self.random
        accounts = chance.choice([["hub"], ["hub", "yotta"], ["hub", "hub", "yotta"]])
        candidates = tuple(
            Candidate(
                account,
                "pod",
                "run-g7k2-",
                limit_field=chance.choice(["", "price_to"]),
                parallel=chance.choice([1, 1, 2]),
                models=(f"model {number}",),
            )
            for number, account in enumerate(accounts)
        )
        ceiling = Decimal(chance.choice(["1.00", "1.50", "2.00"]))
        hours = Decimal(chance.choice([1, 4, 24]))
        count = chance.choice([1, 1, 2, 3])

        def budget() -> Money | None:
            times = chance.choice([None, None, 1, 2, 4])
            return None if times is None else Money(ceiling * hours * times, "USD")

        grab = Grab(
            candidates,
            count,
            Money(ceiling, "USD"),
            hours,
            budget=budget(),
            budget_day=budget(),
            unpriced=chance.random() < 0.3,
            lease=self.seed % 2 == 0,
        )
        expires = chance.choice([None, timedelta(hours=2), timedelta(hours=30)])
        self.watch = Watch(
            "g7k2",
            "/c.toml",
            "me",
            BEGIN,
            grab=grab,
            expires=None if expires is None else BEGIN + expires,
            quiet=chance.choice([None, None, Quiet(90, 200), Quiet(23 * 60, 60)]),
        )
        self.length = chance.choice([3_600.0, 3 * 3_600.0, 40 * 3_600.0])
        self.trouble = chance.choice([0.0, 0.02, 0.1, 0.3])
        """How often the process, the machine or the disk fails, at each effect."""
        self.unreliable = chance.choice([0.0, 0.2, 0.6])
        """How often a server fails."""

    # What the rule sees.

    def rule(self) -> Watch | None:
        return None if self.deleted else self.watch

    def now(self) -> Now:
        at = BEGIN + timedelta(seconds=self.t + self.shift)
        return Now(at, at.hour * 60 + at.minute, self.up, str(self.boot))

    def missing(self) -> str:
        return "hub" if self.removed else ""

    def idle(self) -> Sequence[Idle]:
        return ()

    def chances(self) -> Sequence[Chance]:
        found = [
            Chance(number, self._shown_price(number), self._has_stock(number, self.t))
            for number in range(len(self.grab.candidates))
        ]
        self.shown = (self.t, found)
        return found

    @property
    def grab(self) -> Grab:
        assert self.watch.grab is not None
        return self.watch.grab

    def _slot(self, number: int, t: float, what: str) -> float:
        return Random(f"{self.seed}/{number}/{int(t // SLOT)}/{what}").random()

    def _has_stock(self, number: int, t: float) -> bool:
        return self._slot(number, t, "stock") < 0.3

    def _price(self, number: int, t: float) -> Decimal:
        return Decimal(round(60 + 170 * self._slot(number, t, "price"))) / 100

    def _shown_price(self, number: int) -> Money | None:
        shown = Random(f"{self.seed}/{number}").random() < 0.8
        # The list of offers is some seconds old.
        return Money(self._price(number, max(0.0, self.t - 4.0)), "USD") if shown else None

    # What happens.

    def pass_time(self, seconds: float) -> None:
        self.t += seconds
        self.up += seconds
        for at, thing in list(self.late):
            if at <= self.t:
                self.late.remove((at, thing))
                self.things.append(thing)

    def fails(self, share: float) -> bool:
        return self.faults and self.random.random() < share

    def perform(self, effect: Effect) -> Reply:
        """Perform an effect, or let the process end before or after it."""
        self.effects[type(effect).__name__] += 1
        if self.fails(self.trouble / 2):
            raise _CrashError
        reply = self._perform(effect)
        if self.fails(self.trouble / 2):
            raise _CrashError
        return reply

    def _perform(self, effect: Effect) -> Reply:
        match effect:
            case Append(entry):
                self.pass_time(self.random.uniform(0.001, 0.01))
                return self._append(entry)
            case Send(order):
                return self._send(order)
            case Find(order):
                return self._find(order)
            case Look(order):
                self.pass_time(self.random.uniform(0.05, 1.0))
                if self.fails(self.unreliable / 2):
                    return Failure("No answer.")
                return self._look(order)
            case Undo(order):
                return self._undo(order)
            case SetLease(order):
                if self.t < self.full_until or self.fails(self.trouble):
                    return Failure("Another process has locked the rules.")
                self.leased.add(order.name)
                return Answer(EntryKind.LEASED, "A lease ends it.")
            case Notice(entry):
                self.notices.append(entry)
            case Wait(seconds):
                self.waits.append(effect)
                to_next = SLOT - self.t % SLOT
                self.pass_time(max(0.001, min(to_next if seconds is None else seconds, to_next)))
                self._user()
        return None

    def _append(self, entry: Entry) -> Reply:
        if self.t < self.full_until or self.fails(self.trouble / 10):
            self.full_until = max(self.full_until, self.t + self.random.choice([0.0, 100.0]))
            return Failure("No space left on device.")
        self.journal.append(entry)
        if entry.kind is EntryKind.INTENT:  # the disk may be slow, the machine sleep, the user edit meanwhile
            if self.fails(self.trouble / 4):
                self.pass_time(self.random.choice([30.0, 3_600.0]))
            self._user()
        return None

    def _send(self, order: Order) -> Reply:
        self.sends += 1
        assert order.candidate is not None and order.most is not None
        number = self._number_of(order.candidate)
        check_send(self, order, number)
        self.sent.add(order.name)
        answer = self._answer(order, number)
        if answer.kind in {EntryKind.NO_STOCK, EntryKind.NOT_SENT}:
            self.resting[number] = self.t + max(PAUSE, answer.wait)
        return answer

    def _number_of(self, candidate: Candidate) -> int:
        keys = [(one.account, candidate_key(one)) for one in self.grab.candidates]
        return keys.index((candidate.account, candidate_key(candidate)))

    def _answer(self, order: Order, number: int) -> Answer:
        assert order.candidate is not None and order.most is not None
        begun = self.t
        self.pass_time(self.random.uniform(0.05, 2.0))
        price = self._price(number, self.t)
        refused = order.candidate.limit_field and price > order.most.amount
        if self.fails(self.unreliable / 40):
            return Answer(EntryKind.REFUSED, "The image is not there.")
        if self.fails(self.unreliable / 4):
            return Answer(EntryKind.NOT_SENT, "No connection.", wait=self.random.choice([0.0, 5.0, 120.0]))
        if refused or not self._has_stock(number, self.t) or self.fails(self.unreliable / 4):
            if self.fails(self.unreliable / 4):
                return Answer(EntryKind.UNKNOWN, "No answer.")
            return Answer(EntryKind.NO_STOCK, "There is no stock.")
        ref = Ref(order.account, "pod", f"p{len(self.things) + len(self.late) + 1}-{self.t:.3f}")
        lag = self.random.choice([0.0, 0.0, 3.0, 90.0]) if self.faults else 0.0
        runs = begun + self.random.choice([40.0, 40.0, 40.0, 900.0])
        thing = Thing(order.name, ref, number, price, begun, self.t + lag, runs)
        if self.fails(self.unreliable / 6):
            return Answer(EntryKind.OBTAINED, "Created.", ref)  # and forgotten
        if self.fails(self.unreliable / 4):
            self.late.append((begun + self.random.uniform(1.0, LATEST), replace(thing, listed=0.0)))
            return Answer(EntryKind.UNKNOWN, "No answer.")
        self.things.append(thing)
        if self.fails(self.unreliable / 3):
            self.pass_time(self.random.choice([1.0, 60.0]))
            return Answer(EntryKind.UNKNOWN, "No answer.")
        return Answer(EntryKind.OBTAINED, "Created.", ref if self.random.random() < 0.9 else None)

    def _listed(self, account: str) -> list[Thing]:
        return [one for one in self.things if one.ref.account == account and one.listed <= self.t]

    def _find(self, order: Order) -> Reply:
        self.pass_time(self.random.uniform(0.05, 1.0))
        if self.fails(self.unreliable / 2):
            return Failure("No answer.")
        refs = [one.ref for one in self._listed(order.account) if one.name == order.name]
        if not refs:
            self.looked[order.name] = self.t
        return Found(refs)

    def _undo(self, order: Order) -> Reply:
        self.pass_time(self.random.uniform(0.05, 1.0))
        if self.fails(self.unreliable):
            return Failure("No answer.")
        if self.fails(self.unreliable / 2):
            return None  # answered, and nothing was done
        for thing in self._listed(order.account):
            if thing.name == order.name:
                thing.ended = True
        return None

    def _look(self, order: Order) -> Seen:
        for one in self._listed(order.account):
            if one.name == order.name:
                price = Money(one.price, "USD") if self.t >= one.runs else None
                return Seen(True, one.ended, price, one.ref, starts=price is None)
        return Seen(there=False)

    def _user(self) -> None:
        """Let the user edit the rule, sometimes."""
        if self.fails(0.01):
            self.watch = replace(self.watch, paused=not self.watch.paused, revision=self.watch.revision + 1)
        if self.fails(0.003):
            grab = replace(self.grab, count=self.random.choice([1, 2, 3]))
            self.watch = replace(self.watch, grab=grab, revision=self.watch.revision + 1)

    def restart(self) -> None:
        """Let the process begin again: after a crash, a restart of the machine, a sleep, a change of the clock."""
        self.crashes += 1
        match self.random.randrange(5):
            case 0:
                self.pass_time(20.0 + 200.0 * self.random.random())
                self.boot, self.up = self.boot + 1, 10.0
                self.restarts += 1
            case 1:
                self.pass_time(self.random.choice([60.0, 3_600.0, 9 * 3_600.0]))
            case 2:
                self.shift += self.random.choice([-1, 1]) * self.random.choice([30.0, 3_600.0, 50 * 3_600.0])
                self.sets += 1
            case _:
                self.pass_time(self.random.uniform(0.1, 20.0))


def _drive(world: World, until: float, limit: int = 60_000) -> bool:
    """Run the rule until a time; returns whether it is over."""
    while world.t < until:
        grabber = Grabber(world.journal, world)
        steps = grabber.run()
        reply: Reply = None
        try:
            while world.t < until:
                limit -= 1
                if limit < 0:
                    raise BrokenPromiseError("the rule does not rest")
                effect = steps.send(reply)
                reply = world.perform(effect)
                check(world)
        except StopIteration:
            return True
        except _CrashError:
            check(world)
            world.restart()
    return False


def simulate(seed: int) -> World:
    """Run one world, then let it rest without faults, and check all promises."""
    world = World(seed)
    over = _drive(world, world.length)
    world.faults, world.calm_since, world.full_until = False, world.t, 0.0
    if world.random.random() < 0.02:
        world.removed = True
        _drive(world, world.t + SETTLE)
    elif over:
        world.pass_time(4 * SETTLE)  # what was obtained is to have its price now
    else:
        _drive(world, world.t + 4 * SETTLE)
        # The last word: whatever is under way has its outcome.
        world.watch = replace(world.watch, paused=True, revision=world.watch.revision + 1)
        _drive(world, world.t + 4 * SETTLE)
    check(world)
    check_explained(world)
    return world
