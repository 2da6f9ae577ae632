"""A grouping of rows: which rows belong together, the heading above them, and its totals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Generic

from gputui.late_dataclasses import dataclass
from gputui.presentation.columns.column import Cell, RowT


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The content of a heading without its totals: its text, and a ``note`` behind it.

    ``distinct`` is the key of the total that distinguishes it from groups of the same name: it is behind the note
    where the column is not in view. A narrow line cuts the text, not the note.
    """

    text: Cell
    note: Cell = ""
    distinct: str = ""


@dataclass(frozen=True, slots=True)
class Total(Generic[RowT]):
    """A total of rows: ``combine`` makes it of what each row adds to it, its part.

    ``part`` returns the part of a row, hashable; ``combine`` gets the different parts with the number of rows of
    each, in any order. A table keeps the parts: that of a row is made again when its cells are. So what depends on
    other rows of the group is not in the part but found by ``combine``.
    """

    part: Callable[[RowT], Hashable]
    combine: Callable[[Mapping[Any, int]], Any]

    def over(self, rows: Iterable[RowT]) -> Any:
        """Return the total of these rows."""
        return self.combine(Counter(map(self.part, rows)))


def _by_itself(key: Any) -> Any:
    return key


@dataclass(frozen=True, slots=True)
class Grouping(Generic[RowT]):
    """Rows under headings.

    ``key`` names it in commands, ``title`` is its name on the screen where that is another. ``of`` returns the group
    of a row, hashable: None where it is unknown, which is the last group. ``line`` makes the heading of a group from
    its rows that pass the filter, at least one, in their order. ``totals`` are those in the headings, by the key of
    the column that each is under. ``order`` returns the value that the groups are ordered by.

    ``foldable``: the rows of a group can be hidden. ``selectable``: the cursor can be on a heading; only then are
    groups folded. ``spaced``: an empty line is above each heading but the first. ``says_all``: the headings have all
    that the column of this key has, which is then left out.
    """

    key: str
    of: Callable[[RowT], Hashable]
    line: Callable[[Any, Sequence[RowT]], GroupLine]
    totals: Mapping[str, Total[RowT]] = field(default_factory=dict)
    order: Callable[[Any], Any] = _by_itself
    title: str = ""
    foldable: bool = True
    selectable: bool = True
    spaced: bool = False
    says_all: bool = True

    @property
    def name(self) -> str:
        """The name on the screen: ``by account``."""
        return self.title or self.key

    @property
    def folds(self) -> bool:
        """Whether groups can be folded."""
        return self.foldable and self.selectable
