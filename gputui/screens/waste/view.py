"""Resources that cost money and do nothing: why, for how long, and for how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, cast

from textual.content import Content

from gputui.analytics.waste import totals
from gputui.commands import Command
from gputui.fleet.waste import READ
from gputui.fleet.waste_findings import Findings
from gputui.formatting import counted
from gputui.models import Coverage, Ref, Resource, Row
from gputui.models.waste import Waste, WasteReason
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.waste import REASONS, waste_columns
from gputui.presentation.prices import sum_parts, unpriced_text
from gputui.screens.base.session import Session
from gputui.screens.deployments import QueueCommands, ScaleCommands
from gputui.screens.list.list_view import ListView
from gputui.screens.waste.commands import SnoozeCommands, WasteCommands
from gputui.screens.waste.groups import WasteGroupCommands

_TICK_SECONDS = 30.0


class WasteView(ListView):
    """``:waste``: the most expensive first; all commands of the resource of a row act on that."""

    NAME = "waste"
    HEADING = "Waste"
    RESOURCE = Resource.INSTANCES
    RESOURCES = frozenset(READ)
    CREATES: ClassVar[frozenset[Resource]] = frozenset()
    SHOWS_AGE = True
    SHOWS_PROBLEMS = False
    SORT: ClassVar[tuple[str | None, bool]] = (None, False)
    COMMAND_SETS = (
        WasteCommands,
        WasteGroupCommands,
        SnoozeCommands,
        QueueCommands,
        ScaleCommands,
        *ListView.COMMAND_SETS,
    )
    FOOTER = ("open", "explain", "stop", "delete", "snooze", "problems", "processes-of", "ssh", "describe", "filter")
    WORDS: ClassVar[Mapping[str, tuple[str, str]]] = {"open": ("Open", "Show it in its own view")}

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.shows_all = False
        self._old: set[Ref] = set()
        """Rows of which it is unknown now whether they still are waste."""
        self.memory.keep("all", bool, lambda: self.shows_all or None, self._restore_all)

    def _restore_all(self, shown: bool | None) -> None:
        self.shows_all = bool(shown)

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns of waste."""
        return cast("Sequence[Column[Row]]", waste_columns(self.context))

    def named(self, command: Command) -> Command:
        """Return a command with the words that it has in this view."""
        if command.id != "problems":
            return super().named(command)
        title = "Hide snoozed" if self.shows_all else "Show snoozed"
        return replace(
            command, title=title, tooltip="Show or hide snoozed rows, and GPUs idle for a shorter time", short=""
        )

    def footer_state(self) -> object:
        """Return a value that changes with the names of commands in the footer."""
        return self.shows_all

    # --- following -------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Look again while nothing changes: samples get too old, snoozes end."""
        self.every(_TICK_SECONDS, lambda: self.session.fleet.waste.look_again())  # noqa: PLW0108  (another fleet)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the waste, and every pending mark."""
        fleet = self.session.fleet
        self.run_worker(fleet.waste.read_snoozes(), group="snoozes", exit_on_error=False)
        return (
            fleet.waste.subscribe(self._take),
            fleet.mutations.listeners.add(self._pending_changed),
        )

    def catch_up(self) -> None:
        """Show the waste of now."""
        self._take(self.session.fleet.waste.now)
        self._apply_filter()
        self.pass_time()

    def _take(self, found: Findings) -> None:
        self._old = {waste.ref for waste in found.old}
        self.table.set_rows([*found.with_old, *((*found.soon, *found.snoozed) if self.shows_all else ())])
        super()._settle_columns()
        super()._settle_cursor()
        self._show_placeholder()
        self.frame.show()

    def _settle_columns(self) -> None:
        """Leave the columns alone: the waste is found after the last list has come."""

    def _settle_cursor(self) -> None:
        """Leave the cursor alone, as the columns."""

    def show_all(self, shown: bool) -> None:
        """Show also what is snoozed, or idle for a shorter time, or hide it."""
        self.shows_all = shown
        self._take(self.session.fleet.waste.now)
        self.table.refit()
        self.memory.note()

    def is_stale(self, row: Row) -> bool:
        """Whether it does not count, or was waste when its list was read last."""
        return isinstance(row, Waste) and (not row.counts or row.ref in self._old)

    # --- what it says ----------------------------------------------------------------------------------------

    @property
    def server_filtered(self) -> None:
        """The filters are those of the lists' own views."""

    def coverage(self) -> Coverage:
        """Return how far the lists in which there may be waste are read."""
        return self.feeds.coverage(READ)

    def warning(self) -> str:
        """Return what is missing because of a server filter."""
        fleet = self.session.fleet
        filtered = [resource.words for resource in READ if fleet.server_filters.values(resource)]
        return f"Waste excluded by the server filter of {' and '.join(filtered)} is not shown." if filtered else ""

    def status(self) -> tuple[Content, Content]:
        """Return the money per hour of the rows shown, and what is not known or hidden."""
        found = self.session.fleet.waste.found
        shown = [row for ref in self.table.visible_refs if isinstance(row := self.table.get(ref), Waste)]
        sums, unpriced = totals(row for row in shown if row.counts)
        money, lacking = " + ".join(sum_parts(sums.values(), 0)), unpriced_text(unpriced)
        left = Content.assemble(
            (f"   {self.counts()}", "$muted"),
            (f"   {money}" if money else "", "bold"),
            (f"{' + ' if money else '   '}{lacking}" if lacking else "", "$text-warning"),
            (f"   {text}" if shown and (text := self.feeds.loading_text()) else "", "$text-warning"),
            self.filter_caption(),
            self.grouping_caption(),
            self.order_caption(),
        )
        parts = [
            self.marks_caption(),
            *(Content.styled(text, "$muted") for text in _rest(self._of_shown(found), self.session)),
        ]
        return left, Content("   ").join(part for part in parts if part)

    def _of_shown(self, found: Findings) -> Findings:
        """Return what belongs to the accounts shown."""
        shows = self.session.shows_account
        return Findings(
            found.rows,
            tuple(waste for waste in found.snoozed if shows(waste.ref.account)),
            tuple(waste for waste in found.soon if shows(waste.ref.account)),
            tuple(ref for ref in found.unknown if shows(ref.account)),
        )

    def empty_text(self) -> str:
        """Return that nothing is known to be waste, and what is unknown."""
        found = self._of_shown(self.session.fleet.waste.found)
        said = [f"Nothing in {self.session.accounts_text} is known to cost money and do nothing."]
        if found.soon:
            idle = [waste for waste in found.soon if waste.reason is WasteReason.IDLE]
            if idle:
                longest = max(idle, key=lambda waste: waste.seen or 0.0)
                said.append(f"{counted(len(idle), 'instance')} idle, {longest.text}.")
            said += (f"{waste.name}: {waste.text}." for waste in found.soon if waste not in idle)
        if found.unknown:
            gpus = self.session.key_of("view.gpus")
            instances = counted(len(found.unknown), "running instance")
            said.append(f"The GPU load of {instances} is unknown: see GPUs ({gpus}).")
        if found.snoozed and not self.shows_all:
            said.append(f"{len(found.snoozed)} snoozed: {self.session.key_of('problems')} shows them.")
        return " ".join(said)

    def is_problem(self, row: Row) -> bool:
        """Every row is one."""
        return True

    # --- what the commands act on ----------------------------------------------------------------------------

    def under_cursor(self) -> Row | None:
        """Return the resource of the row under the cursor."""
        return self._resource(self.table.cursor_ref)

    def chosen_rows(self) -> list[Row]:
        """Return the resources of the marked rows, else that under the cursor."""
        refs: Iterable[Ref | None] = self.table.marked or [self.table.cursor_ref]
        return [row for ref in refs if (row := self._resource(ref)) is not None]

    def _resource(self, ref: Ref | None) -> Row | None:
        return None if ref is None else self.session.fleet.get(ref)


def _rest(found: Findings, session: Session) -> Iterable[str]:
    """Yield what the rows lack: those of unknown load, hidden ones, those that are so for a short time.

    Those that are cut where there is no room for all are the last.
    """
    if found.unknown:
        yield f"load of {len(found.unknown)} unknown"
    if found.snoozed:
        yield f"{len(found.snoozed)} snoozed"
    minutes = int(session.fleet.waste.idle_after.total_seconds()) // 60
    for reason, count in Counter(waste.reason for waste in found.soon).items():
        yield f"{count} {REASONS[reason]} < {minutes} min"
