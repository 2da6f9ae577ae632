"""What the audit log has of each change, before it is sent and after; never a secret."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from gputui.errors import (
    ConflictError,
    GputuiError,
    InvalidError,
    UnknownOutcomeError,
)
from gputui.history.history import History
from gputui.models import Action, Outcome, Secret
from tests.fleet.acting import INSTANCES, LOST, MAIN, begun, only
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle
from tests.threads import held_threads, no_thread_is_free


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


async def test_what_the_agent_does_names_it_with_the_user(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        fleet.mutations.auditor.by_agent = True
        task = await begun(fleet, lab, MAIN, Action.STOP)
        assert only(history).user.endswith(" (agent)")
        lab.holds[Action.STOP].set()
        await task


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


async def test_a_command_and_its_end_are_reported_and_logged(
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


async def test_nothing_is_sent_when_the_audit_log_cannot_be_written(
    clock: FakeClock, lab: FakeBackend, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("in the way")
    async with running(clock, lab, history=History(tmp_path / "state" / "history.sqlite3")) as fleet:
        with pytest.raises(GputuiError, match="Nothing was sent"):
            await fleet.act(MAIN, Action.STOP)
        assert fleet.mutations.pending(MAIN) is None
    assert lab.calls[Action.STOP] == 0


async def test_an_unknown_outcome_is_logged_as_such_raised_and_the_list_read_again(
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
            while not (entries := history.audit_log.entries()) or entries[0].outcome is Outcome.STARTED:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert lab.calls[Action.STOP] == 0
    assert (only(history).outcome, only(history).detail) == (Outcome.FAILED, "cancelled before it was sent")


async def test_a_session_ends_after_the_outcome_of_an_action_that_was_not_sent(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    async with running(clock, lab, history=history) as fleet:
        with no_thread_is_free() as free:
            task = asyncio.ensure_future(fleet.act(MAIN, Action.STOP))
            await settle()
            task.cancel()
            await settle()
            free.set()
            await fleet.mutations.finish()
        assert (only(history).outcome, only(history).detail) == (Outcome.FAILED, "cancelled before it was sent")


async def test_a_new_password_is_in_no_log(clock: FakeClock, lab: FakeBackend, history: History) -> None:
    async with running(clock, lab, history=history) as fleet:
        await fleet.mutations.change_password("lab", Secret("hunter2"))
    entry = only(history)
    assert (entry.ref, entry.action, entry.outcome) == ("lab/account/lab", "passwd", Outcome.DONE)
    assert "hunter2" not in repr(entry)


async def test_what_is_in_the_audit_log_and_in_an_error_contains_no_secret(
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


async def test_a_list_that_comes_while_the_audit_log_is_written_still_counts(
    clock: FakeClock, lab: FakeBackend, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.rows[INSTANCES] = [expected := pod("lab", "main", container_id="a")]
    begun, go_on = threading.Event(), threading.Event()
    begin_audit = history.audit_log.begin

    def slowly(**values: Any) -> int:
        begun.set()
        go_on.wait(10)
        return begin_audit(**values)

    monkeypatch.setattr(history.audit_log, "begin", slowly)
    async with running(clock, lab, history=history) as fleet:
        acting = asyncio.ensure_future(fleet.act(MAIN, Action.STOP, expected=expected))
        await asyncio.to_thread(begun.wait, 10)
        lab.rows[INSTANCES] = [pod("lab", "main", container_id="b")]
        with held_threads():
            await clock.advance(10)
        go_on.set()
        with pytest.raises(ConflictError, match="another one"):
            await acting
    assert lab.calls[Action.STOP] == 0
    assert only(history).outcome is Outcome.FAILED
