"""Counts of rows in headings: a count says that rows may be missing, and unknown is not zero."""

from __future__ import annotations

from gputui.formatting import plural
from gputui.presentation.prices import UNKNOWN


def count_text(number: int, noun: str = "", *, of: int | None = None, lacks: bool = False) -> str:
    """Write a number of rows: ``12``, ``3 of 12``, ``1 model``; where it ``lacks`` some, ``12 + ?`` or ``?``.

    ``of`` is the number of all rows; it is written where it differs.
    """
    of = number if of is None else of
    text = f"{number:,}" if of == number else f"{number:,} of {of:,}"
    if lacks:
        text = f"{text} + {UNKNOWN}" if of else UNKNOWN
    return f"{text} {noun if number == of == 1 and not lacks else plural(noun)}" if noun else text
