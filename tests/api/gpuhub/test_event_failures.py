"""Deployments whose events cannot be read, for a time or any more."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gputui.api.gpuhub.event_log import EventRow
from gputui.api.gpuhub.events import EventReader
from gputui.api.http.pagination import Page
from gputui.errors import NotFoundError, RateLimitedError, UnavailableError
from tests.api.gpuhub.event_server import STARTS, Server, at, deployment, reader, start_of, statuses
from tests.fleet.fakes import FakeClock


async def test_one_deployment_that_fails_leaves_the_others_alone_and_loses_nothing() -> None:
    server, clock = Server({"a": start_of("a-m-1"), "b": start_of("b-m-1")}), FakeClock()
    both = [deployment("a"), deployment("b")]
    stream = reader(server, clock)
    server.fail["a"] = UnavailableError("hub: no answer.", hint="Wait.")
    assert statuses(await stream.tick(both)) == [("b-m-1", status) for status in STARTS]
    assert stream.problem is not None
    assert str(stream.problem) == "The events of 1 of 2 deployments could not be read: hub: no answer. Wait."
    server.fail.clear()
    clock.elapsed += 60
    assert statuses(await stream.tick(both)) == [("a-m-1", status) for status in STARTS]
    assert stream.problem is None


async def test_a_deployment_that_keeps_failing_is_asked_less_and_less() -> None:
    server, clock = Server({"a": [], "b": []}), FakeClock()
    stream = reader(server, clock)
    server.fail["a"] = UnavailableError("hub: no answer.")
    for _ in range(60):
        await stream.tick([deployment("a"), deployment("b")])
        clock.elapsed += 2
    assert server.asked.count("b") == 60
    assert 4 <= server.asked.count("a") <= 8


async def test_an_error_is_raised_when_all_fail_and_the_next_tick_asks_all_again() -> None:
    server, clock = Server({"a": start_of("a-m-1"), "b": []}), FakeClock()
    both = [deployment("a"), deployment("b")]
    stream = reader(server, clock)
    server.fail = dict.fromkeys("ab", UnavailableError("hub: no answer."))
    for _ in range(5):
        with pytest.raises(UnavailableError):
            await stream.tick(both)
    server.fail.clear()
    assert len(await stream.tick(both)) == 4


async def test_a_failure_in_the_middle_of_a_list_loses_nothing() -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(250)]
    server, clock = Server({"d": rows}), FakeClock()
    calls = 0

    async def fetch_page(deployment_uuid: str, **asked: object) -> Page[EventRow]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise UnavailableError("hub: no answer.")
        return await server.fetch_page(deployment_uuid, **asked)  # type: ignore[arg-type]  # as it was asked for

    stream = EventReader(fetch_page, now=clock.now, monotonic=clock.monotonic)
    first = await stream.tick([deployment("d")])
    rest = await stream.tick([deployment("d")])
    assert Counter(statuses([*first, *rest])) == Counter((row.deployment_container_uuid, row.status) for row in rows)
    assert server.offsets == [0, 99, 198]


async def test_what_was_read_before_a_tick_was_cancelled_comes_with_the_next() -> None:
    server, clock = Server({"a": start_of("a-m-1"), "b": start_of("b-m-1")}), FakeClock()
    hanging, a_answered, b_hangs = True, asyncio.Event(), asyncio.Event()

    async def fetch_page(deployment_uuid: str, **asked: object) -> Page[EventRow]:
        if deployment_uuid == "b" and hanging:
            await a_answered.wait()
            b_hangs.set()
            await asyncio.Event().wait()
        page = await server.fetch_page(deployment_uuid, **asked)  # type: ignore[arg-type]  # as it was asked for
        a_answered.set()
        return page

    stream = EventReader(fetch_page, now=clock.now, monotonic=clock.monotonic)
    both = [deployment("a"), deployment("b")]
    task = asyncio.ensure_future(stream.tick(both))
    await asyncio.wait_for(b_hangs.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hanging = False
    assert Counter(statuses(await stream.tick(both))) == Counter(
        (container, status) for container in ("a-m-1", "b-m-1") for status in STARTS
    )


async def test_during_a_rate_limit_nothing_more_is_asked() -> None:
    server, clock = Server(), FakeClock()
    many = [deployment(f"d{number}") for number in range(40)]
    server.fail = {row.ref.id: RateLimitedError("hub: slow down.", retry_after=5) for row in many}
    with pytest.raises(RateLimitedError):
        await reader(server, clock).tick(many)
    assert len(server.asked) <= 8


async def test_events_from_before_a_rate_limit_are_reported_first() -> None:
    server, clock = Server({"a": start_of("a-m-1")}), FakeClock()
    both = [deployment("a"), deployment("b")]
    stream = reader(server, clock)
    server.fail["b"] = RateLimitedError("hub: slow down.", retry_after=5)
    assert len(await stream.tick(both)) == 4
    clock.elapsed += 60
    with pytest.raises(RateLimitedError):
        await stream.tick(both)


async def test_a_deployment_that_disappears_is_asked_for_its_end_once() -> None:
    server, clock = Server({"a": start_of("a-m-1"), "b": []}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("a"), deployment("b")])
    server.lists["a"] += start_of("a-m-1", 100, statuses=["shutting_down", "shutdown"])
    assert statuses(await stream.tick([deployment("b")])) == [("a-m-1", "shutting_down"), ("a-m-1", "shutdown")]
    for _ in range(5):
        clock.elapsed += 2
        await stream.tick([deployment("b")])
    assert server.asked.count("a") == 2


async def test_a_deployment_that_is_deleted_is_no_failure() -> None:
    server, clock = Server({"a": [], "b": []}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("a"), deployment("b")])
    server.fail["a"] = NotFoundError("hub: no such deployment.")
    assert await stream.tick([deployment("b")]) == []
    assert await stream.tick([deployment("a")]) == []
    assert stream.problem is None


async def test_a_deployment_missing_from_the_list_once_is_not_reported_twice() -> None:
    server, clock = Server({"a": start_of("a-m-1")}), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("a")])) == 4
    clock.elapsed += 2
    assert await stream.tick([]) == []
    clock.elapsed += 2
    assert await stream.tick([deployment("a")]) == []
