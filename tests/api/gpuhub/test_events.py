"""The live stream of events: everything once, then what is new, whatever the server's list does meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gputui.api.common.readers import read_time
from gputui.api.gpuhub.event_log import EventRow, container_phase
from gputui.api.gpuhub.events import FEW, PAGE_SIZE, SWEEP, EventReader
from gputui.api.http.pagination import Page
from gputui.errors import GputuiError, NotFoundError, RateLimitedError, UnavailableError
from gputui.models import Deployment, Event, EventSource, Phase, Ref
from tests.fleet.fakes import START, FakeClock

STARTS = ("creating", "created", "starting", "running")


@dataclass
class Server:
    """The event lists of some deployments, served in pages. ``fail`` are the errors that deployments answer with.

    With ``clamped`` every page is full, as long as there is enough: past the end the last one comes again.
    """

    lists: dict[str, list[EventRow]] = field(default_factory=dict)
    page_size: int = PAGE_SIZE
    totals: bool = True
    clamped: bool = False
    fail: dict[str, GputuiError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    odd_pages: list[list[EventRow]] = field(default_factory=list)

    async def fetch_page(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        await asyncio.sleep(0)
        self.asked.append(deployment_uuid)
        self.offsets.append(offset)
        if deployment_uuid in self.fail:
            raise self.fail[deployment_uuid]
        rows = [
            row
            for row in self.lists.get(deployment_uuid, [])
            if container_uuid in {"", row.deployment_container_uuid}
        ]
        if self.odd_pages:
            odd = self.odd_pages.pop(0)
            return Page(odd, len(odd), total=len(rows) if self.totals else None)
        start = offset + (page_index - 1) * page_size
        if self.clamped:
            start = min(start, max(0, len(rows) - page_size))
        shown = rows[start : start + min(self.page_size, page_size)]
        return Page(shown, len(shown), total=len(rows) if self.totals else None)


def deployment(uuid: str, **fields: object) -> Deployment:
    row = Deployment(Ref("hub", "deployment", uuid), f"name-{uuid}", "ReplicaSet", Phase.RUNNING, "running")
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of a Deployment, by name


def at(seconds: float) -> str:
    """Write a time as the server does, in its own time zone."""
    return (START + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=8))).isoformat()


def start_of(container: str, begin: float = 0, step: float = 10, statuses: Sequence[str] = STARTS) -> list[EventRow]:
    return [EventRow(container, status, at(begin + index * step)) for index, status in enumerate(statuses)]


def reader(server: Server, clock: FakeClock, page_size: int = PAGE_SIZE) -> EventReader:
    return EventReader(server.fetch_page, now=clock.now, monotonic=clock.monotonic, page_size=page_size)


def told(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.instance.id, event.status) for event in events]


async def test_first_everything_and_then_only_what_is_new() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    assert told(await stream.tick([deployment("d")])) == [("d-m-1", status) for status in STARTS]
    assert await stream.tick([deployment("d")]) == []
    server.lists["d"] += start_of("d-m-2", 100, statuses=["creating"])
    assert told(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]
    assert await stream.tick([deployment("d")]) == []


async def test_an_event_says_what_happened_to_what_when_and_after_how_long() -> None:
    server = Server({"d": start_of("d-m-63c24009")})
    events = await reader(server, FakeClock()).tick([deployment("d")])
    assert events[1] == Event(
        ref=Ref("hub", "event", f"d-m-63c24009:created:{at(10)}"),
        instance=Ref("hub", "container", "d-m-63c24009"),
        name="name-d-63c24009",
        at=START + timedelta(seconds=10),
        status="created",
        phase=Phase.PENDING,
        before="creating",
        after_seconds=10.0,
        source=EventSource.REPORTED,
        parent=Ref("hub", "deployment", "d"),
    )
    assert (events[0].before, events[0].after_seconds) == (None, None)
    assert events[1].at.tzinfo is UTC


async def test_unknown_states_show_as_they_are_and_safely() -> None:
    server = Server({"d": [EventRow("d-m-1", "oss_melting", at(0)), EventRow("d-m-1", "a\x1b[31m", at(1))]})
    events = await reader(server, FakeClock()).tick([deployment("d")])
    assert [(event.status, event.phase) for event in events] == [
        ("oss_melting", Phase.UNKNOWN),
        ("a\ufffd[31m", Phase.UNKNOWN),
    ]


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("creating", Phase.PENDING),
        ("oss_merged", Phase.PENDING),
        ("running", Phase.RUNNING),
        ("shutting_down", Phase.STOPPING),
        ("shutdown", Phase.STOPPED),
        ("create_failed", Phase.FAILED),
        ("Error", Phase.FAILED),
        ("", Phase.UNKNOWN),
    ],
)
def test_the_phase_of_a_container(status: str, phase: Phase) -> None:
    assert container_phase(status) is phase


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2022-12-13T16:43:03+08:00", datetime(2022, 12, 13, 8, 43, 3, tzinfo=UTC)),
        ("2022-12-13T08:43:03Z", datetime(2022, 12, 13, 8, 43, 3, tzinfo=UTC)),
        ("2022-12-13 08:43:03", datetime(2022, 12, 13, 8, 43, 3, tzinfo=UTC)),
        ("1670920983", datetime(2022, 12, 13, 8, 43, 3, tzinfo=UTC)),
        ("1670920983000", datetime(2022, 12, 13, 8, 43, 3, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59-08:00", None),
        ("99999999999999999999", None),
        ("0", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_in_every_form_they_come_in(text: str | None, time: datetime | None) -> None:
    assert read_time(text) == time


# The list as it is served


async def test_a_long_list_is_read_over_its_page_boundaries() -> None:
    rows = [row for number in range(60) for row in start_of(f"d-m-{number}", number)]
    for totals in (True, False):
        server = Server({"d": rows}, totals=totals)
        events = await reader(server, FakeClock()).tick([deployment("d")])
        assert Counter(told(events)) == Counter((row.deployment_container_uuid, row.status) for row in rows)
        assert len(server.asked) == 3
        assert [event.at for event in events] == sorted(event.at for event in events)


async def test_a_server_with_smaller_pages_than_asked_for_is_read_to_its_end() -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(50)]
    server = Server({"d": rows}, page_size=20)
    assert len(await reader(server, FakeClock()).tick([deployment("d")])) == 50


async def test_only_what_follows_the_last_known_row_is_asked_for() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    for _ in range(3):
        await stream.tick([deployment("d")])
    assert server.offsets == [0, 3, 3]


async def test_a_page_that_is_answered_twice_is_asked_for_again() -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(250)]
    server = Server({"d": rows})
    stream = reader(server, FakeClock())
    server.odd_pages = [rows[:100], rows[:100]]
    assert len(await stream.tick([deployment("d")])) == 250
    assert await stream.tick([deployment("d")]) == []


async def test_rows_that_appear_before_those_read_are_found() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.lists["d"].insert(1, EventRow("d-m-2", "creating", at(5)))
    assert told(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]
    assert await stream.tick([deployment("d")]) == []


async def test_rows_that_go_away_take_nothing_new_with_them() -> None:
    server, clock = Server({"d": start_of("d-m-1") + start_of("d-m-2", 100)}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    del server.lists["d"][:4]
    server.lists["d"] += start_of("d-m-3", 200)
    assert told(await stream.tick([deployment("d")])) == [("d-m-3", status) for status in STARTS]


async def test_a_list_that_begins_anew_is_read_anew() -> None:
    server, clock = Server({"d": start_of("d-m-1") + start_of("d-m-2", 100)}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.lists["d"] = start_of("d-m-3", 200)
    assert told(await stream.tick([deployment("d")])) == [("d-m-3", status) for status in STARTS]
    server.lists["d"] = []
    assert await stream.tick([deployment("d")]) == []
    server.lists["d"] = start_of("d-m-4", 300)
    assert told(await stream.tick([deployment("d")])) == [("d-m-4", status) for status in STARTS]


async def test_a_list_that_never_fits_together_is_left_until_the_next_time() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.odd_pages = [start_of(f"d-m-{number}", 100) for number in range(2, 50)]
    await stream.tick([deployment("d")])
    assert len(server.odd_pages) > 40


@pytest.mark.parametrize("totals", [True, False])
async def test_a_server_that_repeats_its_last_page_costs_no_more_when_nothing_happens(totals: bool) -> None:
    rows = [EventRow(f"d-m-{number}", "creating", at(number)) for number in range(250)]
    server, clock = Server({"d": rows}, clamped=True, totals=totals), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("d")])) == 250
    server.lists["d"].append(EventRow("d-m-new", "creating", at(250)))
    assert told(await stream.tick([deployment("d")])) == [("d-m-new", "creating")]
    await stream.tick([deployment("d")])
    server.asked.clear()
    for _ in range(10):
        assert await stream.tick([deployment("d")]) == []
    assert len(server.asked) == 10


async def test_a_row_that_cannot_be_read_is_no_event_and_moves_nothing() -> None:
    rows = start_of("d-m-1")
    rows.insert(1, EventRow("", "", None))
    server, clock = Server({"d": rows}), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("d")])) == 4
    server.lists["d"] += [EventRow("", "", None), EventRow("d-m-2", "creating", at(100))]
    assert told(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]


# Time and order


async def test_time_in_the_previous_state_goes_on_over_readings() -> None:
    server, clock = Server({"d": start_of("d-m-1", statuses=["creating"])}), FakeClock()
    stream = reader(server, clock)
    await stream.tick([deployment("d")])
    server.lists["d"].append(EventRow("d-m-1", "running", at(412)))
    (event,) = await stream.tick([deployment("d")])
    assert (event.before, event.after_seconds) == ("creating", 412.0)


async def test_events_out_of_order_are_put_in_order() -> None:
    rows = start_of("d-m-1")
    server = Server({"d": [rows[2], rows[0], rows[3], rows[1]]})
    events = await reader(server, FakeClock()).tick([deployment("d")])
    assert [(event.status, event.before, event.after_seconds) for event in events] == [
        ("creating", None, None),
        ("created", "creating", 10.0),
        ("starting", "created", 10.0),
        ("running", "starting", 10.0),
    ]


async def test_an_event_that_comes_late_sets_the_next_one_right() -> None:
    rows = start_of("d-m-1")
    server, clock = Server({"d": [rows[0], rows[2]]}), FakeClock()
    stream = reader(server, clock)
    first = await stream.tick([deployment("d")])
    assert (first[1].before, first[1].after_seconds) == ("creating", 20.0)
    server.lists["d"].append(rows[1])
    late, corrected = await stream.tick([deployment("d")])
    assert (late.status, late.before) == ("created", "creating")
    assert corrected == replace(first[1], before="created", after_seconds=10.0)


async def test_events_of_several_deployments_are_merged_in_time_order() -> None:
    server = Server({"a": start_of("a-m-1", 0), "b": start_of("b-m-1", 5)})
    events = await reader(server, FakeClock()).tick([deployment("a"), deployment("b")])
    assert [event.instance.id for event in events] == ["a-m-1", "b-m-1"] * 4


async def test_an_event_without_a_time_stands_where_it_stands_in_the_list() -> None:
    rows = [
        EventRow("d-m-1", "creating", None),
        EventRow("d-m-1", "created", at(10)),
        EventRow("d-m-1", "starting", "soon"),
        EventRow("d-m-1", "running", at(30)),
    ]
    events = await reader(Server({"d": rows}), FakeClock()).tick([deployment("d")])
    assert [(event.status, (event.at - START).total_seconds(), event.after_seconds) for event in events] == [
        ("creating", 10.0, None),
        ("created", 10.0, None),
        ("starting", 10.0, None),
        ("running", 30.0, None),
    ]


async def test_a_list_without_times_is_as_old_as_its_reading() -> None:
    clock = FakeClock()
    clock.elapsed = 7
    rows = [EventRow("d-m-1", "creating", None), EventRow("d-m-1", "created", None)]
    events = await reader(Server({"d": rows}), clock).tick([deployment("d")])
    assert [(event.status, event.at) for event in events] == [("creating", clock.now()), ("created", clock.now())]


# Failures


async def test_one_deployment_that_fails_leaves_the_others_alone_and_loses_nothing() -> None:
    server, clock = Server({"a": start_of("a-m-1"), "b": start_of("b-m-1")}), FakeClock()
    both = [deployment("a"), deployment("b")]
    stream = reader(server, clock)
    server.fail["a"] = UnavailableError("hub: no answer.", hint="Wait.")
    assert told(await stream.tick(both)) == [("b-m-1", status) for status in STARTS]
    assert stream.problem is not None
    assert str(stream.problem) == "The events of 1 of 2 deployments could not be read: hub: no answer. Wait."
    server.fail.clear()
    clock.elapsed += 60
    assert told(await stream.tick(both)) == [("a-m-1", status) for status in STARTS]
    assert stream.problem is None


async def test_a_deployment_that_goes_on_failing_is_asked_less_and_less() -> None:
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
    assert Counter(told([*first, *rest])) == Counter((row.deployment_container_uuid, row.status) for row in rows)
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
    assert Counter(told(await stream.tick(both))) == Counter(
        (container, status) for container in ("a-m-1", "b-m-1") for status in STARTS
    )


async def test_a_server_that_wants_to_be_left_alone_is_asked_nothing_more() -> None:
    server, clock = Server(), FakeClock()
    many = [deployment(f"d{number}") for number in range(40)]
    server.fail = {row.ref.id: RateLimitedError("hub: slow down.", retry_after=5) for row in many}
    with pytest.raises(RateLimitedError):
        await reader(server, clock).tick(many)
    assert len(server.asked) <= 8


async def test_what_came_before_the_server_wanted_to_be_left_alone_is_told_first() -> None:
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
    assert told(await stream.tick([deployment("b")])) == [("a-m-1", "shutting_down"), ("a-m-1", "shutdown")]
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


async def test_a_deployment_that_was_left_out_of_the_list_once_is_not_told_twice() -> None:
    server, clock = Server({"a": start_of("a-m-1")}), FakeClock()
    stream = reader(server, clock)
    assert len(await stream.tick([deployment("a")])) == 4
    clock.elapsed += 2
    assert await stream.tick([]) == []
    clock.elapsed += 2
    assert await stream.tick([deployment("a")]) == []


# Pacing


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


# The whole history of one


async def test_the_history_of_a_deployment_and_of_a_container_is_read_whole() -> None:
    rows = [row for number in range(60) for row in start_of(f"d-m-{number}", number)]
    server, clock = Server({"d": rows}), FakeClock()
    stream = reader(server, clock)
    ref = Ref("hub", "deployment", "d")
    everything = await stream.read_all(ref, "name-d")
    assert sorted(everything, key=lambda event: event.ref) == sorted(
        await stream.tick([deployment("d")]), key=lambda event: event.ref
    )
    assert [event.at for event in everything] == sorted(event.at for event in everything)
    alone = await stream.read_all(ref, "name-d", container_uuid="d-m-7")
    assert alone == [event for event in everything if event.instance.id == "d-m-7"]
    assert await stream.tick([deployment("d")]) == []


async def test_a_history_that_cannot_be_read_says_so() -> None:
    server = Server(fail={"d": UnavailableError("hub: no answer.")})
    with pytest.raises(UnavailableError):
        await reader(server, FakeClock()).read_all(Ref("hub", "deployment", "d"), "name-d")


# Whatever happens


@dataclass
class Unsteady:
    """A server to whose lists things happen before it answers, by a script.

    Steps: ``add`` rows at the end, ``insert`` one among the others, ``drop`` the first rows, ``reset`` the list,
    ``fail``, ``repeat`` the page before, or nothing. ``remaining`` counts totals from the offset.
    """

    steps: list[tuple[str, str, int]]
    cap: int
    totals: str
    clamped: bool
    lists: dict[str, list[EventRow]] = field(default_factory=lambda: {"a": [], "b": []})
    count: int = 0
    last: dict[str, list[EventRow]] = field(default_factory=dict)

    def new_row(self, name: str, choice: int, when: float) -> EventRow:
        self.count += 1
        return EventRow(f"{name}-m-{choice % 3}", f"{STARTS[choice % 4]}-{self.count}", at(when))

    def happen(self, step: str, name: str, choice: int) -> None:
        rows = self.lists[name]
        match step:
            case "add":
                rows += [self.new_row(name, choice + more, self.count) for more in range(1 + choice % 5)]
            case "insert":
                rows.insert(choice % (len(rows) + 1), self.new_row(name, choice, choice % (self.count + 1)))
            case "drop":
                del rows[: choice % 3]
                rows.append(self.new_row(name, choice, self.count))
            case "reset":
                rows[:] = [self.new_row(name, choice, self.count)]

    async def fetch_page(
        self, deployment_uuid: str, *, container_uuid: str = "", page_index: int, page_size: int, offset: int
    ) -> Page[EventRow]:
        await asyncio.sleep(0)
        step, name, choice = self.steps.pop() if self.steps else ("", "a", 0)
        self.happen(step, name, choice)
        if step == "fail":
            raise UnavailableError("hub: no answer.")
        rows = self.lists[deployment_uuid]
        total = {"whole": len(rows), "remaining": max(0, len(rows) - offset), "none": None}[self.totals]
        start = offset + (page_index - 1) * page_size
        size = min(self.cap, page_size)
        if self.clamped:
            start = min(start, max(0, len(rows) - size))
        page = rows[start : start + size]
        if step == "repeat":
            page = self.last.get(deployment_uuid, [])
        self.last[deployment_uuid] = page
        return Page(page, len(page), total=total)


def scripts(*steps: str) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    return st.lists(st.tuples(st.sampled_from(steps), st.sampled_from("ab"), st.integers(0, 40)), max_size=60)


ALWAYS = ("", "add", "add", "reset", "fail", "repeat")


@given(
    # What is put in while as much is taken away leaves no trace in the list: one or the other.
    steps=scripts(*ALWAYS, "insert") | scripts(*ALWAYS, "drop"),
    cap=st.integers(2, 12),
    page_size=st.integers(2, 12),
    totals=st.sampled_from(["whole", "remaining", "none"]),
    clamped=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_doubled_or_out_of_order(
    steps: list[tuple[str, str, int]], cap: int, page_size: int, totals: str, clamped: bool
) -> None:
    asyncio.run(follow(Unsteady(steps, cap, totals, clamped), page_size))


async def follow(server: Unsteady, page_size: int) -> None:
    """Read the lists while things happen to them and afterwards, and hold what was told against what is there."""
    clock = FakeClock()
    stream = EventReader(server.fetch_page, now=clock.now, monotonic=clock.monotonic, page_size=page_size)
    seen: dict[Ref, Event] = {}
    quiet = 0
    while quiet < 3 + sum(map(len, server.lists.values())):
        clock.elapsed += 61
        try:
            events = await stream.tick([deployment("a"), deployment("b")])
        except UnavailableError:
            events = []
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert len({event.ref for event in events}) == len(events)
        for event in events:
            # What is told again is set right; all that changes is what came before it.
            known = seen.get(event.ref)
            assert known is None or known != event
            assert known is None or replace(known, before=None, after_seconds=None) == replace(
                event, before=None, after_seconds=None
            )
            seen[event.ref] = event
        quiet = 0 if events or server.steps else quiet + 1
    there = {(row.deployment_container_uuid, row.status) for rows in server.lists.values() for row in rows}
    assert there <= set(told(list(seen.values())))
    for container in {event.instance for event in seen.values()}:
        chain = sorted((event for event in seen.values() if event.instance == container), key=lambda event: event.at)
        for earlier, later in pairwise(chain):
            assert later.after_seconds == (later.at - earlier.at).total_seconds()
        assert (chain[0].before, chain[0].after_seconds) == (None, None)
