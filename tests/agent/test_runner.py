"""The rules that the agent follows: on a fleet, with files and journals, over crashes of the agent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gputui.agent.runner import RuleService
from gputui.agent.uptime import Uptime
from gputui.errors import ConflictError, JournalError, NotFoundError, UnavailableError, UnknownOutcomeError
from gputui.fleet import Clock, Fleet
from gputui.models import Action, ActionResult, FeedState, Instance, Money, Offer, Ref, Resource
from gputui.models.leases import Lease, LeaseEntry, LeaseEvent
from gputui.models.notifications import Notification
from gputui.models.rules import Candidate, Grab, RuleState, Setting, Watch
from gputui.rules.compaction import kept
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.lease_book import LeaseBook, LeaseTerms
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running

STOCK = Resource.STOCK
NAME = "run-g7k2-1"


def offer(idle: int, price: str = "1.00") -> Offer:
    ref = Ref("hub", "offer", "sgp1/RTX 4090")
    return Offer(ref, "RTX 4090", "sgp1", idle=idle, total=8, price_from=Money(Decimal(price), "USD"))


class Cloud(FakeBackend):
    """A cloud whose pods have ids of their own, and are found by name."""

    creatable = ("pod",)
    finds = True
    names = True
    """Whether its answer says what was created."""

    def __init__(self) -> None:
        super().__init__("hub", (STOCK, Resource.INSTANCES))
        self.rows[STOCK] = [offer(0)]
        self.values: list[Mapping[str, str]] = []
        self.answers: list[Exception | None] = []

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        rows = self.rows[Resource.INSTANCES]
        return [row.ref for row in rows if isinstance(row, Instance) and row.name == values["name"]]

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.values.append(values)
        made = replace(pod("hub", f"p{len(self.values)}"), name=values["name"], price=Money(Decimal("1.00"), "USD"))
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or isinstance(answer, UnknownOutcomeError):
            self.rows[Resource.INSTANCES] = [*self.rows[Resource.INSTANCES], made]
        await self._do(Action.CREATE, "created")
        if answer is not None:
            raise answer
        return ActionResult("Pod created.", created=made.ref if self.names else None)


WATCH = Watch(
    "g7k2",
    "/config.toml",
    "me",
    START,
    grab=Grab(
        (
            Candidate(
                "hub",
                "pod",
                "run-g7k2-",
                (Setting("image", "cuda"),),
                name_field="name",
                limit_field="price_to",
                models=("RTX 4090",),
            ),
        ),
        1,
        Money(Decimal("1.50"), "USD"),
    ),
)


class FakeUptime(Uptime):
    """The time of a test's clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.boot = "1"
        self._fake = clock

    def __call__(self) -> float:
        return self._fake.monotonic()


