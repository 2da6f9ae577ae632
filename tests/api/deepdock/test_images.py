"""Images of a DeepDock host, and their pulls."""

from __future__ import annotations

import asyncio
import json

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    UnknownOutcomeError,
)
from gputui.models import (
    Action,
    Image,
    PartialRows,
    Ref,
)
from tests.api.conftest import FakeTime
from tests.api.deepdock.server import (
    CUDA,
    IMAGES,
    by_method,
    deepdock_account,
    script,
)
from tests.api.server import Answer, Hang, Reply, Reset, ScriptedServer, as_json, page

TRUNCATED = Reply(200, b'{"message": "pul', announce=400, reset=True)


class TestImages:
    async def test_they_are_listed_as_the_reference_has_them(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        first, second = await backend.images()
        assert first == Image(
            Ref("dock", "image", CUDA),
            "nvidia/cuda",
            "12.6.3-cudnn-runtime-ubuntu24.04",
            digest="sha256:8aef630a54bc5c5146ae5ce68e6af5caa3df0fb690bb91544175c91f307e4356",
            size=round(2008.44 * 2**20),
            own=None,
        )
        assert json.loads(second.raw) == IMAGES["images"][1]  # type: ignore[index]  # it is a list
        assert backend.actions(first) == {Action.DELETE}

    @pytest.mark.parametrize(
        ("row", "names"),
        [
            ({"id": "8aef", "tag": None, "digest": None, "size_mb": None}, ["8aef"]),
            ({"id": "8aef", "tag": "<none>:<none>"}, ["8aef"]),
            ({"id": "8aef", "tag": ""}, ["8aef"]),
            ({"id": "8aef", "tag": ["a:1", "b:2"]}, ["a:1", "b:2"]),
            ({"id": "8aef", "tag": "a:1", "size_mb": "large"}, ["a:1"]),
            ({"id": "8aef", "tag": "a:1", "size_mb": -1}, ["a:1"]),
            ({}, []),
            ("x", []),
            ({"id": 5, "tag": {}}, []),
        ],
    )
    async def test_whatever_a_row_lacks(
        self, server: ScriptedServer, backend: DeepdockBackend, row: object, names: list[str]
    ) -> None:
        script(server, images={"images": [row]})
        images = await backend.images()
        assert [image.reference for image in images] == names
        assert all(image.size is None for image in images)
        assert isinstance(images, PartialRows) is not bool(names)

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("nvidia/cuda:12", "/images/nvidia%2Fcuda%3A12"),
            ("8aef630a54bc", "/images/8aef630a54bc"),
            ("localhost:5000/a/b:1.0", "/images/localhost%3A5000%2Fa%2Fb%3A1.0"),
        ],
    )
    async def test_a_deleted_one_is_one_segment_of_the_path(
        self, server: ScriptedServer, backend: DeepdockBackend, name: str, path: str
    ) -> None:
        server.on(path, by_method(DELETE=as_json({"message": f"Image '{name}' removed successfully."})))
        assert (await backend.delete(Ref("dock", "image", name))).message == f"Image {name} deleted."
        assert server.requests[-1].params == {}

    async def test_a_pull_is_a_create(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        made = await backend.creators["image"].prepare({"repo_tag": "nvidia/cuda:12.2.0-runtime-ubuntu20.04"}).send()
        assert made.created == Ref("dock", "image", "nvidia/cuda:12.2.0-runtime-ubuntu20.04")
        assert made.message == "Image nvidia/cuda:12.2.0-runtime-ubuntu20.04 pulled, 1.1G."
        assert server.requests[-1].json == {"repo_tag": "nvidia/cuda:12.2.0-runtime-ubuntu20.04"}

    async def test_a_pull_waits_longer_than_any_other_call(self, server: ScriptedServer, fake_time: FakeTime) -> None:
        account = deepdock_account(server.url).model_copy(update={"timeout": 0.1})
        backend = DeepdockBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic)
        server.on("/images", Hang())
        pull = asyncio.create_task(backend.creators["image"].prepare({"repo_tag": "ubuntu"}).send())
        await server.arrived.wait()
        done, _ = await asyncio.wait([pull], timeout=0.4)
        assert not done
        pull.cancel()
        async with asyncio.timeout(5):
            await server.left.wait()
        await backend.aclose()

    @pytest.mark.parametrize("fault", [Reset(), TRUNCATED, page(), as_json({}, 504), as_json([])])
    async def test_a_pull_whose_answer_is_lost_has_an_unknown_outcome(
        self, server: ScriptedServer, backend: DeepdockBackend, fault: Answer
    ) -> None:
        server.on("/images", fault)
        with pytest.raises(UnknownOutcomeError, match="the pull of image ubuntu:latest was sent"):
            await backend.creators["image"].prepare({"repo_tag": "ubuntu"}).send()
        assert server.count("POST") == 1
        assert backend.creators["image"].prepare({"repo_tag": "ubuntu"}).ref == Ref("dock", "image", "ubuntu:latest")
