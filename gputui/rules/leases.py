"""The decisions about leases: warn, send, verify, try again, alarm, end. Pure, deterministic.

Nothing is done to a row that is stale, of another generation or of unknown load, and nothing by a clock that may be
wrong. Whatever is not known is the reason that is shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gputui.formatting import format_minutes, status_text, thing_in_account
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Phase
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent, LeaseState
from gputui.rules.lease_log import LeaseLog

NOTICE = timedelta(seconds=60)
"""The least time between a warning and the request, unless no warning is wanted."""
VERIFY = timedelta(seconds=60)
"""The time for the server to show the effect of a request that it has answered."""
BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 600, 900))
"""Between two requests, after the first, the second, …"""
STUCK = timedelta(minutes=10)
"""The longest time that a row usually takes to stop."""
GONE_AFTER = timedelta(minutes=2)
"""How long a row is missing from complete lists before it is gone: a server may leave one out once."""
NEW_FOR = timedelta(minutes=15)
"""How long the row of a new lease may take to be listed."""
OVERDUE = timedelta(minutes=5)
"""How late an end may be before that is an alarm."""
ALARM_AGAIN = timedelta(hours=1)
ALARM_TRIES = 3
"""Requests without effect before that is an alarm."""
BLIND_AFTER = timedelta(minutes=30)
"""How long an idle rule may see nothing before that is announced."""
JUMP = timedelta(seconds=60)
"""An entry that is further in the future than this was written by a clock that has been set back."""
IDLE_WARNING = 3
"""The warning of an idle rule comes at most this part of its time before."""


@dataclass(frozen=True, slots=True)
class Load:
    """Whether the GPUs of a row work: ``busy``, ``idle`` for a time, or neither: unknown, for the reason ``problem``.

    ``memory`` are the bytes that processes use on idle GPUs.
    """

    busy: bool = False
    idle: timedelta | None = None
    memory: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """The users who are logged in; ``names`` None: unknown, for the reason ``problem``."""

    names: tuple[str, ...] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts at a time.

    ``now`` is the time of the server's clock where that is known, ``doubt`` why it may be wrong, '' where it is not.
    ``row`` is the row as listed, None where it is not; ``stale`` why its list is not up to date, '' where it is;
    ``whole``: the list lacks no row that it may be; ``missing`` is how long it was not in such lists.
    ``permitted``: the server permits the action in its state, ``under_way`` another change of it.
    ``read_since``: the list was requested after the last request for this lease had ended. ``watched`` is how long
    the lease has been followed as it is, ``blind`` how long its idle rule has seen nothing.
    """

    now: datetime
    doubt: str = ""
    account: bool = True
    read_only: bool = False
    row: Instance | Deployment | None = None
    stale: str = ""
    whole: bool = True
    missing: timedelta = timedelta()
    permitted: bool = True
    under_way: str = ""
    read_since: bool = True
    load: Load = Load()
    users: Users = Users()
    watched: timedelta = timedelta()
    blind: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Notice:
    """News for the user: ``title`` has the name of the row, ``text`` the details and the way out."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The steps now: the notice is announced, then the entries are written, then the request is sent.

    ``text`` says why the lease is in its state, ``ends`` when it ends, as far as that is known.
    """

    state: LeaseState
    text: str = ""
    ends: datetime | None = None
    entries: tuple[LeaseEntry, ...] = ()
    notice: Notice | None = None
    send: bool = False


def decide(lease: Lease, log: LeaseLog, facts: Facts) -> Decision:
    """Return what is to be done about a lease now."""
    return _Look(lease, log, facts).decide()


@dataclass(frozen=True, slots=True)
class _Due:
    """When a lease ends, and why; ``at`` None: not foreseeable, ``problem`` is why where that is a lack of facts."""

    at: datetime | None
    cause: str = ""
    idle: bool = False
    problem: str = ""


