"""A read-only account is changed from nowhere: not by key, bar, palette, menu or form; and it is said to be one."""

from __future__ import annotations

import pytest
from textual.command import DiscoveryHit

from gputui.app.command_palette import PaletteProvider
from gputui.models import Action
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import MUTATIONS
from tests.screens.stage import Stage, backend, image, instance, lab, staged

CHANGING_KEYS = ("X", "D", "S", "R", "x")


def willing() -> FakeBackend:
    """Return a back end that would do everything."""
    fake = lab()
    fake.offered = frozenset(Action)
    return fake


def nothing_sent(fake: FakeBackend) -> bool:
    return not any(fake.calls[action] for action in (*MUTATIONS, Action.CHANGE_PASSWORD))


@pytest.mark.parametrize("marked", [False, True], ids=["one", "marked"])
async def test_no_key_changes_anything(*, marked: bool) -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        await stage.press(*(["space", "space"] if marked else ["G"]))
        for key in CHANGING_KEYS:
            stage.app.clear_notifications()
            await stage.press(key)
            assert stage.dialogs == [], key
            assert "lab is read-only" in stage.toasts, key
        assert nothing_sent(fake)


@pytest.mark.parametrize("name", ["train", "lab/pod/train", ""])
async def test_no_command_changes_anything(name: str) -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        await stage.press("G")
        for word in ("start", "stop", "restart", "delete", "exec", "commit"):
            stage.app.clear_notifications()
            await stage.command(f"{word} {name}".strip())
            assert stage.dialogs == [], word
            assert stage.toasts, word
        assert nothing_sent(fake)


async def test_nothing_is_created_and_no_password_changed() -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        for command in ("new", "new lab", "create lab", "passwd", "passwd lab"):
            stage.app.clear_notifications()
            await stage.command(command)
            assert stage.dialogs == [], command
            assert stage.toasts, command
        assert nothing_sent(fake)


@pytest.mark.parametrize("read_only", [True, False], ids=["read-only", "not"])
async def test_the_palette_offers_a_change_only_where_it_can_be_made(*, read_only: bool) -> None:
    async with staged(willing(), read_only=read_only) as stage:
        await stage.press("G")
        offered = set()
        async for hit in PaletteProvider(stage.view).discover():
            assert isinstance(hit, DiscoveryHit)
            offered.add(str(hit.display))
        assert offered >= {"Describe", "Raw JSON", "SSH", "Filter"}
        changes = {"Start", "Stop", "Restart", "Delete", "Run a command", "Save as image", "New", "Change password"}
        assert offered & changes == (set() if read_only else changes)


async def test_the_menu_shows_a_change_but_does_not_do_it() -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        await stage.press("G", "a")
        for key in CHANGING_KEYS:
            await stage.press(key)
            assert stage.dialogs == ["MenuDialog"], key
        assert nothing_sent(fake)


async def test_an_image_of_ones_own_stays() -> None:
    fake = backend("lab", [instance("lab", "train")], images=[image("lab", "mine", "v1", own=True)])
    fake.offered = frozenset(Action)
    async with staged(fake, view="7", read_only=True) as stage:
        await stage.press("D")
        assert "lab is read-only" in stage.toasts
        await stage.command("delete mine:v1")
        await stage.press("n", "enter", "escape")
        assert stage.dialogs == []
        assert nothing_sent(fake)


async def test_reading_and_logging_in_go_on() -> None:
    async def offered(stage: Stage) -> str:
        await stage.press("G")
        return stage.lines[-1]

    async with staged(willing(), read_only=True) as stage:
        footer = await offered(stage)
        assert " s ssh" in footer
        assert "describe" in footer
        for word in ("stop", "delete", "start", "restart", "new", " run"):
            assert word not in footer
