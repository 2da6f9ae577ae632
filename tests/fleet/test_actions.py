"""Acting on things: sent once, in the audit log before and after, marked while it lasts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

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
    UnknownOutcomeError,
)
from gputui.fleet import Fleet
from gputui.history.history import AuditEntry, History, Outcome
from gputui.models import Action, ActionResult, Change, HealthState, Instance, Pending, Ref, Resource, Row, Secret
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running, settle

INSTANCES = Resource.INSTANCES
MAIN = pod("lab", "main").ref
LOST = UnknownOutcomeError("lab: the answer never came.")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lab() -> FakeBackend:
    backend = FakeBackend("lab", [INSTANCES, Resource.IMAGES])
    backend.rows[INSTANCES] = [pod("lab", "main")]
    return backend


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite3")


async def begun(fleet: Fleet, lab: FakeBackend, ref: Ref, action: Action) -> asyncio.Task[ActionResult]:
    """Begin an action that the back end holds, and return once it has been sent."""
    lab.hold(action)
    lab.sent.clear()
    arguments = {"command": "sleep 9"} if action is Action.EXEC else {}
    task = asyncio.ensure_future(fleet.act(ref, action, arguments=arguments))
    async with asyncio.timeout(10):
        await lab.sent.wait()
    return task


def only(history: History) -> AuditEntry:
    (entry,) = history.audit()
    return entry


async def test_an_action_is_in_the_audit_log_before_it_is_sent_and_after(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        task = await begun(fleet, lab, MAIN, Action.STOP)
        entry = only(history)
        assert (entry.ref, entry.action, entry.outcome) == ("lab/pod/main", "stop", Outcome.STARTED)
        assert entry.user
        await clock.advance(10)
        lab.holds[Action.STOP].set()
        assert (await task).message == "stopped"
        entry = only(history)
        assert (entry.outcome, entry.detail, entry.finished_at) == (Outcome.DONE, "stopped", clock.now())


async def test_of_a_long_value_the_audit_log_has_how_long_it_is(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        await fleet.create(
            fleet.creator("lab", "pod").prepare({"ins": "new", "image": "x" * 201, "gpu_ids": "0", "name": "new"})
        )
    summary = only(history).summary
    assert "image=… (201 characters)" in summary
    assert "ins=new" in summary
    assert "gpu_ids=0" in summary


async def test_of_what_is_asked_for_and_its_headers_the_audit_log_has_how_long_they_are(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    given = {"name": "new", "input": '{"prompt": "mine", "pw": "x"}', "headers": "X-Team: vision"}
    async with running(clock, lab, history=history) as fleet:
        await fleet.create(fleet.creator("lab", "pod").prepare(given))
    assert only(history).summary.endswith("name=new, input=… (29 characters), headers=… (14 characters)")


async def test_a_refused_action_is_raised_and_logged_as_failed(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.STOP] = ConflictError("lab: main is not running.")
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(ConflictError, match="main is not running"):
            await fleet.act(MAIN, Action.STOP)
        assert fleet.mutations.pending(MAIN) is None
    assert (only(history).outcome, only(history).detail) == (Outcome.FAILED, "lab: main is not running.")


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


async def test_a_running_command_keeps_nobody_from_stopping_the_instance(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        command = await begun(fleet, lab, MAIN, Action.EXEC)
        assert fleet.mutations.pending(MAIN) is None
        assert (await fleet.act(MAIN, Action.STOP)).message == "stopped"
        lab.holds[Action.EXEC].set()
        await command


async def test_a_command_and_its_end_are_told_and_logged(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        result = await fleet.act(MAIN, Action.EXEC, arguments={"command": "nvidia-smi", "timeout": "5"})
        assert result.exec is not None
        assert result.exec.output == "ran nvidia-smi"
        for arguments in ({}, {"command": "  "}, {"command": "ls", "timeout": "soon"}):
            with pytest.raises(InvalidError):
                await fleet.act(MAIN, Action.EXEC, arguments=arguments)
    assert lab.calls[Action.EXEC] == 1
    assert only(history).summary == "exec main: command=nvidia-smi, timeout=5"
    assert only(history).detail == "exit code 0"


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
    assert history.audit() == []


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
    assert history.audit() == []


async def test_nothing_is_sent_when_the_audit_log_cannot_be_written(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("in the way")
    async with running(clock, lab, history=History(tmp_path / "state" / "history.sqlite3")) as fleet:
        with pytest.raises(GputuiError, match="Nothing was sent"):
            await fleet.act(MAIN, Action.STOP)
        assert fleet.mutations.pending(MAIN) is None
    assert lab.calls[Action.STOP] == 0


async def test_an_unknown_outcome_is_logged_as_such_raised_and_the_list_read_anew(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.STOP] = LOST
    async with running(clock, lab, history=history) as fleet:
        before = lab.calls[INSTANCES]
        with pytest.raises(UnknownOutcomeError, match="never came"):
            await fleet.act(MAIN, Action.STOP)
        await settle()
        assert lab.calls[INSTANCES] > before
        assert fleet.mutations.pending(MAIN) is None
    assert lab.calls[Action.STOP] == 1
    assert only(history).outcome is Outcome.UNKNOWN


async def test_a_fault_while_sending_is_an_unknown_outcome(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.STOP] = KeyError("log")
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.act(MAIN, Action.STOP)
    assert only(history).outcome is Outcome.UNKNOWN


async def test_a_cancelled_action_is_logged_as_unknown_and_not_repeated(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        task = await begun(fleet, lab, MAIN, Action.STOP)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fleet.mutations.pending(MAIN) is None
        await clock.advance(60)
    assert lab.calls[Action.STOP] == 1
    assert (only(history).outcome, only(history).detail) == (Outcome.UNKNOWN, "cancelled while in flight")


async def test_an_action_cancelled_before_it_was_sent_is_logged_as_that(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        task = asyncio.ensure_future(fleet.act(MAIN, Action.STOP))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fleet.mutations.pending(MAIN) is None
        async with asyncio.timeout(10):
            while not (entries := history.audit()) or entries[0].outcome is Outcome.STARTED:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert lab.calls[Action.STOP] == 0
    assert (only(history).outcome, only(history).detail) == (Outcome.FAILED, "cancelled before it was sent")


async def test_creating_marks_what_will_be_and_logs_no_secrets(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    new = Ref("lab", "pod", "new")
    async with running(clock, lab, history=history) as fleet:
        assert (await fleet.creator("lab", "pod").form()).kind == "pod"
        with pytest.raises(InvalidError) as caught:
            await fleet.create(fleet.creator("lab", "pod").prepare({}))
        assert caught.value.fields == {"name": "is missing"}
        values = {"name": "new", "image": "cuda", "root_password": "hunter2", "env": "HF_TOKEN=hunter2"}
        lab.effects[Action.CREATE] = [pod("lab", "main"), pod("lab", "new", "created")]
        result = await fleet.create(fleet.creator("lab", "pod").prepare(values))
        assert result.created == new
        await settle()
        assert fleet.get(new) is not None
        assert fleet.mutations.pending(new) is None
    assert only(history).ref == "lab/pod/new"
    assert only(history).summary == "create new: name=new, image=cuda, root_password=…, env=…"


async def test_a_create_whose_answer_was_lost_is_found_in_the_list(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.CREATE] = LOST
    lab.effects[Action.CREATE] = [pod("lab", "main"), pod("lab", "new", "created")]
    async with running(clock, lab, history=history) as fleet:
        result = await fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"}))
        assert result.created == Ref("lab", "pod", "new")
        assert "has been created" in result.message
    assert lab.calls[Action.CREATE] == 1
    assert only(history).outcome is Outcome.DONE


async def test_a_create_that_is_not_in_the_list_stays_unknown(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(UnknownOutcomeError, match="is not in the list") as caught:
            await fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"}))
        assert "before you try again" in caught.value.hint
        assert fleet.mutations.pending(Ref("lab", "pod", "new")) is None
    assert lab.calls[Action.CREATE] == 1
    assert only(history).outcome is Outcome.UNKNOWN


async def test_something_of_that_name_from_before_does_not_prove_that_it_was_created(
    clock: FakeClock, lab: FakeBackend
) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.create(fleet.creator("lab", "pod").prepare({"name": "main"}))


async def test_looking_for_what_was_created_does_not_wait_for_ever(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab) as fleet:
        held = lab.hold(INSTANCES)
        task = asyncio.ensure_future(fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"})))
        await clock.advance(14)
        assert not task.done()
        await clock.advance(2)
        with pytest.raises(UnknownOutcomeError):
            await task
        held.set()


async def test_a_new_password_is_in_no_log(clock: FakeClock, lab: FakeBackend, history: History) -> None:
    async with running(clock, lab, history=history) as fleet:
        await fleet.mutations.change_password("lab", Secret("hunter2"))
    entry = only(history)
    assert (entry.ref, entry.action, entry.outcome) == ("lab/account/lab", "passwd", Outcome.DONE)
    assert "hunter2" not in repr(entry)


async def test_a_detail_takes_its_place_in_the_store(clock: FakeClock, lab: FakeBackend) -> None:
    updated: list[Row] = []
    async with running(clock, lab) as fleet:
        fleet.subscribe(INSTANCES, lambda change: updated.extend(change.updated))
        stopped = pod("lab", "main", "exited")
        lab.rows[INSTANCES] = [stopped]
        assert await fleet.detail(MAIN) == stopped
        assert fleet.get(MAIN) == stopped
        assert updated == [stopped]


async def test_a_detail_of_something_gone_reads_the_list_anew(clock: FakeClock, lab: FakeBackend) -> None:
    async with running(clock, lab) as fleet:
        lab.rows[INSTANCES] = []
        with pytest.raises(NotFoundError):
            await fleet.detail(MAIN)
        await settle()
        assert fleet.get(MAIN) is None


async def test_an_ssh_target_is_fetched_anew_each_time(clock: FakeClock, lab: FakeBackend) -> None:
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
    assert history.audit() == []


async def test_what_is_in_the_audit_log_and_in_an_error_holds_no_secret(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.EXEC] = RuntimeError("GET https://alice:hunter2@lab \x1b[31m")
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(UnknownOutcomeError) as caught:
            await fleet.act(MAIN, Action.EXEC, arguments={"command": "export HF_TOKEN=hunter2; ls"})
    entry = only(history)
    assert entry.summary == "exec main: command=export HF_TOKEN=***; ls"
    for text in (str(caught.value), entry.detail):
        assert "RuntimeError: GET https://***@lab \ufffd[31m" in text


async def test_a_rate_limit_told_to_an_action_pauses_the_account(clock: FakeClock, lab: FakeBackend) -> None:
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
    ("now", "offered", "error", "told"),
    [
        ([], {Action.STOP}, NotFoundError, "gone"),
        ([pod("lab", "main", container_id="b")], {Action.STOP}, ConflictError, "another one"),
        ([pod("lab", "main", "exited", container_id="a")], {Action.START}, ConflictError, "it is exited"),
    ],
    ids=["gone", "made anew", "not offered"],
)
async def test_what_was_not_asked_about_is_left_alone(
    clock: FakeClock,
    lab: FakeBackend,
    history: History,
    now: list[Instance],
    offered: set[Action],
    error: type[GputuiError],
    told: str,
) -> None:
    lab.rows[INSTANCES] = [expected := pod("lab", "main", container_id="a")]
    async with running(clock, lab, history=history) as fleet:
        lab.rows[INSTANCES], lab.offered = now, frozenset(offered)
        await clock.advance(10)
        with pytest.raises(error, match=f"main is not the pod you were asked about any more: .*{told}"):
            await fleet.act(MAIN, Action.STOP, expected=expected)
        assert fleet.mutations.pending(MAIN) is None
    assert lab.calls[Action.STOP] == 0
    assert history.audit() == []


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


async def test_a_list_that_comes_while_the_audit_log_is_written_still_counts(
    clock: FakeClock, lab: FakeBackend, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.rows[INSTANCES] = [expected := pod("lab", "main", container_id="a")]
    begun, go_on = threading.Event(), threading.Event()
    begin_audit = history.begin_audit

    def slowly(**values: Any) -> int:
        begun.set()
        go_on.wait(10)
        return begin_audit(**values)

    monkeypatch.setattr(history, "begin_audit", slowly)
    async with running(clock, lab, history=history) as fleet:
        acting = asyncio.ensure_future(fleet.act(MAIN, Action.STOP, expected=expected))
        await asyncio.to_thread(begun.wait, 10)
        lab.rows[INSTANCES] = [pod("lab", "main", container_id="b")]
        await clock.advance(10)
        go_on.set()
        with pytest.raises(ConflictError, match="another one"):
            await acting
    assert lab.calls[Action.STOP] == 0
    assert only(history).outcome is Outcome.FAILED


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


# --- several rows -----------------------------------------------------------------------------------------------


class Slow(FakeBackend):
    """Its actions wait until their row is released; ``running`` are those that do."""

    def __init__(self) -> None:
        super().__init__("lab")
        self.rows[INSTANCES] = [pod("lab", name) for name in "abcdef"]
        self.running: dict[str, asyncio.Future[None]] = {}

    async def stop(self, ref: Ref) -> ActionResult:
        self.running[ref.id] = asyncio.get_running_loop().create_future()
        try:
            await self.running[ref.id]
        finally:
            del self.running[ref.id]
        return ActionResult(f"stopped {ref.id}")


async def test_rows_are_acted_on_a_few_at_a_time_and_a_failure_leaves_the_others(clock: FakeClock) -> None:
    slow = Slow()
    async with running(clock, slow) as fleet:
        ended: list[str] = []
        rows = list(fleet.rows(INSTANCES).values())
        all_of_them = asyncio.ensure_future(
            fleet.act_on_all(
                Action.STOP, rows, lambda _: {}, at_once=2, ended=lambda row, outcome: ended.append(row.ref.id)
            )
        )
        await settle()
        assert set(slow.running) == {"a", "b"}
        slow.running["b"].set_exception(UnavailableError("lab: no answer."))
        await settle()
        assert (set(slow.running), ended) == ({"a", "c"}, ["b"])
        while not all_of_them.done():
            next(iter(slow.running.values())).set_result(None)
            await settle()
        outcomes = await all_of_them
        assert [row.ref.id for row, _ in outcomes] == list("abcdef")
        assert [row.ref.id for row, outcome in outcomes if isinstance(outcome, GputuiError)] == ["b"]
        assert sorted(ended) == list("abcdef")


async def test_a_fault_of_one_row_is_raised_after_the_others_have_ended(clock: FakeClock) -> None:
    slow = Slow()
    async with running(clock, slow) as fleet:
        stopped: list[str] = []

        def report(row: Row, outcome: ActionResult | GputuiError) -> None:
            if row.ref.id == "a":
                raise BrokenPipeError
            stopped.append(row.ref.id)

        rows = list(fleet.rows(INSTANCES).values())[:3]
        all_of_them = asyncio.ensure_future(fleet.act_on_all(Action.STOP, rows, lambda _: {}, ended=report))
        await settle()
        for name in "abc":
            slow.running[name].set_result(None)
            await settle()
        with pytest.raises(BrokenPipeError):
            await all_of_them
        assert stopped == ["b", "c"]
