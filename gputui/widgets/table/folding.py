"""The groups of a table as the user has them: which grouping is in force, folded and marked groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic

from gputui.models import Ref
from gputui.presentation.columns.column import RowT, plain_text
from gputui.presentation.groups.grouping import Grouping
from gputui.widgets.table.groups import Gap, Heading
from gputui.widgets.table.model import TableModel
from gputui.widgets.table.painter import TablePainter
from gputui.widgets.table.viewport import Viewport

INDENT = 2
"""Cells by which rows are to the right of a heading that has a glyph for folding."""


class Folding(Generic[RowT]):
    """Groups, folds and marks the rows of one table; ``sync`` draws what is then different."""

    def __init__(
        self,
        model: TableModel[RowT],
        painter: TablePainter[RowT],
        viewport: Viewport[RowT],
        sync: Callable[[], None],
    ) -> None:
        self._model = model
        self._painter = painter
        self._viewport = viewport
        self._sync = sync
        self._sort: tuple[str | None, bool] = (None, False)

    @property
    def grouping(self) -> Grouping[RowT] | None:
        """The grouping in force."""
        return None if self._model.groups is None else self._model.groups.grouping

    @property
    def state(self) -> tuple[object, ...]:
        """A value that changes with the grouping and with what is folded."""
        groups = self._model.groups
        return () if groups is None else (groups.grouping.key, len(groups.keys), self.folded_count)

    @property
    def folded_count(self) -> int:
        """The number of groups that are folded."""
        groups = self._model.groups
        return 0 if groups is None else sum(map(groups.is_folded, groups.keys))

    def set(self, grouping: Grouping[RowT] | None) -> None:
        """Put the rows under headings, or under none."""
        with self._viewport.anchored():
            self._model.group_by(grouping)
            self._order_groups()
            self._viewport.to_top_if_unused()
        self._viewport.reveal()
        folds = grouping is not None and grouping.folds
        left_out = grouping.key if grouping is not None and grouping.says_all else ""
        self._painter.set_grouping(left_out, indent=INDENT if folds else 0)
        self._sync()

    def sorted_by(self, key: str | None, *, descending: bool) -> None:
        """Order the groups like the rows where these are ordered by what groups them."""
        self._sort = key, descending
        self._order_groups()

    def _order_groups(self) -> None:
        if (groups := self._model.groups) is not None:
            groups.reverse(self._sort == (groups.grouping.key, True))

    @property
    def here(self) -> str:
        """The text of the heading under the cursor; '' where the cursor is on a row."""
        groups, heading = self._model.groups, self._model.cursor
        if groups is None or not isinstance(heading, Heading):
            return ""
        return plain_text(groups.content(heading.group).text)

    @property
    def row_here(self) -> Ref | None:
        """The row under the cursor, on a heading the first of its group; None without rows."""
        groups, line = self._model.groups, self._model.cursor
        if groups is not None and isinstance(line, Heading):
            return groups.first_ref(line.group)
        return line if isinstance(line, Ref) else None

    @property
    def is_folded_here(self) -> bool | None:
        """Whether the group under the cursor, or of the row under it, is folded; None where none can be."""
        group = self._group_here()
        return None if group is None else self._is_folded(group)

    def _group_here(self) -> Heading | None:
        groups, line = self._model.groups, self._model.cursor
        if groups is None or not groups.grouping.folds or isinstance(line, Gap | None):
            return None
        return line if isinstance(line, Heading) else Heading(groups.group_of(line))

    def _is_folded(self, heading: Heading) -> bool:
        return self._model.groups is not None and self._model.groups.is_folded(heading.group)

    def toggle(self) -> bool:
        """Fold or unfold the group under the cursor, or that of the row under it; returns whether there is one."""
        heading = self._group_here()
        if heading is None:
            return False
        self._viewport.used = True
        self._fold([heading.group], folded=not self._is_folded(heading))
        return True

    def fold_all(self) -> bool:
        """Fold all groups, or unfold all where none is open; returns whether there are groups to fold."""
        groups = self._model.groups
        if groups is None or not groups.grouping.folds or not groups.keys:
            return False
        self._fold(groups.keys, folded=self.folded_count < len(groups.keys))
        return True

    def unfold_all(self) -> None:
        """Show the rows of all groups."""
        if self._model.groups is not None:
            self._fold(self._model.groups.keys, folded=False)

    def _fold(self, keys: list[Hashable], *, folded: bool) -> None:
        with self._viewport.anchored():
            self._model.fold(keys, folded=folded)
        self._viewport.reveal()
        self._sync()

    def mark(self) -> bool:
        """Mark the rows of the heading under the cursor, or unmark them where all are, and go to the next heading.

        Returns whether the cursor is on a heading.
        """
        groups, heading = self._model.groups, self._model.cursor
        if groups is None or not isinstance(heading, Heading):
            return False
        refs = set(groups.refs(heading.group))
        if refs <= self._model.marks:
            self._model.marks -= refs
        else:
            self._model.marks |= refs
        later = groups.keys[groups.keys.index(heading.group) + 1 :]
        self._viewport.select(Heading(later[0]) if later else heading)
        self._sync()
        return True