class _Look:
    """One look at a lease."""

    def __init__(self, lease: Lease, log: LeaseLog, facts: Facts) -> None:
        self.lease = lease
        self.log = log
        self.facts = facts
        self.passive = "released" if lease.action is LeaseAction.RELEASE else "stopped"

    def decide(self) -> Decision:
        lease, log, facts = self.lease, self.log, self.facts
        if log.over is not None:
            return Decision(log.state, log.over.text)
        if not facts.account:
            return self._end(f"{lease.ref.account} is not in the configuration any more: nothing was done.")
        if facts.stale:
            return self._unknown(f"{lease.ref.account}: {facts.stale}")
        row = facts.row
        if row is None:
            return self._absent()
        found, bound = generation_of(row), lease.generation or log.generation
        if found and not bound:
            return Decision(log.state, "", lease.until, (self._entry(LeaseEvent.BOUND, found),))
        if found != bound:
            if not found:
                return self._unknown("it could not be read: it may be another instance of its name")
            return self._end("Another instance has its name now: nothing was done to that.")
        if log.sent is not None and (over := self._outcome(row)) is not None:
            return over
        return self._by_time(row)

    # --- what became of the row ------------------------------------------------------------------------------

    def _absent(self) -> Decision:
        """Decide about a row that is not listed."""
        lease, log, facts = self.lease, self.log, self.facts
        if not facts.whole:
            return self._unknown("its list is incomplete: it may be among the missing rows")
        if facts.missing < GONE_AFTER:
            return self._unknown("it is missing from the list")
        if log.sent is not None:
            return self._done("is gone")
        if facts.watched < NEW_FOR and _passed(lease.created, facts.now) < NEW_FOR:
            return self._unknown("it is not in the list yet")
        return self._end("It is gone: it was deleted, or its server does not list it any more.")

    def _outcome(self, row: Instance | Deployment) -> Decision | None:
        """Return the outcome of a request that was sent; None where it has had no effect in its time."""
        log, facts = self.log, self.facts
        assert log.sent is not None  # noqa: S101  (the caller has looked)
        if not facts.read_since:
            return Decision(LeaseState.CHECKING, "the list is read again")
        if off := self._off(row):
            return self._done(f"is {off}")
        since = _passed(log.sent, facts.now)
        if row.phase is Phase.STOPPING:
            stopping = f"it is {status_text(row.status)}"
            if since < STUCK:
                return Decision(LeaseState.CHECKING, stopping)
            return self._hindered(
                _Due(log.first_sent), f"{stopping} for {format_minutes(int(since.total_seconds() / 60))}"
            )
        if log.answered and since < VERIFY:
            return Decision(LeaseState.CHECKING, "the server does not show the effect yet")
        return None

    def _off(self, row: Instance | Deployment) -> str:
        """Return the state of a row that is as at the end of the lease; '' where something is left to do."""
        releases = self.lease.action is LeaseAction.RELEASE
        if not releases and row.phase is Phase.STOPPED:
            return "stopped"
        # Some servers list what was released for a while, and what has failed until it is deleted.
        over = (Phase.STOPPED,) if releases else (Phase.STOPPED, Phase.FAILED)
        if row.phase in over and not self.facts.permitted:
            return status_text(row.status) or row.phase.value
        return ""

    # --- time ------------------------------------------------------------------------------------------------

    def _by_time(self, row: Instance | Deployment) -> Decision:
        log, facts = self.log, self.facts
        off = self._off(row)
        due = self._due(row)
        if due.at is None and (log.warned is not None or log.sent is not None):
            if not due.problem:
                return self._kept(due.cause)
            if log.sent is not None:
                problem = f"{self._failure(row)}, and {due.problem}"
                return self._hindered(_Due(log.first_sent), problem, LeaseState.RETRYING)
        if facts.doubt and due.at is not None and due.at <= facts.now:
            return self._unknown(facts.doubt)
        if due.at is None or due.at > facts.now:
            return self._early(due, off=off)
        if off:
            return self._end(f"It was {off} already.", LeaseEvent.DONE)
        return self._late(row, due)

    def _due(self, row: Instance | Deployment) -> _Due:
        """Return when it ends: at its time, or earlier by its idle rule."""
        lease, now = self.lease, self.facts.now
        dues = [_Due(lease.until, "its lease ends")] if lease.until is not None else []
        idle = self._idle_due(row) if lease.idle is not None else _Due(None)
        if idle.at is not None:
            dues.append(idle)
        if not dues:
            return idle
        first = min(dues, key=lambda due: due.at or now)
        if lease.not_before is not None and first.at is not None and first.at < lease.not_before:
            first = replace(first, at=lease.not_before)
        return replace(first, problem=idle.problem)

    def _idle_due(self, row: Instance | Deployment) -> _Due:
        lease, facts = self.lease, self.facts
        if row.phase is not Phase.RUNNING:
            return _Due(None, f"it is {status_text(row.status) or row.phase.value}")
        if facts.load.busy:
            return _Due(None, "its GPUs are in use")
        if facts.load.idle is None:
            return _Due(None, problem=facts.load.problem or "the load of its GPUs is unknown")
        if facts.users.names is None:
            return _Due(None, problem=facts.users.problem or "it is not known who is logged in")
        if facts.users.names:
            return _Due(None, f"logged in: {', '.join(facts.users.names)}")
        left = timedelta(minutes=lease.idle or 0) - self._idle_for()
        return _Due(facts.now + left, "its GPUs are idle, and no user is logged in", idle=True)

    def _idle_for(self) -> timedelta:
        """Return the idle time that counts: none before the lease was set, as it may be about to be used."""
        idle = self.facts.load.idle or timedelta()
        return min(idle, _passed(self.lease.created, self.facts.now))

    def _early(self, due: _Due, *, off: str) -> Decision:
        """Decide before the end: wait, or warn."""
        lease, log, facts = self.lease, self.log, self.facts
        if due.at is None and due.problem:
            return self._blind(due.problem)
        seen: tuple[LeaseEntry, ...] = ()
        if due.problem:
            if not log.blind and facts.blind >= BLIND_AFTER:
                return replace(self._blind(due.problem), state=log.state, ends=due.at)
        elif log.blind:
            seen = (self._entry(LeaseEvent.SIGHTED),)
        text = due.problem or (due.cause if due.at is None else "")
        if due.idle and not text and due.at is not None:
            idle = int(self._idle_for().total_seconds() / 60)
            text = f"its GPUs are idle for {format_minutes(idle)} of {format_minutes(lease.idle or 0)}"
        if due.at is None or off:
            return Decision(LeaseState.WAITING, text or f"it is {off}", due.at, seen)
        lead = timedelta(minutes=lease.warn)
        if due.idle:
            lead = min(lead, timedelta(minutes=lease.idle or 0) / IDLE_WARNING)
        if log.warned is not None:
            if due.at - facts.now > lead + JUMP:
                return self._kept("it ends later than it was warned about")
            return Decision(LeaseState.ENDS_SOON, text, due.at, seen)
        if due.at - facts.now > lead or not lease.warn:
            return Decision(LeaseState.WAITING, text, due.at, seen)
        return self._warn(due, seen)

    def _late(self, row: Instance | Deployment, due: _Due) -> Decision:
        """Decide at the end and after it: send, once it was warned about; then try again."""
        lease, log, facts = self.lease, self.log, self.facts
        if lease.warn:
            if log.warned is None:
                return self._warn(due, ())
            notice = min(NOTICE, timedelta(minutes=lease.warn))
            if _passed(log.warned, facts.now) < notice and log.sent is None:
                return Decision(LeaseState.ENDS_SOON, due.cause, log.warned + notice)
        if facts.read_only:
            return self._hindered(due, f"{lease.ref.account} is read-only here")
        if facts.under_way:
            return self._hindered(due, f"another change of it is under way: {facts.under_way}")
        if not facts.permitted:
            return self._hindered(due, f"it cannot be {self.passive} while {status_text(row.status)}")
        if log.sent is not None:
            wait = BACKOFF[min(log.tries, len(BACKOFF)) - 1]
            if _passed(log.sent, facts.now) < wait:
                return self._hindered(due, self._failure(row), LeaseState.RETRYING)
        entry = self._entry(LeaseEvent.SENT, due.cause)
        if log.tries >= ALARM_TRIES and self._alarm_due():
            alarm = self._alarm(self._failure(row))
            return replace(alarm, state=LeaseState.RETRYING, entries=(*alarm.entries, entry), send=True)
        return Decision(LeaseState.CHECKING, due.cause, None, (entry,), send=True)

    def _failure(self, row: Instance | Deployment) -> str:
        tries = "1 request" if self.log.tries == 1 else f"{self.log.tries} requests"
        answer = f": {self.log.answer}" if self.log.answer else ""
        return f"it is {status_text(row.status) or row.phase.value} after {tries}{answer}"

    # --- outcomes --------------------------------------------------------------------------------------------

    def _entry(self, what: LeaseEvent, text: str = "") -> LeaseEntry:
        return LeaseEntry(self.facts.now, what, self.lease.revision, text)

    def _warn(self, due: _Due, before: tuple[LeaseEntry, ...]) -> Decision:
        lease, now = self.lease, self.facts.now
        ends = max(due.at or now, now + min(NOTICE, timedelta(minutes=lease.warn)))
        left = format_minutes(max(1, round((ends - now).total_seconds() / 60)))
        entry = self._entry(LeaseEvent.WARNED, due.cause)
        text = f"{thing_in_account(lease.ref)}: {due.cause}."
        if due.idle and (used := self.facts.load.memory):
            text += f" Processes have {used / 2**30:.1f} GiB of GPU memory."
        text += f" Keep it: gputui lease {lease.ref} --extend 2h"
        ends_so = "is released" if lease.action is LeaseAction.RELEASE else "stops"
        notice = Notice(f"{lease.name} {ends_so} in {left}", text)
        return Decision(LeaseState.ENDS_SOON, due.cause, ends, (*before, entry), notice)

    def _kept(self, cause: str) -> Decision:
        return Decision(LeaseState.WAITING, cause, entries=(self._entry(LeaseEvent.KEPT, cause),))

    def _blind(self, problem: str) -> Decision:
        """Say once that an idle rule sees nothing: it does nothing then."""
        if self.log.blind or self.facts.blind < BLIND_AFTER:
            return Decision(LeaseState.UNKNOWN, problem)
        notice = Notice(
            f"{self.lease.name}: the idle rule does nothing",
            f"{thing_in_account(self.lease.ref)}: {problem}. The idle rule stops nothing until that is known.",
        )
        return Decision(LeaseState.UNKNOWN, problem, entries=(self._entry(LeaseEvent.BLIND, problem),), notice=notice)

    def _unknown(self, problem: str) -> Decision:
        """Do nothing, as the row is not known; an alarm where its time is over, or its end was requested."""
        lease, log, now = self.lease, self.log, self.facts.now
        over = lease.until is not None and lease.until <= now
        late = lease.until if over and (lease.not_before is None or lease.not_before <= now) else log.first_sent
        if late is not None:
            return self._hindered(_Due(late), problem)
        return Decision(LeaseState.UNKNOWN, problem, lease.until)

    def _hindered(self, due: _Due, problem: str, state: LeaseState = LeaseState.UNKNOWN) -> Decision:
        """Wait for what prevents the end; an alarm where that lasts."""
        facts = self.facts
        late = due.at is not None and facts.now - due.at >= OVERDUE and facts.watched >= OVERDUE
        if late and self._alarm_due():
            return replace(self._alarm(problem), state=state)
        return Decision(state, problem, due.at)

    def _alarm_due(self) -> bool:
        return self.log.alarmed is None or _passed(self.log.alarmed, self.facts.now) >= ALARM_AGAIN

    def _alarm(self, problem: str) -> Decision:
        lease = self.lease
        notice = Notice(
            f"{lease.name} is not {self.passive}",
            f"{thing_in_account(lease.ref)}: its lease is over, and {problem}. It may cost money: look at it.",
        )
        entry = self._entry(LeaseEvent.ALARMED, problem)
        return Decision(LeaseState.RETRYING, problem, entries=(entry,), notice=notice)

    def _done(self, how: str) -> Decision:
        lease = self.lease
        text = f"It {how}, as the server shows."
        notice = Notice(f"{lease.name} {how}", f"{thing_in_account(lease.ref)}: its lease is over.")
        return Decision(LeaseState.DONE, text, entries=(self._entry(LeaseEvent.DONE, text),), notice=notice)

    def _end(self, reason: str, what: LeaseEvent = LeaseEvent.ENDED) -> Decision:
        lease = self.lease
        notice = Notice(f"The lease of {lease.name} has ended", f"{thing_in_account(lease.ref)}: {reason}")
        state = LeaseState.DONE if what is LeaseEvent.DONE else LeaseState.ENDED
        return Decision(state, reason, entries=(self._entry(what, reason),), notice=notice)


def generation_of(row: Instance | Deployment) -> str:
    """Return what distinguishes a row from others of its name, earlier or later; '' where nothing does."""
    return (row.container_id or "") if isinstance(row, Instance) else ""


def _passed(since: datetime, now: datetime) -> timedelta:
    """Return the time since an entry; where that is in the future, the clock was set back: all time has passed."""
    return now - since if since - now <= JUMP else timedelta.max
