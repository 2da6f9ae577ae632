"""Facts about hosts: starts, failed starts, lives and lost GPUs, each once whoever observes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gputui.fleet.host_observer import HostObserver
from gputui.history.history import History
from gputui.models import Event, EventSource, GpuDevice, GpuSample, Instance, Machine, Phase, Ref, Resource
from gputui.models.hosts import EccReading, Fact, HostFact
from tests.fleet.fakes import START, FakeBackend, FakeClock, running

ONE = Ref("hub", "container", "c1")
PARENT = Ref("hub", "deployment", "train")


def row(status: str = "creating", phase: Phase = Phase.PENDING) -> Instance:
    return Instance(ONE, "c1", phase, status, parent=PARENT, host="h1", region="sgp1")


def event(seconds: float, status: str, phase: Phase, source: EventSource = EventSource.REPORTED) -> Event:
    at = START + timedelta(seconds=seconds)
    return Event(Ref("hub", "event", f"{seconds}"), ONE, "c1", at, status, phase, source=source, parent=PARENT)


def observed(*events: Event) -> list[HostFact]:
    observer = HostObserver(START)
    observer.rows([row()], START)
    observer.events(events)
    return [fact for fact in observer.collect() if isinstance(fact, HostFact) and fact.fact is not Fact.SEEN]


def said(facts: list[HostFact]) -> list[tuple[Fact, float | None, str]]:
    return [(fact.fact, fact.seconds, fact.detail) for fact in facts]


UP = event(0, "creating", Phase.PENDING), event(40, "running", Phase.RUNNING)


def test_a_start_and_a_life_are_facts_of_the_host() -> None:
    found = observed(*UP, event(100, "shutdown", Phase.STOPPED), event(110, "gone", Phase.STOPPED))
    assert said(found) == [(Fact.START, 40, ""), (Fact.LIFE, 60, "shutdown")]
    assert {(fact.host, fact.region, fact.group) for fact in found} == {("h1", "sgp1", str(PARENT))}


def test_an_end_before_it_ran_is_a_failed_start() -> None:
    assert said(observed(UP[0], event(30, "start_failed", Phase.FAILED))) == [(Fact.FAILED, None, "start_failed")]


def test_lost_gpus_are_no_end_of_a_life() -> None:
    found = observed(*UP, event(90, "2 GPUs lost", Phase.FAILED), event(100, "shutdown", Phase.STOPPED))
    assert said(found)[1:] == [(Fact.LOST, None, "2"), (Fact.LIFE, 60, "shutdown")]


def test_what_an_earlier_session_has_observed_and_instances_on_unknown_hosts_are_left_out() -> None:
    assert observed(*(event(second, status, phase, EventSource.OBSERVED) for second, status, phase in (
        (-50, "creating", Phase.PENDING), (-10, "running", Phase.RUNNING),
    ))) == []  # fmt: skip
    observer = HostObserver(START)
    observer.events(UP)
    assert observer.collect() == []


def test_two_processes_store_a_fact_once_and_an_end_of_ones_own_is_none(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    facts = observed(*UP, event(100, "shutdown", Phase.STOPPED))
    for _ in range(2):
        assert History(path).host_facts.add(facts, START)
    since = START - timedelta(days=1)
    assert sorted(History(path).host_facts.read({"hub"}, since), key=lambda one: one.at) == facts
    assert History(path).host_facts.read({"lab"}, since) == []
    other = History(tmp_path / "other.sqlite3")
    other.audit_log.begin(at=START, user="a", account="hub", ref=str(PARENT), action="stop", summary="stop train")
    other.host_facts.add(facts, START)
    assert [fact.fact for fact in other.host_facts.read({"hub"}, since)] == [Fact.START]


def test_a_gpu_that_is_lost_or_needs_a_reset_is_a_fact_of_the_host_of_its_instance_once_a_day() -> None:
    observer = HostObserver(START)
    observer.rows([row()], START)
    gpus = [
        GpuDevice(Ref("hub", "gpu", f"c1:{index}"), "c1", index, uuid=f"GPU-{index}", through=ONE, problem=problem)
        for index, problem in enumerate((None, "is lost: its host has to be restarted", "needs a reset: stop it"))
    ]
    for _ in range(2):
        observer.gpus(gpus, START)
    assert [(fact.fact, fact.host, fact.occasion) for fact in observer.collect() if isinstance(fact, HostFact)] == [
        (Fact.SEEN, "h1", "2026-03-01"),
        (Fact.LOST, "h1", "2026-03-01 GPU-1"),
        (Fact.FAULT, "h1", "2026-03-01 GPU-2"),
    ]


def test_memory_errors_are_read_of_machines_and_through_instances_once_for_each_change() -> None:
    observer = HostObserver(START)
    ref = Ref("hosts", "host", "gpu01")
    observer.rows([row(), Instance(ref, "gpu01", Phase.RUNNING, "up", host="gpu01", machine=Machine(True))], START)
    now = GpuSample(START)
    seen = GpuDevice(Ref("hub", "gpu", "c1:0"), "c1", 0, uuid="GPU-0", through=ONE, ecc_errors=0, sample=now)
    own = GpuDevice(Ref("hosts", "gpu", "gpu01:0"), "gpu01", 0, uuid="GPU-1", ecc_errors=2, sample=now)
    observer.gpus([seen, own], START)
    observer.gpus([seen, own, replace(own, uuid="GPU-2", ecc_errors=None)], START)
    observer.gpus([replace(seen, ecc_errors=1), own], START)
    observer.gpus([replace(own, ecc_errors=7, sample=None, last=now)], START)  # not read again
    found = [one for one in observer.collect() if isinstance(one, EccReading)]
    assert [(one.account, one.host, one.gpu, one.errors) for one in found] == [
        ("hub", "h1", "GPU-0", 0), ("hosts", "gpu01", "GPU-1", 2), ("hub", "h1", "GPU-0", 1),
    ]  # fmt: skip


def test_a_machine_s_gpu_that_needs_a_reset_is_a_fact() -> None:
    observer = HostObserver(START)
    ref = Ref("hosts", "host", "gpu01")
    observer.rows([Instance(ref, "gpu01", Phase.RUNNING, "up", host="gpu01", machine=Machine(True))], START)
    broken = GpuDevice(Ref("hosts", "gpu", "gpu01:0"), "gpu01", 0, problem="needs a reset: stop it")
    observer.gpus([broken], START)
    assert [fact.fact for fact in observer.collect() if isinstance(fact, HostFact)] == [Fact.SEEN]
    observer.gpus([replace(broken, sample=GpuSample(START))], START)
    found = [fact for fact in observer.collect() if isinstance(fact, HostFact)]
    assert [(fact.fact, fact.host) for fact in found] == [(Fact.FAULT, "gpu01")]


def test_new_memory_errors_are_facts_once_whoever_reads_them_and_a_restart_begins_at_0(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"

    def read(minute: int, errors: int, gpu: str = "GPU-0") -> EccReading:
        return EccReading("hub", "sgp1", "h1", gpu, errors, START + timedelta(minutes=minute))

    first, second = History(path), History(path)
    for history, reading in (
        (first, read(0, 2)), (second, read(1, 2)), (second, read(60, 5)), (first, read(59, 2)), (first, read(61, 5)),
        (first, read(120, 0)), (second, read(180, 5)), (first, read(240, 1)), (first, read(250, 0, "GPU-1")),
        (second, read(260, 4, "GPU-1")),
    ):  # fmt: skip
        assert history.host_facts.add([reading], reading.at)
    found = History(path).host_facts.read({"hub"}, START - timedelta(days=1))
    assert [((fact.at - START).seconds // 60, fact.detail) for fact in found] == [
        (0, "2 before it was observed"), (60, "3"), (180, "5"), (240, "1"), (260, "4"),
    ]  # fmt: skip
    assert {fact.fact for fact in found} == {Fact.ECC}


def test_a_reading_of_a_clock_that_was_ahead_does_not_hide_later_ones(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite3")
    for days, errors in ((40, 1), (0, 4)):
        at = START + timedelta(days=days)
        assert history.host_facts.add([EccReading("hub", "", "h1", "0", errors, at)], at)
    assert "3" in [fact.detail for fact in history.host_facts.read({"hub"}, START - timedelta(days=1))]


async def test_a_fleet_leaves_the_facts_in_the_history(clock: FakeClock) -> None:
    history = History(None)
    hub = FakeBackend("hub", (Resource.INSTANCES,))
    hub.rows[Resource.INSTANCES] = []
    async with running(clock, hub, history=history, watch=[Resource.INSTANCES]):
        await clock.advance(10)
        for instance in (row(), row("running", Phase.RUNNING), row("shutdown", Phase.STOPPED)):
            hub.rows[Resource.INSTANCES] = [instance]
            await clock.advance(10)
    found = history.host_facts.read({"hub"}, START - timedelta(days=1))
    assert sorted(fact.fact for fact in found) == [Fact.LIFE, Fact.START]


def test_a_machine_that_is_read_is_seen_once_a_day() -> None:
    observer = HostObserver(START)
    ref = Ref("hosts", "host", "gpu01")
    machine = Instance(ref, "gpu01", Phase.RUNNING, "up", host="gpu01", machine=Machine(reachable=True))
    observer.rows([machine], START)
    observer.rows([replace(machine, status="busy"), row()], START)
    assert not observer.is_new_day(START)
    assert observer.is_new_day(START + timedelta(days=1))
    observer.rows([machine], START + timedelta(days=1))
    assert [(fact.fact, fact.host, fact.occasion) for fact in observer.collect() if isinstance(fact, HostFact)] == [
        (Fact.SEEN, "gpu01", "2026-03-01"), (Fact.SEEN, "gpu01", "2026-03-02"),
    ]  # fmt: skip
