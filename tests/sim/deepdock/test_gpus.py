"""The host and GPU figures of a simulated DeepDock host: they follow what runs there, and cost little to ask for."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from gputui.sim.deepdock.default_world import DockPlan, build_dock
from gputui.sim.deepdock.host import Machine
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.hardware import MIB
from tests.sim.conftest import START, Hands, Sims, build_world
from tests.sim.deepdock.docks import QUIET, Dock, Place, gaps


async def test_there_is_an_hour_behind_every_gpu_from_the_start() -> None:
    async with Place().client() as dock:
        _, series = await dock.ask("GET", "/metrics/gpus")
    assert list(series) == [str(index) for index in range(8)]
    for samples in series.values():
        assert len(samples) == 360
        assert list(samples[0]) == [
            *("timestamp", "memory_used", "utilization", "power_usage", "temperature", "fan_speed")
        ]
        assert all(timedelta(seconds=10) < gap < timedelta(seconds=10.2) for gap in gaps(samples))
        assert all(type(value) is float for name, value in samples[0].items() if name != "timestamp")


async def test_samples_come_one_in_ten_seconds_and_the_oldest_go() -> None:
    place = Place()
    async with place.client() as dock:
        before = await dock.series()
        place.wait(52)
        after = await dock.series()
    assert len(after) == 360
    new = [sample for sample in after if sample not in before]
    assert len(new) in (5, 6)
    assert after == [*before[len(new) :], *new]


async def test_figures_are_the_same_whoever_asks_and_whenever() -> None:
    often, once = Place(), Place()
    async with often.client() as first, once.client() as second:
        for _ in range(20):
            often.wait(20)
            await first.series()
        once.wait(400)
        assert await first.ask("GET", "/metrics/gpus") == await second.ask("GET", "/metrics/gpus")


async def test_times_are_those_of_the_hosts_own_clock_without_a_zone() -> None:
    place = Place(DockPlan(machine=Machine(utc_offset=-3.5 * 3600, skew=-42), quiet=True))
    async with place.client() as dock:
        answer = await dock.http.get("/metrics/gpus")
    stamp = datetime.fromisoformat(answer.json()["0"][-1]["timestamp"])
    assert stamp.tzinfo is None
    host_time = datetime.fromtimestamp(START - 42, UTC)
    assert parsedate_to_datetime(answer.headers["date"]) == host_time
    local = host_time.replace(tzinfo=None) - timedelta(hours=3.5)
    assert timedelta(0) <= local - stamp < timedelta(seconds=10.3)


async def test_every_answer_has_one_date_over_http(sims: Sims) -> None:
    client = await sims.client(await sims.start(docks=[QUIET]), "dock", auth=None)
    for path in ("/metrics", "/nope"):
        answer = await client.get(path)
        assert len(answer.headers.get_list("date")) == 1
        assert parsedate_to_datetime(answer.headers["date"]) == datetime.fromtimestamp(int(START + 7.3), UTC)


async def test_a_container_that_starts_takes_its_gpus_after_a_moment_and_leaves_them_when_it_stops() -> None:
    place = Place()
    async with place.client() as dock:
        idle = (await dock.series(7))[-1]
        free = (await dock.ask("GET", "/metrics"))[1]["ram_available_mb"]
        await dock.create(gpu_ids=[7])
        assert place.host.on_gpu(7) == []
        place.wait(60)
        (process,) = place.host.on_gpu(7)
        process.load = 0.9
        place.wait(240)
        busy = await dock.series(7)
        less = (await dock.ask("GET", "/metrics"))[1]["ram_available_mb"]
        await dock.ask("POST", "/containers/fresh/stop")
        place.wait(240)
        cold = await dock.series(7)
    assert (idle["utilization"], idle["fan_speed"]) == (0, 0)
    loaded = max(sample["utilization"] for sample in busy[-20:])
    assert loaded > 60
    assert max(sample["power_usage"] for sample in busy[-20:]) > idle["power_usage"] + 100
    assert busy[-1]["memory_used"] > idle["memory_used"] + 1000
    assert max(sample["temperature"] for sample in busy[-20:]) > idle["temperature"] + 15
    assert less < free
    assert cold[-1]["utilization"] == 0
    assert cold[-1]["memory_used"] == idle["memory_used"]
    assert max(sample["utilization"] for sample in cold) >= loaded


async def test_warmth_follows_load_slowly() -> None:
    place = Place()
    async with place.client() as dock:
        place.host.processes.clear()
        place.host.spawn(None, "python burn.py", (6,), 1024 * MIB).load = 0.9
        place.wait(35)
        first = (await dock.series(6))[-1]
        place.wait(90)
        later = (await dock.series(6))[-1]
    assert first["utilization"] > 50
    assert first["temperature"] + 5 < later["temperature"]


async def test_no_gpu_uses_more_than_it_has_and_two_stay_free() -> None:
    place = Place(DockPlan())
    async with place.client() as dock:
        for _ in range(20):
            place.wait(180)
            _, series = await dock.ask("GET", "/metrics/gpus")
            assert all(0 <= samples[-1]["memory_used"] <= 24 * 1024 for samples in series.values())
            assert all(0 <= samples[-1]["utilization"] <= 100 for samples in series.values())
            assert all(series[index][-1]["utilization"] == 0 for index in "67")


async def test_things_happen_by_themselves_but_the_first_containers_stay() -> None:
    place = Place(DockPlan(containers=24))
    seen: set[tuple[str, str]] = set()
    ids: dict[str, str] = {}
    pids: set[int] = set()
    async with place.client() as dock:
        for _ in range(120):
            place.wait(30)
            containers = await dock.containers()
            seen.update((name, row["status"]) for name, row in containers.items())
            ids |= {name: containers[name]["id"] for name in ("train-7b", "serve-qwen", "notebook")}
            pids.update(place.host.processes)
    assert {name for name, status in seen if status == "restarting"}
    assert all((name, "restarting") not in seen for name in ids)
    assert len(pids) > len(place.host.processes) + 10


async def test_the_host_says_what_it_has() -> None:
    async with Place().client() as dock:
        code, host = await dock.ask("GET", "/metrics")
    assert code == 200
    assert list(host) == ["gpu_count", "ram_total_mb", "ram_available_mb", "cpu_cores"]
    assert (host["gpu_count"], host["ram_total_mb"], host["cpu_cores"]) == (8, 256 * 1024, 64)
    assert 0 < host["ram_available_mb"] < host["ram_total_mb"]


async def test_asking_again_before_the_next_sample_costs_next_to_nothing() -> None:
    place = Place()
    place.world.advance()
    async with place.client() as dock:
        first = await dock.http.get("/metrics/gpus")
        began = time.process_time()
        for _ in range(20):
            assert (await dock.http.get("/metrics/gpus")).content == first.content
        each = (time.process_time() - began) / 20
    assert each < 0.02, f"{each * 1000:.1f} ms of processor time for an answer that was ready"


def test_the_other_hosts_live_as_they_would_without_it() -> None:
    def pictures(*, with_dock: bool) -> list[object]:
        hands = Hands()
        world = build_world(WorldClock(start=START, monotonic=hands), seed=3)
        lab = world.hosts["lab"]
        if with_dock:
            build_dock(world, DockPlan(), 3)
        for _ in range(60):
            hands.now += 60
            world.advance()
        return [(pod.name, pod.status, pod.container_id) for pod in lab.pods.values()]

    assert pictures(with_dock=True) == pictures(with_dock=False)


async def test_a_frozen_host_answers_the_same_bytes_and_acts_at_once(sims: Sims) -> None:
    first, second = await sims.start(docks=[QUIET]), await sims.start(docks=[QUIET])
    answers = []
    for sim in (first, first, second):
        client = await sims.client(sim, "dock", auth=None)
        answers.append([(await client.get(path)).content for path in ("/images", "/metrics", "/metrics/gpus")])
    assert answers[0] == answers[1] == answers[2]
    dock = Dock(await sims.client(first, "dock", auth=None))
    await dock.create(gpu_ids=[6])
    assert [process.pod for process in first.world.hosts["dock"].on_gpu(6)] == ["fresh"]
    assert (await dock.ask("POST", "/images", {"repo_tag": "vllm/vllm-openai:v0.8.5"}))[0] == 200
