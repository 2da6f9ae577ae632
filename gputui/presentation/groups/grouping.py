"""A grouping of rows: which rows belong together, and the heading above them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from typing import Any, Generic

from gputui.late_dataclasses import dataclass
from gputui.presentation.columns.column import Cell, RowT


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The content of a heading: its text, a ``note`` behind it, and totals by the key of the column they are under.

    ``distinct`` is the key of the total that distinguishes it from groups of the same name: it is behind the note
    where the column is not in view. A narrow line cuts the text, not the note.
    """

    text: Cell
    note: Cell = ""
    totals: Mapping[str, Cell] = field(default_factory=dict)
    distinct: str = ""


def _by_itself(key: Any) -> Any:
    return key


@dataclass(frozen=True, slots=True)
class Grouping(Generic[RowT]):
    """Rows under headings.

    ``key`` names it in commands, ``title`` is its name on the screen where that is another. ``of`` returns the group
    of a row, hashable: None where it is unknown, which is the last group. ``line`` makes the heading of a group from
    its rows that pass the filter, at least one, in their order. ``order`` returns the value that the groups are
    ordered by.

    ``foldable``: the rows of a group can be hidden. ``selectable``: the cursor can be on a heading; only then are
    groups folded. ``spaced``: an empty line is above each heading but the first. ``says_all``: the headings have all
    that the column of this key has, which is then left out.
    """

    key: str
    of: Callable[[RowT], Hashable]
    line: Callable[[Any, Sequence[RowT]], GroupLine]
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
