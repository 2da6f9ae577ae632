"""The parts of divided GPUs (MIG), from nvidia-smi's list and from its long answer in XML. Pure.

The list (``-L``) has the profile of each part (``1g.10gb``), the XML its memory and its processes; both count the
parts of a GPU from 0. The XML is read line by line, as nvidia-smi writes it: it may be cut down to what matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

_GPU_LINE = re.compile(r"^GPU \d+: .*\(UUID: ([^\s)]+)\)")
_PART_LINE = re.compile(r"^\s+MIG\s+(\S+)\s+Device\s+(\d{1,4}):\s*\(UUID:\s*([^\s)]+)\)")
_TAG = re.compile(r"^\s*<(/?)([a-z0-9_]+)[^>]*>(?:([^<]*)<)?")
_NUMBER = re.compile(r"\s*(\d{1,12})\b")
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class MigDevice:
    """A part of a GPU: its number there, its GPU and compute instance, its profile and memory in bytes."""

    number: int
    gpu_instance: int
    compute_instance: int = 0
    profile: str = ""
    uuid: str = ""
    memory_total: int | None = None
    memory_used: int | None = None


@dataclass(slots=True)
class MigGpu:
    """What a divided GPU is made of. ``where`` is the GPU and compute instance of each process."""

    devices: list[MigDevice] = field(default_factory=list)
    where: dict[int, tuple[int, int]] = field(default_factory=dict)


def mig_gpus(listed: str, xml: str) -> dict[str, MigGpu]:
    """Return the divided GPUs by UUID, from the outputs of ``nvidia-smi -L`` and ``nvidia-smi -q -x``."""
    named = dict(_named(listed))
    gpus = {uuid: gpu for uuid, gpu in _gpus(xml) if gpu.devices}
    for uuid, gpu in gpus.items():
        gpu.devices = [_with_name(device, named.get((uuid, device.number))) for device in gpu.devices]
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
    uuid, gpu = "", MigGpu()
    for name, texts in _blocks(xml):
        if name == "gpu":
            uuid, gpu = "", MigGpu()
        elif name == "uuid" and not uuid:
            uuid = texts["uuid"]
            yield uuid, gpu
        elif name == "mig_device":
            number, instance = _number(texts, "index"), _number(texts, "gpu_instance_id")
            if number is not None and instance is not None:
                gpu.devices.append(
                    MigDevice(
                        number,
                        instance,
                        _number(texts, "compute_instance_id") or 0,
                        memory_total=_bytes(texts, "total"),
                        memory_used=_bytes(texts, "used"),
                    )
                )
        elif name == "process_info":
            pid, instance = _number(texts, "pid"), _number(texts, "gpu_instance_id")
            if pid is not None and instance is not None:
                gpu.where[pid] = (instance, _number(texts, "compute_instance_id") or 0)


def _blocks(xml: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the beginning of each GPU, its UUID, and each part and process with the texts in it.

    The first text of a name counts: a part's memory stands before the memory of its BAR1 aperture.
    """
    block, texts = "", dict[str, str]()
    for line in xml.splitlines():
        found = _TAG.match(line)
        if found is None:
            continue
        closing, name, text = bool(found[1]), found[2], (found[3] or "").strip()
        if name == "gpu" and not closing:
            yield "gpu", {}
        elif name in ("mig_device", "process_info"):
            if closing and block == name:
                yield name, texts
            block, texts = ("", {}) if closing else (name, {})
        elif block and text:
            texts.setdefault(name, text)
        elif name == "uuid" and text:
            yield "uuid", {"uuid": text}


def _number(texts: Mapping[str, str], name: str) -> int | None:
    found = _NUMBER.match(texts.get(name, ""))
    return int(found[1]) if found else None


def _bytes(texts: Mapping[str, str], name: str) -> int | None:
    number = _number(texts, name)
    return None if number is None else number * _MIB
