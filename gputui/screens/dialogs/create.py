"""The last question of a create, with a line for the lease of what is created."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from gputui.screens.dialogs.confirm import ConfirmDialog
from gputui.widgets.inputs.line_input import LineInput

if TYPE_CHECKING:
    from gputui.rules.lease_book import LeaseTerms


class CreateQuestion(ConfirmDialog):
    """``read`` returns the terms that a text means, None for an empty one, and raises ValueError with the reason.

    ``terms`` are those of the line when the question is answered.
    """

    DEFAULT_CSS = """
    CreateQuestion .lease { height: auto; margin-top: 1; }
    CreateQuestion .lease Label { width: 10; }
    CreateQuestion .lease Input { width: 1fr; }
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        effects: Sequence[str],
        confirm: str,
        read: Callable[[str], LeaseTerms | None],
        said: Callable[[LeaseTerms], str],
    ) -> None:
        super().__init__(heading, subjects=subjects, effects=effects, confirm=confirm)
        self._read = read
        self._said = said
        self.terms: LeaseTerms | None = None

    def compose_options(self) -> ComposeResult:
        """Lay out the line of the lease, and what it means."""
        with Horizontal(classes="lease"):
            yield Label(Content("Lease"))
            yield LineInput(placeholder="none: it runs until it is stopped; 8h, 18:00, idle 30m", id="lease")
        yield Static(Content(""), id="lease-effect", classes="hint")
        yield Static(Content(""), id="lease-problem", classes="problem")

    def on_mount(self) -> None:
        """Show that there is no lease."""
        self._show()

    @on(Input.Changed, "#lease")
    def _show(self) -> None:
        problem = ""
        try:
            self.terms = self._read(self.query_one("#lease", Input).value)
        except ValueError as error:
            self.terms, problem = None, str(error)
        said = "" if self.terms is None else self._said(self.terms)
        for selector, text in (("#lease-effect", said), ("#lease-problem", problem)):
            line = self.query_one(selector, Static)
            line.display = bool(text)
            line.update(Content(text))
        self.query_one("#confirm", Button).disabled = bool(problem)

    @on(Input.Submitted, "#lease")
    def _entered(self) -> None:
        self.focus_safe()

    def action_answer(self, yes: bool) -> None:
        """Take the answer; no yes while the lease cannot be read."""
        if not (yes and self.query_one("#confirm", Button).disabled):
            super().action_answer(yes)
