"""The dialog of a lease: when something ends by itself, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Button, Input, Label, Static

from gputui.screens.dialogs.entries import EntriesDialog
from gputui.widgets.inputs.checkbox import Checkbox
from gputui.widgets.inputs.line_input import LineInput

if TYPE_CHECKING:
    from gputui.rules.lease_book import LeaseTerms

LINES = ("end", "idle", "not_before", "warn", "note")
OPTIONS = ("release", "armed")
Texts = dict[str, str]
"""The texts of the lines, and of the options ``true`` where they are chosen."""


class LeaseDialog(EntriesDialog["LeaseTerms | None | bool"]):
    """Gives back the terms, False to remove the lease. Cancel has the focus of no key: the end has it.

    ``read`` returns the terms that texts mean, and raises ValueError with the reason; ``effects`` says what they do.
    ``present`` are the texts of the lease there is, None where there is none.
    """

    DEFAULT_CSS = """
    LeaseDialog .scroll { margin-bottom: 1; }
    LeaseDialog .row { margin-top: 0; }
    LeaseDialog Label { width: 12; }
    LeaseDialog .second { width: 11; padding-left: 1; }
    LeaseDialog .options { height: auto; margin-top: 1; }
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        read: Callable[[Texts], LeaseTerms],
        effects: Callable[[LeaseTerms], Sequence[str]],
        present: Texts | None = None,
        may_arm: bool = True,
    ) -> None:
        super().__init__(heading, subjects=subjects)
        self._read = read
        self._effects = effects
        self._present = present
        self._may_arm = may_arm

    def compose_body(self) -> ComposeResult:
        """Lay out the lines, the options, the effects and the buttons."""
        known = self._present if self._present is not None else {"end": "8h", "warn": "15m"}
        with Horizontal(classes="row"):
            yield Label(Content("End"))
            yield LineInput(known.get("end", ""), placeholder="8h, 2d, 18:00", id="end")
            yield Label(Content("or idle"), classes="second")
            yield LineInput(known.get("idle", ""), placeholder="such as 30m", id="idle")
        with Horizontal(classes="row"):
            yield Label(Content("Not before"))
            yield LineInput(known.get("not_before", ""), placeholder="such as 18:00", id="not_before")
            yield Label(Content("Notify"), classes="second")
            yield LineInput(known.get("warn", ""), placeholder="15m before; 0: never", id="warn")
        with Horizontal(classes="row"):
            yield Label(Content("Note"))
            yield LineInput(known.get("note", ""), placeholder="optional", id="note")
        with Vertical(classes="options"):
            yield Checkbox("release: delete it with its disk, in place of stopping it", key="r", id="release")
            if self._may_arm:
                yield Checkbox("arm the time inside the instance over SSH as well", key="i", id="armed")
        yield Static(Content(""), classes="problem")
        yield Static(Content(""), id="effect", classes="hint")
        remove = {"remove": "Remove"} if self._present is not None else {}
        yield from self.compose_buttons({"cancel": "Cancel", **remove, "confirm": "Set"})

    def on_mount(self) -> None:
        """Take the options of the lease there is, show the effect, and focus the end."""
        for name in OPTIONS:
            for box in self.query(f"#{name}").results(Checkbox):
                box.value = (self._present or {}).get(name) == "true"
        self._show()
        self.set_focus(self.query_one("#end"))

    def _texts(self) -> Texts:
        lines = {name: self.query_one(f"#{name}", Input).value.strip() for name in LINES}
        return lines | {box.id or "": "true" for box in self.query(Checkbox) if box.value}

    def _terms(self) -> tuple[LeaseTerms | None, str]:
        """Return the terms, or what is wrong with them."""
        try:
            return self._read(self._texts()), ""
        except ValueError as error:
            return None, str(error)

    def _show(self) -> None:
        terms, problem = self._terms()
        self.show_text("#effect", "" if terms is None else "\n".join(self._effects(terms)))
        line = self.query_one(".problem", Static)
        line.display = bool(problem)
        line.update(Content(problem))

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        self._show()

    def on_key(self, event: Key) -> None:
        """Toggle an option by its letter, wherever the focus is but in a line of text."""
        for name, key in zip(OPTIONS, "ri", strict=True):
            if event.character == key and not isinstance(self.focused, Input):
                event.stop()
                for box in self.query(f"#{name}").results(Checkbox):
                    box.toggle()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.confirm()

    @on(Button.Pressed, "#remove")
    def _removed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(False)

    def confirm(self) -> None:
        """Answer with the terms, unless they make no lease."""
        terms, _ = self._terms()
        if terms is None:
            self.set_focus(self.query_one("#end"))
            return
        self.dismiss(terms)
