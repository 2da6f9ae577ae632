"""What was asked about is what is done: menus, questions and answers while the world, or the user, moves on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gputui.errors import ConflictError, UnknownOutcomeError
from gputui.models import Action, ActionResult, Instance, Ref, Resource, Row
from gputui.presentation.columns.column import Column
from gputui.screens.instances import InstancesView
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import Creating, confirm, creating, sent
from tests.screens.stage import Stage, staged
from tests.screens.world import attic, backend, image, instance, lab


class Recording(FakeBackend):
    """Remembers which instances were stopped, restarted or run in."""

    def __init__(self, *names: str) -> None:
        super().__init__("lab", (Resource.INSTANCES, Resource.PROCESSES))
        self.rows[Resource.INSTANCES] = [made(name) for name in names]
        self.done: list[tuple[str, str]] = []
        self.offered |= {Action.RESTART}

    async def stop(self, ref: Ref) -> Any:
        self.done.append(("stop", ref.id))
        return await super().stop(ref)

    async def exec(self, ref: Ref, command: str, *, timeout: float | None = None) -> Any:
        self.done.append(("exec", ref.id))
        return await super().exec(ref, command, timeout=timeout)


def made(name: str, container: str = "first") -> Instance:
    return instance("lab", name, container_id=f"{container}-{name}")


async def list_now(stage: Stage, fake: FakeBackend, *rows: Row) -> None:
    """Let a list come that contains these instances."""
    fake.rows[Resource.INSTANCES] = list(rows)
    await stage.advance(6)


# --- the menu of actions ----------------------------------------------------------------------------------------


async def test_the_menu_acts_on_the_row_it_was_opened_for_or_on_none() -> None:
    fake = Recording("bert", "clip")
    async with staged(fake) as stage:
        await stage.press("a")
        assert "bert in lab" in stage.text
        stage.table.select(Ref("lab", "pod", "clip"))
        await list_now(stage, fake, made("alexnet"), made("bert"), made("clip"))
        await stage.press("X")
        assert "Stop bert in lab?" in stage.text
        await confirm(stage)
        assert fake.done == [("stop", "bert")]
        stage.table.select(Ref("lab", "pod", "bert"))
        await stage.press("a")
        await list_now(stage, fake, made("clip"))
        await stage.press("X")
        assert not stage.in_dialog
        assert "bert in lab no longer exists." in stage.toasts
        assert fake.done == [("stop", "bert")]


async def test_a_menu_acts_on_the_marks_it_was_opened_for_and_a_command_on_the_name_alone() -> None:
    fake = Recording("bert", "clip", "dino")
    async with staged(fake) as stage:
        await stage.press("space")
        await stage.command("stop dino")
        assert "Stop dino in lab?" in stage.text
        await confirm(stage)
        assert fake.done == [("stop", "dino")]
        fake.done.clear()
        await stage.advance(1)
        await stage.press("g", "ctrl+backslash", "space", "space", "a")
        assert "2 marked in lab" in stage.text
        stage.table.action_clear_marks()
        stage.table.mark(Ref("lab", "pod", "dino"))
        await stage.press("X")
        assert "Stop 2 pods in lab?" in stage.text
        await stage.type("2")
        await stage.press("enter")
        await stage.advance(0)
        assert sorted(fake.done) == [("stop", "bert"), ("stop", "clip")]


# --- looked at again before it is sent --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "now, said",
    [([], "it is gone from lab"), ([made("bert", "second")], "another one has its name now")],
    ids=["gone", "recreated"],
)
async def test_an_answer_about_what_is_there_no_more_is_not_sent(now: Sequence[Instance], said: str) -> None:
    fake = Recording("bert", "clip")
    async with staged(fake) as stage:
        for key in ("X", "R", "D"):
            await list_now(stage, fake, made("bert"), made("clip"))
            stage.table.select(Ref("lab", "pod", "bert"))
            await stage.press(key)
            await list_now(stage, fake, *now, made("clip"))
            if key == "D":
                await stage.type("bert")
                await stage.press("enter")
            else:
                await confirm(stage)
            assert said in stage.toasts, key
            assert "Nothing was sent." in stage.toasts
            assert sent(fake) == {}
            stage.app.clear_notifications()
        await list_now(stage, fake, made("bert"), made("clip"))
        stage.table.select(Ref("lab", "pod", "bert"))
        await stage.press("x")
        await list_now(stage, fake, *now, made("clip"))
        await stage.type("rm -rf /data")
        await stage.press("enter")
        assert said in " ".join(stage.text.split())
        assert sent(fake) == {}


async def test_of_several_those_that_have_changed_are_left_and_reported() -> None:
    fake = Recording("bert", "clip", "dino")
    async with staged(fake) as stage:
        await stage.press("space", "space", "space", "X")
        await list_now(stage, fake, made("bert", "second"), made("dino"))
        await stage.type("3")
        await stage.press("enter")
        await stage.advance(0)
        assert fake.done == [("stop", "dino")]
        assert "1 of 3 stopped." in stage.toasts
        assert "stop bert: Conflict" in stage.toasts
        assert "it is gone from lab" in stage.toasts


async def test_an_image_pushed_again_under_its_tag_is_not_deleted() -> None:
    fake = backend("lab", images=[image("lab", "mine", "v1", own=True, digest="sha256:1")])
    async with staged(fake, view="7") as stage:
        await stage.press("D")
        assert "Delete mine:v1 in lab?" in stage.text
        fake.rows[Resource.IMAGES] = [image("lab", "mine", "v1", own=True, digest="sha256:2")]
        await stage.advance(60)
        await confirm(stage)
        assert "another one has its name now" in stage.toasts
        assert sent(fake) == {}


# --- a create that ends late ------------------------------------------------------------------------------------


async def asked_for(stage: Stage) -> None:
    """Fill in the form and confirm it."""
    await stage.press("n")
    await stage.type("exp-1")
    await stage.press("tab", "tab", "enter")
    await confirm(stage)
    assert not stage.in_dialog


async def test_a_create_that_ends_while_the_user_is_elsewhere_is_reported_and_no_more() -> None:
    fake = creating()
    before = [instance("lab", "bert"), instance("lab", "train")]
    async with staged(fake) as stage:
        for count, (keys, stays) in enumerate(
            (
                (["5"], "GPUs"),
                (["7"], "Library"),
                (["d"], "Instances"),
                (["X"], "Instances"),
                ([":", "f"], "Instances"),
                (["j"], "Instances"),
            ),
            start=1,
        ):
            await list_now(stage, fake, *before)
            answer = fake.hold(Action.CREATE)
            await stage.press("g")
            await asked_for(stage)
            await stage.press(*keys)
            dialogs, focused = stage.dialogs, stage.app.focused
            answer.set()
            await stage.advance(2)
            assert "created" in stage.toasts
            assert stage.title.startswith(stays)
            assert stage.dialogs == dialogs
            assert stage.app.focused is focused
            if stays == "Instances":
                assert stage.here != "exp-1"
            assert sent(fake) == {Action.CREATE: count}
            stage.app.clear_notifications()
            await stage.press("escape", "3")
            assert not stage.in_dialog


async def test_a_create_that_ends_while_lists_come_goes_to_the_new_row() -> None:
    fake = creating()
    answer = fake.hold(Action.CREATE)
    async with staged(fake) as stage:
        await asked_for(stage)
        await list_now(stage, fake, made("train"))
        answer.set()
        await stage.advance(2)
        assert stage.here == "exp-1"


class ListedLater(Creating):
    """Answers to a create before it lists what was created."""

    later: Sequence[Row] = ()

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        before = self.rows[Resource.INSTANCES]
        result: ActionResult = await super().create(kind, values)  # type: ignore[no-untyped-call]
        self.later, self.rows[Resource.INSTANCES] = self.rows[Resource.INSTANCES], before
        return result


async def test_a_create_goes_to_its_row_when_that_is_listed_later_unless_the_cursor_has_moved() -> None:
    fake = ListedLater("lab")
    before = [instance("lab", "bert"), instance("lab", "train")]
    fake.rows[Resource.INSTANCES] = before
    async with staged(fake) as stage:
        await asked_for(stage)
        assert stage.here == "bert"
        await list_now(stage, fake, *fake.later)
        assert stage.here == "exp-1"
        await list_now(stage, fake, *before)
        await stage.press("g")
        await asked_for(stage)
        await stage.press("j")
        await list_now(stage, fake, *fake.later)
        assert "exp-1" in stage.names
        assert stage.here == "train"


# --- a command that runs on -------------------------------------------------------------------------------------


async def running(stage: Stage, command: str = "ls") -> None:
    """Have a command run in train."""
    await stage.press("end", "x")
    await stage.type(command)
    await stage.press("enter")
    assert f"Run › {command}" in stage.title


async def test_the_end_of_a_command_is_reported_on_its_page_or_to_who_has_closed_it() -> None:
    fake = lab().without_ssh()
    answer = fake.hold(Action.EXEC)
    async with staged(fake) as stage:
        await running(stage)
        await stage.press("escape")
        assert not stage.in_dialog
        answer.set()
        await stage.settle()
        assert "Run: ls" in stage.toasts
        assert "train: exit code 0" in stage.toasts
        assert not stage.in_dialog
        fake.errors[Action.EXEC] = UnknownOutcomeError("The answer never came.", hint="It may have run.")
        for count, closed in ((2, False), (3, True)):
            stage.app.clear_notifications()
            answer = fake.hold(Action.EXEC)
            await running(stage)
            if closed:
                await stage.press("escape")
            answer.set()
            await stage.settle()
            said = stage.toasts if closed else " ".join(stage.text.split())
            assert "The answer never came. It may have run." in said
            assert sent(fake) == {Action.EXEC: count}
            await stage.press("escape")


async def test_while_a_command_runs_its_instance_can_be_stopped_and_quitting_asks() -> None:
    fake = lab().without_ssh()
    answer = fake.hold(Action.EXEC)
    async with staged(fake) as stage:
        await running(stage)
        await stage.press("ctrl+q")
        assert "Something is still under way in lab." in stage.text
        await stage.press("escape", "3", "X")
        await confirm(stage)
        assert sent(fake) == {Action.EXEC: 1, Action.STOP: 1}
        await stage.advance(1)
        await stage.press("q")
        assert "Something is still under way in lab." in stage.text
        await stage.press("enter")
        assert not stage.ended()
        answer.set()
        await stage.settle()
        await stage.press("q")
        assert stage.ended()


async def test_several_accounts_are_named_on_each_line_and_each_end() -> None:
    one, two = lab().without_ssh(), attic().without_ssh()
    two.errors[Action.EXEC] = ConflictError("render is not running.")
    async with staged(one, two) as stage:
        await stage.press("end", "space", "k", "space", "x")
        assert "train   lab   running" in stage.text
        assert "render   attic   running" in stage.text
        await stage.type("ls")
        await stage.press("enter")
        assert "(1 in attic, 1 in lab)?" in stage.text
        await stage.type("2")
        await stage.press("enter")
        await stage.settle()
        assert "1 instance, exit code 0: train" in stage.text
        assert "1 instance, not run: render" in stage.text
        assert "render is not running." in stage.text


# --- a row that cannot be shown ---------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["cell", "sort_key", "search"])
async def test_a_row_that_cannot_be_shown_takes_nothing_else_with_it(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = InstancesView.columns

    def faulty(row: Row) -> str:
        if row.ref.id == "jupyter":
            raise ValueError("no such thing")
        return row.ref.id

    def with_a_fault(view: InstancesView) -> list[Column[Row]]:
        changes: dict[str, Any] = {part: faulty}
        return [replace(column, **changes) if column.key == "name" else column for column in columns(view)]

    monkeypatch.setattr(InstancesView, "columns", with_a_fault)
    fake = lab()
    async with staged(fake) as stage:
        if part == "search":
            await stage.press("/", *"train", "enter")
            assert "train" in stage.names
            await stage.press("escape")
        assert len(stage.names) == 5
        assert "● running" in stage.line_of("train")
        assert stage.toasts.count("Internal error") == 1
        await list_now(stage, fake, *fake.rows[Resource.INSTANCES], instance("lab", "one-more"))
        await stage.press("I", ">", "end", "g", "j", "space", "space")
        assert "one-more" in stage.names
        assert stage.toasts.count("Internal error") == 1
        assert not stage.ended()
        assert stage.app._exception is None
