"""Commands for GPUs, their charts and processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.commands import Command, Condition
from gputui.fleet import process_ends
from gputui.models import GpuDevice, GpuProcess, Resource
from gputui.presentation.actions import end_of_process_text, process_text
from gputui.presentation.groups.lists import groupings_of
from gputui.screens import dialogs
from gputui.screens.commands.command_set import colored, in_worker
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.details.commands import DetailCommands
from gputui.screens.list.groups import GroupCommands, GroupedTable

if TYPE_CHECKING:
    from gputui.screens.gpus.view import GpusView

FIRST_GROUPING = "host"
"""The grouping that the GPUs begin with."""


class GpuGroupCommands(GroupCommands):
    """Group the rows of the side in use: the GPUs by host, unless the user chooses another grouping."""

    view: GpusView

    def tables(self) -> Mapping[str, GroupedTable]:
        """Return both tables."""
        view = self.view
        return {
            "group": GroupedTable(
                lambda: view.gpus, lambda: groupings_of(Resource.GPUS, view.context), first=FIRST_GROUPING
            ),
            "process-group": GroupedTable(lambda: view.table, lambda: groupings_of(Resource.PROCESSES, view.context)),
        }

    def in_use(self) -> GroupedTable:
        """Return the table of the side in use."""
        tables = self.tables()
        return tables["group" if self.view.on_gpus else "process-group"]

    def conditions(self) -> Iterable[Condition]:
        """Rows are grouped where they are shown."""
        return super().conditions() if self.in_use().table.display else ()


class GpuCommands(OpenCommands):
    """Open a GPU or the instance of a process, end a process, compare GPUs, choose the time of the charts, mark."""

    view: GpusView

    def conditions(self) -> Iterable[Condition]:
        """The other side is offered where it is shown."""
        yield from super().conditions()
        if not self.view.shown.comparing and self.view.gpus.display:
            yield Condition.PANE
        if self._process_here() is not None:
            yield Condition.PROCESS

    def refusal(self, command: Command) -> str:
        """Return that the cursor is on a GPU, not on a process or an instance; or that its process has none."""
        row = self.view.row_here()
        if row is None or command.id not in ("kill", "processes-of"):
            return super().refusal(command)
        title, wanted = command.title, "a process" if command.id == "kill" else "a process of an instance"
        if isinstance(row, GpuDevice):
            pane = "" if self.view.shown.comparing else f" {self.session.key_of('pane')} goes to the processes."
            return f"{title}: the cursor is on GPU {row.index} of {row.host}, not on {wanted}.{pane}"
        if isinstance(row, GpuProcess) and row.pid is not None and self.view.instance_here() is None:
            return f"{title}: process {row.pid} on {row.host} is not of an instance that is listed."
        return super().refusal(command)

    def _process_here(self) -> GpuProcess | None:
        """Return the process under the cursor, where the table of processes is in use."""
        if self.view.shown.comparing or self.view.table_in_use is self.view.gpus:
            return None
        row = self.view.row_here()
        return row if isinstance(row, GpuProcess) else None

    def do_kill(self, argument: str) -> None:
        """End the process under the cursor, once the user has confirmed it."""
        if (process := self._process_here()) is not None:
            process_ends.place_of(self.session.fleet, process)
            self._end_process(process)

    @in_worker("dialog")
    async def _end_process(self, process: GpuProcess) -> None:
        fleet = self.session.fleet
        seen = await process_ends.look(fleet, process)
        on_all = [row for row in fleet.all(GpuProcess) if process_ends.is_same(row, process)]
        dialog = dialogs.ConfirmDialog(
            f"End process {seen.pid} in {seen.place.name}?",
            subjects=[
                Content.assemble("  ", (seen.command or "unknown command", "bold")),
                Content(f"  user {seen.owner or 'unknown'}"),
                Content(f"  {process_text(on_all or [process])}"),
            ],
            effects=[end_of_process_text(process_ends.TERM_SECONDS)],
            confirm="End",
            danger=True,
        )
        if await self.app.push_screen_wait(colored(self.session, dialog, [process.ref.account])):
            said = await process_ends.end(fleet, process, seen)
            self.app.notify(said, markup=False)
            fleet.refresh([Resource.PROCESSES], [process.ref.account])

    def do_open(self, argument: str) -> None:
        """Go to the process's instance; describe a process that has none here."""
        if self.view.shown.comparing:
            self.view.panel.action_open()
        elif self.view.table_in_use is self.view.gpus:
            self.view.gpus.action_open()
        elif (instance := self.view.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            self.do_describe("")

    def do_pane(self, argument: str) -> None:
        """Change between the GPUs and their processes."""
        if not self.view.shown.comparing:
            on_gpus = self.view.table_in_use is self.view.gpus
            self.view.set_focus(self.view.table if on_gpus or not self.view.gpus.display else self.view.gpus)

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

    def do_inspect(self, argument: str) -> None:
        """Inspect all running instances over SSH, or stop that."""
        self.view.inspecting.toggle()

    def do_mark(self, argument: str) -> None:
        """Mark the row of the side in use and go to the next."""
        self.view.table_in_use.action_toggle_mark()

    def do_mark_clear(self, argument: str) -> None:
        """Unmark the rows of both sides."""
        self.view.gpus.action_clear_marks()
        self.view.table.action_clear_marks()


class GpuDetailCommands(DetailCommands):
    """The details of the GPU or process under the cursor."""

    view: GpusView

    def fit(self) -> None:
        """Divide the room that they leave between the tables and the charts."""
        super().fit()
        self.view.charts.show()
