"""The Yotta client against the answers of its documents, and against those that nobody documented."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gputui.api import open_backend
from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    AuthError,
    ConflictError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    SshError,
    UnknownOutcomeError,
)
from gputui.models import Action, Deployment, Instance, Money, Offer, PartialRows, Phase, Ref, Resource, SSHTarget
from tests.api.conftest import FakeTime
from tests.api.server import Answer, Reset, ScriptedServer, as_json
from tests.api.yotta.server import (
    ENDPOINTS,
    PODS,
    TYPES,
    VMS,
    by_method,
    endpoint,
    no,
    ok,
    page,
    pod,
    script,
    vm,
    vm_type,
    worker,
    yotta_account,
)

POD, VM, ENDPOINT = Ref("yotta", "pod", "101"), Ref("yotta", "vm", "7"), Ref("yotta", "endpoint", "e1")
WORKER = Ref("yotta", "worker", "e1/w-1")


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    script(server)
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


async def instances(backend: YottaBackend) -> dict[str, Instance]:
    """Return the instances by kind and id."""
    rows = await backend.listers[Resource.INSTANCES]()
    assert all(isinstance(row, Instance) for row in rows)
    return {f"{row.ref.kind}/{row.ref.id}": row for row in rows if isinstance(row, Instance)}


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(yotta_account("http://127.0.0.1:1")), YottaBackend)


async def test_one_vm_proves_the_key(server: ScriptedServer, backend: YottaBackend) -> None:
    info = await backend.probe()
    assert (info.backend, info.base_url, info.host_spec) == ("Yotta", server.url, (("currency", "USD"),))
    assert [(request.path, request.params) for request in server.requests] == [(VMS, {"page": "1", "size": "1"})]
    server.on(VMS, no(401, "bad key", 401))
    with pytest.raises(AuthError):
        await backend.probe()


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
                {"created_at": None, "problem": "createdAt is of another kind than expected"},
            ),
            ({"createdAt": 1e300}, {"created_at": None, "problem": "createdAt is of another kind than expected"}),
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
        assert rows.may_lack(Ref("yotta", "pod", "102"))
        assert not rows.may_lack(Ref("yotta", "worker", "e1/w-9"))

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
        told = {"region": "us-east-1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": 1}
        server.on(f"{ENDPOINTS}/e1/workers", ok([row | told]))
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

    async def test_one_row_stands_in_for_what_was_never_read(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(VMS, no(10002))
        rows = await backend.listers[Resource.INSTANCES]()
        assert isinstance(rows, PartialRows)
        assert rows.problem == "the VMs cannot be read: yotta: the system failed at it (code 10002)."
        assert rows.may_lack(Ref("yotta", "vm", "7"))
        assert not rows.may_lack(Ref("yotta", "pod", "101"))
        row = (await instances(backend))["vm/VMs"]
        assert (row.name, row.phase) == ("VMs", Phase.UNKNOWN)
        assert row.problem == "they cannot be read: yotta: the system failed at it (code 10002)."
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
        ("told", "services"),
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
        told: dict[str, object],
        services: tuple[tuple[int, str], ...],
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(**told)]))
        (row,) = await backend.endpoints()
        assert tuple((one.port, one.url) for one in row.services) == services


class TestEndpoints:
    async def test_they_are_listed_as_deployments(self, backend: YottaBackend) -> None:
        (row,) = await backend.endpoints()
        assert row == Deployment(
            ENDPOINT,
            "llama",
            "QUEUE",
            Phase.RUNNING,
            "RUNNING",
            desired=3,
            running=2,
            price=Money(Decimal("1.86"), "USD", estimated=True),
            webhook="https://hooks.example.com/y?***",
            takes_tasks=True,
            edits_need_stop=True,
            image="vllm/vllm-openai:v0.6",
        )
        assert json.loads(row.raw)["webhook"] == "https://hooks.example.com/y?***"

    @pytest.mark.parametrize("cost", [None, "", "free", -1, "NaN", 1e999, True])
    async def test_a_cost_that_is_none_is_not_shown(
        self, server: ScriptedServer, backend: YottaBackend, cost: object
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(cost=cost)]))
        (row,) = await backend.endpoints()
        assert row.price is None

    async def test_ids_may_be_numbers_and_counts_texts(self, server: ScriptedServer, backend: YottaBackend) -> None:
        server.on(ENDPOINTS, ok([endpoint(9007199254740993, totalWorkers="4", runningWorkers="4", cost="0.5")]))
        (row,) = await backend.endpoints()
        assert (row.ref.id, row.desired, row.running) == ("9007199254740993", 4, 4)
        assert row.price == Money(Decimal("0.5"), "USD", estimated=True)

    @pytest.mark.parametrize("data", [None, [], {"items": None}, {"items": [], "total": 0}])
    async def test_there_may_be_none(self, server: ScriptedServer, backend: YottaBackend, data: object) -> None:
        server.on(ENDPOINTS, ok(data))
        assert await backend.endpoints() == []

    @pytest.mark.parametrize("data", [{}, "x", 3, {"items": "x"}])
    async def test_what_is_no_list_is_told(self, server: ScriptedServer, backend: YottaBackend, data: object) -> None:
        server.on(ENDPOINTS, ok(data))
        with pytest.raises(ProtocolError, match="something else than a list"):
            await backend.endpoints()


class TestStock:
    async def test_each_type_is_to_be_had_in_a_region_or_not(self, backend: YottaBackend) -> None:
        offers = await backend.stock()
        assert offers == [
            Offer(
                Ref("yotta", "offer", "us-east-1/NVIDIA_RTX_4090_24G"),
                "RTX 4090",
                "us-east-1",
                available=True,
                gpu_memory=24 * 2**30,
                region_name="Us-East-1",
                vendor_name="NVIDIA_RTX_4090_24G",
                type_id="11",
            ),
            Offer(
                Ref("yotta", "offer", "us-west-1/NVIDIA_RTX_4090_24G"),
                "RTX 4090",
                "us-west-1",
                available=False,
                gpu_memory=24 * 2**30,
                region_name="Us-West-1",
                vendor_name="NVIDIA_RTX_4090_24G",
                type_id="12",
            ),
            Offer(
                Ref("yotta", "offer", "us-east-1/NVIDIA_H200_141G"),
                "H200",
                "us-east-1",
                available=True,
                gpu_memory=141 * 2**30,
                region_name="Us-East-1",
                vendor_name="NVIDIA_H200_141G",
                type_id="21",
            ),
        ]
        assert await backend.fetch(offers[0].ref) == offers[0]
        assert backend.actions(offers[0]) == {Action.CREATE}

    async def test_a_region_has_its_name_beside_its_code(self, backend: YottaBackend) -> None:
        assert {offer.region: offer.region_name for offer in await backend.stock()} == {
            "us-east-1": "Us-East-1",
            "us-west-1": "Us-West-1",
        }

    async def test_one_of_several_machines_will_do(self, server: ScriptedServer, backend: YottaBackend) -> None:
        types = [
            vm_type("NVIDIA_B200_180G", ("r", there, number)) for number, there in enumerate((False, True, False))
        ]
        server.on(TYPES, ok([*types, {"gpuType": "X"}, {"gpuType": "Y", "regions": [{}, 3, {"region": "r"}]}, None]))
        offers = await backend.stock()
        assert [(offer.gpu_model, offer.available) for offer in offers] == [("B200", True), ("Y", None)]

    async def test_cards_of_two_sizes_are_told_apart_in_stock_vms_and_forms(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        codes = ("NVIDIA_A100_40G", "NVIDIA_A100_80G", "NVIDIA_A100_PCIe_80G")
        server.on(TYPES, ok([vm_type(code, ("r", True, number)) for number, code in enumerate(codes)]))
        server.on(VMS, page([vm(7, gpuDisplayName="A100 40G"), vm(8, gpuDisplayName="A100 80GB")]))
        labels = ["A100 SXM 40G", "A100 SXM 80G", "A100 PCIe 80G"]
        assert [offer.gpu_model for offer in await backend.stock()] == labels
        rows = await instances(backend)
        assert [rows[key].gpu_model for key in ("vm/7", "vm/8")] == labels[:2]
        form = await backend.creators["vm"].form()
        shown = next(field for field in form.fields if field.name == "vmTypeId").labels
        assert [text.partition("  ")[0] for text in shown] == labels


class TestFilters:
    async def test_instances_are_narrowed_on_the_server(self, server: ScriptedServer, backend: YottaBackend) -> None:
        await backend.stock()
        form = backend.filters.form(Resource.INSTANCES)
        assert form is not None
        assert form.fields[0].choices == ("us-east-1", "us-west-1")
        assert not any(field.required or field.default for field in form.fields)
        values = {
            "regionList": "us-east-1, us-west-1",
            "podStatus": "running,STOPPED",
            "vmStatus": "Running",
            "workerStatus": "failed",
        }
        backend.filters.use(Resource.INSTANCES, values)
        await instances(backend)
        assert server.asked(PODS)[-1].params == {"regionList": "us-east-1,us-west-1", "statusList": "RUNNING,STOPPED"}
        assert server.asked(VMS)[-1].params["status"] == "running"
        assert server.asked(f"{ENDPOINTS}/e1/workers")[-1].params == {"statusList": "FAILED"}
        assert server.asked(ENDPOINTS)[-1].params == {}
        backend.filters.use(Resource.INSTANCES, {})
        await instances(backend)
        assert server.asked(PODS)[-1].params == {}

    async def test_endpoints_are_too(self, server: ScriptedServer, backend: YottaBackend) -> None:
        backend.filters.use(Resource.DEPLOYMENTS, {"statusList": "running, failed"})
        await backend.endpoints()
        assert server.asked(ENDPOINTS)[-1].params == {"statusList": "RUNNING,FAILED"}

    def test_others_are_not(self, backend: YottaBackend) -> None:
        assert backend.filters.form(Resource.STOCK) is None
        for resource, values in [
            (Resource.STOCK, {"regionList": "a"}),
            (Resource.INSTANCES, {"owner": "me"}),
            (Resource.INSTANCES, {"vmStatus": "running,stopped"}),
        ]:
            with pytest.raises(InvalidError):
                backend.filters.use(resource, values)


class TestDetail:
    @pytest.mark.parametrize("ref", [POD, VM, ENDPOINT, WORKER])
    async def test_one_row_is_asked_for_by_its_id(self, backend: YottaBackend, ref: Ref) -> None:
        row = await backend.fetch(ref)
        assert row.ref == ref
        assert isinstance(row, Instance | Deployment)
        assert row.raw

    @pytest.mark.parametrize(
        "ref", [Ref("yotta", "pod", "9"), Ref("yotta", "worker", "e1/w-9"), Ref("yotta", "image", "x")]
    )
    async def test_what_is_not_there_is_not_found(self, backend: YottaBackend, ref: Ref) -> None:
        with pytest.raises(NotFoundError):
            await backend.fetch(ref)

    async def test_another_row_than_was_asked_for_is_not_taken(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        server.on(f"{PODS}/101", ok(pod(102)))
        with pytest.raises(ProtocolError):
            await backend.fetch(POD)

    async def test_variables_named_like_secrets_do_not_show(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        variables = [{"key": "API_KEY", "value": "hunter2"}, {"key": "LANG", "value": "C"}]
        server.on(f"{PODS}/101", ok(pod(environmentVars=variables)))
        row = await backend.fetch(POD)
        assert isinstance(row, Instance)
        assert json.loads(row.raw)["environmentVars"] == [{"key": "API_KEY", "value": "***"}, variables[1]]


class TestLogin:
    @pytest.mark.parametrize(
        ("ref", "target"),
        [
            (POD, SSHTarget("203.0.113.7", 10022, "root", generation="101")),
            (VM, SSHTarget("203.0.113.9", 22, "root", generation="7")),
        ],
    )
    async def test_one_logs_in_where_the_command_says(
        self, backend: YottaBackend, ref: Ref, target: SSHTarget
    ) -> None:
        assert await backend.ssh_target(ref) == target

    @pytest.mark.parametrize("changes", [{"status": "STOPPED"}, {"status": "INITIALIZING"}, {"sshCmd": None}])
    async def test_what_does_not_run_or_tells_no_command_has_no_login(
        self, server: ScriptedServer, backend: YottaBackend, changes: dict[str, object]
    ) -> None:
        server.on(f"{PODS}/101", ok(pod(**changes)))
        with pytest.raises(SshError):
            await backend.ssh_target(POD)

    async def test_endpoints_have_none(self, backend: YottaBackend) -> None:
        with pytest.raises(InvalidError):
            await backend.ssh_target(ENDPOINT)
        with pytest.raises(SshError, match="has no SSH address"):
            await backend.ssh_target(WORKER)


class TestActions:
    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("RUNNING", {Action.STOP, Action.DELETE, Action.SSH}),
            ("INITIALIZING", {Action.DELETE}),
            ("STOPPED", {Action.START, Action.DELETE}),
            ("STOPPING", set()),
            ("TERMINATED", set()),
            ("FAILED", {Action.DELETE}),
            ("WHO_KNOWS", {Action.START, Action.STOP, Action.DELETE, Action.SSH}),
        ],
    )
    async def test_pods(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(PODS, ok([pod(status=status)]))
        assert backend.actions((await instances(backend))["pod/101"]) == offered

    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("running", {Action.DELETE, Action.RENAME, Action.SSH}),
            ("initializing", {Action.DELETE, Action.RENAME}),
            ("stopped", {Action.DELETE, Action.RENAME}),
            ("terminated", set()),
        ],
    )
    async def test_vms(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(VMS, page([vm(status=status)]))
        assert backend.actions((await instances(backend))["vm/7"]) == offered

    @pytest.mark.parametrize(
        ("status", "offered"),
        [
            ("RUNNING", {Action.STOP, Action.SCALE, Action.DELETE}),
            ("INITIALIZING", {Action.STOP, Action.SCALE, Action.DELETE}),
            ("STOPPED", {Action.START, Action.UPDATE, Action.RENAME, Action.DELETE}),
            ("STOPPING", {Action.DELETE}),
            ("FAILED", {Action.START, Action.STOP, Action.DELETE}),
            ("TERMINATED", set()),
            ("NEW", {Action.START, Action.STOP, Action.SCALE, Action.DELETE}),
        ],
    )
    async def test_endpoints(
        self, server: ScriptedServer, backend: YottaBackend, status: str, offered: set[Action]
    ) -> None:
        server.on(ENDPOINTS, ok([endpoint(status=status)]))
        (row,) = await backend.endpoints()
        assert backend.actions(row) == offered

    async def test_workers_have_none_of_their_own(self, backend: YottaBackend) -> None:
        assert backend.actions((await instances(backend))["worker/e1/w-1"]) == frozenset()

    @pytest.mark.parametrize(
        ("verb", "ref", "request_", "said"),
        [
            ("stop", POD, ("POST", f"{PODS}/101/pause"), "Pod 101 paused."),
            ("start", POD, ("POST", f"{PODS}/101/resume"), "Pod 101 resumed."),
            ("delete", POD, ("DELETE", f"{PODS}/101"), "Pod 101 deleted, and what its container held."),
            ("delete", VM, ("DELETE", f"{VMS}/7"), "VM 7 terminated, and what was on its disk."),
            ("stop", ENDPOINT, ("POST", f"{ENDPOINTS}/e1/stop"), "Endpoint e1 stopped."),
            ("start", ENDPOINT, ("POST", f"{ENDPOINTS}/e1/start"), "Endpoint e1 started."),
            ("delete", ENDPOINT, ("DELETE", f"{ENDPOINTS}/e1"), "Endpoint e1 deleted, with all its workers."),
        ],
    )
    async def test_each_is_one_request_without_a_body(
        self,
        server: ScriptedServer,
        backend: YottaBackend,
        verb: str,
        ref: Ref,
        request_: tuple[str, str],
        said: str,
    ) -> None:
        result = await getattr(backend, verb)(ref)
        assert result.message == said
        (request,) = server.requests
        assert ((request.method, request.path), request.body, request.params) == (request_, b"", {})

    async def test_scaling_is_a_parameter_of_a_put(self, server: ScriptedServer, backend: YottaBackend) -> None:
        assert (await backend.scale(ENDPOINT, 5)).message == "Endpoint e1 scaled to 5."
        (request,) = server.requests
        assert (request.method, request.path) == ("PUT", f"{ENDPOINTS}/e1/workers")
        assert (request.params, request.body) == ({"count": "5"}, b"")
        with pytest.raises(InvalidError) as raised:
            await backend.scale(ENDPOINT, 0)
        assert "replicas" in raised.value.fields

    async def test_what_a_thing_cannot_do_is_not_sent(self, server: ScriptedServer, backend: YottaBackend) -> None:
        for attempt in (backend.start(VM), backend.stop(WORKER), backend.delete(WORKER), backend.scale(POD, 2)):
            with pytest.raises(InvalidError):
                await attempt
        assert not server.requests

    async def test_a_refusal_and_a_lost_answer(self, server: ScriptedServer, backend: YottaBackend) -> None:
        server.on(f"{VMS}/7", no(11001, "VM status invalid", 400))
        with pytest.raises(ConflictError, match="VM status invalid"):
            await backend.delete(VM)
        server.on(f"{VMS}/7", Reset())
        with pytest.raises(UnknownOutcomeError, match="the termination of VM 7 was sent"):
            await backend.delete(VM)
        server.on(f"{VMS}/7", by_method(DELETE=as_json({"detail": "busy"}, 503)))
        with pytest.raises(UnknownOutcomeError, match="the server reports: busy"):
            await backend.delete(VM)
        assert server.count("DELETE") == 3
