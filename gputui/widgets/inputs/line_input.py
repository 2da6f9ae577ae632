"""One line to type into, as all of them are here: flat, and with a cursor that does not blink."""

from __future__ import annotations

from typing import Self

from textual.geometry import Region
from textual.widgets import Input


class LineInput(Input):
    """A blinking cursor would write to the terminal twice a second for as long as a question stands.

    A line keeps its size whatever is typed, so a letter draws the line and does not lay out the screen again.
    """

    _typing = False

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        select_on_focus: bool = True,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            select_on_focus=select_on_focus,
            id=id,
            compact=True,
        )
        self.cursor_blink = False

    def _watch_value(self, value: str) -> None:
        self._typing = True
        try:
            super()._watch_value(value)
        finally:
            self._typing = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw it again."""
        return super().refresh(*regions, repaint=repaint, layout=layout and not self._typing, recompose=recompose)
