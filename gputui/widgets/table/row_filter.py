"""The filter of a table: the query that the user typed, and the limits of the view next to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from typing import Generic

from gputui.models import Ref
from gputui.presentation.columns.column import Column, RowT
from gputui.query import IS, IS_FAVOURITE, JOINT, Query, line_of, parse
from gputui.widgets.table.model import TableModel

LINES_AT_ONCE = 5000
"""A filter that needs the texts of more rows than this takes effect when they have been read."""

_LINES_A_TURN = 500
"""As many texts are read between two turns of the event loop: some milliseconds."""

Test = Callable[[RowT], bool]


class RowFilter(Generic[RowT]):
    """The texts of a row are read once and kept until it changes; those of very many bit by bit."""

    def __init__(
        self,
        columns: Mapping[str, Column[RowT]],
        model: TableModel[RowT],
        favourite: Callable[[Ref], bool] | None = None,
    ) -> None:
        self._columns = columns
        self._favourite = favourite
        self._model = model
        self._numbers = {key: column.number for key, column in columns.items() if column.number is not None}
        self._texts: dict[Ref, str] = {}
        self.query: Query | None = None
        self.where: Test[RowT] | None = None
        """The limits of the view next to the query."""
        self.reading = False
        """Whether texts are read for the query."""

    def parse(self, text: str) -> Query:
        """Read a filter over the columns, by their keys or headings; raises QueryError."""
        headings = {key: column.title for key, column in self._columns.items()}
        return parse(text, headings if self._favourite is None else {**headings, IS: IS})

    def forget(self, ref: Ref) -> None:
        """Read the texts of a row again when they are next needed."""
        self._texts.pop(ref, None)

    def forget_all(self) -> None:
        """Read all texts again when they are next needed."""
        self._texts.clear()

    @property
    def lacks_texts(self) -> bool:
        """Whether the texts of so many rows have to be read first that the filter cannot take effect at once."""
        return bool(self.query) and len(self._model.rows) - len(self._texts) > LINES_AT_ONCE

    async def read_texts(self) -> None:
        """Read the texts of all rows, some at a time, as long as ``reading`` says."""
        rows = list(self._model.rows.values())
        for first in range(0, len(rows), _LINES_A_TURN):
            for row in rows[first : first + _LINES_A_TURN]:
                if row.ref not in self._texts and self._model.rows.get(row.ref) is row:
                    with suppress(Exception):  # the filter meets it again, and reports it
                        self._text(row)
            await asyncio.sleep(0)
            if not self.reading:
                return

    @property
    def named(self) -> frozenset[str]:
        """The keys of the columns that the query names."""
        return self.query.named - {IS} if self.query else frozenset()

    def unseen(self, rows: Iterable[RowT], shown: Container[str]) -> list[str]:
        """Return the columns that have a word which a row has in none that is shown, the most frequent first."""
        if not self.query:
            return []
        found: Counter[str] = Counter()
        for row in rows:
            with suppress(Exception):  # the filter has met it, and reported it
                line = self._texts.get(row.ref) or self._text(row)
                texts = dict(zip(self._columns, line.split(JOINT), strict=True))
                found.update(self.query.unseen(texts, shown))
        return [key for key, _ in found.most_common()]

    def test(self) -> Test[RowT] | None:
        """Return the test that a row has to pass; None shows all."""
        query = self.query
        if not query:
            return self.where
        matches = query.over(tuple(self._columns), numbers=self._numbers, apart=(IS,))
        compared: Test[RowT] | None = query.compared(self._numbers)
        limits = _both(_both(self.where, self._is_test(query)), compared)
        return _both(limits, lambda row: matches(self._texts.get(row.ref) or self._text(row)))

    def _is_test(self, query: Query) -> Test[RowT] | None:
        """Return the test of the words about the row itself, such as ``is:favourite``."""
        favourite, of = self._favourite, query.of(IS)
        if favourite is None or of is None:
            return None
        return lambda row: of(IS_FAVOURITE if favourite(row.ref) else "")

    def _text(self, row: RowT) -> str:
        text = self._texts[row.ref] = line_of([column.text(row) for column in self._columns.values()])
        return text


def _both(first: Test[RowT] | None, second: Test[RowT] | None) -> Test[RowT] | None:
    if first is None or second is None:
        return first or second
    return lambda row: first(row) and second(row)
