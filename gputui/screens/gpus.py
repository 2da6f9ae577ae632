"""Every GPU of every host, and the processes on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.content import Content

from gputui.models import Change, GpuDevice, GpuProcess, Instance, Ref, Resource, Row
from gputui.screens.list_view import ListView
from gputui.screens.session import Session
from gputui.text import format_bytes, format_duration
from gputui.widgets.glyphs import bar
from gputui.widgets.table import RecordTable
from gputui.widgets.table_columns import Cell, Column

BAR_CELLS = 8


class GpusView(ListView):
    """``5``: the GPUs above, their processes below. Enter on a GPU shows its processes only; tab changes sides."""

    NAME = "gpus"
    AUTO_FOCUS = "#table"
    COUNTED = " processes"
    HEADING = "GPUs"
    RESOURCE = Resource.PROCESSES
    RESOURCES = frozenset({Resource.GPUS, Resource.PROCESSES, Resource.INSTANCES})
    SORT: ClassVar[tuple[str | None, bool]] = ("gpu", False)

    DEFAULT_CSS = """
    GpusView #gpus { height: auto; max-height: 40%; }
    GpusView #table { margin-top: 1; height: 1fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._gpu: Ref | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out both tables."""
        gpus: RecordTable[Row] = RecordTable(
            self._gpu_columns(),
            id="gpus",
            row_style=self.row_style,
            placeholder=self.loading_text(),
            on_fault=self.session.navigator.own_mistake,
        )
        gpus.set_sort("gpu")
        yield gpus
        yield self.make_table()

    @property
    def gpus(self) -> RecordTable[Row]:
        """The upper table."""
        return cast("RecordTable[Row]", self.query_one("#gpus", RecordTable))

    def _gpu_columns(self) -> Sequence[Column[Row]]:
        columns: list[Column[GpuDevice]] = [
            Column(
                "gpu",
                "GPU",
                lambda row: str(row.index),
                lambda row: (row.ref.account, row.host, row.index),
                right=True,
            ),
            Column("account", "ACCOUNT", lambda row: row.ref.account, lambda row: row.ref.account, max_width=20),
            Column("host", "HOST", lambda row: row.host, lambda row: row.host, max_width=24, priority=3),
            Column("model", "MODEL", lambda row: row.model or "", lambda row: row.model or "", priority=2),
            Column("memory", "GPU MEMORY", self._device_memory, lambda row: row.memory_used, width=20),
            Column(
                "processes",
                "PROCESSES",
                lambda row: "idle" if row.process_count == 0 else str(row.process_count or ""),
                lambda row: row.process_count,
                right=True,
            ),
            Column("instances", "INSTANCES", lambda row: ", ".join(row.instances), None, flex=True, priority=1),
        ]
        return cast("Sequence[Column[Row]]", columns)

    @staticmethod
    def _device_memory(row: GpuDevice) -> Cell:
        if row.problem:
            return (row.problem, "bad")
        if row.memory_used is None:
            return ("not told", "muted")
        if not row.memory_total:
            return format_bytes(row.memory_used)
        share = row.memory_used / row.memory_total
        return [
            (bar(share, BAR_CELLS), "accent"),
            (f" {format_bytes(row.memory_used)}/{format_bytes(row.memory_total)}", ""),
        ]

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of the processes; the share is of the GPU's memory, or of what is held of it."""
        account_priority = 9 if len(self.session.fleet.accounts) == 1 else 0
        columns: list[Column[GpuProcess]] = [
            Column(
                "gpu",
                "GPU",
                lambda row: str(row.gpu_index),
                lambda row: (row.ref.account, row.host, row.gpu_index, -(row.gpu_memory_used or 0)),
                right=True,
            ),
            Column(
                "account",
                "ACCOUNT",
                lambda row: row.ref.account,
                lambda row: row.ref.account,
                priority=account_priority,
            ),
            Column("pid", "PID", lambda row: str(row.pid), lambda row: row.pid, right=True),
            Column(
                "instance",
                "INSTANCE",
                self._owner,
                lambda row: (not row.instance_name, row.instance_name),
                width=10,
                max_width=28,
            ),
            Column("gpumem", "GPU MEM", self._gpu_memory, lambda row: row.gpu_memory_used, width=7, right=True),
            Column("share", "SHARE", self._share, self._share_of, width=BAR_CELLS + 5, priority=2),
            Column(
                "memory",
                "MEM",
                lambda row: format_bytes(row.memory_used),
                lambda row: row.memory_used,
                right=True,
                priority=4,
            ),
            Column(
                "uptime",
                "UPTIME",
                lambda row: format_duration(row.uptime),
                lambda row: row.uptime,
                right=True,
                priority=3,
            ),
            Column("host", "HOST", lambda row: row.host, shown=False),
            Column(
                "command",
                "COMMAND",
                lambda row: row.command,
                lambda row: row.command,
                width=12,
                flex=True,
                max_width=200,
            ),
        ]
        return cast("Sequence[Column[Row]]", columns)

    @staticmethod
    def _owner(row: GpuProcess) -> Cell:
        if not row.instance_name:
            return ("host process", "muted")
        return (row.instance_name, "strong" if row.instance is not None else "")

    @staticmethod
    def _gpu_memory(row: GpuProcess) -> Cell:
        return ("?", "muted") if row.gpu_memory_used is None else format_bytes(row.gpu_memory_used)

    def _share_of(self, row: GpuProcess) -> float | None:
        device = self._devices.get((row.ref.account, row.host, row.gpu_index))
        whole = (device.memory_total or device.memory_used) if device is not None else None
        if row.gpu_memory_used is None or not whole:
            return None
        return min(1.0, row.gpu_memory_used / whole)

    def _share(self, row: GpuProcess) -> Cell:
        share = self._share_of(row)
        if share is None:
            return ""
        return [(bar(share, BAR_CELLS), "accent"), (f" {share:4.0%}", "")]

    # --- following -------------------------------------------------------------------------------------------

    _devices: dict[tuple[str, str, int], GpuDevice] = {}  # noqa: RUF012  (replaced whole, never changed)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the processes and the GPUs."""
        return (*super().follow(), self.session.fleet.subscribe(Resource.GPUS, self._gpus_changed))

    def catch_up(self) -> None:
        """Show GPUs and processes as they are now."""
        self._index_devices()
        self.gpus.set_rows(self.session.fleet.rows(Resource.GPUS).values())
        super().catch_up()

    def _settle_cursor(self) -> None:
        """Begin on the first row on both sides."""
        if not self._settled:
            self.gpus.rest_on_first()
        super()._settle_cursor()
        if self._settled:
            self.gpus.hold_cursor()

    def _index_devices(self) -> None:
        self._devices = {
            (device.ref.account, device.host, device.index): device
            for device in self.session.fleet.rows(Resource.GPUS).values()
            if isinstance(device, GpuDevice) and not device.mig
        }

    def _gpus_changed(self, change: Change) -> None:
        self._index_devices()
        self.gpus.apply(change)
        self._fit()
        changed = [row for row in (*change.added, *change.updated) if isinstance(row, GpuDevice)]
        places = {(device.ref.account, device.host, device.index) for device in changed}
        # Their share is of what the GPU has, or of what is held of it.
        self.table.invalidate(
            [
                row.ref
                for row in self.session.fleet.rows(Resource.PROCESSES).values()
                if isinstance(row, GpuProcess) and (row.ref.account, row.host, row.gpu_index) in places
            ]
        )

    def feeds_changed(self) -> None:
        """GPUs may have become stale or fresh, and an answer may have held none."""
        super().feeds_changed()
        self.gpus.invalidate()
        self._fit()

    def _apply_filter(self) -> None:
        self.gpus.set_filter(
            lambda row: (
                self.session.shows_account(row.ref.account)
                and self._is_in_scope(row)
                and (not self.session.problems_only or bool(getattr(row, "problem", None)))
            )
        )
        super()._apply_filter()
        self._fit()

    def _is_in_scope(self, row: Row) -> bool:
        """Whether a GPU belongs to what the view is limited to: a host's own are shown with each of its instances."""
        if self.scope is None or not isinstance(row, GpuDevice):
            return True
        if row.through is not None:
            return row.through == self.scope
        return row.ref.account == self.scope.account or not self.session.fleet.looked_into(self.scope)

    def _fit(self) -> None:
        """Give the upper table the lines it has rows for, up to its share of the screen."""
        self.gpus.styles.height = max(2, self.gpus.row_count + 1)
        self.gpus.placeholder = Content(self.loading_text() or "No account shown lists GPUs.")

    def limits(self) -> bool:
        """Whether a GPU was opened."""
        return self._gpu is not None

    def shows(self, row: Row) -> bool:
        """Whether a process is on the GPU that was opened."""
        if self._gpu is not None and isinstance(row, GpuProcess):
            device = self.session.fleet.get(self._gpu)
            if isinstance(device, GpuDevice) and (row.ref.account, row.host, row.gpu_index) != (
                device.ref.account,
                device.host,
                device.index,
            ):
                return False
        return super().shows(row)

    def status(self) -> tuple[Content, Content]:
        """Count both sides; the filter is over the processes."""
        left, right = super().status()
        gpus = self.gpus.row_count
        counts = f"   {gpus} GPU{'' if gpus == 1 else 's'}"
        inside = any(isinstance(row, GpuProcess) and row.inside and self.shows(row) for row in self._processes())
        whose = "   PIDs are the container's" if inside else ""
        return Content.assemble((counts, "$muted"), left, (whose, "$text-warning")), right

    def _processes(self) -> Iterable[Row]:
        return self.session.fleet.rows(Resource.PROCESSES).values()

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a process belongs to the instance the view is limited to."""
        return isinstance(row, GpuProcess) and row.instance == scope

    def is_problem(self, row: Row) -> bool:
        """A process of no instance is what one looks for when something is wrong with a GPU."""
        return isinstance(row, GpuProcess) and not row.instance_name

    def crumbs(self) -> list[str]:
        """Add the GPU that was opened."""
        device = self.session.fleet.get(self._gpu) if self._gpu is not None else None
        return [*super().crumbs(), *([f"{device.host} GPU {device.index}"] if isinstance(device, GpuDevice) else [])]

    @on(RecordTable.Opened, "#gpus")
    def _gpu_opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        self._gpu = None if self._gpu == event.ref else event.ref
        self._apply_filter()
        if self._gpu is not None:
            self.set_focus(self.table)

    def do_pane(self, argument: str) -> None:
        """Change between the GPUs and their processes."""
        self.set_focus(self.table if self.gpus.has_focus else self.gpus)

    def do_back(self, argument: str) -> None:
        """Show the processes of all GPUs again before going back."""
        if self._gpu is not None:
            self._gpu = None
            self._apply_filter()
            self.set_focus(self.gpus)
        else:
            super().do_back(argument)

    # --- what the commands act on ----------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return what the cursor of the side in use is on."""
        return (self.gpus if self.gpus.has_focus else self.table).cursor_row

    def instance_here(self) -> Instance | None:
        """Return the instance of the process under the cursor."""
        row = self.row_here()
        found = self.session.fleet.get(row.instance) if isinstance(row, GpuProcess) and row.instance else None
        return found if isinstance(found, Instance) else None

    def do_open(self, argument: str) -> None:
        """Go to the process's instance; describe a process that has none here."""
        if self.gpus.has_focus:
            self.gpus.action_open()
        elif (instance := self.instance_here()) is not None:
            self.session.navigator.go("instances", select=instance.ref)
        else:
            self.do_describe("")

    def empty_text(self) -> str:
        """Say why there is nothing."""
        if self.scope is not None:
            return self._unseen(self.scope) or "It runs nothing on a GPU now."
        return "No process is on a GPU now."

    def _unseen(self, scope: Ref) -> str:
        """Say why the processes of an instance that is looked into are not known; '' where there are none."""
        fleet = self.session.fleet
        if not fleet.looked_into(scope):
            return ""
        seen = [device for device in self._devices.values() if device.through == scope]
        if problem := fleet.look_problem(scope):
            return problem
        if not seen and fleet.runtime(scope.account).is_looked_up(Resource.GPUS):
            return "Looking into it …"
        return (
            "Its GPUs are in use, and nvidia-smi tells of no process in there."
            if any(device.process_count is None for device in seen)
            else ""
        )
