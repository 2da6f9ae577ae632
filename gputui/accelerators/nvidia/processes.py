"""The processes of an answer: on each GPU, on each part of a divided one, and where they cannot be seen. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import islice

from gputui.accelerators.nvidia.cells import KIB, Cells, app_rows, bytes_of, figure, part_text
from gputui.accelerators.nvidia.mig import MigDevice, MigGpu, Where
from gputui.accelerators.nvidia.query import CALL_SECONDS, Answer, Question
from gputui.accelerators.output import TIMED_OUT, excerpt
from gputui.late_dataclasses import dataclass
from gputui.models import GpuProcess, Instance, Ref
from gputui.redaction import redact

_TICKS = 100.0
"""Clock ticks a second in ``/proc``, on every machine with NVIDIA's driver."""
_MOST_DETAILS = 1000
_PS_LINE = re.compile(r"\s*(\d{1,10})\s+(\d{1,12})\s+(\d{1,12})\s+(.*)")
_PID_BEGINS = re.compile(r"^@pid (\d{1,10})$", re.MULTILINE)
_STARTED = re.compile(r"\) \S(?: -?\d{1,20}){18} (\d{1,18})\b")
_RESIDENT = re.compile(r"^VmRSS:[ \t]{0,20}(\d{1,12}) kB", re.MULTILINE)
_ARGS = re.compile(r"^@args (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Details:
    """A process in ps or ``/proc``: age in seconds, resident bytes, the whole command."""

    uptime: float | None
    memory: int | None
    command: str


def place_of(index: int, where: Where | None) -> str:
    """Return the name of a GPU or a MIG device in a Ref: ``0``, ``0.7``, ``0.1.2``."""
    if where is None:
        return str(index)
    instance, compute = where
    return f"{index}.{instance}" + (f".{compute}" if compute else "")


class Processes:
    """The processes of one answer; their ids by GPU (``on_gpu``) and MIG device (``at_place``).

    ``silence`` is why the driver does not report all, '' where it does.
    """

    def __init__(
        self,
        question: Question,
        answer: Answer,
        instance: Instance,
        gpus: Mapping[int, Cells],
        divided: Mapping[str, MigGpu],
    ) -> None:
        self.rows: list[GpuProcess] = []
        self._instance = instance
        self.on_gpu: defaultdict[int, set[int]] = defaultdict(set)
        self.at_place: defaultdict[str, set[int]] = defaultdict(set)
        self._indices = {row.get("uuid", ""): index for index, row in gpus.items()}
        self._only = next(iter(gpus)) if len(gpus) == 1 else None
        self._divided = divided
        self._parts = {
            device.uuid: (uuid, device) for uuid, gpu in divided.items() for device in gpu.devices if device.uuid
        }
        self._memory_field = question.app_fields[-1]
        details = from_ps_or_proc(part_text(answer, "ps"), part_text(answer, "proc"))
        unplaced = 0
        for row in app_rows(question, answer):
            index, where = (None, None) if row is None else self._where(row)
            if row is None or index is None:
                unplaced += 1
                continue
            pid = int(row["pid"])
            place = place_of(index, where)
            if pid in self.at_place[place]:
                continue
            self.at_place[place].add(pid)
            self.on_gpu[index].add(pid)
            self.rows.append(self._row(row, index, place, pid, details.get(pid)))
        self.silence = _silence(answer, unplaced)

    def _row(self, row: Cells, index: int, place: str, pid: int, details: Details | None) -> GpuProcess:
        said = row.get("process_name", row.get("name", ""))
        return GpuProcess(
            Ref(self._instance.ref.account, "process", f"{self._instance.ref.id}:{place}:{pid}"),
            self._instance.name,
            index,
            pid,
            redact((details.command if details else "") or said),
            instance_name=self._instance.name,
            instance=self._instance.ref,
            uptime=details.uptime if details else None,
            memory_used=details.memory if details else None,
            gpu_memory_used=bytes_of(row, self._memory_field),
            inside=True,
        )

    def add_unknown(self, index: int, place: str, reason: str) -> None:
        """Add the row for the invisible processes of a GPU or a MIG device."""
        self.rows.append(GpuProcess.unknown(self._instance.ref, self._instance.name, reason, index, place))

    def _where(self, row: Cells) -> tuple[int | None, Where | None]:
        """Return a process's GPU and MIG device."""
        uuid = row.get("gpu_uuid", "")
        part: MigDevice | None = None
        if uuid in self._parts:
            uuid, part = self._parts[uuid]
        index = self._indices.get(uuid, self._only)
        if part is not None:
            return index, part.where
        gpu = self._divided.get(uuid)
        return index, gpu.take(int(row["pid"]), bytes_of(row, self._memory_field)) if gpu is not None else None


def _silence(answer: Answer, unplaced: int) -> str:
    apps = answer.get("apps")
    if apps is None:
        return "nvidia-smi was not queried for them"
    if apps.status == TIMED_OUT:
        return f"nvidia-smi did not list them within {CALL_SECONDS}s"
    said = excerpt(apps.text)
    if apps.status:
        return f"nvidia-smi does not list them: {said or f'exit status {apps.status}'}"
    return f"nvidia-smi does not list all of them: {said}" if unplaced else ""


# --- ps and /proc -------------------------------------------------------------------------------------------------


def from_ps_or_proc(ps: str, proc: str) -> Mapping[int, Details]:
    """Return the details of processes by their ids, from the output of ps, or from that of ``/proc``."""
    return _from_ps(ps) or _from_proc(proc)


def _from_ps(text: str) -> dict[int, Details]:
    found = (_PS_LINE.fullmatch(line) for line in islice(text.splitlines(), _MOST_DETAILS))
    return {int(one[1]): Details(float(one[2]), int(one[3]) * KIB, one[4].strip()) for one in found if one}


def _from_proc(text: str) -> dict[int, Details]:
    head, *blocks = _PID_BEGINS.split(text, maxsplit=_MOST_DETAILS)
    up = figure((head.split() or [""])[0])
    details = {}
    for pid, block in zip(blocks[::2], blocks[1::2], strict=True):
        started, resident, args = _STARTED.search(block), _RESIDENT.search(block), _ARGS.search(block)
        if started is None and resident is None:
            continue
        age = max(0.0, up - int(started[1]) / _TICKS) if up is not None and started else None
        details[int(pid)] = Details(
            age, int(resident[1]) * KIB if resident else None, args[1].strip() if args else ""
        )
    return details
