"""The lines that a form takes: those of its fields, or most of the screen."""

from __future__ import annotations

from textual.geometry import Size

from gputui.models import Form
from gputui.screens.dialogs.form_body import FormBody, short_height

_AROUND_SHORT, _SMALLEST = 11, 22
"""Lines of a short form around its fields: edges, heading, summary, buttons; and those that 24 lines have for it."""
_AROUND = 15
"""Lines of a long form around its fields: edges, heading, sections, refusals, help, summary, buttons."""
_AROUND_LOW, _ACCOUNT = 9, 2
"""The same in a low terminal; and those of the account that has a colour."""
_AROUND_ONE_LOW, _AROUND_ONE_HIGH = 9, 12
"""Lines around the fields of a long form of one section, in a low terminal and in a high one."""
_LEAST_WITH_REQUEST = 36
_LOW = 30
"""Lines of a terminal that leave room around a long form."""
_TICKS_LOW, _TICKS_HIGH = 5, 10
"""Lines of a list of ticks at most, with fewer lines and with more."""


def is_long(form: Form) -> bool:
    """Return whether a form fills the screen: it has sections, or too many fields for the smallest terminal."""
    return len(form.sections) > 1 or short_height(form) + _AROUND_SHORT > _SMALLEST


def has_one_section(form: Form) -> bool:
    """Return whether a form has one section: it is as high as its fields then."""
    return len(form.sections) <= 1


def most_fields(size: Size) -> int:
    """Return the lines that the fields of a long form of one section have at most."""
    return max(1, _most(size) - (_AROUND_ONE_HIGH if is_high(size) else _AROUND_ONE_LOW))


def is_high(size: Size) -> bool:
    """Return whether a terminal leaves room around a long form."""
    return size.height >= _LOW


def fit_lists(body: FormBody, lines: int, size: Size, *, marked: bool) -> None:
    """Let the lists of ticks of a long form take what its sections leave free; ``marked`` with the account above."""
    high = is_high(size)
    around = (_AROUND if high else _AROUND_LOW) + (_ACCOUNT if marked else 0)
    body.fit_lists(lines - around, _TICKS_HIGH if high else _TICKS_LOW)


def long_height(body: FormBody, size: Size, *, with_request: bool) -> int:
    """Return the lines of a long form, the same for all of its sections; ``with_request`` next to its fields."""
    high = is_high(size)
    needed = body.tallest(_TICKS_HIGH if high else _TICKS_LOW) + _AROUND
    lines = max(needed, _LEAST_WITH_REQUEST if with_request else 0)
    return min(lines, _most(size))


def _most(size: Size) -> int:
    """Return the lines that a form takes at most."""
    return size.height * 94 // 100 if is_high(size) else size.height
