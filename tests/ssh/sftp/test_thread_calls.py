"""Calls in threads that share goes: each has its own outcome, and few threads are used."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gputui.ssh.sftp.thread_calls import ThreadCalls


async def test_the_calls_of_a_turn_share_few_goes_and_have_their_own_outcomes() -> None:
    calls, begun = ThreadCalls(), list[str]()
    loop = asyncio.get_running_loop()
    run = loop.run_in_executor

    def counting(*args: object) -> asyncio.Future[object]:
        begun.append("go")
        return run(*args)  # type: ignore[arg-type]  # as it was called

    def fail() -> int:
        raise FileNotFoundError("gone")

    loop.run_in_executor = counting  # type: ignore[method-assign,assignment]  # counts
    futures = [calls.soon(lambda number=number: number * 2) for number in range(32)]  # type: ignore[misc]
    failing = calls.soon(fail)
    assert await asyncio.gather(*futures) == [number * 2 for number in range(32)]
    with pytest.raises(FileNotFoundError, match="gone"):
        await failing
    assert len(begun) == 4


async def test_a_call_alone_runs_in_a_thread() -> None:
    assert await ThreadCalls().soon(threading.get_ident) != threading.get_ident()


def test_calls_of_an_ended_loop_do_not_keep_those_of_the_next_waiting() -> None:
    calls = ThreadCalls()

    async def leave() -> None:
        calls.soon(int)

    async def ask() -> int:
        return await calls.soon(lambda: 3)

    asyncio.run(leave())
    assert asyncio.run(ask()) == 3
