"""A list of what this session itself has: runs, attempts, forwards. No server lists it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content

from gputui.models import Coverage, Resource, Row
from gputui.screens.list.list_view import ListView


class SessionList(ListView):
    """Shows ``rows_now``, again each second while something moves. A subclass follows what else changes them."""

    RESOURCE = Resource.INSTANCES
    RESOURCES = frozenset({Resource.INSTANCES})
    """Commands on its rows act on instances."""
    CREATES: ClassVar[frozenset[Resource]] = frozenset()

    EVERY: ClassVar[float] = 1.0
    """Seconds between two looks at what moves."""

    _rows: Sequence[Row] = ()

    @abstractmethod
    def rows_now(self) -> Sequence[Row]:
        """Return the rows as they are now."""

    def moves(self) -> bool:
        """Whether rows change by themselves: times, bytes."""
        return True

    def on_mount(self) -> None:
        """Show the seconds and bytes of now; only changed text reaches the terminal."""
        self.every(self.EVERY, lambda: self.show_rows() if self.moves() else None)

    def catch_up(self) -> None:
        """Show the rows as they are now."""
        self.show_rows()
        self._apply_filter()

    def show_rows(self) -> None:
        """Show the rows as they are now."""
        if self.is_mounted and (rows := self.rows_now()) != self._rows:
            self._rows = rows
            self.table.set_rows(rows)
            self.table.rest_on_first()
            self.table.settle()
            self.frame.show()

    def coverage(self) -> Coverage:
        """No server lists these rows: none is awaited."""
        return Coverage.COMPLETE

    def is_stale(self, row: Row) -> bool:
        """Return False: a row is always as it is now."""
        return False

    @property
    def server_filtered(self) -> None:
        """No server lists these rows."""

    def _show_placeholder(self) -> None:
        hidden = self.table.total_count
        clears = f"{hidden} hidden. {self.session.key_of('back')} clears the filter."
        self.table.placeholder = Content(clears if hidden else self.empty_text())
