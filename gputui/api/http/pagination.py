"""A whole list read page by page, though it may change, shift or repeat itself while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Generic, TypeVar

from gputui.api.http.rows import RowCollector
from gputui.late_dataclasses import dataclass
from gputui.models import Ref, Row

PAGE_SIZE = 100
MOST_ROWS = 20_000
"""The most rows that one answer may have, also where a list comes in one piece."""
_MOST_PAGES = 500
_FIRST_BATCH = 12
"""How many pages are requested at once, twice as many each time: the server's count alone is not trusted."""
_READINGS = 3
"""How often a list is read that changes meanwhile."""

_T = TypeVar("_T")
_M = TypeVar("_M", bound=Row)


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page as it was read. ``size`` is how many rows the server puts on one; None where it does not say.
    ``unread`` counts the rows that cannot be read by the reason.
    """

    rows: Sequence[_T]
    sent: int
    size: int | None = None
    pages: int | None = None
    total: int | None = None
    unread: Mapping[str, int] = field(default_factory=dict)


FetchPage = Callable[[int], Awaitable[Page[_M]]]
"""Requests a page by its index, from 1; raises GputuiError."""


async def read_all(fetch: FetchPage[_M]) -> list[_M]:
    """Read a list to its end: the first page, then the rest at once where the server says how many there are.

    Each row comes once, by its Ref. A list whose pages do not fit together, because rows came or went in between or a
    page was answered twice, is read again, until it fits or stays the same; what was seen in any reading is kept
    then. Raises GputuiError.
    """
    seen: dict[Ref, _M] = {}
    last: list[Ref] | None = None
    for _ in range(_READINGS):
        pages = await _read(fetch)
        rows = {row.ref: row for page in pages for row in page.rows}
        if _fits(pages, len(rows)):
            return _with_unread(rows.values(), pages)
        seen |= rows
        if last == list(rows) or len(pages) >= _MOST_PAGES:
            break
        last = list(rows)
    return _with_unread(seen.values(), pages)


def _with_unread(rows: Iterable[_M], pages: Sequence[Page[_M]]) -> list[_M]:
    collected: RowCollector[_M] = RowCollector(rows)
    for page in pages:
        collected.add((), page.unread)
    total = pages[-1].total
    if total and not any(page.sent for page in pages):
        collected.add_silent(f"the server counts {total:,} and lists none")
    if len(pages) >= _MOST_PAGES and not _is_whole(pages):
        collected.add_silent(f"it has more than {_MOST_PAGES} pages, and no more are read")
    return collected.rows()


async def _read(fetch: FetchPage[_M]) -> list[Page[_M]]:
    first = await fetch(1)
    count = _page_count(first)
    pages = [first]
    known = {row.ref for row in first.rows}
    if count is not None:
        batch = _FIRST_BATCH
        while len(pages) < count:
            indices = range(len(pages) + 1, min(len(pages) + batch, count) + 1)
            more = await asyncio.gather(*(fetch(index) for index in indices))
            pages += more
            fresh = {row.ref for page in more for row in page.rows} - known
            if not fresh:
                break  # it counts pages that it does not have
            known |= fresh
            batch *= 2
        return pages
    while _is_full(pages[-1]) and len(pages) < _MOST_PAGES:
        pages.append(await fetch(len(pages) + 1))
        fresh = {row.ref for row in pages[-1].rows} - known
        if not fresh:
            break  # a server that answers every index with the same page would do so for ever
        known |= fresh
    return pages


def _page_count(first: Page[_M]) -> int | None:
    """Return how many pages there are, by the first one; None where it does not say."""
    if first.pages is None and first.total is None:
        return None
    if not first.sent:
        return 1
    # By the rows that came, not by the server's page size: a page may have fewer.
    counts = (1, first.pages or 0, -(-(first.total or 0) // first.sent))
    return min(max(counts), _MOST_PAGES)


def _is_whole(pages: Sequence[Page[_M]]) -> bool:
    """Whether the last page is the end of the list, by its total or because it is not full."""
    total = pages[-1].total
    return sum(page.sent for page in pages) >= total if total is not None else not _is_full(pages[-1])


def _is_full(page: Page[_M]) -> bool:
    return page.sent >= (page.size or PAGE_SIZE) > 0


def _fits(pages: Sequence[Page[_M]], distinct: int) -> bool:
    """Whether the pages are of one state of the list, as far as can be seen."""
    readable = sum(len(page.rows) for page in pages)
    totals = {page.total for page in pages if page.total is not None}
    if distinct < readable or len(totals) > 1:
        return False
    sent = sum(page.sent for page in pages)
    return len(pages) == 1 or not totals or sent == totals.pop()
