"""The instances of all accounts: containers, pods, VMs and workers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from gputui.analytics.cost import SIZING, HostGpus, gpus_of, host_gpus, is_unpriced
from gputui.analytics.cost_lines import UNPRICED
from gputui.analytics.gpu_idle import LONGEST_GAP, SeenGpus
from gputui.analytics.starts import is_stuck_stop, starts_under_way
from gputui.analytics.startup_times import StartupBook, is_slow
from gputui.models import Change, Event, GpuDevice, GpuProcess, Instance, Phase, Ref, Resource, Row
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.session import Session
from gputui.screens.details.commands import WORDS, DetailPaneCommands
from gputui.screens.list.groups import GroupCommands
from gputui.screens.list.list_view import ListView

_IN_TRANSITION = frozenset({Phase.PENDING, Phase.STOPPING})
_LATELY = timedelta(hours=1)
"""The time for which a slow start is shown."""
_TICK_SECONDS = 10.0
"""The time between two updates of the time in a state, while something is in transition."""


class InstanceContext(FleetContext):
    """The context of instances: their processes, and facts from their events."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.by_instance: dict[Ref, list[GpuProcess]] = {}
        self.seen: dict[Ref, datetime] = {}
        """When an event said that an instance was created."""
        self.entered: dict[Ref, tuple[str, datetime]] = {}
        """The status in transition that an instance entered last, and when."""
        self.book = StartupBook()
        """The starts of all instances, by their events."""
        self.seen_gpus = SeenGpus(())
        self._sizes: HostGpus | None = None

    def processes(self, instance: Instance) -> Sequence[GpuProcess]:
        """Return the GPU processes of an instance."""
        return self.by_instance.get(instance.ref, ())

    def gpus(self, instance: Instance) -> Sequence[GpuDevice]:
        """Return the GPUs that an instance may use, as far as they are listed; without readings that are old."""
        now = self.session.fleet.now()
        return [
            device if device.sample is None or now - device.sample.at <= LONGEST_GAP else replace(device, sample=None)
            for device in self.seen_gpus.of(instance)
        ]

    def gpu_count(self, instance: Instance) -> float | None:
        """Return how many GPUs an instance may use, of a whole host as many as that is known to have."""
        if not instance.gpu_all:
            return gpus_of(instance, {})
        if self._sizes is None:
            rows = (row for resource in SIZING for row in self.session.fleet.rows(resource).values())
            self._sizes = host_gpus(rows)
        return gpus_of(instance, self._sizes)

    def forget_sizes(self) -> None:
        """Count the GPUs of hosts again when they are next asked for."""
        self._sizes = None

    def created_at(self, instance: Instance) -> datetime | None:
        """Return when an instance was created, from its events where its row does not say."""
        return super().created_at(instance) or self.seen.get(instance.ref)

    def in_state_since(self, instance: Instance) -> datetime | None:
        """Return when an instance in transition entered its state."""
        if instance.phase not in _IN_TRANSITION:
            return None
        status, at = self.entered.get(instance.ref, ("", None))
        return at if status == instance.status else instance.updated_at

    def started_slowly(self, instance: Instance) -> bool:
        """Return whether an instance that runs has started in the last hour, and clearly slower than others."""
        startup = self.book.startups.get(instance.ref)
        if instance.phase is not Phase.RUNNING or startup is None or startup.seconds is None:
            return False
        usual = self.book.usual(startup.parent, excluding=instance.ref).total
        return self.now() - startup.steps[-1].at < _LATELY and is_slow(startup.seconds, usual)

    def trouble(self, instance: Instance) -> str | None:
        """Return the style of an instance that failed, is unknown, starts slowly or is long in transition."""
        if instance.phase is Phase.FAILED:
            return "bad"
        at = self.session.fleet.known_at(instance.ref.account, Resource.INSTANCES)
        start = starts_under_way([instance], self.book, lambda account: at).get(instance.ref)
        since = self.in_state_since(instance) if instance.phase is Phase.STOPPING else None
        if instance.phase is Phase.UNKNOWN or is_stuck_stop(since, at) or (start is not None and start.is_problem):
            return "warning"
        return None


