"""The sections of the home view as groups of its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gputui.presentation.groups.grouping import Grouping, GroupLine
from gputui.presentation.home.lines import HomeLine, Section

_ORDER = list(Section)


def sections(note: Callable[[Section], str], *, spaced: bool) -> Grouping[HomeLine]:
    """Return the grouping by sections; ``note`` returns the text behind a heading."""

    def line(section: Section, rows: Sequence[HomeLine]) -> GroupLine:
        style = "bad" if section is Section.PROBLEMS and any(row.style == "bad" for row in rows) else "strong"
        text = note(section)
        return GroupLine((section.value, style), (f"   {text}" if text else "", "muted"))

    return Grouping(
        "section",
        lambda row: row.section,
        line,
        order=_ORDER.index,
        foldable=False,
        selectable=False,
        spaced=spaced,
    )
