"""The search in a log: in both directions, through pages that are not read yet, around its ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gputui.errors import UnavailableError
from gputui.logs.reader import LogReader
from gputui.logs.search import Found, LogSearch
from gputui.logs.store import LogStore, StoredLine
from tests.logs.test_reader import Served


async def opened(served: Served) -> tuple[LogStore, LogReader]:
    """Return a log of which the newest page is read."""

    async def wait(seconds: float) -> None:
        raise asyncio.CancelledError

    store = LogStore()
    reader = LogReader(served.read, store, wait=wait)
    with suppress(asyncio.CancelledError):
        await reader.follow()
    return store, reader


def looking_for(store: LogStore, reader: LogReader, *numbers: int, most_pages: int = 200) -> LogSearch:
    texts = {f"line {number}" for number in numbers}
    return LogSearch(store, reader, lambda line: line.text in texts, most_pages=most_pages)


def text(store: LogStore, found: Found) -> str:
    assert found.number is not None
    return store.read(found.number, found.number + 1)[0].text


@pytest.mark.parametrize(
    ("start", "step", "match", "wrapped"),
    [
        (2200, 1, 2700, False),
        (2200, -1, 2100, False),
        (2700, 1, 2100, True),
        (2100, -1, 30, False),  # in a page that is not read yet
    ],
)
async def test_the_next_match_is_found_in_either_direction(start: int, step: int, match: int, wrapped: bool) -> None:
    store, reader = await opened(Served(3000))
    search = looking_for(store, reader, 30, 2100, 2700)

    found = await (search.newer if step > 0 else search.older)(start - 2000)

    assert (text(store, found), found.wrapped) == (f"line {match}", wrapped)


async def test_past_the_oldest_line_the_newest_match_comes_once_all_is_read() -> None:
    store, reader = await opened(Served(3000))

    found = await looking_for(store, reader, 2500, 2700).older(500)

    assert text(store, found) == "line 2700"
    assert found == Found(700, wrapped=True, whole=True)


async def test_no_match_and_the_only_match_are_known_once_all_is_read() -> None:
    for step in ("newer", "older"):
        store, reader = await opened(Served(3000))
        assert await getattr(looking_for(store, reader, 2500), step)(500) == Found(500, wrapped=True, whole=True)
        search = looking_for(store, reader)
        assert await getattr(search, step)(500) == Found(None, wrapped=True, whole=True)
        assert search.searched >= 2999


async def test_one_search_reads_a_bounded_part_of_the_past_and_the_next_one_continues() -> None:
    served = Served(10_000)
    store, reader = await opened(served)
    search = looking_for(store, reader, 500, most_pages=5)

    assert await search.older(999) == Found(None, whole=False)
    assert served.reads == 1 + 5
    assert text(store, await search.older(999)) == "line 500"


async def test_a_page_that_cannot_be_read_ends_the_search_with_the_reason() -> None:
    served = Served(3000)
    store, reader = await opened(served)
    served.failures = [error := UnavailableError("no past")]

    assert await looking_for(store, reader, 5).older(500) == Found(None, whole=False, error=error)


async def test_a_search_gives_way_to_keys_and_can_be_cancelled() -> None:
    store, reader = await opened(Served(50_000))
    turns = 0

    def never(line: StoredLine) -> bool:
        return False

    def progress() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            task.cancel()

    task = asyncio.ensure_future(LogSearch(store, reader, never, progress=progress).older(999))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(store) < 10_000
    assert not reader.reading_past
