"""The dialog of a new watch: what is waited for, and what is created then, if anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from gputui.screens.dialogs.entries import EntriesDialog
from gputui.widgets.inputs.checkbox import Checkbox
from gputui.widgets.inputs.line_input import LineInput

if TYPE_CHECKING:
    from gputui.agent.wishes import Wish

HERE = "here"
LINES = ("count", "price", "grab", "number", "ceiling", "hours", "budget", "budget_day", "expires", "quiet", "note")
GRAB_LINES = ("number", "ceiling", "hours", "budget", "budget_day")
OPTIONS = {"everywhere": "everywhere", "lease": "lease", "unpriced": "unpriced"}
Texts = dict[str, str]
"""The texts of the lines, and of the options ``true`` where they are chosen."""


LABELS = {
    "count": "Idle GPUs",
    "price": "At most",
    "expires": "Ends after",
    "quiet": "Quiet time",
    "grab": "Create",
    "number": "How many",
    "ceiling": "Ceiling",
    "budget": "Budget",
    "budget_day": "in 24 hours",
    "hours": "Hours each",
    "note": "Note",
}
"""The lines, as they are labelled."""


LABELS_OF_PARTS = {
    **LABELS,
    "one_account": "without the other accounts",
    "budget_day": f"{LABELS['budget']} {LABELS['budget_day']}",
    "unpriced": "the option for those without a known price",
    "lease": "the option of a lease",
}
"""The parts of a wish as refusals and notes name them in this dialog."""


class WrongLinesError(ValueError):
    """The lines that are wrong, each with the reason, as what follows its label."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        together: dict[str, list[str]] = {}
        for name, reason in lines.items():
            together.setdefault(reason, []).append(LABELS[name])
        super().__init__("\n".join(f"{', '.join(labels)}: {reason}" for reason, labels in together.items()))
        self.lines = lines


class WatchDialog(EntriesDialog["tuple[Wish, Texts] | str | None"]):
    """Gives back the wish with its texts, or :data:`HERE` to notify in this program alone.

    ``read`` returns the wish that texts mean, and raises WrongLinesError; ``effects`` says what it does. ``present``
    are the first texts, ``problem`` is why the rule could not be made from them. ``grabs`` are the names that can be
    created, ``choices`` is what is said of them.
    """

    DEFAULT_CSS = """
    WatchDialog > .dialog { width: 84; }
    WatchDialog .row { margin-top: 0; }
    WatchDialog .row.-gap { margin-top: 1; }
    WatchDialog Label { width: 13; }
    WatchDialog .second { width: 14; padding-left: 1; }
    WatchDialog .choices { color: $muted; height: auto; margin-left: 13; }
    WatchDialog Label.-wrong { color: $text-error; }
    WatchDialog .options { height: auto; }
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        read: Callable[[Texts], Wish],
        effects: Callable[[Wish], Sequence[str]],
        grabs: Sequence[str],
        choices: str,
        currency: str,
        present: Mapping[str, str],
        problem: str = "",
        here: str = "",
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._read = read
        self._effects = effects
        self._grabs = grabs
        self._choices = choices
        self._currency = currency
        self._present = present
        self._problem = problem
        self._here = here

    def compose_body(self) -> ComposeResult:
        """Lay out the lines, the options, the effects and the buttons."""
        per = f"{self._currency}/h"
        yield self._row(("count", "1"), ("price", f"{per} for a GPU"))
        yield self._row(("expires", "7d, 12h; empty: never"), ("quiet", "such as 22:00-07:00"))
        yield self._row(("grab", "empty: notify only"), gap=True)
        yield Static(Content(self._choices), classes="choices")
        yield self._row(("number", "1"), ("ceiling", f"{per} each; required"), grab=True)
        yield self._row(("budget", self._currency), ("budget_day", self._currency), grab=True)
        yield self._row(("hours", "1, for the budgets"), ("note", "optional"), grab=True)
        with Vertical(classes="options"):
            yield Checkbox("also in the other regions and accounts that have this model", key="e", id="everywhere")
            yield Checkbox("a lease ends each after these hours", key="l", id="lease")
            yield Checkbox("also without a known price, and end it again if it costs more", key="u", id="unpriced")
        yield Static(Content(""), classes="problem")
        yield Static(Content(""), id="effect", classes="hint")
        here = {HERE: self._here} if self._here else {}
        yield from self.compose_buttons({"cancel": "Cancel", **here, "confirm": "Watch"})

    def _row(self, *lines: tuple[str, str], gap: bool = False, grab: bool = False) -> Horizontal:
        parts: list[Label | LineInput] = []
        for place, (name, placeholder) in enumerate(lines):
            label = Label(Content(LABELS[name]), classes="second" if place else "", id=f"label-{name}")
            parts.append(label)
            parts.append(LineInput(self._present.get(name, ""), placeholder=placeholder, id=name))
        return Horizontal(*parts, classes=f"row{' -gap' if gap else ''}{' -grab' if grab else ''}")

    def on_mount(self) -> None:
        """Show the effect, and focus the number of GPUs."""
        for name in OPTIONS:
            self.query_one(f"#{name}", Checkbox).value = self._present.get(name) == "true"
        self._show()
        self.set_focus(self.query_one("#count"))

    def _texts(self) -> Texts:
        lines = {name: self.query_one(f"#{name}", Input).value.strip() for name in LINES}
        return lines | {box.id or "": "true" for box in self.query(Checkbox) if box.value}

    def _wish(self) -> tuple[Wish | None, str, Mapping[str, str]]:
        """Return the wish, or what is wrong with it, and with each line."""
        try:
            return self._read(self._texts()), "", {}
        except WrongLinesError as error:
            return None, str(error), error.lines

    def _show(self) -> None:
        grabs = self._texts()["grab"] in self._grabs
        for row in self.query(".-grab"):
            row.display = grabs
        for name in ("lease", "unpriced"):
            self.query_one(f"#{name}").display = grabs
        wish, problem, wrong = self._wish()
        for name, label in LABELS.items():
            shown = self.query_one(f"#label-{name}", Label)
            shown.set_class(name in wrong, "-wrong")
            shown.update(Content(f"{label} ✗" if name in wrong else label))
        self.show_text("#effect", "" if wish is None else "\n".join(self._effects(wish)))
        line = self.query_one(".problem", Static)
        text = problem or self._problem
        line.display = bool(text)
        line.update(Content(text))

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        if self._texts() != {name: text for name, text in self._present.items() if text} | self._empty():
            self._problem = ""
        self._show()

    def _empty(self) -> Texts:
        """Return the lines that were empty at first."""
        return {name: "" for name in LINES if not self._present.get(name)}

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.confirm()

    @on(Button.Pressed, "#here")
    def _pressed_here(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(HERE)

    def confirm(self) -> None:
        """Answer with the wish, unless it makes no rule."""
        wish, _, wrong = self._wish()
        if wish is None:
            self.set_focus(self.query_one(f"#{next(name for name in LABELS if name in wrong)}"))
            return
        self.dismiss((wish, self._texts()))