@dataclass
class Place:
    """The agent around the service."""

    fleet: Fleet
    folder: Path
    clock: Clock
    config_path: Path = Path("/config.toml")
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test.rules"))
    said: list[Notification] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files = RuleFiles(self.folder)
        self.journal: Journal[Entry] = Journal(self.folder, Entry)
        self.notifier = self
        self.begin()

    def announce(self, notification: Notification) -> None:
        self.said.append(notification)

    def publish(self, topic: str, data: Any) -> None:
        self.published.append((topic, data))

    def begin(self) -> None:
        """Start the service, as the agent does."""
        up = FakeUptime(self.clock) if isinstance(self.clock, FakeClock) else None
        self.service = RuleService(self, up)
        self.task = asyncio.create_task(self.service.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop and threads work, and the clock go on, until a condition is met."""
        async with asyncio.timeout(20):
            while not condition():
                assert isinstance(self.clock, FakeClock)
                await self.clock.advance(0.5)
                await asyncio.sleep(0.001)

    @property
    def kinds(self) -> list[EntryKind]:
        return [one.kind for one in self.journal.entries("g7k2") if one.kind is not EntryKind.NOTIFIED]

    @property
    def is_over(self) -> bool:
        found = self.service.statuses()
        return bool(found) and found[0].state.over and EntryKind.OVER in self.kinds

    @property
    def answer(self) -> str:
        found = self.service.statuses()
        return found[0].answer if found else ""

    async def restart(self) -> None:
        """End the service and start the next one."""
        await self.end()
        self.begin()

    @property
    def state(self) -> RuleState:
        return self.service.statuses()[0].state


@dataclass
class CloudPlace(Place):
    """The same with one cloud."""

    hub: Cloud = field(default_factory=Cloud)


@asynccontextmanager
async def place(tmp_path: Path) -> AsyncIterator[CloudPlace]:
    clock, hub = FakeClock(), Cloud()
    async with running(clock, hub, watch=()) as fleet:
        found = CloudPlace(fleet, tmp_path / "agent", clock, hub=hub)
        try:
            yield found
        finally:
            await found.end()


async def test_stock_that_appears_is_grabbed_once_with_the_ceiling_in_the_request(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        await agent.until(lambda: agent.fleet.feed("hub", STOCK).state is FeedState.FRESH)
        assert agent.service.busy
        assert not agent.hub.values
        agent.hub.rows[STOCK] = [offer(2)]
        await agent.until(lambda: agent.is_over)
        assert agent.hub.values == [{"image": "cuda", "name": NAME, "price_to": "1.5"}]
        assert agent.kinds == [
            EntryKind.INTENT,
            EntryKind.OBTAINED,
            EntryKind.SEEN,
            EntryKind.PRICE,
            EntryKind.OVER,
        ]
        (status,) = agent.service.statuses()
        assert (status.state, status.obtained, status.wanted) == (RuleState.DONE, 1, 1)
        assert status.refs == (Ref("hub", "pod", "p1"),)
        assert [one.title for one in agent.said] == ["Obtained", "Rule done"]
        assert agent.published[-1][0] == "rules"


async def test_an_agent_that_ends_while_a_create_is_sent_finds_what_it_made(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        assert agent.kinds == [EntryKind.INTENT]
        for task in list(agent.service._tasks):  # the process is killed: nothing more is written
            task.get_coro().throw(SystemError)
        agent.service._tasks.clear()
        agent.task.cancel()
        agent.begin()
        await agent.until(lambda: agent.is_over)
        answered.set()
        assert len(agent.hub.values) == 1
        assert agent.journal.entries("g7k2")[1].text == "It was created, though no answer came."


async def test_an_agent_that_is_ended_writes_the_answer_that_comes_in_time(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        agent.task.cancel()
        asyncio.get_running_loop().call_later(0.05, answered.set)
        await asyncio.wait({agent.task})
        assert agent.kinds == [EntryKind.INTENT, EntryKind.OBTAINED]


async def test_a_lost_answer_is_found_by_name(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [UnknownOutcomeError("No answer.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert agent.state is RuleState.DONE


async def test_an_image_that_is_gone_ends_the_rule_and_says_so(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [NotFoundError("The image cuda does not exist.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        (status,) = agent.service.statuses()
        assert status.state is RuleState.FAILED
        assert status.answer == "The request was refused: The image cuda does not exist."
        assert "The image cuda does not exist." in agent.said[-1].text


async def test_a_server_that_cannot_be_reached_is_tried_again(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.hub.answers = [UnavailableError("No connection.")]
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.is_over)
        assert [one["name"] for one in agent.hub.values] == [NAME, "run-g7k2-2"]


async def test_a_disk_that_is_full_at_the_journal_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Journal[Entry], id_: str, entry: Entry) -> None:
        raise JournalError("g7k2.jsonl cannot be written: No space left on device.")

    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        with monkeypatch.context() as full:
            full.setattr(Journal, "append", fail)
            agent.files.save(WATCH)
            await agent.until(lambda: "No space left" in "".join(one.answer for one in agent.service.statuses()))
        assert not agent.hub.values
        await agent.until(lambda: agent.hub.values)  # there is room again


async def test_rules_that_are_deleted_paused_or_of_another_configuration_send_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        saved = agent.files.save(WATCH)
        agent.files.save(replace(WATCH, id="pzd2", paused=True))
        agent.files.save(replace(WATCH, id="thr2", scope="/another.toml"))
        await agent.until(lambda: len(agent.service.statuses()) == 2)
        agent.files.delete("g7k2", saved.revision)
        await agent.until(lambda: len(agent.service.statuses()) == 1)
        agent.hub.rows[STOCK] = [offer(2)]
        agent.fleet.watch({STOCK})
        await agent.until(lambda: agent.hub.calls[STOCK] > 10)
        assert not agent.hub.values
        assert not agent.service.busy


async def test_what_is_obtained_gets_its_lease_once(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True, hours=Decimal(8)))
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")
        assert lease.until is not None
        assert (lease.until - lease.created).total_seconds() == 8 * 3600
        assert "A lease ends it at" in agent.said[0].text


async def test_what_the_server_names_only_in_its_list_gets_its_lease_too(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        agent.hub.names = False
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")


@pytest.mark.parametrize("restarts", [False, True], ids=["the same agent", "the next agent"])
async def test_a_lease_that_could_not_be_saved_is_saved_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    def fail(self: RuleFiles, rule: Lease, expected: int | None = None) -> Lease:
        raise ConflictError("Another process has locked rules.lock.")

    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        agent.files.save(leased)
        agent.hub.rows[STOCK] = [offer(2)]
        with monkeypatch.context() as locked:
            locked.setattr(RuleFiles, "save", fail)
            await agent.until(lambda: "has no lease yet: Another process" in agent.answer)
        assert "It has no lease yet, which is tried again: Another process" in agent.said[0].text
        assert agent.service.busy
        if restarts:
            await agent.restart()
        await agent.until(lambda: agent.is_over and not agent.service.busy)
        (lease,) = [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]
        assert lease.ref == Ref("hub", "pod", "p1")
        assert [one.title for one in agent.said] == ["Obtained", "Lease set", "Rule done"]

        # A lease that a user removes then is not set again.
        LeaseBook(tmp_path / "agent", WATCH.scope).remove(lease)
        await agent.restart()
        await agent.until(lambda: agent.is_over)
        assert not [one for one in agent.files.read().rules.values() if isinstance(one, Lease)]


async def test_what_is_started_again_gets_a_lease_beside_one_that_is_over(tmp_path: Path) -> None:
    """The lease of an earlier run of it says nothing about this one; one of the user's own applies."""
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    book = LeaseBook(tmp_path / "agent", WATCH.scope)
    ref, terms = Ref("hub", "pod", "p1"), LeaseTerms(until=START + timedelta(hours=1))
    old = book.set_of(ref, NAME, "", terms, now=START, user="me")
    over = LeaseEntry(START, LeaseEvent.DONE, old.revision, "It is stopped.")
    Journal(tmp_path / "agent", LeaseEntry).append(old.id, over)
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        (lease,) = [view.lease for view in book.read().of.values()]
        assert (lease.ref, lease.id != old.id) == (ref, True)
        assert "A lease ends it at" in agent.said[0].text


async def test_a_lease_of_the_users_own_applies_to_what_is_obtained(tmp_path: Path) -> None:
    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    book = LeaseBook(tmp_path / "agent", WATCH.scope)
    own = book.set_of(Ref("hub", "pod", "p1"), NAME, "", LeaseTerms(idle=30), now=START, user="me")
    async with place(tmp_path) as agent:
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(leased)
        await agent.until(lambda: agent.is_over)
        assert [view.lease for view in book.read().of.values()] == [own]
        assert f"It has a lease already, {own.id}, which applies." in agent.said[0].text


async def test_a_rule_that_is_deleted_before_the_lease_is_saved_says_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: RuleFiles, rule: Lease, expected: int | None = None) -> Lease:
        raise ConflictError("Another process has locked rules.lock.")

    assert WATCH.grab is not None
    leased = replace(WATCH, grab=replace(WATCH.grab, lease=True))
    async with place(tmp_path) as agent:
        saved = agent.files.save(leased)
        agent.hub.rows[STOCK] = [offer(2)]
        monkeypatch.setattr(RuleFiles, "save", fail)
        await agent.until(lambda: "has no lease yet" in agent.answer)
        agent.files.delete(saved.id, saved.revision)
        await agent.until(lambda: not agent.service.busy)
        assert (agent.said[-1].title, agent.said[-1].ref) == ("No lease", Ref("hub", "pod", "p1"))


