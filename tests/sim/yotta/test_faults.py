"""Each way the simulated Yotta misbehaves, as a client sees it."""

from __future__ import annotations

import httpx
import pytest

from gputui.sim.http.faults import HOSTILE_NAMES, PROFILES
from gputui.sim.server import Running
from tests.sim.conftest import Sims
from tests.sim.yotta.yottas import QUIET, Yotta


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start(yottas=[QUIET])


@pytest.fixture
async def yotta(sims: Sims, sim: Running) -> Yotta:
    return Yotta(await sims.client(sim, "yotta", auth=None))


@pytest.mark.parametrize(
    ("profile", "code", "start"),
    [
        ("down", 502, b"<html>"),
        ("html", 200, b"<!DOCTYPE html>"),
        ("auth", 403, b'{"message": "X-Api-Key is not valid", "code": 403'),
        ("ratelimited", 429, b'{"message": "Too Many Requests", "code": 10002'),
        ("truncated", 200, b'{"message":"success","code":10000,"data":[{"id":'),
    ],
)
async def test_the_general_profiles_work_here_too(
    sim: Running, yotta: Yotta, profile: str, code: int, start: bytes
) -> None:
    sim.set_faults(profile, "yotta")
    answer = await yotta.http.get("/v2/pods", headers=yotta.headers)
    assert (answer.status_code, answer.content[: len(start)]) == (code, start)
    assert answer.headers.get("retry-after") == ("3" if code == 429 else None)


async def test_every_third_request_fails_and_the_third_of_those_is_done_all_the_same(
    sim: Running, yotta: Yotta
) -> None:
    sim.set_faults("flaky", "yotta")
    order = {"name": "v", "storageType": "S3"}
    statuses = []
    with pytest.raises(httpx.RemoteProtocolError):
        for _ in range(9):
            answer = await yotta.http.post("/v2/volumes", json=order, headers=yotta.headers)
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 502, 200, 200, 504, 200, 200]
    sim.set_faults("none", "yotta")
    made = await yotta.data("GET", "volumes", storageType="S3", size=100)
    assert sum(row["name"] == "v" for row in made["items"]) == 7


async def test_garbage_spoils_some_rows_and_all_totals(sim: Running, yotta: Yotta) -> None:
    whole = await yotta.data("GET", "pods")
    sim.set_faults("garbage", "yotta")
    spoiled = (await yotta.http.get("/v2/pods", headers=yotta.headers)).json()["data"]
    assert spoiled[0] == whole[0]
    assert spoiled[1]["status"] == "HIBERNATING"
    assert spoiled[-2:] == [None, "row"]
    page = (await yotta.http.get("/v2/vms", headers=yotta.headers)).json()["data"]
    assert page.keys() == {"items", "page", "surprise"}


async def test_hostile_things_come_and_go(sim: Running, yotta: Yotta) -> None:
    lists = ("pods", "serverless", "vms", "volumes", "container-registry-auths")
    query = {"size": 100, "storageType": "CEPH"}

    async def names() -> list[set[str]]:
        answers = [await yotta.data("GET", path, **query) for path in lists]
        rows = [answer["items"] if isinstance(answer, dict) else answer for answer in answers]
        return [{row["name"] for row in found} for found in rows]

    before, stock = await names(), await yotta.data("GET", "vms/types")
    sim.set_faults("hostile", "yotta")
    for found in await names():
        assert set(HOSTILE_NAMES) <= found
    kinds = {row["gpuType"] for row in await yotta.data("GET", "vms/types")}
    assert set(HOSTILE_NAMES) <= kinds
    sim.set_faults("none", "yotta")
    assert await names() == before
    assert await yotta.data("GET", "vms/types") == stock


async def test_pages_shift_while_they_are_read(sim: Running, yotta: Yotta) -> None:
    sim.set_faults("shifting", "yotta")
    first, second, tenth = [await yotta.data("GET", "vms", page=page, size=2) for page in (1, 2, 10)]
    assert first["items"][1] == second["items"][0]
    assert second["total"] == first["total"] + 1
    assert len(tenth["items"]) == 2


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"hang", "slow"}))
async def test_an_account_comes_through_every_profile_as_it_was(sim: Running, yotta: Yotta, profile: str) -> None:
    before = await yotta.data("GET", "pods")
    sim.set_faults(profile, "yotta")
    await yotta.http.get("/v2/pods", headers=yotta.headers)
    sim.set_faults("none", "yotta")
    assert await yotta.data("GET", "pods") == before
