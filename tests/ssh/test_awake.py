"""Timeouts that do not count the time in which the process slept."""

from __future__ import annotations

import asyncio

import pytest

from gputui.ssh.awake import awake_timeout


class Time:
    """The time of the event loop, which jumps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.passed = 0.0
        monkeypatch.setattr(loop, "time", lambda: begun + self.passed)

    async def passes(self, seconds: float) -> None:
        self.passed += seconds
        for _ in range(4):
            await asyncio.sleep(0)


async def test_the_time_in_which_the_process_slept_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    async with awake_timeout(10):
        await time.passes(0.5)
        await time.passes(3600)
        for _ in range(8):
            await time.passes(1)


async def test_what_takes_too_long_while_the_process_runs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    with pytest.raises(TimeoutError):
        async with awake_timeout(10):
            await time.passes(3600)
            for _ in range(11):
                await time.passes(1)


async def test_without_a_limit_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(monkeypatch)
    async with awake_timeout(None):
        for _ in range(30):
            await time.passes(1)


async def test_a_limit_that_is_paused_and_begins_again_counts_no_sleep_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time(monkeypatch)
    async with awake_timeout(10) as timeout:
        await time.passes(0.5)
        timeout.reschedule(None)
        for _ in range(30):
            await time.passes(1)
        timeout.reschedule(asyncio.get_running_loop().time() + 10)
        await time.passes(3600)
        for _ in range(8):
            await time.passes(1)
    with pytest.raises(TimeoutError):
        async with awake_timeout(10) as timeout:
            timeout.reschedule(asyncio.get_running_loop().time() + 5)
            for _ in range(7):
                await time.passes(1)