async def test_a_journal_that_grows_for_weeks_is_shortened_and_the_rule_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.agent.runner.SHORTEN_BYTES", 8_000)
    monkeypatch.setattr("gputui.agent.runner.kept", lambda entries: kept(entries, 4))
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        agent.hub.answers = [UnavailableError("There is no stock.") for _ in range(30)]
        await agent.until(lambda: len(agent.hub.values) == 20)
        assert (tmp_path / "agent" / "journal" / "g7k2.jsonl").stat().st_size < 10_000
        await agent.restart()
        await agent.until(lambda: agent.is_over)
        names = [values["name"] for values in agent.hub.values]
        assert len(set(names)) == len(names) == 31


async def test_a_rule_whose_file_is_gone_for_a_moment_is_not_followed_twice(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        agent.hub.rows[STOCK] = [offer(2)]
        answered = agent.hub.hold(Action.CREATE)
        await agent.until(lambda: agent.hub.values)
        file = tmp_path / "agent" / "rules" / "g7k2.json"
        away = file.rename(tmp_path / "away")
        await agent.until(lambda: not agent.service.statuses())
        away.rename(file)
        await agent.until(agent.service.statuses)
        assert len([one for one in asyncio.all_tasks() if one.get_name() == "rule g7k2"]) == 1
        answered.set()
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert agent.kinds.count(EntryKind.OBTAINED) == 1


async def test_a_file_that_cannot_be_used_is_announced_once(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(WATCH)
        (tmp_path / "agent" / "rules" / "bad2.json").write_text("{")
        await agent.until(lambda: agent.said)
        agent.files.save(replace(WATCH, id="pzd2", paused=True))
        await agent.until(lambda: len(agent.service.statuses()) == 2)
        assert [one.title for one in agent.said] == ["Rule bad2 not followed"]
        assert "bad2.json: it is damaged" in agent.said[0].text


async def test_a_journal_that_cannot_be_read_is_announced_and_read_again(tmp_path: Path) -> None:
    journal = tmp_path / "agent" / "journal" / "g7k2.jsonl"
    async with place(tmp_path) as agent:
        agent.journal.append("g7k2", Entry(EntryKind.NOTIFIED, START))
        journal.write_text("damaged\n")
        agent.hub.rows[STOCK] = [offer(2)]
        agent.files.save(WATCH)
        await agent.until(lambda: agent.said)
        assert agent.said[0].title == "Rule not followed"
        assert "line 1 is damaged" in agent.said[0].text
        assert agent.state is RuleState.FAILED
        journal.write_text("")
        await agent.until(lambda: agent.is_over)
        assert len(agent.hub.values) == 1
        assert [one.title for one in agent.said].count("Rule not followed") == 1


async def test_an_instance_is_started_when_its_gpu_is_idle(tmp_path: Path) -> None:
    stopped = replace(pod("hub", "main", "exited", container_id="c1"), price=Money(Decimal("1.20"), "USD"))
    start = Candidate("hub", "pod", "main", models=("RTX 4090",), start=stopped.ref, generation="c1")
    async with place(tmp_path) as agent:
        agent.hub.offered |= {Action.START}
        agent.hub.rows[Resource.INSTANCES] = [stopped]
        agent.hub.effects[Action.START] = [replace(pod("hub", "main", container_id="c1"), price=stopped.price)]
        agent.hub.rows[STOCK] = [offer(1)]
        agent.files.save(replace(WATCH, grab=Grab((start,), 1, Money(Decimal("1.50"), "USD"))))
        await agent.until(lambda: agent.is_over)
        assert agent.hub.calls[Action.START] == 1
        assert agent.state is RuleState.DONE


async def test_a_watch_notifies_on_the_ways_that_it_names(tmp_path: Path) -> None:
    async with place(tmp_path) as agent:
        agent.files.save(replace(WATCH, grab=None, models=("4090",), count=2, notify=("webhook",), once=True))
        await agent.until(lambda: agent.fleet.feed("hub", STOCK).state is FeedState.FRESH)
        agent.hub.rows[STOCK] = [offer(1)]
        await agent.until(lambda: agent.hub.calls[STOCK] > 3)
        assert not agent.said
        agent.hub.rows[STOCK] = [offer(3)]
        await agent.until(lambda: agent.is_over)
        (one,) = agent.said
        assert (one.text, one.ways) == ("3 RTX 4090 idle in hub sgp1, from $1.00/h.", ("webhook",))
