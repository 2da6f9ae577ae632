"""Events that a cloud reports: added once, in order; those of other vendors are observed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.fleet import Fleet, rows
from gputui.models import Change, Event, Ref
from tests.fleet.cloud.hub import EVENTS, INSTANCES, TRAIN, Hub, happened
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running


def statuses(fleet: Fleet) -> list[str]:
    return [event.status for event in fleet.rows(EVENTS).values() if isinstance(event, Event)]


async def test_reported_events_are_added_as_they_come_and_a_repeated_one_is_one(clock: FakeClock, hub: Hub) -> None:
    hub.rows[EVENTS] = [happened("a", "starting", 2), happened("a", "created", 1)]
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        assert statuses(fleet) == ["created", "starting"]
        hub.rows[EVENTS] = [happened("a", "starting", 2), happened("a", "running", 3)]
        await clock.advance(2)
        assert statuses(fleet) == ["created", "starting", "running"]
        hub.rows[EVENTS] = []
        await clock.advance(2)
        assert statuses(fleet) == ["created", "starting", "running"]


async def test_what_came_late_corrects_its_successor(clock: FakeClock, hub: Hub) -> None:
    hub.rows[EVENTS] = [happened("a", "running", 9)]
    changes: list[Change] = []
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        fleet.subscribe(EVENTS, changes.append)
        late = happened("a", "starting", 4)
        corrected = replace(happened("a", "running", 9), before="starting", after_seconds=5.0)
        hub.rows[EVENTS] = [late, corrected]
        await clock.advance(2)
        assert fleet.get(corrected.ref) == corrected
    assert changes == [Change((late,), (corrected,))]


async def test_a_vendor_that_reports_events_is_not_observed_as_well(clock: FakeClock, hub: Hub) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with running(clock, hub, lab, watch=[EVENTS]) as fleet:
        hub.rows[INSTANCES] = []
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(40)
        assert {event.ref.account for event in fleet.rows(EVENTS).values()} == {"lab"}


async def test_no_more_events_are_kept_than_fit(clock: FakeClock, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_EVENTS_IN_MEMORY", 3)
    hub.rows[EVENTS] = [happened("a", f"s{second}", second) for second in (5, 1, 4, 2, 3)]
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        assert statuses(fleet) == ["s3", "s4", "s5"]


async def test_events_of_one_thing_are_asked_of_who_reports_and_picked_from_the_observed(
    clock: FakeClock, hub: Hub
) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "other")]
    async with running(clock, hub, lab, watch=[EVENTS]) as fleet:
        assert [event.status for event in await fleet.events_of(TRAIN.ref)] == ["running"]
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(40)
        assert [event.status for event in await fleet.events_of(Ref("lab", "pod", "main"))] == ["exited"]
