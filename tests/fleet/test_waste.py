"""The waste of a fleet: found after changes, unknown where lists or samples are old, snoozed over sessions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.errors import UnavailableError
from gputui.fleet.waste_findings import Findings
from gputui.history.history import History
from gputui.models import Deployment, GpuDevice, GpuSample, Instance, Money, Phase, Ref, Resource, Volume
from gputui.models.waste import Snooze, WasteReason
from tests.fleet.fakes import START, FakeBackend, FakeClock, running, settle
from tests.threads import no_thread_is_free

MAIN = Ref("dock", "container", "main")
READ = (Resource.INSTANCES, Resource.GPUS)


def container(gpus: Sequence[int] = (0,), price: str | None = "1.50") -> Instance:
    money = None if price is None else Money(Decimal(price), "USD")
    return Instance(MAIN, "main", Phase.RUNNING, "running", gpu_indices=tuple(gpus), host="h07", price=money)


def device(minutes: float, *loads: float | None, index: int = 0) -> GpuDevice:
    """A GPU with one sample a minute, the last of which is at this minute."""
    series = tuple(
        GpuSample(START + timedelta(minutes=minutes - len(loads) + 1 + number), load, 2**30)
        for number, load in enumerate(loads)
    )
    return GpuDevice(Ref("dock", "gpu", str(index)), "h07", index, sample=series[-1], series=series)


def dock(*devices: GpuDevice, row: Instance | None = None) -> FakeBackend:
    backend = FakeBackend("dock", READ)
    backend.rows[Resource.INSTANCES] = [row or container()]
    backend.rows[Resource.GPUS] = devices
    return backend


async def test_gpus_that_were_idle_for_long_enough_are_waste(clock: FakeClock) -> None:
    async with running(clock, dock(device(0, 80, *[0] * 31))) as fleet:
        await fleet.read(READ)
        (waste,) = fleet.waste.rows
        assert (waste.ref, waste.reason, waste.since) == (MAIN, WasteReason.IDLE, START - timedelta(minutes=30))
        assert (waste.at_least, waste.memory_in_use, waste.gpus) == (False, 2**30, 1)


async def test_gpus_seen_idle_for_a_shorter_time_are_said_to_be_idle_and_no_waste(clock: FakeClock) -> None:
    async with running(clock, dock(device(0, *[0] * 13))) as fleet:
        await fleet.read(READ)
        found = fleet.waste.now
        (waste,) = found.soon
        assert (found.rows, found.unknown, waste.ref, waste.seen) == ((), (), MAIN, 720.0)
        assert (waste.since, waste.at_least) == (START - timedelta(minutes=12), True)
        assert waste.text == "seen 12 of 30 min"


async def test_one_busy_gpu_is_enough_and_an_unseen_one_leaves_the_load_unknown(clock: FakeClock) -> None:
    idle, busy = device(0, *[0] * 40), device(0, *[50] * 40, index=1)
    backend = dock(idle, busy, row=container((0, 1)))
    async with running(clock, backend) as fleet:
        await fleet.read(READ)
        assert fleet.waste.now == Findings()
    async with running(clock, dock(idle, row=container((0, 1)))) as fleet:
        await fleet.read(READ)
        assert fleet.waste.now == Findings(unknown=(MAIN,))


async def test_old_samples_and_stale_lists_are_no_evidence(clock: FakeClock) -> None:
    backend = dock(device(0, *[0] * 40))
    async with running(clock, backend) as fleet:
        seen = list[Findings]()
        fleet.waste.subscribe(seen.append)
        await fleet.read(READ)
        await settle()
        assert [waste.ref for waste in fleet.waste.rows] == [MAIN]
        await clock.advance(240)
        fleet.waste.look_again()
        assert fleet.waste.now == Findings(unknown=(MAIN,))
        backend.errors[Resource.INSTANCES] = UnavailableError("dock: no answer")
        fleet.refresh([Resource.INSTANCES])
        await settle()
        assert fleet.waste.now == Findings(unknown=(MAIN,))  # it ran when it was seen last
        assert seen[-1] == Findings(unknown=(MAIN,))


async def test_something_that_is_free_is_no_waste(clock: FakeClock) -> None:
    async with running(clock, dock(device(0, *[0] * 40), row=container(price=None))) as fleet:
        await fleet.read(READ)
        assert fleet.waste.now == Findings()


async def test_a_snooze_is_kept_until_its_time_for_its_reason_alone(clock: FakeClock, history: History) -> None:
    def backend() -> FakeBackend:
        return dock(device(clock.elapsed / 60, *[0] * 40))

    async with running(clock, backend(), watch=READ, history=history) as fleet:
        await fleet.waste.snooze(fleet.waste.rows, clock.now() + timedelta(hours=8), "demo on Monday")
        assert fleet.waste.rows == ()
    async with running(clock, backend(), watch=READ, history=history) as fleet:
        await fleet.waste.read_snoozes()
        (waste,) = fleet.waste.now.snoozed
        assert waste.snooze is not None
        assert (waste.snooze.note, waste.snooze.at) == ("demo on Monday", START)
        other = replace(waste, reason=WasteReason.STUCK)
        await fleet.waste.end_snooze([other])
        assert fleet.waste.rows == ()
    clock.elapsed += 8 * 3600
    async with running(clock, backend(), watch=READ, history=history) as fleet:
        await fleet.waste.read_snoozes()
        assert [waste.ref for waste in fleet.waste.rows] == [MAIN]


async def test_a_snooze_can_be_ended_for_later_sessions_too(clock: FakeClock, history: History) -> None:
    async with running(clock, dock(device(0, *[0] * 40)), watch=READ, history=history) as fleet:
        await fleet.waste.snooze(fleet.waste.rows, clock.now() + timedelta(hours=8), "")
        await fleet.waste.end_snooze(fleet.waste.now.snoozed)
        assert len(fleet.waste.rows) == 1
    assert history.snoozes(clock.now()) == []


class Disk(History):
    """A history whose file can be slow, or be gone."""

    broken = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reading, self.read = threading.Event(), threading.Event()
        self.read.set()

    def snoozes(self, now: datetime) -> list[Snooze] | None:
        found = None if self.broken else super().snoozes(now)
        self.reading.set()
        assert self.read.wait(10)
        return found

    def snooze(self, added: Iterable[Snooze]) -> bool:
        return not self.broken and super().snooze(added)

    def end_snoozes(self, ended: Iterable[Snooze]) -> bool:
        return not self.broken and super().end_snoozes(ended)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A history in a file of its own."""
    found = Disk(tmp_path / "history.db")
    yield found
    found.close()


