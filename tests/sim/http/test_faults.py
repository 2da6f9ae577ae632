"""Each way the simulator misbehaves, as a client sees it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from gputui.sim.http.faults import HOSTILE_NAMES, PROFILES, Faults
from gputui.sim.pody.faults import BROKEN_POD, PodyFaults
from gputui.sim.server import Running
from tests.sim.conftest import Sims


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start()


@pytest.fixture
async def client(sims: Sims, sim: Running) -> httpx.AsyncClient:
    return await sims.client(sim)


@pytest.mark.parametrize(
    ("profile", "status", "kind", "start"),
    [
        ("down", 502, "text/html", b"<html>"),
        ("html", 200, "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("auth", 403, "application/json", b'{"detail":"Invalid username or password"}'),
    ],
)
async def test_every_request_gets_the_same_wrong_answer(
    sim: Running, client: httpx.AsyncClient, profile: str, status: int, kind: str, start: bytes
) -> None:
    sim.set_faults(profile)
    for path in ("/pod/list", "/user/info"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
        assert answer.content.startswith(start)


async def test_a_rate_limit_says_when_to_come_back(sim: Running, client: httpx.AsyncClient) -> None:
    sim.set_faults("ratelimited")
    answers = [await client.get("/pod/list") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"


async def test_every_third_request_fails_in_three_ways(sim: Running, client: httpx.AsyncClient) -> None:
    sim.set_faults("flaky")
    seen: list[int | str] = []
    for _ in range(9):
        try:
            seen.append((await client.get("/pod/list")).status_code)
        except httpx.RemoteProtocolError:
            seen.append("cut off")
    assert seen == [200, 200, 502, 200, 200, 504, 200, 200, "cut off"]


async def test_json_is_cut_off_in_the_middle(sim: Running, client: httpx.AsyncClient) -> None:
    whole = (await client.get("/pod/list")).content
    sim.set_faults("truncated")
    answer = await client.get("/pod/list")
    assert answer.status_code == 200
    assert answer.content == whole[: len(whole) // 2]


async def test_garbage_spoils_some_pods_and_leaves_others(sim: Running, client: httpx.AsyncClient) -> None:
    names = (await client.get("/pod/list")).json()

    async def inspect() -> list[object]:
        return [(await client.get("/pod/inspect", params={"ins": name})).json() for name in names]

    good = await inspect()
    sim.set_faults("garbage")
    spoiled = await inspect()
    same = sum(before == after for before, after in zip(good, spoiled, strict=True))
    assert 0 < same < len(names)
    assert (await client.get("/image/list")).json()[:2] == [None, 42]
    assert (await client.get("/host/gpu-ps")).json()["0"][-1] == "row"
    assert (await client.get("/user/info")).json()["quota"]["max_pods"] == "many"


async def test_hostile_names_come_and_go(sim: Running, client: httpx.AsyncClient) -> None:
    before = (await client.get("/pod/list")).json()
    sim.set_faults("hostile")
    names = (await client.get("/pod/list")).json()
    assert set(names) - set(before) == set(HOSTILE_NAMES)
    for name in HOSTILE_NAMES:
        pod = (await client.get("/pod/inspect", params={"ins": name})).json()
        assert (pod["name"], pod["image"]) == (f"alice-{name}", f"{name}:latest")
    processes = json.dumps((await client.get("/host/gpu-ps")).json(), ensure_ascii=False)
    assert "python [/x]" in processes
    sim.set_faults("none")
    assert (await client.get("/pod/list")).json() == before


async def test_one_pod_cannot_be_inspected(sim: Running, client: httpx.AsyncClient) -> None:
    sim.set_faults("inspect")
    broken = await client.get("/pod/inspect", params={"ins": BROKEN_POD})
    assert (broken.status_code, broken.content) == (500, b"Internal Server Error")
    assert (await client.get("/pod/inspect", params={"ins": "main"})).status_code == 200
    sim.set_faults("none")
    assert (await client.get("/pod/inspect", params={"ins": BROKEN_POD})).status_code == 200


async def test_a_hanging_server_never_answers(sim: Running, client: httpx.AsyncClient) -> None:
    sim.set_faults("hang")
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/pod/list", timeout=0.1)


async def test_a_slow_server_answers_late(sim: Running) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    host = sim.world.hosts["lab"]
    app = Faults(sim.sites["lab"].faults, PodyFaults(host), sim.world, sleep=sleep)
    app.profile = "slow"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lab") as client:
        assert (await client.get("/version")).json() == [0, 4, 1]
    assert slept == [2.0]


async def test_faults_can_strike_one_account_only(sims: Sims, sim: Running, client: httpx.AsyncClient) -> None:
    sim.set_faults("auth", "lab-b")
    other = await sims.client(sim, "lab-b")
    assert (await client.get("/pod/list")).status_code == 200
    assert (await other.get("/pod/list")).status_code == 403


def test_an_unknown_profile_is_refused(sim: Running) -> None:
    with pytest.raises(ValueError, match="unknown fault profile 'nope': one of none, flaky"):
        sim.set_faults("nope")


async def test_every_profile_can_be_set_and_left(sim: Running, client: httpx.AsyncClient) -> None:
    before = (await client.get("/pod/list")).content
    for profile in PROFILES:
        sim.set_faults(profile)
        assert {site.faults.profile for site in sim.sites.values()} == {profile}
    sim.set_faults("none")
    assert (await client.get("/pod/list")).content == before
