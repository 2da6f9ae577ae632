"""Accelerators of Huawei Ascend: the table of ``npu-smi info``. Pure.

An accelerator has two lines: its name, health, power and temperature, then those of its chip with load and memory.
"""

from __future__ import annotations

import re

from gputui.accelerators.nvidia.query import Part, excerpt
from gputui.accelerators.reading import MIB, MOST_DEVICES, MOST_USES, Accelerator, Reading, Use, figure

INFO = "npu-smi info"

_VERSION = re.compile(r"\|\s{0,8}npu-smi \S{1,40}\s{1,80}Version: (\S{1,40})")
_NAME = re.compile(r"(\d{1,4})\s{1,20}([A-Za-z]?[\w-]{1,30})")
_CHIP = re.compile(r"(\d{1,4})(?:\s{1,20}(?:(\d{1,4})|NA))?")
_BUS = re.compile(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]|NA")
_PAIR = re.compile(r"(\d{1,9})\s{0,9}/\s{0,9}(\d{1,9})")
_PLACE = re.compile(r"(\d{1,4})\s{1,20}(\d{1,4})")
_LONGEST_LINE = 400
_MOST_LINES = 20_000


def from_npu_smi(part: Part) -> Reading:
    """Return the accelerators of npu-smi with their processes. ValueError says why there are none."""
    devices = list[Accelerator]()
    places: dict[tuple[int, int], int] = {}
    taken = set[int]()
    uses = list[Use]()
    silence = "npu-smi lists no processes here"
    npu, model, health, power, temperature = -1, "", "", None, None
    version = _VERSION.search(part.text[:4096])
    for line in part.text.splitlines()[:_MOST_LINES]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if len(line) <= _LONGEST_LINE else []
        if len(cells) >= 4 and (cells[0].startswith("NPU") and "Process id" in cells[1]):
            silence = ""
        elif len(cells) >= 4 and (place := _PLACE.fullmatch(cells[0])) and cells[1].isdecimal():
            index = places.get((int(place[1]), int(place[2])))
            memory = figure(cells[3])
            if index is not None and len(uses) < MOST_USES and 0 < int(cells[1]) < 2**31:
                uses.append(Use(index, int(cells[1]), None if memory is None else int(memory * MIB), cells[2]))
        elif len(cells) == 3 and _BUS.fullmatch(cells[1]) and (chip := _CHIP.fullmatch(cells[0])) and npu >= 0:
            if len(devices) >= MOST_DEVICES:
                raise ValueError(f"npu-smi lists more than {MOST_DEVICES} accelerators, which is not plausible")
            load = cells[2].split(None, 1)
            sizes = [(int(used), int(total)) for used, total in _PAIR.findall(cells[2]) if int(total)]
            used, total = sizes[-1] if sizes else (None, None)
            index = int(chip[2]) if chip[2] else npu
            index = index if index not in taken else max(taken) + 1
            places[npu, int(chip[1])] = index
            taken.add(index)
            devices.append(
                Accelerator(
                    index,
                    f"Ascend {model.removeprefix('Ascend')}",
                    memory_total=None if total is None else total * MIB,
                    memory_used=None if used is None else used * MIB,
                    utilization=figure(load[0]) if load else None,
                    power=power,
                    temperature=temperature,
                    problem=None if health in ("OK", "") else f"npu-smi reports its health as {health}",
                )
            )
        elif len(cells) == 3 and (found := _NAME.fullmatch(cells[0])):
            npu, model, health = int(found[1]), found[2], cells[1]
            figures = cells[2].split(None, 2)
            power, temperature = (figure(text) for text in (*figures[:2], "", "")[:2])
    if not devices:
        said = excerpt(part.text)
        raise ValueError(f"npu-smi fails (exit status {part.status}){f': {said}' if said else ''}")
    return Reading(tuple(devices), tuple(uses), silence, version[1] if version else "")
