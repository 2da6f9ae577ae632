"""Commands run in instances: the screen says that they run, how they ended and what they wrote."""

from __future__ import annotations

from gputui.errors import ConflictError
from gputui.models import (
    Action,
    ExecResult,
    Resource,
)
from tests.fleet.fakes import FakeBackend
from tests.screens.changing import sent
from tests.screens.stage import staged
from tests.screens.world import instance, lab


async def test_a_command_shows_that_it_runs_how_it_ended_and_what_it_wrote() -> None:
    fake = lab().without_ssh()
    answer = fake.hold(Action.EXEC)
    async with staged(fake) as stage:
        await stage.press("G", "x")
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
