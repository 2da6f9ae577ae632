"""Prices that Yotta reports: exact ones, a cost without a unit, list prices of types of VM, nothing at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from gputui.analytics.cost import by_account
from gputui.api.yotta.backend import YottaBackend
from gputui.api.yotta.resources import TYPES_AGE
from gputui.models import Instance, Money, Row
from tests.api.conftest import FakeTime
from tests.api.server import ScriptedServer
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
    script,
    vm,
    vm_type,
    yotta_account,
)


def usd(amount: str, *, estimated: bool = False) -> Money:
    return Money(Decimal(amount), "USD", estimated)


@asynccontextmanager
async def opened(server: ScriptedServer, clock: FakeTime, extra: str = "") -> AsyncIterator[YottaBackend]:
    """Open the account of the scripted server, with more in its configuration."""
    script(server)
    backend = YottaBackend(yotta_account(server.url, extra), sleep=clock.sleep, monotonic=clock.monotonic)
    yield backend
    await backend.aclose()


async def prices(backend: YottaBackend) -> dict[str, Money | None]:
    return {f"{row.ref.kind}/{row.ref.id}": row.price for row in await backend._lists.instances()}


@pytest.mark.parametrize(
    ("reported", "price"),
    [
        ({"cost": 412.5, "perHourPrice": 1.98}, usd("1.98")),
        ({"cost": 412.5, "perHourPrice": "1.98"}, usd("1.98")),
        ({"cost": 412.5, "perSecondPrice": 0.00055}, usd("1.98")),
        ({"cost": 412.5, "perHourPrice": None, "perSecondPrice": "0.00055"}, usd("1.98")),
        ({"cost": 412.5, "perHourPrice": 0, "perSecondPrice": 0.00055}, usd("1.98")),
        ({"cost": 412.5}, usd("412.5", estimated=True)),
        ({"cost": 412.5, "perHourPrice": "free?"}, usd("412.5", estimated=True)),
        ({"cost": 412.5, "perHourPrice": -1}, usd("412.5", estimated=True)),
        ({"cost": 0}, None),
        ({"cost": None}, None),
        ({"cost": 0, "runningWorkers": 0}, usd("0")),
        ({"cost": 0, "perHourPrice": 0}, usd("0")),
    ],
)
async def test_an_endpoint_costs_its_price_and_only_without_one_its_cost(
    server: ScriptedServer, fake_time: FakeTime, reported: dict[str, object], price: Money | None
) -> None:
    async with opened(server, fake_time) as backend:
        server.on(ENDPOINTS, ok([endpoint(**reported)]))
        (row,) = await backend.endpoints()
        assert row.price is None if price is None else row.price == price


@pytest.mark.parametrize(
    ("reported", "price"),
    [
        ({"singleCardPrice": "0.65"}, usd("1.30")),
        ({"singleCardPrice": 0.65, "gpuCount": 4}, usd("2.60")),
        ({"singleCardPrice": 0.65, "gpuCount": None}, None),
        ({"perHourPrice": 2}, usd("2.0")),
        ({}, None),
    ],
)
async def test_a_pod_costs_what_its_cards_cost(
    server: ScriptedServer, fake_time: FakeTime, reported: dict[str, object], price: Money | None
) -> None:
    async with opened(server, fake_time) as backend:
        server.on(PODS, ok([pod(**reported)]))
        assert (await prices(backend))["pod/101"] == price


async def test_a_worker_has_a_share_of_its_endpoint_and_counts_once(
    server: ScriptedServer, fake_time: FakeTime
) -> None:
    async with opened(server, fake_time) as backend:
        server.on(ENDPOINTS, ok([endpoint(perHourPrice=3.9)]))
        assert (await prices(backend))["worker/e1/w-1"] == usd("1.95", estimated=True)
        rows: list[Row] = [
            *await backend.endpoints(),
            *await backend._lists.workers_of((await backend.endpoints())[0]),
        ]
        assert next(iter(by_account(rows).values())).amounts == {"USD": usd("3.9")}


H100 = vm_type("NVIDIA_H100_80G", ("us-west-1", True, 31), ("us-east-1", True, 32))


@pytest.mark.parametrize(
    ("types", "price"),
    [
        ([H100 | {"singleCardPrice": "2.39"}], usd("19.12", estimated=True)),
        ([H100 | {"perHourPrice": 20}], usd("20.0", estimated=True)),
        ([H100 | {"perHourPrice": 20, "gpuCount": 8}], usd("20.0", estimated=True)),
        ([vm_type("NVIDIA_H100_80G", ("us-east-1", True, 31), singleCardPrice=2.39)], None),
        ([vm_type("NVIDIA_H200_141G", ("us-west-1", True, 31), singleCardPrice=2.39)], None),
        (
            [
                vm_type("NVIDIA_H100_80G", ("us-west-1", True, 31), singleCardPrice=2),
                vm_type("NVIDIA_H100_80G", ("us-west-1", True, 32), singleCardPrice=3),
            ],
            None,
        ),
        ([H100], None),
    ],
)
async def test_a_vm_has_the_list_price_of_the_one_type_that_fits(
    server: ScriptedServer, fake_time: FakeTime, types: list[object], price: Money | None
) -> None:
    async with opened(server, fake_time) as backend:
        server.on(VMS, page([vm(gpuCount=8)]))
        server.on(TYPES, ok(types))
        assert (await prices(backend))["vm/7"] == price


async def test_types_of_vm_are_asked_for_prices_now_and_then(server: ScriptedServer, fake_time: FakeTime) -> None:
    async with opened(server, fake_time) as backend:
        server.on(TYPES, no(500, "later", 500), ok([H100 | {"singleCardPrice": "2.39"}]))
        for _ in range(3):
            assert (await prices(backend))["vm/7"] is None
        asked = server.count("GET", TYPES)
        fake_time.now += TYPES_AGE
        assert (await prices(backend))["vm/7"] == usd("2.39", estimated=True)
        assert server.count("GET", TYPES) == asked + 1


async def test_stock_has_the_price_of_one_gpu(server: ScriptedServer, fake_time: FakeTime) -> None:
    async with opened(server, fake_time) as backend:
        server.on(TYPES, ok([H100 | {"perHourPrice": 20, "gpuCount": 8}]))
        assert [offer.price_from for offer in await backend._lists.offers()] == [usd("2.5"), usd("2.5")]


async def test_stated_prices_fill_in_and_replace_what_is_uncertain(
    server: ScriptedServer, fake_time: FakeTime
) -> None:
    stated = "[accounts.yotta.prices]\nH100 = 3\n'RTX 4090' = 0.5\n"
    async with opened(server, fake_time, stated) as backend:
        server.on(PODS, ok([pod(), pod(102, singleCardPrice="0.65")]))
        found = await prices(backend)
        assert found["vm/7"] == usd("3.0")
        assert (found["pod/101"], found["pod/102"]) == (usd("1.0"), usd("1.30"))
        assert server.count("GET", TYPES) == 0


async def test_what_has_no_price_is_counted_with_its_gpus(server: ScriptedServer, fake_time: FakeTime) -> None:
    async with opened(server, fake_time) as backend:
        server.on(ENDPOINTS, ok([endpoint(perHourPrice=3.9)]))
        server.on(VMS, page([vm(gpuCount=8)]))
        rows: list[Instance] = await backend._lists.instances()
        (found,) = by_account([*rows, *await backend.endpoints()]).values()
        assert (found.priced, found.things, found.gpus) == (2, 4, 10)
        assert found.amounts == {"USD": usd("3.9")}
