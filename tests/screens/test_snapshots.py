"""Pictures of the screens: the look that was seen and found right. ``--snapshot-update`` takes them again."""

from __future__ import annotations

import pytest

from gputui.config.preview import UiSettings
from gputui.errors import AuthError, ConflictError, UnavailableError
from gputui.models import Action, Resource
from gputui.screens import dialogs
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import creating
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, WIDE, Stage, staged
from tests.screens.test_hostile import hostile
from tests.screens.world import attic, backend, fail, instance, lab, offer


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


async def back(stage: Stage) -> None:
    """Close what is in front, clear filter and marks, and begin at the first instance."""
    while stage.in_dialog:
        await stage.press("escape")
    await stage.press("3", "escape", "ctrl+backslash", "g")
    stage.app.clear_notifications()


# --- the views --------------------------------------------------------------------------------------------------


async def test_view(take: Take) -> None:
    async with staged(*crowd(), size=NARROW) as stage:
        for key, name in {"1": "stock", "3": "instances", "5": "gpus", "7": "library"}.items():
            await stage.press(key)
            await stage.advance(0)
            await take(stage, name, BOTH)


async def test_view_events(take: Take) -> None:
    fake = lab()
    before = list(fake.rows[Resource.INSTANCES])
    async with staged(fake, view="4", size=NARROW) as stage:
        fake.rows[Resource.INSTANCES] = [instance("lab", "train", "exited"), *before[1:]]
        await stage.advance(5)
        fake.rows[Resource.INSTANCES] = [*before[1:], instance("lab", "new-run", "created")]
        await stage.advance(5)
        await take(stage, "", BOTH)


async def test_limited(take: Take) -> None:
    async with staged(lab(), size=NARROW) as stage:
        await stage.press("space", "space")
        await stage.command("filter running")
        await take(stage, "filtered_and_marked")
        await back(stage)
        await stage.press("slash", "t", "r", "colon")
        await take(stage, "filter_with_a_problem")
        await back(stage)
        await stage.press("end", "p")
        await stage.advance(0)
        await take(stage, "gpus_of_one_instance")


# --- states -----------------------------------------------------------------------------------------------------


async def test_state_loading(take: Take) -> None:
    slow, quick = lab(), attic()
    slow.hold(Resource.INSTANCES)
    async with staged(slow, quick, size=NARROW) as stage:
        await take(stage, "loading")


async def test_state_empty(take: Take) -> None:
    async with staged(backend("lab"), size=NARROW) as stage:
        await take(stage, "empty")


async def test_state_stale(take: Take) -> None:
    bad = lab()
    async with staged(bad, attic(), view="1", size=NARROW) as stage:
        fail(bad, UnavailableError("lab: 10.0.0.5 refuses the connection.", hint="Is pody running there?"))
        await stage.advance(6)
        await take(stage, "stock", BOTH)
        await stage.press("3")
        await stage.advance(0)
        await take(stage, "instances", BOTH)


async def test_state_never_answered(take: Take) -> None:
    bad = backend("lab")
    fail(bad, AuthError("Wrong user name or password.", hint="Set password in config.toml, [accounts.lab]."))
    async with staged(bad, size=NARROW) as stage:
        await take(stage, "never_answered")


async def test_state_pending_and_failed(take: Take) -> None:
    fake = lab()
    fake.hold(Action.DELETE)
    fake.errors[Action.STOP] = ConflictError("train is being saved as an image.", hint="Wait until that has ended.")
    async with staged(fake, size=NARROW) as stage:
        await stage.press("D", "right", "enter", "end", "X", "right", "enter")
        await stage.advance(1)
        await take(stage, "pending_and_failed")


async def test_state_read_only(take: Take) -> None:
    async with staged(lab(), read_only=True, size=NARROW) as stage:
        await take(stage, "read_only")


# --- dialogs ----------------------------------------------------------------------------------------------------


async def test_dialog(take: Take) -> None:
    async with staged(lab(), size=NARROW) as stage:
        for name, keys, sizes in (
            ("stop", ["end", "X"], BOTH),
            ("delete_several", ["space", "space", "D"], ()),
            ("describe", ["end", "d"], BOTH),
        ):
            await stage.press(*keys)
            await stage.advance(0)
            await take(stage, name, sizes)
            await back(stage)
        for size in BOTH:  # help chooses its columns when it opens
            await stage.resize(*size)
            await stage.press("question_mark")
            await take(stage, "help", [size])
            await back(stage)
        await stage.resize(*NARROW)
        dialog = dialogs.WaitDialog("Logging into train …")
        await stage.app.push_screen(dialog)
        dialog.show_progress("Connecting to root@127.0.0.1, port 23001 …")
        await take(stage, "wait")


async def test_dialog_create_with_a_problem(take: Take) -> None:
    async with staged(creating(), size=NARROW) as stage:
        await stage.press("n", "enter")
        await take(stage, "create_with_a_problem")


async def test_dialog_menu(take: Take) -> None:
    async with staged(lab(), attic(), size=NARROW) as stage:
        for key, name in {"a": "actions", "Y": "copy", "at": "accounts", "ctrl+s": "save"}.items():
            await stage.press("end", key)
            await take(stage, name)
            await back(stage)


async def test_dialog_command(take: Take) -> None:
    async with staged(lab().without_ssh(), size=NARROW) as stage:
        await stage.press("space", "space", "x")
        await stage.type("nvidia-smi -L")
        await stage.press("enter")
        await take(stage, "in_several")
        await stage.press("2", "enter")
        await take(stage, "output")


async def test_command_bar(take: Take) -> None:
    async with staged(lab(), size=NARROW) as stage:
        await stage.press("colon", "r", "e")
        await take(stage, "completed")
        await back(stage)
        await stage.press("colon", "s", "t", "p", "o", "enter")
        await take(stage, "with_a_problem")


async def test_palette(take: Take) -> None:
    async with staged(lab(), size=NARROW) as stage:
        await stage.press("ctrl+p")
        await stage.type("jup")
        await stage.until_text("pod in lab, running")
        await take(stage, "jup")


# --- colours ----------------------------------------------------------------------------------------------------


async def test_without_colour(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged(lab(), attic(), size=NARROW) as stage:
        for key, name in {"1": "stock", "3": "instances", "5": "gpus"}.items():
            await stage.press(key)
            await stage.advance(0)
            await take(stage, name)


async def test_light_theme(take: Take) -> None:
    ui = UiSettings(utc=True, mouse=False, theme="gputui-light")
    async with staged(*crowd(), ui=ui, size=WIDE) as stage:
        await take(stage, "instances")


async def test_hostile_names(take: Take) -> None:
    async with staged(hostile(), size=NARROW) as stage:
        await take(stage, "", BOTH)
