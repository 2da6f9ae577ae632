"""Acting on several rows: a few at a time, each for itself."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import (
    GputuiError,
    UnavailableError,
)
from gputui.fleet.several_rows import act_on_all
from gputui.models import Action, ActionResult, Ref, Row
from tests.fleet.acting import INSTANCES
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle


class Slow(FakeBackend):
    """Its actions wait until their row is released; ``running`` are those that do."""

    def __init__(self) -> None:
        super().__init__("lab")
        self.rows[INSTANCES] = [pod("lab", name) for name in "abcdef"]
        self.running: dict[str, asyncio.Future[None]] = {}

    async def stop(self, ref: Ref) -> ActionResult:
        self.running[ref.id] = asyncio.get_running_loop().create_future()
        try:
            await self.running[ref.id]
        finally:
            del self.running[ref.id]
        return ActionResult(f"stopped {ref.id}")


async def test_rows_are_acted_on_a_few_at_a_time_and_a_failure_leaves_the_others(clock: FakeClock) -> None:
    slow = Slow()
    async with running(clock, slow) as fleet:
        ended: list[str] = []
        rows = list(fleet.rows(INSTANCES).values())
        all_of_them = asyncio.ensure_future(
            act_on_all(
                fleet, Action.STOP, rows, lambda _: {}, at_once=2, ended=lambda row, outcome: ended.append(row.ref.id)
            )
        )
        await settle()
        assert set(slow.running) == {"a", "b"}
        slow.running["b"].set_exception(UnavailableError("lab: no answer."))
        await settle()
        assert (set(slow.running), ended) == ({"a", "c"}, ["b"])
        while not all_of_them.done():
            next(iter(slow.running.values())).set_result(None)
            await settle()
        outcomes = await all_of_them
        assert [row.ref.id for row, _ in outcomes] == list("abcdef")
        assert [row.ref.id for row, outcome in outcomes if isinstance(outcome, GputuiError)] == ["b"]
        assert sorted(ended) == list("abcdef")


async def test_a_fault_of_one_row_is_raised_after_the_others_have_ended(clock: FakeClock) -> None:
    slow = Slow()
    async with running(clock, slow) as fleet:
        stopped: list[str] = []

        def report(row: Row, outcome: ActionResult | GputuiError) -> None:
            if row.ref.id == "a":
                raise BrokenPipeError
            stopped.append(row.ref.id)

        rows = list(fleet.rows(INSTANCES).values())[:3]
        all_of_them = asyncio.ensure_future(act_on_all(fleet, Action.STOP, rows, lambda _: {}, ended=report))
        await settle()
        for name in "abc":
            slow.running[name].set_result(None)
            await settle()
        with pytest.raises(BrokenPipeError):
            await all_of_them
        assert stopped == ["b", "c"]
