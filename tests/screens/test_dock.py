"""The features of a host with DeepDock: pulls, deletion by force, generated secrets, logins of an unknown user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from textual.widgets import Input

from gputui.errors import UnavailableError, UnknownOutcomeError
from gputui.models import (
    Action,
    ActionResult,
    FieldKind,
    Form,
    FormField,
    Image,
    Instance,
    Phase,
    Ref,
    Resource,
    Row,
    Secret,
)
from gputui.screens.commands.create import summary
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import confirm, sent
from tests.screens.stage import NARROW, WIDE, Stage, staged, stop_the_clock
from tests.screens.world import ALL_RESOURCES, image, instance

CUDA = "nvidia/cuda:12.6.3-base"


class Dock(FakeBackend):
    """A host that pulls, makes containers with a login of their own, and deletes what runs by force alone."""

    creatable = ("container", "image")

    def __init__(self) -> None:
        super().__init__("dock", ALL_RESOURCES)
        self.rows[Resource.INSTANCES] = [instance("dock", "main"), instance("dock", "old", "exited")]
        self.rows[Resource.IMAGES] = [image("dock", "pytorch", "2.7", own=True)]
        self.offered = self.offered | {Action.CREATE}
        self.forced: list[Ref] = []
        self.given: Mapping[str, str] = {}

    async def create_form(self, kind: str) -> Form:
        if kind == "image":
            image = (FormField("name", "Image"),)
            return Form("dock", "image", "Pull an image onto h07", image, verb="pull", progress="Pulling")
        fields = (FormField("name", "Name"), FormField("password", "Password", FieldKind.SECRET, generate=20))
        return Form("dock", kind, "New container on h07", fields)

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.given = values
        return await super().create(kind, values)

    def options(self, row: Row, action: Action) -> frozenset[str]:
        forced = action is Action.DELETE and isinstance(row, Instance) and row.phase is not Phase.STOPPED
        return frozenset({"force"} if forced else ())

    async def delete(self, ref: Ref, *, force: bool = False) -> ActionResult:
        if not force:
            return await super().delete(ref)
        self.forced.append(ref)
        return ActionResult("deleted")


async def pulling(stage: Stage, name: str = CUDA) -> None:
    """Begin a pull that the host delays."""
    await stage.press("P")
    assert "Pull an image onto h07" in stage.text
    await stage.type(name)
    await stage.press("tab", "tab", "enter")
    assert "Pull this image in dock?" in stage.text
    await confirm(stage)


async def test_a_pull_is_a_row_while_it_runs_and_its_end_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch)
    fake = Dock()
    fake.hold(Action.CREATE)
    async with staged(fake, view="7") as stage:
        await pulling(stage)
        for size in (NARROW, WIDE):
            await stage.resize(*size)
            assert "◐ pulling  0:00" in stage.line_of(CUDA)
        assert "Pulling an image in dock" in stage.toasts
        await stage.press("3", "7")
        assert "◐ pulling" in stage.line_of(CUDA)
        fake.rows[Resource.IMAGES] = [*fake.rows[Resource.IMAGES], image("dock", "nvidia/cuda", "12.6.3-base")]
        fake.holds[Action.CREATE].set()
        await stage.settle()
        await stage.advance(1)
        assert "pulling" not in stage.line_of(CUDA)
        assert stage.line_of(CUDA)
        assert "created" in stage.toasts

        # A lost connection during a pull is looked after in the list.
        other = "nvidia/cuda:13.0-base"
        fake.hold(Action.CREATE)
        await pulling(stage, other)
        fake.errors[Action.CREATE] = UnknownOutcomeError("dock: the connection broke during the pull.")
        fake.rows[Resource.IMAGES] = [*fake.rows[Resource.IMAGES], Image(Ref("dock", "image", other), "nvidia/cuda")]
        fake.holds[Action.CREATE].set()
        await stage.until(lambda: "has been created" in stage.toasts)
        assert sent(fake) == {Action.CREATE: 2}


async def test_the_end_of_a_pull_is_reported_in_another_view_and_one_can_be_given_up() -> None:
    fake = Dock()
    fake.hold(Action.CREATE)
    async with staged(fake, view="7") as stage:
        await pulling(stage)
        assert stage.table.select(Ref("dock", "image", CUDA))
        await stage.press("D")
        assert not stage.in_dialog
        await stage.press("X")
        assert f"Stop waiting for {CUDA} in dock?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert "no longer awaited" in stage.toasts
        assert CUDA not in stage.names
        assert sent(fake) == {Action.CREATE: 1}

        # The end of a pull is reported in another view, which stays.
        stage.app.clear_notifications()
        await pulling(stage)
        await stage.press("3")
        fake.errors[Action.CREATE] = UnavailableError("dock: pull access denied for nvidia/cuda.")
        fake.holds[Action.CREATE].set()
        await stage.settle()
        assert "pull access denied" in stage.toasts
        assert stage.title.startswith("Instances")
        await stage.press("7")
        assert CUDA not in stage.text


async def test_n_makes_a_container_of_an_image_with_a_password_made_up_and_shown() -> None:
    fake = Dock()
    async with staged(fake, view="7") as stage:
        assert "pull" in stage.lines[-1]
        await stage.press("n")
        assert "New container on h07" in stage.text

        # A password can be made up and shown.
        await stage.press("escape", "3")
        await stage.press("n")
        await stage.type("mine")
        assert "ctrl+r shows it, ctrl+n generates one" in stage.text
        await stage.press("tab", "ctrl+n")
        field = stage.app.screen.query_one("#field-password", Input)
        secret = field.value
        assert len(secret) == 20
        assert secret in stage.text
        await stage.press("ctrl+r")
        assert secret not in stage.text
        await stage.press("ctrl+n")
        assert field.value != secret
        await stage.press("tab", "tab", "enter")
        assert field.value not in stage.text
        await confirm(stage)
        assert Secret(fake.given["password"]) == Secret(field.value)


async def test_where_nothing_can_be_pulled_it_is_not_offered() -> None:
    fake = FakeBackend("lab", ALL_RESOURCES)
    fake.rows[Resource.IMAGES] = [image("lab", "cuda")]
    async with staged(fake, view="7") as stage:
        assert "pull" not in stage.lines[-1]
        await stage.press("P")
        assert not stage.in_dialog


async def test_a_running_container_is_deleted_by_force_only_when_that_was_chosen() -> None:
    fake = Dock()
    async with staged(fake) as stage:
        assert stage.table.select(Ref("dock", "pod", "old"))
        await stage.press("D")
        assert "Delete old in dock?" in stage.text
        assert "force" not in stage.text

        # Without force it is sent as any other deletion.
        await stage.press("escape", "g")
        await stage.press("D")
        await stage.type("main")
        await stage.press("enter")
        assert (fake.forced, sent(fake)) == ([], {Action.DELETE: 1})

        # A running container is deleted by force only when that was chosen.
        await stage.advance(1)
        await stage.press("D")
        assert "Delete main in dock?" in stage.text
        assert "without force the server refuses" in stage.text
        await stage.type("main")
        await stage.press("shift+tab")
        await stage.press("f")
        assert "[x] force" in stage.text
        assert "without force" not in stage.text
        await stage.press("tab", "enter")
        await stage.settle()
        assert fake.forced == [Ref("dock", "pod", "main")]


async def test_a_password_that_nothing_keeps_is_said_until_it_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reporting(Dock):
        async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
            return replace(await super().create(kind, values), to_note="No keyring keeps the password: note it.")

    copied: list[str] = []
    monkeypatch.setattr("gputui.app.app.GputuiApp.copy_to_clipboard", lambda app, text: copied.append(text))
    async with staged(Reporting()) as stage:
        await stage.press("n")
        await stage.type("mine")
        await stage.press("tab")
        await stage.type("correct")
        await stage.press("tab", "tab", "enter")
        await confirm(stage)
        assert "No keyring keeps the password: note it." in stage.text
        assert "correct" not in stage.text
        await confirm(stage)
        assert copied == ["correct"]
        assert "The password is on the clipboard." in stage.toasts


def test_a_secret_in_an_environment_is_not_shown_before_it_is_sent() -> None:
    form = Form("dock", "container", "New container", (FormField("env", "Environment", FieldKind.LINES),))
    (line,) = summary(form, {"env": "HF_TOKEN=hf_1\nMODE=fast"})
    assert line.plain.split(None, 1)[1] == "HF_TOKEN=*** ⏎ MODE=fast"
