"""The way between the sections of a form: the line of their names, the focus, the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.widget import Widget

from gputui.models import REQUIRED, Form
from gputui.presentation.form_summary import missing
from gputui.screens.dialogs.form_body import FormBody
from gputui.screens.dialogs.form_tabs import Section, SectionTabs, mark_of

Values = Mapping[str, str]


class FormSections:
    """The sections of a form. One with a single section has no line of names, and nothing to move between."""

    def __init__(self, form: Form, body: FormBody) -> None:
        self._form = form
        self._body = body
        self.tabs = SectionTabs() if len(form.sections) > 1 else None

    def show(self, values: Values, problems: Values, key: str) -> None:
        """Show the names with their marks; ``problems`` are the refusals shown, ``key`` opens the next section."""
        if self.tabs is None:
            return
        refused = [name for name, problem in problems.items() if problem != REQUIRED]
        empty = [field.name for field in missing(self._form, values)]
        sections = [
            Section(number, name, mark_of(names, refused=refused, missing=empty))
            for number, name, names in self._body.sections(values)
        ]
        self.tabs.set_sections(sections, self._body.opened, f"{key} next")

    def focus(self, name: str) -> None:
        """Put the focus on a field, and open its section."""
        target = self._body.target(name)
        if target is not None:
            self._body.open(self._body.section_of(name), target)

    def first_of(self, number: int, problems: Values) -> str | None:
        """Return the first field of a section, or the first that is refused; None where it shows none."""
        names = next((names for each, _, names in self._body.sections(self._body.values()) if each == number), [])
        return next((name for name in names if name in problems), names[0] if names else None)

    def first_if_closed(self) -> str | None:
        """Return the first field of all where other values have left none in the open section; else None."""
        shown = self._body.values()
        opened = any(number == self._body.opened for number, _, _ in self._body.sections(shown))
        return None if opened else next(iter(shown), None)

    def next_to(self, step: int) -> int:
        """Return the number of the next section, or of the previous one; after the last comes the first."""
        numbers = self._numbers
        return numbers[(numbers.index(self._body.opened) + step) % len(numbers)]

    @property
    def _numbers(self) -> Sequence[int]:
        return [number for number, _, _ in self._body.sections(self._body.values())]

    def across(self, focused: Widget | None, chain: Sequence[Widget], step: int) -> bool:
        """Move the focus into another section, where it leaves the open one, or the buttons; else return False.

        Behind the last section are the buttons, and behind them the first section.
        """
        if self.tabs is None or focused is None:
            return False
        numbers, inside, edge = self._numbers, self._body.stops(self._body.opened), -1 if step > 0 else 0
        if self._body.field_of(focused) is None:
            outside = [widget for widget in chain if widget not in inside]
            if focused is not outside[edge]:
                return False
            number = numbers[0 if step > 0 else -1]
        elif self._body.opened == numbers[edge] or focused is not inside[edge]:
            return False
        else:
            number = numbers[numbers.index(self._body.opened) + step]
        self._body.open(number, self._body.stops(number)[0 if step > 0 else -1])
        return True
