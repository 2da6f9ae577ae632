"""Logs over SSH on the screen: chosen, read, offered again."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from gputui.app.login import Login
from gputui.models import Deployment, Instance, Phase, Ref, Resource
from gputui.ssh.logs.looks import Look, Looks
from tests.screens.stage import staged
from tests.screens.written_logs import Writing

pytestmark = pytest.mark.usefixtures("logged_today")


@pytest.fixture
def over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of instances that can be logged into, whose looks are those of this machine."""

    async def connected(self: Login, of: Instance, command_id: str) -> bool:
        return True

    async def look(self: Looks, script: str, target: object, *, limit: int) -> Look:
        done = await asyncio.to_thread(subprocess.run, ["sh", "-c", script], capture_output=True)
        return Look(done.stdout, done.stderr.decode(), done.returncode)

    monkeypatch.setattr(Login, "connect", connected)
    monkeypatch.setattr(Looks, "look", look)
    return tmp_path


async def test_a_file_over_ssh_is_chosen_read_and_offered_again(over_ssh: Path) -> None:
    for name in ("a.log", "b.log"):
        (over_ssh / name).write_text(f"line of {name}\n")
    async with staged(Writing(), view="3", size=(240, 40)) as stage:  # as long as the path of the file
        await stage.press("j", "l")
        await stage.until(lambda: "Which log of zeta?" in stage.text, "the menu")
        await stage.press("f", *f"{over_ssh}/*.log", "enter")
        await stage.until(lambda: "Which file on zeta?" in stage.text, "the files")
        await stage.press("2")
        await stage.until(lambda: "line of" in stage.text, "the log")
        assert ".log   following" in stage.title
        assert stage.line_of("line of").startswith("  line of")  # without a column for times
        await stage.press("q", "l")
        await stage.until(lambda: "Which log of zeta?" in stage.text, "the menu")
        assert "1  /" in stage.text


async def test_a_worker_with_a_log_of_its_server_has_others_over_ssh(over_ssh: Path) -> None:
    (over_ssh / "train.log").write_text("step 1\n")
    cloud = Writing()
    cloud.entered = {"worker"}
    async with staged(cloud, view="3") as stage:
        await stage.press("l")
        await stage.until(lambda: "Which log of wk-7f3c?" in stage.text, "the menu")
        assert "a  The log that yot has         l again" in stage.text
        await stage.press("l")
        await stage.until(lambda: "line 2499" in stage.text, "the log of the server")

        # In the log another one is chosen, and the key twice goes back to the one read last.
        await stage.press("F", "l")
        await stage.until(lambda: "Which log of wk-7f3c?" in stage.text, "the menu")
        await stage.press("f", *f"{over_ssh}/train.log", "enter")
        await stage.until(lambda: "step 1" in stage.text, "the file")
        assert "line 2499" not in stage.text
        await stage.press("q")
        assert stage.view.NAME == "instances"
        await stage.press("l")
        await stage.until(lambda: "Which log of wk-7f3c?" in stage.text, "the menu")
        await stage.press("l")
        await stage.until(lambda: "step 1" in stage.text, "the file")
        await stage.press("F", "l")
        await stage.until(lambda: "Which log of wk-7f3c?" in stage.text, "the menu")
        await stage.press("a")
        await stage.until(lambda: "line 2499" in stage.text, "the log of the server")


async def test_the_log_of_a_deployment_is_remembered_for_all_of_its_instances(over_ssh: Path) -> None:
    (over_ssh / "train.log").write_text("step 1\n")
    cloud = Writing()
    cloud.entered = {"replica"}
    cloud.kinds = {**cloud.kinds, "job": Resource.DEPLOYMENTS, "replica": Resource.INSTANCES}
    job = Ref("yot", "job", "1")
    cloud.rows[Resource.DEPLOYMENTS] = [Deployment(job, "chat", "JOB", Phase.RUNNING, "RUNNING")]
    cloud.rows[Resource.INSTANCES] = [
        Instance(Ref("yot", "replica", name), name, Phase.RUNNING, "RUNNING", parent=job, container_id=name)
        for name in ("one", "two")
    ]
    async with staged(cloud, view="2") as stage:
        await stage.press("l")
        await stage.until(lambda: "A log of chat" in stage.text, "the instances")
        await stage.press("1")
        await stage.until(lambda: "Which log of one?" in stage.text, "the menu")
        assert "The log that yot has" not in stage.text
        await stage.press("f", *f"{over_ssh}/train.log", "enter")
        await stage.until(lambda: "step 1" in stage.text, "the file")
        await stage.press("q", "l", "2")
        await stage.until(lambda: "Which log of two?" in stage.text, "the menu")
        await stage.press("l")
        await stage.until(lambda: "two ›" in stage.title and "step 1" in stage.text, "the file on the other one")
        cloud.entered.clear()
        await stage.press("q", "l")
        assert "No instance of chat can be logged into now, and yot itself has no log of one." in stage.toasts
        cloud.rows[Resource.INSTANCES] = []
        await stage.advance(300)
        await stage.press("l")
        assert "chat has no instances now: nothing writes a log." in stage.toasts
