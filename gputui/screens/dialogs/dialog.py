"""The base of all dialogs: a panel over a dimmed screen, with a heading, a body and buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.reactive import Reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from gputui.config.keymap import first_key
from gputui.widgets.bars.message_line import MessageLine
from gputui.widgets.internal_errors import GuardedHandlers
from gputui.widgets.textual_internals import LaidOutOnce, key_map

Answer = TypeVar("Answer")

OTHER_BUTTON = Binding("left,right", "other_button", "Other button", show=False, id="dialog.other")
"""The keys between the buttons of a dialog whose body needs no such keys."""
QUESTION_KEYS: list[BindingType] = [
    OTHER_BUTTON,
    Binding("y", "answer(True)", "Yes", show=False, id="question.yes"),
    Binding("n", "answer(False)", "No", show=False, id="question.no"),
]
"""The keys of a question, which has ``action_answer``."""


def key_of(app: App[Any], binding: str) -> str:
    """Return the first key of a binding, such as ``dialog.cancel``, as configured and as a person types it."""
    return first_key(key_map(app), binding)


class Dialog(GuardedHandlers, LaidOutOnce[Answer | None], ModalScreen[Answer | None]):
    """A modal question. Escape gives None: nothing is done. A subclass gives what is below the heading."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; layers: default messages; }
    Dialog > .dialog {
        width: 76; max-width: 96%; height: auto; max-height: 94%;
        background: $surface; border-left: thick $accent; padding: 1 2; overflow-y: auto; scrollbar-size-vertical: 1;
    }
    Dialog > .dialog.-danger { border-left: thick $error; }
    Dialog .heading { text-style: bold; width: 1fr; height: auto; margin-bottom: 1; }
    Dialog .account { width: auto; height: auto; margin-bottom: 1; }
    Dialog .body { width: 1fr; height: auto; }
    Dialog .scroll { height: auto; max-height: 16; }
    Dialog.-low .subjects { max-height: 6; }
    Dialog .hint { color: $muted; width: 1fr; height: auto; margin-top: 1; }
    Dialog .problem { color: $text-error; width: 1fr; height: auto; }
    Dialog .buttons { height: auto; width: 1fr; align-horizontal: right; margin-top: 1; }
    Dialog .buttons Button { margin-left: 2; min-width: 10; }
    Dialog Input { padding: 0 1; background: $panel; }
    Dialog Input:focus { background: $selected; }
    Dialog OptionList {
        scrollbar-size-vertical: 1; scrollbar-color: $muted; scrollbar-background: $surface;
    }
    Dialog Button { background: $panel; color: $foreground; }
    Dialog Button.danger { color: $text-error; }
    Dialog Button:focus { background: $accent; color: $background; text-style: bold; background-tint: $accent 0%; }
    Dialog Button.danger:focus { background: $error; color: $background; }
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The widget in focus; a dialog draws nothing of it, so a change repaints two widgets and not the screen."""

    _answered = False
    _asked_at = 0.0

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012  (Textual's own type for it)

    def __init__(self, heading: str = "", *, subjects: Sequence[Content] = (), danger: bool = False) -> None:
        super().__init__()
        self.heading = heading
        self._subjects = subjects
        self._danger = danger
        self.account: tuple[str, str] = "", ""
        """The account that it is about, and the style of its colour; '' where it has none."""

    def compose(self) -> ComposeResult:
        """Lay out heading, subjects (the lines of what it is about, which scroll where they are many) and body."""
        with Vertical(classes="dialog -danger" if self._danger else "dialog"):
            yield from self.compose_account()
            yield Static(Content(self.heading), classes="heading")
            if self._subjects:
                with VerticalScroll(classes="scroll subjects", can_focus=False):
                    yield Static(Content("\n").join(self._subjects), classes="body")
            yield from self.compose_body()

    def compose_account(self) -> ComposeResult:
        """Lay out the account, where it has a colour of its own."""
        name, style = self.account
        if style:
            yield Static(Content.styled(f" {name} ", f"bold reverse ${style}"), classes="account")

    def compose_body(self) -> ComposeResult:
        """Lay out what is below the heading and the subjects."""
        yield from ()

    @staticmethod
    def compose_buttons(labels: Mapping[str, str], *, danger: str = "") -> ComposeResult:
        """Lay out the buttons, by id; the one called ``danger`` in its colour."""
        with Horizontal(classes="buttons"):
            for name, label in labels.items():
                yield Button(Content(label), id=name, compact=True, classes="danger" if name == danger else "")

    def key_of(self, binding: str) -> str:
        """Return the first key of a binding, as configured."""
        return key_of(self.app, binding)

    def keys_text(self, enter: str) -> str:
        """Return what enter does, and the key that cancels."""
        return f"enter to {enter}, {self.key_of('dialog.cancel')} to cancel"

    def show_message(self, message: Content | None, more: int = 0) -> None:
        """Show a message over the dialog and how many others there are, or none."""
        line = next(iter(self.query(MessageLine)), None)
        if line is None:
            if message is None:
                return
            line = MessageLine(self.top_of_message)
            self.mount(line)
        line.show(message, more)
        if not self.query_one(".dialog").region:
            self.call_after_refresh(line.place)

    def top_of_message(self, lines: int) -> int:
        """Return the line of the terminal at which a message of so many lines begins.

        It covers no heading: where the panel leaves no room above that, it is at the lower edge.
        """
        room = self.query_one(".dialog").content_region.y
        return 0 if lines <= room else self.size.height - lines

    @on(Resize)
    def _place_message(self) -> None:
        for line in self.query(MessageLine):
            self.call_after_refresh(line.place)

    def show_text(self, selector: str, text: str) -> None:
        """Show a text in a line of the dialog, as soon as there is one."""
        for line in self.query(selector).results(Static):
            line.update(Content(text))

    def notify(self, message: str, **options: Any) -> None:
        """Show a message over the dialog for a few seconds: a warning or an error, by ``severity``, ends with it."""
        about = {"about": self} if options.get("severity", "information") != "information" else {}
        self.app.notify(message, **{"markup": False, **about, **options})

    def on_mount(self) -> None:
        """Note since when it can be read."""
        self._asked_at = monotonic()

    @property
    def typed_before(self) -> bool:
        """Whether the key that is handled now was typed before the question was shown: it is no answer to it."""
        typed_at: float = getattr(self.app, "typed_at", self._asked_at)
        return typed_at < self._asked_at

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Give the answer, once: a key that comes twice in one burst must not close what lies under it."""
        if self._answered or self.app.screen is not self:
            return AwaitComplete()
        self._answered = True
        return super().dismiss(result)

    def action_other_button(self) -> None:
        """Move from a button to the next that can be pressed."""
        if isinstance(self.focused, Button):
            self.focus_next(Button)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
