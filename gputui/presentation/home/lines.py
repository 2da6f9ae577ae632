"""The lines of the home view and its sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models import Ref


class Section(StrEnum):
    """The sections in the order in which they are shown."""

    PROBLEMS = "Problems"
    WASTE = "Waste"
    UNDER_WAY = "Under way"
    SPENDING = "Spending"
    WATCHED = "Watched stock"
    NEWS = "News"
    FAVOURITES = "Favourites"


@dataclass(frozen=True, slots=True)
class Opens:
    """Where a line leads: a view on a row, of one thing or account, or filtered; without one, an account's page.

    ``typed`` is a filter as it is typed, '' for none; ``problems`` limits the view to problems. ``text`` are lines to
    read instead.
    """

    view: str = ""
    select: Ref | None = None
    scope: Ref | None = None
    account: str | None = None
    typed: str | None = None
    problems: bool = False
    text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeLine:
    """A line. ``about`` is the row that commands act on, None where it is about no row of the fleet.

    ``glyph`` has the ``style``, and so has the text where it is ``loud``. ``time`` is how long it has lasted.
    ``rank`` orders the lines of a section, the lowest first.
    """

    section: Section
    name: str
    opens: Opens
    account: str = ""
    about: Ref | None = None
    glyph: str = ""
    style: str = ""
    text: str = ""
    loud: bool = False
    price: str = ""
    time: str = ""
    gpus: str = ""
    stale: bool = False
    rank: tuple[float, float] = (0, 0)
    key: str = ""
    """Distinguishes it from other lines of the section about the same thing."""

    @property
    def ref(self) -> Ref:
        """The reference of the line itself: a thing may have lines in several sections."""
        return Ref(self.account, "line", f"{self.section.name}/{self.about or ''}/{self.key}")


@dataclass(frozen=True, slots=True)
class HomeSection:
    """A section: its lines in their order, a note for its heading, and where the lines that do not fit are.

    ``quiet`` is the sentence that says of an empty one that there is nothing; '' where that is not known.
    """

    section: Section
    lines: tuple[HomeLine, ...] = ()
    note: str = ""
    more: Opens = Opens("instances", typed="")
    quiet: str = ""


MORE = "more"
_LEAST = {Section.PROBLEMS: 4, Section.WASTE: 2, Section.UNDER_WAY: 2, Section.SPENDING: 2, Section.NEWS: 2}
"""Lines that a section has before a later one gets more than its own least number; of the others one."""
_MOST = {Section.WASTE: 8, Section.UNDER_WAY: 8, Section.SPENDING: 8, Section.NEWS: 6}
"""Lines that a section has before all that the others have is shown; of the others as many as they have."""


def fit(sections: tuple[HomeSection, ...], height: int, *, spaced: bool = False) -> list[HomeLine]:
    """Return the lines that fit below their headings into so many lines of a terminal.

    ``spaced``: an empty line is above each heading but the first. Each section has a line at least. What is left out
    is counted in the last line of its section.
    """
    filled = [section for section in sections if section.lines]
    room = height - len(filled) - (len(filled) - 1 if spaced else 0)
    given = _shares(filled, room)
    return [line for each, count in zip(filled, given, strict=True) for line in _shown(each, count)]


def _shares(filled: Sequence[HomeSection], room: int) -> list[int]:
    """Return how many lines each section has: one, then in their order their least, then in turn what is left.

    No line stays empty while a section has more.
    """
    given = [1] * len(filled)
    for place, section in enumerate(filled):
        least = min(len(section.lines), _LEAST.get(section.section, 1))
        given[place] = max(1, min(least, room - sum(given) + 1))
    everything = [len(section.lines) for section in filled]
    first = [min(has, _MOST.get(section.section, room)) for section, has in zip(filled, everything, strict=True)]
    for most in (first, everything):
        while sum(given) < room and any(count < limit for count, limit in zip(given, most, strict=True)):
            for place, limit in enumerate(most):
                if given[place] < limit and sum(given) < room:
                    given[place] += 1
    return given


def _shown(section: HomeSection, count: int) -> list[HomeLine]:
    lines = section.lines
    if len(lines) <= count:
        return list(lines)
    if count == 1:
        more = f"  and {len(lines) - 1} more"
        return [replace(lines[0], text=f"{lines[0].text}{more}")]
    left = len(lines) - count + 1
    return [
        *lines[: count - 1],
        HomeLine(section=section.section, name=f"+ {left} more", opens=section.more, key=MORE),
    ]


def in_order(lines: list[HomeLine]) -> tuple[HomeLine, ...]:
    """Return lines by their rank; equal ones stay in their order."""
    return tuple(sorted(lines, key=lambda line: line.rank))


def newest(rank: float, at: datetime | None) -> tuple[float, float]:
    """Return the place of a line: by its rank, then the newest first, those of an unknown time last."""
    return rank, 0.0 if at is None else -at.timestamp()


def quiet_text(sections: tuple[HomeSection, ...]) -> str:
    """Return in one line which sections are empty."""
    return " ".join(section.quiet for section in sections if not section.lines and section.quiet)
