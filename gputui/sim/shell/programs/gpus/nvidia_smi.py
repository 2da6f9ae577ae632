"""nvidia-smi over the simulated host: the table, -L, and the CSV queries about GPUs and processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.sim.machines.hardware import MIB, Gpu, card
from gputui.sim.machines.hosts import Process

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_BAR = "+-----------------------------------------------------------------------------------------+\n"
_RULE = "|=========================================+========================+======================|\n"
_LINE = "+-----------------------------------------+------------------------+----------------------+\n"
_NOT_KNOWN = "[N/A]"
_LOST = "[GPU is lost]"
_IDENTITY = (
    "index",
    "count",
    "timestamp",
    "name",
    "gpu_name",
    "uuid",
    "gpu_uuid",
    "pci.bus_id",
    "gpu_bus_id",
    "driver_version",
)
"""The fields that the driver still knows of a GPU that has fallen off the bus."""
Seen = tuple[int, Gpu]
"""A GPU and its visible number: a container numbers its own from 0."""


async def nvidia_smi(shell: Shell, words: list[str]) -> int:
    """``nvidia-smi``, ``-L``, and ``--query-gpu=…`` or ``--query-compute-apps=…`` with
    ``--format=csv[,noheader][,nounits]``; ``-i`` picks GPUs. A container sees its own GPUs and processes only.
    """
    visible = list(enumerate(_visible(shell)))
    if not visible:
        await shell.out("No devices were found\n")
        return 6
    chosen = _option(words, "-i", "--id")
    seen = [one for one in visible if chosen is None or _picked(one, chosen.split(","))]
    if not seen:
        await shell.out("No devices were found\n")
        return 6
    if (fields := _option(words, "--query-gpu")) is not None:
        rows = [_facts(shell, number, gpu) for number, gpu in seen]
        return await _query(shell, rows, fields.split(","), words, _GPU_UNITS)
    if (fields := _option(words, "--query-compute-apps")) is not None:
        return await _query(shell, _process_rows(shell, seen), fields.split(","), words, _PROCESS_UNITS)
    if "-L" in words or "--list-gpus" in words:
        await shell.out("".join(f"GPU {number}: {gpu.model} (UUID: {gpu.uuid})\n" for number, gpu in seen))
        return 0
    await shell.out(_table(shell, seen))
    return 0


def _visible(shell: Shell) -> list[Gpu]:
    if shell.pod is None or shell.pod.gpu_ids is None:
        return shell.host.gpus
    return [gpu for gpu in shell.host.gpus if gpu.index in shell.pod.gpu_ids]


def _option(words: list[str], *names: str) -> str | None:
    """The value of an option, written ``--name=value`` or ``--name value``."""
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(iter(words[number + 1 : number + 2]), "")
    return None


def _picked(one: Seen, wanted: list[str]) -> bool:
    number, gpu = one
    return str(number) in wanted or gpu.uuid in wanted or _bus(gpu) in wanted


def _bus(gpu: Gpu) -> str:
    return f"00000000:{0x1A + gpu.index * 0x0B & 0xFF:02X}:00.0"


_GPU_UNITS = {
    "memory.total": "MiB",
    "memory.used": "MiB",
    "memory.free": "MiB",
    "utilization.gpu": "%",
    "utilization.memory": "%",
    "power.draw": "W",
    "power.limit": "W",
    "fan.speed": "%",
}
_PROCESS_UNITS = {"used_gpu_memory": "MiB", "used_memory": "MiB"}


def _facts(shell: Shell, number: int, gpu: Gpu) -> dict[str, str]:
    """The driver's values of a GPU, by the names of the query fields."""
    host, kind = shell.host, card(gpu.model)
    load, used = host.utilisation(gpu.index), host.gpu_memory_used(gpu.index) // MIB
    total = gpu.memory // MIB
    temperature = round(kind.temperature(load))
    fan = kind.fan(temperature)
    facts = {
        "index": str(number),
        "count": str(len(_visible(shell))),
        "timestamp": f"{datetime.fromtimestamp(shell.world.time, UTC):%Y/%m/%d %H:%M:%S}.000",
        "name": gpu.model,
        "gpu_name": gpu.model,
        "uuid": gpu.uuid,
        "gpu_uuid": gpu.uuid,
        "serial": _NOT_KNOWN,
        "pci.bus_id": _bus(gpu),
        "gpu_bus_id": _bus(gpu),
        "driver_version": host.system.driver,
        "compute_cap": kind.capability,
        "pstate": "P0" if load else "P8",
        "memory.total": str(total),
        "memory.used": str(used),
        "memory.free": str(max(0, total - used)),
        "utilization.gpu": str(load),
        "utilization.memory": str(load * 3 // 5),
        "power.draw": f"{kind.power(load):.2f}",
        "power.limit": f"{kind.power_limit:.2f}",
        "temperature.gpu": str(temperature),
        "temperature.memory": _NOT_KNOWN,
        "fan.speed": _NOT_KNOWN if fan is None else str(round(fan)),
        "mig.mode.current": "Disabled" if kind.mig else _NOT_KNOWN,
        "ecc.mode.current": "Enabled" if kind.ecc else _NOT_KNOWN,
        "ecc.errors.uncorrected.volatile.total": (
            str(host.system.ecc_errors.get(gpu.index, 0)) if kind.ecc else _NOT_KNOWN
        ),
    }
    if gpu.index in host.system.lost_gpus:
        return {name: value if name in _IDENTITY else _LOST for name, value in facts.items()}
    return facts


def _process_rows(shell: Shell, seen: Iterable[Seen]) -> list[dict[str, str]]:
    rows = []
    for gpu, process in _processes(shell, seen):
        used = process.gpu_memory_at(shell.world.time)
        memory = _NOT_KNOWN if used is None else str(used // MIB)
        program = process.command.partition(" ")[0]
        rows.append(
            {
                "gpu_uuid": gpu.uuid,
                "gpu_name": gpu.model,
                "gpu_bus_id": _bus(gpu),
                "pid": str(process.pid),
                "process_name": program,
                "name": program,
                "used_gpu_memory": memory,
                "used_memory": memory,
            }
        )
    return rows


_PROCESS_FIELDS = frozenset(
    ("gpu_uuid", "gpu_name", "gpu_bus_id", "pid", "process_name", "name", "used_gpu_memory", "used_memory")
)


def _processes(shell: Shell, seen: Iterable[Seen]) -> list[tuple[Gpu, Process]]:
    if shell.pod is not None and not shell.pod.sees_processes:
        return []
    own = shell.pod.name if shell.pod else None
    return [
        (gpu, process)
        for _, gpu in seen
        for process in shell.host.on_gpu(gpu.index)
        if own is None or process.pod == own
    ]


async def _query(
    shell: Shell, rows: list[dict[str, str]], fields: list[str], words: list[str], units: Mapping[str, str]
) -> int:
    fields = [field.strip() for field in fields]
    known = _PROCESS_FIELDS if units is _PROCESS_UNITS else rows[0].keys()
    unknown = next((field for field in fields if field not in known), None)
    if unknown is not None:
        await shell.out(f'Field "{unknown}" is not a valid field to query.\n')
        return 2
    form = (_option(words, "--format") or "").split(",")
    if "csv" not in form:
        await shell.out('"--query-*" switch is missing "--format=" switch.\n')
        return 2
    lines = []
    if "noheader" not in form:
        lines.append(", ".join(f"{field} [{units[field]}]" if field in units else field for field in fields))
    for row in rows:
        texts = (
            row[field] if "nounits" in form or field not in units or row[field] in (_NOT_KNOWN, _LOST)
            else f"{row[field]} {units[field]}"
            for field in fields
        )  # fmt: skip
        lines.append(", ".join(texts))
    await shell.out("".join(f"{line}\n" for line in lines))
    return 0


def _table(shell: Shell, seen: list[Seen]) -> str:
    driver, cuda = shell.host.system.driver, shell.host.system.cuda
    title = f"NVIDIA-SMI {driver}             Driver Version: {driver}     CUDA Version: {cuda}"
    text = _BAR + f"| {title:<87} |\n" + _LINE
    text += "| GPU  Name                               | Memory-Usage           | GPU-Util  Temp   Pwr |\n" + _RULE
    for number, gpu in seen:
        facts = _facts(shell, number, gpu)
        if gpu.index in shell.host.system.lost_gpus:
            text += (
                f"| {number:>3}  {gpu.model[:34]:<34} | {'ERR!':>22} | {'ERR!':>7}  {'ERR!':>4} {'ERR!':>5} |\n"
                + _LINE
            )
            continue
        memory = f"{facts['memory.used']}MiB / {facts['memory.total']}MiB"
        watts = f"{float(facts['power.draw']):.0f}W"
        text += f"| {number:>3}  {gpu.model[:34]:<34} | {memory:>22} "
        text += f"| {facts['utilization.gpu']:>6}%  {facts['temperature.gpu']:>3}C {watts:>5} |\n" + _LINE
    text += "\n" + _BAR + f"| {'Processes: GPU      PID   GPU Memory   Process name':<87} |\n" + _BAR
    numbers = {gpu.index: number for number, gpu in seen}
    for gpu, process in _processes(shell, seen):
        used = process.gpu_memory_at(shell.world.time)
        memory = "N/A" if used is None else f"{used // MIB}MiB"
        row = f"{numbers[gpu.index]:>14} {process.pid:>8} {memory:>12}   {process.command}"
        text += f"| {row[:87]:<87} |\n"
    return text + _BAR
