"""The menu of what can be copied of a row: its password is asked about and never shown, JSON is read where needed."""

from __future__ import annotations

from dataclasses import replace

from gputui.models import Action, Ref, Resource, Row, Secret, SSHTarget
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import Stage, staged
from tests.screens.world import instance

PASSWORD = "hunter2-only-here"


class Detailed(FakeBackend):
    """A back end whose list keeps neither JSON nor, after a restart, the password of before."""

    async def fetch(self, ref: Ref) -> Row:
        row = next(row for row in self.rows[Resource.INSTANCES] if row.ref == ref)
        return replace(row, raw='{"uuid": "d1-m1-a"}')  # type: ignore[type-var]  # an instance

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", 22, "root", password=Secret(PASSWORD))


def backend() -> Detailed:
    fake = Detailed("hub")
    fake.offered = frozenset({Action.SSH})
    login = SSHTarget("127.0.0.1", 22, "root", password=Secret("an older one"))
    fake.rows[Resource.INSTANCES] = [instance("hub", "train", raw="", ssh=login)]
    return fake


async def copied(stage: Stage, *keys: str) -> list[str]:
    """Return what goes to the clipboard for these keys."""
    texts: list[str] = []
    stage.app.copy_to_clipboard = texts.append  # type: ignore[method-assign,assignment]
    await stage.press(*keys)
    return texts


async def test_the_password_is_copied_once_that_is_confirmed_and_never_shown() -> None:
    async with staged(backend()) as stage:
        assert await copied(stage, "Y", "w") == []
        assert "Copy the password of train to the clipboard?" in stage.text
        assert await copied(stage, "enter") == [], "cancel has the focus"
        assert await copied(stage, "Y", "w", "tab", "enter") == [PASSWORD]
        assert "Copied the password of train." in stage.toasts + stage.text
        assert PASSWORD not in stage.text + stage.toasts


async def test_json_that_the_list_does_not_keep_is_read_to_be_copied() -> None:
    async with staged(backend()) as stage:
        (text,) = await copied(stage, "Y", "J")
        assert '"uuid"' in text
