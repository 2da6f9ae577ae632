"""Creating on DeepDock: what the forms ask, what is wrong in them, what is sent."""

from __future__ import annotations

import json

import pytest

from gputui.api.common import docker
from gputui.api.common.form_values import read_variables
from gputui.api.common.readers import without_secrets
from gputui.api.deepdock import create
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.models import FieldKind, GpuDevice, GpuSample, Image, Ref, Secret
from tests.api.deepdock.server import CUDA, NOW, deepdock_account

RIGHT = {"name": "train_a", "image": CUDA, "user_name": "alice", "password": "correct horse", "gpu_ids": "0, 2"}


def gpu(index: int, load: float | None, memory: int | None, *instances: str, model: str | None = None) -> GpuDevice:
    ref = Ref("dock", "gpu", str(index))
    sample = GpuSample(NOW, utilization=load) if load is not None else None
    return GpuDevice(ref, "h07", index, model, memory_used=memory, instances=instances, sample=sample)


def test_the_form_offers_the_hosts_images_and_its_gpus_with_their_load() -> None:
    images = [Image(Ref("dock", "image", CUDA), "nvidia/cuda", "12"), Image(Ref("dock", "image", "8aef"), "8aef")]
    devices = [gpu(0, 92.6, 22 * 2**30, "train_a", model="RTX 4090"), gpu(1, 0, None), gpu(2, None, None)]
    form = create.container_fields(images=images, devices=devices)
    fields = {field.name: field for field in form}
    assert tuple(fields) == ("name", "image", "gpu_ids", "user_name", "password", "env")
    assert (fields["image"].choices, fields["image"].open_choices) == (("nvidia/cuda:12",), True)
    assert fields["gpu_ids"].choices == ("0", "1", "2")
    assert fields["gpu_ids"].labels == ("RTX 4090  93 %  22.0G  train_a", "GPU  0 %", "GPU")
    assert (fields["password"].kind, fields["password"].generate) == (FieldKind.SECRET, 20)
    assert fields["env"].kind is FieldKind.LINES
    assert {field.name for field in form if field.required} == {"name", "image", "user_name", "password"}


def test_gpus_can_be_typed_where_the_host_reports_none() -> None:
    assert next(field for field in create.container_fields() if field.name == "gpu_ids").open_choices


def test_what_is_sent_is_the_documents_request() -> None:
    values = {"name": "my-custom-container", "image": CUDA, "user_name": "deepdock_user"}
    values |= {"password": "secure_password_123", "gpu_ids": "0", "env": ""}
    assert create.read_container(values).problems == {}
    assert create.read_container(values).body() == {
        "name": "my-custom-container",
        "image": CUDA,
        "user_name": "deepdock_user",
        "password": "secure_password_123",
        "gpu_ids": [0],
    }


def test_the_environment_is_sent_by_name() -> None:
    lines = "HF_HOME=/data\r\n\n  EMPTY=\nQUERY=a=b c \n"
    body = create.read_container({**RIGHT, "env": lines}).body()
    assert body["env"] == {"HF_HOME": "/data", "EMPTY": "", "QUERY": "a=b c "}
    assert body["gpu_ids"] == [0, 2]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, {}),
        ({"name": ""}, {"name": "required"}),
        ({"name": "a"}, {"name": "must have at least 2 characters"}),
        (
            {"name": "../x"},
            {"name": "may contain letters, digits, dots, dashes and underscores only, a letter or digit first"},
        ),
        ({"name": "x" * 256}, {"name": "may have 255 characters at most"}),
        (
            {"user_name": "Alice"},
            {"user_name": "may have 32 small letters, digits, dashes and underscores, a letter first"},
        ),
        ({"password": "  "}, {"password": "required"}),
        ({"password": "a\nb"}, {"password": "must not contain control characters"}),
        (
            {"image": "a b"},
            {"image": "is not the name of an image; write it as name:tag, for example ubuntu:24.04"},
        ),
        ({"gpu_ids": ""}, {}),
        ({"gpu_ids": "0,x,\x1b"}, {"gpu_ids": "must be numbers of GPUs with commas between; x, \ufffd is none"}),
        ({"gpu_ids": "0,9"}, {"gpu_ids": "9 is not among the host's GPUs: 0, 1, 2"}),
        ({"env": "A=1\nnonsense"}, {"env": "has no = in line 2; write NAME=value"}),
        ({"env": "1A=1"}, {"env": "has a name in line 1 that is not of letters, digits and underscores"}),
        ({"env": "A=1\n\nA=2"}, {"env": "has A twice, the second time in line 3"}),
        ({"env": "A=\0"}, {"env": "has a NUL in line 1"}),
        ({"shm": "1"}, {"shm": "is no parameter of a new container"}),
    ],
)
def test_what_is_wrong_is_reported_at_its_field(changes: dict[str, str], problems: dict[str, str]) -> None:
    assert create.read_container(RIGHT | changes, range(3)).problems == problems


