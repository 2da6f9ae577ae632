"""The stream of events: following, pausing, one instance's own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.models import Action, Change, Event, EventSource, Instance, Phase, Ref, Resource
from gputui.screens.events.view import EventsView
from gputui.widgets.waterfall import Waterfall
from tests.fleet.fakes import START, FakeBackend
from tests.screens.stage import NARROW, WIDE, Stage, staged
from tests.screens.world import backend, instance


async def change(stage: Stage, fake: FakeBackend, name: str, status: str) -> None:
    """Let an instance change its state, and be seen to."""
    others = [row for row in fake.rows[Resource.INSTANCES] if row.ref.id != name]
    fake.rows[Resource.INSTANCES] = [*others, *([instance("lab", name, status)] if status else [])]
    await stage.advance(6)


def fleet_of_two() -> FakeBackend:
    return backend("lab", [instance("lab", "bert"), instance("lab", "clip")])


async def test_changes_appear_with_where_from_and_where_to_also_on_a_narrow_screen() -> None:
    fake = fleet_of_two()
    async with staged(fake, view="4") as stage:
        assert "No events since gputui started." in stage.text

        # Changes appear with where from and where to.
        await change(stage, fake, "bert", "exited")
        assert "running" in stage.line_of("bert")
        assert "→ ○ exited" in stage.line_of("bert")
        assert "observed" in stage.line_of("bert")
        await change(stage, fake, "clip", "")
        assert "→ gone" in stage.line_of("clip")
        assert "following" in stage.title

        # In another order it does not pretend to follow.
        await change(stage, fake, "bert", "exited")
        await stage.press(">")
        assert "in another order: not following" in stage.title

        # Events are filtered and fit a narrow screen.
        await stage.press("<")
        fake.rows[Resource.INSTANCES] = fleet_of_two().rows[Resource.INSTANCES]
        await stage.advance(6)
        await stage.resize(*NARROW)
        await change(stage, fake, "bert", "exited")
        await change(stage, fake, "clip", "exited")
        await stage.command("filter name:clip")
        assert {row.name for row in shown(stage)} == {"clip"}
        assert "clip" in stage.line_of("→ ○ exited")


async def many(stage: Stage, fake: FakeBackend, count: int) -> None:
    for number in range(count):
        await change(stage, fake, "bert", "exited" if number % 2 == 0 else "running")


async def test_it_follows_the_newest_pauses_when_scrolled_up_and_resumes_again() -> None:
    fake = fleet_of_two()
    async with staged(fake, size=(80, 12), view="4") as stage:
        await many(stage, fake, 12)
        assert stage.table.viewport.at_end
        assert "   following" in stage.title
        await stage.press("k", "k")
        assert "paused  F to follow" in stage.title
        here = stage.here
        await many(stage, fake, 3)
        assert "3 new below ↓" in stage.title
        assert stage.here == here
        await stage.press("F")
        assert "   following" in stage.title
        assert "below" not in stage.title
        assert stage.table.viewport.at_end


async def test_the_stream_is_limited_to_one_instance_and_filtered() -> None:
    fake = fleet_of_two()
    async with staged(fake) as stage:
        await stage.press("e")
        assert "No events of it since gputui started." in stage.text

        # E limits to one instance.
        await stage.press("escape")
        await change(stage, fake, "bert", "exited")
        await change(stage, fake, "clip", "exited")
        await stage.press("e")
        assert stage.title.startswith("bert › Events")
        assert [getattr(stage.table.get(ref), "name", "") for ref in stage.table.visible_refs] == ["bert"]
        await stage.press("escape")
        assert stage.here == "bert"

        # Enter goes to the instance or describes what is left.
        await stage.press("4")
        await change(stage, fake, "bert", "running")
        await change(stage, fake, "bert", "exited")
        await stage.press("enter")
        assert stage.title.startswith("Instances")
        assert stage.here == "bert"
        await stage.press("4")
        await change(stage, fake, "bert", "")
        await stage.press("F", "enter")
        assert "gone" in stage.text
        assert stage.in_dialog


# --- a cloud that reports events ------------------------------------------------------------------------------------

TRAIN = Ref("hub", "deployment", "train")
PHASES = {"running": Phase.RUNNING, "shutdown": Phase.STOPPED, "failed": Phase.FAILED}


def container(name: str, parent: Ref = TRAIN) -> Instance:
    return replace(instance("hub", name), ref=Ref("hub", "container", name), parent=parent, host=f"m-{name}")


def came_up(name: str, minute: float, *steps: tuple[str, float], parent: Ref = TRAIN) -> list[Event]:
    """Return the events of a container that began at this minute; a step is a status and the seconds before it."""
    events: list[Event] = []
    at, before = START + timedelta(minutes=minute), None
    for status, seconds in steps:
        at += timedelta(seconds=seconds)
        ref = Ref("hub", "event", f"{name}/{status}/{minute}")
        phase = PHASES.get(status, Phase.PENDING)
        after = None if before is None else seconds
        events.append(
            Event(
                ref,
                Ref("hub", "container", name),
                name,
                at,
                status,
                phase,
                before,
                after,
                EventSource.REPORTED,
                parent,
            )
        )
        before = status
    return events


def usual(name: str, minute: float, starting: float = 31, parent: Ref = TRAIN) -> list[Event]:
    return came_up(name, minute, ("creating", 0), ("starting", 4), ("running", starting), parent=parent)


def cloud(events: Iterable[Event], *, gone: Iterable[str] = ()) -> FakeBackend:
    """Return an account that reports these events; their containers are there, but for those that are gone."""
    ordered = sorted(events, key=lambda row: row.at)
    fake = FakeBackend("hub", (Resource.INSTANCES, Resource.EVENTS))
    fake.offered = frozenset({Action.STOP, Action.SSH, Action.BLOCK})
    parents = {row.name: row.parent or TRAIN for row in ordered}
    fake.rows[Resource.INSTANCES] = [container(name, parent) for name, parent in parents.items() if name not in gone]
    fake.rows[Resource.EVENTS] = ordered
    return fake


def one_slow() -> list[Event]:
    return [*usual("a", -60), *usual("b", -50), *usual("slow", -30, 352)]


def shown(stage: Stage) -> list[Event]:
    return [row for ref in stage.table.visible_refs if isinstance(row := stage.table.get(ref), Event)]


async def test_reported_and_observed_events_are_together_in_the_order_of_time() -> None:
    fake = fleet_of_two()
    async with staged(fake, cloud(one_slow()), view="4") as stage:
        await change(stage, fake, "bert", "exited")
        rows = shown(stage)
        assert [row.at for row in rows] == sorted(row.at for row in rows)
        assert {row.source for row in rows} == set(EventSource)
        assert [row.name for row in rows] == ["a"] * 3 + ["b"] * 3 + ["slow"] * 3 + ["bert"]


async def test_late_events_are_followed_where_they_are_new_and_never_announced_where_they_are_old() -> None:
    fake = cloud(one_slow())
    async with staged(fake, size=(80, 10), view="4") as stage:
        fake.rows[Resource.EVENTS] = usual("earlier", -300)
        await stage.advance(5)
        assert stage.table.viewport.at_end
        assert "earlier" in {row.name for ref in stage.table.refs if isinstance(row := stage.table.get(ref), Event)}
        assert "new above" not in stage.title

        # The stream begins at the newest and follows.
        assert "   following" in stage.title
        fake.rows[Resource.EVENTS] = usual("late", 0)
        await stage.advance(5)
        assert stage.table.viewport.at_end
        assert stage.here == usual("late", 0)[-1].ref.id


async def test_a_slow_step_says_so_and_is_drawn_described_and_filtered() -> None:
    async with staged(cloud(one_slow()), view="4") as stage:
        line = stage.line_of("352 s")
        assert "slow: median 31 s" in line
        assert "m-slow" in line
        await stage.press("k")
        assert Action.BLOCK in stage.view.actions_here()
        assert sum("slow: median" in line for line in stage.lines) == 1

        # Slow steps can be filtered and count as problems.
        await stage.command("filter slow:")
        assert "There is no column" in stage.toasts
        await stage.command("filter remark:slow")
        assert [row.name for row in shown(stage)] == ["slow"]
        await stage.press("escape", "z")
        assert [row.status for row in shown(stage)] == ["running"]

        # The description has the whole start.
        await stage.press("z")
        await stage.press("end", "d")
        assert "Start-up" in stage.text
        assert "356 s in all, median 35 s of 2" in stage.text

        # The menu is that of the instance.
        await stage.press("escape")
        await stage.press("end", "a")
        assert "slow in hub" in stage.text
        assert "Block the host" in stage.text

        # Stop acts on the instance of the event.
        await stage.press("escape")
        await stage.press("end", "X")
        assert "Stop slow in hub?" in stage.text

        # Marked events act on each of their instances once.
        await stage.press("escape")
        await stage.press("g", "space", "space", "space", "space", "X")
        assert "Stop 2 containers in hub?" in stage.text


async def test_a_slow_step_follows_the_median_and_names_no_host_when_its_instance_is_gone() -> None:
    fake = cloud([*usual("a", -60), *usual("slow", -30, 352)])
    async with staged(fake, view="4") as stage:
        fake.rows[Resource.EVENTS] = usual("b", -20, 41)
        fake.rows[Resource.INSTANCES] = [container("a")]
        await stage.advance(31)
        assert "slow: median 36 s" in stage.line_of("352 s")
        assert "m-slow" not in stage.text


async def test_b_blocks_the_host_of_the_event() -> None:
    async with staged(cloud(one_slow(), gone=["a"]), view="4") as stage:
        await stage.press("end")
        assert isinstance(stage.view, EventsView)
        assert [row.ref for row in stage.view.targets()] == [Ref("hub", "container", "slow")]
        assert Action.BLOCK in stage.view.actions_here()
        await stage.press("b")
        assert "Block host m-slow in hub?" in stage.text
        assert "creating→running took 356 s, median 35 s" in stage.text
        await stage.press("escape", "g")
        assert stage.view.actions_here() == frozenset(), "an event of what is gone"


async def test_the_start_of_the_instance_under_the_cursor_is_drawn_below_where_there_is_room() -> None:
    async with staged(cloud(one_slow()), size=(80, 23), view="4") as stage:
        assert "others" not in stage.text
        for size in (NARROW, WIDE):
            await stage.resize(*size)
            await stage.advance(0)
            await stage.press("end")
            assert "▇ 352   running" in stage.text
            assert "31 (median of 2)" in stage.line_of("others")
            await stage.press("g")
            assert "▇ 31   running" in stage.text


async def test_what_has_no_start_leaves_the_lines_free_and_a_deployment_limits_the_stream() -> None:
    other = Ref("hub", "deployment", "eval")
    events = [*one_slow(), *usual("e", -5, parent=other), *came_up("x", -1, ("shutdown", 0))]
    async with staged(cloud(events), view="4") as stage:
        await stage.press("end")
        assert stage.view.query_one(Waterfall).display
        assert "others" not in stage.text

        # A deployment limits the stream to its instances.
        stage.app.views.go("events", scope=other)
        await stage.advance(0)
        assert {row.name for row in shown(stage)} == {"e"}
        assert "eval › Events" in stage.title


async def test_what_comes_in_another_view_is_there_and_at_rest_nothing_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = cloud(one_slow())
    async with staged(fake, view="4") as stage:
        before = stage.names
        await stage.press("3")
        await stage.advance(0)
        fake.rows[Resource.EVENTS] = usual("late", 0)
        stage.fleet.refresh([Resource.EVENTS])
        await stage.advance(1)
        await stage.press("4")
        await stage.advance(0)
        assert stage.names == [*before, *(row.ref.id for row in usual("late", 0))]
        assert stage.view.query_one(Waterfall).display

        # At rest nothing is drawn again.
        await stage.press("end")
        drawn: list[object] = []
        for widget in stage.view.query("*"):
            monkeypatch.setattr(widget, "refresh", lambda *regions, **_: drawn.append(regions))
        await stage.advance(30)
        assert drawn == []


async def test_events_dropped_beyond_the_bound_are_not_shown_or_counted_as_new() -> None:
    async with staged(cloud(one_slow()), size=(80, 12), view="4") as stage:
        await stage.press("end", "k")
        view, rows, new = stage.view, shown(stage), usual("late", 5)
        assert isinstance(view, EventsView)
        view._changed(Change(added=tuple(new), removed=tuple(row.ref for row in rows[:3])))
        assert [row.ref for row in shown(stage)] == [row.ref for row in (*rows[3:], *new)]
        assert "3 new below" in stage.title


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let local time be nine hours before that of Greenwich."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
async def test_times_follow_the_choice_of_utc_also_when_it_was_made_in_another_view() -> None:
    async with staged(cloud(one_slow()), view="4") as stage:
        assert "11:35:56" in stage.line_of("352 s")
        await stage.press("3")
        stage.app.session.choose(utc=False)
        await stage.press("4")
        await stage.advance(0)
        assert "20:35:56" in stage.line_of("352 s")
