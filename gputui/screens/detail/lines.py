"""Lines of label and value, of which descriptions are made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.content import Content

from gputui.formatting import format_time

_LABEL_WIDTH = 21


def line(label: str, value: str | Content, style: str = "") -> Content:
    """Return one line: the label right-aligned and quiet, the value behind it."""
    shown = value if isinstance(value, Content) else Content.styled(value, style) if style else Content(value)
    return Content.assemble((f"{label:>{_LABEL_WIDTH}}  ", "$muted"), shown)


def told_lines(pairs: Iterable[tuple[str, str | Content]]) -> list[Content]:
    """Return a line for each pair of label and value whose value is known."""
    return [line(label, value) for label, value in pairs if (value.plain if isinstance(value, Content) else value)]


def grouped_lines(groups: Iterable[tuple[str, Iterable[tuple[str, str | Content]]]]) -> list[Content]:
    """Return lines under headings; a group in which nothing is known is left out."""
    lines: list[Content] = []
    for heading, pairs in groups:
        if known := told_lines(pairs):
            title = [Content.styled(heading, "bold $text-accent")] if heading else []
            lines += [*([Content("")] if lines else []), *title, *known]
    return lines


def time_text(at: datetime | None, *, utc: bool) -> str:
    """Write a time; '' where it is not known."""
    return format_time(at, utc=utc) if at is not None else ""
