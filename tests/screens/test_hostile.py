"""Names that attack a terminal or the screen's markup: shown as data everywhere, never obeyed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from gputui.errors import ConflictError, UnavailableError
from gputui.models import Action, ExecResult, FieldKind, Form, FormField, Resource, SSHTarget
from gputui.screens import dialogs
from gputui.text import clean
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import (
    GIB,
    NARROW,
    Stage,
    backend,
    fail,
    gpu,
    image,
    instance,
    offer,
    process,
    staged,
    unsafe_on,
)

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
    """Nothing but text is on the screen, and the app goes on."""
    assert unsafe_on(stage) == []
    assert not stage.ended()
    assert stage.app._exception is None


@pytest.mark.parametrize("size", [NARROW, (220, 50)], ids=["narrow", "wide"])
async def test_every_view_shows_them_as_they_are(size: tuple[int, int]) -> None:
    async with staged(hostile(), size=size) as stage:
        for view in ("1", "3", "5", "7"):
            await stage.press(view)
            await stage.advance(0)
            is_safe(stage)
            assert "[/x]" in stage.text
            await stage.press("G", "g", "j", "right")
            is_safe(stage)
            assert all(cell_len(line) <= size[0] for line in stage.lines)


async def test_events_show_them_as_they_are() -> None:
    fake = hostile()
    async with staged(fake, view="4") as stage:
        fake.rows[Resource.INSTANCES] = []
        await stage.advance(6)
        is_safe(stage)
        assert "[/x]" in stage.text
        await stage.press("enter")
        is_safe(stage)


@pytest.mark.parametrize("number", [0, 1, 3, 6, 9, 11], ids=["closing", "action", "escape", "wide", "slash", "long"])
async def test_what_is_said_of_a_row_shows_its_name_as_it_is(number: int) -> None:
    fake = hostile()
    fake.rows[Resource.INSTANCES] = [fake.rows[Resource.INSTANCES][number]]
    name = NAMES[number]
    shown = name[:12].strip()
    fake.errors[Action.STOP] = ConflictError(f"{name} is busy: {name}", hint=name)
    async with staged(fake) as stage:
        for key in ("d", "y", "a", "Y", "X", "D", "R", "x"):
            await stage.press(key)
            is_safe(stage)
            assert stage.in_dialog, key
            assert shown in stage.text, key
            await stage.press("escape")
        await stage.press("X", "right", "enter")
        await stage.advance(1)
        assert name in stage.toasts
        is_safe(stage)
        await stage.press("c", "p")
        await stage.advance(0)
        is_safe(stage)
        assert shown in stage.text


@pytest.mark.parametrize("name", [name for name in NAMES if "[" in name])
async def test_the_palette_shows_them_as_they_are(name: str) -> None:
    fake = hostile()
    fake.rows[Resource.INSTANCES] = [replace(instance("lab", name), status=name)]
    async with staged(fake) as stage:
        await stage.press("ctrl+p")
        await stage.type(name)
        await stage.until_text(f"pod in lab, {name}")
        assert stage.line_of(f"  {name}")
        is_safe(stage)


async def test_the_command_bar_completes_them_as_they_are() -> None:
    async with staged(hostile()) as stage:
        await stage.press("colon")
        await stage.type("stop [")
        assert "[@click=app.quit]x[/]" in stage.text
        is_safe(stage)
        await stage.type("@")
        await stage.press("tab", "enter")
        assert "Stop [@click=app.quit]x[/] in lab?" in stage.text
        is_safe(stage)


async def test_a_filter_over_them_says_what_it_is() -> None:
    async with staged(hostile()) as stage:
        await stage.press("slash")
        await stage.type("[/x]")
        await stage.press("enter")
        assert stage.names == ["[/x]"]
        assert "/ [/x]" in stage.title
        await stage.command("filter [/nothing]")
        assert "No row matches [/nothing]." in stage.text
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
    class Telling(FakeBackend):
        async def exec(self, ref, command, *, timeout=None):  # type: ignore[no-untyped-def]
            return ExecResult(1, clean("\n".join(HOSTILE), multiline=True))

    fake = Telling("lab")
    fake.rows[Resource.INSTANCES] = [instance("lab", "main")]
    async with staged(fake) as stage:
        await stage.press("x")
        await stage.type("[/x]")
        await stage.press("enter")
        is_safe(stage)
        assert "[@click=app.quit]x[/]" in stage.text


async def test_the_create_form_takes_hostile_choices_as_data() -> None:
    class Forming(FakeBackend):
        async def create_form(self, kind: str) -> Form:
            fields = (
                FormField("name", NAMES[0], help=NAMES[1]),
                FormField("image", "Image", FieldKind.CHOICE, choices=NAMES),
            )
            return Form(self.account, kind, NAMES[0], fields, note=NAMES[1])

        def check_create(self, kind, values):  # type: ignore[no-untyped-def]
            return {} if values["name"] != "bad" else {"name": NAMES[1]}

    async with staged(Forming("lab")) as stage:
        await stage.press("n")
        is_safe(stage)
        await stage.type("bad")
        await stage.press("enter")
        assert "[@click=app.quit]x[/]" in stage.text
        await stage.type("[/x]")
        await stage.press("tab", "enter")
        is_safe(stage)
        await stage.press("down", "down", "enter", "tab", "tab", "enter")
        assert "Create this pod in lab?" in stage.text
        assert "[@click=app.quit]x[/]" in stage.text
        is_safe(stage)


async def test_the_wait_for_a_login_shows_what_it_awaits_as_data() -> None:
    async with staged(hostile()) as stage:
        waiting = dialogs.WaitDialog(f"Logging into {NAMES[0]} …")
        await stage.app.push_screen(waiting)
        waiting.show_progress(NAMES[1])
        await stage.settle()
        assert "Logging into [/x] …" in stage.text
        assert "[@click=app.quit]x[/]" in stage.text
        is_safe(stage)
