"""Failures: which rows stay, which account is affected, what is reported of them."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import AuthError, ConfigError, RateLimitedError
from gputui.models import AccountInfo, FeedState, HealthState, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle
from tests.fleet.polling.conftest import ALL, DOWN, INSTANCES, PROCESSES, STOCK


async def test_a_rate_limit_silences_the_whole_account_and_no_other(clock: FakeClock, lab: FakeBackend) -> None:
    hub = FakeBackend("hub", ALL)
    async with running(clock, lab, hub, watch=ALL) as fleet:
        lab.errors[STOCK] = RateLimitedError("lab: slow down.", retry_after=20)
        await clock.advance(5)
        asked, others = lab.calls.copy(), hub.calls.copy()
        health = fleet.health()["lab"]
        assert health.state is HealthState.LIMITED
        assert health.until is not None
        assert (health.until - clock.now()).total_seconds() == 20
        await clock.advance(10)
        assert lab.calls == asked
        fleet.refresh()
        await clock.advance(9)
        assert lab.calls == asked
        assert hub.calls[STOCK] > others[STOCK]
        lab.errors.clear()
        await clock.advance(1)
        assert lab.calls[INSTANCES] > asked[INSTANCES]
        assert fleet.health()["lab"].state is HealthState.OK


async def test_failure_keeps_the_rows_and_touches_no_other_account(clock: FakeClock, lab: FakeBackend) -> None:
    hub = FakeBackend("hub")
    hub.rows[INSTANCES] = [pod("hub", "train")]
    async with running(clock, lab, hub) as fleet:
        fetched = clock.now()
        lab.errors[INSTANCES] = DOWN
        await clock.advance(5)
        feed = fleet.feed("lab", INSTANCES)
        assert (feed.state, feed.fetched_at, feed.error) == (FeedState.STALE, fetched, DOWN)
        assert {ref.id for ref in fleet.rows(INSTANCES)} == {"main", "train"}
        assert fleet.is_stale(pod("lab", "main"))
        assert not fleet.is_stale(pod("hub", "train").ref)
        assert fleet.health()["lab"].state is HealthState.DOWN
        assert fleet.health()["lab"].message == "no answer"
        assert fleet.health()["hub"].state is HealthState.OK
        lab.errors.clear()
        fleet.refresh()
        await settle()
        assert fleet.feed("lab", INSTANCES).state is FeedState.FRESH


async def test_an_account_that_is_gone_is_down_before_its_slow_lists_are_due(
    clock: FakeClock, lab: FakeBackend
) -> None:
    async with running(clock, lab) as fleet:
        fleet.poll([INSTANCES], slowly=[STOCK])
        await clock.advance(31)
        asked = lab.calls[STOCK]
        lab.errors |= {INSTANCES: DOWN, STOCK: DOWN}
        await clock.advance(5)
        assert fleet.health()["lab"].state is HealthState.DOWN
        assert lab.calls[STOCK] == asked + 1
        lab.errors = {INSTANCES: DOWN}
        fleet.refresh([STOCK])
        await clock.advance(20)
        assert fleet.health()["lab"].state is HealthState.DEGRADED, "one list fails, the other is answered"
        assert lab.calls[STOCK] <= asked + 3, "not asked again with each failure of another"


async def test_a_list_that_never_came_has_failed(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[INSTANCES] = AuthError("lab: wrong password.")
    async with running(clock, lab) as fleet:
        assert fleet.feed("lab", INSTANCES).state is FeedState.FAILED


async def test_an_account_is_down_only_when_no_list_is_answered(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[INSTANCES, PROCESSES]) as fleet:
        lab.errors[PROCESSES] = DOWN
        await clock.advance(30)
        assert fleet.health()["lab"].state is HealthState.DEGRADED
        assert fleet.health()["lab"].message == "processes: no answer"
        lab.errors[INSTANCES] = DOWN
        await clock.advance(30)
        assert fleet.health()["lab"].state is HealthState.DOWN


async def test_wrong_credentials_for_one_list_show_although_another_needs_none(
    clock: FakeClock, lab: FakeBackend
) -> None:
    lab.errors[INSTANCES] = AuthError("lab: wrong password.")
    async with running(clock, lab, watch=[INSTANCES, PROCESSES]) as fleet:
        assert fleet.health()["lab"].state is HealthState.DOWN
        assert fleet.health()["lab"].message == "not signed in"


async def test_an_answer_that_is_long_in_coming_makes_the_account_slow(clock: FakeClock, lab: FakeBackend) -> None:
    answer = lab.hold(INSTANCES)
    async with running(clock, lab) as fleet:
        await clock.advance(2.5)
        assert fleet.health()["lab"].state is HealthState.UNKNOWN
        await clock.advance(1)
        assert fleet.health()["lab"].state is HealthState.SLOW
        answer.set()
        await clock.advance(0)
        assert fleet.health()["lab"].state is HealthState.SLOW, "3.5 s is no good answer"
        await clock.advance(5)
        assert fleet.health()["lab"].state is HealthState.OK


async def test_a_list_of_many_quick_requests_makes_no_account_slow(
    clock: FakeClock, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeBackend, "latency", 0.1)
    answer = lab.hold(INSTANCES)
    async with running(clock, lab) as fleet:
        await clock.advance(2.5)
        answer.set()
        await clock.advance(0)
        assert fleet.health()["lab"].state is HealthState.OK


async def test_a_fault_inside_a_back_end_is_a_failure_like_others(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.errors[INSTANCES] = KeyError("status")
        await clock.advance(5)
        error = fleet.feed("lab", INSTANCES).error
        assert error is not None
        assert "KeyError" in error.message
        lab.errors.clear()
        await clock.advance(60)
        assert fleet.feed("lab", INSTANCES).state is FeedState.FRESH


async def test_a_question_cancelled_from_within_is_a_failure_like_others(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.errors[INSTANCES] = asyncio.CancelledError()
        await clock.advance(5)
        assert fleet.feed("lab", INSTANCES).state is FeedState.STALE
        lab.errors.clear()
        await clock.advance(60)
        assert fleet.feed("lab", INSTANCES).state is FeedState.FRESH


async def test_an_account_that_cannot_be_opened_says_so_and_is_opened_by_a_refresh(
    clock: FakeClock, lab: FakeBackend
) -> None:
    hub = FakeBackend("hub")
    broken = {"hub": ConfigError("hub: HUB_PASSWORD is not set.")}
    async with running(clock, lab, hub, unopenable=broken) as fleet:
        assert fleet.health()["hub"].state is HealthState.DOWN
        assert fleet.health()["hub"].message == "configuration"
        assert fleet.feed("hub", INSTANCES).state is FeedState.FAILED
        assert str(fleet.feed("hub", INSTANCES).error) == "hub: HUB_PASSWORD is not set."
        assert fleet.health()["lab"].state is HealthState.OK
        broken.clear()
        opened = asyncio.Event()
        fleet.subscribe_feeds(opened.set)
        fleet.refresh(accounts=["hub"])
        await asyncio.wait_for(opened.wait(), 10)
        await settle()
        assert fleet.feed("hub", INSTANCES).state is FeedState.FRESH


async def test_a_failed_probe_is_repeated_once_the_account_answers(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors["identify"] = DOWN
    async with running(clock, lab) as fleet:
        assert not fleet.rows(Resource.ACCOUNTS)
        lab.errors.clear()
        await clock.advance(30)
        assert lab.calls["identify"] == 1
        await clock.advance(35)
        (info,) = fleet.rows(Resource.ACCOUNTS).values()
        assert isinstance(info, AccountInfo)
        assert info.version == "0.4.1"


FAULT = "token=hunter2 \x1b[31m GET https://alice:hunter2@lab/x"


def is_harmless(error: BaseException | None) -> bool:
    text = str(error)
    return (
        "inside gputui" in text or "cannot be opened" in text
        if "hunter2" not in text and "\x1b" not in text
        else False
    )


async def test_what_a_fault_quotes_is_reported_without_secrets(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[INSTANCES] = RuntimeError(FAULT)
    async with running(clock, lab, unopenable={"hub": RuntimeError(FAULT)}) as fleet:
        assert is_harmless(fleet.feed("lab", INSTANCES).error)
        assert is_harmless(fleet.feed("hub", INSTANCES).error)


async def test_a_fault_in_the_background_is_reported(clock: FakeClock, lab: FakeBackend) -> None:
    failures: list[BaseException] = []
    lab.errors["identify"] = fault = RuntimeError("?")
    async with running(clock, lab, on_failure=failures.append):
        await settle()
    assert failures == [fault]
