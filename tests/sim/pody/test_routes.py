"""Which routes each release has, and what FastAPI itself answers."""

from __future__ import annotations

import pytest

from tests.sim.conftest import Sims

GET, POST = "GET", "POST"
ALWAYS = {
    (GET, "/help"),
    (GET, "/user/info"),
    (GET, "/user/list"),
    (POST, "/user/ch-passwd"),
    (POST, "/pod/create"),
    (POST, "/pod/delete"),
    (POST, "/pod/restart"),
    (POST, "/pod/stop"),
    (POST, "/pod/start"),
    (GET, "/pod/list"),
    (GET, "/pod/listall"),
    (POST, "/pod/exec"),
    (GET, "/host/gpu-ps"),
}
SOMETIMES = {
    (GET, "/status"): {"0.1.9"},
    (GET, "/version"): {"0.1.15", "0.2.5", "0.3.4", "0.4.1"},
    (GET, "/host/spec"): {"0.1.15", "0.2.5", "0.3.4", "0.4.1"},
    (GET, "/pod/info"): {"0.1.9", "0.1.15", "0.2.5", "0.3.4"},
    (GET, "/host/images"): {"0.1.9", "0.1.15", "0.2.5", "0.3.4"},
    (GET, "/stat/cputime"): {"0.2.5", "0.3.4", "0.4.1"},
    (GET, "/stat/gputime"): {"0.2.5", "0.3.4", "0.4.1"},
    (GET, "/pod/inspect"): {"0.3.4", "0.4.1"},
    (POST, "/pod/commit"): {"0.3.4", "0.4.1"},
    (GET, "/image/list"): {"0.3.4", "0.4.1"},
    (POST, "/image/delete"): {"0.3.4", "0.4.1"},
    (POST, "/image/inspect"): {"0.3.4", "0.4.1"},
    (POST, "/user_api/add_user"): {"0.4.1"},
    (GET, "/user_api/list_users"): {"0.4.1"},
}
RELEASES = ("0.1.9", "0.1.15", "0.2.5", "0.3.4", "0.4.1")


@pytest.mark.parametrize("release", RELEASES)
async def test_a_release_has_its_routes_and_no_others(sims: Sims, release: str) -> None:
    client = await sims.client(await sims.start(release))
    for method, path in sorted(ALWAYS | set(SOMETIMES)):
        present = (method, path) in ALWAYS or release in SOMETIMES[method, path]
        answer = await client.request(method, path)
        missing = answer.status_code == 404 and answer.content == b'{"detail":"Not Found"}'
        assert missing != present, f"{method} {path} answers {answer.status_code} {answer.text}"


@pytest.mark.parametrize(("release", "body"), [("0.1.15", b"[0,1,15]"), ("0.2.5", b"[0,2,5]"), ("0.4.1", b"[0,4,1]")])
async def test_the_version_needs_no_credentials(sims: Sims, release: str, body: bytes) -> None:
    client = await sims.client(await sims.start(release), auth=None)
    answer = await client.get("/version")
    assert (answer.status_code, answer.content) == (200, body)


