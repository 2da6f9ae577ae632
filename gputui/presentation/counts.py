"""Counts of rows in headings: a count says that rows may be missing or old, and unknown is not zero."""

from __future__ import annotations

from gputui.formatting import plural
from gputui.models import Coverage
from gputui.presentation.prices import UNKNOWN


def doubt_text(coverage: Coverage) -> str:
    """Write what follows a figure made of rows: `` ?`` where some are old, `` + ?`` where some may be missing."""
    old = f" {UNKNOWN}" if coverage & Coverage.STALE else ""
    return f"{old} + {UNKNOWN}" if coverage.lacks_rows else old


def count_text(number: int, noun: str = "", *, of: int | None = None, coverage: Coverage = Coverage.COMPLETE) -> str:
    """Write a number of rows: ``12``, ``3 of 12``, ``1 model``; old ones ``12 ?``; some missing ``12 + ?`` or ``?``.

    ``of`` is the number of all rows; it is written where it differs.
    """
    of = number if of is None else of
    doubt = doubt_text(coverage)
    text = f"{number:,}" if of == number else f"{number:,} of {of:,}"
    text = UNKNOWN if coverage.lacks_rows and not of else text + doubt
    return f"{text} {noun if number == of == 1 and not doubt else plural(noun)}" if noun else text
