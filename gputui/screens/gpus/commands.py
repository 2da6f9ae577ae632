"""Commands for GPUs, their charts and processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gputui.commands import Condition
from gputui.screens.commands.inspect import OpenCommands

if TYPE_CHECKING:
    from gputui.screens.gpus.view import GpusView


class GpuCommands(OpenCommands):
    """Open a GPU or the instance of a process, compare GPUs, choose the time of the charts, mark both sides."""

    view: GpusView

    def conditions(self) -> Iterable[Condition]:
        """The other side is offered where it is shown."""
        yield from super().conditions()
        if not self.view.shown.comparing and self.view.gpus.display:
            yield Condition.PANE

    def do_open(self, argument: str) -> None:
        """Go to the process's instance; describe a process that has none here."""
        if self.view.shown.comparing:
            self.view.panel.action_open()
        elif self.view.gpus.has_focus:
            self.view.gpus.action_open()
        elif (instance := self.view.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            self.do_describe("")

    def do_pane(self, argument: str) -> None:
        """Change between the GPUs and their processes."""
        if not self.view.shown.comparing:
            self.view.set_focus(
                self.view.table if self.view.gpus.has_focus or not self.view.gpus.display else self.view.gpus
            )

    def do_compare(self, argument: str) -> None:
        """Show the marked GPUs, or all of the host, side by side; or no more."""
        self.view.compare()

    def do_metric(self, argument: str) -> None:
        """Compare another figure."""
        if not self.view.shown.comparing:
            self.view.compare()
        else:
            self.view.panel.next_reading()
        self.view.frame.show()

    def do_window_longer(self, argument: str) -> None:
        """Draw a longer time."""
        self._change_window(1)

    def do_window_shorter(self, argument: str) -> None:
        """Draw a shorter time."""
        self._change_window(-1)

    def _change_window(self, steps: int) -> None:
        self.view.panel.longer(steps)
        self.view.frame.show()

    def do_mark(self, argument: str) -> None:
        """Mark the row of the side in use and go to the next."""
        (self.view.gpus if self.view.gpus.has_focus else self.view.table).action_toggle_mark()

    def do_mark_clear(self, argument: str) -> None:
        """Unmark the rows of both sides."""
        self.view.gpus.action_clear_marks()
        self.view.table.action_clear_marks()
