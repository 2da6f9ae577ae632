"""A read-only account is changed from nowhere: not by key, bar, palette, menu or form; and it is said to be one."""

from __future__ import annotations

import pytest

from gputui.models import Action
from gputui.screens.commands.listing import sections
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import MUTATIONS
from tests.screens.stage import staged
from tests.screens.world import backend, image, instance, lab

CHANGING_KEYS = ("X", "D", "S", "R", "x")


def willing() -> FakeBackend:
    """Return a back end that would do everything."""
    fake = lab()
    fake.offered = frozenset(Action)
    return fake


def nothing_sent(fake: FakeBackend) -> bool:
    return not any(fake.calls[action] for action in (*MUTATIONS, Action.CHANGE_PASSWORD))


WORDS = ("start", "stop", "restart", "delete", "exec", "commit")
COMMANDS = (
    *(f"{word} train" for word in WORDS),
    *("stop", "exec", "delete lab/pod/train"),
    *("new", "new lab", "create lab", "passwd", "passwd lab"),
)


async def test_no_key_changes_anything() -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        for where in (["end"], ["g", "space", "space"]):
            await stage.press(*where)
            for key in CHANGING_KEYS:
                stage.app.clear_notifications()
                await stage.press(key)
                assert stage.dialogs == [], key
                assert "lab is read-only" in stage.toasts, key
        assert len(stage.table.marked) == 2

        # The menu shows a change but does not do it.
        await stage.press("ctrl+backslash", "end", "a")
        for key in CHANGING_KEYS:
            await stage.press(key)
            assert stage.dialogs == ["MenuDialog"], key
        assert nothing_sent(fake)


async def test_no_command_changes_or_creates_anything() -> None:
    fake = willing()
    async with staged(fake, read_only=True) as stage:
        await stage.press("end")
        for command in COMMANDS:
            stage.app.clear_notifications()
            await stage.command(command)
            assert stage.dialogs == [], command
            assert stage.toasts, command
        assert nothing_sent(fake)


@pytest.mark.parametrize("read_only", [True, False], ids=["read-only", "not"])
async def test_palette_and_footer_offer_a_change_only_where_it_can_be_made(*, read_only: bool) -> None:
    async with staged(willing(), read_only=read_only) as stage:
        await stage.press("end")
        entries = [entry for section in sections(stage.view, words=False) for entry in section.entries]
        offered = {entry.title for entry in entries if entry.works}
        assert offered >= {"Describe", "Raw JSON", "SSH", "Filter"}
        changes = {"Start", "Stop", "Restart", "Delete", "Run a command", "Save as image", "New", "Change password"}
        assert offered & changes == (set() if read_only else changes)
        why = {entry.edge for entry in entries if entry.title in {"Stop", "Delete", "New"}}
        assert why == {"read-only" if read_only else ""}
        footer = stage.lines[-1]
        assert " s ssh" in footer
        assert "actions" in footer
        shown = [word for word in ("stop", "delete", "start", "restart", "new", " run") if word in footer]
        assert bool(shown) is not read_only


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
