"""Lists that change, shift and repeat themselves while they are read page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from gputui.api.http.pagination import PAGE_SIZE, Page, read_all
from gputui.models import Image, PartialRows, Ref


def row(number: int, name: str = "") -> Image:
    return Image(Ref("hub", "image", str(number)), name or str(number))


def rows(*numbers: int) -> list[Image]:
    return [row(number) for number in numbers]


class Pages:
    """A list that is asked for page by page; ``answer`` is given the number of the reading and the index."""

    def __init__(self, answer: Callable[[int, int], Page[Image]]) -> None:
        self.asked: list[int] = []
        self._answer = answer

    async def __call__(self, index: int) -> Page[Image]:
        self.asked.append(index)
        return self._answer(self.asked.count(1), index)

    async def read(self) -> list[int]:
        return [int(image.ref.id) for image in await read_all(self)]


def cut(whole: Sequence[Image], index: int, size: int, *, pages: bool = True, totals: bool = True) -> Page[Image]:
    part = whole[(index - 1) * size : index * size]
    return Page(
        part,
        len(part),
        size,
        -(-len(whole) // size) if pages else None,
        len(whole) if totals else None,
    )


@pytest.mark.parametrize("pages", [True, False])
@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6])
async def test_a_list_is_read_to_its_end(count: int, pages: bool, totals: bool) -> None:
    whole = rows(*range(count))
    source = Pages(lambda _, index: cut(whole, index, 2, pages=pages, totals=totals))
    assert await source.read() == list(range(count))
    assert source.asked.count(1) == 1


async def test_without_totals_the_first_short_page_is_the_last() -> None:
    whole = rows(*range(3))
    source = Pages(lambda _, index: cut(whole, index, 2, pages=False, totals=False))
    await source.read()
    assert source.asked == [1, 2]


@pytest.mark.parametrize("size", [20, None, PAGE_SIZE])
async def test_a_server_may_put_fewer_on_a_page_than_were_asked_for(size: int | None) -> None:
    whole = rows(*range(45))
    source = Pages(lambda _, index: replace(cut(whole, index, 20, pages=False), size=size))
    assert await source.read() == list(range(45))
    assert source.asked == [1, 2, 3]


async def test_a_row_that_comes_while_it_is_read_shifts_the_pages_and_doubles_nothing() -> None:
    before, after = rows(1, 2, 3, 4), rows(0, 1, 2, 3, 4)

    def answer(reading: int, index: int) -> Page[Image]:
        return cut(before if (reading, index) == (1, 1) else after, index, 2)

    assert await Pages(answer).read() == [0, 1, 2, 3, 4]


async def test_a_row_that_goes_while_it_is_read_loses_no_other() -> None:
    before, after = rows(1, 2, 3, 4, 5), rows(2, 3, 4, 5)

    def answer(reading: int, index: int) -> Page[Image]:
        return cut(before if (reading, index) == (1, 1) else after, index, 2)

    assert await Pages(answer).read() == [2, 3, 4, 5]


async def test_a_page_that_was_answered_twice_is_asked_for_again() -> None:
    whole = rows(1, 2, 3, 4)

    def answer(reading: int, index: int) -> Page[Image]:
        return cut(whole, 1 if reading == 1 else index, 2)

    assert await Pages(answer).read() == [1, 2, 3, 4]


async def test_a_server_that_repeats_one_page_for_ever_ends() -> None:
    whole = rows(1, 2)
    source = Pages(lambda _reading, _index: cut(whole, 1, 2, pages=False, totals=False))
    assert await source.read() == [1, 2]
    assert len(source.asked) == 4


async def test_a_list_that_never_stays_still_loses_nothing_that_was_seen() -> None:
    def answer(reading: int, index: int) -> Page[Image]:
        return cut(rows(*range(10 * reading, 10 * reading + 4 + index)), index, 2)

    found = await Pages(answer).read()
    assert len(found) == len(set(found))
    assert {10, 11, 20, 21, 30, 31} <= set(found)


async def test_the_latest_reading_of_a_row_counts() -> None:
    def answer(reading: int, index: int) -> Page[Image]:
        return Page([row(1, f"reading {reading}")], 1, 1, 2, 2)

    assert [image.name for image in await read_all(Pages(answer))] == ["reading 2"]


async def test_a_total_that_counts_something_else_costs_one_more_reading() -> None:
    whole = rows(1, 2, 3)

    def answer(_: int, index: int) -> Page[Image]:
        page = cut(whole, index, 2)
        return Page(page.rows, page.sent, 2, 2, 4)

    source = Pages(answer)
    assert await source.read() == [1, 2, 3]
    assert source.asked == [1, 2, 1, 2]


async def test_totals_without_a_row_end_at_once() -> None:
    source = Pages(lambda _reading, _index: Page([], 0, 100, 10**9, 10**9))
    found = await read_all(source)
    assert found == []
    assert isinstance(found, PartialRows)
    assert found.problem == "the server counts 1,000,000,000 and lists none"
    assert source.asked == [1]


@pytest.mark.parametrize("totals", [True, False])
async def test_a_list_past_the_most_pages_says_that_it_is_cut(totals: bool) -> None:
    total = 10**9 if totals else None
    found = await read_all(Pages(lambda _, index: Page(rows(index), 1, 1, None, total)))
    assert len(found) == 500
    assert isinstance(found, PartialRows)
    assert found.problem == "it has more than 500 pages, and no more are read"


async def test_a_list_of_the_most_pages_is_whole() -> None:
    whole = rows(*range(500))
    found = await read_all(Pages(lambda _, index: cut(whole, index, 1)))
    assert len(found) == 500
    assert not isinstance(found, PartialRows)


async def test_a_row_that_cannot_be_read_does_not_make_the_list_unfit() -> None:
    source = Pages(lambda _, index: Page(rows(index), 2, 2, 2, 4))
    assert await source.read() == [1, 2]
    assert source.asked == [1, 2]
