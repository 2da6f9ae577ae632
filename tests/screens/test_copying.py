"""The menu of what can be copied of a row: its password is asked about and never shown, JSON is read where needed."""

from __future__ import annotations

from dataclasses import replace

from gputui.models import Action, Instance, Ref, Resource, Row, Secret, SSHTarget
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


async def test_the_copied_ssh_command_leaves_a_host_of_the_user_to_ssh_and_enters_a_container() -> None:
    fake = backend()
    host = SSHTarget("gpu01", 22, "", alias="gpu01")
    inside = replace(host, enter=("docker", "7f3a"))
    fake.rows[Resource.INSTANCES] = [instance("hub", "gpu01", ssh=host), instance("hub", "train", ssh=inside)]
    async with staged(fake) as stage:
        command = stage.app.session.ssh_command
        rows = {row.name: row for row in stage.app.session.fleet.all(Instance)}
        assert command(rows["gpu01"]) == "ssh gpu01"
        assert command(rows["train"]).startswith("ssh -t gpu01 'docker exec -it 7f3a sh -c ")
        hostile = replace(rows["gpu01"], ssh=SSHTarget("-oProxyCommand=x", 22, ""))
        assert command(hostile) == "ssh -p 22 -- -oProxyCommand=x"
