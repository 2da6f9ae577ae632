"""All that is known of a row, as lines of label and value."""

from __future__ import annotations

from textual.content import Content

from gputui.models import Row
from gputui.presentation.columns.column import Cell, plain_text, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.description import description, subject

_LABEL_WIDTH = 21
_MOST_LINES = 500
"""Lines of one field in a description; of more the number is stated."""

STYLES = {
    "good": "$text-success",
    "warning": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
    "muted": "$muted",
    "strong": "bold",
}
"""The styles of cells outside of tables."""


def content_of(cell: Cell) -> Content:
    """Return the content of a cell as text outside of tables."""
    return Content.assemble(*((text, STYLES.get(style, style)) for text, style in spans_of(cell)))


def subject_line(row: Row, *, account: bool) -> Content:
    """Return the line of a dialog that identifies a row; ``account`` with that."""
    return Content("  ") + content_of(subject(row, account=account))


def heading(text: str) -> Content:
    """Return the heading of lines."""
    return Content.styled(text, "bold $text-accent")


def field_lines(label: str, cell: Cell) -> list[Content]:
    """Return the lines of a field: the label on the first, aligned to the right and quiet, the text next to it.

    Without a label the text has its own lines, under a heading.
    """
    parts = [content_of(cell)]
    if "\n" in (text := plain_text(cell)):
        # A text of several lines has one style.
        style = STYLES.get(spans_of(cell)[0][1], "")
        parts = [Content.styled(part, style) for part in text.split("\n")]
    width = _LABEL_WIDTH if label else 0
    labels = (f"{label if number == 0 else '':>{width}}  " for number in range(_MOST_LINES))
    lines = [Content.assemble((before, "$muted"), part) for before, part in zip(labels, parts, strict=False)]
    if (left := len(parts) - _MOST_LINES) > 0:
        lines.append(Content.styled(f"{'':>{width}}  … {left:,} more lines", "$muted"))
    return lines


def describe(row: Row, context: Context) -> list[Content]:
    """Describe a row of any kind."""
    lines: list[Content] = []
    for group, fields in description(row, context).items():
        if lines:
            lines.append(Content(""))
        if group:
            lines.append(heading(group))
        for label, cell in fields:
            lines += field_lines("" if label == group.lower() else label, cell)
    return lines
