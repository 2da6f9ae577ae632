"""Looking into instances for their GPUs: which, when, and what a failure does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.errors import SshError
from gputui.fleet import Fleet
from gputui.fleet.probes import on_host
from gputui.history.history import History
from gputui.models import (
    Action,
    FeedState,
    GpuDevice,
    GpuProcess,
    GpuReading,
    GpuSample,
    HealthState,
    Instance,
    Phase,
    Ref,
    Resource,
)
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle

GPUS, PROCESSES, INSTANCES = Resource.GPUS, Resource.PROCESSES, Resource.INSTANCES
BOTH = (GPUS, PROCESSES)


class Inside:
    """What is seen inside an instance: one GPU, one process. Counts the looks; hangs and fails as a test says."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.looks: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.error: Exception | None = None
        self.hold: asyncio.Event | None = None

    async def read(self, instance: Instance) -> GpuReading:
        self.looks.append(self.clock.elapsed)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.hold is not None:
                await self.hold.wait()
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        account, name = instance.ref.account, instance.ref.id
        sample = GpuSample(self.clock.now(), utilization=50)
        return GpuReading(
            (GpuDevice(Ref(account, "gpu", f"{name}:0"), instance.name, 0, sample=sample, through=instance.ref),),
            (
                GpuProcess(
                    Ref(account, "process", f"{name}:0:7"), name, 0, 7, "python", instance=instance.ref, inside=True
                ),
            ),
        )


@pytest.fixture
def hub() -> FakeBackend:
    backend = FakeBackend("hub")
    backend.rows[INSTANCES] = [pod("hub", "main"), pod("hub", "other"), pod("hub", "done", "exited")]
    return backend


@pytest.fixture
def inside(clock: FakeClock) -> Inside:
    return Inside(clock)


def instance(fleet: Fleet, name: str = "main") -> Instance:
    row = fleet.get(Ref("hub", "pod", name))
    assert isinstance(row, Instance)
    return row


def devices(fleet: Fleet) -> dict[str, GpuDevice]:
    return {ref.id: row for ref, row in fleet.rows(GPUS).items() if isinstance(row, GpuDevice)}


async def test_no_instance_is_probed_unasked_and_nothing_is_awaited(clock: FakeClock, hub: FakeBackend) -> None:
    async with running(clock, hub, watch=BOTH) as fleet:
        await clock.advance(60)
        assert not fleet.supports("hub", GPUS)
        assert not fleet.supports("hub", PROCESSES)
        assert fleet.probed_instances() == frozenset()
        assert fleet.health()["hub"].state is HealthState.OK


