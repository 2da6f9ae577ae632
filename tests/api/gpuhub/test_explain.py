"""Why a deployment does not start: what its limits leave of the stock, and each of them relaxed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.gpuhub.explain import limits_of
from gputui.errors import ServerError
from gputui.models import Deployment, Money, Phase, Ref
from gputui.models.explanations import Explanation, Found
from tests.api.gpuhub.server import STOCK, gpuhub_account, ok, refused
from tests.api.server import ScriptedServer

HOSTS = (
    # region, model, CUDA of its driver, price of a GPU in thousandths, idle GPUs
    ("sgp1", "RTX 5090", 128, 1100, 8),
    ("sgp1", "RTX 5090", 121, 1234, 3),
    ("sgp1", "RTX 4090", 121, 500, 5),
    ("Singapore-A", "RTX 5090", 121, 900, 2),
)
ROW = Deployment(
    Ref("hub", "deployment", "d1"),
    "train",
    "ReplicaSet",
    Phase.RUNNING,
    "running",
    desired=2,
    running=0,
    gpu_models=("RTX 5090",),
    gpu_count=1,
    regions=("sgp1",),
    cuda_from=118,
    cuda_to=122,
    cpu_from=1,
    cpu_to=256,
    memory_from=1 << 30,
    memory_to=2048 << 30,
    price_from=Money(Decimal(0), "USD"),
    price_to=Money(Decimal("1.15"), "USD"),
)


def stock(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the stock as the document's filters leave it."""
    return [
        {model: {"idle_gpu_num": idle, "total_gpu_num": 8}}
        for region, model, cuda, price, idle in HOSTS
        if region == asked["region_sign"]
        and asked.get("cuda_v_from", 0) <= cuda <= asked.get("cuda_v_to", 999)
        and price <= asked.get("price_to", 10**9)
    ]


async def explained(server: ScriptedServer, row: Deployment = ROW) -> tuple[Explanation, int]:
    """Return the explanation, and how many requests it took."""
    server.on(STOCK, lambda request: ok(stock(request.json)))
    backend = GpuhubBackend(gpuhub_account(server.url))
    assert backend.explainer is not None
    found = await backend.explainer.explain(row)
    return found, len(server.requests)


async def test_each_limit_is_relaxed_in_turn_and_the_price_that_is_enough_is_found_to_the_cent(
    server: ScriptedServer,
) -> None:
    found, requests = await explained(server)
    assert found.found == Found(0, total=0)
    assert {one.change: one.found.idle for one in found.relaxed} == {
        "with CUDA above 12.2": 8,
        "with a price up to $1.24/h": 3,
        "in Singapore-A": 2,
        "of model RTX 4090": 5,
    }
    assert found.unread == ()
    assert requests < 30


async def test_with_several_gpus_a_price_limit_is_that_of_all_of_them(server: ScriptedServer) -> None:
    found, _ = await explained(server, replace(ROW, gpu_count=2, price_to=Money(Decimal("2.30"), "USD")))
    (price,) = (one.change for one in found.relaxed if "price" in one.change)
    assert price == "with a price up to $2.48/h"


async def test_limits_that_only_together_exclude_all_hosts_are_named_together(server: ScriptedServer) -> None:
    row = replace(ROW, regions=("sgp1", "Singapore-A"), gpu_models=("RTX 5090",), cuda_to=120)
    row = replace(row, price_to=Money(Decimal("0.10"), "USD"))
    server.on(STOCK, lambda request: ok(stock(request.json)))
    found, _ = await explained(server, row)
    assert found.found == Found(0, total=0)
    assert [(one.change, one.found.idle) for one in found.relaxed] == [("without all its limits together", 13)]


async def test_a_limit_that_excludes_every_gpu_is_named_though_none_is_idle(server: ScriptedServer) -> None:
    row = replace(ROW, gpu_models=("RTX 4090",), price_to=Money(Decimal("0.10"), "USD"))

    def busy(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{model: {**one, "idle_gpu_num": 0} for model, one in each.items()} for each in stock(asked)]

    server.on(STOCK, lambda request: ok(busy(request.json)))
    backend = GpuhubBackend(gpuhub_account(server.url))
    assert backend.explainer is not None
    found = await backend.explainer.explain(row)
    assert found.found == Found(0, total=0)
    assert found.relaxed == ()
    assert [one.change for one in found.excluding] == ["with a price above $0.10/h"]


async def test_a_region_that_fails_is_named_and_the_others_are_explained(server: ScriptedServer) -> None:
    server.on(
        STOCK,
        lambda request: (
            refused("InternalError", "busy") if request.json["region_sign"] == "sgp1" else ok(stock(request.json))
        ),
    )
    backend = GpuhubBackend(gpuhub_account(server.url))
    assert backend.explainer is not None
    found = await backend.explainer.explain(replace(ROW, regions=("sgp1", "Singapore-A")))
    assert found.found == Found(2, total=8)
    assert any("busy" in problem for problem in found.unread)
    with pytest.raises(ServerError, match="busy"):
        await backend.explainer.explain(ROW)


async def test_an_idle_number_that_is_not_reported_is_unknown_and_not_none(server: ScriptedServer) -> None:
    answer = [
        {"RTX 5090": {"idle_gpu_num": None, "total_gpu_num": 8}},
        {"RTX 4090": {"idle_gpu_num": 5, "total_gpu_num": 8}},
    ]
    server.on(STOCK, lambda request: ok(answer))
    backend = GpuhubBackend(gpuhub_account(server.url))
    assert backend.explainer is not None
    found = await backend.explainer.explain(replace(ROW, price_to=None, cuda_to=None))
    assert found.found is not None
    assert (found.found.idle, found.found.unknown) == (None, 1)
    assert [(one.change, one.found) for one in found.relaxed] == [("of model RTX 4090", Found(5, total=8))]


def test_open_ends_of_ranges_are_no_limits() -> None:
    assert [limit.parameter for limit in limits_of(ROW)] == ["cuda_v_to", "price_to"]
    assert limits_of(replace(ROW, cuda_to=999, price_to=None)) == []
