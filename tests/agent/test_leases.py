"""The leases that the agent enforces: on a fleet, with files and journals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gputui.agent.lease_facts import LeaseFacts
from gputui.agent.leases import LeaseService
from gputui.errors import ConflictError, JournalError, SshError, UnavailableError
from gputui.fleet import Fleet
from gputui.history.history import History
from gputui.models import Action, GpuDevice, GpuSample, Ref, Resource
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseEvent
from gputui.models.notifications import Notification
from gputui.rules.book import RuleBook
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Journal
from gputui.rules.lease_book import LeaseBook
from gputui.rules.leases import Users
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running, settle
from tests.threads import no_thread_is_free

INSTANCES = Resource.INSTANCES
MAIN = pod("lab", "main", container_id="c1")
LEASE = Lease("l234", MAIN.ref, "main", START, until=START + timedelta(minutes=10), generation="c1", warn=5)


@dataclass
class Said:
    """Collects notices."""

    said: list[Notification] = field(default_factory=list)

    def announce(self, notification: Notification) -> None:
        self.said.append(notification)

    @property
    def titles(self) -> list[str]:
        return [one.title for one in self.said]


@dataclass
class Place:
    """The agent around the service, and hands to let time pass."""

    fleet: Fleet
    folder: Path
    clock: FakeClock
    notifier: Said = field(default_factory=Said)
    config_path: Path = Path("/home/ada/config.toml")
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test.leases"))
    history: History = field(default_factory=lambda: History(None))

    def __post_init__(self) -> None:
        self.files = RuleFiles(self.folder)
        self.journal: Journal[LeaseEntry] = Journal(self.folder, LeaseEntry)
        self.begin()

    def publish(self, topic: str, data: Any) -> None:
        """Publish nothing: no session is attached."""

    def begin(self) -> None:
        """Start the service, as after a crash."""
        self.service = LeaseService(self, self.clock.monotonic)

    async def minutes(self, count: float) -> None:
        """Let time pass with a look every 30 seconds."""
        for _ in range(int(count * 2)):
            await self.clock.advance(30)
            await self.look()

    async def look(self) -> None:
        await self.service.look()
        for one in list(self.service._followed.values()):
            if one.sending is not None:
                await one.sending
            if one.arming is not None and one.arming._task is not None:
                await one.arming._task
        await asyncio.gather(*self.service._inside.tasks)
        await settle()

    @property
    def events(self) -> list[LeaseEvent]:
        return [entry.what for entry in self.journal.entries(LEASE.id)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lab() -> FakeBackend:
    backend = FakeBackend("lab", [INSTANCES])
    backend.rows[INSTANCES] = [MAIN]
    backend.effects = {Action.STOP: [pod("lab", "main", "exited", container_id="c1")], Action.DELETE: []}
    return backend


@asynccontextmanager
async def agent(clock: FakeClock, tmp_path: Path, *backends: FakeBackend, **more: Any) -> AsyncIterator[Place]:
    async with running(clock, *backends, **more) as fleet:
        yield Place(fleet, tmp_path / "agent", clock)


async def test_a_lease_is_warned_about_enforced_and_verified(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(LEASE)
        await place.minutes(4)
        assert place.service.busy
        assert place.events == []
        await place.minutes(2)
        assert place.events == [LeaseEvent.WARNED]
        await place.minutes(6)
        assert lab.calls[Action.STOP] == 1
        assert place.events == [LeaseEvent.WARNED, LeaseEvent.SENT, LeaseEvent.ANSWERED, LeaseEvent.DONE]
        assert place.notifier.titles == ["main stops in 5m", "main is stopped"]
        assert not place.service.busy


async def test_an_extension_by_a_session_is_obeyed(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with agent(clock, tmp_path, lab) as place:
        lease = place.files.save(LEASE)
        await place.minutes(9)
        place.files.save(replace(lease, until=START + timedelta(minutes=70)), lease.revision)
        await place.minutes(30)
        assert lab.calls[Action.STOP] == 0
        with pytest.raises(ConflictError, match="changed by another session"):
            place.files.save(replace(lease, until=START + timedelta(minutes=5)), lease.revision)
        await place.minutes(40)
        assert lab.calls[Action.STOP] == 1


async def test_a_stop_that_fails_is_tried_again_and_is_an_alarm(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(LEASE)
        lab.effects = {}
        lab.errors[Action.STOP] = UnavailableError("lab: no answer.")
        await place.minutes(20)
        assert lab.calls[Action.STOP] >= 3
        assert "main is not stopped" in place.notifier.titles
        lab.errors.clear()
        lab.effects = {Action.STOP: [pod("lab", "main", "exited", container_id="c1")]}
        await place.minutes(20)
        assert place.events[-1] is LeaseEvent.DONE


async def test_after_a_crash_what_was_sent_is_looked_at_and_not_sent_again(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(LEASE)
        await place.minutes(9)
        place.journal.append(LEASE.id, LeaseEntry(clock.now(), LeaseEvent.SENT, 1))
        lab.rows[INSTANCES] = lab.effects[Action.STOP]
        place.begin()
        await place.minutes(3)
        assert lab.calls[Action.STOP] == 0
        assert place.events[-1] is LeaseEvent.DONE


async def test_nothing_is_sent_while_the_journal_cannot_be_written(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0))

        def full(*_: object) -> None:
            raise JournalError("l234.jsonl cannot be written: No space left on device.")

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "append", full)
            await place.minutes(20)
        assert lab.calls[Action.STOP] == 0
        assert place.notifier.titles == ["The lease of main is not enforced"]
        await place.minutes(1)
        assert lab.calls[Action.STOP] == 1


async def test_rows_of_a_server_that_does_not_answer_are_left_alone(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0))
        await place.minutes(5)
        lab.errors[INSTANCES] = UnavailableError("lab: no answer.")
        await place.minutes(15)
        assert lab.calls[Action.STOP] == 0
        assert "lab: no answer" in place.notifier.said[-1].text


async def test_a_new_instance_of_the_name_is_not_stopped(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0))
        await place.minutes(5)
        lab.rows[INSTANCES] = [pod("lab", "main", container_id="c2")]
        await place.minutes(10)
        assert lab.calls[Action.STOP] == 0
        assert place.events == [LeaseEvent.ENDED]


async def test_an_account_that_is_gone_and_a_read_only_one_are_said(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab, read_only=True) as place:
        place.files.save(replace(LEASE, warn=0))
        place.files.save(replace(LEASE, id="l235", ref=Ref("old", "pod", "x"), name="x"))
        await place.minutes(1)
        assert place.notifier.titles == ["The lease of x has ended"]
        await place.minutes(20)
        assert lab.calls[Action.STOP] == 0
        assert "read-only" in place.notifier.said[-1].text


async def test_leases_of_another_configuration_are_not_its_own(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0, scope="/elsewhere/config.toml"))
        await place.minutes(12)
        assert not place.service.busy
        assert lab.calls[Action.STOP] == 0
        place.files.save(replace(LEASE, id="l236", warn=0, scope=str(place.config_path)))
        await place.minutes(12)
        assert lab.calls[Action.STOP] == 1


async def test_a_released_instance_has_to_be_gone(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0, action=LeaseAction.RELEASE))
        await place.minutes(14)
        assert lab.calls[Action.DELETE] == 1
        assert place.notifier.titles == ["main is gone"]


async def test_a_clock_that_was_set_forward_stops_nothing(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0))
        await place.minutes(2)
        clock._start += timedelta(hours=5)
        await place.minutes(1)
        assert lab.calls[Action.STOP] == 0
        (one,) = place.service._followed.values()
        assert "set forward by 5h" in one.decision.text
        lab.clock_ahead = -5 * 3600.0  # an answer says what time it is
        await place.minutes(3)
        assert lab.calls[Action.STOP] == 0
        await place.minutes(6)
        assert lab.calls[Action.STOP] == 1


async def test_a_list_from_before_a_sleep_is_not_believed(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, warn=0))
        await place.minutes(2)
        asleep = clock.elapsed + 3600
        lab.hold(INSTANCES)
        place.service._up = place.service._facts._up = lambda: 1000.0 + asleep
        clock.elapsed = asleep
        await place.look()
        (one,) = place.service._followed.values()
        assert "old" in one.decision.text
        assert lab.calls[Action.STOP] == 0


async def test_an_idle_rule_reads_load_and_users(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(MAIN, gpu_indices=(0,), gpu_count=1, host="h")
    gpu = GpuDevice(Ref("lab", "gpu", "0"), "h", 0)
    lab.rows = {INSTANCES: [row], Resource.GPUS: []}
    lab.effects = {Action.STOP: [replace(row, phase=pod("lab", "x", "exited").phase, status="exited")]}
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, until=None, idle=10))
        logged_in = ["ada"]
        monkeypatch.setattr(LeaseFacts, "_users_of", lambda *_, **__: Users(tuple(logged_in)))
        for utilization in (50.0, *[0.0] * 30):
            lab.rows[Resource.GPUS] = [replace(gpu, sample=GpuSample(clock.now(), utilization))]
            await place.minutes(1)
        assert lab.calls[Action.STOP] == 0
        (one,) = place.service._followed.values()
        assert one.decision.text == "logged in: ada"
        logged_in.clear()
        lab.rows[Resource.GPUS] = [replace(gpu, sample=GpuSample(clock.now(), 0.0))]
        await place.minutes(2)
        assert lab.calls[Action.STOP] == 1


@dataclass
class Inside:
    """The processes that are armed inside instances, by lease, with the seconds they were given."""

    armed: dict[str, int] = field(default_factory=dict)
    fails: bool = False

    async def arm(self, _: Any, name: str, id_: str, seconds: int, target: Any) -> None:
        if self.fails:
            raise SshError(f"The connection to {name} was lost.")
        self.armed[id_] = seconds

    async def disarm(self, _: Any, name: str, id_: str, target: Any) -> None:
        if self.fails:
            raise SshError(f"The connection to {name} was lost.")
        self.armed.pop(id_, None)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    made = Inside()

    @asynccontextmanager
    async def lease(*_: Any) -> AsyncIterator[None]:
        yield

    monkeypatch.setattr("gputui.fleet.connections.Connections.lease", lease)
    monkeypatch.setattr("gputui.fleet.connections.check_generation", lambda *_: None)
    monkeypatch.setattr("gputui.ssh.watchdog.arm", made.arm)
    monkeypatch.setattr("gputui.ssh.watchdog.disarm", made.disarm)
    return made


async def test_a_lease_is_armed_inside_replaced_on_extension_and_ended_on_removal(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, inside: Inside
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        lease = place.files.save(replace(LEASE, until=START + timedelta(hours=2), armed=True))
        await place.minutes(1)
        assert 7300 <= inside.armed["l234"] <= 7380
        lease = place.files.save(replace(lease, until=START + timedelta(hours=5)), lease.revision)
        await place.minutes(2)
        assert inside.armed["l234"] > 4 * 3600
        inside.fails = True
        book = LeaseBook(tmp_path / "agent")
        RuleBook(tmp_path / "agent", "").delete(lease)
        await place.minutes(2)
        assert not book.read().of
        assert place.service.busy
        inside.fails = False
        await place.minutes(2)
        assert inside.armed == {}
        await place.minutes(1)
        assert not place.files.read().rules
        assert not place.service.busy


async def test_what_is_armed_inside_when_the_agent_ends_is_in_the_journal(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, inside: Inside
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        place.files.save(replace(LEASE, until=START + timedelta(hours=2), armed=True))
        await clock.advance(30)
        await place.service.look()
        assert not inside.armed
        with no_thread_is_free() as free:
            await settle()
            assert inside.armed
            closing = asyncio.create_task(place.service._inside.aclose())
            await settle()
            free.set()
            await closing
        assert place.events == [LeaseEvent.ARMED]


async def test_nothing_is_armed_inside_by_a_clock_that_was_set(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, inside: Inside
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        await place.minutes(1)
        clock._start += timedelta(hours=5)
        place.files.save(replace(LEASE, until=START + timedelta(hours=6), armed=True))
        await place.minutes(2)
        assert inside.armed == {}
        lab.clock_ahead = -5 * 3600.0
        await place.minutes(3)
        assert inside.armed["l234"] > 5 * 3600


async def test_a_time_that_is_over_is_not_armed_inside(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, inside: Inside
) -> None:
    async with agent(clock, tmp_path, lab, read_only=True) as place:
        place.files.save(replace(LEASE, until=START - timedelta(hours=1), armed=True))
        await place.minutes(2)
        assert inside.armed == {}


async def test_an_armed_time_that_cannot_be_replaced_is_announced_before(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path, inside: Inside
) -> None:
    async with agent(clock, tmp_path, lab) as place:
        lease = place.files.save(replace(LEASE, until=START + timedelta(minutes=30), armed=True))
        await place.minutes(1)
        inside.fails = True
        place.files.save(replace(lease, until=START + timedelta(hours=5)), lease.revision)
        await place.minutes(20)
        assert [one.title for one in place.notifier.said] == ["main shuts itself down in 15m"]
        assert "could not be replaced: The connection to main was lost" in place.notifier.said[0].text
