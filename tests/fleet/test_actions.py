"""Acting on things: sent once, in the audit log before and after, marked while it lasts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest

from gputui.actions import ACTIONS
from gputui.api.capabilities import PreparedChange
from gputui.errors import (
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from gputui.history.history import History
from gputui.models import Action, ActionResult, Change, HealthState, Instance, Pending, Ref, Resource, Row, Secret
from tests.fleet.acting import INSTANCES, MAIN, begun
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running, settle


async def test_the_mark_stays_until_a_later_list_shows_the_effect(clock: FakeClock, lab: FakeBackend) -> None:
    marks: list[Pending | None] = []
    shown: list[tuple[str, bool]] = []
    async with running(clock, lab) as fleet:
        fleet.mutations.listeners.add(lambda ref: marks.append(fleet.mutations.pending(ref)))

        def show(change: Change) -> None:
            shown.extend(
                (getattr(row, "status", ""), fleet.mutations.pending(MAIN) is not None) for row in change.updated
            )

        fleet.subscribe(INSTANCES, show)
        lab.effects[Action.STOP] = [pod("lab", "main", "exited")]
        task = await begun(fleet, lab, MAIN, Action.STOP)
        older = lab.hold(INSTANCES)
        await clock.advance(5)
        assert marks == [Pending(Action.STOP, START)]
        lab.holds[Action.STOP].set()
        await task
        await settle()
        assert fleet.mutations.pending(MAIN) is not None, "the list asked for before cannot show the effect"
        older.set()
        await settle()
        assert fleet.mutations.pending(MAIN) is None
        assert marks[-1] is None
        assert shown == [("exited", True)]


async def test_while_something_is_under_way_the_list_is_read_every_second(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        task = await begun(fleet, lab, MAIN, Action.STOP)
        before = lab.calls[INSTANCES]
        await clock.advance(10)
        assert lab.calls[INSTANCES] - before == 10
        lab.holds[Action.STOP].set()
        await task


async def test_a_second_action_on_the_same_thing_is_refused_meanwhile(clock: FakeClock, lab: FakeBackend) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "other")]
    async with running(clock, lab) as fleet:
        task = await begun(fleet, lab, MAIN, Action.STOP)
        with pytest.raises(ConflictError, match="Already stopping main"):
            await fleet.act(MAIN, Action.DELETE)
        assert lab.calls[Action.DELETE] == 0
        await fleet.act(pod("lab", "other").ref, Action.DELETE)
        lab.holds[Action.STOP].set()
        await task
        await settle()
        await fleet.act(MAIN, Action.DELETE)


async def test_a_running_command_does_not_prevent_stopping_the_instance(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        command = await begun(fleet, lab, MAIN, Action.EXEC)
        assert fleet.mutations.pending(MAIN) is None
        assert (await fleet.act(MAIN, Action.STOP)).message == "stopped"
        lab.holds[Action.EXEC].set()
        await command


async def test_a_read_only_account_is_not_changed(clock: FakeClock, lab: FakeBackend, history: History) -> None:
    async with running(clock, lab, history=history, read_only=True) as fleet:
        assert fleet.actions(pod("lab", "main")) == {Action.SSH}
        assert fleet.creatable("lab") == ()
        for attempt in (
            fleet.act(MAIN, Action.STOP),
            fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"})),
            fleet.mutations.change_password("lab", Secret("hunter2")),
        ):
            with pytest.raises(ForbiddenError, match="read-only"):
                await attempt
        assert (await fleet.ssh_target(MAIN)).host == "127.0.0.1"
    assert sum(lab.calls[action] for action in Action if ACTIONS[action].mutates) == 0
    assert history.audit_log.entries() == []


async def test_what_a_back_end_cannot_do_is_refused_before_anything_is_sent(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(InvalidError):
            await fleet.act(MAIN, Action.SSH)
        with pytest.raises(NotFoundError, match="no account moon"):
            await fleet.act(Ref("moon", "pod", "main"), Action.STOP)
        with pytest.raises(InvalidError):
            await fleet.create(fleet.creator("lab", "spaceship").prepare({"name": "new"}))
    assert history.audit_log.entries() == []


async def test_a_detail_takes_its_place_in_the_store(clock: FakeClock, lab: FakeBackend) -> None:
    updated: list[Row] = []
    async with running(clock, lab) as fleet:
        fleet.subscribe(INSTANCES, lambda change: updated.extend(change.updated))
        stopped = pod("lab", "main", "exited")
        lab.rows[INSTANCES] = [stopped]
        assert await fleet.detail(MAIN) == stopped
        assert fleet.get(MAIN) == stopped
        assert updated == [stopped]


async def test_a_detail_of_something_gone_reads_the_list_again(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.rows[INSTANCES] = []
        with pytest.raises(NotFoundError):
            await fleet.detail(MAIN)
        await settle()
        assert fleet.get(MAIN) is None


async def test_an_ssh_target_is_fetched_again_each_time(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        ports = [(await fleet.ssh_target(MAIN)).port for _ in range(2)]
    assert ports == [23001, 23002]


async def test_all_about_an_account_is_kept_as_its_row(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        info = await fleet.account_info("lab")
        assert list(fleet.rows(Resource.ACCOUNTS).values()) == [info]
        assert not fleet.is_stale(info)


async def test_nothing_can_be_done_to_an_account_that_is_not_open(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    broken = UnavailableError("hub: no key.")
    async with running(clock, lab, history=history, unopenable={"hub": broken}) as fleet:
        train = pod("hub", "train")
        assert fleet.actions(train) == frozenset()
        with pytest.raises(UnavailableError, match="no key"):
            await fleet.act(train.ref, Action.STOP)
    assert history.audit_log.entries() == []


async def test_a_rate_limit_on_an_action_pauses_the_account(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.STOP] = RateLimitedError("lab: slow down.", retry_after=50)
    async with running(clock, lab) as fleet:
        asked = lab.calls[INSTANCES]
        with pytest.raises(RateLimitedError):
            await fleet.act(MAIN, Action.STOP)
        health = fleet.health()["lab"]
        assert (health.state, health.until) == (HealthState.LIMITED, START + timedelta(seconds=50))
        await clock.advance(49)
        assert lab.calls[INSTANCES] == asked
        await clock.advance(2)
        assert lab.calls[INSTANCES] == asked + 1


@pytest.mark.parametrize(
    ("now", "offered", "error", "named"),
    [
        ([], {Action.STOP}, NotFoundError, "gone"),
        ([pod("lab", "main", container_id="b")], {Action.STOP}, ConflictError, "another one"),
        ([pod("lab", "main", "exited", container_id="a")], {Action.START}, ConflictError, "it is exited"),
    ],
    ids=["gone", "recreated", "not offered"],
)
async def test_what_was_not_asked_about_is_left_alone(
    clock: FakeClock,
    lab: FakeBackend,
    history: History,
    now: list[Instance],
    offered: set[Action],
    error: type[GputuiError],
    named: str,
) -> None:
    lab.rows[INSTANCES] = [expected := pod("lab", "main", container_id="a")]
    async with running(clock, lab, history=history) as fleet:
        lab.rows[INSTANCES], lab.offered = now, frozenset(offered)
        await clock.advance(10)
        with pytest.raises(error, match=f"main is not the pod you were asked about any more: .*{named}"):
            await fleet.act(MAIN, Action.STOP, expected=expected)
        assert fleet.mutations.pending(MAIN) is None
    assert lab.calls[Action.STOP] == 0
    assert history.audit_log.entries() == []


@pytest.mark.parametrize("container_id", ["a", None])
async def test_the_one_that_was_asked_about_is_acted_on(
    clock: FakeClock, lab: FakeBackend, container_id: str | None
) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main", container_id=container_id)]
    async with running(clock, lab) as fleet:
        await fleet.act(MAIN, Action.STOP, expected=pod("lab", "main", container_id="a"))
    assert lab.calls[Action.STOP] == 1


async def test_a_change_of_another_row_is_not_sent(clock: FakeClock, lab: FakeBackend) -> None:
    sent = []

    async def send() -> ActionResult:
        sent.append(1)
        return ActionResult("")

    async with running(clock, lab) as fleet:
        change = PreparedChange(Ref("lab", "pod", "other"), {}, send)
        with pytest.raises(InvalidError, match=r"lab/pod/main: the prepared change is of lab/pod/other\."):
            await fleet.act(MAIN, Action.RENAME, change=change)
    assert not sent


async def test_lists_that_a_rate_limit_delays_are_not_awaited_for_longer_than_15_seconds(
    clock: FakeClock, lab: FakeBackend
) -> None:
    async with running(clock, lab) as fleet:
        fleet.runtime("lab").limit(RateLimitedError("lab: too many requests.", retry_after=300))
        reading = asyncio.ensure_future(fleet.reread([pod("lab", "main")]))
        await clock.advance(14)
        assert not reading.done()
        await clock.advance(1)
        with pytest.raises(UnavailableError, match=r"not read again within 15 s .* Nothing was sent\."):
            await reading


async def test_calls_in_flight_are_counted_commands_too(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        assert fleet.mutations.in_flight.total() == 0
        running_command = await begun(fleet, lab, MAIN, Action.EXEC)
        stopping = await begun(fleet, lab, MAIN, Action.STOP)
        assert fleet.mutations.in_flight == {"lab": 2}
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert fleet.mutations.in_flight == {"lab": 1}
        lab.holds[Action.EXEC].set()
        await running_command
        assert fleet.mutations.in_flight.total() == 0


def test_the_fleet_loads_nothing_that_would_delay_the_first_frame() -> None:
    heavy = {"textual", "httpx", "pydantic", "asyncssh", "sqlite3"}
    code = f"import sys, gputui.fleet; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"
