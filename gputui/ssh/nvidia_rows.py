"""From nvidia-smi's lines to the rows that are shown: GPUs, the parts of divided ones, processes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gputui.models import GpuDevice, GpuProcess, GpuReading, GpuSample, Instance, Ref, gpu_label
from gputui.ssh.nvidia import Answer, Part, Question
from gputui.ssh.nvidia_failures import failure, lost
from gputui.ssh.nvidia_mig import MigDevice, MigGpu, mig_gpus

_MIB = 2**20
_KIB = 2**10
_FIGURE = re.compile(r"\s*(-?\d{1,12}(?:\.\d{1,6})?)\s*(?:MiB|W|%|C)?\s*")
_PS_LINE = re.compile(r"\s*(\d{1,10})\s+(\d{1,12})\s+(\d{1,12})\s+(.*)")
_PID_BEGINS = re.compile(r"^@pid (\d{1,10})$", re.MULTILINE)
_STARTED = re.compile(r"\) \S(?: -?\d+){18} (\d{1,18})\b")
_RESIDENT = re.compile(r"^VmRSS:\s*(\d{1,12}) kB", re.MULTILINE)
_ARGS = re.compile(r"^@args (.*)$", re.MULTILINE)
_TICKS = 100.0
"""A second in the times of ``/proc``, on every machine that has NVIDIA's driver."""
_NO_SMALL_MEMORY = 2**30
"""What a GPU may hold while nothing runs on it: the driver's own part."""
_FAULTY = frozenset({"err!", "[unknown error]", "unknown error"})
_WORDS = {
    "memory.total": "memory",
    "memory.used": "memory in use",
    "utilization.gpu": "utilisation",
    "power.draw": "power draw",
    "temperature.gpu": "temperature",
    "fan.speed": "fan speed",
    "mig.mode.current": "MIG mode",
}


@dataclass(frozen=True, slots=True)
class _Details:
    """What ps or ``/proc`` tells of a process: age in seconds, resident bytes, the whole command."""

    uptime: float | None
    memory: int | None
    command: str


def is_divided(question: Question, answer: Answer) -> bool:
    """Return whether a GPU has MIG enabled."""
    return any(row.get("mig.mode.current", "").lower() == "enabled" for row in _gpu_rows(question, answer))


def pids_of(question: Question, answer: Answer) -> tuple[int, ...]:
    """Return the ids of the processes on the GPUs, in order."""
    return tuple(sorted({int(row["pid"]) for row in _app_rows(question, answer)}))


def reading(question: Question, answer: Answer, instance: Instance, at: datetime) -> GpuReading:
    """Return GPUs and processes of an instance; raises SshError when there is not one GPU to tell of."""
    gpus = {int(row["index"]): row for row in reversed(list(_gpu_rows(question, answer)))}
    part = answer.get("gpus") or Part("", 0)
    if not gpus:
        raise failure(part, instance.name)
    divided = mig_gpus(_text(answer, "parts"), _text(answer, "mig")) if question.mig else {}
    processes = _Processes(question, answer, instance, gpus, divided)
    devices = [
        device
        for index in sorted(gpus)
        for device in _devices(gpus[index], instance, at, processes, divided.get(gpus[index].get("uuid", "")))
    ]
    free = (index for index in range(len(gpus) + len(lost(part))) if index not in gpus)
    gone = [_lost(instance, index, said) for index, said in zip(free, lost(part), strict=False)]
    return GpuReading((*devices, *gone), tuple(processes.rows))


def _text(answer: Answer, name: str) -> str:
    part = answer.get(name)
    return part.text if part is not None else ""


def _gpu_rows(question: Question, answer: Answer) -> Iterator[Mapping[str, str]]:
    for row in _rows(_text(answer, "gpus"), question.fields, "name"):
        if re.fullmatch(r"\d{1,4}", row.get("index", "")):
            yield row


