"""Pictures of the screens: the look that was seen and found right. ``--snapshot-update`` takes them anew."""

from __future__ import annotations

import pytest

from gputui.config.preview import UiSettings
from gputui.errors import AuthError, ConflictError, UnavailableError
from gputui.models import Action, Resource
from gputui.screens import dialogs
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import creating
from tests.screens.pictures import SIZES, Shoot
from tests.screens.stage import (
    WIDE,
    Stage,
    attic,
    backend,
    fail,
    instance,
    lab,
    offer,
)
from tests.screens.test_hostile import hostile


def crowd() -> list[FakeBackend]:
    """Return several hosts, one of them large."""
    many = backend(
        "hub",
        [instance("hub", f"worker-{number:02}", gpu_indices=(number % 8,)) for number in range(40)],
        stock=[
            offer("hub", "B200", 3, 8, gpu_memory=180 << 30, region="sgp1"),
            offer("hub", "RTX 4090", 12, 64, gpu_memory=24 << 30, region="sgp1"),
            offer("hub", "RTX 4090", 140, 512, gpu_memory=24 << 30, region="westDC2"),
            offer("hub", "RTX 5090", 0, 16, gpu_memory=32 << 30, region="westDC2"),
            offer("hub", "RTX 5090", None, None, available=True, gpu_memory=32 << 30, region="us-east-1"),
        ],
    )
    return [lab(), attic(), many]


# --- the views --------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("view", ["1", "3", "5", "7"], ids=["stock", "instances", "gpus", "library"])
def test_view(shoot: Shoot, view: str, size: tuple[int, int]) -> None:
    shoot(*crowd(), keys=view, size=size)


@SIZES
def test_view_events(shoot: Shoot, size: tuple[int, int]) -> None:
    fake = lab()
    before = list(fake.rows[Resource.INSTANCES])

    async def happen(stage: Stage) -> None:
        fake.rows[Resource.INSTANCES] = [instance("lab", "train", "exited"), *before[1:]]
        await stage.advance(5)
        fake.rows[Resource.INSTANCES] = [*before[1:], instance("lab", "new-run", "created")]
        await stage.advance(5)

    shoot(fake, keys="4", act=happen, size=size)


def test_gpus_of_one_instance(shoot: Shoot) -> None:
    shoot(lab(), keys="G p")


def test_filtered_and_marked(shoot: Shoot) -> None:
    async def choose(stage: Stage) -> None:
        await stage.press("space", "space")
        await stage.command("filter running")

    shoot(lab(), act=choose)


# --- states -----------------------------------------------------------------------------------------------------


def test_state_loading(shoot: Shoot) -> None:
    slow, quick = lab(), attic()
    slow.hold(Resource.INSTANCES)
    shoot(slow, quick)


def test_state_empty(shoot: Shoot) -> None:
    shoot(backend("lab"))


@SIZES
@pytest.mark.parametrize("view", ["1", "3"], ids=["stock", "instances"])
def test_state_stale(shoot: Shoot, view: str, size: tuple[int, int]) -> None:
    bad = lab()

    async def unplug(stage: Stage) -> None:
        fail(bad, UnavailableError("lab: 10.0.0.5 refuses the connection.", hint="Is pody running there?"))
        await stage.advance(6)

    shoot(bad, attic(), keys=view, act=unplug, size=size)


def test_state_never_answered(shoot: Shoot) -> None:
    bad = backend("lab")
    fail(bad, AuthError("Wrong user name or password.", hint="Set password in config.toml, [accounts.lab]."))
    shoot(bad)


def test_state_pending_and_failed(shoot: Shoot) -> None:
    fake = lab()
    fake.hold(Action.DELETE)
    fake.errors[Action.STOP] = ConflictError("train is being saved as an image.", hint="Wait until that has ended.")

    async def act(stage: Stage) -> None:
        await stage.press("D", "right", "enter", "G", "X", "right", "enter")
        await stage.advance(1)

    shoot(fake, act=act)


def test_state_read_only(shoot: Shoot) -> None:
    shoot(lab(), read_only=True)


# --- dialogs ----------------------------------------------------------------------------------------------------


@SIZES
def test_dialog_stop(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(lab(), keys="G X", size=size)


def test_dialog_delete_several(shoot: Shoot) -> None:
    shoot(lab(), keys="space space D")


def test_dialog_create_with_a_problem(shoot: Shoot) -> None:
    shoot(creating(), keys="n enter")


@pytest.mark.parametrize("keys", ["a", "Y", "at", "ctrl+s"], ids=["actions", "copy", "accounts", "save"])
def test_dialog_menu(shoot: Shoot, keys: str) -> None:
    shoot(lab(), attic(), keys=f"G {keys}")


@SIZES
def test_dialog_describe(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(lab(), keys="G d", size=size)


@SIZES
def test_dialog_help(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(lab(), keys="question_mark", size=size)


def test_dialog_command_output(shoot: Shoot) -> None:
    async def run(stage: Stage) -> None:
        await stage.press("space", "space", "x")
        await stage.type("nvidia-smi -L")
        await stage.press("enter", "2", "enter")
        await stage.settle()

    shoot(lab(), act=run)


def test_dialog_run_in_several(shoot: Shoot) -> None:
    async def ask(stage: Stage) -> None:
        await stage.press("space", "space", "x")
        await stage.type("nvidia-smi -L")
        await stage.press("enter")

    shoot(lab(), act=ask)


def test_dialog_wait(shoot: Shoot) -> None:
    async def wait(stage: Stage) -> None:
        dialog = dialogs.WaitDialog("Logging into train …")
        await stage.app.push_screen(dialog)
        dialog.show_progress("Connecting to root@127.0.0.1, port 23001 …")

    shoot(lab(), act=wait)


def test_command_bar(shoot: Shoot) -> None:
    shoot(lab(), keys="colon r e")


def test_command_bar_with_a_problem(shoot: Shoot) -> None:
    shoot(lab(), keys="colon s t p o enter")


def test_filter_with_a_problem(shoot: Shoot) -> None:
    shoot(lab(), keys="slash t r colon")


def test_palette(shoot: Shoot) -> None:
    async def search(stage: Stage) -> None:
        await stage.press("ctrl+p")
        await stage.type("jup")
        await stage.until_text("pod in lab, running")

    shoot(lab(), act=search)


# --- colours ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["1", "3", "5"], ids=["stock", "instances", "gpus"])
def test_without_colour(shoot: Shoot, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shoot(lab(), attic(), keys=view)


def test_light_theme(shoot: Shoot) -> None:
    shoot(*crowd(), ui=UiSettings(utc=True, mouse=False, theme="gputui-light"), size=WIDE)


@SIZES
def test_hostile_names(shoot: Shoot, size: tuple[int, int]) -> None:
    shoot(hostile(), size=size)
