"""A field of a row: how tables, descriptions, filters and sorting show and read it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar

from gputui.late_dataclasses import dataclass
from gputui.models import Row

RowT = TypeVar("RowT", bound=Row)


Span: TypeAlias = tuple[str, str]
"""A piece of text and the name of its style ('' for the row's own)."""


Cell: TypeAlias = str | Span | Sequence[Span]
"""The content of a cell: a text, a text with a style, or several. Never read as markup."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One field of a row: a column of tables, a line of its description, a name in filters.

    ``key`` names it in filters and sorting, lower case; ``heading`` is its title where that is not the key in
    capitals. ``cell`` returns the content of its cell.

    Tables on the screen: ``sort_key`` returns the value that rows are ordered by, None for unknown, which is last in
    both directions; without one the column does not sort. ``width`` is the least width in cells, ``max_width`` the
    greatest natural one. A column with ``flex`` shrinks first on a narrow terminal, to ``least`` cells while others
    can be left out instead, and the last one, unless its texts are on the right, takes the cells left over.
    ``priority`` 0 is always shown; higher ones are left out earlier; ``vital`` returns whether it is always shown
    now, whatever its priority. ``shown`` False: for filters, and on the screen only while it sorts; ``listed`` False:
    for descriptions alone. ``when_filled``: left out where no row has content in it, by ``filled`` where the text of
    the cell does not say so. ``middle`` cuts a long text in the middle: the ends of names distinguish them.
    ``anchor``: it stays in view while a table scrolls sideways, next to others that do; the first one always does.
    ``reserve`` is the width that it can grow to without another being left out, unless the terminal is narrow.
    ``bar`` is the number of cells of the bar that its content begins with, and of a blank: where the room is short,
    the bar goes before others are cut or left out.

    Filters: ``search`` returns the text where it is not that of the cell, ``number`` the value for comparisons in
    bytes, seconds or as a count, None for unknown; for texts that are not a plain number, such as ``#4 RTX 4090``.

    ``plain`` returns the text in tables of the command line where it is not that of the cell.

    Descriptions: ``label`` names it where that is not its heading, None leaves it out; ``detail`` returns the content
    where it is neither ``plain`` nor the cell; ``group`` is the heading that it is under. ``brief`` returns its
    content in the line that identifies a row in a question.
    """

    key: str
    cell: Callable[[RowT], Cell]
    sort_key: Callable[[RowT], Any] | None = None
    heading: str = ""
    width: int = 1
    max_width: int = 60
    flex: bool = False
    right: bool = False
    priority: int = 0
    vital: Callable[[], bool] | None = None
    search: Callable[[RowT], str] | None = None
    shown: bool = True
    when_filled: bool = False
    least: int = 0
    middle: bool = False
    filled: Callable[[RowT], bool] | None = None
    reserve: int = 0
    bar: int = 0
    anchor: bool = False
    number: Callable[[RowT], float | None] | None = None
    plain: Callable[[RowT], str] | None = None
    listed: bool = True
    label: str | None = ""
    detail: Callable[[RowT], Cell] | None = None
    group: str = ""
    brief: Callable[[RowT], Cell] | None = None

    @property
    def rank(self) -> int:
        """The priority that it has now."""
        return 0 if self.vital is not None and self.vital() else self.priority

    @property
    def title(self) -> str:
        """The heading of the column."""
        return self.heading or self.key.upper()

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

    def described(self, row: RowT) -> Cell:
        """Return the content of its line in a description."""
        return (self.detail or self.plain or self.cell)(row)


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


_PARTS = re.compile(r"(?<![0-9a-z])(?=[0-9a-f]*[0-9][a-f])[0-9a-f]{6,}(?![0-9a-z])|([0-9]+)")
"""Hexadecimal names, such as ``3f2a9c``, and numbers; ``feed12`` is a word with a number."""


@lru_cache(maxsize=1 << 14)
def natural_key(text: str) -> tuple[tuple[str, int, str], ...]:
    """Return a sort key that puts ``gpu2`` before ``gpu10`` and ignores case; hexadecimal names are text.

    A name with ``/`` follows the name before the slash: ``gpu2``, ``gpu2/vllm``, ``gpu2-old``.
    Numbers are compared by their length, then as text: ``int`` refuses those of thousands of digits.
    """
    folded, key, start = text.casefold().replace("/", "\1"), [], 0
    for found in _PARTS.finditer(folded):
        if (digits := found[1]) is not None:
            number = digits.lstrip("0")
            key.append((folded[start : found.start()], len(number), number))
            start = found.end()
    return (*key, (folded[start:], 0, ""))


EMPTY_NAME = natural_key("")
"""The key of a text that is not there."""