class InstancesView(ListView):
    """``3``: name, state, GPUs with load and memory, price, age, host; log in, change, block the host, create."""

    NAME = "instances"
    HEADING = "Instances"
    RESOURCE = Resource.INSTANCES
    # Processes are shown next to each instance, and in the question before a stop; the deployments show whether
    # another instance would replace one that is stopped.
    RESOURCES = frozenset({Resource.INSTANCES, Resource.PROCESSES, Resource.DEPLOYMENTS})
    OWN = frozenset({Resource.INSTANCES})
    BACKGROUND = frozenset({Resource.GPUS})
    COMMAND_SETS = (GroupCommands, DetailPaneCommands, *ListView.COMMAND_SETS)
    WORDS = WORDS
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True
    FOOTER = (
        "explain",
        "ssh",
        "start",
        "logs",
        "exec",
        "processes-of",
        "new",
        "open",
        "stop",
        "events-of",
        "actions",
        "files",
        "forward",
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.context: InstanceContext = InstanceContext(session)

    def on_mount(self) -> None:
        """Update the time in a state; only changed text reaches the terminal."""
        self.every(_TICK_SECONDS, self._update_transitions)

    def _update_transitions(self) -> None:
        """Update the time in transition; at rest there is none."""
        rows = self.session.fleet.all(Instance)
        if moving := [row.ref for row in rows if self.context.in_state_since(row) is not None]:
            self.table.invalidate(moving)

    def row_style(self, row: Row) -> str | None:
        """Highlight what needs a look."""
        return self.context.trouble(row) if isinstance(row, Instance) else None

    # --- following what the cells depend on ------------------------------------------------------------------

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the instances, their processes, and the events with their creation."""
        fleet = self.session.fleet
        return (
            *super().follow(),
            fleet.subscribe(Resource.PROCESSES, lambda change: self._processes_changed()),
            fleet.subscribe(Resource.GPUS, lambda change: self._gpus_changed()),
            fleet.subscribe(Resource.EVENTS, self._events_changed),
            fleet.subscribe(Resource.DEPLOYMENTS, lambda change: self.table.renew_headings()),
            *(fleet.subscribe(resource, lambda change: self._sizes_changed()) for resource in SIZING),
        )

    def catch_up(self) -> None:
        """Take the processes and the creation times before the rows."""
        self.context.forget_sizes()
        self._group_processes()
        self.context.seen_gpus = SeenGpus(self.session.fleet.all(GpuDevice))
        self._note_creations(self.session.fleet.all(Event))
        super().catch_up()

    def _group_processes(self) -> dict[Ref, list[GpuProcess]]:
        grouped: dict[Ref, list[GpuProcess]] = {}
        for process in self.session.fleet.all(GpuProcess):
            if process.instance is not None:
                grouped.setdefault(process.instance, []).append(process)
                row = self.session.fleet.find(Instance, process.instance)
                machine = self.session.fleet.find(Instance, row.parent) if row is not None else None
                if machine is not None:  # that whose container it is
                    grouped.setdefault(machine.ref, []).append(process)
        before, self.context.by_instance = self.context.by_instance, grouped
        return before

    def _processes_changed(self) -> None:
        before = self._group_processes()

        def memory(processes: Sequence[GpuProcess]) -> tuple[int, bool]:
            sizes = [process.gpu_memory_used for process in processes]
            return sum(size or 0 for size in sizes), None in sizes

        refs = before.keys() | self.context.by_instance.keys()
        self.table.invalidate(
            [ref for ref in refs if memory(before.get(ref, ())) != memory(self.context.by_instance.get(ref, ()))]
        )

    def _gpus_changed(self) -> None:
        """Draw the instances again whose GPUs have other readings."""
        before, self.context.seen_gpus = self.context.seen_gpus, SeenGpus(self.session.fleet.all(GpuDevice))
        rows = (row for row in self.session.fleet.all(Instance) if row.phase is Phase.RUNNING)
        self.table.invalidate([row.ref for row in rows if before.of(row) != self.context.seen_gpus.of(row)])

    def _sizes_changed(self) -> None:
        """Draw the instances again that have all GPUs of a host with another number of them."""
        rows = [row for row in self.session.fleet.all(Instance) if row.gpu_all]
        before = [self.context.gpu_count(row) for row in rows]
        self.context.forget_sizes()
        counts = zip(rows, before, strict=True)
        if others := [row.ref for row, count in counts if self.context.gpu_count(row) != count]:
            self.table.invalidate(others)

    def _note_creations(self, events: Collection[Event]) -> None:
        self.context.book.add(events)
        for event in events:
            if event.before is None:
                self.context.seen[event.instance] = event.at
            if event.phase in _IN_TRANSITION:
                entered = self.context.entered.get(event.instance)
                if entered is None or entered[1] <= event.at:
                    self.context.entered[event.instance] = (event.status, event.at)

    def _events_changed(self, change: Change) -> None:
        events = [row for row in change.added if isinstance(row, Event)]
        self._note_creations(events)
        moved = {event.instance for event in events if event.phase in _IN_TRANSITION | {Phase.RUNNING}}
        if shown := [ref for ref in moved if self.table.get(ref) is not None]:
            self.table.invalidate(shown)

    def in_scope(self, row: Row, scope: Ref) -> bool:
        """Whether a row is this one, belongs to this deployment, or is one of its account without a price."""
        if scope.kind == UNPRICED:
            if row.ref.account != scope.account or not isinstance(row, Instance):
                return False
            return is_unpriced(row, None if row.parent is None else self.session.fleet.get(row.parent))
        return row.ref == scope or (isinstance(row, Instance) and row.parent == scope)

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        if self.scope is not None:
            back = f"{self.session.key_of('back')} goes back."
            if self.scope.kind == UNPRICED:
                return f"No instance in {self.scope.account} is without a price. {back}"
            return f"{self.breadcrumbs()[0]} has no instances. {back}"
        return super().empty_text()
