"""The stock of GPUhub's regions: its shapes, regions that fail, filters."""

from __future__ import annotations

import asyncio

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import (
    InvalidError,
    ServerError,
)
from gputui.models import (
    Resource,
)
from tests.api.conftest import FakeTime
from tests.api.gpuhub.server import (
    PRIVATE_STOCK,
    STOCK,
    gpuhub_account,
    ok,
    refused,
    script,
)
from tests.api.server import Hang, ScriptedServer


async def test_both_shapes_of_the_stock_are_read(server: ScriptedServer, hub: GpuhubBackend) -> None:
    figures = {"idle_gpu_num": 2, "total_gpu_num": "8"}
    listed: list[object] = [
        {"RTX 5090": figures, "region": "sgp1"},
        {"NVIDIA_H20_96G": {**figures, "cpu_arch": "x86"}},
        7,
    ]
    keyed = {"RTX 5090": {**figures, "gpu_name": "RTX 5090", "chip_corp": "nvidia"}, "L4": {"idle_gpu_num": None}}
    regions = {"sgp1": ok(listed), "Singapore-A": ok(keyed)}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    offers = await hub.stock()
    assert [(offer.ref.id, offer.gpu_model, offer.region, offer.idle, offer.total) for offer in offers] == [
        ("sgp1/RTX 5090", "RTX 5090", "sgp1", 2, 8),
        ("sgp1/NVIDIA_H20_96G", "H20", "sgp1", 2, 8),
        ("Singapore-A/RTX 5090", "RTX 5090", "Singapore-A", 2, 8),
        ("Singapore-A/L4", "L4", "Singapore-A", None, None),
    ]
    assert [offer.gpu_memory for offer in offers[:2]] == [32 * 2**30, 96 * 2**30]
    assert offers[1].vendor_name == "NVIDIA_H20_96G"


async def test_a_model_that_is_listed_twice_is_one_offer(server: ScriptedServer, hub: GpuhubBackend) -> None:
    once = {"RTX 5090": {"idle_gpu_num": 2, "total_gpu_num": 8}}
    server.on(STOCK, ok([once, once]))
    assert [(offer.idle, offer.total) for offer in await hub.stock()] == [(4, 16), (4, 16)]


async def test_all_regions_are_asked_at_once(server: ScriptedServer, fake_time: FakeTime) -> None:
    script(server)
    regions = [f"region-{number}" for number in range(12)]
    backend = GpuhubBackend(gpuhub_account(server.url, f"regions = {regions!r}"), sleep=fake_time.sleep)
    offers = await backend.stock()
    assert {offer.region for offer in offers} == set(regions)
    assert len(server.asked(STOCK)) == 12
    server.on(STOCK, Hang())
    asking = asyncio.create_task(backend.stock())
    async with asyncio.timeout(5):
        while server.open < 12:  # noqa: ASYNC110  (the server sets no event for a number of requests)
            await asyncio.sleep(0)
    asking.cancel()
    await backend.aclose()


async def test_the_stock_keeps_to_the_accounts_pace(server: ScriptedServer, fake_time: FakeTime) -> None:
    script(server)
    extra = 'regions = ["a", "b", "c", "d"]\nrequests_per_second = 2'
    backend = GpuhubBackend(gpuhub_account(server.url, extra), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    await backend.stock()
    assert len(server.requests) == 4
    assert sum(fake_time.slept) > 0
    await backend.aclose()


async def test_a_region_that_fails_keeps_its_last_figures(server: ScriptedServer, hub: GpuhubBackend) -> None:
    known, failing = await hub.stock()
    assert known.problem is None
    good = ok([{"RTX 5090": {"idle_gpu_num": 3, "total_gpu_num": 8}}])
    regions = {"sgp1": good, "Singapore-A": refused("InternalError", "region is down")}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    first, second = await hub.stock()
    assert (first.idle, first.problem) == (3, None)
    assert second.ref == failing.ref
    assert (second.idle, second.problem) == (2, "hub: region is down (InternalError).")


async def test_a_region_that_never_could_be_read_says_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
    regions = {"sgp1": ok([]), "Singapore-A": ok("what")}
    server.on(STOCK, lambda request: regions[request.json["region_sign"]])
    (offer,) = await hub.stock()
    assert (offer.gpu_model, offer.region) == ("", "Singapore-A")
    assert "neither a list nor an object" in (offer.problem or "")
    assert hub.actions(offer) == frozenset()


async def test_only_when_every_region_fails_the_stock_does(server: ScriptedServer, hub: GpuhubBackend) -> None:
    await hub.stock()
    server.on(STOCK, refused("InternalError", "down"))
    with pytest.raises(ServerError, match="down"):
        await hub.stock()


async def test_a_private_cloud_lists_all_its_stock_at_once(server: ScriptedServer) -> None:
    server.on(PRIVATE_STOCK, ok({"RTX 4090": {"idle_gpu_num": 1, "total_gpu_num": 4, "chip_corp": "nvidia"}}))
    backend = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl-private"'))
    (offer,) = await backend.stock()
    assert (offer.ref.id, offer.region, offer.idle) == ("hub/RTX 4090", "hub", 1)
    assert await backend.fetch(offer.ref) == offer
    assert {request.method for request in server.requests} == {"GET"}
    await backend.aclose()


async def test_a_filter_of_the_stock_is_the_servers(server: ScriptedServer, hub: GpuhubBackend) -> None:
    hub.filters.prepare(
        Resource.STOCK,
        {
            "regions": "sgp1",
            "cuda_v_from": "11.8",
            "memory_size_to": "64",
            "price_to": "1.5",
            "gpu_name_set": "L4,T4",
        },
    )()
    await hub.stock()
    (request,) = server.requests
    assert request.json == {
        "region_sign": "sgp1",
        "cuda_v_from": 118,
        "memory_size_to": 64,
        "price_to": 1500,
        "gpu_name_set": ["L4", "T4"],
    }
    hub.filters.prepare(Resource.STOCK, {})()
    assert len(await hub.stock()) == 2


async def test_a_filter_that_cannot_be_asked_says_where(hub: GpuhubBackend) -> None:
    with pytest.raises(InvalidError) as caught:
        hub.filters.prepare(Resource.STOCK, {"regions": "moon", "price_from": "cheap"})()
    assert set(caught.value.fields) == {"regions", "price_from"}