def _app_rows(question: Question, answer: Answer) -> Iterator[Mapping[str, str]]:
    for row in _rows(_text(answer, "apps"), question.app_fields, "process_name", "name"):
        if re.fullmatch(r"[1-9]\d{0,9}", row.get("pid", "")):
            yield row


def _rows(text: str, fields: Sequence[str], *wide: str) -> Iterator[Mapping[str, str]]:
    """Yield the lines that have all fields; commas in a ``wide`` one, a path say, are its own."""
    place = next((place for place, field in enumerate(fields) if field in wide), len(fields) - 1)
    for line in text.splitlines():
        cells = line.split(",")
        extra = len(cells) - len(fields)
        if extra >= 0 and fields:
            cells[place : place + extra + 1] = [",".join(cells[place : place + extra + 1])]
            yield dict(zip(fields, (cell.strip() for cell in cells), strict=True))


def _figure(row: Mapping[str, str], field: str) -> float | None:
    """Return a figure; None for ``[N/A]``, ``[Not Supported]`` and all else that is none."""
    found = _FIGURE.fullmatch(row.get(field, ""))
    return float(found[1]) if found else None


def _bytes(row: Mapping[str, str], field: str) -> int | None:
    figure = _figure(row, field)
    return None if figure is None or figure < 0 else int(figure * _MIB)


def _problem(row: Mapping[str, str]) -> str | None:
    """Return what nvidia-smi says is wrong with a GPU, where its figures should stand."""
    said = " ".join(row.values()).lower()
    if "requires reset" in said:
        return "needs a reset: stop what uses it, then nvidia-smi --gpu-reset on its host"
    if "is lost" in said:
        return "is lost: its host has to be restarted"
    faulty = [_WORDS[field] for field, text in row.items() if field in _WORDS and text.lower() in _FAULTY]
    return f"the driver fails to tell: {', '.join(faulty)}" if faulty else None


def _devices(
    row: Mapping[str, str], instance: Instance, at: datetime, processes: _Processes, mig: MigGpu | None
) -> Iterator[GpuDevice]:
    index, uuid = int(row["index"]), row.get("uuid", "")
    sample = GpuSample(
        at,
        utilization=_figure(row, "utilization.gpu"),
        memory_used=_bytes(row, "memory.used"),
        power=_figure(row, "power.draw"),
        temperature=_figure(row, "temperature.gpu"),
        fan=_figure(row, "fan.speed"),
    )
    count = processes.count_on(index)
    if not count and ((sample.utilization or 0) > 0 or (sample.memory_used or 0) > _NO_SMALL_MEMORY):
        count = None  # what works here cannot be seen from in there
    name, memory = row.get("name", ""), _bytes(row, "memory.total")
    model = gpu_label(name, memory) if name else None
    yield GpuDevice(
        Ref(instance.ref.account, "gpu", f"{instance.ref.id}:{index}"),
        instance.name,
        index,
        model=model,
        memory_total=memory,
        memory_used=sample.memory_used,
        process_count=count,
        instances=(instance.name,) if count else (),
        sample=sample,
        uuid=uuid,
        through=instance.ref,
        problem=_problem(row),
    )
    for device in mig.devices if mig is not None else ():
        place = _place(index, (device.gpu_instance, device.compute_instance))
        held = processes.counts.get(place, 0) if processes.told else None
        yield GpuDevice(
            Ref(instance.ref.account, "gpu", f"{instance.ref.id}:{place}"),
            instance.name,
            index,
            model=model,
            memory_total=device.memory_total,
            memory_used=device.memory_used,
            process_count=held,
            instances=(instance.name,) if held else (),
            sample=GpuSample(at, memory_used=device.memory_used),
            uuid=device.uuid,
            mig=" ".join(filter(None, (device.profile, f"#{device.gpu_instance}"))),
            through=instance.ref,
        )


def _lost(instance: Instance, index: int, said: str) -> GpuDevice:
    ref = Ref(instance.ref.account, "gpu", f"{instance.ref.id}:{index}")
    problem = f"is lost: its host has to be restarted ({said})"
    return GpuDevice(ref, instance.name, index, through=instance.ref, problem=problem)


