"""The groupings of GPUs and of the processes on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gputui.analytics.gpu_idle import is_idle
from gputui.formatting import format_bytes
from gputui.models import GpuDevice, GpuProcess, Resource
from gputui.presentation.columns.column import Cell, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.gpus import BAR_CELLS, MEMORY_CELLS
from gputui.presentation.groups import forms
from gputui.presentation.groups.grouping import Grouping
from gputui.presentation.groups.totals import known_sum, size_total
from gputui.presentation.prices import UNKNOWN


def gpu_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of GPUs."""

    def totals_and_host(rows: Sequence[GpuDevice]) -> Mapping[str, Cell]:
        return {**gpu_totals(rows), "instances": ("  ".join(reversed(context.host_facts(rows[0]))), "muted")}

    return [
        Grouping(
            "host",
            lambda row: (row.ref.account, row.host),
            lambda group, rows: forms.line(context, group[1] or group[0], rows, totals_and_host, in_account=True),
            lambda group: (natural_key(group[1]), group[0]),
        ),
        forms.account(context, gpu_totals),
        forms.text(context, "model", lambda row: row.model, gpu_totals, unknown="model not reported", says_all=False),
    ]


def process_groupings(context: Context) -> Sequence[Grouping[Any]]:
    """Return the groupings of processes."""

    def owner(row: GpuProcess) -> str | None:
        return row.instance_name or ("host process" if row.processes is not None else None)

    return [
        forms.place(context, "instance", owner, _process_totals, unknown="instance not known"),
        forms.place(context, "host", lambda row: row.host, _process_totals, unknown="host not reported"),
        forms.text(context, "user", lambda row: row.user, _process_totals, unknown="user not reported"),
        forms.account(context, _process_totals),
    ]


def _process_totals(rows: Sequence[GpuProcess]) -> Mapping[str, Cell]:
    return {
        "gpumem": size_total(row.gpu_memory_used for row in rows) or (UNKNOWN, "muted"),
        "memory": size_total(row.memory_used for row in rows),
    }


def gpu_totals(rows: Sequence[GpuDevice]) -> Mapping[str, Cell]:
    """Return the mean load of GPUs, their memory and power; what is not known of some of them is said.

    The parts of a divided GPU are counted with it.
    """
    whole = {(row.ref.account, row.host, row.index) for row in rows if not row.mig}
    gpus = [row for row in rows if not row.mig or (row.ref.account, row.host, row.index) not in whole]
    return {
        "util": _mean(None if row.sample is None else row.sample.utilization for row in gpus),
        "memory": _memory(gpus),
        "processes": _idle(gpus),
        "power": _power(None if row.sample is None else row.sample.power for row in gpus),
    }


def _mean(loads: Iterable[float | None]) -> Cell:
    """Write the mean of the known loads, and how many are known where that is not all: ``6 known   41 %``."""
    total, known, unknown = known_sum(loads)
    if not known:
        return ""
    word = (f"{known} known", "warning") if unknown else ("mean", "muted")
    return ((word[0].ljust(BAR_CELLS), word[1]), (f" {total / known:3.0f} %", ""))


def _memory(gpus: Sequence[GpuDevice]) -> Cell:
    """Write the memory used and that of all: ``181.0G/640.0G``; memory that GPUs share with the machine once."""
    shared = [row for row in gpus if row.memory_shared]
    counted = [row for row in gpus if not row.memory_shared]
    counted += {(row.ref.account, row.host): row for row in shared}.values()
    used, known, unknown = known_sum(row.memory_used for row in counted)
    if not known:
        return ""
    size, sizes, unsized = known_sum(row.memory_total for row in counted)
    parts = [
        (format_bytes(int(used)), ""),
        (f"+{UNKNOWN}" if unknown else "", "warning"),
        (f"/{format_bytes(int(size))}" if sizes else "", ""),
        (f"+{UNKNOWN}" if sizes and unsized else "", "warning"),
    ]
    wide = sum(len(text) for text, _ in parts)
    return [(" " * max(0, MEMORY_CELLS - wide), ""), *parts]  # under the sizes behind the bars


def _idle(gpus: Sequence[GpuDevice]) -> Cell:
    """Count the GPUs without a process and without load, and say where that is not known of some: ``3 idle + ?``."""
    if all(row.process_count is None for row in gpus):
        return ""
    known = Counter(map(_is_free, gpus))
    return ((f"{known[True]} idle", ""), (f" + {UNKNOWN}" if known[None] else "", "warning"))


def _is_free(gpu: GpuDevice) -> bool | None:
    """Whether a GPU has neither a process nor load; None where that is unknown."""
    idle = None if gpu.sample is None else is_idle(gpu.sample)
    if gpu.process_count or idle is False:
        return False
    return None if gpu.process_count is None or idle is None else True


def _power(watts: Iterable[float | None]) -> Cell:
    total, known, unknown = known_sum(watts)
    return ((f"{total:,.0f} W", ""), (f" + {UNKNOWN}" if unknown else "", "warning")) if known else ""


GROUPINGS = {Resource.GPUS: gpu_groupings, Resource.PROCESSES: process_groupings}
