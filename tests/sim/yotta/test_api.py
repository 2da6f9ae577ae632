"""VMs, pods, volumes and credentials of the simulated Yotta, asked as a client asks."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest

from gputui.sim.machines.clock import WorldClock
from gputui.sim.yotta.default_world import YOTTA, build_yotta
from gputui.sim.yotta.stock import GPU_TYPES
from tests.sim.conftest import START, Sims, build_world
from tests.sim.yotta.yottas import ENDPOINT, POD, QUIET, Place, Yotta

# Who may ask


async def test_a_key_is_needed_and_has_to_be_right() -> None:
    async with Place().client() as yotta:
        yotta.headers = {}
        assert (await yotta.refused("GET", "pods"))[:2] == (401, 401)
        yotta.headers = {"X-Api-Key": "guess"}
        assert (await yotta.refused("GET", "serverless"))[:2] == (403, 403)
        yotta.headers = {"x-api-key": YOTTA.key}
        assert await yotta.data("GET", "pods") == []


async def test_refusals_have_a_status_or_only_a_code_depending_on_the_call() -> None:
    async with Place().client() as yotta:
        assert await yotta.refused("GET", "pods/7") == (404, 13000, "Pod not found: 7")
        assert await yotta.refused("GET", "vms/7") == (404, 11000, "VM not found: 7")
        assert (await yotta.refused("GET", "volumes/7"))[:2] == (404, 10007)
        assert await yotta.refused("GET", "serverless/7") == (200, 14000, "Endpoint not found: 7")
        assert (await yotta.refused("GET", "serverless/7/tasks"))[:2] == (200, 24001)
        assert (await yotta.refused("GET", "container-registry-auths/7"))[:2] == (200, 10007)
        assert await yotta.refused("GET", "pods/x") == (400, 10001, "id must be an integer")


# Stock


REGION_KEYS = {"region", "regionName", "available", "vmTypeId", "singleCardPrice"}


async def test_stock_names_the_gpus_of_the_document_by_region() -> None:
    async with Place().client() as yotta:
        types = await yotta.data("GET", "vms/types")
    assert {row["gpuType"] for row in types} == set(GPU_TYPES)
    regions = [region for row in types for region in row["regions"]]
    assert all(region.keys() == REGION_KEYS for region in regions)
    assert {region["available"] for region in regions} == {True, False}
    assert len({region["vmTypeId"] for region in regions}) == len(regions)


async def test_what_is_rented_is_not_available_until_it_is_given_back() -> None:
    place = Place()
    shelf = place.cloud.market.shelves["NVIDIA_RTX_4090_24G", "us-east-1"]
    shelf.idle = 2
    async with place.client() as yotta:
        made = await yotta.data("POST", "pods", POD | {"regions": ["us-east-1"]})

        async def available() -> bool:
            types = await yotta.data("GET", "vms/types")
            regions = next(row["regions"] for row in types if row["gpuType"] == "NVIDIA_RTX_4090_24G")
            return bool(next(row["available"] for row in regions if row["region"] == "us-east-1"))

        assert not await available()
        status, code, words = await yotta.refused("POST", "pods", POD | {"regions": ["us-east-1"]})
        assert (status, code) == (409, 12001)
        assert words == "there are not 2 idle NVIDIA_RTX_4090_24G in us-east-1 now"
        await yotta.data("DELETE", f"pods/{made['id']}")
        assert await available()


def test_availability_drifts_with_time() -> None:
    place = Place(YOTTA)
    before = {key: shelf.idle for key, shelf in place.cloud.market.shelves.items()}
    place.wait(600)
    assert before != {key: shelf.idle for key, shelf in place.cloud.market.shelves.items()}


# Pods


async def test_a_pod_comes_up_is_paused_resumed_and_deleted() -> None:
    place = Place()
    async with place.client() as yotta:
        pod = await yotta.data("POST", "pods", POD)
        assert pod == {
            "id": pod["id"],
            "name": "trainer",
            "image": "pytorch/pytorch:2.7.1",
            "imageRegistry": "https://index.docker.io/v1/",
            "gpuType": "NVIDIA_RTX_4090_24G",
            "gpuDisplayName": "RTX 4090",
            "gpuCount": 2,
            "status": "INITIALIZING",
            "createdAt": int(START * 1000),
            "sshCmd": "",
            "expose": [],
        }
        path = f"pods/{pod['id']}"
        assert (await yotta.refused("POST", f"{path}/pause"))[:2] == (409, 12001)
        place.wait(45)
        running = await yotta.data("GET", path)
        assert running["status"] == "RUNNING"
        assert running["sshCmd"].startswith("ssh root@127.0.0.1 -p ")
        await yotta.data("POST", f"{path}/pause")
        paused = await yotta.data("GET", path)
        assert (paused["status"], paused["sshCmd"]) == ("STOPPED", "")
        await yotta.data("POST", f"{path}/resume")
        assert (await yotta.data("GET", path))["status"] == "INITIALIZING"
        place.wait(45)
        assert (await yotta.data("GET", path))["sshCmd"] == running["sshCmd"]
        await yotta.data("DELETE", path)
        assert (await yotta.data("GET", path))["status"] == "TERMINATED"
        place.wait(61)
        assert (await yotta.refused("GET", path))[:2] == (404, 13000)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"gpuCount": 3}, "gpuCount must be a power of 2"),
        ({"gpuCount": 0}, "gpuCount must be at least 1"),
        ({"gpuCount": None}, "gpuCount is required"),
        ({"gpuType": "NVIDIA_GTX_1080"}, "gpuType is not known: NVIDIA_GTX_1080"),
        ({"name": "x" * 256}, "name must not be longer than 255 characters"),
        ({"image": ""}, "image is required"),
        ({"regions": ["moon-1"]}, "region is not known: moon-1"),
        ({"minSingleCardVramInGb": 80}, "minSingleCardVramInGb must be at most 24 for NVIDIA_RTX_4090_24G"),
        ({"imagePublicType": "PRIVATE"}, "imagePublicType PRIVATE requires containerRegistryAuthId"),
        ({"persistentVolumeInGb": 10}, "persistentMountPath is required"),
        ({"expose": [{"port": 70000, "protocol": "http"}]}, "expose[0].port must be at most 65535"),
        ({"environmentVars": [{"value": "x"}]}, "environmentVars[0].key is required"),
        ({"environmentVars": "A=1"}, "environmentVars must be a list of objects"),
    ],
)
async def test_a_pod_that_cannot_be_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    async with Place().client() as yotta:
        assert await yotta.refused("POST", "pods", POD | fields) == (400, 10001, words)
        assert await yotta.data("GET", "pods") == []


async def test_pods_are_listed_newest_first_and_filtered() -> None:
    place = Place(QUIET)
    async with place.client() as yotta:
        pods = await yotta.data("GET", "pods")
        assert [pod["createdAt"] for pod in pods] == sorted((pod["createdAt"] for pod in pods), reverse=True)
        assert {pod["status"] for pod in pods} == {"INITIALIZING", "RUNNING", "STOPPED"}
        stopped = await yotta.data("GET", "pods", statusList="STOPPED,TERMINATED")
        assert [pod["name"] for pod in stopped] == ["whisper-batch", "mi300-port"]
        east = await yotta.data("GET", "pods", regionList="us-east-1,eu-central-1", statusList="running")
        assert [pod["name"] for pod in east] == ["eval-gsm8k", "jupyter", "llama-ft"]
        assert [pod["name"] for pod in await yotta.data("GET", "pods", statusList="0")] == ["new-run"]


# VMs


async def test_a_vm_of_a_type_is_created_renamed_and_terminated() -> None:
    place = Place()
    shelf = place.cloud.market.shelves["NVIDIA_H100_80G", "us-west-1"]
    async with place.client() as yotta:
        order = {"vmTypeId": shelf.vm_type, "region": "us-west-1", "name": "node", "isSpot": 1}
        vm = await yotta.data("POST", "vms", order)
        assert (vm["status"], vm["gpuCount"], vm["memoryInGb"], vm["isSpot"]) == ("initializing", 8, "768", 1)
        assert (vm["createdAt"], vm["sshTemplate"], vm["ipAddress"]) == ("2025-06-15T15:06:40Z", "", "")
        place.wait(91)
        running = await yotta.data("GET", f"vms/{vm['id']}")
        assert running["status"] == "running"
        assert running["sshTemplate"].startswith(f"ssh root@{running['ipAddress']} -p ")
        assert (await yotta.data("PATCH", f"vms/{vm['id']}", {"name": "other"}))["name"] == "other"
        await yotta.data("DELETE", f"vms/{vm['id']}")
        assert (await yotta.refused("DELETE", f"vms/{vm['id']}"))[:2] == (409, 11001)
        place.wait(61)
        assert (await yotta.data("GET", "vms"))["items"] == []
        elsewhere = order | {"region": "us-east-1"}
        assert await yotta.refused("POST", "vms", elsewhere) == (400, 10001, "vmTypeId must be one of us-east-1")


async def test_vms_come_in_pages_and_one_of_them_may_not_be_terminated() -> None:
    async with Place(QUIET).client() as yotta:
        first = await yotta.data("GET", "vms", page=1, size=2)
        assert (first["page"], first["size"], first["total"], first["pages"]) == (1, 2, 5, 3)
        last = await yotta.data("GET", "vms", page=3, size=2)
        assert [len(first["items"]), len(last["items"])] == [2, 1]
        stopped = await yotta.data("GET", "vms", status="stopped")
        assert [vm["name"] for vm in stopped["items"]] == ["old-notebook"]
        gateway = await yotta.named("vms", "team-gateway")
        assert (await yotta.refused("DELETE", f"vms/{gateway['id']}"))[:2] == (403, 11002)
        assert (await yotta.refused("GET", "vms", size=101))[:2] == (400, 10001)


# Volumes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"storageType": "NFS"}, "storageType must be one of S3, CEPH, VENDOR, R2"),
        ({"storageType": "CEPH", "region": "us-east-1"}, "sizeInGb is required"),
        ({"storageType": "CEPH", "sizeInGb": 10}, "region is required"),
        ({"storageType": "CEPH", "sizeInGb": 10241, "region": "us-east-1"}, "sizeInGb must be at most 10240"),
        ({"storageType": "VENDOR", "sizeInGb": 10, "region": "us-east-1"}, "vendorVolumeType is required"),
        ({"storageType": "S3", "sizeInGb": 10}, "sizeInGb is not for S3"),
    ],
)
async def test_a_volume_that_cannot_be_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    async with Place().client() as yotta:
        assert await yotta.refused("POST", "volumes", {"name": "v"} | fields) == (400, 10001, words)


async def test_a_volume_is_provisioned_renamed_resized_and_deleted() -> None:
    place = Place()
    async with place.client() as yotta:
        order = {"name": "v", "storageType": "VENDOR", "region": "eu-central-1", "sizeInGb": 10}
        volume = await yotta.data("POST", "volumes", order | {"vendorVolumeType": "HDD"})
        path = f"volumes/{volume['id']}"
        assert (volume["status"], volume["vendorVolumeType"], volume["mountCount"]) == ("creating", "HDD", 0)
        assert (await yotta.refused("POST", f"{path}/resize", {"sizeInGb": 20}))[:2] == (409, 12001)
        place.wait(13)
        assert (await yotta.data("POST", f"{path}/name", {"name": "w"}))["name"] == "w"
        resizing = await yotta.data("POST", f"{path}/resize", {"sizeInGb": 20})
        assert (resizing["status"], resizing["sizeInGb"]) == ("resizing", 10)
        place.wait(13)
        bigger = await yotta.data("GET", path)
        assert (bigger["status"], bigger["sizeInGb"]) == ("active", 20)
        assert bigger["cost"] == 2 * volume["cost"] > 0
        await yotta.data("DELETE", path)
        assert (await yotta.data("GET", path))["status"] == "deleting"
        place.wait(13)
        assert (await yotta.refused("GET", path))[:2] == (404, 10007)


async def test_volumes_without_a_size_are_there_at_once_and_cannot_be_resized() -> None:
    async with Place().client() as yotta:
        for order in ({"storageType": "S3"}, {"storageType": "R2"}, {"storageType": "R2", "region": "us-east-1"}):
            volume = await yotta.data("POST", "volumes", {"name": "v"} | order)
            assert (volume["status"], volume["sizeInGb"]) == ("active", None)
            path = f"volumes/{volume['id']}/resize"
            assert (await yotta.refused("POST", path, {"sizeInGb": 9}))[:2] == (409, 12001)


async def test_a_mounted_volume_can_neither_go_nor_change() -> None:
    place = Place()
    async with place.client() as yotta:
        order = {"name": "v", "storageType": "CEPH", "region": "us-east-1", "sizeInGb": 10}
        volume = await yotta.data("POST", "volumes", order)
        mount = {"persistentVolumes": [{"volumeId": volume["id"], "mountPath": "/mnt/v"}]}
        assert (await yotta.refused("POST", "pods", POD | mount))[:2] == (404, 10007)
        place.wait(13)
        pod = await yotta.data("POST", "pods", POD | mount)
        path = f"volumes/{volume['id']}"
        assert (await yotta.data("GET", path))["mountCount"] == 1
        words = f"volume {volume['id']} is mounted"
        assert await yotta.refused("DELETE", path) == (409, 12001, words)
        assert await yotta.refused("POST", f"{path}/resize", {"sizeInGb": 20}) == (409, 12001, words)
        await yotta.data("DELETE", f"pods/{pod['id']}")
        await yotta.data("DELETE", path)


async def test_volumes_are_listed_one_type_at_a_time() -> None:
    async with Place(QUIET).client() as yotta:
        assert await yotta.refused("GET", "volumes") == (400, 10001, "storageType is required")
        names = {
            kind: {row["name"] for row in (await yotta.data("GET", "volumes", storageType=kind))["items"]}
            for kind in ("S3", "CEPH", "VENDOR", "R2")
        }
        assert names == {
            **{"S3": {"datasets"}, "CEPH": {"checkpoints", "scratch", "lost"}},
            **{"VENDOR": {"verda-nvme"}, "R2": {"exports"}},
        }
        west = await yotta.data("GET", "volumes", storageType="CEPH", region="us-west-1")
        assert [row["name"] for row in west["items"]] == ["scratch"]


# Credentials


async def test_a_credential_never_shows_its_secrets() -> None:
    async with Place().client() as yotta:
        order = {"name": "hub", "type": "DOCKER_HUB", "username": "acme", "password": "dckr_pat_1"}
        made = await yotta.data("POST", "container-registry-auths", order)
        path = f"container-registry-auths/{made['id']}"
        assert made == {
            **{"id": made["id"], "name": "hub", "type": "DOCKER_HUB"},
            **{"createdAt": "2025-06-15T15:06:40Z"},
        }
        changed = await yotta.data("PATCH", path, {"name": "docker", "password": "dckr_pat_2"})
        assert changed == made | {"name": "docker"}
        assert await yotta.data("GET", "container-registry-auths") == [changed]
        private = POD | {"imagePublicType": "PRIVATE", "containerRegistryAuthId": made["id"]}
        assert (await yotta.data("POST", "pods", private))["status"] == "INITIALIZING"
        await yotta.data("DELETE", path)
        assert (await yotta.refused("GET", path))[:2] == (200, 10007)
        assert (await yotta.refused("POST", "pods", private))[:2] == (404, 10007)
        wrong = await yotta.refused("POST", "container-registry-auths", order | {"type": "QUAY"})
        assert wrong[:2] == (200, 10001)


# The world


async def test_the_same_seed_makes_the_same_account() -> None:
    async def listed(seed: int) -> list[Any]:
        place = Place(YOTTA, seed=seed)
        place.wait(3600)
        async with place.client() as yotta:
            return [await yotta.data("GET", path) for path in ("vms", "vms/types", "pods", "serverless")]

    assert await listed(1) == await listed(1)
    assert await listed(1) != await listed(2)


def test_the_rest_of_the_world_is_the_same_with_it_or_without() -> None:
    with_it, without = build_world(WorldClock(speed=0, start=START)), build_world(WorldClock(speed=0, start=START))
    build_yotta(with_it, YOTTA)
    assert with_it.rng.getstate() == without.rng.getstate()
    assert with_it.hosts.keys() == without.hosts.keys()


async def test_in_a_frozen_world_everything_is_done_at_once() -> None:
    async with Place(speed=0).client() as yotta:
        pod = await yotta.data("POST", "pods", POD)
        assert (await yotta.data("GET", f"pods/{pod['id']}"))["status"] == "RUNNING"
        await yotta.data("DELETE", f"pods/{pod['id']}")
        assert await yotta.data("GET", "pods") == []
        endpoint = await yotta.data("POST", "serverless", ENDPOINT)
        assert (await yotta.data("GET", f"serverless/{endpoint['id']}"))["runningWorkers"] == 2


async def test_running_pods_and_vms_can_be_logged_into(sims: Sims) -> None:
    sim = await sims.start(ssh=True, yottas=[QUIET], clock=WorldClock(speed=0, start=START))
    yotta = Yotta(await sims.client(sim, "yotta", auth=None))
    pod = await yotta.named("pods", "llama-ft")
    assert (
        await said(pod["sshCmd"], "hostname; nvidia-smi --query-gpu=index --format=csv,noheader")
        == "llama-ft\n0\n1\n"
    )
    vm = await yotta.named("vms", "h100-node")
    assert (await said(vm["sshTemplate"], "hostname; nvidia-smi -L")).splitlines()[0] == "h100-node"
    assert (await said(vm["sshTemplate"], "nvidia-smi -L")).count("UUID") == 8
    await yotta.data("POST", f"pods/{pod['id']}/pause")
    with pytest.raises(ConnectionRefusedError):
        await said(pod["sshCmd"], "true")
    await yotta.data("POST", f"pods/{pod['id']}/resume")
    assert (await yotta.named("pods", "llama-ft"))["sshCmd"] == pod["sshCmd"]
    assert await said(pod["sshCmd"], "hostname") == "llama-ft\n"


async def said(login: str, command: str) -> str:
    port = int(login.removeprefix("ssh root@127.0.0.1 -p "))
    async with asyncssh.connect(
        "127.0.0.1", port, username="root", password="podpass", known_hosts=None, config=None, client_keys=None
    ) as connection:
        return str((await connection.run(command)).stdout)
