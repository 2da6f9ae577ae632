"""The question before instances of deployments are stopped, with what can be chosen about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, Label, Static

from gputui.screens.dialogs.confirm import ConfirmDialog
from gputui.widgets.inputs.checkbox import Tick
from gputui.widgets.inputs.line_input import LineInput


class StopDialog(ConfirmDialog):
    """Asks as every other question does; ``arguments`` are what was chosen when it was confirmed.

    ``less`` is the offer to want fewer instances, '' where that is not possible. ``effect`` says what happens, with
    and without it.
    """

    DEFAULT_CSS = """
    StopDialog .options { margin-top: 1; }
    StopDialog.-low .scroll { max-height: 3; }
    StopDialog Label { width: auto; padding: 0 1; }
    StopDialog #command { width: 1fr; }
    StopDialog Horizontal.command { height: auto; }
    """

    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012  (Textual's own type for it)

    def __init__(
        self,
        heading: str,
        *,
        subjects: Sequence[Content],
        effect: Callable[[bool], Sequence[str]],
        less: str = "",
        typed: str | None = None,
    ) -> None:
        super().__init__(heading, subjects=subjects, effects=effect(False), confirm="Stop", typed=typed, danger=True)
        self._effect = effect
        self._less = less
        self._one = len(subjects) == 1
        self.arguments: Mapping[str, str] = {}

    def compose_options(self) -> ComposeResult:
        """Lay out what can be chosen."""
        if self._less:
            yield Tick(self._less, key="s", id="less")
        yield Tick(f"do not keep {'it' if self._one else 'them'} for reuse", key="k", id="no-cache")
        with Horizontal(classes="command"):
            yield Label(Content(f"Run in {'it' if self._one else 'each'} first:"))
            yield LineInput(placeholder="a command, 5 s at most", id="command")

    def on_key(self, event: Key) -> None:
        """Change a tick by its letter, wherever the focus is but in a line of text."""
        ticks = {"s": "#less", "k": "#no-cache"}
        if isinstance(self.focused, Input) or event.character not in ticks:
            return
        event.stop()
        for tick in self.query(ticks[event.character]).results(Tick):
            tick.toggle()

    @on(Tick.Changed)
    def _chosen(self) -> None:
        self._note()
        self.query_one("#effects", Static).update(
            Content("\n".join(self._effect("decrease_replicas" in self.arguments)))
        )

    @on(Input.Changed, "#command")
    def _command_typed(self) -> None:
        self._note()

    @on(Input.Submitted, "#command")
    def _command_entered(self) -> None:
        self.set_focus(self.query_one("#typed" if self._typed is not None else "#cancel"))

    def _note(self) -> None:
        ticked = {tick.id for tick in self.query(Tick) if tick.value}
        command = self.query_one("#command", Input).value.strip()
        given = {
            "decrease_replicas": "true" if "less" in ticked else "",
            "no_cache": "true" if "no-cache" in ticked else "",
            "command": command,
        }
        self.arguments = {name: value for name, value in given.items() if value}
