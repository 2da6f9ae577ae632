"""nvidia-smi over the simulated host: the table, -L, and the CSV query."""

from __future__ import annotations

from .shell import Shell
from .world import MIB, Gpu

_BAR = "+-----------------------------------------------------------------------------------------+\n"
_RULE = "|=========================================+========================+======================|\n"
_LINE = "+-----------------------------------------+------------------------+----------------------+\n"


async def nvidia_smi(shell: Shell, words: list[str]) -> int:
    """``nvidia-smi``, ``nvidia-smi -L`` and ``nvidia-smi --query-gpu=… --format=csv[,noheader][,nounits]``."""
    host = shell.host
    visible = host.gpus
    if shell.pod is not None and shell.pod.gpu_ids is not None:
        visible = [gpu for gpu in host.gpus if gpu.index in shell.pod.gpu_ids]
    if not visible:
        await shell.out("No devices were found\n")
        return 6
    query = next((word for word in words if word.startswith("--query-gpu=")), None)
    if query is not None:
        return await _query(shell, visible, query.removeprefix("--query-gpu=").split(","), words)
    if "-L" in words or "--list-gpus" in words:
        await shell.out("".join(f"GPU {gpu.index}: {gpu.model} (UUID: {gpu.uuid})\n" for gpu in visible))
        return 0
    await shell.out(_table(shell, visible))
    return 0


def _facts(shell: Shell, gpu: Gpu) -> dict[str, tuple[str, str]]:
    load = shell.host.utilisation(gpu.index)
    return {
        "index": (str(gpu.index), ""),
        "name": (gpu.model, ""),
        "uuid": (gpu.uuid, ""),
        "utilization.gpu": (str(load), "%"),
        "memory.used": (str(shell.host.gpu_memory_used(gpu.index) // MIB), "MiB"),
        "memory.total": (str(gpu.memory // MIB), "MiB"),
        "temperature.gpu": (str(34 + load * 2 // 5), ""),
        "power.draw": (f"{24 + load * 3.9:.2f}", "W"),
    }


async def _query(shell: Shell, gpus: list[Gpu], fields: list[str], words: list[str]) -> int:
    form = next((word for word in words if word.startswith("--format=")), "").removeprefix("--format=").split(",")
    lines = [] if "noheader" in form else [", ".join(fields) + "\n"]
    for gpu in gpus:
        facts = _facts(shell, gpu)
        unknown = next((name for name in fields if name not in facts), None)
        if unknown is not None:
            await shell.out(f'Field "{unknown}" is not a valid field to query.\n')
            return 2
        values = (facts[name] for name in fields)
        lines.append(
            ", ".join(value if "nounits" in form or not unit else f"{value} {unit}" for value, unit in values)
        )
        lines.append("\n")
    await shell.out("".join(lines))
    return 0


def _table(shell: Shell, gpus: list[Gpu]) -> str:
    text = _BAR
    text += "| NVIDIA-SMI 570.133.20             Driver Version: 570.133.20     CUDA Version: 12.8      |\n" + _LINE
    text += "| GPU  Name                               | Memory-Usage           | GPU-Util  Temp   Pwr |\n" + _RULE
    for gpu in gpus:
        facts = {name: value for name, (value, _) in _facts(shell, gpu).items()}
        memory = f"{facts['memory.used']}MiB / {facts['memory.total']}MiB"
        watts = f"{float(facts['power.draw']):.0f}W"
        text += f"| {gpu.index:>3}  {gpu.model[:34]:<34} | {memory:>22} "
        text += f"| {facts['utilization.gpu']:>6}%  {facts['temperature.gpu']:>3}C {watts:>5} |\n" + _LINE
    text += "\n" + _BAR + f"| {'Processes: GPU      PID   GPU Memory   Process name':<87} |\n" + _BAR
    rows = [(gpu.index, process) for gpu in gpus for process in shell.host.on_gpu(gpu.index)]
    for index, process in rows:
        if shell.pod is not None and process.pod != shell.pod.name:
            continue
        used = process.gpu_memory_at(shell.world.time)
        memory = "N/A" if used is None else f"{used // MIB}MiB"
        row = f"{index:>14} {process.pid:>8} {memory:>12}   {process.command}"
        text += f"| {row[:87]:<87} |\n"
    return text + _BAR
