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
        assert "Running in train in lab …" in stage.text
        answer.set()
        await stage.settle()
        for part in ("train  $ ls", "exit code 0", "ran ls"):
            assert part in stage.text
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
        for part in ("bert is not running.", "exit code 2", "out of clip"):
            assert part in stage.text
