"""The deployments of all accounts: what keeps instances alive, how far each is, and how many it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from gputui.formatting import format_bytes
from gputui.models import Change, Deployment, Phase, Resource, Row
from gputui.presentation.actions import progress_text
from gputui.presentation.columns.column import Cell, Column
from gputui.presentation.deployments import (
    Shape,
    counts_text,
    cuda_range,
    gpus_text,
    is_settled,
    price_range,
    progress,
    range_text,
    shape,
)
from gputui.presentation.glyphs import PHASE_GLYPHS, bar
from gputui.presentation.prices import ByDeployment, by_deployment, price_key
from gputui.screens.commands.inspect import OpenCommands
from gputui.screens.commands.queue import QueueCommands
from gputui.screens.commands.scale import ScaleCommands
from gputui.screens.instances import PHASE_TABLE_STYLES
from gputui.screens.list.list_view import ListView
from gputui.screens.list.shared_columns import account_column, age_column, amount, name_column, price_column

_ORDER = {phase: number for number, phase in enumerate((Phase.FAILED, Phase.UNKNOWN, *Phase))}
_BAR = 4


class DeploymentCommands(OpenCommands):
    """Open a deployment."""

    def do_open(self, argument: str) -> None:
        """Show its instances."""
        if (row := self.row_for(argument)) is not None:
            self.session.navigator.go("instances", scope=row.ref)


class DeploymentsView(ListView):
    """``2``: name, state, counts, GPUs, price; go into one, scale, stop, delete, create."""

    NAME = "deployments"
    HEADING = "Deployments"
    RESOURCE = Resource.DEPLOYMENTS
    RESOURCES = frozenset({Resource.DEPLOYMENTS})
    SORT: ClassVar[tuple[str | None, bool]] = ("name", False)
    SHOWS_AGE = True
    COMMAND_SETS = (DeploymentCommands, QueueCommands, ScaleCommands, *ListView.COMMAND_SETS)
    _instances: ByDeployment | None = None

    def columns(self) -> Sequence[Column[Row]]:
        """Return the columns; the state shows what is under way."""
        columns: list[Column[Deployment]] = [
            name_column(),
            account_column(self.session, 1),
            Column("type", "TYPE", lambda row: row.type, lambda row: row.type, priority=3, max_width=12),
            Column(
                "state",
                "STATE",
                self._state,
                lambda row: (_ORDER[row.phase], row.status),
                width=9,
                max_width=16,
                search=lambda row: f"{row.phase} {row.status}",
            ),
            Column("counts", "INSTANCES", _counts, _share, width=14, max_width=22, search=counts_text, number=_have),
            Column(
                "gpu",
                "GPU",
                lambda row: gpus_text(row, most=1),
                lambda row: (row.gpu_models, row.gpu_count or 0) if gpus_text(row) else None,
                width=8,
                max_width=22,
                search=gpus_text,
                number=lambda row: row.gpu_count,
            ),
            price_column(self.session, 2, self._of_deployments),
            Column(
                "limit",
                "LIMIT/H",
                lambda row: price_range(row.price_from, row.price_to),
                lambda row: price_key(row.price_to),
                number=lambda row: amount(row.price_to),
                right=True,
                priority=5,
                when_filled=True,
            ),
            age_column(4),
            Column(
                "regions",
                "REGIONS",
                lambda row: ", ".join(row.regions),
                lambda row: row.regions or None,
                priority=6,
                max_width=24,
                when_filled=True,
            ),
            Column("cuda", "CUDA", cuda_range, lambda row: row.cuda_from, priority=7, when_filled=True),
            Column(
                "image",
                "IMAGE",
                lambda row: row.image or "",
                lambda row: row.image or "",
                width=12,
                max_width=32,
                flex=True,
                priority=8,
                when_filled=True,
            ),
            *_hidden_columns(),
        ]
        return cast("Sequence[Column[Row]]", columns)

    def follow(self) -> Sequence[Callable[[], None]]:
        """Follow the instances as well: what they cost is what their deployment costs."""
        self._instances = None
        return (*super().follow(), self.session.fleet.subscribe(Resource.INSTANCES, self._instances_changed))

    def _instances_changed(self, change: Change) -> None:
        self._instances = None
        self.table.invalidate()

    def _of_deployments(self) -> ByDeployment:
        if self._instances is None:
            self._instances = by_deployment(self.session.fleet.rows(Resource.INSTANCES).values())
        return self._instances

    def _state(self, row: Deployment) -> Cell:
        pending = self.session.fleet.pending(row.ref)
        if pending is not None:
            return (f"◐ {progress_text(pending.action)}", "warning")
        return (f"{PHASE_GLYPHS[row.phase]} {row.status}", PHASE_TABLE_STYLES[row.phase])

    def is_problem(self, row: Row) -> bool:
        """Failed, unknown, in transition, under way, or with fewer or more instances than wanted."""
        settled = isinstance(row, Deployment) and is_settled(row)
        return not settled or self.session.fleet.pending(row.ref) is not None

    def empty_text(self) -> str:
        """Return why there are no rows, and the key that creates one."""
        fleet = self.session.fleet
        shown = [name for name in fleet.accounts if self.session.shows_account(name)]
        where = self.session.account or "any account"
        if not any(fleet.supports(name, self.RESOURCE) for name in shown):
            return f"No deployments in {where}: what one has there are instances (3)."
        return f"No deployments in {where}." + (" Press n to create one." if self.creatable() else "")

    def creatable(self) -> list[str]:
        """The accounts in which something can be created, those with deployments first."""
        supports = self.session.fleet.supports
        return sorted(super().creatable(), key=lambda name: not supports(name, self.RESOURCE))


def _counts(row: Deployment) -> Cell:
    got = progress(row)
    drawn = bar(got[0] / got[1], _BAR) if got else " " * _BAR
    style = "good" if is_settled(row) else "warning"
    if row.phase is Phase.STOPPED:
        style = "muted"
    # A bar of one cell's worth says nothing that the number does not.
    if shape(row) is Shape.SINGLE:
        drawn = " " * _BAR
    return ((drawn, style), (f" {counts_text(row)}", ""))


def _share(row: Deployment) -> float | None:
    got = progress(row)
    return None if got is None else got[0] / got[1]


def _have(row: Deployment) -> float | None:
    """Return the number of instances that run, or of a job have finished."""
    return row.finished if shape(row) is Shape.JOB else row.running


def _hidden_columns() -> list[Column[Deployment]]:
    """Return the columns that only filters use."""
    texts = {
        "phase": lambda row: row.phase.value,
        "uuid": lambda row: row.ref.id,
        "cpu": lambda row: range_text(str(row.cpu_from or ""), str(row.cpu_to or "")),
        "memory": lambda row: range_text(format_bytes(row.memory_from), format_bytes(row.memory_to)),
        "command": lambda row: row.command,
        "reuse": lambda row: "" if row.reuse is None else f"{'yes' if row.reuse else 'no'} {row.reuse_scope}",
        "port": lambda row: " ".join(f"{port}/{protocol}" for port, protocol in row.ports),
        "owner": lambda row: row.owner,
        "webhook": lambda row: row.webhook,
        "desired": lambda row: "" if row.desired is None else str(row.desired),
    }
    return [Column(key, key.upper(), text, shown=False) for key, text in texts.items()]
