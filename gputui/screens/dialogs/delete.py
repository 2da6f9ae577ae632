"""The question before something is deleted that the server deletes in its state only by force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, Static

from gputui.screens.dialogs.confirm import ConfirmDialog
from gputui.widgets.inputs.checkbox import Tick


class DeleteDialog(ConfirmDialog):
    """Asks as every other question does; ``arguments`` are what was chosen when it was confirmed.

    ``effect`` says what happens, with and without force.
    """

    DEFAULT_CSS = """
    DeleteDialog .options { margin-top: 1; }
    """

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        effect: Callable[[bool], Sequence[str]],
        typed: str | None = None,
    ) -> None:
        super().__init__(
            heading, subjects=subjects, effects=effect(False), confirm="Delete", typed=typed, danger=True
        )
        self._effect = effect
        self._one = len(subjects) == 1
        self.arguments: Mapping[str, str] = {}

    def compose_options(self) -> ComposeResult:
        """Lay out what can be chosen."""
        yield Tick(f"force: delete {'it' if self._one else 'them'} while running", key="f", id="force")

    def on_key(self, event: Key) -> None:
        """Change the tick by its letter, wherever the focus is but in a line of text."""
        if event.character == "f" and not isinstance(self.focused, Input):
            event.stop()
            self.query_one("#force", Tick).toggle()

    @on(Tick.Changed)
    def _chosen(self) -> None:
        force = self.query_one("#force", Tick).value
        self.arguments = {"force": "true"} if force else {}
        self.query_one("#effects", Static).update(Content("\n".join(self._effect(force))))
