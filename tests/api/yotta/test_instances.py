"""Pods, VMs and workers of Yotta in one list, and parts of it that cannot be read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    AuthError,
    GputuiError,
    RateLimitedError,
)
from gputui.models import Instance, PartialRows, Phase, Ref, Resource, SSHTarget
from tests.api.server import Answer, ScriptedServer
from tests.api.yotta.conftest import instances
from tests.api.yotta.server import (
    ENDPOINTS,
    PODS,
    TYPES,
    VMS,
    endpoint,
    no,
    ok,
    page,
    pod,
    vm,
    vm_type,
    worker,
)

POD, VM, ENDPOINT = Ref("yotta", "pod", "101"), Ref("yotta", "vm", "7"), Ref("yotta", "endpoint", "e1")


class TestInstances:
    async def test_pods_vms_and_workers_are_one_list(self, backend: YottaBackend) -> None:
        rows = await instances(backend)
        assert list(rows) == ["pod/101", "pod/102", "vm/7", "worker/e1/w-1", "worker/e1/w-2"]
        assert rows["pod/101"] == Instance(
            POD,
            "train-a",
            Phase.RUNNING,
            "RUNNING",
            image="pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime",
            gpu_model="RTX 4090",
            gpu_count=2,
            created_at=datetime(2025, 11, 24, 16, 0, 0, 123000, tzinfo=UTC),
            ssh=SSHTarget("203.0.113.7", 10022, "root", generation="101"),
            container_id="101",
        )
        assert rows["vm/7"] == Instance(
            VM,
            "box",
            Phase.RUNNING,
            "running",
            gpu_model="H100 SXM 80G",
            gpu_count=1,
            cpu_count=16,
            memory_limit=128 * 2**30,
            gpu_memory=80 * 2**30,
            disk_size=500 * 2**30,
            spot=True,
            region="us-west-1",
            host="203.0.113.9",
            created_at=datetime(2025, 11, 24, 16, 0, tzinfo=UTC),
            ssh=SSHTarget("203.0.113.9", 22, "root", generation="7"),
            container_id="7",
        )
        assert (rows["pod/102"].phase, rows["pod/102"].ssh) == (Phase.STOPPED, None)
        failed = rows["worker/e1/w-2"]
        assert (failed.phase, failed.parent, failed.image) == (Phase.FAILED, ENDPOINT, "vllm/vllm-openai:v0.6")
        assert json.loads(rows["vm/7"].raw)["isSpot"] == 1

    async def test_all_pages_of_vms_are_read(self, server: ScriptedServer, backend: YottaBackend) -> None:
        server.on(
            VMS,
            lambda request: page(
                [vm(int(request.params["page"]))], number=int(request.params["page"]), size=1, total=3
            ),
        )
        assert [key for key in await instances(backend) if key.startswith("vm")] == ["vm/1", "vm/2", "vm/3"]

    async def test_a_plain_list_of_vms_and_pages_of_pods_are_read_as_well(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(VMS, ok([vm(1), vm(2)]))
        server.on(
            PODS,
            lambda request: page(
                [pod(int(request.params.get("page", "1")))],
                number=int(request.params.get("page", "1")),
                size=1,
                total=2,
            ),
        )
        assert {key for key in await instances(backend) if "worker" not in key} == {"vm/1", "vm/2", "pod/1", "pod/2"}

    @pytest.mark.parametrize(
        ("status", "phase"),
        [
            ("RUNNING", Phase.RUNNING),
            ("running", Phase.RUNNING),
            ("INITIALIZING", Phase.PENDING),
            ("STOPPING", Phase.STOPPING),
            ("Stopped", Phase.STOPPED),
            ("terminated", Phase.STOPPED),
            ("FAILED", Phase.FAILED),
            ("HIBERNATING", Phase.UNKNOWN),
            ("\x1b[2J", Phase.UNKNOWN),
            (3, Phase.UNKNOWN),
        ],
    )
    async def test_a_status_is_shown_as_it_is(
        self, server: ScriptedServer, backend: YottaBackend, status: object, phase: Phase
    ) -> None:
        server.on(PODS, ok([pod(status=status)]))
        row = (await instances(backend))["pod/101"]
        assert (row.phase, row.status) == (phase, str(status).replace("\x1b", "\ufffd"))

    @pytest.mark.parametrize(
        ("changes", "shown"),
        [
            ({"id": "101"}, {"problem": None}),
            ({"gpuCount": "2"}, {"gpu_count": 2, "problem": None}),
            ({"gpuCount": "two"}, {"gpu_count": None, "problem": "gpuCount should be a whole number"}),
            ({"createdAt": "2025-11-24T16:00:00+08:00"}, {"created_at": datetime(2025, 11, 24, 8, tzinfo=UTC)}),
            ({"createdAt": "1764000000000"}, {"created_at": datetime(2025, 11, 24, 16, tzinfo=UTC)}),
            ({"createdAt": 1764000000}, {"created_at": datetime(2025, 11, 24, 16, tzinfo=UTC)}),
            ({"createdAt": None}, {"created_at": None, "problem": None}),
            (
                {"createdAt": "yesterday"},
                {"created_at": None, "problem": "createdAt has an unexpected type"},
            ),
            ({"createdAt": 1e300}, {"created_at": None, "problem": "createdAt has an unexpected type"}),
            ({"name": None}, {"name": "101"}),
            ({"name": ["x"]}, {"name": "101", "problem": "name should be a text"}),
            ({"name": "[/x]\x1b]0;a\x07"}, {"name": "[/x]\ufffd]0;a\ufffd"}),
            ({"status": None}, {"status": "unknown", "phase": Phase.UNKNOWN}),
            ({"gpuType": None}, {"gpu_model": "RTX 4090"}),
            ({"gpuType": "NVIDIA_X999_512G"}, {"gpu_model": "X999 512G"}),
            ({"sshCmd": "ask support"}, {"ssh": None, "problem": None}),
            ({"sshCmd": None}, {"ssh": None}),
            ({"somethingNew": {"a": [1]}}, {"problem": None}),
        ],
    )
    async def test_a_row_keeps_what_can_be_read(
        self, server: ScriptedServer, backend: YottaBackend, changes: dict[str, object], shown: dict[str, object]
    ) -> None:
        server.on(PODS, ok([pod(**changes), pod(102)]))
        rows = await instances(backend)
        assert {name: getattr(rows["pod/101"], name) for name in shown} == shown
        assert rows["pod/102"].problem is None

    @pytest.mark.parametrize("row", [None, [], "x", {}, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}])
    async def test_what_has_no_id_is_counted_as_missing(
        self, server: ScriptedServer, backend: YottaBackend, row: object
    ) -> None:
        server.on(PODS, ok([row, pod()]))
        rows = await backend.listers[Resource.INSTANCES]()
        assert [each.ref.id for each in rows if each.ref.kind == "pod"] == ["101"]
        assert isinstance(rows, PartialRows)
        assert rows.problem.startswith("1 row cannot be read: ")
        assert any(part.may_be(Ref("yotta", "pod", "102")) for part in rows.missing)
        assert not any(part.may_be(Ref("yotta", "worker", "e1/w-9")) for part in rows.missing)

    @pytest.mark.parametrize(
        ("path", "answer", "resource"),
        [
            (ENDPOINTS, ok([endpoint(), {"name": "x"}]), Resource.DEPLOYMENTS),
            (ENDPOINTS, ok([endpoint(), {"name": "x"}]), Resource.INSTANCES),
            (f"{ENDPOINTS}/e1/workers", ok([worker(), {"status": "RUNNING"}]), Resource.INSTANCES),
            (VMS, page([vm(), {"name": "x"}]), Resource.INSTANCES),
            (TYPES, ok([vm_type(), {"gpuType": "X", "regions": [{"available": True}]}]), Resource.STOCK),
            ("/v2/volumes", page([{"name": "x"}]), Resource.VOLUMES),
            ("/v2/container-registry-auths", ok([{"name": "x"}]), Resource.CREDENTIALS),
        ],
    )
    async def test_no_list_gets_shorter_unsaid(
        self, server: ScriptedServer, backend: YottaBackend, path: str, answer: Answer, resource: Resource
    ) -> None:
        server.on(path, answer)
        rows = await backend.listers[resource]()
        assert isinstance(rows, PartialRows), rows
        assert re.search(r"[14] rows? cannot be read: (id|workerId|region) is missing", rows.problem)

    @pytest.mark.parametrize(
        "row",
        [
            {"id": "3844", "status": "INITIALIZE"},
            {"id": 3844, "status": "INITIALIZE"},
            {"workerId": None, "id": "3844", "status": "initialize"},
            {"workerId": "3844", "id": "77", "status": "INITIALIZE"},
        ],
    )
    async def test_a_worker_has_its_id_under_either_key(
        self, server: ScriptedServer, backend: YottaBackend, row: dict[str, object]
    ) -> None:
        reported = {"region": "us-east-1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 1}
        server.on(f"{ENDPOINTS}/e1/workers", ok([row | reported]))
        rows = await backend.listers[Resource.INSTANCES]()
        assert not isinstance(rows, PartialRows)
        (found,) = (each for each in rows if isinstance(each, Instance) and each.ref.kind == "worker")
        assert (found.ref.id, found.phase, found.gpu_model) == ("e1/3844", Phase.PENDING, "RTX 4090")

    async def test_a_worker_has_what_its_endpoint_says(self, server: ScriptedServer, backend: YottaBackend) -> None:
        places = [{"region": "us-east-1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 2}]
        server.on(ENDPOINTS, ok([endpoint(resources=places)]))
        server.on(f"{ENDPOINTS}/e1/workers", ok([worker(), worker("w-2", region="eu-1", gpuCount=1)]))
        rows = await instances(backend)
        assert [(row.gpu_model, row.gpu_count, row.region) for key, row in rows.items() if "worker" in key] == [
            ("RTX 4090", 2, "us-east-1"),
            ("RTX 4090", 1, "eu-1"),
        ]

    async def test_ids_that_are_no_words_are_asked_for_as_they_are(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint("a/b\x1b")]))
        server.on(f"{ENDPOINTS}/a%2Fb%1B/workers", ok([worker()]))
        assert "worker/a/b\ufffd/w-1" in await instances(backend)

    @pytest.mark.parametrize(
        ("registry", "image"),
        [
            ("https://index.docker.io/v1/", "team/app:1"),
            ("", "team/app:1"),
            (None, "team/app:1"),
            ("https://registry.example.com/", "registry.example.com/team/app:1"),
            ("registry.example.com/ml", "registry.example.com/ml/team/app:1"),
        ],
    )
    async def test_an_image_is_named_with_its_registry_where_that_is_not_dockers_own(
        self, server: ScriptedServer, backend: YottaBackend, registry: str | None, image: str
    ) -> None:
        server.on(PODS, ok([pod(image="team/app:1", imageRegistry=registry)]))
        rows = await instances(backend)
        assert next(row.image for key, row in rows.items() if key.startswith("pod/")) == image


class TestPartsThatCannotBeRead:
    async def test_a_part_keeps_its_last_rows(self, server: ScriptedServer, backend: YottaBackend) -> None:
        before = await instances(backend)
        server.on(ENDPOINTS, no(24000, "maintenance"))
        after = await instances(backend)
        assert list(after) == list(before)
        assert after["pod/101"].problem is None
        assert after["worker/e1/w-1"].problem == "yotta: maintenance (code 24000)."

    async def test_one_row_represents_a_list_that_was_never_read(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(VMS, no(10002))
        rows = await backend.listers[Resource.INSTANCES]()
        assert isinstance(rows, PartialRows)
        assert rows.problem == "the VMs cannot be read: yotta: the system failed (code 10002)."
        assert any(part.may_be(Ref("yotta", "vm", "7")) for part in rows.missing)
        assert not any(part.may_be(Ref("yotta", "pod", "101")) for part in rows.missing)
        row = (await instances(backend))["vm/VMs"]
        assert (row.name, row.phase) == ("VMs", Phase.UNKNOWN)
        assert row.problem == "they cannot be read: yotta: the system failed (code 10002)."
        assert backend.actions(row) == frozenset()

    async def test_workers_of_one_endpoint_spoil_no_others(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(), endpoint("e2", name="other"), endpoint("e3", name="gone")]))
        server.on(f"{ENDPOINTS}/e2/workers", ok({"a": 1}))
        server.on(f"{ENDPOINTS}/e3/workers", no(14000, status=404))
        rows = await instances(backend)
        assert [key for key in rows if "worker" in key] == ["worker/e1/w-1", "worker/e1/w-2", "worker/e2/"]
        assert "something else than a list" in str(rows["worker/e2/"].problem)

    @pytest.mark.parametrize(
        ("answer", "kind"), [(no(401, "", 401), AuthError), (no(429, "", 429, Retry_After="60"), RateLimitedError)]
    )
    async def test_a_key_or_a_limit_is_everybodys(
        self, server: ScriptedServer, backend: YottaBackend, answer: Answer, kind: type[GputuiError]
    ) -> None:
        server.on(f"{ENDPOINTS}/e1/workers", answer)
        with pytest.raises(kind):
            await instances(backend)

    async def test_it_fails_when_everything_does(self, server: ScriptedServer, backend: YottaBackend) -> None:
        for path in (PODS, VMS, ENDPOINTS):
            server.on(path, no(10002, "boom"))
        with pytest.raises(GputuiError, match="boom"):
            await instances(backend)


class TestAddresses:
    @pytest.mark.parametrize(
        ("exposed", "services"),
        [
            (None, ()),
            ([{"port": 8080, "protocol": "http", "ingressUrl": "https://a.example"}], ((8080, "https://a.example"),)),
            ([{"port": 8080, "protocol": "HTTP", "ingressUrl": "a.example"}], ((8080, "https://a.example"),)),
            (
                [{"port": 8080, "proxyPort": 30123, "protocol": "http", "host": "203.0.113.7", "healthy": True}],
                ((8080, "http://203.0.113.7:30123"),),
            ),
            ([{"port": 5000, "proxyPort": 30124, "protocol": "tcp", "host": "h"}], ((5000, "h:30124"),)),
            ([{"port": 5000}, 7, None, {"port": "x", "ingressUrl": "https://b"}], ()),
            ("nonsense", ()),
        ],
    )
    async def test_a_pod_has_those_of_its_ports(
        self, server: ScriptedServer, backend: YottaBackend, exposed: object, services: tuple[tuple[int, str], ...]
    ) -> None:
        server.on(PODS, ok([pod(expose=exposed)]))
        row = (await instances(backend))["pod/101"]
        assert tuple((one.port, one.url) for one in row.services) == services
        assert row.problem is None

    @pytest.mark.parametrize(
        ("reported", "services"),
        [
            ({"domain": "llama.example.com"}, ((443, "https://llama.example.com"),)),
            ({"domain": "https://llama.example.com/"}, ((443, "https://llama.example.com"),)),
            (
                {"domain": "llama.example.com", "expose": {"port": 8000, "protocol": "http"}},
                ((8000, "https://llama.example.com"),),
            ),
            ({"domain": None, "expose": None}, ()),
        ],
    )
    async def test_an_endpoint_has_its_domain(
        self,
        server: ScriptedServer,
        backend: YottaBackend,
        reported: dict[str, object],
        services: tuple[tuple[int, str], ...],
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(**reported)]))
        (row,) = await backend.endpoints()
        assert tuple((one.port, one.url) for one in row.services) == services
