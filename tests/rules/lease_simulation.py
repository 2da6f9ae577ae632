"""A seeded world around one lease: a server that fails in all ways, clocks, crashes, edits, users and their GPUs.

What the decisions ask for is checked against the world, which knows the truth. The journal is a list: what was
written before a crash is there afterwards, the memory of the agent is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from gputui.models import Instance, Phase, Ref
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent
from gputui.rules.lease_log import LeaseLog, fold
from gputui.rules.leases import GONE_AFTER, NOTICE, OVERDUE, Facts, Load, Users, decide

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
REF = Ref("hub", "instance", "main")
STEP = timedelta(seconds=20)
_SLOW = timedelta(minutes=3)
_BETWEEN = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 600, 900))
"""The least time after each request, in figures of its own."""


class CrashError(Exception):
    """The agent dies here."""


@dataclass
class Run:
    """One run. ``requests`` are the times of those sent, ``said`` the titles of the notices."""

    seed: int
    requests: list[datetime] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    journal: list[LeaseEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random = Random(self.seed)
        self.now = START
        """The true time."""
        self.ahead = timedelta()
        """How far the clock of this machine is wrong."""
        self.phase = Phase.RUNNING
        self.generation = "c1"
        self.listed = self.fresh = True
        self.flickers = False
        """Whether the row that is not listed will be again."""
        self.stopping_until: datetime | None = None
        self.idle_since: datetime | None = START if random.random() < 0.6 else None
        self.seen_since = START
        self.users: tuple[str, ...] | None = ()
        self.knows_load = random.random() < 0.8
        self.accepts = random.choice((1.0, 0.5, 0.0))
        """The chance that a request has an effect."""
        self.absent_since: datetime | None = None
        self.read_since = True
        self.read_only = self.part = False
        self.under_way = ""
        self._seen = self._true_row
        """The row as it was read last."""
        self._log: tuple[int, int, LeaseLog] | None = None
        self.started = START
        warn = random.choice((0, 1, 5, 15))
        idle = random.choice((None, None, 10, 30))
        until = (
            START + timedelta(minutes=random.choice((1, 10, 60))) if idle is None or random.random() < 0.5 else None
        )
        early = random.random() < 0.3
        self.lease = Lease(
            "l234",
            REF,
            "main",
            START,
            LeaseAction.RELEASE if random.random() < 0.2 else LeaseAction.STOP,
            until,
            idle,
            START + timedelta(minutes=25) if early else None,
            warn,
            generation="c1",
            revision=1,
        )

    # --- the world -------------------------------------------------------------------------------------------

    @property
    def _true_row(self) -> Instance | None:
        if not self.listed:
            return None
        return Instance(REF, "main", self.phase, self.phase.value, container_id=self.generation)

    @property
    def log(self) -> LeaseLog:
        """The journal, folded."""
        key = (self.lease.revision, len(self.journal))
        if self._log is None or self._log[:2] != key:
            self._log = (*key, fold(self.lease, self.journal))
        return self._log[2]

    def _pass(self) -> None:
        """Let time pass, and something happen."""
        chance, step = self.random, STEP
        if chance.random() < 0.01:
            step = timedelta(hours=chance.choice((1, 8)))  # the machine sleeps
            self.seen_since = self.now + step
        self.now += step
        if self.stopping_until is not None and self.now >= self.stopping_until:
            self.phase, self.stopping_until = Phase.STOPPED, None
            if self.lease.action is LeaseAction.RELEASE:
                self.listed = False
        roll = chance.random()
        if roll < 0.02:
            self.fresh = not self.fresh
        elif roll < 0.04:
            self.idle_since = None if self.idle_since is not None else self.now
        elif roll < 0.05:
            self.users = chance.choice(((), ("ada",), None))
        elif roll < 0.06:
            self.knows_load = not self.knows_load
            self.seen_since = self.now
        elif roll < 0.063:
            self.listed, self.flickers = False, chance.random() < 0.8
        elif roll < 0.065:
            self.generation = "c2"
        elif roll < 0.07:
            self.ahead = timedelta(minutes=chance.choice((-600, -5, 0, 7, 900)))
        elif roll < 0.08:
            self._edit()

    def _obstruct(self) -> None:
        """Let something prevent the request, or allow it again."""
        roll = self.random.random()
        if roll < 0.005:
            self.under_way = "" if self.under_way else "starting"
        elif roll < 0.007:
            self.read_only = not self.read_only
        elif roll < 0.015:
            self.part = not self.part

    def _recover(self) -> None:
        if not self.fresh and self.random.random() < 0.1:
            self.fresh = True
        if not self.listed and self.flickers and self.random.random() < 0.3:
            self.listed, self.flickers = True, False

    def _edit(self) -> None:
        if self.lease.until is not None:
            later = max(self.lease.until, self.now) + timedelta(minutes=20)
            self.lease = replace(self.lease, until=later, revision=self.lease.revision + 1)
            self.started = self.now

    @property
    def idle_for(self) -> timedelta | None:
        """How long the GPUs have really been idle, as far as that was seen."""
        if self.idle_since is None or self.phase is not Phase.RUNNING:
            return None
        return self.now - max(self.idle_since, self.seen_since)

    def _facts(self) -> Facts:
        trusted = self.random.random() < 0.9
        if self.listed or not self.fresh:
            self.absent_since = None
        elif self.absent_since is None:
            self.absent_since = self.now
        if self.fresh and self.read_since:
            self._seen = self._true_row
        load = Load(busy=self.idle_since is None, idle=self.idle_for) if self.knows_load else Load(problem="unknown")
        return Facts(
            self.now if trusted else self.now + self.ahead,
            doubt="" if trusted or not self.ahead else "the clock was set",
            row=self._seen,
            stale="" if self.fresh else "no answer",
            whole=not self.part,
            read_only=self.read_only,
            under_way=self.under_way,
            missing=timedelta() if self.absent_since is None else self.now - self.absent_since,
            permitted=self.phase is Phase.RUNNING
            or (self.lease.action is LeaseAction.RELEASE and self.phase is Phase.STOPPED),
            read_since=self.read_since,
            load=load,
            users=Users(self.users),
            watched=self.now - self.started,
        )

    # --- the agent -------------------------------------------------------------------------------------------

    def _die(self, chance: float) -> None:
        if self.random.random() < chance:
            raise CrashError

    def look(self) -> None:
        """Decide once, and do what is decided; checks that it may be done."""
        facts = self._facts()
        decision = decide(self.lease, self.log, facts)
        if decision.notice is not None:
            self.said.append(decision.notice.title)
        self._die(0.02)
        for entry in decision.entries:
            self.journal.append(entry)
            self._die(0.02)
        if decision.entries and decision.state.over and "gone" in decision.text:
            missing = facts.missing
            assert not self.part, f"seed {self.seed}: it may be in the missing part of the list"
            assert not self.listed and missing >= GONE_AFTER, f"seed {self.seed}: left out for {missing} only"
        if any(entry.what is LeaseEvent.DONE for entry in decision.entries):
            ended = self.phase is Phase.STOPPED or not self.listed
            assert ended, f"seed {self.seed} at {self.now}: it is {self.phase.value}, and was believed to have ended"
        if decision.send:
            self._check(facts)
            self._send()

    def _send(self) -> None:
        self.requests.append(self.now)
        if self.random.random() < self.accepts:
            self.phase = Phase.STOPPING
            self.stopping_until = self.now + self.random.choice((STEP, _SLOW))
        self.read_since = False
        self._die(0.05)
        what = self.random.choice((LeaseEvent.ANSWERED, LeaseEvent.REFUSED, LeaseEvent.LOST))
        self.journal.append(LeaseEntry(self.now, what, self.lease.revision, what.value))

    def _check(self, facts: Facts) -> None:
        """Raise AssertionError where the request may not be sent."""
        lease, where = self.lease, f"seed {self.seed} at {self.now}"
        log = self.log
        assert not self.read_only, f"{where}: the account is read-only"
        assert not self.under_way, f"{where}: it is {self.under_way}"
        if self.requests and log.tries > 1:
            wait = self.now - self.requests[-1]
            assert wait >= _BETWEEN[min(log.tries - 1, len(_BETWEEN)) - 1], f"{where}: after {wait} again"
        assert self.fresh and self.listed, f"{where}: the row is not known"
        assert facts.permitted, f"{where}: its server does not permit that"
        assert self.generation == lease.generation, f"{where}: another instance"
        assert log.sent == facts.now, f"{where}: not in the journal"
        assert lease.not_before is None or self.now >= lease.not_before, f"{where}: too early"
        idle = (
            lease.idle is not None
            and self.knows_load
            and self.users == ()
            and self.idle_for is not None
            and self.idle_for >= timedelta(minutes=lease.idle)
        )
        over = lease.until is not None and self.now >= lease.until
        assert over or idle, f"{where}: it has not ended"
        if lease.warn:
            assert log.warned is not None, f"{where}: no warning"
            if abs(self.ahead) < timedelta(minutes=1):
                assert self.now - log.warned >= min(NOTICE, timedelta(minutes=lease.warn)), f"{where}: no time"

    def run(self, steps: int) -> Run:
        """Let the world go on; an agent that has crashed is started again."""
        for _ in range(steps):
            try:
                self.look()
            except CrashError:
                self.started, self.read_since = self.now, True
            self._pass()
            self._obstruct()
            self._recover()
            if self.random.random() < 0.5:
                self.read_since = True
        return self

    def settle(self) -> Run:
        """Let all failures end, and look on for two hours: the row has to be stopped, or that is an alarm."""
        self.fresh = True
        self.ahead = timedelta()
        self.read_only = self.part = False
        self.under_way = ""
        for _ in range(400):
            if self.log.over is not None:
                break
            try:
                self.look()
            except CrashError:
                self.started = self.now
            self.read_since = True
            self.now += STEP
            if self.stopping_until is not None and self.now >= self.stopping_until:
                self.phase, self.stopping_until = Phase.STOPPED, None
                if self.lease.action is LeaseAction.RELEASE:
                    self.listed = False
        return self

    def explain(self) -> None:
        """Raise AssertionError where a lease whose time is over has no explained outcome."""
        log = self.log
        if log.over is not None:
            assert log.over.text, f"seed {self.seed}: it ended without a reason"
            return
        until, late = self.lease.until, self.now - 2 * OVERDUE
        if until is None or until > late or (self.lease.not_before or until) > late:
            return
        assert any(title.endswith(("is not stopped", "is not released")) for title in self.said), (
            f"seed {self.seed}: neither stopped nor an alarm, {log}"
        )
