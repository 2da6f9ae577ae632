"""Names that attack a terminal or the screen's markup: shown as data everywhere, never obeyed."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len

from gputui.errors import ConflictError, UnavailableError
from gputui.models import Action, ExecResult, Resource, SSHTarget
from gputui.screens import dialogs
from gputui.text import clean
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import NARROW, Stage, staged, unsafe_on
from tests.screens.world import GIB, backend, fail, gpu, image, instance, offer, process

HOSTILE = (
    "[/x]",
    "[@click=app.quit]x[/]",
    "[bold red]b",
    "esc\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "two\nlines\rback\ttab",
    "bidi\u202egnp.exe\u202c",
    "日本語テスト🚀👩‍👩‍👧",
    "zero\u200bwidth\u0301\u0301",
    "c1\x9b31mred\x85",
    "\\[/",
    "$text",
    "x" * 300,
)
NAMES = tuple(clean(name) for name in HOSTILE)


def hostile() -> FakeBackend:
    """Return a back end whose every word is hostile; its client has passed each through clean()."""
    rows = [
        instance(
            "lab",
            name,
            image=name,
            host=name,
            gpu_model=name,
            networks=(name,),
            problem=name if number == 1 else None,
            ssh=SSHTarget("127.0.0.1", 22, name),
            raw=f'{{"name": "{name[:4]}"' if number else '{"name": "[/x]"}',
        )
        for number, name in enumerate(NAMES)
    ]
    fake = backend(
        "lab",
        rows,
        gpus=[gpu("lab", number, GIB, 1, name, model=name) for number, name in enumerate(NAMES)],
        processes=[
            process("lab", number, 100 + number, name, GIB, command=name) for number, name in enumerate(NAMES)
        ],
        stock=[offer("lab", name, 1, 2, region=name) for name in NAMES],
        images=[image("lab", name, name, own=True, description=name) for name in NAMES],
    )
    fake.offered = frozenset(Action)
    return fake


def is_safe(stage: Stage) -> None:
    """Nothing but text is on the screen, and the app continues."""
    assert unsafe_on(stage) == []
    assert not stage.ended()
    assert stage.app._exception is None


async def test_every_view_shows_them_as_they_are() -> None:
    fake = hostile()
    async with staged(fake, size=NARROW) as stage:
        for view in ("1", "3", "5", "7"):
            await stage.press(view)
            await stage.advance(0)
            for size in (NARROW, (220, 50)):
                await stage.resize(*size)
                is_safe(stage)
                assert "[/x]" in stage.text
                await stage.press("end", "g", "j", "right")
                is_safe(stage)
                assert all(cell_len(line) <= size[0] for line in stage.lines)
        await stage.press("4")
        fake.rows[Resource.INSTANCES] = []
        await stage.advance(6)
        is_safe(stage)
        assert "[/x]" in stage.text
        await stage.press("enter")
        is_safe(stage)


async def test_what_is_said_of_a_row_shows_its_name_as_it_is() -> None:
    fake = hostile()
    rows = fake.rows[Resource.INSTANCES]
    async with staged(fake) as stage:
        for number, keys in (
            (0, "dyaYXDRx"),  # closes a tag that is not open: any text that is read as markup fails
            (1, "dyaYXDRx"),  # an action to click on
            (3, "dyaYXDRx"),  # escape sequences
            (6, "aX"),  # wide characters
            (9, "aX"),  # undoes an escape
            (11, "aX"),  # longer than the screen
        ):
            name, shown = NAMES[number], NAMES[number][:12].strip()
            fake.rows[Resource.INSTANCES] = [rows[number]]
            fake.errors[Action.STOP] = ConflictError(f"{name} is busy: {name}", hint=name)
            await stage.press("3")
            await stage.advance(6)
            assert len(stage.names) == 1
            for key in keys:
                await stage.press(key)
                is_safe(stage)
                assert stage.in_dialog, key
                assert shown in stage.text, key
                await stage.press("escape")
            await stage.press("X", "right", "enter")
            await stage.advance(1)
            assert name in stage.toasts
            is_safe(stage)
            stage.app.clear_notifications()
            await stage.press("c", "p")
            await stage.advance(0)
            is_safe(stage)
            assert shown in stage.text
            await stage.press("escape")


async def test_the_palette_shows_them_as_they_are() -> None:
    fake = hostile()
    names = [name for name in NAMES if "[" in name]
    fake.rows[Resource.INSTANCES] = [replace(instance("lab", name), status=name) for name in names]
    async with staged(fake) as stage:
        for name in names:
            await stage.press("ctrl+p")
            await stage.type(name[:5])
            await stage.until_text(f"pod in lab, {name.lower()}")
            assert stage.line_of(f"  {name}")
            is_safe(stage)
            await stage.press("escape")


async def test_command_bar_filter_and_the_wait_for_a_login_show_them_as_they_are() -> None:
    async with staged(hostile()) as stage:
        await stage.press("colon")
        await stage.type("stop [")
        assert "[@click=app.quit]x[/]" in stage.text
        is_safe(stage)
        await stage.type("@")
        await stage.press("tab", "enter")
        assert "Stop [@click=app.quit]x[/] in lab?" in stage.text
        is_safe(stage)
        await stage.press("escape", "slash")
        await stage.type("[/x]")
        await stage.press("enter")
        assert stage.names == ["[/x]"]
        assert "/ [/x]" in stage.title
        await stage.command("filter [/nothing]")
        assert "No row matches [/nothing]." in stage.text
        is_safe(stage)
        waiting = dialogs.WaitDialog(f"Logging into {NAMES[0]} …")
        await stage.app.push_screen(waiting)
        waiting.show_progress(NAMES[1])
        await stage.settle()
        assert "Logging into [/x] …" in stage.text
        assert "[@click=app.quit]x[/]" in stage.text
        is_safe(stage)


async def test_a_back_ends_words_for_a_failure_are_data() -> None:
    fake = hostile()
    async with staged(fake) as stage:
        fail(fake, UnavailableError(" ".join(NAMES), hint="[/x]"))
        await stage.advance(6)
        is_safe(stage)
        assert "[/x]" in stage.text
        await stage.press("at")
        is_safe(stage)


async def test_the_output_of_a_command_is_data() -> None:
    class Reporting(FakeBackend):
        async def exec(self, ref, command, *, timeout=None):  # type: ignore[no-untyped-def]
            return ExecResult(1, clean("\n".join(HOSTILE), multiline=True))

    fake = Reporting("lab")
    fake.rows[Resource.INSTANCES] = [instance("lab", "main")]
    async with staged(fake) as stage:
        await stage.press("x")
        await stage.type("[/x]")
        await stage.press("enter")
        await stage.until_text("[@click=app.quit]x[/]")
        is_safe(stage)