async def test_a_snooze_made_while_the_file_is_read_stays(clock: FakeClock, disk: Disk) -> None:
    async with running(clock, dock(device(0, *[0] * 40)), watch=READ, history=disk) as fleet:
        disk.read.clear()
        reading = asyncio.create_task(fleet.waste.read_snoozes())
        await asyncio.to_thread(disk.reading.wait, 10)
        snoozing = asyncio.create_task(fleet.waste.snooze(fleet.waste.rows, clock.now() + timedelta(hours=8), ""))
        await asyncio.sleep(0)
        assert fleet.waste.rows == ()
        disk.read.set()
        await reading
        assert fleet.waste.rows == ()
        assert await snoozing
        assert len(disk.snoozes(clock.now()) or ()) == 1


async def test_a_snooze_that_waits_to_be_stored_when_the_session_ends_is_stored(clock: FakeClock, disk: Disk) -> None:
    async with running(clock, dock(device(0, *[0] * 40)), watch=READ, history=disk) as fleet:
        with no_thread_is_free() as free:
            until = clock.now() + timedelta(hours=8)
            snoozing = asyncio.create_task(fleet.waste.snooze(fleet.waste.rows, until, ""))
            await settle()
            snoozing.cancel()
            await settle()
            free.set()
            await asyncio.wait({snoozing})
        assert len(disk.snoozes(clock.now()) or ()) == 1


async def test_a_snooze_that_could_not_be_stored_lasts_and_is_stored_with_the_next_change(
    clock: FakeClock, disk: Disk
) -> None:
    async with running(clock, dock(device(0, *[0] * 40)), watch=READ, history=disk) as fleet:
        (waste,), until = fleet.waste.rows, clock.now() + timedelta(hours=8)
        disk.broken = True
        assert not await fleet.waste.snooze([waste], until, "")
        await fleet.waste.read_snoozes()
        assert fleet.waste.rows == ()
        disk.broken = False
        await fleet.waste.read_snoozes()
        assert fleet.waste.rows == ()
        assert disk.snoozes(clock.now()) == []
        assert await fleet.waste.snooze([replace(waste, reason=WasteReason.STUCK)], until, "")
        assert len(disk.snoozes(clock.now()) or ()) == 2
        disk.broken = True
        assert not await fleet.waste.end_snooze([waste])
        await fleet.waste.read_snoozes()
        found = fleet.waste.now
        assert ([one.ref for one in found.rows], found.snoozed) == ([MAIN], ())


async def test_waste_of_unknown_begin_has_the_time_for_which_it_was_watched(clock: FakeClock) -> None:
    class Dock(FakeBackend):
        spending = frozenset({Resource.VOLUMES})

    backend = Dock("dock", (Resource.VOLUMES,))
    backend.rows[Resource.VOLUMES] = [
        Volume(Ref("dock", "volume", "v"), "v", "NFS", Phase.RUNNING, "ok", mounts=0, price=Money(Decimal(1), "USD"))
    ]
    async with running(clock, backend, watch=(Resource.VOLUMES,)) as fleet:
        assert [waste.since for waste in fleet.waste.rows] == [None]
        end = fleet.waste.subscribe(lambda found: None)
        assert [(waste.since, waste.at_least) for waste in fleet.waste.rows] == [(START, True)]
        for away, since in ((60, START), (600, START + timedelta(seconds=660))):
            end()
            await clock.advance(away)
            end = fleet.waste.subscribe(lambda found: None)
            assert [waste.since for waste in fleet.waste.rows] == [since]


async def test_a_deployment_is_waste_once_it_was_seen_without_instances_for_long_and_without_a_gap(
    clock: FakeClock,
) -> None:
    backend = FakeBackend("dock", (Resource.DEPLOYMENTS,))
    chat = Deployment(
        Ref("dock", "endpoint", "chat"),
        "chat",
        "HTTP",
        Phase.RUNNING,
        "running",
        desired=1,
        running=0,
        starting=0,
        price=Money(Decimal(3), "USD"),
    )
    backend.rows[Resource.DEPLOYMENTS] = [chat]
    async with running(clock, backend, watch=(Resource.DEPLOYMENTS,)) as fleet:

        async def look(minutes: int) -> tuple[int, list[float | None]]:
            for _ in range(minutes):
                await clock.advance(60)
                fleet.waste.look_again()
            return len(fleet.waste.rows), [waste.seen for waste in fleet.waste.now.soon]

        fleet.waste.subscribe(lambda found: None)
        assert await look(0) == (0, [0.0])
        assert await look(1) == (0, [60.0])
        assert await look(29) == (1, [])
        backend.errors[Resource.DEPLOYMENTS] = UnavailableError("dock: no answer")
        assert await look(10) == (0, [])
        backend.errors.clear()
        fleet.refresh([Resource.DEPLOYMENTS])
        assert await look(1) == (0, [60.0])
