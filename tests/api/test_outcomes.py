"""A change counts as done only with the body that its API documents; else its outcome is unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.api.pody.backend import PodyBackend
from gputui.config.sections import Polling
from gputui.errors import UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.models import ActionResult, Ref
from tests.api import recorded
from tests.api.conftest import FakeTime, pody_account
from tests.api.deepdock import server as deepdock
from tests.api.server import Answer, Reply, Request, ScriptedServer, as_json, page

MAIN = Ref("lab", "pod", "main")
OWN_IMAGE = Ref("lab", "image", "alice-mine")
CONTAINER = Ref("dock", "container", "container_1")
CREATE = {"name": "train_a", "image": deepdock.CUDA, "user_name": "alice", "password": "hunter2-hunter2"}

COMMON = ("create", "start", "stop", "restart", "delete", "delete image")
Change = Callable[[], Awaitable[ActionResult]]

OTHERS = {
    "web page": page(),
    "no content": Reply(204, b""),
    "empty": Reply(200, b""),
    "null": Reply(200, b"null"),
    "list": as_json([]),
    "empty object": as_json({}),
    "text": Reply(200, b'"ok"'),
    "other API": as_json({"error": "login required", "status": 200}),
    "refusal": as_json({"detail": "Not authenticated"}),
    "wrong kind": as_json({"log": 7, "message": ["x"], "id": 1}),
    "accepted page": page(202),
}


def pody_changes(backend: PodyBackend) -> dict[str, tuple[str, Change]]:
    return {
        "create": (
            "/pod/create",
            lambda: backend.creators["pod"].prepare({"ins": "new", "image": "lab-cuda:latest"}).send(),
        ),
        "start": ("/pod/start", lambda: backend.start(MAIN)),
        "stop": ("/pod/stop", lambda: backend.stop(MAIN)),
        "restart": ("/pod/restart", lambda: backend.restart(MAIN)),
        "delete": ("/pod/delete", lambda: backend.delete(MAIN)),
        "delete image": ("/image/delete", lambda: backend.delete(OWN_IMAGE)),
        "commit": ("/pod/commit", lambda: backend.commit(MAIN)),
        "password": ("/user/ch-passwd", lambda: backend.change_password("looking-glass")),
    }


def dock_changes(backend: DeepdockBackend) -> dict[str, tuple[str, Change]]:
    image = Ref("dock", "image", "busybox")
    return {
        "create": ("/containers/create", lambda: backend.creators["container"].prepare(CREATE).send()),
        "pull": ("/images", lambda: backend.creators["image"].prepare({"repo_tag": "busybox"}).send()),
        "start": ("/containers/container_1/start", lambda: backend.start(CONTAINER)),
        "stop": ("/containers/container_1/stop", lambda: backend.stop(CONTAINER)),
        "restart": ("/containers/container_1/restart", lambda: backend.restart(CONTAINER)),
        "delete": ("/containers/container_1", lambda: backend.delete(CONTAINER)),
        "force": ("/containers/container_1", lambda: backend.delete(CONTAINER, force=True)),
        "delete image": ("/images/busybox", lambda: backend.delete(image)),
    }


@pytest.fixture
async def dock(server: ScriptedServer, fake_time: FakeTime) -> DeepdockBackend:
    account = deepdock.deepdock_account(server.url)
    return DeepdockBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(
    "name", ["create", "start", "stop", "restart", "delete", "delete image", "commit", "password"]
)
async def test_pody_confirms_a_change_in_its_own_form(
    server: ScriptedServer, backend: PodyBackend, name: str, other: str
) -> None:
    recorded.script(server, (0, 4, 1))
    path, act = pody_changes(backend)[name]
    await act()
    server.on(path, OTHERS[other])
    with pytest.raises(UnknownOutcomeError, match="was sent, but the answer cannot be read"):
        await act()
    assert server.count("POST", path) == 2


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", [*COMMON, "pull", "force"])
async def test_deepdock_confirms_a_change_in_its_own_form(
    server: ScriptedServer, dock: DeepdockBackend, name: str, other: str
) -> None:
    deepdock.script(server)
    server.on("/images/busybox", as_json({"message": "Image 'busybox' removed successfully."}))
    path, act = dock_changes(dock)[name]
    await act()
    asked = len(server.requests)
    server.on(path, OTHERS[other])
    with pytest.raises(UnknownOutcomeError, match="was sent, but the answer cannot be read"):
        await act()
    assert len(server.requests) == asked + 1
    await dock.aclose()


@pytest.mark.parametrize("release", recorded.RELEASES)
async def test_a_long_log_in_the_answer_is_read_in_part(
    server: ScriptedServer, fake_time: FakeTime, release: tuple[int, ...]
) -> None:
    recorded.script(server, release)
    server.on("/pod/stop", as_json({"log": "é\n" * 100_000}))
    backend = PodyBackend(pody_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    assert (await backend.stop(MAIN)).message == "Pod main stopped."
    server.on("/pod/stop", Reply(200, b"<html>" + b"x" * 2**19))
    with pytest.raises(UnknownOutcomeError, match="a web page instead of JSON"):
        await backend.stop(MAIN)
    await backend.aclose()


@pytest.mark.parametrize("status", [408, 500, 503])
@pytest.mark.parametrize("acts_first", [True, False], ids=["done", "not done"])
async def test_a_create_answered_by_a_failure_is_looked_for_by_name(
    server: ScriptedServer, status: int, acts_first: bool
) -> None:
    made: list[str] = []

    def create(request: Request) -> Answer:
        if acts_first:
            made.append(str(request.json["name"]))
        return Reply(status, b"upstream connect error or disconnect/reset before headers")

    def containers(_: Request) -> Answer:
        return as_json({"containers": [deepdock.container(name, id=name) for name in made]})

    deepdock.script(server)
    server.on("/containers", containers)
    server.on("/containers/create", create)
    async with one_dock(server) as fleet:
        if acts_first:
            result = await fleet.create(fleet.creator("dock", "container").prepare(CREATE))
            assert result.created == Ref("dock", "container", "train_a")
            assert "No success was reported, but the container train_a has been created." in result.message
        else:
            with pytest.raises(UnknownOutcomeError, match=rf"HTTP {status}.*train_a is not in the list"):
                await fleet.create(fleet.creator("dock", "container").prepare(CREATE))
    assert server.count("POST", "/containers/create") == 1


@asynccontextmanager
async def one_dock(server: ScriptedServer) -> AsyncIterator[Fleet]:
    """Run a fleet of one DeepDock account, in real time."""
    account = deepdock.deepdock_account(server.url)
    fleet = Fleet({"dock": account}, open_backend=lambda _: DeepdockBackend(account), history=None, polling=Polling())
    await fleet.start()
    try:
        yield fleet
    finally:
        await fleet.aclose()
