"""A form: fields in sections, refusals below their fields, a summary of what it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import QueryType
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static, TextArea

from gputui.models import Form, FormField, PreparedRequest
from gputui.screens.dialogs.dialog import Dialog
from gputui.screens.dialogs.form_body import FormBody
from gputui.screens.dialogs.form_check import FormCheck, T, Values
from gputui.screens.dialogs.form_editors import Done, Edited
from gputui.screens.dialogs.form_field import help_text, keys_of
from gputui.screens.dialogs.form_live import LiveSummary, Summary, lacking_lines, request_lines
from gputui.screens.dialogs.form_sections import FormSections
from gputui.screens.dialogs.form_size import fit_lists, has_one_section, is_high, is_long, long_height, most_fields
from gputui.screens.dialogs.form_tabs import SectionTabs
from gputui.screens.dialogs.form_templates import FormTemplates
from gputui.screens.dialogs.reader import ReaderDialog
from gputui.widgets.inputs.checkbox import Checkbox

_HELP_LINES = 2
"""Lines of the help of the field in focus."""


class FormDialog(Dialog[dict[str, str]], Generic[T]):
    """Answers with the values by field name; :attr:`check` has what ``prepare`` has returned for them.

    ``prepare`` raises InvalidError with ``fields``. Fields whose ``when`` does not hold are neither shown nor part of
    the answer. ``problems`` are shown from the start. ``preview`` returns the request for a dry run, None where it
    cannot be shown; ``templates`` saves and loads values; ``summary`` says what the values make. All are absent
    without them. ``described`` returns the form with its choices as they are described now.
    """

    DEFAULT_CSS = """
    FormDialog FieldBox Input, FormDialog FieldBox Select { width: 1fr; }
    FormDialog SelectCurrent { border: none; height: 1; padding: 0 1; background: $panel; }
    FormDialog Select:focus > SelectCurrent { border: none; background: $selected; }
    FormDialog Select > SelectOverlay { border: none; background: $panel; max-height: 10; }
    FormDialog .tools { height: auto; width: 1fr; }
    FormDialog .tools Button { min-width: 8; margin-right: 2; background: $surface; color: $muted; }
    FormDialog > .dialog.-long { width: 96%; max-width: 110; }
    FormDialog > .dialog.-wide { width: 96%; max-width: 190; min-height: 20; }
    FormDialog .-long .heading { margin-bottom: 0; }
    FormDialog #about { display: none; }
    FormDialog .-long > #about { display: block; height: 2; color: $muted; }
    FormDialog .-long .buttons { margin-top: 0; }
    FormDialog .-long FormBody { height: 1fr; max-height: 100%; margin-top: 1; }
    FormDialog .-single FormBody { height: auto; }
    FormDialog.-high .-long TickList { max-height: 10; }
    FormDialog.-high .-long > #about { margin-top: 1; }
    FormDialog.-low > .dialog.-long { padding: 0 2; width: 100%; max-height: 100%; }
    FormDialog.-low > .dialog.-single { padding: 1 2; width: 96%; }
    FormDialog.-low .-long > SummaryBar { margin-top: 0; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "review", "Review", show=False, id="form.go-on"),
        Binding("ctrl+t", "preview", "Dry run", show=False, id="form.preview"),
        Binding("ctrl+o", "load", "Load a template", show=False, id="form.load"),
        Binding("ctrl+s", "save", "Save as a template", show=False, id="form.save"),
        # Lists and texts would scroll with them.
        Binding("ctrl+pagedown,f9", "section(1)", "Next section", show=False, priority=True, id="form.next-section"),
        Binding(
            "ctrl+pageup,f8",
            "section(-1)",
            "Previous section",
            show=False,
            priority=True,
            id="form.previous-section",
        ),
    ]

    def __init__(
        self,
        form: Form,
        prepare: Callable[[Values], T],
        *,
        values: Values | None = None,
        problems: Values | None = None,
        preview: Callable[[T], PreparedRequest | None] | None = None,
        templates: bool = False,
        summary: Summary | None = None,
        described: Callable[[], Form] | None = None,
        focus: str = "",
    ) -> None:
        super().__init__(form.title)
        self._form = form
        self._values = dict(values or {})
        self._problems = dict(problems or {})
        self.check = FormCheck(prepare, self._problems)
        self._preview = preview
        self._described = described
        self._templates = FormTemplates(form, self) if templates else None
        self.last_field = focus
        """The field that has or had the focus last; '' for none yet. It has the focus at first."""
        self._about: Static
        self._shown_problems: Values = {}
        self._at_first: dict[str, str] = {}
        self._warned: Values | None = None
        self._long = is_long(form)
        """Whether it fills the screen and describes the field in focus alone: there is no room for all help."""
        self._body = FormBody(form, self._values, long=self._long)
        self._sections = FormSections(form, self._body)
        self._live = LiveSummary(summary, previews=preview is not None)

    def compose(self) -> ComposeResult:
        """Lay it out."""
        long = self._long
        single = long and has_one_section(self._form)
        with Vertical(classes="dialog -long -single" if single else "dialog -long" if long else "dialog"):
            yield from self.compose_account()
            yield Static(self._heading(), classes="heading")
            yield from filter(None, [self._sections.tabs])
            yield self._body
            if self._form.note and not long:
                yield Static(Content(self._form.note), classes="hint")
            about = self._about = Static(Content(self._form.note), id="about")
            yield about
            yield from filter(None, [self._live.bar])
            yield from self.compose_buttons(self.button_labels())
            if tools := list(self._tool_buttons()):
                with Horizontal(classes="tools"):
                    yield from tools
            yield from filter(None, [self._live.side])

    def _heading(self) -> Content:
        legend = "   * required" if any(field.required or field.required_when for field in self._form.fields) else ""
        return Content.assemble(self._form.title, (legend, "not bold $muted"))

    def button_labels(self) -> dict[str, str]:
        """Return the labels of the buttons, by id."""
        return {"cancel": "Cancel", "confirm": f"Review  {self.key_of('form.go-on')}" if self._long else "Review"}

    def _tool_buttons(self) -> Iterable[Button]:
        if self._preview is not None:
            yield Button(Content(f"{self.key_of('form.preview')} dry run"), id="tool-preview", compact=True)
        if self._templates is not None:
            yield Button(Content(f"{self.key_of('form.load')} load"), id="tool-load", compact=True)
            yield Button(Content(f"{self.key_of('form.save')} save as template"), id="tool-save", compact=True)

    def on_mount(self) -> None:
        """Show the fields that belong to the values, and focus the first, or the first that is wrong."""
        self._fit(self.app.size)
        self._describe_choices()  # the stock may have changed since
        self._body.show_fields()
        self.check.refuse(self.values(), self._problems)
        self._show_problems(self._problems)
        wrong = [name for name in self._body.names() if name in self._problems]
        before = [self.last_field] if self.last_field in self._body.names() else []
        self._focus((wrong or before or self._body.open_names())[0])
        # What comes back from the question is input already.
        values = self.values()
        self._at_first = {} if before or self._problems else values
        self._show_live(values)

    def on_resize(self, event: Resize) -> None:
        """Take the room that the terminal has."""
        self._fit(event.size)
        self._show_live(self.values())

    def top_of_message(self, lines: int) -> int:
        """Return where a message begins: of a long form in place of the help, where it covers no field and no tab."""
        about = self._about.region
        return about.bottom - lines if about else super().top_of_message(lines)

    def _fit(self, size: Size) -> None:
        """Give a long form a height that is the same for all of its sections, and the request a place next to it."""
        self._live.fit(size.width if self._long else 0)
        panel = self.query_one(".dialog")
        panel.set_class(self._live.wide, "-wide")
        high = is_high(size)
        # As Textual sets them, but before the first frame.
        self.set_class(not high, "-low")
        self.set_class(high, "-high")
        if self._long and has_one_section(self._form):
            self._body.styles.max_height = most_fields(size)
        elif self._long:
            panel.styles.height = lines = long_height(self._body, size, with_request=self._live.wide)
            fit_lists(self._body, lines, size, marked=bool(self.account[1]))

    # --- values ----------------------------------------------------------------------------------------------

    def values(self) -> dict[str, str]:
        """Return the values of the fields that are shown now."""
        return self._body.values()

    def put_values(self, values: Values) -> None:
        """Fill in other values; fields that are not named become what they were at first."""
        self._body.put_values(values)
        self.check.begin_again()
        if (name := self._sections.first_if_closed()) is not None:
            self._focus(name)
        self._show_problems({})
        self._show_live(self.values())

    @on(Select.Changed)
    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Edited)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        values = self._body.show_fields()
        if self._warned is not None and self._warned != values:
            self._warned = None
            self._show_help(self._body.field_of(self.focused))
        if self._shown_problems:
            self._show_problems_left()
        self._show_live(values)

    def show_summary(self) -> None:
        """Show the summary and the descriptions of the choices again: the stock has changed."""
        if self.is_mounted and not self._answered:
            self._describe_choices()
            self._show_live(self.values())

    def _describe_choices(self) -> None:
        if self._described is not None:
            self._body.describe(self._described())

    def _show_live(self, values: Values) -> None:
        """Show what follows from the values: the marks of the sections, the summary, the request."""
        self._show_tabs(values)
        self._live.show(values, lambda: self._request(values), self.key_of("form.preview"))

    def _request(self, values: Values) -> tuple[str, Sequence[Content]]:
        """Return a heading and the request as a dry run shows it, or why there is none yet."""
        refusals = self.check.check(values)
        if refusals or self._preview is None or self.check.prepared is None:
            return "Request preview", lacking_lines(self._form, refusals)
        request = self._preview(self.check.prepared)
        return "Request preview (not sent)", [] if request is None else request_lines(request)

    # --- sections and focus ----------------------------------------------------------------------------------

    def _show_tabs(self, values: Values) -> None:
        self._sections.show(values, self._shown_problems, self.key_of("form.next-section"))

    def _focus(self, name: str) -> None:
        self._sections.focus(name)
        self._show_tabs(self.values())

    def action_section(self, step: int) -> None:
        """Open the next section, or the previous one; after the last comes the first."""
        if self._sections.tabs is not None:
            self._open(self._sections.next_to(step))

    @on(SectionTabs.Chosen)
    def _section_chosen(self, event: SectionTabs.Chosen) -> None:
        event.stop()
        self._open(event.number)

    def _open(self, number: int) -> None:
        if (name := self._sections.first_of(number, self._shown_problems)) is not None:
            self._focus(name)

    def focus_next(self, selector: str | type[QueryType] = "*") -> Widget | None:
        """Move to the next field: behind the last of a section is the first of the next one."""
        return self.focused if selector == "*" and self._across(1) else super().focus_next(selector)

    def focus_previous(self, selector: str | type[QueryType] = "*") -> Widget | None:
        """Move to the previous field: before the first of a section is the last of the one before."""
        return self.focused if selector == "*" and self._across(-1) else super().focus_previous(selector)

    def _across(self, step: int) -> bool:
        moved = self._sections.across(self.focused, self.focus_chain, step)
        if moved:
            self._show_tabs(self.values())
        return moved

    # --- what is wrong ---------------------------------------------------------------------------------------

    def _show_problems(self, problems: Values) -> None:
        self._shown_problems = problems
        self._body.show_problems(problems)

    def _show_problems_left(self) -> None:
        """Show what is wrong with the fields that were left."""
        self._show_problems(self.check.problems_left(self.values()))

    @on(DescendantFocus)
    def _entered(self, event: DescendantFocus) -> None:
        field = self._body.field_of(event.widget)
        self.last_field = self.last_field if field is None else field.name
        self._show_help(field)

    def _show_help(self, field: FormField | None) -> None:
        if field is None:
            self._show_hint(Content(self._form.note))
            return
        optional = "" if field.is_required(self.values()) else "optional   "
        about, keys = optional + field.help, keys_of(field, self.app)
        self._show_hint(help_text(about, keys, self._about.content_size.width, _HELP_LINES))

    def _show_hint(self, text: Content) -> None:
        """Show a text in the lines above the buttons, whose number is fixed."""
        self._about.update(text, layout=False)

    @on(DescendantBlur)
    def _left_field(self, event: DescendantBlur) -> None:
        field = self._body.field_of(event.widget)
        away = field is not None and self._body.field_of(self.focused) is not field
        if field is None or not away or self._answered or self.app.screen is not self:
            return
        self._leave(field.name)

    def _leave(self, name: str) -> None:
        """Show what is wrong with a field, and mark its section, from now on."""
        self.check.left.add(name)
        self._show_problems_left()
        self._show_tabs(self.values())

    def _refused(self, problems: Values) -> bool:
        """Show everything that is wrong and go to the first of it; returns whether there was something."""
        self.check.left = {field.name for field in self._form.fields}
        self._show_problems(problems)
        wrong = [name for name in self._body.names() if name in problems]
        if wrong:
            self._focus(wrong[0])
        elif problems:
            # What is wrong with a field that is not shown has no place of its own.
            self.notify("\n".join(problems.values()), severity="error", markup=False)
        return bool(problems)

    def action_cancel(self) -> None:
        """Close without an answer; what took long to fill in is not thrown away by one key."""
        values = self.values()
        # The message of a change may come after the key: the values are compared.
        if self._long and values not in (self._at_first, self._warned):
            self._warned = values
            keep = f"; {self.key_of('form.save')} keeps it as a template" if self._templates else ""
            warning = f"{self.key_of('dialog.cancel')} again discards your input{keep}"
            self._show_hint(Content.styled(warning, "$text-warning"))
            return
        super().action_cancel()

    def action_review(self) -> None:
        """Answer, from any field, unless something is wrong."""
        values = self.values()
        if not self._refused(self.check.check(values)):
            self.dismiss(values)

    @on(Input.Submitted)
    @on(Done)
    def _next_field(self, event: Input.Submitted | Done) -> None:
        event.stop()
        field = self._body.field_of(self.focused)
        if field is None:
            return
        if field.name == self._body.names()[-1]:
            self.action_review()
            return
        if field.name in self.check.check(self.values()):
            self._leave(field.name)
        else:
            self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "confirm":
                self.action_review()
            case "tool-preview":
                self.action_preview()
            case "tool-load":
                self.action_load()
            case "tool-save":
                self.action_save()
            case _:
                self.dismiss(None)

    # --- dry run and templates -------------------------------------------------------------------------------

    def action_preview(self) -> None:
        """Show the request as it would be sent; nothing is."""
        if self._preview is None:
            return
        values = self.values()
        problems = self.check.check(values)
        self.check.refuse(values, problems)
        if self._refused(problems) or (prepared := self.check.prepared) is None:
            return
        if (request := self._preview(prepared)) is None:
            return
        self.app.push_screen(ReaderDialog("Dry run: request preview (not sent)", request_lines(request)))

    @work(group="dialog", exit_on_error=False)
    async def action_save(self) -> None:
        """Save the values as a template."""
        values = self.values()
        if self._templates is not None and await self._templates.save(values):
            self._at_first = values

    @work(group="dialog", exit_on_error=False)
    async def action_load(self) -> None:
        """Fill in a template."""
        if self._templates is not None and (values := await self._templates.load()) is not None:
            self.put_values(values)
            if lost := self._body.not_offered(values):
                self.notify(f"Not offered here: {lost}", severity="warning", markup=False, timeout=12)
