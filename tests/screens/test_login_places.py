"""The first login into a new container: one dialog for the host key, and for the place when tmux gives a choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gputui.config.preview import UiSettings
from gputui.errors import SshError
from gputui.models import Ref
from gputui.ssh.known_hosts import HostKey, host_id_of
from tests.screens.stage import Stage, staged
from tests.screens.test_login import PlayedConnection, PlayedSsh
from tests.screens.world import lab

KEY = HostKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIJ0pQ0SJVYOY0H5vJ6m0Y0T6Y2x5a3JtZ3B1dHVpdGVzdA==")


class AskingSsh(PlayedSsh):
    """Asks about the host key unless it is known, and remembers it, as the client does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.jump = ""

    async def _connect(self, *_: object, **options: Any) -> Any:
        host_id, hosts = options["host_id"], options["hosts"]
        self.waits = True
        for asked in filter(None, (self.jump, host_id)):
            if not hosts.keys(asked):
                question = hosts.question(asked, "127.0.0.1", 22, KEY)
                if not await options["ask"](question):
                    raise SshError("Not logged in: its host key was not accepted.")
                hosts.remember(asked, "127.0.0.1", 22, KEY)
        self.connections.append(PlayedConnection())
        return self.connections[-1]


@pytest.fixture
async def ssh(monkeypatch: pytest.MonkeyPatch) -> AskingSsh:
    monkeypatch.delenv("TMUX", raising=False)
    return AskingSsh(monkeypatch)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], str]:
    """Play a tmux; returns the names of the windows that were opened."""
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    opened = tmp_path / "windows"
    opened.touch()

    def command(name: str, ref: str, program: object) -> list[str]:
        return ["sh", "-c", f"echo {name} {ref} >> {opened}"]

    monkeypatch.setattr("gputui.app.login.tmux_window_command", command)
    return opened.read_text


async def log_in(stage: Stage) -> None:
    await stage.press("end", "s")
    await stage.until_text(KEY.fingerprint)


async def test_two_keys_log_in_for_the_first_time_and_without_reading_nothing_is_trusted(
    ssh: AskingSsh, tmp_path: Path
) -> None:
    async with staged(lab(), state_dir=tmp_path) as stage:
        for key in ("n", "enter", "escape"):
            stage.app.clear_notifications()
            await log_in(stage)
            await stage.press(key)
            await stage.until(lambda: "host key was not accepted" in stage.toasts)
            assert ssh.connections == []
            assert stage.dialogs == []

        # Two keys log in for the first time.
        await log_in(stage)
        await stage.press("y")
        await stage.until(ssh.shell_open.is_set, "a shell")
        ssh.shell_ends.set()
        await stage.settle()
        assert stage.dialogs == []


async def test_a_key_typed_before_the_question_trusts_nothing(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str]
) -> None:
    async with staged(lab(), state_dir=tmp_path) as stage:
        await stage.press("end")
        for key in ("y", "h", "w"):
            stage.app.clear_notifications()
            await stage.burst("s", *key * 20)
            await stage.until_text(KEY.fingerprint)
            assert ssh.connections == []
            assert windows() == ""
            await stage.press("escape")
            await stage.until(lambda: "host key was not accepted" in stage.toasts)
            while stage.in_dialog:  # the key may have opened one in the view before the question came
                await stage.press("escape")
        await log_in(stage)
        await stage.press("h")
        await stage.until(ssh.shell_open.is_set, "a shell")


@pytest.mark.parametrize("key", ["h", "y"])
async def test_in_tmux_one_dialog_asks_for_trust_and_place(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str], key: str
) -> None:
    async with staged(lab(), state_dir=tmp_path) as stage:
        await log_in(stage)
        assert "in a new tmux window" in stage.text
        await stage.press(key)
        await stage.until(ssh.shell_open.is_set, "a shell")
        ssh.shell_ends.set()
        await stage.settle()
        assert windows() == ""
        ssh.shell_open.clear()
        await stage.press("s")
        await stage.until_text("Log into train")
        assert KEY.fingerprint not in stage.text, "it is known by now: only the place is asked"
        await stage.press("h")
        await stage.until(ssh.shell_open.is_set, "a second shell")


async def test_in_a_window_the_key_is_remembered_and_no_one_logs_in_here(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str]
) -> None:
    async with staged(lab(), state_dir=tmp_path) as stage:
        await log_in(stage)
        await stage.press("w")
        await stage.until(lambda: windows() != "", "a window")
        assert windows() == "train lab/pod/train\n"
        assert ssh.connections == []
        assert stage.dialogs == []
        train = await stage.fleet.ssh_target(Ref("lab", "pod", "train"))
        hosts = stage.app.session.fleet.connections.hosts
        assert hosts.keys(host_id_of(Ref("lab", "pod", "train"), train)) == (KEY,)


@pytest.mark.parametrize(("key", "opened"), [("H", ""), ("W", "train lab/pod/train\n")])
async def test_the_place_is_chosen_once_for_all_logins_of_the_session(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str], key: str, opened: str
) -> None:
    async with staged(lab(), state_dir=tmp_path) as stage:
        train = await stage.fleet.ssh_target(Ref("lab", "pod", "train"))
        hosts = stage.app.session.fleet.connections.hosts
        hosts.remember(host_id_of(Ref("lab", "pod", "train"), train), "127.0.0.1", 22, KEY)
        ssh.shell_ends.set()

        async def logged_in(times: int) -> None:
            await stage.until(lambda: ssh.shell_open.is_set() or windows() == opened * times != "", "a login")
            await stage.until(lambda: not stage.app._login._busy, "its end")
            assert (windows(), ssh.shell_open.is_set()) == (opened * times, not opened)
            ssh.shell_open.clear()

        await stage.press("end", "s")
        await stage.until_text("until gputui ends")
        await stage.press(key)
        await logged_in(1)
        await stage.press("s")
        await logged_in(2)


async def test_the_key_of_a_jump_host_is_a_question_of_its_own(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str]
) -> None:
    ssh.jump = "jump/gw:22"
    async with staged(lab(), state_dir=tmp_path) as stage:
        await log_in(stage)
        assert "jump/gw:22" in stage.text
        assert "tmux" not in stage.text
        await stage.press("y")
        await stage.until_text("in a new tmux window")
        await stage.press("h")
        await stage.until(ssh.shell_open.is_set, "a shell")


async def test_with_one_place_in_the_configuration_nothing_but_trust_is_asked(
    ssh: AskingSsh, tmp_path: Path, windows: Callable[[], str]
) -> None:
    async with staged(lab(), state_dir=tmp_path, ui=UiSettings(utc=True, mouse=False, tmux_window="never")) as stage:
        await log_in(stage)
        assert "tmux" not in stage.text
        await stage.press("y")
        await stage.until(ssh.shell_open.is_set, "a shell")
