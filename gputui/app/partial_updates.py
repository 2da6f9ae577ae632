"""Textual's partial updates, made as narrow as what changed.

Textual writes each changed part of a line together with everything of its widget that stands before it. Over a
slow link that is most of what a changed cell at the right end of a wide map costs.
"""

from __future__ import annotations

from typing import TypeVar

from rich.console import Console
from rich.control import Control

from gputui.widgets.textual_internals import ChopsUpdate

T = TypeVar("T")


class NarrowUpdate(ChopsUpdate):
    """Writes the spans, and nothing beside them."""

    def render_segments(self, console: Console) -> str:
        """Return what to write to the terminal."""
        written: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, left), min(end, right)
                if strip is None or first >= last:
                    continue
                part = strip if (first, last) == (x, end) else strip.crop(first - x, last - x)
                written += [Control.move_to(first, y).segment.text, part.render(console)]
        return "".join(written)


def narrowed(update: T) -> T | NarrowUpdate:
    """Return a partial update that writes no more than it has to; anything else as it is."""
    if isinstance(update, ChopsUpdate):
        return NarrowUpdate(update.chops, update.spans, update.chop_ends)
    return update
