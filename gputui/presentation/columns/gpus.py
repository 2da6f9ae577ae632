"""The fields of GPUs, of the processes on them, and of hosts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

from gputui.analytics.gpu_idle import IdlePeriod
from gputui.formatting import format_bytes, format_duration
from gputui.models import GpuDevice, GpuProcess, HostInfo, Resource
from gputui.presentation.columns import fields
from gputui.presentation.columns.column import Cell, Column, natural_key
from gputui.presentation.columns.context import Context, Lists
from gputui.presentation.gpu_faults import gpu_fault
from gputui.presentation.heat import load_bar, temperature_style
from gputui.presentation.prices import AT_LEAST, UNKNOWN

BAR_CELLS = 8
MEMORY_CELLS = BAR_CELLS + 12
"""The cells of a bar and the sizes next to it."""


def gpu_columns(context: Context) -> Sequence[Column[GpuDevice]]:
    """Return the fields of GPUs: models and the newest readings."""
    return [
        Column(
            "gpu",
            lambda row: str(row.index),
            lambda row: (row.ref.account, row.host, row.index, row.mig),
            right=True,
            anchor=True,
        ),
        fields.account(
            context,
            1,
            vital=lambda: not (context.one_account or context.several_hosts()),
            flex=True,
            max_width=20,
            middle=True,
            anchor=True,
        ),
        fields.name_like(
            "host",
            lambda row: row.host,
            priority=5,
            vital=context.several_hosts,
            flex=True,
            least=12,
            max_width=24,
            middle=True,
        ),
        Column(
            "model",
            _model,
            _model,
            priority=4,
            detail=lambda row: _model(row) or "not reported by this back end",
        ),
        fields.detail("uuid", lambda row: row.uuid),
        fields.detail("seen from", lambda row: fields.text_of(row.through)),
        fields.problem(),
        fields.figure(
            "util",
            _sampled("utilization"),
            cell=_utilization(context),
            plain=_figure_text("utilization", " %"),
            width=BAR_CELLS + 6,
            when_filled=True,
            applies=_is_whole,
            label="utilisation",
        ),
        fields.figure(
            "memory",
            lambda row: row.memory_used,
            heading="GPU MEMORY",
            cell=_memory(context),
            width=MEMORY_CELLS,
            least=MEMORY_CELLS,
            # The reason why there is no reading may be a sentence: the title has it, and the details.
            max_width=MEMORY_CELLS,
            plain=_memory_text,
            detail=lambda row: f"{_memory_text(row)}{' with the processor' if row.memory_shared else ''}",
        ),
        fields.detail("idle", _idle_text(context)),
        _figure("power", " W", priority=1, applies=_is_whole),
        _figure("temperature", " °C", priority=1, heading="TEMP", style=temperature_style, applies=_is_whole),
        _figure("fan", " %", priority=2, applies=None),  # many have none
        fields.figure("ecc", lambda row: row.ecc_errors, heading="ECC", cell=_ecc, shown=False, label="ecc errors"),
        fields.time_detail("read", context, lambda row: row.sample and row.sample.at),
        fields.time_detail("last reading", context, lambda row: row.last and row.last.at),
        fields.figure(
            "processes",
            lambda row: row.process_count,
            cell=_processes,
            priority=3,
            when_filled=True,
        ),
        Column(
            "instances",
            lambda row: ", ".join(row.instances),
            None,
            flex=True,
            priority=1,
            number=lambda row: len(row.instances),
        ),
    ]


def _is_old(row: GpuDevice) -> bool:
    """Whether a GPU could not be read this time, so that its figures are of the time before."""
    return bool(row.problem) and row.sample is None and row.last is not None


def _processes(row: GpuDevice) -> Cell:
    if row.process_count is None:
        return (UNKNOWN, "muted")
    text = "idle" if row.process_count == 0 else str(row.process_count)
    return (f"{text} {UNKNOWN}", "muted") if _is_old(row) else text


def _sampled(name: str) -> Callable[[GpuDevice], float | None]:
    return lambda row: None if row.sample is None else cast("float | None", getattr(row.sample, name))


def _figure(
    name: str,
    unit: str,
    *,
    priority: int,
    heading: str = "",
    style: Callable[[float], str] | None = None,
    applies: Callable[[GpuDevice], bool] | None,
) -> Column[GpuDevice]:
    """Return the column of one figure of the newest reading."""
    value, text = _sampled(name), _figure_text(name, unit)

    def cell(row: GpuDevice) -> Cell:
        read = value(row)
        return text(row) if read is None or style is None else (text(row), style(read))

    options: Any = {"cell": cell, "plain": text, "priority": priority, "when_filled": True, "label": name}
    options["applies"] = applies
    return fields.figure(name, value, heading=heading, **options)


def _is_whole(row: GpuDevice) -> bool:
    """Return whether it has readings of its own: a part of a GPU (MIG) has none but of memory."""
    return not row.mig


def _ecc(row: GpuDevice) -> Cell:
    if row.ecc_errors is None:
        return ""
    return (f"{row.ecc_errors} uncorrected", "bad" if row.ecc_errors else "")


def _figure_text(name: str, unit: str) -> Callable[[GpuDevice], str]:
    value = _sampled(name)
    return lambda row: "" if (read := value(row)) is None else f"{read:.0f}{unit}"


def _model(row: GpuDevice) -> str:
    return f"{row.model or ''} {row.mig}".strip()


_IDLE = "◌"
_IDLE_FROM = timedelta(minutes=5)
"""Without load for less than this is a pause in the work."""


def _idle_with_memory(context: Context, row: GpuDevice) -> IdlePeriod | None:
    """Return how long a GPU has been idle while processes use its memory; None where that is not so for minutes."""
    period = context.idle_period(row) if row.process_count != 0 else None
    return period if period is not None and period.memory_in_use and period.seen >= _IDLE_FROM else None


def _minutes(period: IdlePeriod) -> str:
    """Write the length of a period without seconds: ``14m``, ``≥ 3h 12m`` where it may have begun earlier."""
    length = re.sub(r" \d+s$", "", format_duration(period.seen.total_seconds()))
    return f"{AT_LEAST}{length}" if period.at_least else length


def _utilization(context: Context) -> Callable[[GpuDevice], Cell]:
    def cell(row: GpuDevice) -> Cell:
        if row.sample is None or row.sample.utilization is None:
            return ""
        if (period := _idle_with_memory(context, row)) is not None:
            return (f"{_IDLE} idle {_minutes(period):>{BAR_CELLS - 1}}", "warning")
        load = row.sample.utilization
        return [load_bar(load / 100, BAR_CELLS), (f" {load:3.0f} %", "")]

    return cell


def _idle_text(context: Context) -> Callable[[GpuDevice], Cell]:
    def text(row: GpuDevice) -> Cell:
        if (period := _idle_with_memory(context, row)) is None:
            return ""
        return (f"{_IDLE} for {_minutes(period)}, {format_bytes(period.memory_in_use)} in use", "warning")

    return text


def _memory_text(row: GpuDevice) -> str:
    used, total = format_bytes(row.memory_used), format_bytes(row.memory_total)
    shared = " shared" if row.memory_shared else ""
    return (f"{used or '?'}/{total}" if row.memory_total is not None else used) + shared


def _memory(context: Context) -> Callable[[GpuDevice], Cell]:
    return lambda row: _memory_cell(row, "warning" if _idle_with_memory(context, row) is not None else "")


def _memory_cell(row: GpuDevice, style: str) -> Cell:
    if row.memory_used is None:
        return (row.problem, "bad") if row.problem else ("not reported", "muted")
    doubt = [("! ", "warning")] if gpu_fault(row) else []
    sizes = f"{format_bytes(row.memory_used)}/{format_bytes(row.memory_total)}"
    if not row.memory_total:
        return [*doubt, (format_bytes(row.memory_used), style)]
    if row.memory_shared:
        return [*doubt, (sizes, style), (" shared", "muted")]
    share = row.memory_used / row.memory_total
    style = "muted" if _is_old(row) else style
    return [*doubt, load_bar(share, BAR_CELLS - 2 * len(doubt)), (f" {sizes:>11}", style)]


def process_columns(context: Context) -> Sequence[Column[GpuProcess]]:
    """Return the fields of processes."""

    def share(row: GpuProcess) -> Cell:
        part = context.memory_share(row)
        return "" if part is None else [load_bar(part, BAR_CELLS), (f" {part:4.0%}", "")]

    return [
        Column(
            "gpu",
            lambda row: "?" if row.gpu_index is None else str(row.gpu_index),
            lambda row: (row.ref.account, row.host, row.gpu_index or 0, -(row.gpu_memory_used or 0)),
            right=True,
            anchor=True,
        ),
        fields.account(context, anchor=True),
        Column(
            "pid",
            lambda row: ("?", "muted") if row.pid is None else str(row.pid),
            lambda row: row.pid,
            right=True,
            anchor=True,
            detail=lambda row: f"{row.pid}{'  (in its container)' if row.inside else ''}" if row.pid else "",
        ),
        fields.problem(),
        Column(
            "instance",
            _owner,
            lambda row: natural_key(row.instance_name or ""),
            width=10,
            middle=True,
            max_width=28,
            detail=lambda row: row.instance_name or ("" if row.pid is None else "a process of the host itself"),
        ),
        fields.figure(
            "gpumem", lambda row: row.gpu_memory_used, _gpu_memory, heading="GPU MEM", width=7, label="gpu memory"
        ),
        Column("share", share, context.memory_share, width=BAR_CELLS + 5, right=True, priority=3, label=None),
        fields.figure(
            "memory",
            lambda row: row.memory_used,
            format_bytes,
            heading="MEM",
            priority=4,
            applies=_is_process,
            label="memory",
        ),
        fields.text("user", lambda row: row.user, priority=1, when_filled=True, max_width=16),
        fields.figure("uptime", lambda row: row.uptime, format_duration, priority=2, applies=_is_process),
        Column("host", lambda row: row.host, shown=False),
        Column(
            "command",
            _command,
            lambda row: row.command,
            plain=lambda row: "processes unknown" if row.processes is None else row.command,
            width=12,
            flex=True,
            max_width=200,
        ),
    ]


def _is_process(row: GpuProcess) -> bool:
    """Return whether it is a process, and not the place of those that are unknown."""
    return row.pid is not None


def _command(row: GpuProcess) -> Cell:
    if row.processes is None:
        return [("unknown: ", "warning"), (row.problem or "no reason given", "muted")]
    return [("! ", "warning"), (row.command, "")] if row.problem else row.command


def _owner(row: GpuProcess) -> Cell:
    if not row.instance_name and row.processes is None:
        return ("?", "muted")
    if not row.instance_name:
        return ("host process", "muted")
    return (row.instance_name, "strong" if row.instance is not None else "")


def _gpu_memory(used: int | None) -> Cell:
    return ("?", "muted") if used is None else format_bytes(used)


def host_columns(context: Context) -> Sequence[Column[HostInfo]]:
    """Return the fields of hosts."""
    return [
        Column("host", lambda row: row.name),
        fields.account(context),
        fields.figure("gpus", lambda row: row.gpu_count, applies=fields.always),
        fields.figure("cpus", lambda row: row.cpu_count, applies=fields.always),
        fields.figure(
            "free", lambda row: row.memory_available, format_bytes, heading="MEMORY FREE", applies=fields.always
        ),
        fields.figure("memory", lambda row: row.memory_total, format_bytes, applies=fields.always),
        fields.figure(
            "clock",
            lambda row: row.clock_ahead,
            lambda ahead: "" if ahead is None else f"{ahead:.0f} s",
            heading="CLOCK AHEAD",
        ),
    ]


LISTS: Lists = {
    Resource.GPUS: (
        gpu_columns,
        "host gpu model util memory power temperature fan processes account instances",
    ),
    Resource.PROCESSES: (process_columns, "pid instance user host gpu gpumem memory uptime account command"),
    Resource.HOSTS: (host_columns, "host account gpus cpus free memory clock"),
}
