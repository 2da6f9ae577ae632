"""The bottom line: the keys that work here, most useful first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from gputui.widgets.bars.line import Line


class FooterBar(Line):
    """Shows as many keys as fit on one line; the last one, the help, is always there."""

    DEFAULT_CSS = """
    FooterBar { background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[tuple[str, str], ...] = ()

    def set_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show these (key, what it does), in this order; the last is kept when the line is too short."""
        self._keys = tuple(keys)
        self.lay_out()

    def lay_out(self) -> None:
        """Show the keys for which there is room."""
        if not self._keys:
            self.show(Content(""))
            return
        *rest, last = (Content.assemble((key, "bold $text-accent"), f" {label}") for key, label in self._keys)
        room = self.size.width - 2 - last.cell_length
        shown: list[Content] = []
        for part in rest:
            if part.cell_length + 3 > room:
                break
            shown.append(part)
            room -= part.cell_length + 3
        self.show(Content("   ").join([*shown, last]))