async def test_without_credentials_the_answer_is_401(sims: Sims) -> None:
    client = await sims.client(await sims.start(), auth=None)
    for headers in (
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic YQ=="},
    ):
        answer = await client.get("/pod/list", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Basic"
        assert answer.content == b'{"detail":"Not authenticated"}'


async def test_wrong_credentials_are_403_even_before_missing_parameters(sims: Sims) -> None:
    client = await sims.client(await sims.start(), auth=("alice", "wrong"))
    answer = await client.post("/pod/create")
    assert (answer.status_code, answer.content) == (403, b'{"detail":"Invalid username or password"}')


async def test_gpu_processes_need_no_credentials(sims: Sims) -> None:
    client = await sims.client(await sims.start(), auth=None)
    assert (await client.get("/host/gpu-ps")).status_code == 200


async def test_missing_parameters_are_a_422_list(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.post("/pod/create")
    assert answer.status_code == 422
    assert answer.content == (
        b'{"detail":[{"type":"missing","loc":["query","ins"],"msg":"Field required","input":null},'
        b'{"type":"missing","loc":["query","image"],"msg":"Field required","input":null}]}'
    )


async def test_a_timeout_that_is_no_number_is_422(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.post("/pod/exec", params={"ins": "main", "cmd": "true", "timeout": "abc"})
    assert answer.status_code == 422
    assert answer.content == (
        b'{"detail":[{"type":"int_parsing","loc":["query","timeout"],"msg":'
        b'"Input should be a valid integer, unable to parse string as an integer","input":"abc"}]}'
    )


async def test_the_wrong_method_is_405_and_head_is_refused(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.get("/pod/create")
    assert (answer.status_code, answer.content) == (405, b'{"detail":"Method Not Allowed"}')
    assert answer.headers["allow"] == "POST"
    assert (await client.head("/version")).status_code == 405


async def test_a_trailing_slash_redirects(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.get("/pod/list/")
    assert answer.status_code == 307
    assert answer.headers["location"].endswith("/pod/list")


async def test_help_lists_itself_and_the_version_only(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.get("/help")
    assert [route["path"] for route in answer.json()] == ["/help", "/version"]
    assert (await client.get("/help", params={"path": "/pod/"})).content == b"[]"


async def test_the_old_routes_of_0_3_say_that_they_are_deprecated(sims: Sims) -> None:
    sim = await sims.start("0.3.4")
    client, anonymous = await sims.client(sim), await sims.client(sim, auth=None)
    images = await client.get("/host/images")
    assert images.content == b'{"deprecated":"Use /image/list instead, will be removed in 0.4.0","res":null}'
    assert (await anonymous.get("/host/images")).status_code == 401
    info = await anonymous.get("/pod/info", params={"ins": "main"})
    assert info.content == b'{"deprecated":"Use /pod/inspect instead, will be removed in 0.4.0","res":null}'


async def test_the_user_service_of_0_4_is_switched_off(sims: Sims) -> None:
    client = await sims.client(await sims.start())
    answer = await client.get("/user_api/get_user")
    assert (answer.status_code, answer.content) == (501, b'{"detail":"Remote user profile service is not enabled"}')


QUOTAS = {
    "0.1.9": ["max_pods", "gpu_count", "memory_limit", "storage_limit"],
    "0.1.15": ["max_pods", "gpu_count", "memory_limit", "storage_limit", "shm_size"],
    "0.2.5": ["max_pods", "gpu_count", "gpus", "memory_limit", "storage_size", "shm_size"],
    "0.4.1": [
        *("max_pods", "gpu_count", "gpus", "memory_limit", "storage_size", "shm_size"),
        *("tmpfs_size", "commit_count", "commit_size_limit"),
    ],
}


@pytest.mark.parametrize("release", QUOTAS)
async def test_the_quota_has_the_keys_of_its_release(sims: Sims, release: str) -> None:
    client = await sims.client(await sims.start(release))
    info = (await client.get("/user/info")).json()
    assert info["user"] == {"name": "alice", "is_admin": 0}
    assert list(info["quota"]) == QUOTAS[release]


INSPECTED = {
    "0.1.9": ["container_id", "name", "status", "image", "port_mapping", "gpu_ids", "memory_limit"],
    "0.2.5": ["instance", "container_id", "name", "status", "image", "port_mapping", "gpu_ids", "memory_limit"],
    "0.4.1": [
        *("instance", "container_id", "name", "status", "image", "networks", "port_mapping", "gpu_ids"),
        *("memory_limit", "shm_size"),
    ],
}


@pytest.mark.parametrize("release", INSPECTED)
async def test_inspect_has_the_keys_of_its_release(sims: Sims, release: str) -> None:
    client = await sims.client(await sims.start(release))
    path = "/pod/inspect" if release == "0.4.1" else "/pod/info"
    pod = (await client.get(path, params={"ins": "main"})).json()
    assert list(pod) == INSPECTED[release]
    assert (pod["name"], pod["status"], len(pod["container_id"])) == ("alice-main", "running", 12)


async def test_before_0_1_13_the_list_names_containers(sims: Sims) -> None:
    old = await sims.client(await sims.start("0.1.9"))
    new = await sims.client(await sims.start("0.1.15"))
    assert "alice-main" in (await old.get("/pod/list")).json()
    assert "main" in (await new.get("/pod/list")).json()
