"""The service that enforces leases: reads what is known, decides, writes the journal, warns, stops, verifies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gputui.actions import ACTIONS
from gputui.agent.lease_arming import Followed, Inside
from gputui.agent.lease_facts import GPU_SECONDS, SOON, LeaseFacts
from gputui.agent.rule_reader import RuleReader
from gputui.agent.uptime import uptime
from gputui.completion import complete, write_in_thread
from gputui.errors import GputuiError, JournalError, UnknownOutcomeError
from gputui.formatting import thing_in_account
from gputui.models import Action, Deployment, Instance, Resource
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent, LeaseState
from gputui.models.notifications import Notification, Topic
from gputui.redaction import as_failure
from gputui.rules.files import RuleFiles, RulesRead
from gputui.rules.journal import Journal
from gputui.rules.lease_log import LeaseLog, fold
from gputui.rules.leases import ALARM_AGAIN, Decision, Facts, Load, Notice, Users, decide

if TYPE_CHECKING:
    from gputui.agent.services import AgentContext

PACE = 5.0
"""The time between two looks in seconds."""
_LIST_SECONDS = 30.0
"""The interval of lists on which a lease depends."""
_LAST_SECONDS = 8.0
"""How long a request that was sent is awaited when the agent ends."""


class LeaseService:
    """Enforces the leases in the agent's directory."""

    name = "leases"

    def __init__(self, agent: AgentContext, up: Callable[[], float] = uptime) -> None:
        self._agent = agent
        self._fleet = agent.fleet
        self._files = RuleFiles(agent.folder)
        self._journal: Journal[LeaseEntry] = Journal(agent.folder, LeaseEntry)
        self._up = up
        self._facts = LeaseFacts(agent.fleet, up)
        self._followed: dict[str, Followed] = {}
        self._reader = RuleReader(self._files, self._take)
        self._said: set[str] = set()
        self._inside = Inside(agent.fleet, self._facts, self._write_of_all, self._announce, up)

    @property
    def busy(self) -> bool:
        """Whether there is a lease to enforce."""
        return any(not one.decision.state.over or one.log.armed is not None for one in self._followed.values())

    @property
    def requests(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]]:
        """The states of the leases, for sessions."""
        return {"leases.status": self._status}

    async def _status(self, _: Mapping[str, Any]) -> Any:
        await self._reader.read()
        return {
            id_: {
                "revision": one.lease.revision,
                "state": one.decision.state.value,
                "text": one.decision.text,
                "arming": "" if one.arming is None else one.arming.problem,
                "ends": None if one.decision.ends is None else one.decision.ends.isoformat(),
            }
            for id_, one in self._followed.items()
        }

    async def run(self) -> None:
        """Enforce leases until cancelled."""
        try:
            while True:
                await self.look()
                await self._fleet.clock.sleep(PACE)
        finally:
            await self._facts.aclose()
            await self._inside.aclose()
            if sending := [one.sending for one in self._followed.values() if one.sending is not None]:
                await asyncio.wait(sending, timeout=_LAST_SECONDS)
                for task in sending:
                    task.cancel()

    async def look(self) -> None:
        """Look at all leases once."""
        await self._reader.read()
        self._facts.tick()
        for followed in list(self._followed.values()):
            self._inside.look(followed)
            if followed.decision.state.over or followed.sending is not None or not followed.readable:
                continue
            try:
                await self._look_at(followed)
            except JournalError as error:
                self._no_journal(followed, error)
            except Exception as error:  # a fault with one lease must not end the others
                self._agent.log.exception("lease %s failed", followed.lease.id)
                failure = as_failure(error, f"the lease of {followed.lease.name}")
                followed.decision = Decision(LeaseState.UNKNOWN, failure.message)

    # --- files -----------------------------------------------------------------------------------------------

    async def _take(self, found: RulesRead) -> None:
        """Follow the leases as their files are now."""
        for problem in found.problems:
            if problem.why not in self._said:
                self._said.add(problem.why)
                self._agent.log.warning("a rule is not enforced: %s", problem.why)
        # Accounts of the same name in another configuration are others.
        scopes = ("", str(self._agent.config_path))
        leases = {id_: rule for id_, rule in found.rules.items() if isinstance(rule, Lease) and rule.scope in scopes}
        for id_ in self._followed.keys() - leases.keys():
            del self._followed[id_]
        for id_, lease in leases.items():
            known = self._followed.get(id_)
            if known is not None and known.lease == lease:
                continue
            followed = await self._follow(lease)
            if known is not None:  # it was edited
                followed.sending, followed.read, followed.arming = known.sending, known.read, known.arming
                followed.absent_since, followed.blind_since = known.absent_since, known.blind_since
            self._followed[id_] = followed

    async def _follow(self, lease: Lease) -> Followed:
        """Read the journal of a lease; without it nothing is sent, as what was sent is not known."""
        followed = Followed(lease, LeaseLog(), self._up())
        try:
            followed.log = fold(lease, await asyncio.to_thread(self._journal.entries, lease.id))
        except JournalError as error:
            followed.readable = False
            self._no_journal(followed, error)
        if followed.log.over is not None:
            followed.decision = Decision(followed.log.state, followed.log.over.text)
        elif lease.removed:
            followed.decision = Decision(LeaseState.ENDED, "It was removed.")
        return followed

    async def _write(self, followed: Followed, entry: LeaseEntry) -> None:
        """Write an entry, then take it. Raises JournalError: then it is not taken."""
        await write_in_thread(self._journal.append, followed.lease.id, entry)
        if entry.revision == followed.lease.revision:
            followed.log = followed.log.take(entry)

    async def _write_of_all(self, followed: Followed, entry: LeaseEntry) -> None:
        """Write an entry that counts for all revisions; a removed lease ends when nothing is armed any more."""
        await complete(self._take_of_all(followed, entry))

    async def _take_of_all(self, followed: Followed, entry: LeaseEntry) -> None:
        lease = followed.lease
        current = self._followed.get(lease.id, followed)
        await write_in_thread(self._journal.append, lease.id, entry)
        current.log = current.log.take(entry)
        if entry.what is LeaseEvent.DISARMED and current.lease.removed:
            with suppress(GputuiError):  # another session has changed it
                await write_in_thread(self._files.delete, lease.id, current.lease.revision)

    def _no_journal(self, followed: Followed, error: JournalError) -> None:
        """Say that nothing is sent while the journal cannot be used."""
        lease, now = followed.lease, self._up()
        followed.decision = Decision(LeaseState.UNKNOWN, error.message, lease.until)
        if followed.journal_said is None or now - followed.journal_said >= ALARM_AGAIN.total_seconds():
            followed.journal_said = now
            text = f"{thing_in_account(lease.ref)}: {error}"
            self._announce(lease, Notice(f"The lease of {lease.name} is not enforced", text))

    # --- one lease -------------------------------------------------------------------------------------------

    async def _look_at(self, followed: Followed) -> None:
        facts = self._facts_of(followed)
        decision = decide(followed.lease, followed.log, facts)
        if decision.text != followed.decision.text or decision.state is not followed.decision.state:
            self._agent.log.info("lease of %s: %s %s", followed.lease.ref, decision.state.value, decision.text)
        if decision.send and not self._is_current(followed):
            return  # the files are read again first
        if decision.notice is not None:
            self._announce(followed.lease, decision.notice)
        for entry in decision.entries:
            await self._write(followed, entry)
        followed.decision = decision
        if decision.send and facts.row is not None and self._is_current(followed):
            followed.sending = asyncio.create_task(self._send(followed, facts.row))

    def _is_current(self, followed: Followed) -> bool:
        """Return whether no session has edited or removed the lease since it was read."""
        return self._followed.get(followed.lease.id) is followed and self._reader.is_current

    def _facts_of(self, followed: Followed) -> Facts:
        lease, fleet, facts = followed.lease, self._fleet, self._facts
        account = lease.ref.account
        if account not in fleet.accounts:
            return Facts(fleet.now(), account=False)
        now, doubt = facts.now(account)
        resource = fleet.kinds(account).get(lease.ref.kind, fleet.resource_of(lease.ref))
        stale = facts.stale(account, resource)
        found = fleet.get(lease.ref)
        row = found if isinstance(found, Instance | Deployment) else None
        up = self._up()
        if stale or row is not None:
            followed.absent_since = None
        elif followed.absent_since is None:
            followed.absent_since = up
        near = followed.log.sent is not None or (lease.until is not None and lease.until - now <= SOON)
        facts.keep_reading(account, [resource], every=PACE if near else _LIST_SECONDS)
        known = Facts(
            now,
            doubt=doubt,
            read_only=fleet.runtime(account).read_only,
            row=row,
            stale=stale,
            whole=facts.whole(account, resource),
            missing=timedelta(seconds=0 if followed.absent_since is None else up - followed.absent_since),
            read_since=followed.read is None or followed.read.done(),
            watched=timedelta(seconds=up - followed.since),
        )
        if row is None or stale:
            return known
        return self._with_row(followed, known, row)

    def _with_row(self, followed: Followed, known: Facts, row: Instance | Deployment) -> Facts:
        """Add what depends on the row."""
        lease, fleet = followed.lease, self._fleet
        problem = self._parent_problem(row)
        pending = fleet.mutations.pending(row.ref)
        load, users = Load(), Users()
        if lease.idle is not None:
            load, users = self._use_of(followed, row)
        return replace(
            known,
            stale=problem,
            permitted=_action(lease) in fleet.actions(row),
            under_way="" if pending is None else ACTIONS[pending.action].progress,
            load=load,
            users=users,
            blind=timedelta(seconds=0 if followed.blind_since is None else self._up() - followed.blind_since),
        )

    def _use_of(self, followed: Followed, row: Instance | Deployment) -> tuple[Load, Users]:
        """Return the load and the users of a row; notes since when they are not known."""
        facts, minutes = self._facts, followed.lease.idle or 0
        resources = [Resource.GPUS, *([Resource.INSTANCES] if isinstance(row, Deployment) else [])]
        facts.keep_reading(row.ref.account, resources, every=GPU_SECONDS)
        load = facts.load(row)
        left = None if load.idle is None else timedelta(minutes=minutes) - load.idle
        soon = left is not None and left <= max(SOON, timedelta(minutes=followed.lease.warn))
        users = facts.users(row, soon=soon, now=left is not None and left <= timedelta())
        blind = not load.busy and (load.idle is None or users.names is None)
        if not blind:
            followed.blind_since = None
        elif followed.blind_since is None:
            followed.blind_since = self._up()
        return load, users

    def _parent_problem(self, row: Instance | Deployment) -> str:
        """Return that it is unknown whether another instance would start in its place; '' where it is known."""
        if not isinstance(row, Instance) or row.parent is None or not self._fleet.options(row, Action.STOP):
            return ""
        self._facts.keep_reading(row.ref.account, [Resource.DEPLOYMENTS], every=_LIST_SECONDS)
        if self._fleet.find(Deployment, row.parent) is None:
            return "its deployment is not read yet"
        return ""

    # --- the request -----------------------------------------------------------------------------------------

    async def _send(self, followed: Followed, row: Instance | Deployment) -> None:
        """Send the request, and write what became of it. Nothing is raised."""
        lease, fleet = followed.lease, self._fleet
        action = _action(lease)
        try:
            try:
                result = await fleet.act(row.ref, action, arguments=self._arguments(row, action), expected=row)
            except UnknownOutcomeError as error:
                what, text = LeaseEvent.LOST, error.message
            except GputuiError as error:
                what, text = LeaseEvent.REFUSED, error.message
            except Exception as error:
                self._agent.log.exception("the request for %s failed", row.ref)
                what, text = LeaseEvent.LOST, as_failure(error, f"the request for {lease.name}").message
            else:
                what, text = LeaseEvent.ANSWERED, result.message
            self._agent.log.info("%s %s: %s %s", action.value, row.ref, what.value, text)
            now, _ = self._facts.now(lease.ref.account)
            current = self._followed.get(lease.id, followed)
            await self._write(current, LeaseEntry(now, what, lease.revision, text))
        except JournalError as error:
            self._no_journal(followed, error)
        finally:
            current = self._followed.get(lease.id, followed)
            current.read = fleet.refresh_after(row.ref, action)
            current.sending = followed.sending = None

    def _arguments(self, row: Instance | Deployment, action: Action) -> Mapping[str, str]:
        """Return the options without which a running row is not released, or is replaced by another one."""
        options = self._fleet.options(row, action)
        chosen = options & {"stop_first", "force"}
        if action is Action.STOP and "decrease_replicas" in options and isinstance(row, Instance):
            parent = self._fleet.find(Deployment, row.parent)
            if parent is not None and Action.SCALE in self._fleet.actions(parent):
                chosen |= {"decrease_replicas"}
        return dict.fromkeys(sorted(chosen), "true")

    def _announce(self, lease: Lease, notice: Notice) -> None:
        now = self._fleet.now()
        self._agent.notifier.announce(
            Notification(Topic.LEASE, notice.title, notice.text, now, lease.ref.account, lease.ref)
        )


def _action(lease: Lease) -> Action:
    return Action.DELETE if lease.action is LeaseAction.RELEASE else Action.STOP
