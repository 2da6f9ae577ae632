"""Accelerators of Huawei Ascend: the table of ``npu-smi info``. Pure.

An accelerator has two lines: its name, health, power and temperature, then those of its chip with load and memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gputui.accelerators.output import Part, excerpt
from gputui.accelerators.reading import MIB, MOST_DEVICES, MOST_USES, Accelerator, Reading, Use, figure
from gputui.late_dataclasses import dataclass

INFO = "npu-smi info"

_VERSION = re.compile(r"\|\s{0,8}npu-smi \S{1,40}\s{1,80}Version: (\S{1,40})")
_NAME = re.compile(r"(\d{1,4})\s{1,20}([A-Za-z]?[\w-]{1,30})")
_CHIP = re.compile(r"(\d{1,4})(?:\s{1,20}(?:(\d{1,4})|NA))?")
_BUS = re.compile(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]|NA")
_PAIR = re.compile(r"(\d{1,9})\s{0,9}/\s{0,9}(\d{1,9})")
_PLACE = re.compile(r"(\d{1,4})\s{1,20}(\d{1,4})")
_LONGEST_LINE = 400
_MOST_LINES = 20_000


@dataclass(frozen=True, slots=True)
class _Card:
    """The first line of an accelerator."""

    npu: int
    model: str
    health: str
    power: float | None
    temperature: float | None


class _Table:
    """The lines so far. ``silence`` is why processes are unknown, '' where they are known."""

    def __init__(self) -> None:
        self.devices: list[Accelerator] = []
        self.uses: list[Use] = []
        self.silence = "npu-smi lists no processes here"
        self._card: _Card | None = None
        self._places: dict[tuple[int, int], int] = {}
        """The numbers of chips by card and place on it."""

    def read(self, cells: Sequence[str]) -> None:
        """Read the cells of a line."""
        if len(cells) >= 4 and cells[0].startswith("NPU") and "Process id" in cells[1]:
            self.silence = ""
        elif len(cells) >= 4 and (place := _PLACE.fullmatch(cells[0])) and cells[1].isdecimal():
            self._process((int(place[1]), int(place[2])), int(cells[1]), cells[2], figure(cells[3]))
        elif len(cells) != 3:
            return
        elif self._card is not None and _BUS.fullmatch(cells[1]) and (chip := _CHIP.fullmatch(cells[0])):
            self._chip(self._card, int(chip[1]), chip[2], cells[2])
        elif name := _NAME.fullmatch(cells[0]):
            power, temperature, *_ = (*map(figure, cells[2].split(None, 2)), None, None)
            self._card = _Card(int(name[1]), name[2], cells[1], power, temperature)

    def _chip(self, card: _Card, place: int, number: str | None, figures: str) -> None:
        taken = {device.index for device in self.devices}
        if len(taken) >= MOST_DEVICES:
            raise ValueError(f"npu-smi lists more than {MOST_DEVICES} accelerators, which is not plausible")
        index = int(number) if number else card.npu
        index = index if index not in taken else max(taken) + 1
        load = figures.split(None, 1)
        sizes = [(int(used), int(total)) for used, total in _PAIR.findall(figures) if int(total)]
        used, total = sizes[-1] if sizes else (None, None)
        self._places[card.npu, place] = index
        self.devices.append(
            Accelerator(
                index,
                f"Ascend {card.model.removeprefix('Ascend')}",
                memory_total=None if total is None else total * MIB,
                memory_used=None if used is None else used * MIB,
                utilization=figure(load[0]) if load else None,
                power=card.power,
                temperature=card.temperature,
                problem=None if card.health in ("OK", "") else f"npu-smi reports its health as {card.health}",
            )
        )

    def _process(self, place: tuple[int, int], pid: int, name: str, memory: float | None) -> None:
        index = self._places.get(place)
        if index is None or not 0 < pid < 2**31 or len(self.uses) >= MOST_USES:
            self.silence = "npu-smi lists processes that cannot be read"
        else:
            self.uses.append(Use(index, pid, None if memory is None else int(memory * MIB), name))


def from_npu_smi(part: Part) -> Reading:
    """Return the accelerators of npu-smi with their processes. ValueError says why there are none."""
    table = _Table()
    for line in part.text.splitlines()[:_MOST_LINES]:
        if len(line) <= _LONGEST_LINE:
            table.read([cell.strip() for cell in line.strip().strip("|").split("|")])
    if not table.devices:
        said = excerpt(part.text)
        raise ValueError(f"npu-smi fails (exit status {part.status}){f': {said}' if said else ''}")
    version = _VERSION.search(part.text[:4096])
    return Reading(tuple(table.devices), tuple(table.uses), table.silence, version[1] if version else "")
