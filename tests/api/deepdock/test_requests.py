"""Creates on a DeepDock host, and refusals in words."""

from __future__ import annotations

import json

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    ConflictError,
    GputuiError,
    InvalidError,
    NotFoundError,
    UnknownOutcomeError,
)
from gputui.models import (
    Ref,
    Secret,
)
from tests.api.creating import problems, shown
from tests.api.deepdock.server import (
    CREATED,
    CUDA,
    container,
    deepdock_account,
    script,
)
from tests.api.server import Answer, Reply, Reset, ScriptedServer, as_json, page

CREATE = {"name": "train_a", "image": CUDA, "user_name": "alice", "password": "hunter2 & more", "gpu_ids": "0"}


class TestCreate:
    async def test_a_container_is_asked_for_once_with_its_login(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        made = await backend.creators["container"].prepare(CREATE).send()
        assert (made.created, made.generation) == (Ref("dock", "container", "train_a"), CREATED["id"])
        (request,) = server.asked("/containers/create")
        assert request.json == {
            "name": "train_a",
            "image": CUDA,
            "user_name": "alice",
            "password": "hunter2 & more",
            "gpu_ids": [0],
        }
        assert "hunter2" not in f"{made}"
        assert backend.creators["container"].prepare(CREATE).login == ("alice", Secret("hunter2 & more"))

    async def test_the_form_has_what_the_host_has(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server, containers={"containers": [container("train_a", status="running")]})
        form = await backend.creators["container"].form()
        fields = {field.name: field for field in form.fields}
        assert fields["image"].choices == (CUDA, "nvidia/cuda:12.2.0-runtime-ubuntu22.04")
        assert fields["gpu_ids"].labels == ("RTX 4090  9 %  2.9G  train_a",)
        assert fields["user_name"].default == "dock"
        assert form.note == ""
        assert problems(backend, "container", CREATE | {"gpu_ids": "1"}) == {
            "gpu_ids": "1 is not among the host's GPUs: 0"
        }

    async def test_the_form_of_an_empty_host_says_so(self, server: ScriptedServer) -> None:
        script(server, images={"count": 0, "images": []}, series={}, containers={"containers": []})
        backend = DeepdockBackend(deepdock_account(server.url, 'ssh = { user = "alice" }'))
        form = await backend.creators["container"].form()
        assert form.note == "The host has no image: pull one first. The host reports no GPU."
        assert next(field.default for field in form.fields if field.name == "user_name") == "alice"
        server.on("/metrics/gpus", Reply(500, b""))
        assert await backend.creators["container"].form() == form
        await backend.aclose()

    async def test_the_form_of_a_pull_needs_no_question(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        assert [field.name for field in (await backend.creators["image"].form()).fields] == ["repo_tag"]
        assert server.requests == []

    @pytest.mark.parametrize("kind", ["container", "image"])
    async def test_what_is_wrong_is_not_sent(
        self, server: ScriptedServer, backend: DeepdockBackend, kind: str
    ) -> None:
        with pytest.raises(InvalidError) as caught:
            await backend.creators[kind].prepare({}).send()
        assert caught.value.fields == problems(backend, kind, {})
        assert server.requests == []

    async def test_a_dry_run_sends_nothing(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        request = shown(backend, "container", CREATE)
        assert request.url == f"{server.url}/containers/create"
        assert "hunter2" not in request.body
        assert json.loads(shown(backend, "image", {"repo_tag": "ubuntu"}).body) == {"repo_tag": "ubuntu:latest"}
        assert server.requests == []

    async def test_what_a_dry_run_shows_cannot_act_on_the_terminal(self, backend: DeepdockBackend) -> None:
        request = shown(backend, "container", CREATE | {"env": "HF_TOKEN=hf_secret\nTITLE=\x9b31mé\u202e"})
        assert "\x9b" not in request.body and "\u202e" not in request.body
        assert "hf_secret" not in request.body
        assert json.loads(request.body)["env"] == {"HF_TOKEN": "***", "TITLE": "\x9b31mé\u202e"}

    async def test_what_the_server_refuses_is_reported_at_its_field(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        complaints = [
            {"type": "dict_type", "loc": ["body", "env"], "msg": "Input should be a valid list", "input": {"A": "s"}},
            {"type": "int", "loc": ["body", "gpu_ids", 0], "msg": "Input should be less than 1", "input": 7},
        ]
        server.on("/containers/create", as_json({"detail": complaints}, 422))
        with pytest.raises(InvalidError) as caught:
            await backend.creators["container"].prepare(CREATE | {"env": "A=s"}).send()
        assert caught.value.fields == {
            "env": "Input should be a valid list",
            "gpu_ids": "Input should be less than 1",
        }
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("answer", "kind", "said"),
        [
            (as_json({"detail": "Image 'x' not found"}, 404), NotFoundError, "dock: Image 'x' not found (HTTP 404)."),
            (as_json({"detail": "Name is in use"}, 409), ConflictError, "dock: Name is in use (HTTP 409)."),
            (
                as_json(
                    {
                        "detail": "500 Server Error for http+docker://localhost/v1.51/x: Internal Server Error "
                        '("could not select device driver")'
                    },
                    500,
                ),
                UnknownOutcomeError,
                "was sent, but the server reports: could not select device driver (HTTP 500).",
            ),
            (Reply(500, b"Internal Server Error"), UnknownOutcomeError, "the server failed"),
            *(
                (
                    as_json(
                        {"detail": f'{status} Server Error for http+docker://localhost/v1.51/x: Oops ("x")'}, status
                    ),
                    UnknownOutcomeError,
                    "the creation of container train_a was sent, but a server on the way gave up",
                )
                for status in (502, 504)
            ),
            (Reset(), UnknownOutcomeError, "the creation of container train_a was sent, but"),
            (page(), UnknownOutcomeError, "a web page instead of JSON"),
        ],
    )
    async def test_a_refusal_is_reported_in_words(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: Answer, kind: type[GputuiError], said: str
    ) -> None:
        server.on("/containers/create", answer)
        with pytest.raises(kind) as caught:
            await backend.creators["container"].prepare(CREATE).send()
        assert said in caught.value.message
        assert server.count("POST") == 1
