"""The public ``autodl-api`` package works against the simulator, changed in nothing but its host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from autodl import AutoDLElasticDeployment

from gputui.sim.gpuhub.default_world import CLOUDS
from gputui.sim.server import running_simulator

AUTODL = CLOUDS["small"][1]
IMAGE = "base-image-l2t43iu6uk"
DEADLINE = 20.0


def until(ask: Callable[[], Any]) -> Any:
    """Ask again until there is something."""
    end = time.monotonic() + DEADLINE
    while not (found := ask()):
        assert time.monotonic() < end, "it never came"
    return found


def story(client: AutoDLElasticDeployment) -> None:
    """Create one of each type, watch, scale, stop, delete."""
    assert client.get_images()[0]["image_uuid"]
    assert {"gpu_type", "idle_gpu_num", "total_gpu_num"} <= client.get_gpu_stock("westDC2", 118)[0].keys()
    replicas = client.create_replicaset_deployment("public-replicas", IMAGE, replica_num=1)
    job = client.create_job_deployment("public-job", IMAGE, replica_num=2, parallelism_num=1)
    single = client.create_container_deployment("public-container", IMAGE)
    assert {replicas, job, single} <= {row["uuid"] for row in client.get_deployments()}

    container = until(lambda: client.query_containers(replicas)["list"])[0]
    assert container["info"]["ssh_command"].startswith("ssh -p ")
    statuses = [event["status"] for event in client.query_container_events(replicas, page_index=1)]
    assert statuses[:2] == ["creating", "created"]
    assert client.get_ddp_overview(replicas)[0]["balance"] > 0

    assert client.set_replicas(replicas, 2)
    # Two of now: on a busy machine one that failed at its start has been replaced since.
    container = until(lambda: len(two := client.query_containers(replicas)["list"]) == 2 and two)[0]
    assert client.stop_container(container["uuid"], decrease_one_replica_num=True)
    until(lambda: container["uuid"] not in {row["uuid"] for row in client.query_containers(replicas)["list"]})
    assert client.stop_deployment(replicas)
    for uuid in (replicas, job, single):
        assert client.delete_deployment(uuid)
    assert not {replicas, job, single} & {row["uuid"] for row in client.get_deployments()}


async def test_a_public_client_works_unchanged() -> None:
    async with running_simulator(ssh=False, speed=200, plans={"gpuhub": [AUTODL]}) as sim:
        client = AutoDLElasticDeployment(AUTODL.token)
        client.base_url = sim.base_urls["autodl"]
        await asyncio.to_thread(story, client)
