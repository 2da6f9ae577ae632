"""Work that is completed where its caller is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack

import pytest

from gputui.completion import complete, write_in_thread
from tests.threads import no_thread_is_free


async def cancelled(task: asyncio.Task[None]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_no_thread_has_begun_is_written_before_the_caller_ends() -> None:
    written: list[str] = []

    async def write() -> None:
        try:
            await write_in_thread(written.append, "one")
        finally:
            written.append("end")

    with no_thread_is_free() as free:
        task = asyncio.create_task(write())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not written
        free.set()
        await cancelled(task)
    assert written == ["one", "end"]


async def test_what_a_thread_writes_is_not_overtaken() -> None:
    begun, end, written = threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        begun.set()
        assert end.wait(10)
        written.append("one")

    async def write() -> None:
        try:
            await write_in_thread(slow)
        finally:
            await write_in_thread(written.append, "two")

    task = asyncio.create_task(write())
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    end.set()
    await cancelled(task)
    assert written == ["one", "two"]


async def test_several_steps_are_completed_and_a_second_cancellation_does_not_wait() -> None:
    steps, go, end = list[int](), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        steps.append(1)
        await asyncio.sleep(0)
        steps.append(2)
        end.set()

    task = asyncio.create_task(complete(work()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await cancelled(task)
    assert not steps
    go.set()
    await asyncio.wait_for(end.wait(), 10)
    assert steps == [1, 2]


async def test_a_failure_is_raised_or_logged_where_the_caller_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await write_in_thread(fail)
    with no_thread_is_free() as free, caplog.at_level(logging.ERROR):
        task = asyncio.create_task(write_in_thread(fail))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        free.set()
        await cancelled(task)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "no room"


def test_what_waits_for_a_thread_when_the_loop_ends_is_written() -> None:
    written: list[str] = []

    async def end(free: threading.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:  # the loop ends, and has cancelled all tasks
            free.set()

    async def session() -> None:
        free = threads.enter_context(no_thread_is_free())
        ending = asyncio.create_task(end(free))
        writing = asyncio.create_task(write_in_thread(written.append, "one"))
        await asyncio.sleep(0)
        assert not (ending.done() or writing.done())

    with ExitStack() as threads:
        asyncio.run(session())
    assert written == ["one"]
