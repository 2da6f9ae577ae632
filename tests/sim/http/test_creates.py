"""Creates that go wrong, as clients of three APIs see them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope

from gputui.sim.deepdock.default_world import DOCK
from gputui.sim.gpuhub.default_world import PERSONAL
from gputui.sim.gpuhub.instances import InstancePool
from gputui.sim.http.creates import LATE_SECONDS, Creates
from gputui.sim.http.faults import profiles_of
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running, faults_by_account, running_simulator
from gputui.sim.yotta.default_world import YOTTA
from gputui.sim.yotta.faults import YottaFaults
from tests.sim.conftest import START, Hands, Sims
from tests.sim.gpuhub.clouds import HUB, Hub, names
from tests.sim.gpuhub.test_instances import ORDER as INSTANCE
from tests.sim.yotta.yottas import EMPTY, POD, Yotta
from tests.sim.yotta.yottas import Place as YottaPlace

_CREATE_POD: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/v2/pods",
    "query_string": b"",
    "headers": [(b"x-api-key", YOTTA.key.encode())],
}
ME = replace(PERSONAL, instances=(), quiet=True)


@dataclass
class Place:
    """An account: how to create something called ``test``, and how often its list has it."""

    name: str
    http: httpx.AsyncClient
    headers: dict[str, str]
    path: str
    body: dict[str, Any]
    listed: Callable[[], Awaitable[int]]

    async def create(self) -> httpx.Response:
        return await self.http.post(self.path, json=self.body, headers=self.headers, timeout=0.2)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def sim(sims: Sims, hands: Hands) -> Running:
    clock = WorldClock(speed=1, start=START, monotonic=hands)
    return await sims.start(clock=clock, clouds=[replace(HUB, quiet=True), ME], yottas=[EMPTY])


@pytest.fixture(params=["hub", "personal", "yotta"])
async def place(request: pytest.FixtureRequest, sims: Sims, sim: Running) -> Place:
    http = await sims.client(sim, request.param, auth=None)
    if request.param == "yotta":
        yotta = Yotta(http)

        async def pods() -> int:
            return len(await yotta.data("GET", "pods"))

        return Place("yotta", http, yotta.headers, "/v2/pods", POD, pods)
    if request.param == "personal":
        me = Hub(http, ME.token)
        pool: InstancePool = sim.accounts["personal"].state.pool
        for machine in pool.machines["5090-p"]:
            machine.others = 0

        async def instances() -> int:
            return len(await me.rows("instance/pro/list"))

        return Place("personal", http, me.headers, "/api/v1/dev/instance/pro/create", INSTANCE, instances)
    hub = Hub(http)
    template = (await hub.deployment("llama-serve"))["template"] | {"memory_size_from": 1, "memory_size_to": 256}
    order = {"name": "test", "deployment_type": "Container", "container_template": template}

    async def deployments() -> int:
        return names(await hub.rows("deployment/list")).count("test")

    return Place("hub", http, hub.headers, "/api/v1/dev/deployment", order, deployments)


async def test_a_lost_create_is_carried_out_and_never_answered(sim: Running, place: Place) -> None:
    sim.set_faults("createlost", place.name)
    with pytest.raises(httpx.ReadTimeout):
        await place.create()
    assert await place.listed() == 1


async def test_a_create_that_fails_makes_nothing(sim: Running, place: Place, hands: Hands) -> None:
    sim.set_faults("createfails", place.name)
    assert (await place.create()).status_code == 503
    hands.now += LATE_SECONDS
    assert [await place.listed(), await place.listed()] == [0, 0]


async def test_a_late_create_is_carried_out_after_its_error(sim: Running, place: Place, hands: Hands) -> None:
    sim.set_faults("createlate", place.name)
    assert (await place.create()).status_code == 504
    assert await place.listed() == 0
    hands.now += LATE_SECONDS
    await place.listed()  # the world moves with its requests
    assert await place.listed() == 1


async def test_a_hidden_create_is_answered_and_listed_late(sim: Running, place: Place, hands: Hands) -> None:
    sim.set_faults("createhidden", place.name)
    assert (await place.create()).is_success
    hands.now += LATE_SECONDS - 1
    assert await place.listed() == 0
    hands.now += 1
    assert await place.listed() == 1


async def test_a_forgotten_create_is_answered_and_never_listed(sim: Running, place: Place, hands: Hands) -> None:
    sim.set_faults("createforgotten", place.name)
    assert (await place.create()).is_success
    hands.now += 10 * LATE_SECONDS
    assert await place.listed() == 0


async def test_a_refused_create_is_refused_under_every_profile(sim: Running, place: Place) -> None:
    place.headers = {"Authorization": "wrong", "X-Api-Key": "wrong"}
    for outcome in ("hidden", "forgotten"):
        sim.set_faults(f"create{outcome}", place.name)
        assert "Success" not in (await place.create()).text


async def test_drawn_outcomes_are_those_of_the_seed() -> None:
    async def statuses(seed: int) -> list[int]:
        place = YottaPlace()
        creates = Creates(place.api.app, YottaFaults(place.api), place.world, seed)
        seen = []
        for _ in range(20):
            body: list[Message] = [{"type": "http.request", "body": json.dumps(POD).encode(), "more_body": False}]
            sent: list[Message] = []

            async def receive(body: list[Message] = body) -> Message:
                return body.pop()

            async def send(message: Message, sent: list[Message] = sent) -> None:
                sent.append(message)

            await creates.answer("any", _CREATE_POD, receive, send)
            seen.append(sent[0]["status"] if sent else 0)
        return seen

    first = await statuses(3)
    assert first == await statuses(3) != await statuses(4)
    assert set(first) == {200, 503, 504, 0}


def test_profiles_are_given_for_all_accounts_and_for_one() -> None:
    assert faults_by_account("none") == {None: "none"}
    assert faults_by_account("flicker,hub=creates+slow") == {None: "flicker", "hub": "creates+slow"}
    assert profiles_of("flicker+prices") == {"flicker", "prices"}
    with pytest.raises(ValueError, match="unknown fault profile 'nope'"):
        faults_by_account("hub=nope")


async def test_faults_of_an_unknown_account_are_refused() -> None:
    with pytest.raises(ValueError, match="faults of 'hubb', which is no account with an API: "):
        async with running_simulator(ssh=False, speed=0, faults="hubb=down"):
            pass


async def test_pods_and_containers_of_hosts_are_forgotten_and_hidden_as_well(sims: Sims) -> None:
    frozen = await sims.start(docks=[DOCK])
    for account, path, body in (
        ("lab", "/pod/create?ins=made&image=lab-cuda:latest", {}),
        ("dock", "/containers/create", {"name": "made", "image": "ubuntu:24.04", "user_name": "a", "password": "b"}),
    ):
        http = await sims.client(frozen, account)
        pods = frozen.world.hosts[account].pods
        if account == "dock":
            await http.post("/images", json={"repo_tag": "ubuntu:24.04"})
        before = set(pods)
        frozen.set_faults("createforgotten", account)
        assert (await http.post(path, json=body)).is_success
        assert set(pods) == before
        frozen.set_faults("createhidden", account)
        assert (await http.post(path, json=body)).is_success
        assert set(pods) == before
        frozen.world.advance()
        assert len(set(pods) - before) == 1
