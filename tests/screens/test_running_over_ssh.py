"""Commands run over SSH from the screen: the questions of the logins, each asked once, and the end by force."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gputui.fleet.remote_run import RemoteRun
from gputui.models import EndedBy, Ref, RunState, SSHTarget
from tests.fleet.ssh_hosts import Hosts
from tests.screens.stage import Stage, staged
from tests.ssh.servers import PASSWORD
from tests.ssh.shells import ShellServer


class Asking(Hosts):
    """Instances whose server asks for a password."""

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", self.port, "root")


@asynccontextmanager
async def hosts(tmp_path: Path, kind: type[Hosts], *names: str) -> AsyncIterator[tuple[ShellServer, Stage]]:
    async with ShellServer() as server, staged(kind(server.port, *names), state_dir=tmp_path) as stage:
        yield server, stage


async def run(stage: Stage, command: str, number: int) -> None:
    """Run a command in all instances, and confirm it."""
    await stage.press("3", *(["space"] * number), "x")
    await stage.type(command)
    await stage.press("enter")
    await stage.type(str(number))
    await stage.press("enter")


def the_run(stage: Stage) -> RemoteRun:
    found: RemoteRun = stage.fleet.work.runs.all[-1]
    return found


def ends(stage: Stage) -> Sequence[tuple[str, RunState]]:
    return [(result.name, result.state) for result in the_run(stage).results]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


async def test_unknown_host_keys_are_counted_and_asked_about_once(tmp_path: Path) -> None:
    async with hosts(tmp_path, Hosts, "a", "b", "c") as (server, stage):
        await run(stage, "echo hi", 3)
        await stage.until_text("The host keys of 3 servers are not known yet.")
        assert "lab/pod/a, lab/pod/b, lab/pod/c" in stage.text
        assert stage.text.count("SHA256:") == 1, "they have the same"
        assert server.commands == []
        await stage.press("y")
        await stage.until_text("3 instances, exit code 0: a, b, c")


async def test_without_the_keys_nothing_is_run_or_the_rest_of_it(tmp_path: Path) -> None:
    async with hosts(tmp_path, Hosts, "a", "b") as (server, stage):
        await run(stage, "echo hi", 2)
        await stage.until_text("The host keys of 2 servers")
        await stage.press("n")
        assert stage.fleet.work.runs.all == []
        await stage.press("x")
        await stage.type("echo hi")
        await stage.press("enter", "2", "enter")
        await stage.until_text("The host keys of 2 servers")
        await stage.press("e")
        await stage.until_text("The host key of lab/pod/a at")
        await stage.press("y")
        await stage.until_text("The host key of lab/pod/b at")
        await stage.press("n")
        await stage.until_text("1 not run, 1 exit code 0")
        assert ends(stage) == [("a", RunState.ENDED), ("b", RunState.FAILED)]
        assert "Not logged into b: its host key was not accepted." in stage.text
        assert len(server.commands) == 1


async def test_passwords_are_asked_for_one_after_the_other_and_those_refused_are_said(tmp_path: Path) -> None:
    async with hosts(tmp_path, Asking, "a", "b", "c") as (_, stage):
        await run(stage, "echo hi", 3)
        await stage.until_text("The host keys of 3 servers")
        await stage.press("y")
        await stage.until_text("Password of root on lab/pod/a")
        await stage.type(PASSWORD)
        await stage.press("enter")
        await stage.until_text("Password of root on lab/pod/b")
        await stage.press("escape")
        await stage.until_text("Not logged into b.")
        assert "Ask for the next: c" in stage.text
        await stage.press("w")
        await stage.until_text("2 not run, 1 exit code 0")
        assert ends(stage) == [("a", RunState.ENDED), ("b", RunState.FAILED), ("c", RunState.FAILED)]
        await stage.press("R")
        await stage.type("2")
        await stage.press("enter")
        for name in "bc":
            await stage.until_text(f"Password of root on lab/pod/{name}")
            await stage.type(PASSWORD)
            await stage.press("enter")
        await stage.until_text("3 instances, exit code 0: a, b, c")


async def test_ending_a_run_is_asked_about_sends_term_and_can_be_retried(tmp_path: Path) -> None:
    async with hosts(tmp_path, Hosts, "a", "b") as (server, stage):
        await run(stage, "echo begun; sleep 600", 2)
        await stage.until_text("The host keys of 2 servers")
        await stage.press("y")
        await stage.until_text("2 running")
        await stage.until(lambda: all(b"begun" in result.stdout for result in the_run(stage).results))
        await stage.press("ctrl+q")
        assert "The command echo begun; sleep 600 ends in 2 instances." in stage.text
        assert "still under way" not in stage.text
        await stage.press("n", "X")
        assert "End the command in 2 instances?" in stage.text
        await stage.press("y")
        await stage.until_text("2 ended by you")
        assert [result.ended_by for result in the_run(stage).results] == [EndedBy.USER] * 2
        assert [result.signal for result in the_run(stage).results] == ["TERM"] * 2
        assert sum("kill -s TERM" in command for command in server.commands) == 2
        await stage.press("R")
        assert "Run again in 2 pods in lab?" in stage.text
