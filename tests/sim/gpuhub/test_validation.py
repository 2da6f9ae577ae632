"""What the simulated GPUhub API refuses: HTTP 200, another code, and a message that names the parameter."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.sim.conftest import Sims
from tests.sim.gpuhub.clouds import HUB, Hub

ORDER: dict[str, Any] = {
    "name": "try",
    "deployment_type": "ReplicaSet",
    "replica_num": 1,
    "container_template": {
        "dc_list": ["sgp1"],
        "cuda_v_from": 118,
        "cuda_v_to": 130,
        "gpu_name_set": ["RTX 5090"],
        "gpu_num": 1,
        "cpu_num_from": 1,
        "cpu_num_to": 100,
        "memory_size_from": 1,
        "memory_size_to": 256,
        "price_from": 10,
        "price_to": 9000,
        "image_uuid": "image-db8346e037",
        "cmd": "sleep 100",
    },
}
WRONG = "RequestParameterIsWrong"


@pytest.fixture
async def hub(sims: Sims) -> Hub:
    sim = await sims.start(clouds=[HUB])
    return Hub(await sims.client(sim, "hub", auth=None))


def changed(**changes: Any) -> dict[str, Any]:
    """The order with some parameters changed, or taken out where the change is ``...``."""
    body = copy.deepcopy(ORDER)
    for name, value in changes.items():
        template = body.get("container_template", {})
        place = template if name in template else body
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return body


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name is required"),
        ({"name": 7}, "name must be a string"),
        ({"deployment_type": "Pod"}, "deployment_type must be one of ReplicaSet, Job, Container"),
        ({"replica_num": ...}, "replica_num is required"),
        ({"replica_num": 0}, "replica_num must be at least 1"),
        ({"replica_num": True}, "replica_num must be an integer"),
        ({"deployment_type": "Job"}, "parallelism_num is required"),
        ({"deployment_type": "Job", "parallelism_num": 0}, "parallelism_num must be at least 1"),
        ({"deployment_type": "Container", "replica_num": 2}, "replica_num must be at most 1"),
        ({"reuse_container": "yes"}, "reuse_container must be a boolean"),
        ({"reuse_container_scope": "some"}, "reuse_container_scope must be one of all, deployment"),
        ({"service_6006_port_protocol": "udp"}, "service_6006_port_protocol must be one of http, tcp"),
        ({"container_template": ...}, "container_template is required"),
        ({"container_template": []}, "container_template must be an object"),
        ({"dc_list": []}, "container_template.dc_list must not be empty"),
        ({"dc_list": ...}, "container_template.dc_list is required"),
        ({"dc_list": ["sgp1", "moon"]}, "container_template.dc_list: no such region: moon"),
        ({"gpu_name_set": "RTX 5090"}, "container_template.gpu_name_set must be a list of strings"),
        ({"gpu_num": 0}, "container_template.gpu_num must be at least 1"),
        ({"cpu_num_to": ...}, "container_template.cpu_num_to is required"),
        ({"memory_size_from": "1"}, "container_template.memory_size_from must be a number"),
        ({"price_from": -1}, "container_template.price_from must be at least 0"),
        ({"cmd": ""}, "container_template.cmd is required"),
        *(
            (
                {f"{stem}_from": 200, f"{stem}_to": 100},
                f"container_template.{stem}_from must be at most container_template.{stem}_to",
            )
            for stem in ("cuda_v", "cpu_num", "memory_size", "price")
        ),
    ],
)
async def test_an_order_with_a_mistake_names_it_and_makes_nothing(
    hub: Hub, changes: dict[str, Any], message: str
) -> None:
    assert await hub.refused("POST", "deployment", changed(**changes)) == (WRONG, message)
    assert await hub.rows("deployment/list", name="try") == []


async def test_an_unknown_image_is_not_found(hub: Hub) -> None:
    refusal = await hub.refused("POST", "deployment", changed(image_uuid="image-none"))
    assert refusal == ("RecordNotFound", "container_template.image_uuid: no such image: image-none")


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("POST", "image/private/list", {"page_index": 1}, (WRONG, "page_size is required")),
        ("POST", "deployment/list", {"page_size": 10}, (WRONG, "page_index is required")),
        (
            "POST",
            "deployment/list",
            {"page_index": 1, "page_size": 10, "status": "odd"},
            (WRONG, "status must be one of running, stopped"),
        ),
        ("POST", "deployment/container/list", {}, (WRONG, "deployment_uuid is required")),
        (
            "POST",
            "deployment/container/list",
            {"deployment_uuid": "none"},
            ("RecordNotFound", "no such deployment: none"),
        ),
        ("DELETE", "deployment", {"deployment_uuid": "none"}, ("RecordNotFound", "no such deployment: none")),
        (
            "GET",
            "deployment/ddp/overview?deployment_uuid=none",
            None,
            ("RecordNotFound", "no such deployment: none"),
        ),
        (
            "PUT",
            "deployment/container/stop",
            {"deployment_container_uuid": "none"},
            ("RecordNotFound", "no such container: none"),
        ),
        ("POST", "machine/region/gpu_stock", {"region_sign": "moon"}, (WRONG, "region_sign: no such region: moon")),
        (
            "POST",
            "machine/region/gpu_stock",
            {"region_sign": "sgp1", "price_from": 2, "price_to": 1},
            (WRONG, "price_from must be at most price_to"),
        ),
    ],
)
async def test_a_call_with_a_mistake_names_it(
    hub: Hub, method: str, path: str, body: dict[str, Any] | None, refusal: tuple[str, str]
) -> None:
    assert await hub.refused(method, path, body) == refusal


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"date_from": "yesterday"}, "date_from must be a time as 2022-12-13T16:43:03+08:00"),
        ({"date_from": "2025-02-01", "date_to": "2025-01-01"}, "date_from must be at most date_to"),
        ({"memory_size_from": 2, "memory_size_to": 1}, "memory_size_from must be at most memory_size_to"),
        ({"released": "yes"}, "released must be a boolean"),
        ({"status": "running"}, "status must be a list of strings"),
        ({"page_size": 0}, "page_size must be at least 1"),
    ],
)
async def test_a_filter_of_containers_with_a_mistake_names_it(hub: Hub, body: dict[str, Any], message: str) -> None:
    uuid = (await hub.deployment("notebook"))["uuid"]
    refusal = await hub.refused("POST", "deployment/container/list", {"deployment_uuid": uuid} | body)
    assert refusal == (WRONG, message)


async def test_only_running_replica_sets_are_scaled(hub: Hub) -> None:
    job = (await hub.deployment("mmlu-eval"))["uuid"]
    refusal = await hub.refused("PUT", "deployment/replica_num", {"deployment_uuid": job, "replica_num": 2})
    assert refusal == ("BadRequest", "replica_num can be changed for a ReplicaSet only, not for a Job")
    serve = (await hub.deployment("llama-serve"))["uuid"]
    refusal = await hub.refused("PUT", "deployment/replica_num", {"deployment_uuid": serve, "replica_num": 0})
    assert refusal == (WRONG, "replica_num must be at least 1")
    await hub.data("PUT", "deployment/operate", {"deployment_uuid": serve, "operate": "stop"})
    refusal = await hub.refused("PUT", "deployment/replica_num", {"deployment_uuid": serve, "replica_num": 2})
    assert refusal == ("BadRequest", f"deployment {serve} is stopped")


async def test_only_a_replica_set_has_one_replica_less(hub: Hub) -> None:
    uuid = (await hub.containers("notebook"))[0]["uuid"]
    body = {"deployment_container_uuid": uuid, "decrease_one_replica_num": True}
    refusal = await hub.refused("PUT", "deployment/container/stop", body)
    assert refusal == (WRONG, "decrease_one_replica_num is for a ReplicaSet only")


async def test_what_has_stopped_cannot_be_stopped_again(hub: Hub) -> None:
    uuid = (await hub.containers("sdxl-batch"))[0]["uuid"]
    refusal = await hub.refused("PUT", "deployment/container/stop", {"deployment_container_uuid": uuid})
    assert refusal == ("BadRequest", f"container {uuid} is not running: shutdown")


@pytest.mark.parametrize(
    ("minutes", "message"),
    [
        (43_201, "expire_in_minutes must be at most 43200"),
        (0, "expire_in_minutes must be at least 1"),
        ("60", "expire_in_minutes must be an integer"),
    ],
)
async def test_a_block_has_its_limits(hub: Hub, minutes: Any, message: str) -> None:
    uuid = (await hub.containers("notebook"))[0]["uuid"]
    body = {"deployment_container_uuid": uuid, "expire_in_minutes": minutes}
    assert await hub.refused("POST", "deployment/blacklist", body) == (WRONG, message)
    assert await hub.data("GET", "deployment/blacklist") == []


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(sims: Sims, content: bytes) -> None:
    sim = await sims.start(clouds=[HUB])
    client = await sims.client(sim, "hub", auth=None)
    headers = {"Authorization": HUB.token}
    answer = await client.post("/api/v1/dev/deployment/list", content=content, headers=headers)
    assert (answer.status_code, answer.json()["msg"]) == (200, "the body is not a JSON object")