def _place(index: int, where: tuple[int, int] | None) -> str:
    """Return what tells a GPU, or a part of one, in a Ref: ``0``, ``0.7``, ``0.1.2``."""
    if where is None:
        return str(index)
    instance, compute = where
    return f"{index}.{instance}" + (f".{compute}" if compute else "")


class _Processes:
    """The processes of one answer. ``told`` is whether the driver told of processes, be they none."""

    def __init__(
        self,
        question: Question,
        answer: Answer,
        instance: Instance,
        gpus: Mapping[int, Mapping[str, str]],
        divided: Mapping[str, MigGpu],
    ) -> None:
        apps = answer.get("apps")
        lines = [line for line in _text(answer, "apps").splitlines() if line.strip()]
        self.rows: list[GpuProcess] = []
        self.counts: Counter[str] = Counter()
        self._on: Counter[int] = Counter()
        self._indices = {row.get("uuid", ""): index for index, row in gpus.items()}
        self._only = next(iter(gpus)) if len(gpus) == 1 else None
        self._divided = divided
        self._parts = {
            device.uuid: (uuid, device) for uuid, gpu in divided.items() for device in gpu.devices if device.uuid
        }
        details = _from_ps(_text(answer, "ps")) or _from_proc(_text(answer, "proc"))
        seen: set[str] = set()
        for row in _app_rows(question, answer):
            index, where = self._where(row)
            place = "" if index is None else _place(index, where)
            pid = int(row["pid"])
            if index is None or f"{place}:{pid}" in seen:
                continue
            seen.add(f"{place}:{pid}")
            self.counts[place] += 1
            self._on[index] += 1
            told = details.get(pid)
            said = row.get("process_name", row.get("name", ""))
            self.rows.append(
                GpuProcess(
                    Ref(instance.ref.account, "process", f"{instance.ref.id}:{place}:{pid}"),
                    instance.name,
                    index,
                    pid,
                    (told.command if told else "") or said,
                    instance_name=instance.name,
                    instance=instance.ref,
                    uptime=told.uptime if told else None,
                    memory_used=told.memory if told else None,
                    gpu_memory_used=_bytes(row, question.app_fields[-1]),
                    inside=True,
                )
            )
        self.told = apps is not None and apps.status == 0 and (bool(self.rows) or not lines)

    def count_on(self, index: int) -> int | None:
        """Return how many processes a GPU has, those on its parts among them; None where it is not told."""
        return self._on[index] if self.told else None

    def _where(self, row: Mapping[str, str]) -> tuple[int | None, tuple[int, int] | None]:
        """Return a process's GPU, and the part of it."""
        uuid = row.get("gpu_uuid", "")
        part: MigDevice | None = None
        if uuid in self._parts:
            uuid, part = self._parts[uuid]
        index = self._indices.get(uuid, self._only)
        if part is not None:
            return index, (part.gpu_instance, part.compute_instance)
        gpu = self._divided.get(uuid)
        return index, gpu.where.get(int(row["pid"])) if gpu is not None else None


# --- what ps and /proc tell of processes --------------------------------------------------------------------------


def _from_ps(text: str) -> dict[int, _Details]:
    found = (_PS_LINE.fullmatch(line) for line in text.splitlines())
    return {int(one[1]): _Details(float(one[2]), int(one[3]) * _KIB, one[4].strip()) for one in found if one}


def _from_proc(text: str) -> dict[int, _Details]:
    head, *blocks = _PID_BEGINS.split(text)
    up = _FIGURE.match(head)
    details = {}
    for pid, block in zip(blocks[::2], blocks[1::2], strict=True):
        started, resident, args = _STARTED.search(block), _RESIDENT.search(block), _ARGS.search(block)
        if started is None and resident is None:
            continue
        age = max(0.0, float(up[1]) - int(started[1]) / _TICKS) if up and started else None
        details[int(pid)] = _Details(
            age, int(resident[1]) * _KIB if resident else None, args[1].strip() if args else ""
        )
    return details
