"""What can be done to the containers and images of a simulated DeepDock host."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import asyncssh
import httpx
import pytest

from tests.sim.conftest import Sims
from tests.sim.deepdock.docks import CUDA, QUIET, SMALL, Dock, Place

TEAM = "localhost:5000/team/trainer:2025-11"


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
async def dock(place: Place) -> AsyncIterator[Dock]:
    async with place.client() as dock:
        yield dock


async def test_containers_look_as_documented(dock: Dock) -> None:
    containers = await dock.containers()
    running, stopped = containers["train-7b"], containers["eval-mmlu"]
    assert list(running) == ["id", "name", "status", "image", "created", "ssh-port", "gpus"]
    assert re.fullmatch(r"[0-9a-f]{12}", running["id"])
    assert re.fullmatch(r"2025-06-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", running["created"])
    assert (running["status"], running["gpus"]) == ("running", ["0", "1"])
    assert running["image"] == ["pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime"]
    assert isinstance(running["ssh-port"], int)
    assert (stopped["status"], stopped["ssh-port"]) == ("exited", None)
    assert {"paused", "created"} < {row["status"] for row in containers.values()}


async def test_a_container_lives_from_create_to_delete(dock: Dock) -> None:
    code, made = await dock.create(gpu_ids=[6, 7], env={"HF_HOME": "/data"})
    assert code == 200
    assert list(made) == ["message", "id", "name", "ssh-port"]
    assert (made["message"], made["name"]) == ("container created", "fresh")
    row = (await dock.containers())["fresh"]
    assert row | made == row | {"message": "container created"}
    assert (row["status"], row["gpus"], row["image"]) == ("running", ["6", "7"], [CUDA])

    assert await dock.ask("POST", "/containers/fresh/stop") == (200, {"message": "container 'fresh' stopped"})
    row = (await dock.containers())["fresh"]
    assert (row["status"], row["ssh-port"]) == ("exited", None)
    assert await dock.ask("POST", "/containers/fresh/start") == (200, {"message": "container 'fresh' started"})
    assert (await dock.containers())["fresh"]["ssh-port"] == made["ssh-port"]
    assert await dock.ask("POST", "/containers/fresh/restart") == (200, {"message": "container 'fresh' restarted"})
    await dock.ask("POST", "/containers/fresh/stop")
    assert await dock.ask("DELETE", "/containers/fresh") == (200, {"message": "container 'fresh' removed"})
    assert "fresh" not in await dock.containers()


async def test_a_running_container_goes_by_force_only(dock: Dock) -> None:
    code, refusal = await dock.ask("DELETE", "/containers/train-7b")
    assert code == 409
    assert 'cannot remove container "/train-7b": container is running' in refusal["detail"]
    assert (await dock.ask("DELETE", "/containers/train-7b?force=false"))[0] == 409
    assert (await dock.ask("DELETE", "/containers/train-7b?force=true"))[0] == 200
    assert "train-7b" not in await dock.containers()


@pytest.mark.parametrize(
    ("fields", "code", "detail"),
    [
        ({"name": "train-7b"}, 409, "Container 'train-7b' already exists"),
        ({"image": "nope:1"}, 404, r".*No such image: nope:1.*"),
        ({"gpu_ids": [0, 8]}, 404, "GPU 8 not found"),
        ({"name": "a b"}, 500, r"400 Client Error for .*Invalid container name \(a b\).*"),
    ],
)
async def test_a_create_that_cannot_be_is_refused(dock: Dock, fields: dict[str, Any], code: int, detail: str) -> None:
    before = await dock.containers()
    status, refusal = await dock.create(**fields)
    assert status == code
    assert re.fullmatch(detail, refusal["detail"])
    assert await dock.containers() == before


async def test_what_is_missing_or_mistyped_is_a_422_list_that_repeats_the_input(dock: Dock) -> None:
    body = {"name": 7, "user_name": "anna", "password": "s3cret", "gpu_ids": [0, "1"], "env": {"A": 1}}
    code, refusal = await dock.ask("POST", "/containers/create", body)
    assert code == 422
    string = {"type": "string_type", "msg": "Input should be a valid string"}
    assert refusal["detail"] == [
        string | {"loc": ["body", "name"], "input": 7},
        {"type": "missing", "loc": ["body", "image"], "msg": "Field required", "input": body},
        string | {"loc": ["body", "env", "A"], "input": 1},
        {"type": "int_type", "loc": ["body", "gpu_ids", 1], "msg": "Input should be a valid integer", "input": "1"},
    ]


@pytest.mark.parametrize(
    ("content", "kind", "where"),
    [
        (b"", "missing", ["body"]),
        (b"{", "json_invalid", ["body", 1]),
        (b"[]", "model_attributes_type", ["body"]),
        (b'{"repo_tag": null}', "string_type", ["body", "repo_tag"]),
    ],
)
async def test_a_body_that_is_none_is_422(dock: Dock, content: bytes, kind: str, where: list[Any]) -> None:
    answer = await dock.http.post("/images", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert [(problem["type"], problem["loc"]) for problem in answer.json()["detail"]] == [(kind, where)]


async def test_a_flag_that_is_none_is_422(dock: Dock) -> None:
    code, refusal = await dock.ask("DELETE", "/containers/train-7b?force=perhaps")
    assert (code, refusal["detail"][0]["loc"]) == (422, ["query", "force"])


async def test_an_unknown_container_is_404(dock: Dock) -> None:
    for method, path in (("POST", "/start"), ("POST", "/stop"), ("POST", "/restart"), ("DELETE", "")):
        answer = await dock.ask(method, f"/containers/nope{path}")
        assert answer == (404, {"detail": "Container 'nope' not found"})


async def test_a_paused_container_cannot_be_started(dock: Dock) -> None:
    code, refusal = await dock.ask("POST", "/containers/ablation/start")
    assert code == 500
    assert "cannot start a paused container" in refusal["detail"]


async def test_routes_are_fastapis(dock: Dock) -> None:
    assert await dock.ask("GET", "/nope") == (404, {"detail": "Not Found"})
    assert await dock.ask("PUT", "/images") == (405, {"detail": "Method Not Allowed"})
    assert (await dock.http.head("/images")).status_code == 405


# Images


async def test_images_look_as_documented_and_one_has_lost_its_tag(dock: Dock) -> None:
    _, answer = await dock.ask("GET", "/images")
    assert list(answer) == ["count", "images"]
    assert answer["count"] == len(answer["images"]) == 7
    image = next(image for image in answer["images"] if image["tag"] == CUDA)
    assert list(image) == ["id", "tag", "digest", "size_mb"]
    assert image["digest"].startswith(f"nvidia/cuda@sha256:{image['id']}")
    assert image["size_mb"] == 2008.44
    assert None in [image["tag"] for image in answer["images"]]


async def test_a_pull_takes_its_time_and_then_the_image_is_there(place: Place, dock: Dock) -> None:
    code, pulled = await dock.ask("POST", "/images", {"repo_tag": SMALL})
    assert code == 200
    assert pulled["message"] == f"Image '{SMALL}' pulled successfully."
    assert (list(pulled), pulled["tags"]) == (["message", "id", "tags", "size_mb"], [SMALL])
    assert sum(place.slept) == pytest.approx(1190 / 45)
    image = (await dock.images())[0]
    assert (image["tag"], image["id"], image["size_mb"]) == (SMALL, pulled["id"], pulled["size_mb"])
    place.slept.clear()
    assert (await dock.ask("POST", "/images", {"repo_tag": SMALL}))[1] == pulled
    assert sum(place.slept) < 2


async def test_speed_shortens_a_pull() -> None:
    place = Place(speed=10)
    async with place.client() as dock:
        await dock.ask("POST", "/images", {"repo_tag": SMALL})
    assert sum(place.slept) == pytest.approx(119 / 45)


async def test_a_tag_left_out_is_the_latest(dock: Dock) -> None:
    assert (await dock.ask("POST", "/images", {"repo_tag": "hello-world"}))[1]["tags"] == ["hello-world:latest"]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("nobody/nothing:1", "pull access denied for nobody/nothing, repository does not exist or may require"),
        ("nvidia/cuda:0.1", "manifest for nvidia/cuda:0.1 not found: manifest unknown"),
        ("", "pull access denied"),
    ],
)
async def test_what_the_registry_does_not_have_is_404_in_dockers_words(dock: Dock, tag: str, words: str) -> None:
    code, refusal = await dock.ask("POST", "/images", {"repo_tag": tag})
    assert code == 404
    assert words in refusal["detail"]


@pytest.mark.parametrize("quoted", [True, False])
async def test_images_go_by_tag_with_slashes_and_colons_or_by_id(dock: Dock, quoted: bool) -> None:
    path = quote(TEAM, safe="") if quoted else TEAM
    assert await dock.ask("DELETE", f"/images/{path}") == (200, {"message": f"Image '{TEAM}' removed successfully."})
    by_tag = {image["tag"]: image["id"] for image in await dock.images()}
    assert TEAM not in by_tag
    assert (await dock.ask("DELETE", f"/images/{by_tag[None]}"))[0] == 200
    assert await dock.ask("DELETE", f"/images/{path}") == (404, {"detail": f"Image '{TEAM}' not found"})
    assert None not in await dock.tags()
    assert (await dock.containers())["finetune-lora"]["image"] == []


async def test_a_pull_continues_when_its_client_hangs_up(sims: Sims) -> None:
    sim = await sims.start(docks=[QUIET])
    host = sim.world.hosts["dock"]
    # Time is stopped for everything but the pull, so that the client has the time to go.
    held = await sims.client(sim, "dock", auth=None)
    sim.world.clock.speed = 1e-3
    with pytest.raises(httpx.ReadTimeout):
        await held.post("/images", json={"repo_tag": SMALL}, timeout=0.2)
    assert SMALL not in host.images
    sim.world.clock.speed = 1e4
    async with httpx.AsyncClient(base_url=sim.base_urls["dock"], trust_env=False, verify=False) as other:
        images = (await other.get("/images")).json()["images"]
    assert SMALL in [image["tag"] for image in images]


# Who may ask, who may log in


async def test_a_host_can_want_a_header(sims: Sims) -> None:
    sim = await sims.start(docks=[replace(QUIET, header=("X-Api-Key", "dock-key"))])
    client = await sims.client(sim, "dock", auth=None)
    for headers in ({}, {"X-Api-Key": "wrong"}):
        refused = await client.get("/containers", headers=headers)
        assert (refused.status_code, refused.json()) == (403, {"detail": "Not authenticated"})
    assert (await client.get("/containers", headers={"x-api-key": "dock-key"})).status_code == 200


async def said(port: int, command: str, user: str, password: str) -> str:
    async with asyncssh.connect(
        "127.0.0.1", port, username=user, password=password, known_hosts=None, config=None, client_keys=None
    ) as connection:
        return str((await connection.run(command)).stdout)


async def test_a_container_accepts_the_user_it_was_created_for_alone(sims: Sims) -> None:
    sim = await sims.start(ssh=True, docks=[QUIET])
    dock = Dock(await sims.client(sim, "dock", auth=None))
    _, made = await dock.create(env={"HF_HOME": "/data"}, gpu_ids=[7])
    port = made["ssh-port"]
    assert await said(port, "whoami; pwd; hostname; echo $HF_HOME", "anna", "s3cret pass") == (
        "anna\n/home/anna\nfresh\n/data\n"
    )
    for user, password in (("root", "s3cret pass"), ("anna", "podpass"), ("dock", "podpass")):
        with pytest.raises(asyncssh.PermissionDenied):
            await said(port, "true", user, password)


async def test_containers_there_from_the_start_let_in_dock(sims: Sims) -> None:
    sim = await sims.start(ssh=True, docks=[QUIET])
    dock = Dock(await sims.client(sim, "dock", auth=None))
    for name, row in (await dock.containers()).items():
        if row["status"] == "running":
            assert await said(row["ssh-port"], "hostname", "dock", "podpass") == f"{name}\n"


async def test_a_stopped_containers_port_refuses(sims: Sims) -> None:
    sim = await sims.start(ssh=True, docks=[QUIET])
    dock = Dock(await sims.client(sim, "dock", auth=None))
    port = (await dock.containers())["train-7b"]["ssh-port"]
    await dock.ask("POST", "/containers/train-7b/stop")
    with pytest.raises(ConnectionRefusedError):
        await said(port, "true", "dock", "podpass")
