"""A create or a start that is sent again in the foreground: its exit status, and an interruption amid a request."""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime

import pytest

from gputui.cli.keep_trying import check, keep_trying
from gputui.cli.mutate import Plan, _act_on_all
from gputui.errors import ConfigError, ExitCode, NoStockError, UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.fleet.attempts import PACE, Attempt
from gputui.models import Action, Money, Ref, Resource, Row
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle

FULL = NoStockError("lab: no stock")


def foreground(fleet: Fleet) -> asyncio.Task[tuple[ExitCode, Attempt | None]]:
    def begin(until: datetime, limit: Money | None) -> Attempt:
        return fleet.work.attempts.create("lab", "pod", "new", {"name": "new"}, until=until, limit=limit)

    args = argparse.Namespace(keep_trying=60, max_price=None)
    return asyncio.ensure_future(keep_trying(args, fleet, "lab", FULL, begin))


def test_a_time_of_more_than_a_week_is_refused() -> None:
    check(argparse.Namespace(keep_trying=7 * 1440, max_price=None))
    with pytest.raises(ConfigError, match="7d at most"):
        check(argparse.Namespace(keep_trying=7 * 1440 + 1, max_price=None))


async def test_an_unknown_outcome_is_not_reported_as_no_stock() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    lab.errors[Action.CREATE] = UnknownOutcomeError("lost")
    async with running(clock, lab) as fleet:
        trying = foreground(fleet)
        await settle()
        await clock.advance(20 * PACE)
        assert (await trying)[0] is ExitCode.UNKNOWN_OUTCOME
    assert lab.calls[Action.CREATE] == 1


async def test_an_interruption_amid_a_request_leaves_an_unknown_outcome() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    lab.holds[Action.CREATE] = asyncio.Event()
    async with running(clock, lab) as fleet:
        trying = foreground(fleet)
        await settle()
        await clock.advance(PACE)
        await lab.sent.wait()
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        assert fleet.mutations.cancelled == [(Ref("lab", "pod", "new"), Action.CREATE)]


async def test_what_starts_in_the_end_is_waited_for_as_all_that_start() -> None:
    clock, lab = FakeClock(), FakeBackend("lab")
    stopped = pod("lab", "main", "exited")
    lab.offered |= {Action.START}
    lab.rows[Resource.INSTANCES] = [stopped]
    lab.errors[Action.START] = FULL

    async def tried(_fleet: Fleet, _row: Row, _error: NoStockError) -> ExitCode:
        return ExitCode.OK

    async with running(clock, lab) as fleet:
        assert await _act_on_all(fleet, Plan([stopped]), Action.START, tried) == (ExitCode.OK, [stopped.ref])
