"""Creating pods, VMs and endpoints on Yotta: the forms, what is refused in them, what is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from itertools import product

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.api.yotta.mapping import GPU_TYPES, VmType
from gputui.errors import InvalidError, NoStockError, UnknownOutcomeError
from gputui.models import FieldKind, Ref
from tests.api.conftest import FakeTime
from tests.api.creating import look, problems, shown
from tests.api.server import Reset, ScriptedServer
from tests.api.yotta import creators
from tests.api.yotta.server import ENDPOINTS, PODS, TYPES, VMS, endpoint, no, ok, page, pod, script, vm, yotta_account

POD: Mapping[str, str] = {
    "name": "my-pod",
    "image": "pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime",
    "gpuType": "NVIDIA_RTX_4090_24G",
    "gpuCount": "1",
}
VM: Mapping[str, str] = {"name": "box", "vmTypeId": "11", "region": "us-east-1"}
ENDPOINT: Mapping[str, str] = {
    "name": "llama",
    "image": "vllm/vllm-openai:v0.6",
    "resources": "us-east-1 NVIDIA_RTX_4090_24G 1",
    "workers": "2",
    "containerVolumeInGb": "20",
    "serviceMode": "ALB",
}
LEAST = {"pod": POD, "vm": VM, "endpoint": ENDPOINT}
DOCUMENTED = {
    "pod": {
        *("name", "regions", "image", "imageRegistry", "containerRegistryAuthId", "imagePublicType", "resourceType"),
        *("gpuType", "gpuCount", "minSingleCardVramInGb", "minSingleCardRamInGb", "minSingleCardVcpu", "shmInGb"),
        *("containerVolumeInGb", "persistentVolumeInGb", "persistentMountPath", "initializationCommand"),
        *("environmentVars", "expose", "persistentVolumes"),
    },
    "vm": {"vmTypeId", "region", "name", "isSpot", "volumeMountPaths"},
    "endpoint": {
        *("name", "image", "imageRegistry", "containerRegistryAuthId", "resources", "workers", "containerVolumeInGb"),
        *("environmentVars", "expose", "serviceMode", "webhook", "initializationCommand"),
        *("minSingleCardVramInGb", "minSingleCardRamInGb", "minSingleCardVcpu", "gpuCount"),
    },
}


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    script(server)
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


@pytest.mark.parametrize("kind", creators.KINDS)
def test_a_form_has_every_field_of_the_document(kind: str) -> None:
    fields = creators.fields(kind)
    assert {field.name for field in fields} == DOCUMENTED[kind]
    assert {field.name for field in fields if field.required} == LEAST[kind].keys()
    assert all(len(field.labels) in {0, len(field.choices)} for field in fields)
    assert [field.name for field in fields if field.variables] == (["environmentVars"] if kind != "vm" else [])


@pytest.mark.parametrize("kind", creators.KINDS)
def test_the_defaults_of_a_form_are_accepted(kind: str) -> None:
    values = {field.name: field.default for field in creators.fields(kind)}
    assert creators.problems(kind, values | dict(LEAST[kind])) == {}
    missing = {field.name for field in creators.fields(kind) if field.required and not field.default}
    assert creators.problems(kind, values) == dict.fromkeys(missing, "required")


def test_a_pod_is_asked_for_as_the_document_does() -> None:
    values = {
        **POD,
        "regions": "us-east-1, us-west-1",
        "containerRegistryAuthId": "123",
        "minSingleCardVramInGb": "24",
        "minSingleCardRamInGb": "32",
        "minSingleCardVcpu": "8",
        "containerVolumeInGb": "50",
        "persistentVolumeInGb": "100",
        "persistentMountPath": "/mnt/data",
        "initializationCommand": "pip install -r requirements.txt",
        "environmentVars": "API_KEY=secret",
        "expose": "8080/http",
        "persistentVolumes": "123:/mnt/volume",
    }
    assert creators.problems("pod", values) == {}
    assert creators.body("pod", values) == {
        "name": "my-pod",
        "regions": ["us-east-1", "us-west-1"],
        "image": "pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime",
        "containerRegistryAuthId": 123,
        "gpuType": "NVIDIA_RTX_4090_24G",
        "gpuCount": 1,
        "minSingleCardVramInGb": 24,
        "minSingleCardRamInGb": 32,
        "minSingleCardVcpu": 8,
        "containerVolumeInGb": 50,
        "persistentVolumeInGb": 100,
        "persistentMountPath": "/mnt/data",
        "initializationCommand": "pip install -r requirements.txt",
        "environmentVars": [{"key": "API_KEY", "value": "secret"}],
        "expose": [{"port": 8080, "protocol": "http"}],
        "persistentVolumes": [{"volumeId": 123, "mountPath": "/mnt/volume", "needBackup": False}],
    }


def test_several_lines_and_values_with_spaces_stay_what_they_are() -> None:
    values = {
        **POD,
        "environmentVars": "A= x = y \n\nB=",
        "expose": "8080/http\n 22 / TCP \n",
        "persistentVolumes": "1:/a backup\n2:/b",
        "initializationCommand": "  a\r\nb",
    }
    body = creators.body("pod", values)
    assert body["environmentVars"] == [{"key": "A", "value": " x = y "}, {"key": "B", "value": ""}]
    assert body["expose"] == [{"port": 8080, "protocol": "http"}, {"port": 22, "protocol": "tcp"}]
    assert body["persistentVolumes"] == [
        {"volumeId": 1, "mountPath": "/a", "needBackup": True},
        {"volumeId": 2, "mountPath": "/b", "needBackup": False},
    ]
    assert body["initializationCommand"] == "  a\nb"


def test_a_vm_names_its_type_and_whether_it_is_spot() -> None:
    assert creators.body("vm", VM) == {"name": "box", "vmTypeId": 11, "region": "us-east-1"}
    more = {**VM, "isSpot": "true", "volumeMountPaths": "123:/mnt/a\n0124 : /mnt/b"}
    assert creators.problems("vm", more) == {}
    assert creators.body("vm", more) == {
        "name": "box",
        "vmTypeId": 11,
        "region": "us-east-1",
        "isSpot": 1,
        "volumeMountPaths": {"123": "/mnt/a", "124": "/mnt/b"},
    }


def test_an_endpoint_has_resources_and_one_port() -> None:
    values = {
        **ENDPOINT,
        "resources": "us-east-1 NVIDIA_RTX_4090_24G, us-west-1  NVIDIA_H200_141G  2\neu-1 NVIDIA_H200_141G",
        "gpuCount": "4",
        "minSingleCardVramInGb": "24",
        "minSingleCardRamInGb": "32",
        "minSingleCardVcpu": "8",
        "initializationCommand": "pip install x\nserve",
        "expose": "8000/http",
        "webhook": "https://example.com/hook",
    }
    assert creators.problems("endpoint", values) == {}
    assert creators.body("endpoint", values) == {
        "name": "llama",
        "image": "vllm/vllm-openai:v0.6",
        "serviceMode": "ALB",
        "workers": 2,
        "resources": [
            {"region": "us-east-1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 4},
            {"region": "us-west-1", "gpuType": "NVIDIA_H200_141G", "gpuCount": 2},
            {"region": "eu-1", "gpuType": "NVIDIA_H200_141G", "gpuCount": 4},
        ],
        "minSingleCardVramInGb": 24,
        "minSingleCardRamInGb": 32,
        "minSingleCardVcpu": 8,
        "initializationCommand": "pip install x\nserve",
        "containerVolumeInGb": 20,
        "expose": {"port": 8000, "protocol": "http"},
        "webhook": "https://example.com/hook",
    }


@pytest.mark.parametrize(
    ("kind", "name", "text", "problem"),
    [
        ("pod", "name", "x" * 256, "is too long; 255 characters are the most"),
        ("pod", "name", "a\x1b", "must not contain control characters"),
        ("pod", "image", "two words", "must not contain spaces or control characters"),
        ("pod", "gpuType", "RTX 4090", "must be a code, such as NVIDIA_RTX_4090_24G or us-east-1"),
        ("pod", "gpuCount", "3", "must be a power of two: 1, 2, 4, 8 …"),
        ("pod", "gpuCount", "0", "must be at least 1"),
        ("pod", "gpuCount", "-2", "cannot be negative"),
        ("pod", "gpuCount", "one", "must be a whole number"),
        ("pod", "imagePublicType", "SECRET", "SECRET is not among the kinds of images: PUBLIC, PRIVATE"),
        ("pod", "imagePublicType", "PRIVATE", None),
        ("pod", "resourceType", "TPU", "TPU is not among the kinds of resources: GPU, CPU"),
        ("pod", "containerRegistryAuthId", "docker", "must be a number: its id"),
        ("pod", "shmInGb", "1.5", "must be a whole number"),
        ("pod", "persistentVolumeInGb", "100", None),
        ("pod", "environmentVars", "A", "has no = in line 1; write NAME=value"),
        ("pod", "environmentVars", "A=1\nA=2", "has A twice, the second time in line 2"),
        ("pod", "expose", "8080", "must be a port and its protocol, such as 8080/http (line 1)"),
        ("pod", "expose", "80/http\n65536/tcp", "must be a port from 1 to 65535 (line 2)"),
        ("pod", "expose", "80/http\n80/tcp", "has the same twice, the second time in line 2"),
        (
            "pod",
            "persistentVolumes",
            "data:/mnt",
            "must be a volume's id and a path, such as 123:/mnt/data (line 1)",
        ),
        ("pod", "persistentVolumes", "1:/a\n2:/a", "has the same twice, the second time in line 2"),
        ("pod", "initializationCommand", "a\0b", "must not contain NUL"),
        ("pod", "owner", "me", "is no parameter of a new pod"),
        ("vm", "vmTypeId", "H100", "must be a number: its id"),
        ("vm", "isSpot", "maybe", "must be true or false"),
        (
            "vm",
            "volumeMountPaths",
            "1:/a\n1:/b",
            "has the same twice, the second time in line 2",
        ),
        (
            "vm",
            "volumeMountPaths",
            "1:mnt",
            "must be a volume's id and a path, such as 123:/mnt/data (line 1)",
        ),
        ("endpoint", "name", "x" * 21, "is too long; 20 characters are the most"),
        ("endpoint", "name", "1st", "must begin with a letter"),
        ("endpoint", "name", "éa", "must begin with a letter"),
        ("endpoint", "name", "a b", "may contain only letters, digits and @ . _ -"),
        ("endpoint", "name", "a/b", "may contain only letters, digits and @ . _ -"),
        ("endpoint", "name", "a@b.c_d-9", None),
        ("endpoint", "gpuCount", "3", "must be a power of two: 1, 2, 4, 8 …"),
        ("endpoint", "workers", "0", "must be at least 1"),
        ("endpoint", "containerVolumeInGb", "19", "must be at least 20"),
        ("endpoint", "serviceMode", "queue", "queue is not among the modes: ALB, QUEUE, CUSTOM"),
        ("endpoint", "webhook", "https://e.com/" + "x" * 500, "is too long; 512 characters are the most"),
        ("endpoint", "webhook", "ftp://e.com", "must be an address, such as https://example.com/hook"),
        ("endpoint", "webhook", "https://[e", "must be an address, such as https://example.com/hook"),
        ("endpoint", "expose", "0/http", "must be a port from 1 to 65535"),
        (
            "endpoint",
            "resources",
            "us-east-1",
            "must be a region and a GPU type, such as us-east-1 NVIDIA_RTX_4090_24G (line 1)",
        ),
        (
            "endpoint",
            "resources",
            "\nus-east-1 NVIDIA_H200_141G 3",
            "has a number of GPUs that must be a power of two: 1, 2, 4, 8 … (line 1)",
        ),
    ],
)
def test_a_limit_is_reported_at_its_field(kind: str, name: str, text: str, problem: str | None) -> None:
    assert creators.problems(kind, {**LEAST[kind], name: text}).get(name) == problem


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"imagePublicType": "PRIVATE"}, "containerRegistryAuthId"),
        ({"persistentVolumeInGb": "100"}, "persistentMountPath"),
        ({"persistentMountPath": "/mnt"}, "persistentVolumeInGb"),
    ],
)
def test_what_needs_another_field_is_reported_there(given: dict[str, str], wrong: str) -> None:
    found = creators.problems("pod", {**POD, **given})
    assert list(found) == [wrong]
    assert found[wrong].startswith("required: ")


def test_a_type_of_vm_is_to_be_had_where_it_is() -> None:
    types = [VmType("NVIDIA_H200_141G", region, "", True, 11) for region in ("us-west-1", "eu-1")]
    backend = YottaBackend(yotta_account("http://127.0.0.1:9"))
    backend._lists._types = types
    assert problems(backend, "vm", VM) == {"region": "does not have this type; it is in us-west-1, eu-1"}
    assert problems(backend, "vm", {**VM, "region": "eu-1"}) == {}
    assert problems(backend, "vm", {**VM, "vmTypeId": "99"}) == {}


@pytest.mark.parametrize(("code", "count"), product(GPU_TYPES, ("1", "2", "4", "8", "16")))
def test_every_type_of_the_table_can_be_asked_for(code: str, count: str) -> None:
    values = {**POD, "gpuType": code, "gpuCount": count}
    assert creators.problems("pod", values) == {}
    assert creators.problems("endpoint", {**ENDPOINT, "resources": f"us-east-1 {code} {count}"}) == {}


class TestForms:
    async def test_types_and_regions_are_those_there_are(self, backend: YottaBackend) -> None:
        fields = {field.name: field for field in (await backend.creators["pod"].form()).fields}
        assert fields["regions"].choices == ("us-east-1", "us-west-1")
        assert fields["regions"].kind is FieldKind.MULTI
        assert fields["gpuType"].choices[:2] == ("NVIDIA_RTX_4090_24G", "NVIDIA_H200_141G")
        assert set(fields["gpuType"].choices) == set(GPU_TYPES)
        assert fields["gpuType"].labels[0] == "RTX 4090  24G"
        first = "the first 2 have VMs available now; the API does not report it for pods"
        assert fields["gpuType"].help == first

        fields = {field.name: field for field in (await backend.creators["vm"].form()).fields}
        assert fields["vmTypeId"].choices == ("11", "12", "21")
        assert fields["vmTypeId"].labels == (
            "RTX 4090  us-east-1",
            "RTX 4090  us-west-1 (not available)",
            "H200  us-east-1",
        )
        # What costs money is chosen by the user alone.
        assert (fields["vmTypeId"].default, fields["region"].default) == ("", "")

    async def test_they_can_be_filled_in_without_suggestions(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(TYPES, no(10002, "boom"))
        form = await backend.creators["vm"].form()
        assert form.note == "The available types are unknown: yotta: boom (code 10002)."
        assert problems(backend, "vm", VM) == {}

    async def test_the_kinds_are_those_of_the_api(self, backend: YottaBackend) -> None:
        assert list(backend.creators) == ["pod", "vm", "endpoint", "task", "volume", "credential"]


class TestSending:
    @pytest.mark.parametrize(
        ("kind", "path", "created"),
        [
            ("pod", PODS, Ref("yotta", "pod", "103")),
            ("vm", VMS, Ref("yotta", "vm", "8")),
            ("endpoint", ENDPOINTS, Ref("yotta", "endpoint", "e2")),
        ],
    )
    async def test_it_is_sent_once_as_it_is_shown(
        self, server: ScriptedServer, backend: YottaBackend, kind: str, path: str, created: Ref
    ) -> None:
        dry_run = shown(backend, kind, LEAST[kind])
        assert not server.requests
        result = await backend.creators[kind].prepare(LEAST[kind]).send()
        (request,) = server.requests
        assert (request.method, request.path) == (dry_run.method, path)
        assert dry_run.url == f"{server.url}{path}"
        assert json.loads(dry_run.body) == request.json == creators.body(kind, LEAST[kind])
        assert result.created == created
        assert result.generation == ("" if kind == "endpoint" else created.id)

    @pytest.mark.parametrize("data", [103, "103", {"id": "103", "else": 1}])
    async def test_an_id_alone_is_enough(self, server: ScriptedServer, backend: YottaBackend, data: object) -> None:
        server.on(PODS, ok(data))
        assert (await backend.creators["pod"].prepare(POD).send()).created == Ref("yotta", "pod", "103")

    @pytest.mark.parametrize("data", [None, {}, [], True])
    async def test_without_one_it_is_created_all_the_same(
        self, server: ScriptedServer, backend: YottaBackend, data: object
    ) -> None:
        server.on(PODS, ok(data))
        result = await backend.creators["pod"].prepare(POD).send()
        assert (result.message, result.created) == ("Pod my-pod created.", None)

    async def test_secrets_are_sent_but_not_shown(self, server: ScriptedServer, backend: YottaBackend) -> None:
        values = {**POD, "environmentVars": "HF_TOKEN=hunter2\nLANG=C", "containerRegistryAuthId": "123"}
        values["initializationCommand"] = "login --password hunter2"
        request = shown(backend, "pod", values)
        assert "hunter2" not in request.body
        assert '"LANG"' in request.body
        assert json.loads(request.body)["containerRegistryAuthId"] == 123
        await backend.creators["pod"].prepare(values).send()
        assert server.requests[-1].json["environmentVars"][0] == {"key": "HF_TOKEN", "value": "hunter2"}

    async def test_what_is_wrong_is_not_sent(self, server: ScriptedServer, backend: YottaBackend) -> None:
        with pytest.raises(InvalidError) as raised:
            await backend.creators["pod"].prepare({**POD, "gpuCount": "3"}).send()
        assert list(raised.value.fields) == ["gpuCount"]
        assert not server.requests

    async def test_after_a_lost_answer_it_is_found_by_its_name(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(PODS, Reset())
        with pytest.raises(UnknownOutcomeError, match="the creation of pod my-pod was sent"):
            await backend.creators["pod"].prepare(POD).send()
        assert server.count("POST") == 1
        server.on(PODS, ok([pod(1, name="my-pod"), pod(2)]))
        server.on(VMS, page([vm(3, name="box"), vm(4, name="boxes")]))
        server.on(ENDPOINTS, ok([endpoint("e8", name="llama"), endpoint("e9", name="other")]))
        assert await look(backend, "pod", POD) == [Ref("yotta", "pod", "1")]
        assert await look(backend, "vm", VM) == [Ref("yotta", "vm", "3")]
        assert await look(backend, "endpoint", ENDPOINT) == [Ref("yotta", "endpoint", "e8")]
        assert backend.creators["pod"].prepare(POD).ref == Ref("yotta", "pod", "my-pod")


@pytest.mark.parametrize(("kind", "path"), [("pod", PODS), ("vm", VMS), ("endpoint", ENDPOINTS)])
async def test_a_conflict_of_what_does_not_exist_yet_is_no_stock(
    server: ScriptedServer, backend: YottaBackend, kind: str, path: str
) -> None:
    server.on(path, no(12001, "there are not 1 idle NVIDIA_RTX_4090_24G in us-east-1 now"))
    with pytest.raises(NoStockError, match="there are not 1 idle") as refused:
        await backend.creators[kind].prepare(LEAST[kind]).send()
    assert "Check its state" not in refused.value.hint
