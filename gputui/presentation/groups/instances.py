"""The groupings of instances and of deployments."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from gputui.analytics.gpu_use import gpu_use
from gputui.models import Deployment, Instance, Phase, Ref, Resource
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import Cell, natural_key, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping, GroupLine
from gputui.presentation.groups.totals import number_total, phase_total, price_total, size_total
from gputui.presentation.prices import UNKNOWN


def instance_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of instances."""

    def totals(rows: Sequence[Instance]) -> Mapping[str, Cell]:
        apart = _apart(rows)
        counts = [context.gpu_count(row) for row in apart]
        return {
            "state": phase_total(rows),
            "gpu": _gpus(*_in_use(apart, counts)),
            "util": _mean_load(apart, counts, context),
            "gpumem": size_total(
                used for row, count in zip(apart, counts, strict=True) for used in _memory_used(row, count, context)
            ),
            "price": price_total(rows, context),
        }

    def deployment_line(group: Ref | None, rows: Sequence[Instance]) -> GroupLine:
        if group is None:
            return forms.line(context, "no deployment", rows, totals)
        return forms.line(context, _name(group, context), rows, totals, in_account=True)

    return [
        forms.account(context, totals),
        Grouping("deployment", _deployment, deployment_line, lambda ref: (natural_key(_name(ref, context)), ref)),
        forms.place(context, "host", lambda row: row.host, totals, unknown="host not reported"),
        Grouping(
            "gpu",
            _model,
            lambda group, rows: forms.line(context, group or "model not reported", rows, totals),
            lambda group: (group == _NO_GPU, natural_key(group)),
            "GPU model",
            says_all=False,
        ),
        forms.text(context, "region", lambda row: row.region, totals, unknown="region not reported"),
    ]


_NO_GPU = "no GPU"
_BEHIND_BAR = 5
"""Cells before the counts of a deployment: those of its bar."""


def _model(row: Instance) -> str | None:
    return row.gpu_model or (_NO_GPU if row.gpu_count == 0 or row.gpu_indices == () else None)


def _is_on_machine(row: Instance) -> bool:
    """Whether its parent is the machine through which it is entered, not a deployment."""
    return row.ssh is not None and row.ssh.host_row is not None and row.ssh.host_row == row.parent


def _deployment(row: Instance) -> Hashable:
    return None if _is_on_machine(row) else row.parent


def _name(ref: Ref, context: Context) -> str:
    parent = context.get(ref)
    return ref.id if parent is None else name_of(parent)


def _apart(rows: Sequence[Instance]) -> list[Instance]:
    """Return the rows without the containers of machines that are among them: these have no GPUs of their own."""
    machines = {row.ref for row in rows if row.machine is not None}
    return [row for row in rows if row.parent is None or row.parent not in machines]


_USES_GPUS = frozenset({Phase.RUNNING, Phase.PENDING})


def _in_use(
    rows: Sequence[Instance], counts: Sequence[float | None]
) -> tuple[Sequence[Instance], Sequence[float | None]]:
    """Return the rows that run or start, with their counts; where the state is unknown, so is the count, unless 0."""
    found = [
        (row, count if row.phase in _USES_GPUS or count == 0 else None)
        for row, count in zip(rows, counts, strict=True)
        if row.phase in _USES_GPUS or row.phase is Phase.UNKNOWN
    ]
    return [row for row, _ in found], [count for _, count in found]


def _gpus(rows: Sequence[Instance], counts: Sequence[float | None]) -> Cell:
    """Write how many GPUs these use: one that several share is one, where it is known which they are."""
    shared: dict[tuple[str, str | None], set[int]] = {}
    whole: dict[tuple[str, str | None], float] = {}
    others: list[float | None] = []
    for row, count in zip(rows, counts, strict=True):
        place = row.ref.account, row.host
        if row.gpu_all and count is not None:
            whole[place] = max(count, whole.get(place, 0))
        elif row.gpu_indices is not None and not row.gpu_all and row.phase in _USES_GPUS:
            shared.setdefault(place, set()).update(row.gpu_indices)
        else:
            others.append(count)
    some = [len(indices) for place, indices in shared.items() if place not in whole]
    return number_total([*whole.values(), *some, *others])


def _memory_used(row: Instance, count: float | None, context: Context) -> list[int | None]:
    """Return the GPU memory that it uses; unknown where it runs on GPUs and that is not seen, or a part of it."""
    if row.phase is not Phase.RUNNING or count == 0:
        return []
    use = gpu_use(row, context.gpus(row), context.processes(row), count)
    return [use.memory_used, *([None] if use.lacks_memory else [])]


def _mean_load(rows: Sequence[Instance], counts: Sequence[float | None], context: Context) -> Cell:
    """Write the mean load of the GPUs in use, as far as it is known: ``mean  41 %``, ``?`` behind it for a part."""
    loads: dict[Ref, float] = {}
    lacks = False
    for row, count in zip(rows, counts, strict=True):
        if row.phase is not Phase.RUNNING or count == 0:
            continue
        gpus = context.gpus(row)
        seen = {
            gpu.ref: gpu.sample.utilization
            for gpu in gpus
            if gpu.sample is not None and gpu.sample.utilization is not None
        }
        loads |= seen
        lacks = lacks or not seen or len(seen) < max(len(gpus), 0 if row.gpu_all else count or 0)
    if not loads:
        return ""
    mean = sum(loads.values()) / len(loads)
    return (("mean", "muted"), (f" {mean:3.0f} %", ""), (UNKNOWN if lacks else " ", "warning"))


def deployment_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of deployments."""

    def totals(rows: Sequence[Deployment]) -> Mapping[str, Cell]:
        running = number_total(row.running for row in rows)
        return {
            "state": phase_total(rows),
            "counts": ((" " * _BEHIND_BAR, ""), *spans_of(running), (" running", "")),
            "price": price_total(rows, context),
        }

    return [
        forms.account(context, totals),
        forms.text(context, "type", lambda row: row.type, totals, unknown="type not reported"),
    ]


GROUPINGS = {Resource.INSTANCES: instance_groupings, Resource.DEPLOYMENTS: deployment_groupings}
