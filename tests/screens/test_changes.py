"""Changing things: asked first, sent once, to what was meant, and the outcome reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Button, Input, Select

from gputui.errors import ConflictError, InvalidError, UnavailableError, UnknownOutcomeError
from gputui.history.history import History
from gputui.models import (
    Action,
    ActionResult,
    Deployment,
    Phase,
    Ref,
    Resource,
    Row,
)
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import confirm, creating, sent
from tests.screens.stage import staged
from tests.screens.world import attic, backend, fail, instance, lab
from tests.storage import Store, endpoint


async def test_stop_names_what_it_does_to_what_with_cancel_in_focus() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("end", "X")
        for part in (
            "Stop train in lab?",
            "● train   running   GPUs: #0,1 RTX 4090",
            "All processes stop. The disk is kept.",
            "2 processes use its GPUs now, with 24.0G of GPU memory: work is lost.",
        ):
            assert part in stage.text
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        for key in ("enter", "escape", "n"):
            await stage.press(key)
            assert not stage.in_dialog
            assert sent(fake) == {}
            await stage.press("X")
        await stage.press("escape")
        await stage.burst("X", "y")
        assert stage.dialogs == ["ConfirmDialog"]  # typed before the question was there
        assert sent(fake) == {}
        await stage.press("y")
        assert not stage.in_dialog
        assert sent(fake) == {Action.STOP: 1}


async def test_a_confirmed_stop_is_sent_once_shown_on_the_row_and_reported() -> None:
    fake = lab()
    answer = fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("end", "X")
        await confirm(stage)
        assert sent(fake) == {Action.STOP: 1}
        assert "◐ stopping…" in stage.line_of("train")
        await stage.press("X")
        await confirm(stage)
        assert sent(fake) == {Action.STOP: 1}
        assert "Already stopping train." in stage.toasts
        fake.rows[Resource.INSTANCES] = [instance("lab", "train", "exited")]
        answer.set()
        await stage.advance(1)
        assert "train stopped." in stage.toasts
        assert "○ exited" in stage.line_of("train")
        assert sent(fake) == {Action.STOP: 1}


async def test_the_target_is_what_the_cursor_was_on_when_the_key_was_pressed() -> None:
    class Recording(FakeBackend):
        stopped: list[str] = []  # noqa: RUF012  (one test)

        async def stop(self, ref):  # type: ignore[no-untyped-def]
            self.stopped.append(ref.id)
            return await super().stop(ref)

    fake = Recording("lab")
    fake.rows[Resource.INSTANCES] = [instance("lab", "bert"), instance("lab", "clip")]
    async with staged(fake) as stage:
        await stage.press("X")
        assert "Stop bert in lab?" in stage.text
        fake.rows[Resource.INSTANCES] = [instance("lab", name) for name in ("alexnet", "bert", "clip")]
        await stage.advance(6)
        stage.table.select(Ref("lab", "pod", "clip"))
        await confirm(stage)
        assert fake.stopped == ["bert"]


async def test_several_marked_rows_are_all_named_and_each_sent_once_when_their_count_is_typed() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("space", "space", "X")
        assert "Stop 2 pods in lab?" in stage.text
        assert "eval" in stage.text
        assert "fresh" in stage.text
        assert "All processes in them stop. The disks are kept." in stage.text
        assert "Type 2 to confirm:" in stage.text
        await stage.press("enter", "y", "enter", "tab", "enter")
        assert sent(fake) == {}
        await stage.press("space", "space", "k", "k", "space", "space", "X")
        await stage.type("2")
        await stage.press("enter")
        await stage.advance(1)
        assert sent(fake) == {Action.STOP: 2}
        assert "2 of 2 stopped." in stage.toasts
        await stage.press("ctrl+backslash", "g", "space", "space", "space", "D")
        assert "Type 3 to confirm:" in stage.text
        await stage.type("2")
        await stage.press("enter")
        assert sent(fake) == {Action.STOP: 2}
        await stage.press("backspace")
        await stage.type("3")
        await stage.press("enter")
        assert sent(fake) == {Action.STOP: 2, Action.DELETE: 3}


# --- delete -----------------------------------------------------------------------------------------------------


async def test_deleting_needs_a_yes_for_what_is_stopped_and_the_name_of_what_runs() -> None:
    fake = lab()
    async with staged(fake) as stage:
        await stage.press("D")
        assert "This cannot be undone." in stage.text
        assert not stage.app.screen.query(Input)
        await confirm(stage)
        assert sent(fake) == {Action.DELETE: 1}
        await stage.press("end", "D")
        assert "Type train to confirm:" in stage.text
        await stage.press("y", "enter")
        assert stage.dialogs == ["ConfirmDialog"]
        assert stage.app.screen.query_one("#typed", Input).value == "y", "a letter, no answer"
        await stage.press("ctrl+u")
        await stage.type("trai")
        await stage.press("enter", "tab", "enter")
        assert not stage.in_dialog
        assert sent(fake) == {Action.DELETE: 1}
        await stage.press("D")
        await stage.type("train")
        await stage.press("enter")
        await stage.advance(1)
        assert sent(fake) == {Action.DELETE: 2}
        assert "train deleted." in stage.toasts


# --- outcomes ---------------------------------------------------------------------------------------------------


async def test_what_went_wrong_is_reported_and_the_row_is_free_again() -> None:
    fake = lab()
    async with staged(fake) as stage:
        for count, (error, title) in enumerate(
            (
                (ConflictError("train is being removed.", hint="Wait."), "stop train: Conflict"),
                (UnknownOutcomeError("The answer to stop never came."), "stop train: Outcome unknown"),
            ),
            start=1,
        ):
            fake.errors[Action.STOP] = error
            await stage.press("end", "X")
            await confirm(stage)
            await stage.advance(1)
            assert title in stage.toasts
            assert str(error) in stage.toasts
            assert "● running" in stage.line_of("train")
            assert sent(fake) == {Action.STOP: count}
        fail(fake, UnavailableError("no answer"))
        await stage.advance(6)
        await stage.press("end", "X")
        assert "The rows of lab are as of" in stage.text


async def test_read_only_offers_no_change_by_key_footer_or_command_bar() -> None:
    fake = lab()
    async with staged(fake, read_only=True) as stage:
        assert "read-only" in stage.header
        assert " X stop" not in stage.lines[-1]
        assert "n new" not in stage.lines[-1]
        for key in ("X", "D", "S", "R", "x", "n"):
            stage.app.clear_notifications()
            await stage.press(key)
            assert not stage.in_dialog, key
            assert "read-only" in stage.toasts or "no account shown allows it" in stage.toasts, key
        for command in ("stop train", "delete train", "exec train", "new lab"):
            await stage.command(command)
            assert not stage.in_dialog, command
        assert sent(fake) == {}


async def test_the_audit_log_shows_who_did_what(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    fake = lab()
    async with staged(fake, history=history) as stage:
        await stage.press("end", "X")
        await confirm(stage)
        await stage.until(lambda: "train stopped." in stage.toasts)
        await stage.until(lambda: any(entry.outcome == "done" for entry in history.audit_log.entries()))
        await stage.command("log")
        await stage.until_text("lab/pod/train")
        assert "done" in stage.text
    history.close()


async def test_quitting_while_something_is_under_way_asks() -> None:
    fake = lab()
    answer = fake.hold(Action.STOP)
    async with staged(fake) as stage:
        await stage.press("end", "X")
        await confirm(stage)
        await stage.press("q")
        assert "Something is still under way in lab." in stage.text
        await stage.press("enter")
        assert not stage.ended()
        assert not stage.in_dialog
        await stage.press("q", "right", "enter")
        assert stage.ended()
        answer.set()


# --- create -----------------------------------------------------------------------------------------------------


async def test_the_form_complains_at_the_field_and_creates_one_pod_that_is_shown() -> None:
    fake = creating()
    async with staged(fake, attic()) as stage:
        await stage.press("n")
        assert "Create in" in stage.text
        await stage.press("1")
        assert "New pod in lab" in stage.text
        assert "The image is pulled first." in stage.text
        assert "dry run" not in stage.text
        await stage.press("ctrl+t")
        assert stage.dialogs == ["FormDialog"]
        await stage.press("enter")
        assert "is missing" in stage.text
        assert isinstance(stage.app.focused, Input)
        assert stage.app.focused.id == "field-name"
        await stage.type("exp-1")
        await stage.press("tab", "enter", "down", "down", "enter", "tab", "enter")
        assert "Create this pod in lab?" in stage.text
        assert "exp-1" in stage.text
        assert "cuda:12.4" in stage.text
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("enter")
        assert "New pod in lab" in stage.text, "declining returns to the form as it was filled in"
        assert stage.app.screen.query_one("#field-name", Input).value == "exp-1"
        assert stage.app.screen.query_one(Select).value == "cuda:12.4"
        assert sent(fake) == {}
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.advance(1)
        assert sent(fake) == {Action.CREATE: 1}
        assert fake.sent_values == {"name": "exp-1", "image": "cuda:12.4", "port": ""}
        assert "exp-1" in stage.names
        assert stage.here == "exp-1"


async def test_a_request_of_other_values_than_those_confirmed_is_not_sent() -> None:
    fake = creating()
    creator = fake.creators["pod"]
    prepare = creator.prepare
    creator.prepare = lambda values: replace(prepare(values), values={"name": "earlier"})  # type: ignore[method-assign]
    async with staged(fake) as stage:
        await stage.press("n")
        await stage.type("exp-1")
        await stage.press("tab", "enter", "down", "down", "enter", "tab", "enter")
        assert "Create this pod in lab?" in stage.text
        await confirm(stage)
        assert "The prepared request is not" in stage.text
        assert "Open the form again." in stage.toasts
        assert sent(fake) == {}


async def test_a_refused_create_is_reported_and_a_lost_answer_looked_for_before_it_is_called_unknown() -> None:
    fake = creating()
    fake.errors[Action.CREATE] = InvalidError("The quota of 4 pods is used up.")
    async with staged(fake) as stage:
        await stage.press("n")
        await stage.type("exp-1")
        await stage.press("tab", "tab", "enter")
        await confirm(stage)
        await stage.advance(1)
        assert "The quota of 4 pods is used up." in stage.toasts
        assert sent(fake) == {Action.CREATE: 1}
        assert stage.dialogs == ["FormDialog"]
        fake.errors[Action.CREATE] = UnknownOutcomeError("The answer never came.")
        fake.effects[Action.CREATE] = [instance("lab", "train"), instance("lab", "exp-1", "created")]
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.advance(20)
        assert "has been created" in stage.toasts
        assert stage.here == "exp-1"
        assert sent(fake) == {Action.CREATE: 2}


async def test_saving_as_an_image_asks_for_a_tag_and_then_again() -> None:
    fake = lab()
    fake.offered |= {Action.COMMIT}
    async with staged(fake) as stage:
        await stage.command("commit train")
        await stage.type("v2")
        await stage.press("enter")
        assert "Save train in lab?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert sent(fake) == {Action.COMMIT: 1}


async def test_an_image_that_needs_a_name_is_not_saved_without(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = lab()
    fake.offered |= {Action.COMMIT}
    monkeypatch.setattr(fake, "options", lambda _row, action: {"named"} if action is Action.COMMIT else set())
    async with staged(fake) as stage:
        await stage.command("commit train")
        await stage.press("enter")
        assert "Type a name." in stage.text
        assert "Save train in lab?" not in stage.text


async def test_a_password_is_asked_twice_and_never_shown() -> None:
    fake = backend("lab", [instance("lab", "train")])
    fake.offered |= {Action.CHANGE_PASSWORD}
    async with staged(fake) as stage:
        await stage.command("passwd lab")
        await stage.type("hunter22")
        assert "hunter22" not in stage.text
        await stage.press("enter")
        await stage.type("other")
        await stage.press("enter")
        assert "The two are not the same." in stage.text
        await stage.press(*["backspace"] * 5)
        await stage.type("hunter22")
        await stage.press("enter")
        await stage.settle()
        assert fake.calls[Action.CHANGE_PASSWORD] == 1
        assert "hunter22" not in stage.text + stage.toasts


async def test_an_endpoint_that_runs_is_not_edited_and_one_that_is_stopped_starts() -> None:
    class Endpoint(Store):
        offered = frozenset({Action.STOP})

        def actions(self, row: Row) -> frozenset[Action]:
            return self.offered if isinstance(row, Deployment) else frozenset()

        async def start(self, ref: Ref) -> ActionResult:
            self.received.append((Action.START, ref.id, {}))
            return ActionResult("started")

    running = replace(endpoint("yotta", "chat"), edits_need_stop=True)
    fake = Endpoint("yotta", running)
    fake.offered = frozenset({Action.STOP})
    async with staged(fake, view="2") as stage:
        await stage.press("E")
        assert "chat can be edited only when stopped. Stop it first (X)." in stage.toasts
        fake.offered = frozenset({Action.START})
        fake.rows[Resource.DEPLOYMENTS] = [replace(running, phase=Phase.STOPPED, status="STOPPED", running=0)]
        await stage.press("r")
        await stage.advance(1)
        await stage.press("S")
        assert "Start chat in yotta?" in stage.text
        assert "The desired number of instances starts." in stage.text
        await confirm(stage)
        assert fake.received == [(Action.START, "id-chat", {})]
