"""Commands of the user's own: by key, name or menu, asked about, run here or in the background, or copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.config.preview import UiSettings
from gputui.models import Resource
from gputui.models.custom_commands import CustomCommand, Mode
from gputui.models.notifications import Notification, Topic
from tests.fleet.fakes import FakeBackend, pod
from tests.screens.stage import Stage, staged
from tests.screens.world import lab


def commands(*found: CustomCommand, keys: dict[str, str] | None = None) -> UiSettings:
    """Return the interface with these commands."""
    return UiSettings(utc=True, mouse=False, custom=found, keys=keys or {})


async def ended(stage: Stage) -> None:
    """Wait for the end of what runs in the background."""
    await stage.until(lambda: not stage.app._program.custom.under_way, "the end of a command")


async def test_a_command_of_a_key_is_asked_about_and_its_end_is_shown(tmp_path: Path) -> None:
    note = CustomCommand("note", f"echo {{name}} > {tmp_path}/out; echo done; exit 3", "ctrl+y", Mode.BACKGROUND)
    async with staged(lab(), ui=commands(note)) as stage:
        name = stage.here
        await stage.press("ctrl+y")
        assert f"Run note for {name}?" in stage.text
        assert f"echo {name} >" in stage.text
        assert "on this machine, in the background" in stage.text
        await stage.press("escape")
        assert not (tmp_path / "out").exists()
        await stage.press("ctrl+y", "right", "enter")
        await ended(stage)
        assert (tmp_path / "out").read_text().strip() == name
        assert f"note ({name}): exit code 3" in stage.toasts


async def test_the_end_of_a_command_in_the_background_is_announced_without_its_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        CustomCommand(name, run, mode=Mode.BACKGROUND, confirm=False)
        for name, run in (("push", "echo private"), ("check", "false"))
    ]
    async with staged(lab(), ui=commands(*found)) as stage:
        said: list[Notification] = []
        monkeypatch.setattr(stage.app._announcements, "announce", said.append)
        for command in found:
            await stage.command(f"custom {command.name}")
            await ended(stage)
        assert [(one.topic, one.title, one.text, one.shown) for one in said] == [
            (Topic.FINISHED, "push finished", f"{stage.here}: exit code 0.", True),
            (Topic.FINISHED, "check failed", f"{stage.here}: exit code 1.", True),
        ]


async def test_marked_rows_have_a_command_each_and_one_that_is_copied_runs_nothing() -> None:
    copied = CustomCommand("where", "ssh {address} # {name}", mode=Mode.COPY)
    async with staged(lab(), ui=commands(copied)) as stage:
        await stage.press("space", "space", "exclamation_mark")
        assert "Run for 2 rows" in stage.text
        await stage.press("enter")
        text = stage.app.clipboard
        assert len(text.splitlines()) <= 2
        assert "Copied where" in stage.toasts or "not known" in stage.toasts


async def test_the_menu_has_the_keys_of_commands_and_takes_them(tmp_path: Path) -> None:
    note = CustomCommand("note", f"echo {{name}} > {tmp_path}/out", "ctrl+y", Mode.BACKGROUND)
    async with staged(lab(), ui=commands(CustomCommand("other", "true"), note)) as stage:
        await stage.press("exclamation_mark")
        assert "ctrl+y  note" in stage.text
        await stage.press("ctrl+y")
        assert f"Run note for {stage.here}?" in stage.text


async def test_the_menu_shows_commands_as_they_would_be_run_for_the_row() -> None:
    named = CustomCommand("note", "echo {name} {path}")
    lacking = CustomCommand("push", "scp x {address}:")
    backend = FakeBackend("hub", [Resource.INSTANCES])
    backend.rows[Resource.INSTANCES] = [pod("hub", "p1"), pod("hub", "p2")]
    async with staged(backend, ui=commands(named, lacking)) as stage:
        await stage.press("exclamation_mark")
        assert "echo p1 PATH" in stage.text
        assert "scp x (address unknown):" in stage.text
        await stage.press("escape", "space", "space", "exclamation_mark")
        assert "echo p1 PATH  and 1 more" in stage.text


async def test_a_field_that_is_unknown_is_refused_before_a_path_is_asked_for() -> None:
    push = CustomCommand("push", "rsync {path} {address}:/work")
    backend = FakeBackend("hub", [Resource.INSTANCES])
    backend.rows[Resource.INSTANCES] = [pod("hub", "p1")]
    async with staged(backend, ui=commands(push)) as stage:
        await stage.command("custom push")
        assert stage.dialogs == []
        assert "{address}" in stage.toasts
    local = CustomCommand("push", "cp {path} {name}")
    async with staged(lab(), ui=commands(local)) as stage:
        await stage.command("custom push")
        assert "Path for push" in stage.text
        assert "A path on this machine; enter to continue" in stage.text


async def test_other_rows_unknown_names_and_read_only_accounts_are_refused() -> None:
    only = CustomCommand("scale", "true", scope=("deployments",))
    here = CustomCommand("here", "true", mode=Mode.BACKGROUND, confirm=False)
    async with staged(lab(), ui=commands(only, here), read_only=True) as stage:
        await stage.command("custom scale")
        assert "scale is for deployments, not for" in stage.toasts
        await stage.command("custom nothing")
        assert "No custom command nothing. There are: scale, here." in stage.toasts
        await stage.command("custom here")
        assert "lab is read-only: custom commands are not run there." in stage.toasts
    async with staged(lab()) as stage:
        await stage.press("exclamation_mark")
        assert "There are no custom commands: write them in config.toml, as [[commands]]." in stage.toasts


async def test_a_command_without_a_key_gets_one() -> None:
    async with staged(lab(), ui=commands(keys={"explain": "ctrl+e"}), view="2") as stage:
        await stage.press("ctrl+e")
        assert "Explain" in stage.toasts


async def test_the_end_of_a_command_counts_not_that_of_what_it_leaves_behind(tmp_path: Path) -> None:
    left = CustomCommand("left", "sleep 5 & echo started", mode=Mode.BACKGROUND, confirm=False)
    async with staged(lab(), ui=commands(left)) as stage:
        await stage.command("custom left")
        await ended(stage)
        assert "left (eval): exit code 0" in stage.toasts
        assert "started" in stage.toasts


async def test_problems_of_the_configuration_can_be_read_from_home_and_are_where_a_command_is_missed() -> None:
    problem = "commands.push.run: has no field {nme}; the fields are ref, account, kind, id, name, region, host, port"
    async with staged(lab(), view="0") as stage:
        stage.app.session.config_problems = [problem]
        stage.view.catch_up()
        await stage.settle()
        assert "has no field {nme}" in stage.line_of("commands.push.run")
        await stage.press("slash", *"commands", "enter", "enter")
        assert "name, region, host, port" in stage.text
        assert "start gputui again" in stage.text
        await stage.press("q", "3")
        await stage.command("custom push")
        assert (
            "No custom command push. There are: none. Home (0) has the problems of the configuration." in stage.toasts
        )
        await stage.press("exclamation_mark")
        assert "No custom command can be used. Home (0) has the problems of the configuration." in stage.toasts
