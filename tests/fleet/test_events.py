"""What happened to instances, derived from one snapshot to the next, also across sessions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.errors import UnavailableError
from gputui.fleet import rows
from gputui.fleet.event_observer import Observer
from gputui.fleet.recorder import Recorder
from gputui.history import database
from gputui.history.history import History, Snapshot, StockSample
from gputui.models import Change, Event, FeedState, GpuSample, Instance, Missing, PartialRows, Phase, Ref, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet, pod, running
from tests.threads import no_thread_is_free

INSTANCES, EVENTS = Resource.INSTANCES, Resource.EVENTS
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def described(change_or_rows: object) -> list[tuple[str, str | None, str]]:
    assert isinstance(change_or_rows, list)
    return [(event.name, event.before, event.status) for event in change_or_rows if isinstance(event, Event)]


async def test_states_are_reported_with_the_one_before_and_its_duration(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[EVENTS]) as fleet:
        heard: list[Change] = []
        fleet.subscribe(EVENTS, heard.append)
        lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "new", "created")]
        await clock.advance(2)
        lab.rows[INSTANCES] = [pod("lab", "main", "exited"), pod("lab", "new")]
        await clock.advance(4)
        lab.rows[INSTANCES] = [pod("lab", "new")]
        await clock.advance(2)
        events = list(fleet.rows(EVENTS).values())
        assert described(events) == [
            ("new", None, "created"),
            ("main", "running", "exited"),
            ("new", "created", "running"),
            ("main", "exited", "gone"),
        ]
        assert [event.after_seconds for event in events if isinstance(event, Event)] == [None, None, 1.0, 4.0]
        assert [row for change in heard for row in change.added] == events
        assert fleet.feed("lab", EVENTS).state is FeedState.FRESH


async def test_the_first_list_of_an_account_is_no_news(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        await clock.advance(10)
        assert not fleet.rows(EVENTS)


async def test_a_row_that_could_not_be_read_is_no_change_of_state(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.rows[INSTANCES] = [pod("lab", "main", "?", problem="HTTP 500")]
        await clock.advance(5)
        lab.rows[INSTANCES] = [pod("lab", "main")]
        await clock.advance(5)
        assert not fleet.rows(EVENTS)


async def test_one_that_was_unreadable_from_the_start_is_no_news_and_one_that_appeared_so_is(
    clock: FakeClock, lab: FakeBackend
) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main", "?", problem="HTTP 500")]
    async with running(clock, lab) as fleet:
        lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "new", "?", problem="HTTP 500")]
        await clock.advance(5)
        assert not fleet.rows(EVENTS)
        lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "new")]
        await clock.advance(5)
        assert described(list(fleet.rows(EVENTS).values())) == [("new", None, "running")]


async def test_a_failed_list_is_no_observation(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.errors[INSTANCES] = UnavailableError("lab: no answer.")
        await clock.advance(60)
        lab.errors.clear()
        fleet.refresh()
        await clock.advance(5)
        assert not fleet.rows(EVENTS)


async def test_the_oldest_events_are_dropped_from_memory(
    clock: FakeClock, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_EVENTS_IN_MEMORY", 3)
    async with running(clock, lab) as fleet:
        for status in ("a", "b", "c", "d"):
            lab.rows[INSTANCES] = [pod("lab", "main", status)]
            await clock.advance(5)
        assert [event.status for event in fleet.rows(EVENTS).values() if isinstance(event, Event)] == ["b", "c", "d"]


async def test_the_next_session_begins_with_the_last_rows_as_stale_ones(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history, watch=[INSTANCES, Resource.IMAGES]):
        await clock.advance(60)
        fetched = clock.now()
    fleet = make_fleet(clock, lab, history=history)
    await clock.advance(100)
    fleet.restore()
    assert list(fleet.rows(INSTANCES).values()) == [pod("lab", "main")]
    feed = fleet.feed("lab", INSTANCES)
    assert (feed.state, feed.fetched_at, feed.error) == (FeedState.STALE, fetched, None)
    assert fleet.is_stale(pod("lab", "main"))
    assert fleet.supports("lab", INSTANCES)
    assert not fleet.supports("lab", Resource.GPUS)


async def test_restored_rows_of_a_list_there_is_no_more_do_not_make_it_supported(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history, watch=[Resource.IMAGES]):
        pass
    del lab.rows[Resource.IMAGES]
    async with running(clock, lab, history=history) as fleet:
        assert not fleet.supports("lab", Resource.IMAGES)


async def test_what_changes_is_written_within_a_quarter_of_a_minute_and_nothing_else(
    clock: FakeClock, lab: FakeBackend
) -> None:
    written: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    class Reporting(History):
        def record(
            self,
            *,
            snapshots: Iterable[Snapshot] = (),
            events: Iterable[Event] = (),
            stock: Iterable[StockSample] = (),
            gpus: Iterable[tuple[Ref, GpuSample]] = (),
        ) -> bool:
            snapshots, events = list(snapshots), list(events)
            done = super().record(snapshots=snapshots, events=events, stock=stock, gpus=gpus)
            loop.call_soon_threadsafe(written.put_nowait, len(snapshots) + len(events))
            return done

    async with running(clock, lab, history=Reporting(None)):
        await clock.advance(1)
        sleeping = clock.sleeping
        await clock.advance(14)
        assert await asyncio.wait_for(written.get(), 10) == 1
        # The writer's own thread reports first; the task that waits for it has to sleep again before time continues.
        async with asyncio.timeout(10):
            while clock.sleeping < sleeping:  # noqa: ASYNC110  (nothing reports that a task sleeps)
                await asyncio.sleep(0.001)
        await clock.advance(30)
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(15)
        assert await asyncio.wait_for(written.get(), 10) == 2
        assert written.empty()


async def test_what_could_not_be_written_is_written_later(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    history = History(tmp_path / "history.sqlite3")
    history.add_command("x")
    history.close()
    recorder = Recorder(history, clock)
    observer = Observer()
    observer.start_from("lab", [])
    (event,) = observer.observe("lab", [pod("lab", "main")], clock.now())
    recorder.events([event])
    recorder.snapshot("lab", INSTANCES, [pod("lab", "main")], clock.now())
    other = sqlite3.connect(tmp_path / "history.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await recorder.flush()
    assert history.events() == []
    other.execute("COMMIT")
    await recorder.flush()
    assert history.events() == [event]
    assert history.snapshots()[0].rows == [pod("lab", "main")]


async def test_events_that_wait_to_be_written_when_the_session_ends_are_written(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main")]
    with ExitStack() as threads:
        async with running(clock, lab, history=history):
            free = threads.enter_context(no_thread_is_free())
            lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
            await clock.advance(12)
            asyncio.get_running_loop().call_later(0.05, free.set)
    assert described(history.events()) == [("main", "running", "exited")]


async def test_events_between_two_sessions_are_reported_in_the_second(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "old")]
    async with running(clock, lab, history=history):
        pass
    lab.rows[INSTANCES] = [pod("lab", "main", "exited"), pod("lab", "new")]
    await clock.advance(100)
    async with running(clock, lab, history=history) as fleet:
        assert described(list(fleet.rows(EVENTS).values())) == [
            ("main", "running", "exited"),
            ("new", None, "running"),
            ("old", "running", "gone"),
        ]
    async with running(clock, lab, history=history) as fleet:
        assert len(fleet.rows(EVENTS)) == 3
        gone = [event for event in fleet.rows(EVENTS).values() if isinstance(event, Event)][-1]
        assert (gone.status, gone.phase, gone.at) == ("gone", Phase.STOPPED, clock.now())


async def test_after_a_crash_what_was_not_written_is_seen_again(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history):
        pass
    crashed = make_fleet(clock, lab, history=None)
    crashed.poll([EVENTS])
    await crashed.start()
    lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
    await clock.advance(2)
    await crashed.aclose()
    async with running(clock, lab, history=history) as fleet:
        assert described(list(fleet.rows(EVENTS).values())) == [("main", "running", "exited")]


async def test_history_that_cannot_be_kept_stops_nothing(clock: FakeClock, lab: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    history = History(tmp_path / "state" / "history.sqlite3")
    async with running(clock, lab, history=history) as fleet:
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(5)
        assert described(list(fleet.rows(EVENTS).values())) == [("main", "running", "exited")]
    assert "history is not kept" in history.problem


def instance(name: str, status: str = "running", *, problem: str | None = None) -> Instance:
    return pod("lab", name, status, problem=problem)


def test_a_row_for_a_part_that_cannot_be_read_is_never_gone() -> None:
    seen = Observer()
    stand_in = instance("7/", "unknown", problem="its workers cannot be read")
    seen.observe("lab", [stand_in], NOON, missing=[Missing("no answer", prefix="7/")])
    assert seen.observe("lab", [instance("7/w1")], NOON) == []  # it may have been there all the time
    assert described(seen.observe("lab", [instance("7/w1"), instance("7/w2")], NOON)) == [("7/w2", None, "running")]
    seen.observe("lab", [instance("7/w1")], NOON)
    gone = seen.observe("lab", [], NOON)
    assert described(gone) == [("7/w1", "running", "gone")]


def test_what_may_be_in_the_part_that_is_missing_is_not_gone() -> None:
    seen = Observer()
    seen.start_from("lab", [instance("7/w1"), instance("main")])
    partial = PartialRows([instance("7/", problem="?")], [Missing("no answer", kind="pod", prefix="7/")])
    events = seen.observe("lab", partial, NOON, missing=partial.missing)
    assert described(events) == [("main", "running", "gone")]
    assert seen.observe("lab", [instance("7/w1")], NOON) == []
    assert described(seen.observe("lab", [], NOON)) == [("7/w1", "running", "gone")]


async def test_a_list_that_lacks_rows_says_so_until_it_is_whole(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab, watch=[INSTANCES]) as fleet:
        lab.rows[INSTANCES] = PartialRows([], [Missing("id is missing", 2)])
        await clock.advance(6)
        feed = fleet.feed("lab", INSTANCES)
        assert feed.state is FeedState.FRESH
        assert str(feed.lacking) == "lab: the list of instances is incomplete: 2 rows cannot be read: id is missing."
        assert fleet.health()["lab"].message == "instances: incomplete"
        assert described(list(fleet.rows(EVENTS).values())) == []
        lab.rows[INSTANCES] = [pod("lab", "main")]
        await clock.advance(6)
        assert fleet.feed("lab", INSTANCES).lacking is None
        assert fleet.health()["lab"].message == ""


async def test_a_server_that_reports_events_of_some_kinds_is_observed_for_the_others(
    clock: FakeClock, lab: FakeBackend
) -> None:
    async def events_of(ref: Ref) -> list[Event]:
        raise AssertionError(ref)

    box = replace(pod("lab", "box"), ref=Ref("lab", "box", "box"))
    lab.rows[EVENTS] = []
    lab.events_of = events_of
    lab.without_events = frozenset({"box"})
    lab.rows[INSTANCES] = [pod("lab", "main"), box]
    async with running(clock, lab, watch=[EVENTS]) as fleet:
        lab.rows[INSTANCES] = [pod("lab", "main", "exited"), replace(box, status="off", phase=Phase.STOPPED)]
        await clock.advance(4)
        lab.rows[INSTANCES] = []
        await clock.advance(4)
        assert described(list(fleet.rows(EVENTS).values())) == [("box", "running", "off"), ("box", "off", "gone")]
        assert described(list(await fleet.events_of(box.ref))) == [("box", "running", "off"), ("box", "off", "gone")]
