"""The vendor's public ``yottaml`` package works against the simulator, changed in nothing but its base URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from yottaml.credential import CredentialApi
from yottaml.elastic import ElasticApi
from yottaml.error import ClientError
from yottaml.gpu import GpuApi
from yottaml.lib.enums import ElasticDeploymentStatusEnum, TaskStatus
from yottaml.pod import PodApi
from yottaml.skywalker import SkywalkerTaskApi

from gputui.sim.server import running_simulator
from tests.sim.yotta.yottas import EMPTY, RESOURCE

Story = Callable[[str], None]


def data(answer: dict[str, Any]) -> Any:
    """What an answer that succeeded is about."""
    assert answer["code"] == 10000, answer
    return answer["data"]


def gpus(url: str) -> None:
    types = data(GpuApi(EMPTY.key, base_url=url).get_gpus())
    assert {"gpuType", "regions"} == types[0].keys()


def pods(url: str) -> None:
    """A pod without a name, as this client lets one ask though the document wants a name."""
    client = PodApi(EMPTY.key, base_url=url)
    pod = data(
        client.new_pod(
            image="nvidia/cuda:12.1.0-base-ubuntu22.04",
            gpu_type="NVIDIA_RTX_4090_24G",
            gpu_count=1,
            regions=["us-east-3"],
            expose=[{"port": 22, "protocol": "SSH"}],
            environment_vars=[{"key": "MODEL_PATH", "value": "/models"}],
        )
    )
    number = str(pod["id"])
    assert pod["name"]
    running = data(client.get_pods(region_list=["us-east-3"], status_list=[1]))
    assert [one["id"] for one in running] == [pod["id"]]
    data(client.pause_pod(number))
    assert data(client.get_pod(number))["status"] == "STOPPED"
    data(client.resume_pod(number))
    assert data(client.get_pod(number))["sshCmd"].startswith("ssh root@")
    data(client.delete_pod(number))
    assert data(client.get_pods()) == []
    without_gpus = client.new_pod(image="ubuntu:24.04", gpu_type="CPU", resource_type="CPU", name="cpu")
    assert data(without_gpus)["gpuCount"] == 0
    with pytest.raises(ClientError) as refused:
        client.get_pod("99999")
    assert (refused.value.status_code, refused.value.error_code) == (404, 13000)


def endpoints(url: str) -> None:
    client = ElasticApi(EMPTY.key, base_url=url)
    made = data(
        client.create_deployment(
            name="my-endpoint",
            image="yottalabsai/pytorch:latest",
            resources=[RESOURCE],
            workers=1,
            service_mode="ALB",
            container_volume_in_gb=256,
            expose={"port": 8080, "protocol": "HTTP"},
        )
    )
    number = made["id"]
    running = data(client.get_deployments(status_list=[ElasticDeploymentStatusEnum.RUNNING]))
    assert [one["id"] for one in running] == [number]
    data(client.scale_workers(number, workers=2))
    assert len(data(client.get_workers(number, status_list=["running"]))) == 2
    data(client.scale_workers(number, workers=0))
    data(client.stop_deployment(number))
    assert data(client.get_deployment_detail(number))["status"] == "STOPPED"
    data(client.update_deployment(number, "renamed", [RESOURCE], 1, 20, webhook=None, environment_vars=None))
    assert data(client.get_deployment_detail(number))["name"] == "renamed"
    data(client.start_deployment(number))
    data(client.delete_deployment(number))
    assert client.get_deployment_detail(number)["code"] == 14000


def tasks(url: str) -> None:
    endpoint = data(
        ElasticApi(EMPTY.key, base_url=url).create_deployment("queue", "app:1", [RESOURCE], 1, "QUEUE", 20)
    )["id"]
    client = SkywalkerTaskApi(EMPTY.key, base_url=url)

    made = client.create_task(
        endpoint_id=endpoint,
        worker_port=8080,
        process_uri="process",
        input={"prompt": "hello"},
        task_id="mine",
        webhook="https://example.com/hook",
        webhook_auth_key="pretend",
    )
    assert data(made) == {"taskId": "mine"}
    assert data(client.get_processing_count(endpoint_id=endpoint)) == {"processing": 0}
    delivered = data(client.list_tasks(endpoint_id=endpoint, status=TaskStatus.DELIVERED, page_size=20))
    assert [one["taskId"] for one in delivered["items"]] == ["mine"]
    task = data(client.get_task(endpoint_id=endpoint, task_id="mine"))
    assert task["deliveryStatus"] == "SUCCESS"
    assert task["workerUrl"].endswith(":8080/process")


def credentials(url: str) -> None:
    client = CredentialApi(EMPTY.key, base_url=url)
    made = data(client.create_credential(name="my-reg", type="DOCKER_HUB", username="user", password="token"))
    number = str(made["id"])
    data(client.update_credential(number, password="newtoken"))
    assert data(client.get_credential(number)) == made
    assert data(client.get_credentials()) == [made]
    data(client.delete_credential(number))
    assert data(client.get_credentials()) == []


@pytest.mark.parametrize("story", [gpus, pods, endpoints, tasks, credentials])
async def test_the_public_client_works_unchanged(story: Story) -> None:
    async with running_simulator(ssh=False, speed=0, plans={"gpuhub": (), "deepdock": (), "yotta": [EMPTY]}) as sim:
        await asyncio.to_thread(story, sim.base_urls["yotta"])


async def test_the_public_client_is_refused_with_a_wrong_key() -> None:
    async with running_simulator(ssh=False, speed=0, plans={"gpuhub": (), "deepdock": (), "yotta": [EMPTY]}) as sim:
        with pytest.raises(ClientError, match="X-Api-Key is not valid"):
            await asyncio.to_thread(GpuApi("guess", base_url=sim.base_urls["yotta"]).get_gpus)