async def test_gpus_and_processes_share_one_look_at_the_pace_of_processes(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(20)
        assert len(inside.looks) == 11
        assert inside.most_at_once == 1
        assert set(devices(fleet)) == {"main:0"}
        assert [ref.id for ref in fleet.rows(PROCESSES)] == ["main:0:7"]
        assert fleet.feed("hub", GPUS).state is FeedState.FRESH
        assert len(fleet.samples.of(Ref("hub", "gpu", "main:0"))) == 11


async def test_an_instance_is_probed_only_while_it_is_viewed(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(4)
        fleet.poll([Resource.STOCK])
        await clock.advance(1)
        before = len(inside.looks)
        await clock.advance(60)
        assert len(inside.looks) == before
        fleet.poll(BOTH)
        await clock.advance(2)
        assert len(inside.looks) > before
        assert fleet.is_probed(Ref("hub", "pod", "main"))


async def test_one_that_ends_is_let_go_with_all_that_was_seen(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        fleet.probe(instance(fleet, "other"), inside.read)
        await clock.advance(2)
        assert set(devices(fleet)) == {"main:0", "other:0"}
        hub.rows[INSTANCES] = [pod("hub", "main", "exited"), pod("hub", "other")]
        fleet.refresh([INSTANCES])
        await settle()
        assert set(devices(fleet)) == {"other:0"}
        assert not fleet.samples.of(Ref("hub", "gpu", "main:0"))
        assert fleet.samples.of(Ref("hub", "gpu", "other:0"))
        hub.rows[INSTANCES] = []
        fleet.refresh([INSTANCES])
        await settle()
        assert devices(fleet) == {}
        assert not fleet.rows(PROCESSES)
        looks = len(inside.looks)
        await clock.advance(30)
        assert len(inside.looks) == looks
        assert not fleet.supports("hub", GPUS)


async def test_the_probe_of_one_that_ends_is_cancelled(clock: FakeClock, hub: FakeBackend, inside: Inside) -> None:
    inside.hold = asyncio.Event()
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await settle()
        assert inside.at_once == 1
        hub.rows[INSTANCES] = [pod("hub", "main", "exited")]
        fleet.refresh([INSTANCES])
        await settle()
        assert inside.at_once == 0, "what was under way is ended"
        assert devices(fleet) == {}
        assert fleet.probed_instances() == frozenset()


async def test_a_failure_spoils_its_own_rows_alone_and_keeps_the_last_ones(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    broken = Inside(clock)
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), broken.read)
        fleet.probe(instance(fleet, "other"), inside.read)
        await clock.advance(2)
        broken.error = SshError("The connection to main was lost.", hint="p tries again.")
        await clock.advance(2)
        assert devices(fleet)["main:0"].problem == "The connection to main was lost. p tries again."
        assert devices(fleet)["main:0"].sample is not None
        assert devices(fleet)["other:0"].problem is None
        assert fleet.probe_problem(Ref("hub", "pod", "main")) == str(broken.error)
        assert fleet.feed("hub", GPUS).error is None
        assert fleet.health()["hub"].state is HealthState.OK
        broken.error = None
        await clock.advance(8)
        assert devices(fleet)["main:0"].problem is None


async def test_one_that_never_could_be_read_is_a_row_that_says_why(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    inside.error = SshError("There is no nvidia-smi in main.")
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(2)
        (row,) = devices(fleet).values()
        assert (row.host, row.through, row.problem) == (
            "main",
            Ref("hub", "pod", "main"),
            "There is no nvidia-smi in main.",
        )


async def test_a_mistake_of_ours_is_said_as_such_and_ends_nothing(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    inside.error = ValueError("a mistake")
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(2)
        (row,) = devices(fleet).values()
        assert "failed inside gputui" in str(row.problem)
        inside.error = None
        await clock.advance(4)
        assert devices(fleet)["main:0"].problem is None


async def test_one_that_fails_is_left_alone_for_longer_and_longer(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    inside.error = SshError("No answer.")
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(400)
        waits = [after - before for before, after in zip(inside.looks, inside.looks[1:], strict=False)]
        assert waits[0] == 4
        assert waits[1] == 8
        assert max(waits) == 60
        assert waits == sorted(waits)
        looks = len(inside.looks)
        fleet.refresh(BOTH)
        await settle()
        assert len(inside.looks) == looks + 1, "who asks for it gets it at once"


async def test_a_silent_instance_delays_no_other_and_is_never_asked_twice(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    silent = Inside(clock)
    silent.hold = asyncio.Event()
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), silent.read)
        fleet.probe(instance(fleet, "other"), inside.read)
        await clock.advance(30)
        assert set(devices(fleet)) == {"other:0"}
        assert len(inside.looks) > 5
        assert len(silent.looks) == 1
        silent.hold.set()
        await clock.advance(4)
        assert set(devices(fleet)) == {"main:0", "other:0"}
        assert fleet.health()["hub"].state is HealthState.OK, "its server has nothing to do with it"


async def test_asking_for_the_same_again_asks_at_once_in_the_new_way(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    inside.error = SshError("A password is asked for.", hint="p asks for it.")
    better = Inside(clock)
    async with running(clock, hub, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(10)
        fleet.probe(instance(fleet), better.read)
        await settle()
        assert len(better.looks) == 1
        assert set(devices(fleet)) == {"main:0"}


async def test_what_can_be_looked_into_runs_has_ssh_and_no_other_way(
    clock: FakeClock, hub: FakeBackend, inside: Inside
) -> None:
    lab = FakeBackend("lab", (INSTANCES, PROCESSES))
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with running(clock, hub, lab) as fleet:
        assert fleet.can_probe(instance(fleet))
        assert fleet.shows_processes(instance(fleet))
        assert not fleet.can_probe(instance(fleet, "done"))
        assert not fleet.shows_processes(instance(fleet, "done"))
        own = fleet.get(Ref("lab", "pod", "main"))
        assert own is not None
        assert not fleet.can_probe(own)
        assert fleet.shows_processes(own)
        hub.offered = frozenset({Action.STOP})
        assert not fleet.can_probe(instance(fleet))


async def test_of_an_account_that_lists_its_gpus_only_processes_are_taken_by_its_own_numbers(
    clock: FakeClock, inside: Inside
) -> None:
    dock = FakeBackend("hub", (INSTANCES, GPUS))
    own = GpuDevice(Ref("hub", "gpu", "3"), "box", 3)
    dock.rows[GPUS] = [own]
    dock.rows[INSTANCES] = [replace(pod("hub", "main"), gpu_indices=(3,), host="box")]
    async with running(clock, dock, watch=BOTH) as fleet:
        fleet.probe(instance(fleet), inside.read)
        await clock.advance(4)
        assert list(fleet.rows(GPUS).values()) == [own]
        (process,) = fleet.rows(PROCESSES).values()
        assert isinstance(process, GpuProcess)
        assert (process.host, process.gpu_index, process.pid) == ("box", 3, 7)
        assert fleet.supports("hub", PROCESSES)


async def test_what_was_seen_inside_is_not_what_the_next_session_begins_with(
    clock: FakeClock, hub: FakeBackend, inside: Inside, tmp_path: Path
) -> None:
    history = History(tmp_path / "history.db")
    try:
        async with running(clock, hub, watch=BOTH, history=history) as fleet:
            fleet.probe(instance(fleet), inside.read)
            await clock.advance(40)
            assert devices(fleet)
        kept = {snapshot.resource for snapshot in history.snapshots(["hub"])}
        assert INSTANCES in kept
        assert not kept & set(BOTH)
    finally:
        history.close()


def test_a_container_counts_its_gpus_from_zero_in_the_order_of_the_host() -> None:
    process = GpuProcess(Ref("dock", "process", "c:1:7"), "c", 1, 7, "python")
    given = Instance(Ref("dock", "container", "c"), "c", Phase.RUNNING, "running", host="box")
    assert on_host([process], replace(given, gpu_indices=(6, 2)))[0].gpu_index == 6
    assert on_host([process], replace(given, gpu_all=True, gpu_indices=None))[0].gpu_index == 1
    assert on_host([process], given)[0].gpu_index == 1
    assert on_host([process], replace(given, gpu_indices=(6,)))[0].gpu_index == 1, (
        "more than it was given is not reported"
    )
    assert on_host([process], given)[0].host == "box"
