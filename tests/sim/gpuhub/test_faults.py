"""Each way a simulated cloud misbehaves, as a client sees it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gputui.sim.http.faults import HOSTILE_NAMES, PROFILES
from gputui.sim.server import Running
from tests.sim.conftest import Sims
from tests.sim.gpuhub.clouds import HUB, Hub, names


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start(clouds=[HUB])


@pytest.fixture
async def hub(sims: Sims, sim: Running) -> Hub:
    return Hub(await sims.client(sim, "hub", auth=None))


async def test_wrong_credentials_are_refused_in_an_envelope(sim: Running, hub: Hub) -> None:
    sim.set_faults("auth", "hub")
    assert (await hub.refused("POST", "wallet/balance", {}))[0] == "AuthorizeFailed"


async def test_a_rate_limit_is_a_status_and_an_envelope(sims: Sims, sim: Running) -> None:
    sim.set_faults("ratelimited", "hub")
    client = await sims.client(sim, "hub", auth=None)
    answer = await client.post("/api/v1/dev/wallet/balance", headers={"Authorization": HUB.token})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert (answer.json()["code"], answer.json()["msg"]) == ("InternalError", "Too Many Requests")


async def test_a_lost_answer_to_an_order_leaves_the_deployment_behind(sim: Running, hub: Hub) -> None:
    template = (await hub.deployment("llama-serve"))["template"] | {"memory_size_from": 1, "memory_size_to": 256}
    order = {"name": "lost", "deployment_type": "Container", "container_template": template}
    sim.set_faults("flaky", "hub")
    for _ in range(8):
        try:
            await hub.ask("POST", "wallet/balance", {})
        except AssertionError:
            continue
    with pytest.raises(httpx.RemoteProtocolError):
        await hub.ask("POST", "deployment", order)
    sim.set_faults("none")
    assert names(await hub.rows("deployment/list", name="lost")) == ["lost"]


async def test_one_regions_stock_fails_and_the_others_do_not(sim: Running, hub: Hub) -> None:
    sim.set_faults("region")
    *sound, faulty = HUB.regions
    for region in sound:
        assert await hub.data("POST", "machine/region/gpu_stock", {"region_sign": region})
    refusal = await hub.refused("POST", "machine/region/gpu_stock", {"region_sign": faulty})
    assert refusal == ("InternalError", f"the machines of {faulty} cannot be reached")


async def test_lists_shift_while_they_are_read_and_repeat_their_end(sim: Running, hub: Hub) -> None:
    everything = names(await hub.rows("deployment/list"))
    sim.set_faults("shifting")

    async def page(index: int) -> dict[str, Any]:
        return dict(await hub.data("POST", "deployment/list", {"page_index": index, "page_size": 3}))

    first, second, third, beyond = [await page(index) for index in (1, 2, 3, 9)]
    assert names(first["list"]) == everything[:3]
    assert names(second["list"]) == everything[2:5]
    assert (first["result_total"], second["result_total"], second["max_page"]) == (7, 8, 3)
    assert names(third["list"]) == names(beyond["list"]) == everything[4:]


async def test_garbage_spoils_some_rows_and_the_totals(sim: Running, hub: Hub) -> None:
    uuid = (await hub.deployment("llama-serve"))["uuid"]
    body = {"deployment_uuid": uuid, "page_index": 1, "page_size": 100}
    good = await hub.data("POST", "deployment/container/list", body)
    sim.set_faults("garbage")
    spoiled = await hub.data("POST", "deployment/container/list", body)
    assert not {"max_page", "result_total"} & spoiled.keys()
    assert [row == before for row, before in zip(spoiled["list"], good["list"], strict=False)].count(True) == 5
    assert spoiled["list"][-2:] == [None, "row"]
    assert (spoiled["list"][1]["status"], spoiled["list"][1]["started_at"]) == ("hibernating", None)
    assert isinstance(spoiled["list"][4]["price"], str)
    events = await hub.data("POST", "deployment/container/event/list", body)
    assert None in [event["created_at"] for event in events["list"][:-2]]
    stock = await hub.data("POST", "machine/region/gpu_stock", {"region_sign": "sgp1"})
    assert next(iter(stock[1].values())) == {"idle_gpu_num": "2", "total_gpu_num": None}


async def test_hostile_names_come_and_go(sim: Running, hub: Hub) -> None:
    before = await hub.rows("deployment/list")
    sim.set_faults("hostile", "hub")
    hostile = await hub.rows("deployment/list")
    assert [row["name"] for row in hostile][: len(HOSTILE_NAMES)] == list(reversed(HOSTILE_NAMES))
    images = [row["image_name"] for row in await hub.rows("image/private/list")]
    assert set(HOSTILE_NAMES) <= set(images)
    stock = await hub.data("POST", "machine/region/gpu_stock", {"region_sign": "sgp1"})
    assert set(HOSTILE_NAMES) <= {name for entry in stock for name in entry}
    blocks = await hub.data("GET", "deployment/blacklist")
    assert [block["machine_id"] for block in blocks] == [block["msg"] for block in blocks] == list(HOSTILE_NAMES)
    body = {"deployment_uuid": hostile[0]["uuid"], "page_index": 1, "page_size": 10}
    (container,) = (await hub.data("POST", "deployment/container/list", body))["list"]
    assert (container["gpu_name"], container["status"]) == (HOSTILE_NAMES[-1], "running")
    sim.set_faults("none")
    assert await hub.data("GET", "deployment/blacklist") == []
    assert await hub.rows("deployment/list") == before


async def test_every_profile_can_be_set_and_left(sim: Running, hub: Hub) -> None:
    before = await hub.rows("deployment/list")
    for profile in PROFILES:
        sim.set_faults(profile)
    sim.set_faults("none")
    assert await hub.rows("deployment/list") == before


async def test_an_unplugged_cloud_refuses_until_plugged_in_again(sim: Running, hub: Hub) -> None:
    await sim.unplug("hub")
    with pytest.raises(httpx.ConnectError):
        await hub.ask("GET", "deployment/blacklist")
    await sim.plug("hub")
    assert await hub.data("GET", "deployment/blacklist") == []
