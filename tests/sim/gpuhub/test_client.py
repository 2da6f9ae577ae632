"""A client that knows nothing but the API's document works against the simulator with another host."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any, cast

import httpx

from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import running_simulator
from tests.sim.conftest import START, Hands


class DocumentedClient:
    """As one would write it in an afternoon: synchronous, nothing but the document at hand."""

    def __init__(self, host: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=host,
            headers={"Authorization": token, "Content-Type": "application/json"},
            trust_env=False,
        )

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        content = answer.json()
        if content["code"] != "Success":
            raise RuntimeError(f"{content['code']}: {content['msg']}")
        return content["data"]

    def create(self) -> str:
        return cast(
            str,
            self.call(
                "POST",
                "/api/v1/dev/deployment",
                {
                    "name": "api-create",
                    "deployment_type": "ReplicaSet",
                    "replica_num": 2,
                    "reuse_container": True,
                    "container_template": {
                        "dc_list": ["sgp1", "Singapore-A"],
                        "cuda_v_from": 118,
                        "cuda_v_to": 128,
                        "gpu_name_set": ["RTX 5090", "RTX Pro 6000"],
                        "gpu_num": 1,
                        "cpu_num_from": 1,
                        "cpu_num_to": 100,
                        "memory_size_from": 1,
                        "memory_size_to": 256,
                        "price_from": 100,
                        "price_to": 9000,
                        "image_uuid": "base-image-l2t43iu6uk",
                        "cmd": "sleep 100",
                    },
                },
            )["deployment_uuid"],
        )

    def pages(self, path: str, **body: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        index, pages = 1, 1
        while index <= pages:
            page = self.call("POST", path, body | {"page_index": index, "page_size": 5})
            rows += page["list"]
            pages, index = page["max_page"], index + 1
        return rows

    def containers(self, deployment: str, *statuses: str) -> list[dict[str, Any]]:
        path = "/api/v1/dev/deployment/container/list"
        return self.pages(path, deployment_uuid=deployment, status=list(statuses))

    def events(self, deployment: str, offset: int = 0) -> list[dict[str, Any]]:
        path = "/api/v1/dev/deployment/container/event/list"
        return self.pages(path, deployment_uuid=deployment, offset=offset)


def story(client: DocumentedClient, hands: Hands) -> None:
    """From an image to nothing left, with everything an operator does in between."""
    assert client.pages("/api/v1/dev/image/private/list")
    stock = client.call("POST", "/api/v1/dev/machine/region/gpu_stock", {"region_sign": "sgp1"})
    idle = next(entry["RTX 5090"]["idle_gpu_num"] for entry in stock if "RTX 5090" in entry)
    uuid = client.create()
    (listed,) = client.pages("/api/v1/dev/deployment/list", name="api-create")
    assert (listed["uuid"], listed["starting_num"]) == (uuid, 2)
    seen = client.events(uuid)
    assert [event["status"] for event in seen] == ["creating", "creating"]
    seen += _wait_for(client, hands, uuid, running=2, offset=len(seen))
    first, second = client.containers(uuid, "running")
    assert re.fullmatch(r"ssh -p \d+ root@.+", first["info"]["ssh_command"])

    client.call("PUT", "/api/v1/dev/deployment/replica_num", {"deployment_uuid": uuid, "replica_num": 3})
    seen += _wait_for(client, hands, uuid, running=3, offset=len(seen))

    client.call(
        "POST",
        "/api/v1/dev/deployment/blacklist",
        {"deployment_container_uuid": first["uuid"], "expire_in_minutes": 60, "comment": "Slow boot"},
    )
    (entry,) = client.call("GET", "/api/v1/dev/deployment/blacklist")
    assert entry["machine_id"] == first["machine_id"]

    known = [row["uuid"] for row in client.containers(uuid)]
    client.call(
        "PUT",
        "/api/v1/dev/deployment/container/stop",
        {
            "deployment_container_uuid": second["uuid"],
            "decrease_one_replica_num": False,
            "no_cache": True,
            "cmd_before_shutdown": "sleep 1",
        },
    )
    seen += _wait_for(client, hands, uuid, running=3, offset=len(seen), gone=second["uuid"])
    assert client.events(uuid) == seen
    fresh = [row for row in client.containers(uuid) if row["uuid"] not in known]
    assert fresh
    assert first["machine_id"] not in [row["machine_id"] for row in fresh]

    client.call("PUT", "/api/v1/dev/deployment/operate", {"deployment_uuid": uuid, "operate": "stop"})
    client.call("DELETE", "/api/v1/dev/deployment", {"deployment_uuid": uuid})
    assert client.pages("/api/v1/dev/deployment/list", deployment_uuid=uuid) == []
    stock = client.call("POST", "/api/v1/dev/machine/region/gpu_stock", {"region_sign": "sgp1"})
    assert next(entry["RTX 5090"]["idle_gpu_num"] for entry in stock if "RTX 5090" in entry) == idle


def _wait_for(
    client: DocumentedClient, hands: Hands, uuid: str, *, running: int, offset: int, gone: str = ""
) -> list[dict[str, Any]]:
    """Poll for news until so many containers run; the events read on the way."""
    seen: list[dict[str, Any]] = []
    for _ in range(1200):
        hands.now += 1
        seen += client.events(uuid, offset + len(seen))
        up = [row["uuid"] for row in client.containers(uuid, "running")]
        if len(up) == running and gone not in up:
            return seen
    raise AssertionError("the containers did not come up")


async def test_a_client_from_the_document_works_unchanged() -> None:
    hands = Hands()
    plan = replace(CLOUDS["small"][0], quiet=True)
    clock = WorldClock(start=START, monotonic=hands)
    async with running_simulator(ssh=False, clock=clock, plans={"gpuhub": [plan]}) as sim:
        client = DocumentedClient(sim.base_urls["hub"], plan.token)
        await asyncio.to_thread(story, client, hands)
