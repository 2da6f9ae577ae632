"""npu-smi over the simulated host: the table of ``npu-smi info``, as recorded on 910B accelerators."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gputui.sim.machines.hardware import MIB, card

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

_RESERVED = 3436
"""MiB of the high-bandwidth memory that the system takes."""
_RULE = "+===========================+===============+====================================================+"
_LINE = "+---------------------------+---------------+----------------------------------------------------+"


async def npu_smi(shell: Shell, words: list[str]) -> int:
    """``npu-smi info``"""
    if words[1:] not in ([], ["info"]):
        await shell.error(f"npu-smi: the simulated npu-smi has no {' '.join(words[1:])!r}")
        return 1
    version = shell.host.system.driver
    lines = [
        f"+{'-' * 96}+",
        f"| npu-smi {version:<23}  Version: {version:<52} |",
        _LINE,
        "| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|",
        "| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |",
        _RULE,
    ]
    for gpu in shell.host.gpus:
        load, kind = shell.host.utilisation(gpu.index), card(gpu.model)
        total = gpu.memory // MIB
        used = min(total, _RESERVED + shell.host.gpu_memory_used(gpu.index) // MIB)
        power, degrees = f"{kind.power(load):.1f}", f"{kind.temperature(load):.0f}"
        bus = f"0000:{0x61 + gpu.index:02X}:02.0"
        lines += [
            _row(f"{gpu.index:<5} {gpu.model.removeprefix('Ascend ')}", "OK", f"{power:<11} {degrees:<17} 0    / 0"),
            _row("0", bus, f"{load:<11} 0    / 0          {used:<5}/ {total}"),
            _RULE,
        ]
    lines += [
        _LINE,
        "| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |",
        _RULE,
    ]
    for gpu in shell.host.gpus:
        processes = shell.host.on_gpu(gpu.index)
        for process in processes:
            name = posixpath.basename(process.command.partition(" ")[0])[:15]
            memory = (process.gpu_memory_at(shell.world.time) or 0) // MIB
            lines.append(f"| {gpu.index:<7} {0:<17} | {process.pid:<13} | {name:<24} | {memory:<23} |")
        if not processes:
            lines.append(f"| {f'No running processes found in NPU {gpu.index}':<94} |")
        lines.append(_RULE)
    await shell.out("".join(f"{line}\n" for line in lines))
    return 0


def _row(accelerator: str, state: str, figures: str) -> str:
    return f"| {accelerator:<25} | {state:<13} | {figures:<50} |"
