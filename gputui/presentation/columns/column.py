"""A column: what is shown of a row, and what filters and sorting see of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar

from gputui.models import Row

RowT = TypeVar("RowT", bound=Row)


Span: TypeAlias = tuple[str, str]
"""A piece of text and the name of its style ('' for the row's own)."""


Cell: TypeAlias = str | Span | Sequence[Span]
"""What a column shows of a row: a text, a text with a style, or several. Never read as markup."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column.

    ``key`` names it in filters and sorting, lower case. ``cell`` makes what is shown. ``sort_key`` makes what rows
    are ordered by, None for unknown, which comes last either way; without one the column does not sort.
    ``width`` is the least width in cells, ``max_width`` the most it takes of itself. A column with ``flex`` gives
    way first when the terminal is narrow, down to ``least`` cells while others can go for it; as the last one it
    takes what a wide one leaves over. ``priority`` 0 is
    always shown; the higher it is, the earlier the column goes. ``search`` makes the text that filters see where
    the cell's own is not it. ``shown`` False makes a column that is there for filters, and on the screen only while
    it sorts; ``when_filled`` one that is left out where no row has something in it: ``filled`` says so where the
    cell's text does not. ``middle`` cuts a long text in the middle: for names, whose ends tell them apart.
    ``number`` makes what a filter compares, in bytes, seconds or as counted, None for unknown: needed where the
    text is no plain figure, as in ``#4 RTX 4090``. ``reserve`` is the width that it can grow to without another
    having to go for it, unless the terminal is narrow. ``plain`` makes the text in tables of the command line where
    it is not the cell's.
    """

    key: str
    title: str
    cell: Callable[[RowT], Cell]
    sort_key: Callable[[RowT], Any] | None = None
    width: int = 1
    max_width: int = 60
    flex: bool = False
    right: bool = False
    priority: int = 0
    search: Callable[[RowT], str] | None = None
    shown: bool = True
    when_filled: bool = False
    least: int = 0
    middle: bool = False
    filled: Callable[[RowT], bool] | None = None
    reserve: int = 0
    number: Callable[[RowT], float | None] | None = None
    plain: Callable[[RowT], str] | None = None

    def order(self, row: RowT) -> Any:
        """Return the value that the row is ordered by, None for an unknown or empty one. Needs a ``sort_key``."""
        if self.sort_key is None:
            return None
        value = self.sort_key(row)
        return None if value in ("", EMPTY_NAME) else value

    def text(self, row: RowT) -> str:
        """Return what filters see of a row."""
        if self.search is not None:
            return self.search(row)
        cell = self.cell(row)
        return cell if isinstance(cell, str) else plain_text(cell)

    def plain_cell(self, row: RowT) -> str:
        """Return the text of a row's cell in tables of the command line."""
        return plain_text(self.cell(row)) if self.plain is None else self.plain(row)


def spans_of(cell: Cell) -> tuple[Span, ...]:
    """Return any form of a cell as spans."""
    if isinstance(cell, str):
        return ((cell, ""),)
    if len(cell) == 2 and isinstance(cell[0], str) and isinstance(cell[1], str):
        return ((cell[0], cell[1]),)
    return tuple(span for span in cell if not isinstance(span, str))


def plain_text(cell: Cell) -> str:
    """Return a cell's text without its styles."""
    return "".join(text for text, _ in spans_of(cell))


_DIGITS = re.compile(r"([0-9]+)")


@lru_cache(maxsize=1 << 14)
def natural_key(text: str) -> tuple[tuple[str, int, str], ...]:
    """Return a sort key that puts ``gpu2`` before ``gpu10`` and ignores case.

    Numbers are compared by their length, then as text: ``int`` refuses those of thousands of digits.
    """
    parts = _DIGITS.split(text.casefold())
    numbers = [number.lstrip("0") for number in (*parts[1::2], "")]
    return tuple((word, len(number), number) for word, number in zip(parts[::2], numbers, strict=True))


EMPTY_NAME = natural_key("")
"""The key of a text that is not there."""
