"""Reading a log in both directions: nothing lost or doubled, whatever the pages' borders and the server's mood."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from gputui.errors import GputuiError, NotFoundError, RateLimitedError, UnavailableError
from gputui.logs.reader import LogReader, retry_delay
from gputui.logs.store import LogStore
from gputui.models import LogLine, LogPage, LogPosition, LogQuery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Served:
    """A log as a server keeps it: all its lines of one moment, distinguished by their offset alone."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.failures: list[GputuiError] = []
        self.reads = 0

    async def read(self, query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        del query
        self.reads += 1
        if self.failures:
            raise self.failures.pop(0)
        if backward:
            end = self.count if after is None else int(after.offset)
            start = max(0, end - size)
            more = start > 0
        else:
            start = 0 if after is None else int(after.offset) + 1
            end = min(self.count, start + size)
            more = end < self.count
        lines = tuple(LogLine(NOON, f"line {n}", LogPosition("noon", str(n))) for n in range(start, end))
        onward = lines[0 if backward else -1].position if lines else after
        return LogPage(lines, more, onward)


def follow(served: Served, *waited: Callable[[], None]) -> tuple[LogStore, LogReader, list[float]]:
    """Follow until each of ``waited`` was called in place of a pause, then read all of the past."""
    store, pauses, steps = LogStore(), list[float](), list(waited)

    async def wait(seconds: float) -> None:
        pauses.append(seconds)
        if not steps:
            raise asyncio.CancelledError
        steps.pop(0)()

    reader = LogReader(served.read, store, wait=wait, clock=lambda: 100.0)

    async def run() -> None:
        with suppress(asyncio.CancelledError):
            await reader.follow()
        if not reader.gone:
            await reader.all_older()

    asyncio.run(run())
    return store, reader, pauses


def texts(store: LogStore) -> list[str]:
    return [line.text for line in store.read(store.first, store.last)]


def test_lines_of_one_moment_are_all_there_once_across_pages_in_both_directions() -> None:
    served = Served(3500)

    def grow() -> None:
        served.count = 7777

    store, reader, pauses = follow(served, grow)
    assert texts(store) == [f"line {number}" for number in range(7777)]
    assert reader.complete
    assert pauses == [1.0, 1.0]


def test_it_continues_from_where_the_server_says_not_from_the_line_it_read_last() -> None:
    served = Served(1500)
    asked: list[LogPosition | None] = []

    async def read(query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        asked.append(after)
        page = await served.read(query, after=after, backward=backward, size=size)
        token = LogPosition("token", page.next.offset) if page.next is not None else None
        return LogPage(page.lines, page.more, token)

    async def run() -> None:
        reader = LogReader(read, store, wait=wait)
        with suppress(asyncio.CancelledError):
            await reader.follow()
        await reader.all_older()

    async def wait(seconds: float) -> None:
        if served.count == 3500:
            raise asyncio.CancelledError
        served.count = 3500

    store = LogStore()
    asyncio.run(run())
    assert len(store) == 3500
    # The newest page refers backward: what comes after it is asked for by its last line.
    first_forward = LogPosition("noon", "1499")
    assert asked == [None, first_forward, LogPosition("token", "2499"), LogPosition("token", "500")]


def test_a_page_without_a_next_one_is_not_asked_for_again_at_once() -> None:
    served = Served(10)

    async def read(query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
        page = await served.read(query, after=after, backward=backward, size=size)
        return LogPage(page.lines, True, LogPosition("noon", "9") if not backward else page.next)

    async def wait(seconds: float) -> None:
        if served.reads > 2:
            raise asyncio.CancelledError

    async def run() -> None:
        reader = LogReader(read, LogStore(), wait=wait)
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(reader.follow(), 5)
        assert served.reads == 3

    asyncio.run(run())


def test_a_log_that_is_empty_at_first_is_read_from_its_beginning() -> None:
    served = Served(0)

    def grow() -> None:
        served.count = 2500

    store, reader, _ = follow(served, grow)
    assert len(store) == 2500
    assert reader.complete


def test_after_a_lost_connection_it_continues_where_it_was() -> None:
    served = Served(10)

    def fail() -> None:
        served.count = 20
        served.failures = [UnavailableError("no answer"), UnavailableError("no answer")]

    store, reader, pauses = follow(served, fail, lambda: None, lambda: None)
    assert texts(store) == [f"line {number}" for number in range(20)]
    assert reader.error is None
    assert pauses[2] > pauses[1] > 1.0


def test_a_server_that_asks_to_be_left_alone_is() -> None:
    served = Served(10)
    served.failures = [RateLimitedError("slow down", retry_after=17)]
    _, _, pauses = follow(served, lambda: None)
    assert pauses[0] == 17


def test_a_page_of_the_past_that_fails_says_so_whatever_is_new_and_hides_nothing_of_that() -> None:
    served, store = Served(3000), LogStore()

    async def run() -> None:
        async def wait(seconds: float) -> None:
            raise asyncio.CancelledError

        reader = LogReader(served.read, store, wait=wait, clock=lambda: 100.0)
        with suppress(asyncio.CancelledError):
            await reader.follow()
        served.failures = [UnavailableError("no past")]
        assert not await reader.older()
        assert (str(reader.past_error), reader.error) == ("no past", None)
        with suppress(asyncio.CancelledError):
            await reader.follow()
        assert str(reader.past_error) == "no past"
        served.failures = [RateLimitedError("slow down", retry_after=9)]
        with suppress(asyncio.CancelledError):
            await reader.follow()
        assert (str(reader.error), reader.resumes) == ("slow down", 109.0)
        assert await reader.older()
        assert (str(reader.error), reader.resumes, reader.past_error) == ("slow down", 109.0, None)

    asyncio.run(run())
    assert len(store) == 2000


def test_the_wait_after_failures_grows_to_half_a_minute_and_stays_there() -> None:
    error = UnavailableError("no answer")
    assert all(22 <= retry_delay(error, failures) <= 38 for failures in (5, 1024, 10**6))


def test_a_writer_that_is_gone_is_not_asked_again_and_what_was_read_stays() -> None:
    served = Served(10)
    store, reader, _ = follow(served, lambda: served.failures.append(NotFoundError("gone")))
    assert reader.gone
    assert served.reads == 2
    assert len(store) == 10


def test_where_lines_up_to_a_time_are_asked_for_nothing_is_followed() -> None:
    served, store = Served(1500), LogStore()
    reader = LogReader(served.read, store, LogQuery(until=NOON))
    asyncio.run(reader.follow())
    assert (len(store), served.reads) == (1000, 1)
    asyncio.run(reader.all_older())
    assert len(store) == 1500
