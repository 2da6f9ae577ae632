"""Each way a simulated DeepDock host misbehaves, as a client sees it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from gputui.sim.http.faults import HOSTILE_NAMES, PROFILES
from gputui.sim.server import Running
from tests.sim.conftest import Sims
from tests.sim.deepdock.docks import CUDA, QUIET, SMALL, Dock, gaps


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start(docks=[QUIET])


@pytest.fixture
async def dock(sims: Sims, sim: Running) -> Dock:
    return Dock(await sims.client(sim, "dock", auth=None))


@pytest.mark.parametrize(
    ("profile", "code", "start"),
    [
        ("down", 502, b"<html>"),
        ("html", 200, b"<!DOCTYPE html>"),
        ("auth", 403, b'{"detail":"Not authenticated"}'),
        ("ratelimited", 429, b'{"detail":"Too Many Requests"}'),
        ("truncated", 200, b'{"containers":[{"id":'),
    ],
)
async def test_the_general_profiles_work_here_too(
    sim: Running, dock: Dock, profile: str, code: int, start: bytes
) -> None:
    sim.set_faults(profile, "dock")
    answer = await dock.http.get("/containers")
    assert (answer.status_code, answer.content[: len(start)]) == (code, start)


async def test_a_pull_without_room_fails_in_dockers_words(sim: Running, dock: Dock) -> None:
    before = await dock.images()
    sim.set_faults("nospace")
    code, refusal = await dock.ask("POST", "/images", {"repo_tag": SMALL})
    assert code == 500
    assert refusal["detail"].endswith('libcublasLt.so.12: no space left on device")')
    assert (await dock.ask("POST", "/images", {"repo_tag": CUDA}))[0] == 200
    assert await dock.images() == before


async def test_a_pull_whose_connection_breaks_continues(sim: Running, dock: Dock) -> None:
    sim.set_faults("pullcut")
    with pytest.raises(httpx.RemoteProtocolError):
        await dock.ask("POST", "/images", {"repo_tag": SMALL})
    assert SMALL in await dock.tags()


async def test_series_have_gaps_and_come_twice_and_out_of_order(sim: Running, dock: Dock) -> None:
    whole = await dock.series()
    sim.set_faults("samples")
    spoiled = await dock.series()
    stamps = [sample["timestamp"] for sample in spoiled]
    assert len(set(stamps)) < len(stamps)
    assert stamps != sorted(stamps)
    ordered = sorted((dict(pairs) for pairs in {tuple(sample.items()) for sample in spoiled}), key=str)
    assert all(sample in whole for sample in ordered)
    assert max(gaps(ordered)) > timedelta(minutes=3)
    backwards = await dock.series(2)
    assert backwards[0]["timestamp"] > backwards[-1]["timestamp"]
    sim.set_faults("none")
    assert await dock.series() == whole


async def test_a_gpu_disappears_and_comes_back(sim: Running, dock: Dock) -> None:
    sim.set_faults("lostgpu")
    assert list((await dock.ask("GET", "/metrics/gpus"))[1]) == list("0123456")
    assert (await dock.ask("GET", "/metrics"))[1]["gpu_count"] == 7
    sim.set_faults("none")
    assert "7" in (await dock.ask("GET", "/metrics/gpus"))[1]


async def test_running_containers_report_no_port(sim: Running, dock: Dock) -> None:
    sim.set_faults("noport")
    assert (await dock.containers())["train-7b"]["status"] == "running"
    assert {row["ssh-port"] for row in (await dock.containers()).values()} == {None}
    assert (await dock.create())[1]["ssh-port"] is None


async def test_an_empty_host_has_nothing(sim: Running, dock: Dock) -> None:
    sim.set_faults("empty")
    assert await dock.ask("GET", "/containers") == (200, {"containers": []})
    assert await dock.ask("GET", "/images") == (200, {"count": 0, "images": []})
    assert await dock.ask("GET", "/metrics/gpus") == (200, {})
    assert (await dock.ask("GET", "/metrics"))[1]["gpu_count"] == 0


async def test_hostile_names_come_and_go(sim: Running, dock: Dock) -> None:
    before = await dock.containers()
    sim.set_faults("hostile")
    containers = await dock.containers()
    assert set(containers) - set(before) == set(HOSTILE_NAMES)
    assert containers["[/x]"]["image"] == ["[/x]:latest"]
    assert {f"{name}:latest" for name in HOSTILE_NAMES} < set(await dock.tags())
    assert (await dock.http.post("/containers/%5B%2Fx%5D/stop")).status_code == 200
    sim.set_faults("none")
    assert await dock.containers() == before


async def test_garbage_spoils_a_third_of_the_rows(sim: Running, dock: Dock) -> None:
    good = await dock.series()
    names = list(await dock.containers())
    sim.set_faults("garbage")
    rows = (await dock.ask("GET", "/containers"))[1]["containers"]
    assert [row.get("name") for row in rows[:-2]] == names
    assert (rows[1]["status"], rows[1]["ssh-port"], rows[-2:]) == ("hibernating", "22000", [None, "row"])
    spoiled = await dock.series()
    same = sum(before == after for before, after in zip(good, spoiled, strict=False))
    assert same == 240
    assert spoiled[4]["timestamp"] == "just now"


async def test_every_profile_can_be_set_and_left(sim: Running, dock: Dock) -> None:
    before = [await dock.ask("GET", path) for path in ("/containers", "/images", "/metrics", "/metrics/gpus")]
    for profile in PROFILES:
        sim.set_faults(profile)
    sim.set_faults("none")
    assert [await dock.ask("GET", path) for path in ("/containers", "/images", "/metrics", "/metrics/gpus")] == before
