"""The instances of all accounts: everything one can log into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from gputui.analytics.cost import is_unpriced
from gputui.formatting import format_age, format_bytes, format_elapsed, format_time
from gputui.models import Change, Event, GpuProcess, Instance, Phase, Ref, Resource, Row
from gputui.presentation.actions import gpu_text, name_of, ports_text, progress_text
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.glyphs import PHASE_GLYPHS
from gputui.screens.base.session import Session
from gputui.screens.gpus.captions import gpus_of
from gputui.screens.list.list_view import ListView
from gputui.screens.list.shared_columns import account_column, age_order, age_seconds, name_column, price_column

PHASE_TABLE_STYLES = {
    Phase.PENDING: "warning",
    Phase.RUNNING: "good",
    Phase.STOPPING: "warning",
    Phase.STOPPED: "muted",
    Phase.FAILED: "bad",
    Phase.UNKNOWN: "warning",
}
_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}
_IN_TRANSITION = frozenset({Phase.PENDING, Phase.STOPPING})
UNPRICED = "unpriced"
"""The kind of the scope that limits the view to the instances of an account that have no price."""
_TICK_SECONDS = 10.0
"""How often the time in a state is updated, while something is in transition."""


_STATE_RESERVE = 22
"""Cells of a state in transition with the time in it: ``◐ shutting_down  0:41``."""


class InstancesView(ListView):
    """``3``: name, state, GPUs, price, image, ports, memory, age; log in, change, block the host, create."""

    NAME = "instances"
    HEADING = "Instances"
    RESOURCE = Resource.INSTANCES
    # Processes are shown beside each instance, and what a stop would end is read from them; the deployments say
    # whether another instance would take the place of one that is stopped.
    RESOURCES = frozenset({Resource.INSTANCES, Resource.PROCESSES, Resource.DEPLOYMENTS})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._by_instance: dict[Ref, list[GpuProcess]] = {}
        self._seen: dict[Ref, datetime] = {}
        self._entered: dict[Ref, tuple[str, datetime]] = {}

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; the state shows what is under way, the GPU memory what the processes hold."""
        columns: list[Column[Instance]] = [
            name_column(least=18),
            account_column(self.session, 0),
            Column("kind", "KIND", lambda row: row.ref.kind, lambda row: row.ref.kind, priority=9),
            Column(
                "state",
                "STATE",
                self._state,
                lambda row: (_ORDER[row.phase], row.status),
                width=13,
                reserve=_STATE_RESERVE,
                search=self._state_text,
            ),
            Column(
                "gpu",
                "GPUS",
                gpu_text,
                lambda row: natural_key(gpu_text(row)),
                width=4,
                max_width=18,
                number=lambda row: gpus_of(row, self.session.fleet),
            ),
            Column(
                "gpumem",
                "GPU MEM",
                self._gpu_memory,
                self._gpu_memory_used,
                number=self._gpu_memory_used,
                width=7,
                right=True,
                priority=1,
                when_filled=True,
            ),
            price_column(self.session, 1),
            Column(
                "image",
                "IMAGE",
                lambda row: row.image or "",
                lambda row: row.image or "",
                width=14,
                max_width=36,
                flex=True,
                priority=4,
            ),
            Column(
                "ports",
                "PORTS",
                ports_text,
                ports_text,
                max_width=24,
                priority=6,
                when_filled=True,
            ),
            Column(
                "cpu",
                "CPU",
                lambda row: "" if row.cpu_count is None else str(row.cpu_count),
                lambda row: row.cpu_count,
                right=True,
                priority=7,
                when_filled=True,
            ),
            Column(
                "memory",
                "MEM LIMIT",
                lambda row: format_bytes(row.memory_limit),
                lambda row: row.memory_limit,
                number=lambda row: row.memory_limit,
                right=True,
                priority=7,
                when_filled=True,
            ),
            Column(
                "age",
                "AGE",
                lambda row: format_age(self._since(row), datetime.now(UTC)),
                lambda row: age_order(self._since(row)),
                number=lambda row: age_seconds(self._since(row)),
                right=True,
                priority=5,
                when_filled=True,
            ),
            Column(
                "region",
                "REGION",
                lambda row: row.region or "",
                lambda row: natural_key(row.region or ""),
                priority=3,
                max_width=20,
                when_filled=True,
            ),
            Column(
                "host",
                "HOST",
                lambda row: row.host or "",
                lambda row: natural_key(row.host or ""),
                priority=8,
                max_width=24,
                middle=True,
            ),
            *self._unseen_columns(),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def _unseen_columns(self) -> list[Column[Instance]]:
        """Return the columns that only filters and sorting use."""

        def at(key: str, moment: Callable[[Instance], datetime | None]) -> Column[Instance]:
            def text(row: Instance) -> str:
                return "" if (time := moment(row)) is None else format_time(time, utc=self.session.utc)

            return Column(key, key.upper(), text, moment, shown=False)

        return [
            Column("phase", "PHASE", lambda row: row.phase.value, shown=False),
            Column("problem", "PROBLEM", lambda row: row.problem or "", shown=False),
            Column("deployment", "DEPLOYMENT", self._deployment, self._deployment, shown=False),
            Column("spot", "SPOT", lambda row: "" if row.spot is None else "yes" if row.spot else "no", shown=False),
            Column(
                "disk",
                "DISK",
                lambda row: format_bytes(row.disk_size),
                lambda row: row.disk_size,
                shown=False,
                number=lambda row: row.disk_size,
            ),
            Column("version", "VERSION", lambda row: row.version, lambda row: row.version, shown=False),
            Column("services", "SERVICES", lambda row: " ".join(one.url for one in row.services), shown=False),
            at("created", lambda row: row.created_at),
            at("started", lambda row: row.started_at),
            at("stopped", lambda row: row.stopped_at),
            at("updated", lambda row: row.updated_at),
        ]

    def on_mount(self) -> None:
        """Update the time in a state; only changed text reaches the terminal."""
        self.set_interval(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Update the time in transition; at rest there is none."""
        if not self.is_current:
            return
        rows = self.session.fleet.rows(Resource.INSTANCES).values()
        moving = [row.ref for row in rows if isinstance(row, Instance) and self._in_state_since(row) is not None]
        if moving:
            self.table.invalidate(moving)

    # --- cells that depend on more than the row --------------------------------------------------------------

    def _state(self, row: Instance) -> Cell:
        pending = self.session.fleet.pending(row.ref)
        if pending is not None:
            return (f"◐ {progress_text(pending.action)}", "warning")
        if row.problem:
            return (f"{PHASE_GLYPHS[row.phase]} not read", "warning")
        shown = (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])
        since = self._in_state_since(row)
        if since is None:
            return shown
        return [shown, (f"  {format_elapsed((datetime.now(UTC) - since).total_seconds())}", "muted")]

    def _in_state_since(self, row: Instance) -> datetime | None:
        """Return when it came into the state it is in, while that matters."""
        if row.phase not in _IN_TRANSITION:
            return None
        status, at = self._entered.get(row.ref, ("", None))
        return at if status == row.status else row.updated_at

    def _deployment(self, row: Instance) -> str:
        if row.parent is None:
            return ""
        parent = self.session.fleet.get(row.parent)
        return f"{name_of(parent)} {row.parent.id}" if parent is not None else row.parent.id

    def _state_text(self, row: Instance) -> str:
        return f"{row.phase} {row.status}"

    def _gpu_memory_used(self, row: Instance) -> int | None:
        used = [process.gpu_memory_used for process in self._by_instance.get(row.ref, ())]
        known = [size for size in used if size is not None]
        return sum(known) if known else None

    def _gpu_memory(self, row: Instance) -> Cell:
        used = format_bytes(self._gpu_memory_used(row))
        processes = self._by_instance.get(row.ref, ())
        if all(process.gpu_memory_used is not None for process in processes):
            return used
        return [(f"{used}+" if used else "", ""), ("?", "muted")]

    def _since(self, row: Instance) -> datetime | None:
        return row.created_at or row.started_at or self._seen.get(row.ref)

    # --- following what the cells depend on ------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the instances, their processes, and the events that tell when one was created."""
        fleet = self.session.fleet
        return (
            *super().follow(),
            fleet.subscribe(Resource.PROCESSES, lambda change: self._processes_changed()),
            fleet.subscribe(Resource.EVENTS, self._events_changed),
        )

    def catch_up(self) -> None:
        """Take the processes and the creation times before the rows."""
        self._group_processes()
        self._note_creations(self.session.fleet.rows(Resource.EVENTS).values())
        super().catch_up()

    def _group_processes(self) -> dict[Ref, list[GpuProcess]]:
        grouped: dict[Ref, list[GpuProcess]] = {}
        for process in self.session.fleet.rows(Resource.PROCESSES).values():
            if isinstance(process, GpuProcess) and process.instance is not None:
                grouped.setdefault(process.instance, []).append(process)
        before, self._by_instance = self._by_instance, grouped
        return before

    def _processes_changed(self) -> None:
        before = self._group_processes()

        def held(processes: Sequence[GpuProcess]) -> tuple[int, bool]:
            sizes = [process.gpu_memory_used for process in processes]
            return sum(size or 0 for size in sizes), None in sizes

        refs = before.keys() | self._by_instance.keys()
        self.table.invalidate(
            [ref for ref in refs if held(before.get(ref, ())) != held(self._by_instance.get(ref, ()))]
        )

    def _note_creations(self, events: Iterable[Row]) -> None:
        for event in events:
            if not isinstance(event, Event):
                continue
            if event.before is None:
                self._seen[event.instance] = event.at
            if event.phase in _IN_TRANSITION:
                entered = self._entered.get(event.instance)
                if entered is None or entered[1] <= event.at:
                    self._entered[event.instance] = (event.status, event.at)

    def _events_changed(self, change: Change) -> None:
        self._note_creations(change.added)
        began = {
            event.instance for event in change.added if isinstance(event, Event) and event.phase in _IN_TRANSITION
        }
        if began:
            self.table.invalidate([ref for ref in began if self.table.get(ref) is not None])

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a row is this one, belongs to this deployment, or is one of its account without a price."""
        if scope.kind == UNPRICED:
            if row.ref.account != scope.account or not isinstance(row, Instance):
                return False
            return is_unpriced(row, None if row.parent is None else self.session.fleet.get(row.parent))
        return row.ref == scope or (isinstance(row, Instance) and row.parent == scope)

    def is_problem(self, row: Row) -> bool:
        """Failed, unknown, in transition, or under way."""
        settled = isinstance(row, Instance) and row.phase in (Phase.RUNNING, Phase.STOPPED) and not row.problem
        return not settled or self.session.fleet.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        if self.scope is not None:
            return f"No instances of {self.breadcrumbs()[0]}."
        where = self.session.account or "any account"
        return f"No instances in {where}." + (" Press n to create one." if self.creatable() else "")
