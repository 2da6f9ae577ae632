"""Filters on the server: what a cloud is asked for, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.errors import InvalidError, NotFoundError
from gputui.history.history import History
from gputui.models import Ref, Resource
from tests.fleet.cloud.hub import DEPLOYMENTS, FIRST, INSTANCES, Hub
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet, running, settle


async def test_a_filter_is_used_where_there_is_one_and_asked_for_at_once(clock: FakeClock, hub: Hub) -> None:
    lab = FakeBackend("lab")
    async with running(clock, hub, lab) as fleet:
        assert fleet.server_filters.form("lab", INSTANCES) is None
        assert fleet.server_filters.form("hub", DEPLOYMENTS) is None
        before = hub.calls[INSTANCES]
        fleet.server_filters.set(INSTANCES, {"status": "running", "other": ""})
        await settle()
        assert hub.asked_for == {INSTANCES: {"status": "running"}}
        assert fleet.server_filters.values(INSTANCES) == {"status": "running"}
        assert hub.calls[INSTANCES] == before + 1


async def test_a_fleet_that_does_not_poll_requests_no_list_by_itself(clock: FakeClock, hub: Hub) -> None:
    fleet = make_fleet(clock, hub, polls=False)
    await fleet.start()
    try:
        fleet.server_filters.set(INSTANCES, {"status": "running"})
        with pytest.raises(NotFoundError):
            await fleet.detail(Ref("hub", "container", "gone"))
        await settle()
        assert hub.asked_for == {INSTANCES: {"status": "running"}}
        assert (hub.calls[INSTANCES], hub.forgot) == (0, 0)
        await fleet.read([INSTANCES])
        assert hub.calls[INSTANCES] == 1
    finally:
        await fleet.aclose()


async def test_the_refusals_of_a_filter_are_by_account(clock: FakeClock, hub: Hub) -> None:
    other = Hub("other")
    async with running(clock, hub, other) as fleet:
        refusals = fleet.server_filters.refusals(INSTANCES, {"region": "hub"})
        assert {account: error.fields for account, error in refusals.items()} == {"other": {"region": "is not mine"}}
        assert (hub.asked_for, fleet.server_filters.values(INSTANCES)) == ({}, {})


async def test_a_wrong_filter_changes_nothing(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        with pytest.raises(InvalidError) as caught:
            fleet.server_filters.set(INSTANCES, {"colour": "blue"})
        assert caught.value.fields == {"colour": "is not known"}
        assert (hub.asked_for, fleet.server_filters.values(INSTANCES)) == ({}, {})


async def test_an_account_that_can_have_nothing_of_it_is_left_out(clock: FakeClock, hub: Hub) -> None:
    other = Hub("other")
    other.rows[INSTANCES] = [replace(FIRST, ref=Ref("other", "container", "x"))]
    async with running(clock, hub, other) as fleet:
        fleet.server_filters.set(INSTANCES, {"region": "hub"})
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub"}
        await settle()
        asked = other.calls[INSTANCES]
        await clock.advance(60)
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub"}
        assert other.calls[INSTANCES] == asked
        fleet.server_filters.set(INSTANCES, {})
        await settle()
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub", "other"}
        with pytest.raises(InvalidError):
            fleet.server_filters.set(INSTANCES, {"region": "other's"})


async def test_a_filtered_list_is_not_what_the_next_session_begins_with(
    clock: FakeClock, hub: Hub, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        fleet.server_filters.set(INSTANCES, {"status": "stopped"})
        hub.rows[INSTANCES] = [replace(FIRST, status="odd")]
        await clock.advance(60)
    kept = {snapshot.resource: snapshot.rows for snapshot in history.snapshots()}
    assert kept.get(INSTANCES, [FIRST]) == [FIRST]


async def test_who_asks_to_refresh_gets_nothing_from_memory(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        fleet.refresh()
        assert hub.forgot == 1


async def test_what_is_kept_watched_is_polled_at_its_pace_in_any_view(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, watch=[INSTANCES]) as fleet:
        assert hub.calls[Resource.BLACKLIST] == 0
        fleet.polled_lists.keep({Resource.BLACKLIST}, "usual")
        await clock.advance(11)
        assert hub.calls[Resource.BLACKLIST] == 3
        fleet.polled_lists.keep((), "usual")
        await clock.advance(20)
        assert hub.calls[Resource.BLACKLIST] == 3


async def test_an_owner_with_a_pace_of_its_own_has_a_list_polled_no_faster_in_its_accounts_alone(
    clock: FakeClock, hub: Hub
) -> None:
    async with running(clock, hub, watch=[INSTANCES]) as fleet:
        fleet.polled_lists.keep({Resource.BLACKLIST}, "another", accounts=["elsewhere"], pace=15)
        await clock.advance(40)
        assert hub.calls[Resource.BLACKLIST] == 0
        fleet.polled_lists.keep({Resource.BLACKLIST}, "slow", accounts=[hub.account], pace=15)
        await clock.advance(40)
        assert hub.calls[Resource.BLACKLIST] == 3
        fleet.polled_lists.keep({Resource.BLACKLIST}, "fast")
        await clock.advance(20)
        assert hub.calls[Resource.BLACKLIST] >= 6
