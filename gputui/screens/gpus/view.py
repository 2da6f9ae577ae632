"""Every GPU of every host, and the processes on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import DescendantFocus

from gputui.formatting import counted
from gputui.models import Change, Coverage, GpuDevice, GpuProcess, Instance, Ref, Resource, Row
from gputui.presentation.actions import may_be_of
from gputui.presentation.columns.lists import columns_of
from gputui.presentation.counts import count_text
from gputui.presentation.gpu_faults import gpu_fault
from gputui.presentation.groups.lists import groupings_of
from gputui.query import Query
from gputui.screens.base.memory import keep_filter
from gputui.screens.base.session import Session
from gputui.screens.base.view_commands import key_bindings
from gputui.screens.gpus.captions import is_on, name_of_gpu, no_gpus, no_processes, unseen
from gputui.screens.gpus.charts import GpuCharts
from gputui.screens.gpus.commands import GpuCommands, GpuDetailCommands, GpuGroupCommands
from gputui.screens.gpus.context import GpuContext
from gputui.screens.gpus.inspecting import Inspecting
from gputui.screens.gpus.selection import GpuSelection
from gputui.screens.list.list_view import ListView
from gputui.screens.list.remembered import keep_columns, keep_order
from gputui.widgets.chart.gpu_charts import WORDS, window_words
from gputui.widgets.chart.gpu_panel import MOST, GpuPanel
from gputui.widgets.table.table import RecordTable

_TICK_SECONDS = 10.0


def text_of(query: Query | None) -> str:
    """Return a filter as it was typed; '' for none."""
    return query.text if query else ""


class GpusView(ListView):
    """``5``: the GPUs above, charts of the one under the cursor, the processes below.

    Enter on a GPU shows that one alone; ``C`` compares several side by side; tab changes between the tables.
    """

    NAME = "gpus"
    AUTO_FOCUS = "#gpus"
    COUNTED = "process"
    HEADING = "GPUs"
    TYPED_OVER = "/ processes:"
    RESOURCE = Resource.PROCESSES
    COMMAND_SETS = (GpuCommands, GpuGroupCommands, GpuDetailCommands, *ListView.COMMAND_SETS)
    FOOTER = (
        "kill",
        "open",
        "ssh",
        "logs",
        "inspect",
        "pane",
        "compare",
        "metric",
        "window-longer",
        "filter",
    )
    RESOURCES = frozenset({Resource.GPUS, Resource.PROCESSES, Resource.INSTANCES, Resource.HOSTS})
    OWN = frozenset({Resource.GPUS, Resource.PROCESSES})
    SORT: ClassVar[tuple[str | None, bool]] = ("gpu", False)
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {"pane": ("Other pane", "Go to the processes, or to the GPUs")}

    BINDINGS: ClassVar[list[BindingType]] = key_bindings("gpus")

    DEFAULT_CSS = """
    GpusView #gpus { height: auto; }
    GpusView #panel { margin-top: 1; height: 6; display: none; }
    GpusView #table { margin-top: 1; height: 1fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.context: GpuContext = GpuContext(session)
        keep_order(self.memory, "gpu-sort", lambda: self.gpus)
        keep_columns(self.memory, "gpu-columns", lambda: self.gpus)
        self.on_gpus = True
        """Whether the GPUs are the side in use, not the processes."""
        self.shown = GpuSelection(self)
        keep_filter(self.memory, "filter", lambda: text_of(self._query), super().set_filter)
        keep_filter(self.memory, "gpu-filter", lambda: text_of(self.shown.query), self._filter_gpus)
        # The fleet that polls replaces the first one: it is looked up each time.
        self.panel = GpuPanel(lambda ref: session.fleet.samples.of(ref), lambda: session.fleet.now(), id="panel")  # noqa: PLW0108
        """The charts."""
        self.charts = GpuCharts(self)
        self.inspecting = Inspecting(self)

    def compose_body(self) -> ComposeResult:
        """Lay out both tables, and the charts between them."""
        gpus = self.make_table(columns_of(Resource.GPUS, self.context), id="gpus", sort=("gpu", False))
        gpus.set_group(next(iter(groupings_of(Resource.GPUS, self.context))))
        yield gpus
        yield self.panel
        yield self.make_table()

    @property
    def gpus(self) -> RecordTable[Row]:
        """The upper table."""
        return cast("RecordTable[Row]", self.query_one("#gpus", RecordTable))

    @property
    def table_in_use(self) -> RecordTable[Row]:
        """The table of the side in use, the processes where the GPUs are hidden."""
        return self.gpus if self.on_gpus and self.gpus.display else self.table

    # --- following -------------------------------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the processes, the GPUs, and their readings."""
        fleet = self.session.fleet
        return (
            *super().follow(),
            fleet.subscribe(Resource.GPUS, self._gpus_changed),
            fleet.subscribe(Resource.HOSTS, lambda change: self.frame.show()),
            fleet.samples.subscribe(lambda refs: self.charts.show()),
        )

    def on_mount(self) -> None:
        """Move the charts on where no reading comes, so that their age is seen."""
        self.every(_TICK_SECONDS, self.charts.show)
        if not self.on_gpus:
            self.set_focus(self.table)

    def catch_up(self) -> None:
        """Show GPUs and processes as they are now."""
        self.shown.read_devices()
        self.gpus.set_rows(self.session.fleet.rows(Resource.GPUS).values())
        super().catch_up()

    def _settle_cursor(self) -> None:
        """Begin on the first row on both sides."""
        if not self._settled:
            self.gpus.rest_on_first()
        super()._settle_cursor()
        if self._settled:
            self.gpus.hold_cursor()

    def _gpus_changed(self, change: Change) -> None:
        self.shown.read_devices()
        self.gpus.apply(change)
        self._fit()
        self.frame.show()
        changed = [row for row in (*change.added, *change.updated) if isinstance(row, GpuDevice)]
        places = {(device.ref.account, device.host, device.index) for device in changed}
        # Their share is of the memory of the GPU, or of its used memory.
        self.table.invalidate(
            [
                row.ref
                for row in self.session.fleet.all(GpuProcess)
                if (row.ref.account, row.host, row.gpu_index) in places
            ]
        )

    def feeds_changed(self) -> None:
        """GPUs may have become stale or fresh, and an answer may have had none."""
        super().feeds_changed()
        self.gpus.invalidate()
        # Lines of problems take room from the body: how many there are is known after the next layout.
        self.call_after_refresh(self._fit)

    # --- the filter of the side in use -----------------------------------------------------------------------

    @on(DescendantFocus)
    def _side_entered(self, event: DescendantFocus) -> None:
        if event.widget in (self.gpus, self.panel, self.table):
            before, self.on_gpus = self.on_gpus, event.widget is not self.table
            self.commands.cursor_moved()
            if before != self.on_gpus:
                self.frame.show()

    def limit_to(self, scope: Ref | None, select: Ref | None = None) -> None:
        """Limit the view; the processes of one instance, or a process, have the keys where they are asked for."""
        if (scope, select) != (self.scope, None):
            self.on_gpus = scope is None and select is None
            if self.is_mounted:
                self.focus_body()
        super().limit_to(scope, select)

    def focus_body(self) -> None:
        """Give the keys back to the side in use."""
        if self.shown.comparing:
            self.set_focus(self.panel)
        else:
            super().focus_body()

    def filter_text(self) -> str:
        """Return the filter of the side in use."""
        return text_of(self.shown.query if self.on_gpus else self._query)

    def filter_prefix(self) -> str:
        """Name the side that is filtered."""
        return "/ GPUs:" if self.on_gpus else self.TYPED_OVER

    def set_filter(self, text: str) -> None:
        """Filter the side in use; raises QueryError."""
        (self._filter_gpus if self.on_gpus else super().set_filter)(text)

    def _filter_gpus(self, text: str) -> None:
        self.shown.query = self.gpus.parse_filter(text) or None
        self._apply_filter()

    def clear_typed_filters(self) -> None:
        """Show the rows of both sides whatever was typed before."""
        self._query = self.shown.query = None
        self._apply_filter()

    def clear_filter(self) -> bool:
        """Clear the filters of both sides."""
        had = self.shown.query is not None
        self.shown.query = None
        return super().clear_filter() or had

    def _apply_filter(self) -> None:
        self.gpus.set_filter(self.shown.query, where=self.shown.shows, typing=self.frame.is_filtering)
        super()._apply_filter()
        self._fit()

    def _fit(self) -> None:
        """Say why the upper table is empty, and divide the room between tables and charts."""
        none = self.feeds.unknown_text(self.scope) or no_gpus(self.session)
        if self.shown.query is not None and self.gpus.total_count:
            none = f"No GPU matches {self.shown.query.text}. {self.session.key_of('back')} clears the filter."
        self.gpus.placeholder = Content(self.feeds.loading_text() or none)
        self.charts.show()

    def on_resize(self) -> None:
        """Divide the new room."""
        self._fit()

    def limits(self) -> bool:
        """Whether a GPU was opened."""
        return self.shown.opened is not None

    def shows(self, row: Row) -> bool:
        """Whether a process is on the GPU that was opened."""
        device = self.session.fleet.find(GpuDevice, self.shown.opened)
        if device is not None and isinstance(row, GpuProcess) and not is_on(row, device):
            return False
        return super().shows(row)

    def counts(self) -> str:
        """Count the processes, without rows for unknown ones."""
        rows = [self.table.get(ref) for ref in self.table.visible_refs]
        unknown = sum(isinstance(row, GpuProcess) and row.processes is None for row in rows)
        lacking = self.coverage().lacks_rows
        if not rows and self._query is not None and self.table.total_count and not super().coverage().lacks_rows:
            return "no matches"
        if not rows and lacking:
            return "processes unknown"
        if not unknown:
            return super().counts()
        if len(rows) > unknown:
            some = count_text(len(rows) - unknown, self.COUNTED, coverage=super().coverage() & Coverage.STALE)
            return f"{some} + ? on {counted(unknown, 'GPU')}"
        return f"processes of {counted(unknown, 'GPU')} unknown"

    def _new_text(self) -> str:
        """Return the number of new processes above those in view, where the key that goes there acts on them."""
        return "" if self.on_gpus else super()._new_text()

    def coverage(self) -> Coverage:
        """Return how far the list is read; it lacks rows where the processes of a GPU are unknown."""
        unknown = any(one.process_count is None for one in self.shown.listed())
        return super().coverage() | (Coverage.INCOMPLETE if unknown else Coverage.COMPLETE)

    def status(self) -> tuple[Content, Content]:
        """Count both sides; the filter is over the processes."""
        left, right = super().status()
        gpus = len(self.shown.compared()) if self.shown.comparing else self.gpus.row_count
        total = count_text(gpus, coverage=self.feeds.coverage((Resource.GPUS,), self.scope))
        listed = gpus or self.session.has_list(Resource.GPUS)
        counts = "" if self.shown.opened is not None or not listed else f"   {total}"
        filtered = f"   / GPUs: {self.shown.query.text}" if self.shown.query is not None else ""
        if self.shown.comparing and gpus > MOST:
            counts = f"   {MOST} of {gpus}, mark those to see"
        if not (self._reports_processes() or self.table.row_count):
            left = Content.styled("   processes not reported", "$muted")
        if self.shown.comparing:
            counts, left = f"{counts}   by {WORDS[self.panel.reading]}", Content("")
        rows = self.session.fleet.rows(Resource.PROCESSES).values()
        processes = (row for row in rows if isinstance(row, GpuProcess) and row.pid is not None)
        shown = [row.inside for row in processes if self.shows(row)]
        inside = bool(shown) and all(shown)
        whose = "   PIDs as seen inside the container" if inside else ""
        facts = [window_words(self.panel.seconds)]
        if (device := self.shown.charted()) is not None:
            facts += self.context.host_facts(device)
        return (
            Content.assemble(
                (self.inspecting.text(), "$text-accent"),
                (counts, "$muted"),
                (whose + self._doubt(), "$text-warning"),
                (filtered, "$text-accent"),
                left,
            ),
            Content.assemble(right, ("   " + "   ".join(facts), "$muted")),
        )

    def _reports_processes(self) -> bool:
        """Whether the account of the GPU that was opened, or some account shown, lists processes."""
        if self.shown.opened is None:
            return self.session.has_list(Resource.PROCESSES)
        return self.session.fleet.supports(self.shown.opened.account, Resource.PROCESSES)

    def _doubt(self) -> str:
        """Return the problem of the GPU under the cursor, whose figures are shown nevertheless."""
        device = self.shown.charted()
        fault = "" if device is None or self.shown.comparing else gpu_fault(device)
        return f"   ! {fault}" if fault else ""

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a process belongs to the instance the view is limited to."""
        instance = self.session.fleet.find(Instance, scope)
        if not isinstance(row, GpuProcess):
            return False
        return row.instance == scope if instance is None else may_be_of(row, instance)

    def is_problem(self, row: Row) -> bool:
        """A process of no instance, or unknown ones: the first suspects when a GPU misbehaves."""
        return isinstance(row, GpuProcess) and (not row.instance_name or row.problem is not None)

    def breadcrumbs(self) -> list[str]:
        """Add the GPU that was opened."""
        device = None if self.shown.comparing else self.session.fleet.find(GpuDevice, self.shown.opened)
        return [*super().breadcrumbs(), *([] if device is None else [name_of_gpu(device)])]

    @on(RecordTable.Opened, "#gpus")
    @on(GpuPanel.Opened)
    def _show_alone(self, event: RecordTable.Opened | GpuPanel.Opened) -> None:
        event.stop()
        self.shown.comparing, self.shown.opened = False, event.ref
        self._apply_filter()
        self.set_focus(self.table)

    @on(RecordTable.CursorMoved, "#gpus")
    def _another_gpu(self) -> None:
        self.charts.follow_cursor()

    @on(RecordTable.Changed, "#gpus")
    def _other_gpus(self) -> None:
        self.charts.show()
        self.frame.show()

    @on(GpuPanel.Moved)
    def _chart_chosen(self, event: GpuPanel.Moved) -> None:
        self.gpus.select(event.ref)

    def clear_limits(self) -> bool:
        """Stop a look at all instances; show all GPUs and processes again; then clear marks and filters."""
        if self.inspecting.stop():
            return True
        if self.shown.comparing or self.shown.opened is not None:
            self.shown.comparing, self.shown.opened = False, None
            self._apply_filter()
            self.set_focus(self.gpus)
            return True
        return super().clear_limits()

    def compare(self) -> None:
        """Show the marked GPUs, or all of the host, side by side; or no more."""
        self.shown.comparing = not self.shown.comparing
        self.panel.chosen = self.gpus.folding.row_here
        self._apply_filter()
        self.set_focus(self.panel if self.shown.comparing else self.gpus if self.gpus.display else self.table)

    # --- what the commands act on ----------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return what the cursor of the side in use is on."""
        return (self.gpus if self.on_gpus or self.shown.comparing else self.table).cursor_row

    def instance_here(self) -> Instance | None:
        """Return the instance of the process under the cursor."""
        row = self.row_here()
        return self.session.fleet.find(Instance, row.instance) if isinstance(row, GpuProcess) else None

    def _show_placeholder(self) -> None:
        super()._show_placeholder()
        if self.shown.opened is not None and self._query is None and not self.table.row_count:
            device = self.session.fleet.find(GpuDevice, self.shown.opened)
            here = "No process is on it now."
            if device is not None and device.process_count is None:
                here = no_processes(self.session, [device])
            self.table.placeholder = Content(f"{here} {self.session.key_of('back')} shows all GPUs.")

    def empty_text(self) -> str:
        """Return why there are no rows."""
        fleet = self.session.fleet
        if self.scope is not None:
            if said := unseen(fleet, self.scope, tuple(self.context.devices.values())):
                return said
            instance = fleet.find(Instance, self.scope)
            if instance is not None and not fleet.knows_processes(instance):
                probe, instances = self.session.key_of("processes-of"), self.session.key_of("view.instances")
                return (
                    f"GPU processes are unknown: press {probe} on the instance ({instances}) to inspect it over SSH."
                )
            return "It runs nothing on a GPU now."
        return no_processes(self.session, self.shown.listed())
