"""The fields of instances that are whole machines. In a description, what is not known of one is ``unknown``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gputui.formatting import format_duration
from gputui.models import Instance, Machine
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context


def machine_columns(context: Context) -> Sequence[Column[Instance]]:
    """Return the fields."""

    def uptime(machine: Machine, row: Instance) -> str:
        if row.started_at is None or not machine.reachable:
            return ""
        return format_duration((context.now() - row.started_at).total_seconds())

    return [
        fields.figure(
            "load",
            lambda row: row.machine.load[0] if row.machine is not None and row.machine.load else None,
            lambda load: "" if load is None else f"{load:.1f}",
            priority=6,
            when_filled=True,
            detail=_known(lambda machine, _: " ".join(f"{one:.2f}" for one in machine.load)),
        ),
        fields.text(
            "users",
            lambda row: ", ".join(row.machine.users or ()) if row.machine is not None else "",
            priority=8,
            when_filled=True,
            max_width=24,
            label="logged in",
            detail=_known(_users),
        ),
        fields.detail(
            "memory used", _known(lambda machine, row: fields.share(machine.memory_used, row.memory_limit))
        ),
        fields.detail("disk /", _known(lambda host, row: fields.share(host.disk_used, row.disk_size))),
        fields.detail("disk of home", _known(lambda host, _: fields.share(host.home_used, host.home_size))),
        fields.detail("gpus lost", _lost),
        fields.detail("containers", _containers),
        fields.detail("kernel", _known(lambda machine, _: machine.kernel)),
        fields.detail("driver", _known(lambda machine, row: machine.driver or _without_gpus(row))),
        fields.detail("cuda", _known(_cuda)),
        fields.detail("uptime", _known(uptime)),
    ]


def _known(text: Callable[[Machine, Instance], str]) -> Callable[[Instance], str]:
    """Return the text about a row that is a machine, ``unknown`` where that is ''; '' for any other row."""
    return lambda row: "" if row.machine is None else text(row.machine, row) or "unknown"


def _users(machine: Machine, _: Instance) -> str:
    return "" if machine.users is None else ", ".join(machine.users) or "none"


def _without_gpus(row: Instance) -> str:
    return "none" if row.gpu_count == 0 else ""


def _cuda(machine: Machine, row: Instance) -> str:
    # The driver of NVIDIA's GPUs is read together with its version of CUDA: others have none.
    return machine.cuda or ("none" if machine.driver else _without_gpus(row))


def _lost(row: Instance) -> str:
    return str(row.machine.gpus_lost) if row.machine is not None and row.machine.gpus_lost else ""


def _containers(row: Instance) -> str:
    problem = row.machine.containers_problem if row.machine is not None else ""
    return f"unknown: {problem}" if problem else ""
