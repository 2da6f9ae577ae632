"""Commands run in instances: the screen says that they run, how they ended and what they wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputui.errors import ConflictError
from gputui.models import (
    Action,
    ExecResult,
    Instance,
    Phase,
    Resource,
    Row,
)
from gputui.screens.runs.commands import file_words
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import sent
from tests.screens.stage import Stage, staged
from tests.screens.world import instance, lab


class ClipFails(FakeBackend):
    """Runs commands in what is running; ``fail`` fails in the instance ``clip``."""

    def actions(self, row: Row) -> frozenset[Action]:
        running = isinstance(row, Instance) and row.phase is Phase.RUNNING
        return super().actions(row) - (frozenset() if running else {Action.EXEC})

    async def exec(self, ref, command, *, timeout=None):  # type: ignore[no-untyped-def]
        await super().exec(ref, command, timeout=timeout)
        return ExecResult(2 if (ref.id, command) == ("clip", "fail") else 0, f"out of {ref.id}")


def two_pods() -> FakeBackend:
    fake = ClipFails("lab").without_ssh()
    fake.rows[Resource.INSTANCES] = [instance("lab", "bert"), instance("lab", "clip")]
    return fake


async def test_a_command_shows_that_it_runs_how_it_ended_and_what_it_wrote() -> None:
    fake = lab().without_ssh()
    answer = fake.hold(Action.EXEC)
    async with staged(fake) as stage:
        await stage.press("end", "x")
        assert "Run in train" in stage.text
        await stage.press("enter")
        assert "Type a command." in stage.text
        assert sent(fake) == {}
        await stage.type("ls")
        await stage.press("enter")
        assert "Run › ls   1 running" in stage.title
        assert "No output yet." in stage.text
        answer.set()
        await stage.settle()
        assert "✓ exit code 0" in stage.line_of("train")
        assert stage.text.count("ran ls") == 2, "as the first line of the row, and as the output"
        assert sent(fake) == {Action.EXEC: 1}


async def test_a_command_in_several_shows_each_ones_end() -> None:
    class OneFails(FakeBackend):
        async def exec(self, ref, command, *, timeout=None):  # type: ignore[no-untyped-def]
            if ref.id == "bert":
                raise ConflictError("bert is not running.")
            await super().exec(ref, command, timeout=timeout)
            return ExecResult(2, f"out of {ref.id}")

    fake = OneFails("lab").without_ssh()
    fake.rows[Resource.INSTANCES] = [instance("lab", "bert"), instance("lab", "clip")]
    async with staged(fake) as stage:
        await stage.press("space", "space", "x")
        assert "Run in 2 pods in lab" in stage.text
        await stage.type("ls")
        await stage.press("enter")
        assert "Run in 2 pods in lab?" in stage.text
        assert "$ ls" in stage.text
        assert "Type 2 to confirm:" in stage.text
        await stage.press("enter")
        assert sent(fake) == {}
        await stage.type("2")
        await stage.press("enter")
        await stage.settle()
        assert "1 not run, 1 exit code 2" in stage.title
        for part in (
            "1 instance, not run: bert",
            "bert is not running.",
            "1 instance, exit code 2: clip",
            "out of clip",
        ):
            assert part in stage.text
        await stage.press("d")
        assert "clip: exit code 2" in stage.text
        await stage.press("q", "R")
        assert "Run again in 2 pods in lab?" in stage.text
        await stage.type("2")
        await stage.press("enter")
        await stage.settle()
        assert sent(fake) == {Action.EXEC: 2}, "that of clip alone was sent, each time"


async def test_without_a_command_its_view_says_how_to_run_one() -> None:
    async with staged(lab()) as stage:
        await stage.command("runs")
        assert "No command was run. Press x on an instance" in stage.text


@pytest.mark.parametrize(
    ("command", "words"),
    [("nvidia-smi -L | wc -l", "nvidia-smi_-L_wc_-l"), ("TOKEN=hf_9f3b2a1c ./a", "TOKEN_._a"), ("'", "command")],
)
def test_the_name_of_a_saved_run_begins_with_its_command_without_secrets(command: str, words: str) -> None:
    assert file_words(command) == words


def saved(folder: Path, form: str) -> str:
    """Return the text of the only file of a form."""
    (path,) = folder.glob(f"gputui-run-*.{form}")
    return path.read_text()


async def run_on_both(stage: Stage, command: str) -> None:
    """Run a command on both instances, which are marked."""
    await stage.press("x")
    await stage.type(command)
    await stage.press("enter")
    await stage.type("2")
    await stage.press("enter")
    await stage.settle()


async def test_every_run_of_the_session_is_listed_opened_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(two_pods(), state_dir=tmp_path) as stage:
        await stage.press("3", "space", "space")
        await run_on_both(stage, "fail")
        await stage.advance(60)
        await stage.press("3")
        await run_on_both(stage, "hostname")
        await stage.command("runs")
        assert stage.title.startswith("Runs   2")
        first, second = (next(line for line in stage.lines if word in line) for word in ("hostname", " fail "))
        assert stage.lines.index(first) < stage.lines.index(second), "the newest is the first"
        assert "✓ succeeded" in first
        assert "2 exit code 0" in first
        assert "✗ 1 of 2 failed" in second
        assert "1 exit code 2, 1 exit code 0" in second
        await stage.press("j", "enter")
        assert "Run › fail" in stage.title
        assert "out of clip" in stage.text
        await stage.press("q")
        assert stage.title.startswith("Runs   2")
        await stage.command("transfers")
        await stage.press("q", "escape")
        assert stage.title.startswith("Run › hostname"), (
            "q and esc lead back to the view before the lists of the session"
        )
        await stage.command("runs")
        for form in ("t", "J"):
            await stage.press("ctrl+s", form)
            await stage.until(lambda: "Saved as" in stage.toasts)
            stage.app.clear_notifications()
    assert saved(tmp_path, "txt").startswith("$ fail\n\n== 1 instance, exit code ")
    rows = map(json.loads, saved(tmp_path, "jsonl").splitlines())
    assert [(row["name"], row["exit_code"], row["stdout"]) for row in rows] == [
        ("bert", 0, "out of bert"),
        ("clip", 2, "out of clip"),
    ]


async def test_only_the_failed_ones_of_a_run_in_the_list_are_retried() -> None:
    fake = two_pods()
    async with staged(fake) as stage:
        await stage.press("3", "space", "space")
        await run_on_both(stage, "fail")
        await stage.command("runs")
        await stage.press("R")
        assert "Run again in clip in lab?" in stage.text
        await stage.press("right", "enter")
        await stage.settle()
        assert sent(fake) == {Action.EXEC: 3}
        assert "Run › fail" in stage.title
        await stage.press("X")
        assert "The command has ended everywhere." in stage.toasts


async def test_marked_instances_that_cannot_run_it_are_left_out_and_named() -> None:
    fake = two_pods()
    fake.rows[Resource.INSTANCES] = [*fake.rows[Resource.INSTANCES], instance("lab", "old", "exited")]
    async with staged(fake) as stage:
        await stage.press("3", "space", "space", "space", "x")
        assert "Run in 2 pods in lab" in stage.text
        assert "Left out, as they" in stage.text
        await stage.type("hostname")
        await stage.press("enter")
        assert "Left out, as they cannot run it now: old." in stage.text
        await stage.type("2")
        await stage.press("enter")
        await stage.settle()
        assert sent(fake) == {Action.EXEC: 2}
