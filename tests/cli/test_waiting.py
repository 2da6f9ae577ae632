"""Waiting for the effect of a change: what counts as its effect, and what does not yet."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.cli.waiting import wait_for
from gputui.errors import ExitCode, NotFoundError
from gputui.models import Action, Phase, Resource, Row
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running

ARGS = argparse.Namespace(wait=True, timeout=300.0)
OLD = replace(pod("lab", "main"), phase=Phase.RUNNING, started_at=START)


async def waited(answers: list[Row | None], action: Action) -> tuple[ExitCode, int]:
    """The status, and how often the row was read; the last answer is repeated."""
    clock, lab, reads = FakeClock(), FakeBackend("lab"), 0
    lab.rows[Resource.INSTANCES] = [OLD]

    async def fetch(_: object) -> Row:
        nonlocal reads
        reads += 1
        row = answers[min(reads, len(answers)) - 1]
        if row is None:
            raise NotFoundError("gone")
        return row

    async with running(clock, lab) as fleet:
        fleet.runtime("lab").backend.fetch = fetch  # type: ignore[method-assign,assignment]

        waiting = asyncio.create_task(wait_for(ARGS, fleet, action, [OLD.ref], {OLD.ref: OLD}))
        while not waiting.done():
            await clock.advance(3)
    return waiting.result(), reads


async def test_one_that_is_restarted_runs_again_once_it_has_started_since() -> None:
    again = replace(OLD, started_at=START + timedelta(minutes=1))
    assert await waited([OLD, OLD, again], Action.RESTART) == (ExitCode.OK, 3)


async def test_what_was_just_created_may_not_exist_yet() -> None:
    assert await waited([None, None, OLD], Action.CREATE) == (ExitCode.OK, 3)


async def test_what_never_appears_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = await waited([None], Action.CREATE)
    assert status is ExitCode.REFUSED
    assert "create has failed: gone" in capsys.readouterr().err


async def test_one_that_is_deleted_is_gone() -> None:
    assert await waited([OLD, None], Action.DELETE) == (ExitCode.OK, 2)


async def test_after_the_time_the_outcome_is_unknown() -> None:
    status, _ = await waited([OLD], Action.STOP)
    assert status is ExitCode.UNKNOWN_OUTCOME
