"""The simulated GPUhub API over HTTP: envelopes, shapes, pages, filters."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from gputui.sim.gpuhub.default_world import AUTODL_REGIONS, CLOUDS, PERSONAL, PRIVATE
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running
from tests.sim.conftest import START, Hands, Sims
from tests.sim.gpuhub.clouds import AUTODL, HUB, Hub, names

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
GIB = 1 << 30


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start(clouds=[HUB])


@pytest.fixture
async def hub(sims: Sims, sim: Running) -> Hub:
    return Hub(await sims.client(sim, "hub", auth=None))


async def test_only_the_raw_token_is_taken(hub: Hub) -> None:
    for wrong in ("", "wrong", f"Bearer {HUB.token}"):
        hub.headers = {"Authorization": wrong} if wrong else {}
        code, message = await hub.refused("POST", "wallet/balance", {})
        assert (code, message) == ("AuthorizeFailed", "authorization failed, check the token")


async def test_an_answer_is_an_envelope(hub: Hub) -> None:
    answer = await hub.ask("GET", "deployment/blacklist")
    assert answer == {"code": "Success", "msg": "", "data": []}


async def test_images_are_paged(hub: Hub) -> None:
    page = await hub.data("POST", "image/private/list", {"page_index": 2, "page_size": 2})
    assert {name: page[name] for name in page if name != "list"} == {
        "page_index": 2,
        "page_size": 2,
        "offset": 0,
        "max_page": 3,
        "result_total": 5,
    }
    assert set(page["list"][0]) == {"id", "created_at", "updated_at", "image_uuid", "image_name", "status"}


async def test_a_deployment_has_its_fields_with_memory_in_bytes(hub: Hub) -> None:
    row = await hub.deployment("llama-serve")
    assert set(row) == {
        *("id", "uid", "uuid", "name", "deployment_type", "status", "replica_num", "parallelism_num"),
        *("reuse_container", "starting_num", "running_num", "finished_num", "image_uuid", "template"),
        *("price_estimates", "created_at", "updated_at", "stopped_at"),
    }
    assert (row["deployment_type"], row["status"], row["replica_num"], row["running_num"]) == (
        "ReplicaSet",
        "running",
        8,
        8,
    )
    assert TIME.fullmatch(row["created_at"])
    assert row["stopped_at"] is None
    assert row["template"]["memory_size_from"] == GIB
    assert row["template"]["dc_list"] == list(HUB.regions)


async def test_a_container_has_its_fields(hub: Hub) -> None:
    row = (await hub.containers("qwen-finetune", status=["running"]))[0]
    assert set(row) == {
        *("id", "uuid", "version", "data_center", "machine_id", "deployment_uuid", "status", "gpu_name", "gpu_num"),
        *("cpu_num", "memory_size", "image_uuid", "price", "info", "started_at", "stopped_at", "created_at"),
        "updated_at",
    }
    assert row["uuid"].startswith(f"{row['deployment_uuid']}-{row['machine_id']}-")
    assert (row["gpu_name"], row["gpu_num"], row["cpu_num"], row["memory_size"]) == (
        "RTX Pro 6000",
        2,
        32,
        2 * 96636764160,
    )
    assert TIME.fullmatch(row["started_at"])
    assert row["stopped_at"] is None
    info = row["info"]
    assert re.fullmatch(r"ssh -p \d+ root@127\.0\.0\.1", info["ssh_command"])
    assert info["root_password"]
    assert info["service_6006_port_url"].startswith("https://")
    assert info["service_6008_port_url"].startswith("http://")


async def test_times_not_reached_are_null_and_there_is_nothing_to_log_into_yet(sims: Sims) -> None:
    clock = WorldClock(speed=1, start=START, monotonic=Hands())
    sim = await sims.start(clouds=[HUB], clock=clock)
    hub = Hub(await sims.client(sim, "hub", auth=None))
    deployment = await hub.deployment("llama-serve")
    await hub.data("PUT", "deployment/replica_num", {"deployment_uuid": deployment["uuid"], "replica_num": 9})
    row = (await hub.containers("llama-serve"))[0]
    assert (row["status"], row["started_at"], row["stopped_at"]) == ("creating", None, None)
    assert (row["info"]["ssh_command"], row["info"]["root_password"]) == ("", "")


async def test_deployments_are_filtered_by_name_status_and_uuid(hub: Hub) -> None:
    everything = await hub.rows("deployment/list")
    assert names(everything) == [initial.name for initial in reversed(HUB.initial)]
    assert names(await hub.rows("deployment/list", name="llama")) == []
    assert names(await hub.rows("deployment/list", status="stopped")) == ["sdxl-batch"]
    assert len(await hub.rows("deployment/list", status="running", name="")) == 6
    assert await hub.rows("deployment/list", deployment_uuid=everything[2]["uuid"]) == [everything[2]]


async def test_containers_are_filtered(hub: Hub) -> None:
    everything = await hub.containers("qwen-finetune")
    one = everything[3]

    async def found(**body: Any) -> list[dict[str, Any]]:
        return await hub.containers("qwen-finetune", **body)

    assert await found(container_uuid=one["uuid"]) == [one]
    assert await found(status=["running", "starting"]) == [
        row for row in everything if row["status"] in ("running", "starting")
    ]
    assert await found(gpu_name="RTX 4090") == []
    assert await found(cpu_num_from=33) == []
    assert await found(cpu_num_from=32, cpu_num_to=32) == everything
    assert await found(memory_size_to=2 * 96636764160 - 1) == []
    assert await found(price_from=one["price"], price_to=one["price"] + 0.5) == [
        row for row in everything if row["price"] == one["price"]
    ]
    since = [row for row in everything if row["created_at"] >= one["created_at"]]
    assert await found(date_from=one["created_at"]) == since
    before = one["created_at"].replace("T", " ").removesuffix("+08:00")
    assert len(await found(date_to=before)) in (len(everything) - len(since), len(everything) - len(since) + 1)


async def test_released_containers_are_listed_only_when_asked_for(hub: Hub) -> None:
    uuid = (await hub.containers("llama-serve"))[0]["uuid"]
    await hub.data("PUT", "deployment/container/stop", {"deployment_container_uuid": uuid, "no_cache": True})
    assert uuid not in [row["uuid"] for row in await hub.containers("llama-serve")]
    released = [row for row in await hub.containers("llama-serve", released=True) if row["uuid"] == uuid]
    assert [row["status"] for row in released] == ["released"]
    assert TIME.fullmatch(released[0]["stopped_at"])


async def test_events_are_polled_with_how_many_were_read(hub: Hub) -> None:
    uuid = (await hub.deployment("llama-serve"))["uuid"]

    async def events(**body: Any) -> dict[str, Any]:
        page = {"deployment_uuid": uuid, "page_index": 1, "page_size": 10} | body
        return dict(await hub.data("POST", "deployment/container/event/list", page))

    first = await events()
    total = first["result_total"]
    everything = list(first["list"])
    for number in range(2, first["max_page"] + 1):
        everything += (await events(page_index=number))["list"]
    assert len(everything) == total
    assert set(everything[0]) == {"deployment_container_uuid", "status", "created_at"}
    assert (await events(offset=total))["list"] == []
    stopped = everything[0]["deployment_container_uuid"]
    await hub.data("PUT", "deployment/container/stop", {"deployment_container_uuid": stopped})
    fresh = await events(offset=total, page_size=3)
    assert [event["status"] for event in fresh["list"]] == ["shutting_down", "shutdown", "creating"]
    assert (fresh["result_total"] - total, fresh["max_page"]) == (
        len((await events(offset=total, page_size=100))["list"]),
        -(-(fresh["result_total"] - total) // 3),
    )
    of_one = (await events(deployment_container_uuid=stopped, page_size=100))["list"]
    assert {event["deployment_container_uuid"] for event in of_one} == {stopped}
    assert of_one[-1]["status"] == "shutdown"


@pytest.mark.parametrize(
    ("wanted", "models"),
    [
        ({"gpu_name_set": ["RTX 4090", "nothing"]}, {"RTX 4090"}),
        ({"cuda_v_from": 129}, set()),
        ({"memory_size_from": 721}, set()),
        ({"cpu_num_to": 15}, set()),
        ({"price_from": 3600}, {"H200"}),
        (
            {"price_to": 500, "cuda_v_from": 110, "cuda_v_to": 130, "cpu_num_from": 16, "memory_size_to": 90},
            {"RTX 3090"},
        ),
    ],
)
async def test_stock_is_filtered(sims: Sims, wanted: dict[str, Any], models: set[str]) -> None:
    sim = await sims.start(clouds=[replace(HUB, everywhere=True)])
    hub = Hub(await sims.client(sim, "hub", auth=None))
    stock = await hub.data("POST", "machine/region/gpu_stock", {"region_sign": "sgp1"} | wanted)
    assert {name for entry in stock for name in entry} == models


async def test_stock_is_a_list_of_single_models(hub: Hub) -> None:
    stock = await hub.data("POST", "machine/region/gpu_stock", {"region_sign": "Singapore-A"})
    assert all(len(entry) == 1 for entry in stock)
    numbers = next(entry["RTX 5090"] for entry in stock if "RTX 5090" in entry)
    assert 0 <= numbers["idle_gpu_num"] <= numbers["total_gpu_num"] == 16


async def test_a_block_is_listed_and_extended(hub: Hub) -> None:
    container = (await hub.containers("notebook"))[0]
    await hub.data("POST", "deployment/blacklist", {"deployment_container_uuid": container["uuid"]})
    (entry,) = await hub.data("GET", "deployment/blacklist")
    assert set(entry) == {"created_at", "updated_at", "data_center", "expired_time", "machine_id", "msg"}
    assert (entry["machine_id"], entry["data_center"]) == (container["machine_id"], container["data_center"])
    body = {"deployment_container_uuid": container["uuid"], "expire_in_minutes": 43_200, "comment": "Slow boot"}
    await hub.data("POST", "deployment/blacklist", body)
    (extended,) = await hub.data("GET", "deployment/blacklist")
    assert extended["expired_time"] > entry["expired_time"]
    assert extended["msg"] == "Slow boot"


async def test_packages_and_balance(hub: Hub) -> None:
    uuid = (await hub.deployment("llama-serve"))["uuid"]
    (package,) = await hub.data("GET", f"deployment/ddp/overview?deployment_uuid={uuid}")
    assert package == {
        "gpu_type": "RTX 5090",
        "total": 1_800_000,
        "balance": 1_146_240,
        "dc_list": "sgp1,Singapore-A,Singapore-B",
    }
    wallet = await hub.data("POST", "wallet/balance", {})
    figures = (wallet["assets"], wallet["blocked_asset"], wallet["accumulate"], wallet["voucher_balance"])
    assert figures == (2_483_500, 23_450, 0, 50_000)
    assert len(wallet) == 14


@pytest.mark.parametrize("key", ["operate", "operation"])
async def test_a_deployment_is_stopped_under_either_name_of_the_parameter(hub: Hub, key: str) -> None:
    uuid = (await hub.deployment("llama-serve"))["uuid"]
    assert await hub.data("PUT", "deployment/operate", {"deployment_uuid": uuid, key: "stop"}) is None
    row = await hub.deployment("llama-serve")
    assert (row["status"], row["running_num"], row["price_estimates"]) == ("stopped", 0, 0)
    assert TIME.fullmatch(row["stopped_at"])
    await hub.data("PUT", "deployment/operate", {"deployment_uuid": uuid, key: "delete"})
    assert await hub.rows("deployment/list", deployment_uuid=uuid) == []


async def test_two_clouds_of_their_own(sims: Sims) -> None:
    sim = await sims.start(clouds=[HUB, AUTODL])
    autodl = Hub(await sims.client(sim, "autodl", auth=None), AUTODL.token)
    assert names(await autodl.rows("deployment/list")) == ["data-clean", "asr-service", "sd-webui"]
    for region in AUTODL_REGIONS:
        assert await autodl.data("POST", "machine/region/gpu_stock", {"region_sign": region})


async def test_autodl_has_thirty_models_everywhere_when_large(sims: Sims) -> None:
    sim = await sims.start(clouds=[CLOUDS["large"][1]])
    autodl = Hub(await sims.client(sim, "autodl", auth=None), AUTODL.token)
    for region in AUTODL_REGIONS:
        assert len(await autodl.data("POST", "machine/region/gpu_stock", {"region_sign": region})) == 30


async def test_the_private_variant_has_its_own_form_of_stock_and_blacklist(sims: Sims) -> None:
    sim = await sims.start(clouds=[PRIVATE])
    client = await sims.client(sim, "private", auth=None)
    private = Hub(client, PRIVATE.token)
    one = await private.data("POST", "machine/region/gpu_stock", {"region_sign": "roomA"})
    everything = await private.data("GET", "machine/gpu_stock")
    assert set(one) == set(everything)
    assert everything["RTX 4090"]["total_gpu_num"] == 2 * one["RTX 4090"]["total_gpu_num"]
    assert (await client.get("/api/v1/dev/deployment/blacklist", headers=private.headers)).status_code == 405
    container = (await private.containers("sd-webui"))[0]
    await private.data("POST", "deployment/blacklist", {"deployment_container_uuid": container["uuid"]})
    (entry,) = await private.data("POST", "deployment/blacklist/list", {})
    assert entry["machine_id"] == container["machine_id"]


async def test_the_public_variant_has_no_stock_of_all_regions(sims: Sims, sim: Running) -> None:
    client = await sims.client(sim, "hub", auth=None)
    headers = {"Authorization": HUB.token}
    assert (await client.get("/api/v1/dev/machine/gpu_stock", headers=headers)).status_code == 404
    assert (await client.post("/api/v1/dev/deployment/blacklist/list", headers=headers)).status_code == 404


async def test_a_frozen_cloud_answers_the_same_byte_for_byte(sims: Sims, sim: Running) -> None:
    client = await sims.client(sim, "hub", auth=None)
    body = json.dumps({"page_index": 1, "page_size": 100})
    answers = {
        (await client.post("/api/v1/dev/deployment/list", content=body, headers={"Authorization": HUB.token})).content
        for _ in range(3)
    }
    assert len(answers) == 1


async def test_a_personal_account_may_not_use_deployments(sims: Sims) -> None:
    sim = await sims.start(clouds=[PERSONAL])
    personal = Hub(await sims.client(sim, "personal", auth=None), PERSONAL.token)
    for path in ("deployment/list", "deployment/container/list", "deployment"):
        assert await personal.refused("POST", path, {}) == ("BadRequest", "无当前资源访问权限")
    assert await personal.data("POST", "machine/region/gpu_stock", {"region_sign": "westDC2"})
    assert await personal.data("POST", "wallet/balance", {})


async def test_a_private_cloud_names_no_requests_and_no_wrong_parameter(sims: Sims) -> None:
    sim = await sims.start(clouds=[PRIVATE])
    private = Hub(await sims.client(sim, "private", auth=None), PRIVATE.token)
    body = {"name": "x", "deployment_type": "Container", "container_template": {"dc_list": ["roomA"], "cuda_v": 118}}
    envelope = await private.ask("POST", "deployment", body)
    assert envelope == {"code": "RequestParameterIsWrong", "msg": "请求参数错误", "data": None}
