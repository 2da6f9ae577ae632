"""The service that runs watches and grabs: one task a rule, which performs the effects of its engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gputui.agent.rule_news import RuleNews
from gputui.agent.rule_reader import RuleReader
from gputui.agent.rule_requests import RuleRequests
from gputui.agent.rule_stock import RuleStock
from gputui.agent.uptime import Uptime
from gputui.completion import write_in_thread
from gputui.errors import GputuiError, JournalError
from gputui.late_dataclasses import dataclass
from gputui.models import Resource
from gputui.models.rules import RuleState, RuleStatus, Watch
from gputui.models.serialize import to_plain
from gputui.redaction import as_failure
from gputui.rules.compaction import kept
from gputui.rules.effects import (
    Append,
    Chance,
    Effect,
    Failure,
    Find,
    Idle,
    Look,
    Notice,
    Now,
    Reply,
    Send,
    SetLease,
    Undo,
    Wait,
)
from gputui.rules.engine import Grabber, Steps
from gputui.rules.files import RuleFiles, RulesRead
from gputui.rules.journal import Entry, Journal
from gputui.rules.orders import UNSETTLED, Orders
from gputui.rules.status import accounts_of, status_of
from gputui.rules.watcher import Watcher

if TYPE_CHECKING:
    from gputui.agent.services import AgentContext

PACE = 2.0
"""The time between two looks at the files of rules, in seconds; a session that changes one says so."""
NOTICE_PACE = 30.0
"""The least interval at which the stock is polled for watches that notify and create nothing, in seconds."""
LAST_SECONDS = 8.0
"""How long a request that was sent is awaited when the agent ends."""
_AGAIN_SECONDS = 30.0
SHORTEN_BYTES = 8 * 2**20
"""A journal of this length is shortened: a grab that tries for weeks would reach that at which none is read."""


@dataclass(slots=True, eq=False)
class Run:
    """A rule that is followed; what its engine sees."""

    service: RuleService
    watch: Watch | None
    machine: Grabber | Watcher | None = None
    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    wait: Wait | None = None
    since: datetime | None = None
    """When it began to wait."""
    problem: str = ""
    """Why it cannot be followed."""

    def rule(self) -> Watch | None:
        """Return the rule as it is now."""
        return self.watch

    def now(self) -> Now:
        """Return the time."""
        return self.service.now()

    def chances(self) -> Sequence[Chance]:
        """Return its candidates as the stock is now."""
        return () if self.watch is None else self.service.stock.chances(self.watch)

    def idle(self) -> Sequence[Idle]:
        """Return the offers that it is about."""
        return () if self.watch is None else self.service.stock.idle(self.watch)

    def missing(self) -> str:
        """Return its account that is no longer in the configuration; '' for none."""
        return "" if self.watch is None else self.service.stock.missing(self.watch)

    @property
    def orders(self) -> Orders:
        """Return the orders and outcomes in its journal."""
        return Orders() if self.machine is None else self.machine.orders

    @property
    def is_busy(self) -> bool:
        """Whether something is left to do."""
        if self.watch is None or self.problem or self.orders.over is not None:
            return False
        return not self.watch.paused or bool(self.orders.of(UNSETTLED) or self.orders.unleased(self.watch.grab))


class RuleService:
    """Follows the rules in the agent's directory that are of this configuration."""

    name = "rules"

    def __init__(self, agent: AgentContext, up: Uptime | None = None) -> None:
        self._agent = agent
        self._fleet = agent.fleet
        self._reader = RuleReader(RuleFiles(agent.folder), self._take)
        self._journal: Journal[Entry] = Journal(agent.folder, Entry)
        self._up = up or Uptime()
        self._requests = RuleRequests(agent.fleet)
        self.stock = RuleStock(agent.fleet)
        self._news = RuleNews(agent)
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()
        self._changed = asyncio.Event()
        self._published: object = None
        self._shorten_at: dict[str, int] = {}
        """From which length on in bytes a journal is shortened, where that differs."""

    # The agent's side.

    @property
    def busy(self) -> bool:
        """Whether there is a rule to follow."""
        return any(run.is_busy for run in self._runs.values())

    @property
    def requests(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]]:
        """The requests of sessions: to read changed files at once, and the states."""
        return {"rules.changed": self._files_changed, "rules.status": self._status}

    async def _files_changed(self, _: Mapping[str, Any]) -> Any:
        await self._read_files()
        return {}

    async def _status(self, _: Mapping[str, Any]) -> Any:
        await self._read_files()
        return [to_plain(status) for status in self.statuses()]

    def statuses(self) -> list[RuleStatus]:
        """Return the states of all watches and grabs."""
        now = self._fleet.now()
        return [
            status_of(run.watch, run.orders, run.wait, run.since or now, problem=run.problem)
            for run in self._runs.values()
            if run.watch is not None
        ]

    async def run(self) -> None:
        """Follow the rules until cancelled."""
        self.stock.follow(self._wake)
        try:
            while True:
                await self._read_files()
                if self._changed.is_set():
                    self._changed.clear()
                    self._publish()
                with suppress(TimeoutError):
                    await _first(self._changed.wait(), self._fleet.clock.sleep(PACE))
        finally:
            self.stock.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=LAST_SECONDS + 1)

    def _publish(self) -> None:
        """Publish the states to the sessions that subscribed to them, where they have changed."""
        rows = [to_plain(status) for status in self.statuses()]
        if rows != self._published:
            self._published = rows
            self._agent.publish("rules", rows)

    # Files.

    async def _read_files(self) -> None:
        """Read the rules again where a file has changed, and follow them."""
        try:
            await self._reader.read()
        except GputuiError as error:
            self._say(str(error))

    async def _take(self, found: RulesRead) -> None:
        self._changed.set()
        for problem in found.problems:
            if problem.why not in self._said:
                self._news.say_unusable(problem)
            self._say(problem.why)
        scope = str(self._agent.config_path)
        watches = {id_: one for id_, one in found.rules.items() if isinstance(one, Watch) and one.scope == scope}
        for id_ in self._runs.keys() - watches.keys():
            run = self._runs[id_]
            if run.watch is not None and (owed := run.orders.unleased(run.watch.grab)):
                self._news.say_unleased(run.watch, owed)
            run.watch = None  # it ends at its next step
            run.wake.set()
            if run.task is None or run.task.done():
                del self._runs[id_]  # else a file that is back soon would be followed twice at a time
        for id_, watch in watches.items():
            run = self._runs.setdefault(id_, Run(self, None))
            if run.watch == watch:
                continue
            run.watch = watch
            self.stock.note(watch)
            if run.task is None or run.task.done():
                run.task = asyncio.create_task(self._follow(id_, run), name=f"rule {id_}")
                self._tasks.add(run.task)
                run.task.add_done_callback(self._tasks.discard)
            run.wake.set()
        self._keep_polling()

    def _say(self, why: str) -> None:
        if why not in self._said:
            self._said.add(why)
            self._agent.log.warning("a rule is not followed: %s", why)

    def _keep_polling(self) -> None:
        """Poll the stock of the accounts that rules are about, and at once the instances that they start."""
        busy = [run.watch for run in self._runs.values() if run.is_busy and run.watch is not None]
        grabs = [one for one in busy if one.grab is not None]
        notices = [one for one in busy if one.grab is None]
        orders = [one.grab for one in grabs if one.grab is not None]
        starts = {one.account for grab in orders for one in grab.candidates if one.start is not None}
        stock, instances = (Resource.STOCK,), (Resource.INSTANCES,)
        self._poll(stock, "grabs", self._accounts_about(grabs))
        self._poll(stock, "notices", self._accounts_about(notices), NOTICE_PACE)
        self._poll(instances, "starts", starts)

    def _accounts_about(self, watches: Sequence[Watch]) -> set[str]:
        return {name for one in watches for name in accounts_of(one) or self._fleet.accounts}

    def _poll(self, lists: Sequence[Resource], of: str, accounts: set[str], pace: float = 0.0) -> None:
        self._fleet.polled_lists.keep(lists if accounts else (), (self, of), accounts, pace)

    def _wake(self, concerned: Callable[[Watch], bool]) -> None:
        """Let the rules look again that something new is about."""
        for run in self._runs.values():
            if run.watch is not None and concerned(run.watch):
                run.wake.set()

    # One rule.

    async def _follow(self, id_: str, run: Run) -> None:
        """Perform the effects of a rule until it is over. A fault is reported, and it begins again."""
        while run.watch is not None:
            try:
                entries = await asyncio.to_thread(self._journal.entries, id_)
                run.problem = ""
                kind = Watcher if run.watch.grab is None else Grabber
                run.machine = kind(entries, run)
                await self._perform_all(id_, run, run.machine.run())
            except JournalError as error:
                if run.problem != str(error):
                    run.problem = str(error)
                    self._say(f"{id_}: {error}")
                    self._news.say_unreadable(run.watch, error)
                    self._changed.set()
                await self._fleet.clock.sleep(_AGAIN_SECONDS)
                continue
            except Exception as error:  # the faults of one rule must not end the others
                self._agent.log.error("rule %s failed: %s", id_, error, exc_info=error)  # noqa: TRY400
                failure = as_failure(error, f"the rule {id_}")
                run.wait = Wait(_AGAIN_SECONDS, run.wait.state, failure.message) if run.wait else None
                await self._fleet.clock.sleep(_AGAIN_SECONDS)
                continue
            self._changed.set()
            self._keep_polling()
            return

    async def _perform_all(self, id_: str, run: Run, steps: Steps) -> None:
        reply: Reply = None
        while True:
            try:
                effect = steps.send(reply)
            except StopIteration:
                return
            if isinstance(effect, Send):
                order = effect.order
                said = f"{order.account}: the request for {order.name} is under way."
                run.wait, run.since = Wait(None, RuleState.TRYING, said), None
                self._changed.set()
                reply = await self._send(id_, effect, steps)
            else:
                reply = await self._perform(id_, run, effect)

    async def _send(self, id_: str, effect: Send, steps: Steps) -> Reply:
        """Send a request; where the agent ends meanwhile, its answer is awaited for a while, and written."""
        sending = asyncio.create_task(self._requests.send(effect.order))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait({sending}, timeout=LAST_SECONDS)
            if sending.done() and not sending.cancelled():
                written = steps.send(sending.result())
                if isinstance(written, Append):
                    await self._append(id_, written.entry)
            else:
                sending.cancel()
            raise

    async def _perform(self, id_: str, run: Run, effect: Effect) -> Reply:
        match effect:
            case Append(entry):
                return await self._append(id_, entry)
            case Find(order):
                return await self._requests.find(order)
            case Look(order):
                return await self._requests.look(order)
            case Undo(order):
                return await self._requests.undo(order)
            case SetLease(order, since) if run.watch is not None:
                return await self._news.set_lease(run.watch, order, since)
            case Notice(entry):
                if run.watch is not None:
                    await self._news.announce(run.watch, run.orders, entry)
            case Wait():
                await self._rest(run, effect)
        return None

    async def _append(self, id_: str, entry: Entry) -> Failure | None:
        try:
            size = await write_in_thread(self._journal.append, id_, entry)
        except JournalError as error:
            self._agent.log.warning("rule %s: %s", id_, error)
            return Failure(str(error))
        if size >= self._shorten_at.get(id_, SHORTEN_BYTES):
            await self._shorten(id_, size)
        if entry.text:
            self._agent.log.info("rule %s: %s %s", id_, entry.kind.value, entry.text)
        return None

    async def _shorten(self, id_: str, size: int) -> None:
        """Leave what nothing depends on out of a long journal; where that fails it stays as it is, for a while."""
        try:
            entries = await asyncio.to_thread(self._journal.entries, id_)
            now = await write_in_thread(self._journal.replace, id_, kept(entries))
        except JournalError as error:
            self._agent.log.warning("rule %s: %s", id_, error)
            self._shorten_at[id_] = size + SHORTEN_BYTES // 4
        else:
            self._agent.log.info("rule %s: its journal was shortened from %d to %d bytes", id_, size, now)
            self._shorten_at[id_] = max(SHORTEN_BYTES, 2 * now)

    async def _rest(self, run: Run, wait: Wait) -> None:
        changed = run.wait is None or (run.wait.state, run.wait.text) != (wait.state, wait.text)
        run.wait, run.since = wait, self._fleet.now()
        if changed:
            self._changed.set()
        if wait.seconds is None:
            await run.wake.wait()
        else:
            await _first(run.wake.wait(), self._fleet.clock.sleep(wait.seconds))
        run.wake.clear()

    def now(self) -> Now:
        """Return the time."""
        at: datetime = self._fleet.clock.now()
        local = at.astimezone()
        return Now(at, local.hour * 60 + local.minute, self._up(), self._up.boot)


async def _first(*awaited: Awaitable[Any]) -> None:
    """Wait for the first of these, and cancel the others."""
    tasks = [asyncio.ensure_future(one) for one in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
