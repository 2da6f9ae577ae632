"""The size that the panel of a dialog may take, by its styles: for dialogs that choose their content by it."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.css.scalar import Scalar
from textual.widget import Widget


def most_height(panel: Widget) -> int:
    """Return the lines that a panel takes at most on the screen of now."""
    height = panel.app.size.height
    return min(height, _cells(panel, panel.styles.max_height, height))


def full_width(panel: Widget) -> int:
    """Return the cells of a panel whose width is not by its content."""
    width = panel.app.size.width
    styles = panel.styles
    return min(_cells(panel, styles.width, width), _cells(panel, styles.max_width, width))


def height_of(panel: Widget, texts: Mapping[str, str], width: int) -> int:
    """Return the lines that a panel has with these texts alone, by the selectors of their widgets."""
    return panel.styles.gutter.height + sum(
        len(Content(text).wrap(width)) + panel.query_one(selector).styles.margin.height
        for selector, text in texts.items()
    )


def _cells(panel: Widget, scalar: Scalar | None, otherwise: int) -> int:
    """Return the cells of a value of a style on the screen of now; ``otherwise`` where it is not set."""
    return otherwise if scalar is None else int(scalar.resolve(panel.app.size, panel.app.size))
