"""The fields of a form in its sections, of which one is open; those are shown that apply."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget

from gputui.models import REQUIRED, FieldKind, Form, FormField
from gputui.screens.dialogs.form_editors import Finder, TickList, Ticks
from gputui.screens.dialogs.form_field import FieldBox, lines_of, opening_lines, put, short_lines, text_of

_TICKS = 5
"""Lines of a list of ticks in a form of a few fields."""
_REFUSAL = 1
"""Lines for the refusal of a field."""

Values = Mapping[str, str]


class FormBody(VerticalScroll, can_focus=False, inherit_bindings=False):
    """All fields of a form, of which those are shown whose ``when`` holds, in sections of which one is open.

    A ``long`` form keeps its fields close together; the help of each field is then shown elsewhere.
    """

    DEFAULT_CSS = """
    FormBody FieldBox { height: auto; margin-bottom: 1; }
    FormBody .section { height: auto; width: 1fr; }
    FormBody .about { color: $muted; height: auto; }
    FormBody.-long {
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface; scrollbar-gutter: stable;
    }
    FormBody.-long FieldBox { margin-bottom: 0; }
    """

    virtual_size = Reactive(Size(0, 0))
    """Follows from the layout, so a change of it needs no second one; likewise in the parts of a form."""

    def __init__(self, form: Form, values: Values, *, long: bool) -> None:
        super().__init__(classes="scroll -long" if long else "scroll")
        self._fields = {field.name: field for field in form.fields}
        self._sections = [(name, [field.name for field in fields]) for name, fields in form.sections]
        self._given = values
        self._long = long
        self._editors: dict[str, Widget] = {}
        self._boxes: dict[str, FieldBox] = {}
        self._pages: list[Vertical] = []
        self.opened = 0
        """The number of the open section."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        at_first = {name: self._given.get(name, field.default) for name, field in self._fields.items()}
        for number, (_, names) in enumerate(self._sections):
            page = Vertical(classes="section")
            page.display = number == self.opened
            self._pages.append(page)
            with page:
                for name in names:
                    field = self._fields[name]
                    required = field.is_required(at_first)
                    box = self._boxes[name] = FieldBox(field, at_first[name], required=required, long=self._long)
                    self._editors[name] = box.editor
                    yield box

    # --- sections --------------------------------------------------------------------------------------------

    def sections(self, shown: Container[str]) -> list[tuple[int, str, list[str]]]:
        """Return number, name and fields of each section of which some fields are shown."""
        found = [(number, name, [one for one in names if one in shown]) for number, name, names in self._numbered]
        return [section for section in found if section[2]]

    @property
    def _numbered(self) -> Iterable[tuple[int, str, list[str]]]:
        return ((number, name, names) for number, (name, names) in enumerate(self._sections))

    def section_of(self, name: str) -> int:
        """Return the number of the section of a field."""
        return next(number for number, _, names in self._numbered if name in names)

    def open(self, number: int, target: Widget | None) -> None:
        """Open a section, and put the focus into it."""
        before, self.opened = self.opened, number
        # The focus moves while both are there: it must not be lost in between.
        self._pages[number].display = True
        self.screen.set_focus(target)
        if before != number:
            self._pages[before].display = False
            self.scroll_home(animate=False, immediate=True)

    def stops(self, number: int) -> list[Widget]:
        """Return the widgets of a section that take the focus, in order."""
        return [
            part
            for name in self._sections[number][1]
            if self._boxes[name].display
            for part in self._boxes[name].walk_children(Widget)
            if part.can_focus and not part.disabled
        ]

    def tallest(self, most_ticks: int) -> int:
        """Return the lines of the section with most of them, with the longest of its lists open."""
        lines = [
            sum(lines_of(each, most_ticks) for each in fields) + max(map(opening_lines, fields), default=0)
            for fields in ([self._fields[name] for name in names] for _, names in self._sections)
        ]
        return max(lines, default=0)

    def fit_lists(self, room: int, least: int) -> None:
        """Give the lists of ticks the lines that their sections leave free of ``room``, ``least`` for each."""
        for _, names in self._sections:
            fields = [self._fields[name] for name in names]
            lists = [field for field in fields if field.kind is FieldKind.MULTI and field.choices]
            others = sum(lines_of(each, 0) for each in fields) + max(map(opening_lines, fields), default=0) + _REFUSAL
            for field in lists:
                for ticks in self._editors[field.name].query(TickList):
                    ticks.styles.max_height = max(least, (room - others) // len(lists))

    def describe(self, form: Form) -> None:
        """Describe the choices of the fields as those of this form are."""
        for field in form.fields:
            editor = self._editors[field.name]
            if field.labels != self._fields[field.name].labels and isinstance(editor, Ticks | Finder):
                editor.describe(field)
                self._fields[field.name] = field

    # --- values ----------------------------------------------------------------------------------------------

    def values(self) -> dict[str, str]:
        """Return the text in the fields that are shown now."""
        found = {name: text_of(self._editors[name], field.kind) for name, field in self._fields.items()}
        return {name: found[name] for name, field in self._fields.items() if field.shown_with(found)}

    def put_values(self, values: Values) -> None:
        """Fill in other values; fields that are not named become what they were at first."""
        for name, field in self._fields.items():
            put(self._editors[name], values.get(name, field.default))
        self.show_fields()

    def not_offered(self, values: Values) -> str:
        """Name what was put into fields that are shown and do not offer it: nothing is chosen there."""
        fields = (self._fields[name] for name, text in self.values().items() if not text and values.get(name))
        return ", ".join(f"{field.label} {values[field.name]}" for field in fields)

    def names(self) -> list[str]:
        """Return the names of the fields that are shown now."""
        return list(self.values())

    def open_names(self) -> list[str]:
        """Return the fields from the first that is left to fill in; a choice made before the form opened is kept."""
        choices = {name for name, field in self._fields.items() if field.kind is FieldKind.CHOICE}
        chosen = choices & self._given.keys()
        return [name for name in self.names() if name not in chosen] or self.names()

    # --- the screen ------------------------------------------------------------------------------------------

    def show_fields(self) -> dict[str, str]:
        """Show the fields that apply to the values, and return the values."""
        shown = self.values()
        for name, field in self._fields.items():
            box, here = self._boxes[name], name in shown
            box.require(required=field.is_required(shown))
            # Setting it lays the form out again even where nothing changes.
            if box.display != here:
                box.display = here
        return shown

    def show_problems(self, problems: Values) -> None:
        """Show these messages below their fields, and no others."""
        for name, box in self._boxes.items():
            problem = problems.get(name, "")
            # Labels are of either number: "GPU models required".
            box.message.show_text(f"{box.field.label} required" if problem == REQUIRED else problem)

    def target(self, name: str) -> Widget | None:
        """Return the widget of a field that takes the focus."""
        editor = self._editors[name]
        return editor if editor.can_focus else next((part for part in editor.query("*") if part.can_focus), None)

    def field_of(self, widget: Widget | None) -> FormField | None:
        """Return the field that a widget is a part of."""
        nodes = () if widget is None else widget.ancestors_with_self
        return next((node.field for node in nodes if isinstance(node, FieldBox)), None)


def short_height(form: Form) -> int:
    """Return the lines of all fields of a form with their help, and the longest of its lists open."""
    if not form.fields:
        return 0
    return sum(short_lines(each, _TICKS) for each in form.fields) + max(map(opening_lines, form.fields))
