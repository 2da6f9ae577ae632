"""What can be done to simulated pods and images over the pody API."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gputui.sim.machines.clock import WorldClock
from tests.sim.conftest import START, Hands, Sims


async def post(client: httpx.AsyncClient, path: str, **params: Any) -> tuple[int, Any]:
    answer = await client.post(path, params=params)
    return answer.status_code, answer.json()


@pytest.fixture
async def alice(sims: Sims) -> httpx.AsyncClient:
    return await sims.client(await sims.start())


async def status(client: httpx.AsyncClient, instance: str) -> str:
    answer = await client.get("/pod/inspect", params={"ins": instance})
    return str(answer.json().get("status", answer.status_code))


async def test_a_pod_lives_from_create_to_delete(alice: httpx.AsyncClient) -> None:
    code, made = await post(alice, "/pod/create", ins="fresh", image="lab-cuda:latest")
    assert (code, list(made)) == (200, ["log", "info"])
    assert "instance" not in made["info"]
    assert made["info"]["name"] == "alice-fresh"
    assert made["info"]["status"] == "running"
    assert made["info"]["port_mapping"][0].endswith(":22")
    assert (await alice.get("/pod/list")).json()[0] == "fresh"
    assert (await post(alice, "/pod/stop", ins="fresh"))[1] == {"log": made["log"]}
    stopped = (await alice.get("/pod/inspect", params={"ins": "fresh"})).json()
    assert (stopped["status"], stopped["port_mapping"]) == ("exited", [])
    await post(alice, "/pod/start", ins="fresh")
    again = (await alice.get("/pod/inspect", params={"ins": "fresh"})).json()
    assert again["port_mapping"] == made["info"]["port_mapping"]
    assert await post(alice, "/pod/delete", ins="fresh") == (200, {"log": "Container alice-fresh deleted"})
    assert "fresh" not in (await alice.get("/pod/list")).json()


@pytest.mark.parametrize(
    ("instance", "image", "code", "detail"),
    [
        ("main", "lab-cuda:latest", 409, "Container alice-main already exists"),
        ("a b", "lab-cuda:latest", 400, "Invalid pod name: Name part must be an identifier"),
        ("x" * 21, "lab-cuda:latest", 400, "Invalid pod name: Name part must be between 1 and 20 characters"),
        ("", "lab-cuda:latest", 400, "Invalid pod name: Name part must be between 1 and 20 characters"),
        ("_x", "lab-cuda:latest", 400, "Invalid pod name: Name part cannot start or end with '_'"),
        ("new", "nope:latest", 400, "Invalid image name, please check the available images"),
        ("new", "registry:2", 400, "Invalid image name, please check the available images"),
        ("new", "pody-commit:bob-tts", 400, "Invalid image name, please check the available images"),
    ],
)
async def test_a_create_that_cannot_be_is_refused(
    alice: httpx.AsyncClient, instance: str, image: str, code: int, detail: str
) -> None:
    assert await post(alice, "/pod/create", ins=instance, image=image) == (code, {"detail": detail})


async def test_before_0_1_13_a_name_that_is_taken_is_dockers_conflict(sims: Sims) -> None:
    client = await sims.client(await sims.start("0.1.9"))
    before = (await client.get("/pod/info", params={"ins": "main"})).json()
    code, answer = await post(client, "/pod/create", ins="main", image="lab-cuda:latest")
    assert code == 500
    assert answer["detail"].startswith(
        "409 Client Error for http+docker://localhost/v1.47/containers/create?name=alice-m"
    )
    assert (await client.get("/pod/info", params={"ins": "main"})).json() == before


async def test_a_name_docker_refuses_comes_back_as_500(alice: httpx.AsyncClient) -> None:
    code, answer = await post(alice, "/pod/create", ins="été", image="lab-cuda:latest")
    assert code == 500
    assert "Invalid container name (alice-été)" in answer["detail"]


async def test_the_pod_quota_is_kept(sims: Sims) -> None:
    sim = await sims.start()
    client = await sims.client(sim)
    sim.world.hosts["lab"].users["alice"].quota.max_pods = 3
    answer = await post(client, "/pod/create", ins="more", image="lab-cuda:latest")
    assert answer == (403, {"detail": "Exceed max pod limit"})


async def test_an_unknown_pod_is_404_in_dockers_words(alice: httpx.AsyncClient) -> None:
    expected = (
        "404 Client Error for http+docker://localhost/v1.47/containers/alice-nope/json: "
        'Not Found ("No such container: alice-nope")'
    )
    for path in ("/pod/start", "/pod/stop", "/pod/restart", "/pod/delete", "/pod/commit"):
        assert await post(alice, path, ins="nope") == (404, {"detail": expected})
    assert await post(alice, "/pod/exec", ins="nope", cmd="true") == (
        404,
        {"detail": "Container alice-nope not found"},
    )


@pytest.mark.parametrize(
    ("instance", "code", "detail"),
    [
        ("bob-main", 403, "Invalid pod name, please check the username"),
        ("pd-alice-main", 403, "Invalid pod name, please check prefix"),
        ("a-b-c-d", 400, "Invalid pod name: a-b-c-d"),
    ],
)
async def test_a_pod_of_someone_else_is_out_of_reach(
    alice: httpx.AsyncClient, instance: str, code: int, detail: str
) -> None:
    answer = await alice.get("/pod/inspect", params={"ins": instance})
    assert (answer.status_code, answer.json()) == (code, {"detail": detail})


async def test_an_admin_reaches_every_pod(sims: Sims, alice: httpx.AsyncClient) -> None:
    carol = await sims.client(await sims.start(), auth=("carol", "christmas"))
    assert (await carol.get("/pod/inspect", params={"ins": "alice-main"})).json()["name"] == "alice-main"
    assert "bob-main" in (await carol.get("/pod/listall")).json()
    refused = await alice.get("/pod/listall")
    assert refused.content == b'{"detail":"User does not have permission: admin"}'


async def test_users_see_their_own_pods_and_everyones_processes(sims: Sims) -> None:
    sim = await sims.start()
    alice, bob = await sims.client(sim), await sims.client(sim, auth=("bob", "builder"))
    assert len((await alice.get("/pod/list")).json()) == 34
    assert len((await bob.get("/pod/list")).json()) == 6
    processes = (await bob.get("/host/gpu-ps")).json()
    assert set(processes) == {str(index) for index in range(8)}
    owners = {row["pod"].partition("-")[0] for rows in processes.values() for row in rows}
    assert {"", "alice", "bob"} <= owners
    assert any(not rows for rows in processes.values())


async def test_gpu_processes_of_some_gpus_only(alice: httpx.AsyncClient) -> None:
    assert list((await alice.get("/host/gpu-ps", params={"id": "3, 1"})).json()) == ["3", "1"]
    assert (await alice.get("/host/gpu-ps?id=")).content == b'{"detail":"Invalid GPU ID"}'
    refused = await alice.get("/host/gpu-ps", params={"id": "8"})
    assert (refused.status_code, refused.content) == (400, b'{"detail":"GPU ID 8 is invalid"}')


async def test_host_processes_hide_their_command_from_0_3_on(sims: Sims) -> None:
    for release, command in (("0.2.5", "/usr/bin/dcgm-exporter"), ("0.3.4", "[host process]")):
        client = await sims.client(await sims.start(release))
        first = (await client.get("/host/gpu-ps", params={"id": "0"})).json()["0"][0]
        assert list(first) == ["pid", "pod", "cmd", "uptime", "memory_used", "gpu_memory_used"]
        assert first["pod"] == ""
        assert first["cmd"].startswith(command)
        assert first["gpu_memory_used"] is None


async def test_exec_answers_status_and_output_with_carriage_returns(alice: httpx.AsyncClient) -> None:
    assert await post(alice, "/pod/exec", ins="main", cmd="hostname; exit 3") == (
        200,
        {"exit_code": 3, "log": "main\r\n"},
    )
    assert await post(alice, "/pod/exec", ins="main", cmd="nope") == (
        200,
        {"exit_code": 127, "log": "/bin/bash: line 1: nope: command not found\r\n"},
    )


@pytest.mark.parametrize(
    "params", [{"cmd": "sleep 31"}, {"cmd": "sleep 3", "timeout": 2}, {"cmd": "yes"}, {"cmd": "true", "timeout": 0}]
)
async def test_exec_that_takes_too_long_is_a_timeout(alice: httpx.AsyncClient, params: dict[str, Any]) -> None:
    assert await post(alice, "/pod/exec", ins="main", **params) == (200, {"exit_code": -1, "log": "Timeout"})


async def test_exec_has_ten_seconds_before_0_3(sims: Sims) -> None:
    client = await sims.client(await sims.start("0.2.5"))
    late = await post(client, "/pod/exec", ins="main", cmd="sleep 11", timeout=60)
    assert late == (200, {"exit_code": -1, "log": "Timeout"})


async def test_exec_in_a_stopped_pod_is_a_docker_error(alice: httpx.AsyncClient) -> None:
    await post(alice, "/pod/stop", ins="main")
    code, answer = await post(alice, "/pod/exec", ins="main", cmd="true")
    assert (code, answer["exit_code"]) == (200, -1)
    assert answer["log"].startswith(
        "Docker API error: 409 Client Error for http+docker://localhost/v1.47/containers/"
    )
    assert answer["log"].endswith('is not running")')


async def test_stopping_takes_ten_seconds_of_world_time(sims: Sims) -> None:
    slept: list[float] = []
    hands = Hands()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        reached.set()
        await go_on.wait()
        hands.now += seconds

    sim = await sims.start(clock=WorldClock(speed=2, start=START, monotonic=hands, sleep=sleep))
    client = await sims.client(sim)
    stopping = asyncio.create_task(post(client, "/pod/stop", ins="main"))
    await reached.wait()
    assert await status(client, "main") == "running"
    go_on.set()
    assert (await stopping)[0] == 200
    assert slept == [5.0]
    assert await status(client, "main") == "exited"


async def test_a_stopped_pod_leaves_its_gpus(alice: httpx.AsyncClient) -> None:
    async def pods() -> set[str]:
        processes = (await alice.get("/host/gpu-ps")).json()
        return {row["pod"] for rows in processes.values() for row in rows}

    assert "alice-main" in await pods()
    await post(alice, "/pod/stop", ins="main")
    assert "alice-main" not in await pods()


async def test_images_are_listed_commits_first(alice: httpx.AsyncClient) -> None:
    names = (await alice.get("/image/list")).json()
    assert names[:2] == ["alice", "alice-trainenv"]
    assert "lab-cuda:latest" in names[2:]
    assert not {"registry:2", "bob-tts"} & set(names)


async def test_a_commit_becomes_an_image_and_can_be_deleted(alice: httpx.AsyncClient) -> None:
    made = await post(alice, "/pod/commit", ins="train_a", tag="now", msg="before the sweep")
    assert made == (
        200,
        {
            "image_name": "pody-commit:alice-now",
            "log": "Container alice-train_a committed to image: pody-commit:alice-now",
        },
    )
    assert (await post(alice, "/pod/commit", ins="train_a", tag="now"))[0] == 409
    shown = (await post(alice, "/image/inspect", image="alice-now"))[1]
    assert list(shown) == ["name", "id", "tags", "comment", "size", "exposed_ports", "created"]
    assert shown["comment"] == "before the sweep"
    deleted = await post(alice, "/image/delete", image="alice-now")
    assert deleted == (200, {"log": "Image pody-commit:alice-now deleted"})


async def test_commits_keep_to_the_quota(alice: httpx.AsyncClient) -> None:
    too_big = await post(alice, "/pod/commit", ins="vllm_llama", tag="big")
    assert too_big == (403, {"detail": "Container size 31.00G exceeds user commit size limit (20.00G)"})
    for tag in ("one", "two"):
        assert (await post(alice, "/pod/commit", ins="train_a", tag=tag))[0] == 200
    full = await post(alice, "/pod/commit", ins="train_a", tag="three")
    assert full == (403, {"detail": "Exceed user commit limit (4), please delete some images first"})


async def test_images_of_others_stay(alice: httpx.AsyncClient) -> None:
    missing = {"detail": "Image not found, please check the available images"}
    assert await post(alice, "/image/delete", image="nope") == (400, missing)
    assert await post(alice, "/image/delete", image="lab-cuda:latest") == (
        403,
        {"detail": "Can only delete user commit images"},
    )
    assert await post(alice, "/image/inspect", image="pody-commit:bob-tts") == (
        403,
        {"detail": "Invalid image name, please check the available images"},
    )


async def test_an_image_in_use_fails_as_the_server_does(alice: httpx.AsyncClient) -> None:
    await post(alice, "/pod/create", ins="user", image="alice-trainenv")
    answer = await alice.post("/image/delete", params={"image": "alice-trainenv"})
    assert (answer.status_code, answer.content) == (500, b"Internal Server Error")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_new_password_counts_at_once(sims: Sims) -> None:
    sim = await sims.start()
    client = await sims.client(sim)
    assert await post(client, "/user/ch-passwd", passwd="n&w pass") == (200, {"message": "Password updated"})
    assert (await client.get("/user/list")).status_code == 403
    renewed = await sims.client(sim, auth=("alice", "n&w pass"))
    assert (await renewed.get("/user/list")).json() == ["alice", "bob", "carol"]


async def test_gpu_time_sums_up_by_user(alice: httpx.AsyncClient) -> None:
    used = (await alice.get("/stat/gputime")).json()
    assert set(used) <= {"alice", "bob", "carol"}
    assert used["alice"] > 0
    assert set((await alice.get("/stat/gputime", params={"user": "bob"})).json()) <= {"bob"}
    refused = await alice.get("/stat/cputime", params={"t": "soon"})
    assert refused.status_code == 400
    assert refused.json()["detail"].startswith("Invalid time format: soon. Should be like 1y")
