"""The runs of a session: those that are kept, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from gputui.fleet import runs
from gputui.fleet.orders import Order
from gputui.fleet.remote_run import RemoteRun
from gputui.fleet.runs import Runs
from gputui.models import Action, Instance, Ref
from tests.fleet.fakes import FakeBackend, FakeClock, running


async def test_the_oldest_that_have_ended_are_forgotten_by_number_and_by_size(
    clock: FakeClock, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.offered = frozenset({Action.EXEC})
    held = lab.hold(Action.EXEC)
    async with running(clock, lab) as fleet:
        monkeypatch.setattr(runs, "MOST", 3)

        def new(command: str) -> RemoteRun:
            return RemoteRun(fleet, fleet.all(Instance), Order(command))

        async def ended(command: str) -> RemoteRun:
            run = new(command)
            await fleet.work.runs.start(run)
            return run

        under_way = fleet.work.runs.start(new("first"))
        held.set()
        await ended("a")
        await under_way
        seconds = [await ended(name) for name in "bc"]
        assert [run.order.command for run in fleet.work.runs.all] == ["a", "b", "c"]
        seconds[0].renew(fleet.all(Instance))
        await fleet.work.runs.start(seconds[0])
        assert [run.order.command for run in fleet.work.runs.all] == ["a", "c", "b"], "by their last start"
        monkeypatch.setattr(runs, "MOST_BYTES", len("ran b") + 1)
        await ended("d")
        assert [run.order.command for run in fleet.work.runs.all] == ["d"]


async def test_one_under_way_is_kept_whatever_came_after_it(
    clock: FakeClock, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.offered = frozenset({Action.EXEC})
    monkeypatch.setattr(runs, "MOST", 1)
    held = lab.hold(Action.EXEC)
    async with running(clock, lab) as fleet:
        tasks = [fleet.work.runs.start(RemoteRun(fleet, fleet.all(Instance), Order(name))) for name in "ab"]
        assert [run.order.command for run in fleet.work.runs.all] == ["a", "b"]
        held.set()
        for task in tasks:
            await task
        assert [run.order.command for run in fleet.work.runs.all] == ["b"]


class Stuck:
    """A run that does not end until it is cancelled, and not at once then."""

    listener: Callable[[], None]
    size = 0

    def __init__(self, number: int, steps: list[str]) -> None:
        self.ref = Ref("lab", "run", str(number))
        self.began = asyncio.Event()
        self._steps = steps

    def stop(self) -> None:
        """Change nothing."""

    async def run(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._steps.append("cancelled")
            for _ in range(20):
                await asyncio.sleep(0)
            self._steps.append("ended")


async def test_the_end_of_the_program_does_not_wait_for_one_run_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "_CLOSE_SECONDS", 0.01)
    several, steps = Runs(), list[str]()
    stuck = [Stuck(number, steps) for number in range(3)]
    for run in stuck:
        several.start(cast(RemoteRun, run))
        await run.began.wait()
    await several.aclose()
    assert steps == ["cancelled"] * 3 + ["ended"] * 3
