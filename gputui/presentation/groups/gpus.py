"""The groupings of GPUs and of the processes on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from gputui.analytics.gpu_idle import is_idle
from gputui.formatting import format_bytes
from gputui.models import GpuDevice, GpuProcess, Resource
from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.gpus import BAR_CELLS, MEMORY_CELLS
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping, Total
from gputui.presentation.groups.totals import known_sum, size_total
from gputui.presentation.prices import UNKNOWN


def gpu_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of GPUs."""

    def facts(rows: Mapping[GpuDevice, int]) -> Cell:
        return ("  ".join(reversed(context.host_facts(next(iter(rows))))), "muted")

    return [
        Grouping(
            "host",
            lambda row: (row.ref.account, row.host),
            lambda group, rows: forms.line(context, group[1] or group[0], rows, in_account=bool(group[1])),
            forms.with_account(context, {**_GPU_TOTALS, "instances": Total(lambda row: row, facts)}),
            lambda group: (natural_key(group[1]), group[0]),
        ),
        forms.account(context, _GPU_TOTALS),
        forms.text(
            context, "model", lambda row: row.model, _GPU_TOTALS, unknown="model not reported", says_all=False
        ),
    ]


def process_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of processes."""

    def owner(row: GpuProcess) -> str | None:
        return row.instance_name or ("host process" if row.processes is not None else None)

    return [
        forms.place(context, "instance", owner, _PROCESS_TOTALS, unknown="instance not known"),
        forms.place(context, "host", lambda row: row.host, _PROCESS_TOTALS, unknown="host not reported"),
        forms.text(context, "user", lambda row: row.user, _PROCESS_TOTALS, unknown="user not reported"),
        forms.account(context, _PROCESS_TOTALS),
    ]


_PROCESS_TOTALS: forms.Totals = {
    "gpumem": Total(attrgetter("gpu_memory_used"), lambda sizes: size_total(sizes) or (UNKNOWN, "muted")),
    "memory": Total(attrgetter("memory_used"), size_total),
}


# -- GPUs: the parts of a divided one are counted with it ----------------------------------------------------------


def _gpu_total(figure: Callable[[GpuDevice], Any], write: Callable[[Mapping[Any, int]], Cell]) -> Total[GpuDevice]:
    """Return the total of a figure of GPUs; the parts of one that is there itself are in it."""

    def combine(parts: Mapping[tuple[tuple[str, str, int], bool, Any], int]) -> Cell:
        whole = {place for place, is_part, _ in parts if not is_part}
        figures: Counter[Any] = Counter()
        for (place, is_part, value), count in parts.items():
            if not is_part or place not in whole:
                figures[value] += count
        return write(figures)

    return Total(lambda row: ((row.ref.account, row.host, row.index), bool(row.mig), figure(row)), combine)


def _load(row: GpuDevice) -> float | None:
    return None if row.sample is None else row.sample.utilization


def _write_load(loads: Mapping[float | None, int]) -> Cell:
    """Write the mean of the known loads, and how many are known where that is not all: ``6 known   41 %``."""
    total, known, unknown = known_sum(loads)
    if not known:
        return ""
    word = (f"{known} known", "warning") if unknown else ("mean", "muted")
    return ((word[0].ljust(BAR_CELLS), word[1]), (f" {total / known:3.0f} %", ""))


def _memory(row: GpuDevice) -> tuple[tuple[str, str] | None, int | None, int | None]:
    """Return the host that the memory is shared with, if any, the memory in use, and all of it."""
    return (row.ref.account, row.host) if row.memory_shared else None, row.memory_used, row.memory_total


def _write_memory(parts: Mapping[tuple[tuple[str, str] | None, int | None, int | None], int]) -> Cell:
    """Write the memory used and that of all: ``181.0G/640.0G``; memory that GPUs share with the machine once."""
    used_sizes: Counter[int | None] = Counter()
    all_sizes: Counter[int | None] = Counter()
    shared: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    for (host, used, size), count in parts.items():
        if host is not None:
            shared[host] = used, size
        else:
            used_sizes[used] += count
            all_sizes[size] += count
    for used, size in shared.values():
        used_sizes[used] += 1
        all_sizes[size] += 1
    used_sum, known, unknown = known_sum(used_sizes)
    if not known:
        return ""
    size_sum, sizes, unsized = known_sum(all_sizes)
    texts = [
        (format_bytes(int(used_sum)), ""),
        (f"+{UNKNOWN}" if unknown else "", "warning"),
        (f"/{format_bytes(int(size_sum))}" if sizes else "", ""),
        (f"+{UNKNOWN}" if sizes and unsized else "", "warning"),
    ]
    wide = sum(len(text) for text, _ in texts)
    return [(" " * max(0, MEMORY_CELLS - wide), ""), *texts]  # under the sizes behind the bars


def _use(row: GpuDevice) -> tuple[bool, bool | None]:
    """Return whether its processes are known, and whether it has neither one nor load; None where that is unknown."""
    idle = None if row.sample is None else is_idle(row.sample)
    if row.process_count or idle is False:
        return row.process_count is not None, False
    return row.process_count is not None, None if row.process_count is None or idle is None else True


def _write_idle(uses: Mapping[tuple[bool, bool | None], int]) -> Cell:
    """Count the GPUs without a process and without load, and say where that is not known of some: ``3 idle + ?``."""
    if not any(known for known, _ in uses):
        return ""
    free: Counter[bool | None] = Counter()
    for (_, is_free), count in uses.items():
        free[is_free] += count
    return ((f"{free[True]} idle", ""), (f" + {UNKNOWN}" if free[None] else "", "warning"))


def _power(row: GpuDevice) -> float | None:
    return None if row.sample is None else row.sample.power


def _write_power(watts: Mapping[float | None, int]) -> Cell:
    total, known, unknown = known_sum(watts)
    return ((f"{total:,.0f} W", ""), (f" + {UNKNOWN}" if unknown else "", "warning")) if known else ""


_GPU_TOTALS: forms.Totals = {
    "util": _gpu_total(_load, _write_load),
    "memory": _gpu_total(_memory, _write_memory),
    "processes": _gpu_total(_use, _write_idle),
    "power": _gpu_total(_power, _write_power),
}
"""The mean load of GPUs, their memory, how many are idle, and power; what is not known of some of them is said."""


GROUPINGS = {Resource.GPUS: gpu_groupings, Resource.PROCESSES: process_groupings}
