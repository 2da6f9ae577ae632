"""How often the events of deployments are requested: what changes often, what is quiet seldom."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from gputui.api.gpuhub.events import FEW, SWEEP, EventReader
from gputui.models import Deployment, Phase
from tests.api.gpuhub.event_server import Server, deployment, reader, start_of
from tests.fleet.fakes import START, FakeClock


async def run_for(stream: EventReader, clock: FakeClock, deployments: list[Deployment], ticks: int) -> None:
    for _ in range(ticks):
        clock.elapsed += 2
        await stream.tick(deployments)


async def quiet_account(count: int, **fields: object) -> tuple[Server, FakeClock, EventReader, list[Deployment]]:
    """Return an account whose deployments have all been read and in which nothing has happened for long."""
    server, clock = Server(), FakeClock()
    deployments = [deployment(f"d{number}", **fields) for number in range(count)]
    stream = reader(server, clock)
    await run_for(stream, clock, deployments, 1)
    assert set(server.asked) == {row.ref.id for row in deployments}
    clock.elapsed += 120
    server.asked.clear()
    return server, clock, stream, deployments


async def test_a_few_deployments_are_all_asked_every_time() -> None:
    server, clock, stream, deployments = await quiet_account(FEW)
    await run_for(stream, clock, deployments, 5)
    assert set(Counter(server.asked).values()) == {5}


async def test_many_quiet_deployments_cost_few_requests_and_are_all_asked_within_20_seconds() -> None:
    server, clock, stream, deployments = await quiet_account(100)
    await run_for(stream, clock, deployments, 10)
    assert len(server.asked) == 10 * SWEEP
    assert set(server.asked) == {row.ref.id for row in deployments}


async def test_stopped_deployments_hardly_cost_anything() -> None:
    server, clock, stream, deployments = await quiet_account(100, phase=Phase.STOPPED)
    await run_for(stream, clock, deployments, 10)
    assert len(server.asked) == 10


async def test_what_changed_is_asked_at_once_and_followed_until_it_has_settled() -> None:
    server, clock, stream, deployments = await quiet_account(100)
    server.lists["d7"] = start_of("d7-m-1", 130)
    deployments[7] = replace(deployments[7], running=1)
    clock.elapsed += 2
    assert len(await stream.tick(deployments)) == 4
    server.asked.clear()
    await run_for(stream, clock, deployments, 4)
    assert server.asked.count("d7") == 4
    await run_for(stream, clock, deployments, 10)
    server.asked.clear()
    await run_for(stream, clock, deployments, 10)
    assert server.asked.count("d7") == 1


async def test_what_is_starting_is_asked_every_time() -> None:
    server, clock, stream, deployments = await quiet_account(100)
    deployments[3] = replace(deployments[3], starting=1)
    await run_for(stream, clock, deployments, 60)
    assert server.asked.count("d3") == 60


async def test_a_container_that_stops_is_followed_until_it_has_or_hangs() -> None:
    server, clock, stream, deployments = await quiet_account(100)
    server.lists["d7"] = start_of("d7-m-1", 130, statuses=["running", "shutting_down"])
    deployments[7] = replace(deployments[7], running=0)
    await run_for(stream, clock, deployments, 100)
    assert server.asked.count("d7") == 100
    server.lists["d8"] = start_of("d8-m-1", 330, statuses=["shutting_down", "shutdown"])
    deployments[8] = replace(deployments[8], running=0)
    await run_for(stream, clock, deployments, 500)
    server.asked.clear()
    await run_for(stream, clock, deployments, 10)
    assert (server.asked.count("d7"), server.asked.count("d8")) == (1, 1)


async def test_who_wants_to_be_sure_has_all_asked() -> None:
    server, clock, stream, deployments = await quiet_account(100)
    stream.forget()
    await run_for(stream, clock, deployments, 1)
    assert set(server.asked) == {row.ref.id for row in deployments}
    server.asked.clear()
    await run_for(stream, clock, deployments, 1)
    assert len(server.asked) == SWEEP


async def test_the_newest_deployments_are_read_first() -> None:
    server, clock = Server(), FakeClock()
    deployments = [deployment(f"d{number}", created_at=START + timedelta(hours=number)) for number in range(100)]
    await reader(server, clock).tick(deployments)
    assert server.asked == [f"d{number}" for number in reversed(range(100))]
