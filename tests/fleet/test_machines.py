"""Whole machines: their events, and how often they are looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gputui.fleet.event_observer import Observer
from gputui.models import Instance, Machine, Phase, Ref, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, running

GPUS, INSTANCES = Resource.GPUS, Resource.INSTANCES

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UP = Instance(Ref("own", "host", "gpu01"), "gpu01", Phase.RUNNING, "up", machine=Machine(True, "boot-1"))
OFF = replace(
    UP,
    phase=Phase.UNKNOWN,
    status="unreachable",
    problem="No answer from gpu01 in time.",
    machine=Machine(False, "boot-1"),
)
UNREAD = replace(OFF, status="unknown", problem="Not logged into gpu01.", machine=Machine(None, "boot-1"))
BOOTED = replace(UP, machine=Machine(True, "boot-2"))


def events(*rows: Instance) -> list[tuple[str | None, str]]:
    """The states before and after of the events of these successive rows of one machine."""
    observer = Observer()
    found = [observer.observe("own", [row], NOON + timedelta(minutes=place)) for place, row in enumerate(rows)]
    return [(event.before, event.status) for each in found for event in each]


def test_a_machine_that_is_not_reachable_and_back_are_events() -> None:
    assert events(UP, OFF, OFF, UP) == [("up", "unreachable"), ("unreachable", "up")]


def test_a_machine_that_was_not_read_is_none() -> None:
    assert events(UP, UNREAD, UP) == []


def test_a_new_boot_is_an_event_also_after_a_time_without_an_answer() -> None:
    assert events(UP, BOOTED, BOOTED) == [("up", "rebooted")]
    assert events(UP, OFF, BOOTED) == [("up", "unreachable"), ("unreachable", "up"), ("unreachable", "rebooted")]


def test_gpus_that_are_lost_are_an_event_until_the_next_boot() -> None:
    lost = replace(UP, machine=Machine(True, "boot-1", gpus_lost=1))
    more = replace(UP, problem="nvidia-smi fails", machine=Machine(True, "boot-1", gpus_lost=3))
    assert events(UP, lost, lost, more, UP, BOOTED) == [
        ("up", "1 GPU lost"),
        ("up", "2 GPUs lost"),
        ("up", "rebooted"),
    ]


def test_a_boot_between_two_sessions_is_an_event() -> None:
    observer = Observer()
    observer.start_from("own", [UP])
    assert [event.status for event in observer.observe("own", [BOOTED], NOON)] == ["rebooted"]


VLLM = Instance(Ref("own", "container", "gpu01/vllm"), "gpu01/vllm", Phase.RUNNING, "running", parent=UP.ref)
REFUSED = replace(UP, machine=Machine(True, "boot-1", containers_problem="ops may not use docker"))


@pytest.mark.parametrize("machine", [OFF, UNREAD, REFUSED])
def test_containers_that_a_machine_does_not_list_are_neither_gone_nor_new(machine: Instance) -> None:
    earlier, fresh = Observer(), Observer()
    earlier.start_from("own", [UP, VLLM])
    for observer in (earlier, fresh):
        for rows in ([machine], [UP, VLLM]):
            found = observer.observe("own", rows, NOON)
            assert [event.name for event in found if event.instance == VLLM.ref] == []
        (gone,) = observer.observe("own", [UP], NOON)
        assert (gone.name, gone.status) == ("gpu01/vllm", "gone")
        (new,) = observer.observe("own", [UP, VLLM], NOON)
        assert (new.name, new.status) == ("gpu01/vllm", "running")


async def test_a_back_end_says_how_often_it_may_be_asked(clock: FakeClock) -> None:
    class Slow(FakeBackend):
        paces = (10.0, 60.0)

    slow = Slow("own", (INSTANCES, GPUS))
    async with running(clock, slow, watch=[GPUS]):
        await clock.advance(59)
    assert (slow.calls[GPUS], slow.calls[INSTANCES]) == (6, 1)
    slow = Slow("own", (INSTANCES, GPUS))
    async with running(clock, slow, watch=[INSTANCES]):
        await clock.advance(59)
    assert (slow.calls[GPUS], slow.calls[INSTANCES]) == (0, 6)
