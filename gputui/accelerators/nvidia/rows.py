"""From nvidia-smi's lines to the rows that are shown: GPUs, the parts of divided ones, processes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from gputui.accelerators.nvidia.cells import KIB, Cells, app_rows, bytes_of, count_of, figure_of, gpu_rows, part_text
from gputui.accelerators.nvidia.failures import failure, lost
from gputui.accelerators.nvidia.mig import MigDevice, MigGpu, mig_gpus
from gputui.accelerators.nvidia.processes import Processes, place_of
from gputui.accelerators.nvidia.query import Answer, Question, other_makers
from gputui.accelerators.output import Part
from gputui.formatting import format_bytes
from gputui.models import GpuDevice, GpuReading, GpuSample, Instance, Ref, gpu_label
from gputui.models.gpus import GPU_LOST, GPU_NEEDS_RESET

_NO_SMALL_MEMORY = 2**30
"""Bytes in use on an idle GPU, by the driver."""
_FAULTY = frozenset({"err!", "[unknown error]", "unknown error"})
_NOT_THERE = frozenset({"[n/a]", "n/a", "[not supported]", "not supported"})
_WORDS = {
    "memory.total": "memory",
    "memory.used": "memory in use",
    "utilization.gpu": "utilisation",
    "power.draw": "power draw",
    "temperature.gpu": "temperature",
    "fan.speed": "fan speed",
    "mig.mode.current": "MIG mode",
}
_MEMINFO = re.compile(r"^(MemTotal|MemAvailable):\s{1,40}(\d{1,12}) kB", re.MULTILINE)


def is_divided(question: Question, answer: Answer) -> bool:
    """Return whether a GPU has MIG enabled."""
    return any(row.get("mig.mode.current", "").lower() == "enabled" for row in gpu_rows(question, answer))


def shares_memory(question: Question, answer: Answer) -> bool:
    """Return whether a GPU shares the memory of the machine."""
    return any(_is_shared(row) for row in gpu_rows(question, answer))


def pids_of(question: Question, answer: Answer) -> tuple[int, ...]:
    """Return the ids of the processes on the GPUs, in order."""
    return tuple(sorted({int(row["pid"]) for row in app_rows(question, answer) if row is not None}))


def reading(question: Question, answer: Answer, instance: Instance, at: datetime) -> GpuReading:
    """Return GPUs and processes of an instance; raises SshError when there is no GPU."""
    gpus = {int(row["index"]): row for row in reversed(gpu_rows(question, answer))}
    part = answer.get("gpus") or Part("", 0)
    if not gpus:
        raise failure(part, instance.name, other_makers(answer))
    divided = mig_gpus(part_text(answer, "parts"), part_text(answer, "mig")) if question.mig else {}
    found = Processes(question, answer, instance, gpus, divided)
    memory = _machine_memory(part_text(answer, "memory"))
    devices = [
        device
        for index in sorted(gpus)
        for device in _devices(gpus[index], instance, at, found, divided.get(gpus[index].get("uuid", "")), memory)
    ]
    # A lost GPU is listed, or reported in a separate line, or both.
    said = lost(part)[sum("is lost" in " ".join(row.values()).lower() for row in gpus.values()) :]
    free = (index for index in range(len(gpus) + len(said)) if index not in gpus)
    gone = [_lost(instance, index, line, found) for index, line in zip(free, said, strict=False)]
    return GpuReading((*devices, *gone), tuple(found.rows))


def _is_shared(row: Cells) -> bool:
    without = all(row.get(field, "").lower() in _NOT_THERE for field in ("memory.total", "memory.used"))
    return without and figure_of(row, "utilization.gpu") is not None


def _machine_memory(text: str) -> tuple[int | None, int | None]:
    """Return the bytes of memory of the whole machine, and those in use."""
    sizes = {name: int(size) * KIB for name, size in _MEMINFO.findall(text)}
    total, available = sizes.get("MemTotal"), sizes.get("MemAvailable")
    return total, None if total is None or available is None else max(0, total - available)


def _problem(row: Cells) -> str | None:
    """Return the fault of a GPU that nvidia-smi reports in the place of figures."""
    said = " ".join(row.values()).lower()
    if "requires reset" in said:
        return f"{GPU_NEEDS_RESET}: stop what uses it, then nvidia-smi --gpu-reset on its host"
    if "is lost" in said:
        return f"{GPU_LOST}: its host has to be restarted"
    faulty = [_WORDS[field] for field, text in row.items() if field in _WORDS and text.lower() in _FAULTY]
    return f"the driver does not report: {', '.join(faulty)}" if faulty else None


def _devices(
    row: Cells,
    instance: Instance,
    at: datetime,
    found: Processes,
    mig: MigGpu | None,
    machine: tuple[int | None, int | None],
) -> Iterator[GpuDevice]:
    index, uuid, name = int(row["index"]), row.get("uuid", ""), row.get("name", "")
    shared = _is_shared(row)
    total, used = machine if shared else (bytes_of(row, "memory.total"), bytes_of(row, "memory.used"))
    sample = GpuSample(
        at,
        utilization=figure_of(row, "utilization.gpu"),
        memory_used=used,
        power=figure_of(row, "power.draw"),
        temperature=figure_of(row, "temperature.gpu"),
        fan=figure_of(row, "fan.speed"),
    )
    problem = _problem(row)
    count = len(found.on_gpu[index])
    parts = mig.devices if mig is not None else ()
    unseen = "" if count and not found.silence else _unseen(row, found, problem)
    if not unseen and not count and not parts:
        unseen = _busy(sample.utilization, 0 if shared else used)
    if unseen and not parts:
        found.add_unknown(index, str(index), unseen)
    device = GpuDevice(
        Ref(instance.ref.account, "gpu", f"{instance.ref.id}:{index}"),
        instance.name,
        index,
        model=gpu_label(name, bytes_of(row, "memory.total")) if name else None,
        memory_total=total,
        memory_used=used,
        memory_shared=shared,
        process_count=None if unseen else count,
        instances=(instance.name,) if count else (),
        sample=sample,
        uuid=uuid,
        through=instance.ref,
        problem=problem,
        ecc_errors=count_of(row, "ecc.errors.uncorrected.volatile.total"),
    )
    slices = [_slice(part, device, at, found) for part in parts]
    if any(part.process_count is None for part in slices):
        device = replace(device, process_count=None)
    yield device
    yield from slices


def _unseen(row: Cells, found: Processes, problem: str | None) -> str:
    """Return why the processes of a GPU cannot be listed; '' where they can."""
    if found.silence:
        return found.silence
    if problem is not None and any(figure_of(row, field) is None for field in ("memory.total", "memory.used")):
        return f"the GPU {problem}"
    return ""


def _busy(utilization: float | None, used: int | None) -> str:
    """Return the signs of work without a listed process; '' where there are none."""
    if utilization is None and used is None:
        return "the driver gives no figures of the GPU"
    busy = [f"it is {utilization:.0f} % busy"] if utilization else []
    busy += [f"{format_bytes(used)} of its memory are in use"] if (used or 0) > _NO_SMALL_MEMORY else []
    return f"nvidia-smi lists none in there, though {' and '.join(busy)}" if busy else ""


def _slice(part: MigDevice, whole: GpuDevice, at: datetime, found: Processes) -> GpuDevice:
    """Return the row of a MIG device, which has no utilisation value."""
    place = place_of(whole.index, part.where)
    count = len(found.at_place[place])
    unseen = "" if count and not found.silence else found.silence or _busy(None, part.memory_used)
    if unseen:
        found.add_unknown(whole.index, place, unseen)
    return GpuDevice(
        Ref(whole.ref.account, "gpu", f"{whole.ref.id.rpartition(':')[0]}:{place}"),
        whole.host,
        whole.index,
        model=whole.model,
        memory_total=part.memory_total,
        memory_used=part.memory_used,
        process_count=None if unseen else count,
        instances=(whole.host,) if count else (),
        sample=GpuSample(at, memory_used=part.memory_used),
        uuid=part.uuid,
        mig=part.label,
        through=whole.through,
    )


def _lost(instance: Instance, index: int, said: str, found: Processes) -> GpuDevice:
    ref = Ref(instance.ref.account, "gpu", f"{instance.ref.id}:{index}")
    problem = f"{GPU_LOST}: its host has to be restarted ({said})"
    found.add_unknown(index, str(index), "the GPU is lost")
    return GpuDevice(ref, instance.name, index, through=instance.ref, problem=problem)
