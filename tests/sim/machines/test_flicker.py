"""Stock that flickers and prices that change, in clouds and Yotta."""

from __future__ import annotations

from functools import partial

from gputui.sim.gpuhub.api import GpuhubApi
from gputui.sim.gpuhub.faults import GpuhubFaults
from gputui.sim.gpuhub.stock import StockFilter
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.flicker import AWAY, COUNTS, HERE, Flicker
from gputui.sim.machines.world import World
from gputui.sim.yotta.entities import RentalOrder
from gputui.sim.yotta.faults import YottaFaults
from tests.sim.conftest import START, Hands
from tests.sim.gpuhub.clouds import Place, order
from tests.sim.yotta.yottas import Place as YottaPlace

HOUR = 3600.0


def looked_at(cells: tuple[str, ...], seed: int, seconds: int = 7200) -> list[dict[str, int]]:
    """The idle GPUs of cells, second by second."""
    hands, idle = Hands(), dict.fromkeys(cells, -1)
    world = World(WorldClock(start=START, monotonic=hands))
    Flicker(world, seed, {name: partial(idle.__setitem__, name) for name in cells})
    seen = []
    for _ in range(seconds):
        seen.append(dict(idle))
        hands.now += 1
        world.advance()
    return seen


def test_a_cell_has_idle_gpus_now_and_then_and_none_most_of_the_time() -> None:
    seen = looked_at(("a",), seed=1)
    counts = [moment["a"] for moment in seen]
    assert set(counts) <= {0, *COUNTS}
    share = sum(count > 0 for count in counts) / len(counts)
    assert 0 < share < sum(HERE) / (AWAY[0] + HERE[0])


def test_the_same_seed_gives_the_same_times_and_each_cell_its_own() -> None:
    seen = looked_at(("a", "b"), seed=1)
    assert seen == looked_at(("a", "b"), seed=1)
    assert [moment["a"] for moment in seen] == [moment["a"] for moment in looked_at(("a",), seed=1)]
    assert [moment["a"] for moment in seen] != [moment["b"] for moment in seen]
    assert seen != looked_at(("a", "b"), seed=2)


def test_the_stock_of_a_cloud_flickers_and_comes_back_as_it_was() -> None:
    place = Place()
    machines = [place.machine(f"m{number}", habit=0) for number in range(2)]
    faults = GpuhubFaults(GpuhubApi(place.cloud))
    faults.apply(frozenset({"flicker"}), seed=1)
    seen = set()
    for _ in range(2 * 3600):
        place.wait(1, step=1)
        seen.add(place.cloud.market.stock("sgp1", StockFilter())[machines[0].model.name])
    assert {idle for idle, _ in seen} <= {0, *COUNTS}
    assert len(seen) > 1
    assert {total for _, total in seen} == {16}
    faults.apply(frozenset())
    place.wait(HOUR, step=60)
    assert place.cloud.market.stock("sgp1", StockFilter())[machines[0].model.name] == (16, 16)


def test_a_new_container_has_the_price_of_now_and_a_running_one_keeps_its_own() -> None:
    place = Place()
    machine = place.machine("m")
    first = place.cloud.create(order())
    GpuhubFaults(GpuhubApi(place.cloud)).apply(frozenset({"prices"}), seed=1)
    assert machine.price != 1600
    second = place.cloud.create(order())
    assert [next(iter(one.containers.values())).price for one in (first, second)] == [1600, machine.price]


async def test_yottas_types_pods_and_workers_have_the_price_of_now() -> None:
    place = YottaPlace()
    cloud = place.cloud
    shelf = next(one for one in cloud.market.shelves.values() if one.usual > 4)
    before = cloud.rent(cloud.pods, RentalOrder("a", shelf.kind, 1, regions=(shelf.region,)))
    faults = YottaFaults(place.api)
    faults.apply(frozenset({"prices"}), seed=1)
    after = cloud.rent(cloud.pods, RentalOrder("b", shelf.kind, 1, regions=(shelf.region,)))
    assert before is not None
    assert after is not None
    assert before.order.kind.price == shelf.kind.price != shelf.price == after.order.kind.price
    async with place.client() as yotta:
        rows = await yotta.data("GET", "vms/types")
    prices = {(row["gpuType"], one["region"]): one["singleCardPrice"] for row in rows for one in row["regions"]}
    assert prices[shelf.kind.code, shelf.region] == f"{shelf.price:.2f}"
    faults.apply(frozenset())
    assert shelf.price == shelf.kind.price


async def test_yottas_stock_flickers() -> None:
    place = YottaPlace()
    YottaFaults(place.api).apply(frozenset({"flicker"}), seed=1)
    idle = [one.idle for one in place.cloud.market.shelves.values()]
    assert 0.7 < idle.count(0) / len(idle) < 1
    place.cloud.market.drift()
    assert idle == [one.idle for one in place.cloud.market.shelves.values()]