def test_every_field_that_must_be_there_is_missed() -> None:
    assert create.read_container({}).problems == dict.fromkeys(("name", "image", "user_name", "password"), "required")
    assert create.read_image({}).problems == {"repo_tag": "required"}


def test_a_dry_run_shows_no_secret() -> None:
    values = {**RIGHT, "env": "HF_TOKEN=hf_abcdef\nLANG=C\nESC=\x1b[2J"}
    given = create.read_container(values)
    request = given.shown("POST", "http://h07:8000/containers/create", given.body(), without_secrets)
    assert (request.method, request.url) == ("POST", "http://h07:8000/containers/create")
    shown = json.loads(request.body)
    assert (shown["name"], shown["password"], shown["gpu_ids"]) == ("train_a", "***", [0, 2])
    assert shown["env"] == {"HF_TOKEN": "***", "LANG": "C", "ESC": "\x1b[2J"}
    assert "\x1b" not in request.body
    assert "correct horse" not in request.body


async def test_who_logs_in_is_decided_by_the_form() -> None:
    backend = DeepdockBackend(deepdock_account("http://h07:8000"))
    assert backend.creators["container"].prepare(RIGHT).login == ("alice", Secret("correct horse"))
    await backend.aclose()


@pytest.mark.parametrize(
    ("written", "sent", "listed"),
    [
        ("ubuntu", "ubuntu:latest", "ubuntu:latest"),
        (" nvidia/cuda:12 ", "nvidia/cuda:12", "nvidia/cuda:12"),
        ("docker.io/library/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
        ("localhost:5000/team/img", "localhost:5000/team/img:latest", "localhost:5000/team/img:latest"),
        ("registry.example.com/a/b:v1.2", "registry.example.com/a/b:v1.2", "registry.example.com/a/b:v1.2"),
    ],
)
def test_an_image_without_a_tag_is_the_latest(written: str, sent: str, listed: str) -> None:
    assert create.read_image({"repo_tag": written}).problems == {}
    assert create.read_image({"repo_tag": written}).body() == {"repo_tag": sent}
    assert docker.familiar(written.strip()) == listed


@pytest.mark.parametrize(
    "written", ["Ubuntu", "a b", "a:", ":tag", "a//b", "http://a/b", "a:b:c", "a/../b", "a:\x1b", "x" * 600]
)
def test_what_is_no_name_of_an_image_is_not_sent(written: str) -> None:
    assert "is not the name of an image" in create.read_image({"repo_tag": written}).problems["repo_tag"]


@pytest.mark.parametrize("written", ["nvidia/cuda@sha256:{}", "nvidia/cuda:12@sha256:{}"])
def test_an_image_is_pulled_by_its_tag_not_by_its_digest(written: str) -> None:
    reference = written.format("0" * 64)
    assert create.read_image({"repo_tag": reference}).problems == {
        "repo_tag": "names a digest; DeepDock pulls by a tag, write name:tag"
    }
    assert create.read_container(RIGHT | {"image": reference}).problems == {}, "what the host has may be named by it"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("A=1\n\n  B=2\n", {"A": "1", "B": "2"}),
        ("A= 1  \nB=\t", {"A": " 1  ", "B": "\t"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=a\u2028b\x85c\x0bd\x0ce\x1cf\u2029g\nB=2", {"A": "a\u2028b\x85c\x0bd\x0ce\x1cf\u2029g", "B": "2"}),
        ("A=x=y", {"A": "x=y"}),
        ("", {}),
    ],
)
def test_a_variable_has_its_value_as_it_was_written(text: str, variables: dict[str, str]) -> None:
    assert read_variables(text) == variables


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nvidia/cuda:12", ("nvidia/cuda", "12")),
        ("localhost:5000/img", ("localhost:5000/img", None)),
        ("localhost:5000/img:v1", ("localhost:5000/img", "v1")),
        ("8aef630a54bc", ("8aef630a54bc", None)),
    ],
)
def test_a_port_of_a_registry_is_no_tag(reference: str, parts: tuple[str, str | None]) -> None:
    assert docker.split_reference(reference) == parts
