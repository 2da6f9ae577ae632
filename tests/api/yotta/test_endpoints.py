"""Endpoints of Yotta, and the stock of its regions."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    ProtocolError,
)
from gputui.models import Action, Deployment, Money, Offer, Phase, Ref
from tests.api.server import ScriptedServer
from tests.api.yotta.conftest import instances
from tests.api.yotta.server import (
    ENDPOINTS,
    TYPES,
    VMS,
    endpoint,
    ok,
    page,
    vm,
    vm_type,
)

POD, VM, ENDPOINT = Ref("yotta", "pod", "101"), Ref("yotta", "vm", "7"), Ref("yotta", "endpoint", "e1")


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
    async def test_what_is_no_list_is_reported(
        self, server: ScriptedServer, backend: YottaBackend, data: object
    ) -> None:
        server.on(ENDPOINTS, ok(data))
        with pytest.raises(ProtocolError, match="something else than a list"):
            await backend.endpoints()


class TestStock:
    async def test_each_type_is_to_be_had_in_a_region_or_not(self, backend: YottaBackend) -> None:
        offers = await backend._lists.offers()
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

    async def test_a_region_has_its_name_with_its_code(self, backend: YottaBackend) -> None:
        assert {offer.region: offer.region_name for offer in await backend._lists.offers()} == {
            "us-east-1": "Us-East-1",
            "us-west-1": "Us-West-1",
        }

    async def test_one_of_several_machines_will_do(self, server: ScriptedServer, backend: YottaBackend) -> None:
        types = [
            vm_type("NVIDIA_B200_180G", ("r", there, number)) for number, there in enumerate((False, True, False))
        ]
        server.on(TYPES, ok([*types, {"gpuType": "X"}, {"gpuType": "Y", "regions": [{}, 3, {"region": "r"}]}, None]))
        offers = await backend._lists.offers()
        assert [(offer.gpu_model, offer.available) for offer in offers] == [("B200", True), ("Y", None)]

    async def test_cards_of_two_sizes_are_distinguished_in_stock_vms_and_forms(
        self, server: ScriptedServer, backend: YottaBackend
    ) -> None:
        codes = ("NVIDIA_A100_40G", "NVIDIA_A100_80G", "NVIDIA_A100_PCIe_80G")
        server.on(TYPES, ok([vm_type(code, ("r", True, number)) for number, code in enumerate(codes)]))
        server.on(VMS, page([vm(7, gpuDisplayName="A100 40G"), vm(8, gpuDisplayName="A100 80GB")]))
        labels = ["A100 SXM 40G", "A100 SXM 80G", "A100 PCIe 80G"]
        assert [offer.gpu_model for offer in await backend._lists.offers()] == labels
        rows = await instances(backend)
        assert [rows[key].gpu_model for key in ("vm/7", "vm/8")] == labels[:2]
        form = await backend.creators["vm"].form()
        shown = next(field for field in form.fields if field.name == "vmTypeId").labels
        assert [text.partition("  ")[0] for text in shown] == labels
