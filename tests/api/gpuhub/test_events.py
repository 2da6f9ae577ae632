"""The live stream of events: everything once, then what is new, whatever the server's list does meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gputui.api.common.readers import read_time
from gputui.api.gpuhub.event_log import EventRow, container_phase
from gputui.models import Event, EventSource, Phase, Ref
from tests.api.gpuhub.event_server import STARTS, Server, at, deployment, reader, start_of, statuses
from tests.fleet.fakes import START, FakeClock


async def test_first_everything_and_then_only_what_is_new() -> None:
    server, clock = Server({"d": start_of("d-m-1")}), FakeClock()
    stream = reader(server, clock)
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-1", status) for status in STARTS]
    assert await stream.tick([deployment("d")]) == []
    server.lists["d"] += start_of("d-m-2", 100, statuses=["creating"])
    assert statuses(await stream.tick([deployment("d")])) == [("d-m-2", "creating")]
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


# Time and order


async def test_time_in_the_previous_state_continues_over_readings() -> None:
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


async def test_an_event_without_a_time_keeps_its_place_in_the_list() -> None:
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


# Pacing


# The whole history of one


# Whatever happens
