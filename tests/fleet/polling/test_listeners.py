"""Listeners of a fleet that is polled: called on changes alone, and none affects another."""

from __future__ import annotations

from gputui.models import Change, FeedState, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running
from tests.fleet.polling.conftest import ALL, INSTANCES


async def test_unchanged_answers_notify_no_listener(clock: FakeClock, lab: FakeBackend) -> None:
    news: list[object] = []
    async with running(clock, lab, watch=ALL) as fleet:
        await clock.advance(10)
        fleet.subscribe_feeds(lambda: news.append("feeds"))
        for resource in Resource:
            fleet.subscribe(resource, news.append)
        lab.rows[INSTANCES] = [pod("lab", "main")]
        before = fleet.feed("lab", INSTANCES).fetched_at
        await clock.advance(60)
        assert news == []
        assert fleet.feed("lab", INSTANCES).fetched_at != before


async def test_listeners_hear_of_changes_until_they_leave(clock: FakeClock, lab: FakeBackend) -> None:
    heard: list[Change] = []
    async with running(clock, lab) as fleet:
        leave = fleet.subscribe(INSTANCES, heard.append)
        stopped = pod("lab", "main", "exited")
        lab.rows[INSTANCES] = [stopped, pod("lab", "new")]
        await clock.advance(5)
        assert heard == [Change((pod("lab", "new"),), (stopped,), ())]
        leave()
        lab.rows[INSTANCES] = []
        await clock.advance(5)
        assert len(heard) == 1


async def test_a_failing_listener_does_not_affect_the_others(clock: FakeClock, lab: FakeBackend) -> None:
    heard: list[Change] = []
    failures: list[BaseException] = []
    fault = RuntimeError("a screen's fault")

    def fail(change: Change) -> None:
        raise fault

    def report(error: BaseException) -> None:
        failures.append(error)
        raise OSError("a report's fault")

    async with running(clock, lab, on_failure=report) as fleet:
        fleet.subscribe(INSTANCES, fail)
        fleet.subscribe(INSTANCES, heard.append)
        lab.rows[INSTANCES] = []
        await clock.advance(5)
        assert heard == [Change(removed=(pod("lab", "main").ref,))]
        assert failures == [fault]
        assert fleet.feed("lab", INSTANCES).state is FeedState.FRESH
