"""The results of one command in instances: a row each, and below them the output, equal ones as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.worker import WorkType

from gputui.fleet.remote_run import RemoteRun
from gputui.formatting import counted
from gputui.models import Action, Instance, Ref, Resource, Row, RunResult
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.runs import result_columns
from gputui.presentation.run_results import beginning_of, count_spans, group, group_heading, lines_of
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.detail import content_of
from gputui.screens.list.commands import ListCommands
from gputui.screens.list.session_list import SessionList
from gputui.screens.runs.commands import RUN_WORDS, ResultCommands, how_to_run, run_actions
from gputui.widgets.table.table import RecordTable
from gputui.widgets.text_view import TextView

_SHOWN_OUTPUT = 2**14
"""Bytes of each output that the pane shows; all that was kept is in the dialog and in the file."""
_SHOWN_LINES = 200
_AT_ONCE = 2**17
"""Bytes of output that are laid out at once, more in a thread."""
_LEAST_TITLE, _MARGINS = 12, 6


class ResultsView(SessionList):
    """The results of one command, while it runs and after; ``scope`` is the run."""

    NAME = "run"
    AUTO_FOCUS = "#table"
    HEADING = "Run"
    COMMAND_SETS = (ResultCommands, ListCommands, AccountCommands, GlobalCommands)
    FOOTER = ("stop", "restart", "open", "pane", "save", "ssh")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {**RUN_WORDS, "open": ("Output", "All output of the instance")}
    SORT: ClassVar[tuple[str | None, bool]] = ("state", False)
    EVERY = 0.25

    DEFAULT_CSS = """
    ResultsView #table { height: 1fr; max-height: 50%; min-height: 3; }
    ResultsView #output { height: 1fr; border-top: solid $muted; }
    """

    _shown: tuple[Ref, int, bool] | None = None
    """The run, the version of it and whether it runs, as they are shown."""
    _due = False
    _grouped = (-1, False)
    """How many had come to an end when the output was grouped last, and whether that is still being done."""

    @property
    def run(self) -> RemoteRun | None:
        """The run that is shown; None where it is no longer kept."""
        return self.session.fleet.work.runs.get(self.scope)

    @property
    def output(self) -> TextView:
        """The output below the table."""
        return self.query_one("#output", TextView)

    def compose_body(self) -> ComposeResult:
        """Lay out the table and the output."""
        yield self.make_table()
        output = TextView(as_printed=True)
        output.id = "output"
        yield output

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of results."""
        return cast("Sequence[Column[Row]]", result_columns(self.context))

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the states; what commands write is looked at several times a second."""
        fleet = self.session.fleet
        return (
            fleet.subscribe(Resource.INSTANCES, lambda _: self.frame.show_keys()),
            fleet.work.runs.listeners.add(lambda _: self._show_soon()),
        )

    def catch_up(self) -> None:
        """Show the run as it is now."""
        self._shown, self._grouped = None, (-1, False)
        super().catch_up()

    def rows_now(self) -> Sequence[Row]:
        """Return the results as far as the table needs them."""
        run = self.run
        return [] if run is None else [run.beginning(ref) for ref in run.refs]

    def show_rows(self) -> None:
        """Show the results and the output as they are now, where there is news."""
        run = self.run
        if run is None:
            super().show_rows()
            return
        now = run.ref, run.version, run.running
        changed = now != self._shown
        if not changed and not run.running:
            return
        self._shown = now
        self.table.styles.height = len(run.refs) + 1
        super().show_rows()
        if changed:
            self._show_output(run, [run.beginning(ref) for ref in run.refs])
            self.frame.show()  # its end changes the keys

    def _show_soon(self) -> None:
        """Show all states that change now at once."""
        if not self._due and self.is_mounted:
            self._due = True
            self.call_later(self._show_due)

    def _show_due(self) -> None:
        self._due = False
        if self.is_current:
            self.show_rows()

    def _show_output(self, run: RemoteRun, results: Sequence[RunResult]) -> None:
        if len(results) == 1:
            self.output.set_lines(_lines_so_far(beginning_of(run.result(results[0].ref), _SHOWN_OUTPUT)))
            return
        # Of those that have ended alone: groups of what still comes would change under the eyes.
        ends, (grouped, busy) = sum(not result.moving for result in results), self._grouped
        if ends == grouped or busy:
            return
        ended = [run.result(ref) for ref in run.refs if not run.is_moving(ref)]
        if sum(len(result.stdout) + len(result.stderr) for result in ended) <= _AT_ONCE:
            self._grouped = ends, False
            self.output.set_lines(_lines_of_groups(ended))
            return
        self._grouped = ends, True
        # Not a coroutine: one that is replaced before it begins would never be awaited.
        grouping: WorkType[None] = partial(self._group, run, ended)
        self.run_worker(grouping, group="output", exclusive=True, exit_on_error=False)

    async def _group(self, run: RemoteRun, ended: Sequence[RunResult]) -> None:
        """Group much output in a thread; what has ended meanwhile is grouped after it."""
        lines = await asyncio.to_thread(_lines_of_groups, ended)
        if run is self.run and self._grouped[1]:
            self._grouped = self._grouped[0], False
            self.output.set_lines(lines)
            self._show_output(run, [run.beginning(ref, 0) for ref in run.refs])

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Show a run; the cursor begins at its failures."""
        shown, self.scope = self.scope, scope
        if self.is_mounted and shown != scope:
            self.catch_up()

    def breadcrumbs(self) -> list[str]:
        """Return the command, cut to leave room for the counts."""
        if (run := self.run) is None:
            return [self.HEADING]
        taken = cell_len(self.HEADING) + 3 + self.status()[0].cell_length + _MARGINS
        room = max(_LEAST_TITLE, self.size.width - taken)
        title = run.order.title
        return [self.HEADING, title if cell_len(title) <= room else f"{set_cell_size(title, room - 1).rstrip()}…"]

    def status(self) -> tuple[Content, Content]:
        """Show the progress and the ends in place of the number of rows."""
        left, right = super().status()
        if (run := self.run) is None:
            return left, right
        row = run.row()
        several = len(row.results) > 1 and row.moving
        progress = f"   {len(row.results) - row.moving} of {len(row.results)}:" if several else "  "
        return Content.assemble((progress, "bold"), " ", content_of(count_spans(row.results)), left), right

    def counts(self) -> str:
        """Count the rows where not all of them are shown."""
        shown, total = self.table.row_count, self.table.total_count
        return f"{shown} of {total} shown" if shown != total else ""

    def empty_text(self) -> str:
        """Return how a command is run."""
        return f"These results are no longer kept. {how_to_run(self.session)}"

    def shows(self, row: Row) -> bool:
        """Show every instance of the run, whichever account is chosen."""
        return not self.problems_only or self.is_problem(row)

    def is_problem(self, row: Row) -> bool:
        """Whether it has not ended well."""
        return isinstance(row, RunResult) and not row.moving and not row.succeeded

    @on(RecordTable.CursorMoved)
    def _moved(self) -> None:
        self.frame.show_keys()

    # --- what the commands act on ----------------------------------------------------------------------------

    def instance_here(self) -> Instance | None:
        """Return the instance under the cursor, while it is listed."""
        return self.session.fleet.find(Instance, self.table.cursor_ref)

    def actions_here(self) -> frozenset[Action]:
        """A run can be ended, what failed retried; an instance can be entered."""
        instance = self.instance_here()
        entered = {Action.SSH} & self.session.fleet.actions(instance) if instance is not None else set[Action]()
        return run_actions(self.run) | entered


