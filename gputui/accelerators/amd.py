"""GPUs of AMD: the output of rocm-smi, or of amd-smi where there is none. Pure.

rocm-smi does not say which GPU a process uses. The driver does: ``/sys/class/kfd/kfd/proc/PID/vram_KEY`` has the
bytes that a process has on the GPU of that key (rocm-smi's ``GUID``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gputui.accelerators.output import Part, excerpt
from gputui.accelerators.reading import MOST_DEVICES, MOST_USES, Accelerator, Reading, Use, figure, size

ROCM = (
    "rocm-smi --showproductname --showid --showuniqueid --showuse --showmeminfo vram --showpower --showtemp"
    " --showfan --showdriverversion --json"
)
LIST = "amd-smi static --asic --driver --json"
METRIC = "amd-smi metric --json"
PROCESS = "amd-smi process --json"

_CARD = re.compile(r"card(\d{1,4})")
_VRAM = re.compile(r"^/sys/class/kfd/kfd/proc/(\d{1,10})/vram_(\d{1,20}):(\d{1,15})$", re.MULTILINE)
_CODE = re.compile(r"0x[0-9a-fA-F]{1,8}")
_NAMES = ("Card Series", "Card series", "Product Name", "Card Model", "Card model", "Device Name")
_POWERS = (
    "Current Socket Graphics Package Power (W)",
    "Average Graphics Package Power (W)",
    "Average Socket Graphics Package Power (W)",
)
_TEMPERATURES = ("edge", "junction", "hotspot")

Cells = Mapping[str, Any]


def from_rocm(listed: Part, kfd: Part | None) -> Reading:
    """Return the GPUs of rocm-smi with the processes of the driver. ValueError says why there are none."""
    cards = _object(_json(listed, "rocm-smi"))
    rows = sorted((int(found[1]), _object(card)) for name, card in cards.items() if (found := _CARD.fullmatch(name)))
    if not rows:
        raise ValueError(f"rocm-smi lists no GPU{_said(listed)}")
    devices = tuple(_card(index, card) for index, card in rows[:MOST_DEVICES])
    driver = _text(_object(cards.get("system", {})).get("Driver version"))
    if kfd is None or kfd.status:
        return Reading(devices, (), "the driver lists no processes (/sys/class/kfd)", driver)
    keys = {device.key: device.index for device in devices if device.key}
    shares = [(int(pid), key, int(used)) for pid, key, used in _VRAM.findall(kfd.text)[:MOST_USES]]
    if len(devices) == 1:
        keys = dict.fromkeys((key for _, key, _ in shares), devices[0].index)
    unknown = any(used and key not in keys for _, key, used in shares)
    silence = "this rocm-smi does not say which GPU a process uses" if unknown else ""
    # A process opens every GPU that it may use: one without memory there does not use it.
    uses = tuple(Use(keys[key], pid, used) for pid, key, used in shares if used and key in keys)
    return Reading(devices, uses, silence, driver)


def _card(index: int, card: Cells) -> Accelerator:
    names = [_text(card[name]) for name in _NAMES if name in card]
    readable = [name for name in names if name and not _CODE.fullmatch(name) and name != "N/A"]
    degrees = [figure(card.get(f"Temperature (Sensor {place}) (C)")) for place in _TEMPERATURES]
    return Accelerator(
        index,
        (readable or [""])[0],
        memory_total=size(card.get("VRAM Total Memory (B)")),
        memory_used=size(card.get("VRAM Total Used Memory (B)")),
        utilization=figure(card.get("GPU use (%)")),
        power=next((watts for name in _POWERS if (watts := figure(card.get(name))) is not None), None),
        temperature=next((each for each in degrees if each is not None), None),
        fan=figure(card.get("Fan speed (%)")),
        uuid=_text(card.get("Unique ID")).replace("N/A", ""),
        key=_text(card.get("GUID")),
    )


def from_amd_smi(listed: Part | None, metric: Part, process: Part | None) -> Reading:
    """Return the GPUs and processes of amd-smi. ValueError says why there are none."""
    rows = dict(_gpus(_json(metric, "amd-smi")))
    if not rows:
        raise ValueError(f"amd-smi lists no GPU{_said(metric)}")
    static = dict(_gpus(_json_or_none(listed)))
    driver = next((_text(_at(row, "driver", "version")) for row in static.values()), "")
    devices = tuple(_metric(index, rows[index], static.get(index, {})) for index in sorted(rows)[:MOST_DEVICES])
    uses = list[Use]()
    silence = ""
    try:
        if process is None:
            raise ValueError("amd-smi was not asked for them")  # noqa: TRY301  (one report of all causes)
        for index, row in _gpus(_json(process, "amd-smi")):
            if (places := row.get("process_list")) is not None and index in rows:
                uses += _uses(index, places)
    except ValueError as error:
        silence = str(error)
    return Reading(devices, tuple(uses[:MOST_USES]), silence, driver)


def _metric(index: int, row: Cells, static: Cells) -> Accelerator:
    degrees = [figure(_value(row, "temperature", place)) for place in _TEMPERATURES]
    return Accelerator(
        index,
        _text(_at(static, "asic", "market_name")).replace("N/A", ""),
        memory_total=_memory(row, "total_vram"),
        memory_used=_memory(row, "used_vram"),
        utilization=figure(_value(row, "usage", "gfx_activity")),
        power=figure(_value(row, "power", "socket_power")),
        temperature=next((each for each in degrees if each is not None), None),
        fan=figure(_value(row, "fan", "usage")),
        uuid=_text(_at(static, "asic", "asic_serial")).replace("N/A", ""),
    )


def _memory(row: Cells, name: str) -> int | None:
    found = _at(row, "mem_usage", name)
    return size(found if found is not None else _at(row, "vram_usage", name), "MB")


def _uses(index: int, places: object) -> Iterator[Use]:
    for place in places if isinstance(places, list) else []:
        row = _object(_object(place).get("process_info", place))  # "No running processes detected" is a text
        pid = figure(row.get("pid"))
        memory = _at(row, "memory_usage", "vram_mem")
        if pid is not None and 0 < pid < 2**31 and pid == int(pid):
            used = size(memory if memory is not None else row.get("mem_usage"))
            yield Use(index, int(pid), used, _text(row.get("name")).replace("N/A", ""))


def _gpus(answer: object) -> Iterator[tuple[int, Cells]]:
    """Yield the rows by GPU: of a list, which newer releases wrap in ``gpu_data``."""
    rows = answer.get("gpu_data", []) if isinstance(answer, dict) else answer
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and (index := figure(row.get("gpu"))) is not None and 0 <= index < MOST_DEVICES:
            yield int(index), row


def _json(part: Part, tool: str) -> object:
    """Return the JSON of an output, after warnings before it."""
    for mark in ("{", "["):
        start = part.text.find(mark)
        if start >= 0 and not part.text[:start].rpartition("\n")[2].strip():
            try:
                return json.JSONDecoder().raw_decode(part.text, start)[0]
            except (ValueError, RecursionError):
                continue
    raise ValueError(f"{tool} fails (exit status {part.status}){_said(part)}")


def _json_or_none(part: Part | None) -> object:
    try:
        return _json(part, "") if part is not None else None
    except ValueError:
        return None


def _said(part: Part) -> str:
    said = excerpt(part.text)
    return f": {said}" if said else ""


def _object(value: object) -> Cells:
    return value if isinstance(value, dict) else {}


def _at(row: Cells, *names: str) -> Any:
    found: Any = row
    for name in names:
        found = _object(found).get(name)
    return found


def _value(row: Cells, *names: str) -> Any:
    found = _at(row, *names)
    return found.get("value") if isinstance(found, dict) else found


def _text(value: object) -> str:
    return " ".join(str(value).split())[:200] if isinstance(value, str | int) else ""
