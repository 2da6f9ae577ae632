"""The groupings of instances and of deployments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from gputui.analytics.gpu_use import gpu_use
from gputui.models import Instance, Phase, Ref, Resource
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import Cell, natural_key, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping, GroupLine, Total
from gputui.presentation.groups.totals import number_total, phase_total, price_total, size_total
from gputui.presentation.prices import UNKNOWN


def instance_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of instances."""
    totals = {
        "state": phase_total(),
        "gpu": _apart(lambda row: _gpus_of(row, context), _write_gpus),
        "util": _apart(lambda row: _loads_of(row, context), _write_loads),
        "gpumem": _apart(lambda row: _memory_of(row, context), _write_memory),
        "price": price_total(context),
    }

    def deployment_line(group: Ref | None, rows: Sequence[Instance]) -> GroupLine:
        if group is None:
            return forms.line(context, "no deployment", rows)
        return forms.line(context, _name(group, context), rows, in_account=True)

    return [
        forms.account(context, totals),
        Grouping(
            "deployment",
            _deployment,
            deployment_line,
            forms.with_account(context, totals),
            lambda ref: (natural_key(_name(ref, context)), ref),
        ),
        forms.place(context, "host", lambda row: row.host, totals, unknown="host not reported"),
        Grouping(
            "gpu",
            _model,
            lambda group, rows: forms.line(context, group or "model not reported", rows),
            forms.with_account(context, totals),
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


_key_of = attrgetter("account", "kind", "id")
_Key: TypeAlias = tuple[str, str, str]
"""A Ref as a tuple: parts with it are compared in a fraction of the time."""
_Part: TypeAlias = tuple[_Key | None, _Key | None, Any]
"""The machine that an instance is, its parent, and what it adds to a total; None for nothing."""


def _apart(of: Callable[[Instance], Any], write: Callable[[Mapping[Any, int]], Cell]) -> Total[Instance]:
    """Return a total without the containers of machines that are among the rows: these have no GPUs of their own."""

    def combine(parts: Mapping[_Part, int]) -> Cell:
        machines = {machine for machine, _, _ in parts if machine is not None}
        found: Counter[Any] = Counter()
        for (_, parent, added), count in parts.items():
            if added is not None and (parent is None or parent not in machines):
                found[added] += count
        return write(found)

    def part(row: Instance) -> _Part:
        machine, parent = row.machine, row.parent
        return None if machine is None else _key_of(row.ref), None if parent is None else _key_of(parent), of(row)

    return Total(part, combine)


_USES_GPUS = frozenset({Phase.RUNNING, Phase.PENDING})

_Place: TypeAlias = tuple[str, str | None]
_Gpus: TypeAlias = tuple[_Place | None, tuple[int, ...] | None, float | None]
"""The host of which it has all GPUs or the ones with these indices, these, and their number; None is unknown."""


def _gpus_of(row: Instance, context: Context) -> _Gpus | None:
    """Return the GPUs of what runs or starts; where the state is unknown, so is their number, unless it is 0."""
    uses = row.phase in _USES_GPUS
    if not uses and row.phase is not Phase.UNKNOWN:
        return None
    count = context.gpu_count(row)
    if not uses and count:
        count = None
    if row.gpu_all and count is not None:
        return (row.ref.account, row.host), None, count
    if uses and row.gpu_indices is not None and not row.gpu_all:
        return (row.ref.account, row.host), row.gpu_indices, None
    return None, None, count


def _write_gpus(parts: Mapping[_Gpus, int]) -> Cell:
    """Write how many GPUs these use: one that several share is one, where it is known which they are."""
    shared: dict[_Place, set[int]] = {}
    whole: dict[_Place, float] = {}
    counts: Counter[float | None] = Counter()
    for (place, indices, count), rows in parts.items():
        if place is None:
            counts[count] += rows
        elif indices is not None:
            shared.setdefault(place, set()).update(indices)
        elif count is not None:
            whole[place] = max(count, whole.get(place, 0))
    counts.update(whole.values())
    counts.update(len(indices) for place, indices in shared.items() if place not in whole)
    return number_total(counts)


def _memory_of(row: Instance, context: Context) -> tuple[int | None, bool] | None:
    """Return the GPU memory that it uses, None where it runs on GPUs and that is not seen, and if a part is not."""
    if row.phase is not Phase.RUNNING or (count := context.gpu_count(row)) == 0:
        return None
    use = gpu_use(row, context.gpus(row), context.processes(row), count)
    return use.memory_used, use.lacks_memory


def _write_memory(parts: Mapping[tuple[int | None, bool], int]) -> Cell:
    sizes: Counter[int | None] = Counter()
    for (used, lacks), count in parts.items():
        sizes[used] += count
        if lacks:
            sizes[None] += count
    return size_total(sizes)


_Loads: TypeAlias = tuple[tuple[tuple[Ref, float], ...], bool]
"""The GPUs whose load is known, each with that, and whether that of others is not."""


def _loads_of(row: Instance, context: Context) -> _Loads | None:
    if row.phase is not Phase.RUNNING or (count := context.gpu_count(row)) == 0:
        return None
    gpus = context.gpus(row)
    seen = tuple(
        (gpu.ref, gpu.sample.utilization)
        for gpu in gpus
        if gpu.sample is not None and gpu.sample.utilization is not None
    )
    return seen, not seen or len(seen) < max(len(gpus), 0 if row.gpu_all else count or 0)


def _write_loads(parts: Mapping[_Loads, int]) -> Cell:
    """Write the mean load of the GPUs in use, as far as it is known: ``mean  41 %``, ``?`` behind it for a part."""
    loads = {ref: load for seen, _ in parts for ref, load in seen}
    if not loads:
        return ""
    mean = sum(loads.values()) / len(loads)
    lacks = any(lacking for _, lacking in parts)
    return (("mean", "muted"), (f" {mean:3.0f} %", ""), (UNKNOWN if lacks else " ", "warning"))


def deployment_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of deployments."""

    def running(counts: Mapping[int | None, int]) -> Cell:
        return ((" " * _BEHIND_BAR, ""), *spans_of(number_total(counts)), (" running", ""))

    totals = {
        "state": phase_total(),
        "counts": Total(attrgetter("running"), running),
        "price": price_total(context),
    }
    return [
        forms.account(context, totals),
        forms.text(context, "type", lambda row: row.type, totals, unknown="type not reported"),
    ]


GROUPINGS = {Resource.INSTANCES: instance_groupings, Resource.DEPLOYMENTS: deployment_groupings}
