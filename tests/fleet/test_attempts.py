"""Creates and starts without stock: tried again at a pace, and never after an answer that means anything else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gputui.errors import (
    AuthError,
    ConflictError,
    GputuiError,
    NoStockError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.fleet import Fleet
from gputui.fleet.attempts import PACE, Attempt
from gputui.history.history import History
from gputui.models import Action, ActionResult, Money, Phase, Ref, Resource
from gputui.models.attempts import AttemptState
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle

FULL = NoStockError("lab: no stock")
MAIN = Ref("lab", "pod", "main")


def begin(fleet: Fleet, clock: FakeClock, hours: float = 2.0, limit: str = "") -> Attempt:
    money = Money(Decimal(limit), "CNY") if limit else None
    until = clock.now() + timedelta(hours=hours)
    return fleet.work.attempts.create("lab", "pod", "new", {"name": "new"}, until=until, limit=money)


async def test_no_stock_is_asked_for_again_at_most_every_thirty_seconds(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = FULL
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock)
        await clock.advance(PACE - 1)
        assert lab.calls[Action.CREATE] == 0
        await clock.advance(10 * PACE)
        assert lab.calls[Action.CREATE] == attempt.tries == 10
        assert (attempt.state, attempt.answer) == (AttemptState.WAITING, "lab: no stock")
        del lab.errors[Action.CREATE]
        await clock.advance(PACE)
        await settle()
        assert (attempt.state, attempt.made) == (AttemptState.DONE, Ref("lab", "pod", "new"))
        await clock.advance(10 * PACE)
    assert lab.calls[Action.CREATE] == 11


async def test_each_attempt_is_in_the_audit_log(clock: FakeClock, lab: FakeBackend, history: History) -> None:
    lab.errors[Action.CREATE] = FULL
    async with running(clock, lab, history=history) as fleet:
        attempt = begin(fleet, clock)
        while attempt.tries < 3:
            await clock.advance(PACE)
            await settle()
    assert len(history.audit_log.entries()) == 3


@pytest.mark.parametrize("error", [UnknownOutcomeError("lost"), AuthError("token")])
async def test_any_other_answer_ends_the_series(clock: FakeClock, lab: FakeBackend, error: GputuiError) -> None:
    lab.errors[Action.CREATE] = error
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock)
        await clock.advance(20 * PACE)
        await settle()
        assert attempt.state is AttemptState.FAILED
        assert error.message in attempt.answer
        assert isinstance(attempt.error, type(error))
    assert lab.calls[Action.CREATE] == 1


@pytest.mark.parametrize("error", [UnavailableError("refused"), RateLimitedError("slow", retry_after=90)])
async def test_what_never_arrived_is_tried_again(clock: FakeClock, lab: FakeBackend, error: GputuiError) -> None:
    lab.errors[Action.CREATE] = error
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock)
        await clock.advance(PACE + 200)
        assert attempt.state is AttemptState.WAITING
        assert attempt.tries == (3 if isinstance(error, RateLimitedError) else 7)


async def test_a_series_expires(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = FULL
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock, hours=0.05)
        await clock.advance(3600)
        assert attempt.state is AttemptState.EXPIRED
    assert lab.calls[Action.CREATE] == 6


async def test_a_series_that_is_stopped_sends_nothing_more(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = FULL
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock)
        await clock.advance(PACE)
        fleet.work.attempts.stop(attempt)
        await clock.advance(20 * PACE)
        assert attempt.state is AttemptState.STOPPED
        assert not fleet.work.attempts_under_way
    assert lab.calls[Action.CREATE] == 1


@pytest.mark.parametrize(("price", "stops"), [("2.98", 0), ("3.01", 1)])
async def test_what_costs_more_than_the_limit_is_stopped(
    clock: FakeClock, lab: FakeBackend, price: str, stops: int
) -> None:
    made = replace(pod("lab", "new"), phase=Phase.RUNNING, price=Money(Decimal(price), "CNY"))
    lab.effects[Action.CREATE] = [made]
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock, limit="3")
        await clock.advance(PACE + 30)
        await settle()
        assert attempt.state is (AttemptState.FAILED if stops else AttemptState.DONE)
        assert attempt.made == made.ref
        assert lab.calls[Action.STOP] == stops
        assert ("it was stopped again" in attempt.answer) is bool(stops)


async def test_a_start_ends_where_the_instance_runs_meanwhile(clock: FakeClock, lab: FakeBackend) -> None:
    stopped = pod("lab", "main", "exited")
    lab.offered |= {Action.START}
    lab.rows[Resource.INSTANCES] = [stopped]
    lab.errors[Action.START] = FULL
    async with running(clock, lab) as fleet:
        attempt = fleet.work.attempts.start(stopped, until=clock.now() + timedelta(hours=1))
        await clock.advance(2 * PACE)
        assert attempt.tries == 2
        lab.offered -= {Action.START}
        await clock.advance(2 * PACE)
        assert attempt.state is AttemptState.FAILED
    assert lab.calls[Action.START] == 2


async def test_a_series_stopped_amid_a_request_ends_with_its_answer(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = FULL
    lab.holds[Action.CREATE] = answered = asyncio.Event()
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock)
        await clock.advance(PACE)
        await lab.sent.wait()
        fleet.work.attempts.stop(attempt)
        assert fleet.work.attempts_under_way
        answered.set()
        await settle()
        assert attempt.state is AttemptState.STOPPED


async def test_a_limit_that_cannot_be_checked_is_said(
    clock: FakeClock, lab: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nameless(_kind: str, _values: object) -> ActionResult:
        return ActionResult("created")

    monkeypatch.setattr(lab, "create", nameless)
    async with running(clock, lab) as fleet:
        attempt = begin(fleet, clock, limit="3")
        await clock.advance(PACE)
        await settle()
        assert attempt.answer == "created The price is not known, and may be more than ¥3.00/h: check it."


async def test_the_same_is_not_tried_twice_at_once(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = FULL
    async with running(clock, lab) as fleet:
        first = begin(fleet, clock)
        with pytest.raises(ConflictError, match="is being tried already"):
            begin(fleet, clock)
        fleet.work.attempts.stop(first)
        assert not begin(fleet, clock).over
