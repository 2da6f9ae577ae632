"""The devices of divided GPUs (MIG), from nvidia-smi's list and its XML output. Pure.

The list (``-L``) has the profile of each device (``1g.10gb``), the XML the memory and the processes; both number the
devices of a GPU from 0. The XML is read line by line, as nvidia-smi writes it; it may be reduced to the needed lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from gputui.accelerators.reading import MIB
from gputui.late_dataclasses import dataclass

_GPU_LINE = re.compile(r"GPU \d{1,4}: .*\(UUID: ([^\s)]+)\)")
_PART_LINE = re.compile(r"\s+MIG\s+(\S+)\s+Device\s+(\d{1,4}):\s*\(UUID:\s*([^\s)]+)\)")
_TAG = re.compile(r"^[ \t]*+<(/?)([^\s>/]++)[^>\n]*+>([^<\n]*+)", re.MULTILINE)
"""The tag at the beginning of a line, and the text behind it."""
_NUMBER = re.compile(r"(\d{1,12})\b")
_MOST = 1024
"""The limit of devices and processes that are read: more than any machine has devices."""

Where = tuple[int, int]
"""A GPU instance and a compute instance in it."""


@dataclass(frozen=True, slots=True)
class MigDevice:
    """A MIG device: its number on the GPU, its GPU and compute instance, profile and memory in bytes.

    ``alone`` is whether its GPU instance has no other compute instance: those share the memory.
    """

    number: int
    gpu_instance: int
    compute_instance: int = 0
    profile: str = ""
    uuid: str = ""
    memory_total: int | None = None
    memory_used: int | None = None
    alone: bool = True

    @property
    def where(self) -> Where:
        """The GPU instance and the compute instance."""
        return self.gpu_instance, self.compute_instance

    @property
    def label(self) -> str:
        """The name: ``1g.10gb #7``, and ``1c.3g.40gb #1.0`` for one of several in a GPU instance."""
        number = f"#{self.gpu_instance}" if self.alone else f"#{self.gpu_instance}.{self.compute_instance}"
        return f"{self.profile} {number}".strip()


@dataclass(slots=True)
class MigGpu:
    """The parts of a divided GPU, and the places of each process with the bytes it has there."""

    devices: list[MigDevice] = field(default_factory=list)
    places: dict[int, list[tuple[Where, int | None]]] = field(default_factory=dict)

    def take(self, pid: int, memory: int | None) -> Where | None:
        """Return a place of a process and take it off the list; of several, the one with as many bytes."""
        places = self.places.get(pid)
        if not places:
            return None
        index = next((at for at, (_, used) in enumerate(places) if used == memory), 0)
        return places.pop(index)[0]


def mig_gpus(listed: str, xml: str) -> dict[str, MigGpu]:
    """Return the divided GPUs by UUID, from the outputs of ``nvidia-smi -L`` and ``nvidia-smi -q -x``."""
    named = dict(_named(listed))
    gpus = {uuid: gpu for uuid, gpu in _gpus(xml) if gpu.devices}
    for uuid, gpu in gpus.items():
        shared = Counter(device.gpu_instance for device in gpu.devices)
        gpu.devices = [
            replace(_with_name(device, named.get((uuid, device.number))), alone=shared[device.gpu_instance] == 1)
            for device in gpu.devices
        ]
    return gpus


def _named(listed: str) -> Iterator[tuple[tuple[str, int], tuple[str, str]]]:
    parent = ""
    for line in listed.splitlines():
        if found := _GPU_LINE.match(line):
            parent = found[1]
        elif found := _PART_LINE.match(line):
            yield (parent, int(found[2])), (found[1], found[3])


def _with_name(device: MigDevice, name: tuple[str, str] | None) -> MigDevice:
    return device if name is None else replace(device, profile=name[0], uuid=name[1])


def _gpus(xml: str) -> Iterator[tuple[str, MigGpu]]:
    uuid, gpu, count = "", MigGpu(), 0
    for name, texts in _blocks(xml):
        if name == "gpu":
            uuid, gpu = "", MigGpu()
        elif name == "uuid" and not uuid:
            uuid = texts["uuid"]
            yield uuid, gpu
        elif name in ("mig_device", "process_info"):
            instance, compute = _number(texts, "gpu_instance_id"), _number(texts, "compute_instance_id") or 0
            number = _number(texts, "index" if name == "mig_device" else "pid")
            count += 1
            if number is None or instance is None or count > _MOST:
                continue
            if name == "mig_device":
                sizes = _bytes(texts, "total"), _bytes(texts, "used")
                gpu.devices.append(MigDevice(number, instance, compute, "", texts.get("uuid", ""), *sizes))
            else:
                gpu.places.setdefault(number, []).append(((instance, compute), _bytes(texts, "used_memory")))


def _blocks(xml: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the beginning of each GPU, its UUID, and each device and process with the texts in it.

    The first text of a name counts: the memory of a device is before that of its BAR1 aperture.
    """
    block, texts = "", dict[str, str]()
    for closing, name, text in _TAG.findall(xml):
        if name == "gpu" and not closing:
            yield "gpu", {}
        elif name in ("mig_device", "process_info"):
            if closing and block == name:
                yield name, texts
            block, texts = ("", {}) if closing else (name, {})
        elif block and text.strip():
            texts.setdefault(name, text.strip())
        elif name == "uuid" and text.strip():
            yield "uuid", {"uuid": text.strip()}


def _number(texts: Mapping[str, str], name: str) -> int | None:
    found = _NUMBER.match(texts.get(name, ""))
    return int(found[1]) if found else None


def _bytes(texts: Mapping[str, str], name: str) -> int | None:
    number = _number(texts, name)
    return None if number is None else number * MIB