def _rest_of(results: Sequence[RunResult]) -> list[Content]:
    """Return the line that says that not all of the output is shown, where it is so."""
    cut = any(len(output) >= _SHOWN_OUTPUT for result in results for output in (result.stdout, result.stderr))
    return [Content.styled("… The rest is not shown here: enter on an instance reads it.", "$muted")] if cut else []


def _lines_so_far(result: RunResult) -> list[Content]:
    """Lay out the output so far of the only instance."""
    lines = [Content.styled(line.text, "$text-warning" if line.errors else "") for line in lines_of(result)]
    none = "No output yet." if result.moving else "No output."
    return lines + _rest_of([result]) or [Content.styled(none, "$muted")]


def _lines_of_groups(ended: Sequence[RunResult]) -> list[Content]:
    """Lay out the groups of what has ended, failures first."""
    shown: list[Content] = []
    for found in sorted(group(ended, _SHOWN_OUTPUT), key=lambda found: found.results[0].succeeded):
        if shown:
            shown.append(Content(""))
        shown.append(Content.styled(group_heading(found), "bold"))
        for line in found.lines[:_SHOWN_LINES]:
            mark = ("! ", "$text-warning") if line.differs else ("  ", "")
            shown.append(Content.assemble(mark, (line.text, "$text-warning" if line.errors else "")))
        if len(found.lines) > _SHOWN_LINES:
            shown.append(Content.styled(f"  … {len(found.lines) - _SHOWN_LINES:,} more lines", "$muted"))
        if not found.lines:
            shown.append(Content.styled("  (no output)", "$muted"))
        if found.missing:
            shown.append(
                Content.styled(f"  ({counted(found.missing, 'line')} of the largest group missing)", "$muted")
            )
    return shown + _rest_of(ended) or [Content.styled("Nothing has ended yet.", "$muted")]
