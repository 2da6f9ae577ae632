"""rocm-smi and amd-smi over the simulated host, as JSON with the keys of ROCm 6.

Written from recorded outputs for AMD Instinct GPUs. All values of rocm-smi are texts; those of amd-smi are numbers
with their units, or "N/A".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gputui.sim.machines.hardware import MIB, Gpu, card
from gputui.sim.machines.proc import amd_key

if TYPE_CHECKING:
    from gputui.sim.shell.shell import Shell

DRIVER = "6.10.5"
_RESERVED = 284 * MIB
_JUNCTION_ABOVE_MEMORY = 6


async def rocm_smi(shell: Shell, words: list[str]) -> int:
    """``rocm-smi --show… --json``"""
    if "--json" not in words:
        await shell.out(_table(shell))
        return 0
    answer: dict[str, Any] = {f"card{gpu.index}": _card(shell, gpu, words) for gpu in shell.host.gpus}
    if "--showdriverversion" in words:
        answer["system"] = {"Driver version": DRIVER}
    await shell.out(json.dumps(answer) + "\n")
    return 0


def _card(shell: Shell, gpu: Gpu, words: list[str]) -> dict[str, str]:
    load, used, watts, degrees = _figures(shell, gpu)
    facts = {
        "--showid": {"Device Name": gpu.model, "Device ID": "0x74a1", "Device Rev": "0x00", "Subsystem ID": "0x74a1",
                     "GUID": str(amd_key(gpu))},
        "--showuniqueid": {"Unique ID": _unique(gpu)},
        "--showtemp": {"Temperature (Sensor junction) (C)": f"{degrees:.1f}",
                       "Temperature (Sensor memory) (C)": f"{degrees - _JUNCTION_ABOVE_MEMORY:.1f}"},
        "--showfan": {"Fan speed (level)": "0", "Fan speed (%)": "0", "Fan RPM": "0"},
        "--showpower": {"Current Socket Graphics Package Power (W)": f"{watts:.1f}"},
        "--showuse": {"GPU use (%)": str(load), "GFX Activity": str(load)},
        "--showmeminfo": {"VRAM Total Memory (B)": str(gpu.memory), "VRAM Total Used Memory (B)": str(used)},
        "--showproductname": {"Card Series": gpu.model, "Card Model": "0x74a1",
                              "Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]", "Card SKU": "M3000100",
                              "Subsystem ID": "0x74a1", "Device Rev": "0x00", "Node ID": str(gpu.index + 2),
                              "GUID": str(amd_key(gpu)), "GFX Version": "gfx942"},
    }  # fmt: skip
    return {name: value for option, part in facts.items() if option in words for name, value in part.items()}


async def amd_smi(shell: Shell, words: list[str]) -> int:
    """``amd-smi static|metric|process … --json``"""
    rows = {"static": _static, "metric": _metric, "process": _process}.get(words[1] if len(words) > 1 else "")
    if rows is None or "--json" not in words:
        await shell.error("AMD-SMI Command is invalid. Run 'amd-smi -h' for more info. Error code: -10")
        return 10
    await shell.out(json.dumps([rows(shell, gpu) for gpu in shell.host.gpus], indent=4) + "\n")
    return 0


def _static(shell: Shell, gpu: Gpu) -> dict[str, Any]:
    serial = _unique(gpu).upper().replace("0X", "0x")
    asic = {"market_name": gpu.model, "vendor_id": "0x1002", "vendor_name": "Advanced Micro Devices Inc. [AMD/ATI]",
            "device_id": "0x74a1", "rev_id": "0x00", "asic_serial": serial}  # fmt: skip
    return {"gpu": gpu.index, "asic": asic, "driver": {"name": "amdgpu", "version": DRIVER}}


def _metric(shell: Shell, gpu: Gpu) -> dict[str, Any]:
    load, used, watts, degrees = _figures(shell, gpu)
    return {
        "gpu": gpu.index,
        "usage": {"gfx_activity": _with_unit(load, "%"), "umc_activity": _with_unit(load * 3 // 5, "%"),
                  "mm_activity": "N/A"},
        "power": {"socket_power": _with_unit(round(watts), "W"), "gfx_voltage": "N/A"},
        "temperature": {"edge": "N/A", "hotspot": _with_unit(round(degrees), "C"),
                        "mem": _with_unit(round(degrees) - _JUNCTION_ABOVE_MEMORY, "C")},
        "fan": {"speed": "N/A", "max": "N/A", "rpm": "N/A", "usage": "N/A"},
        "mem_usage": {"total_vram": _with_unit(gpu.memory // MIB, "MB"), "used_vram": _with_unit(used // MIB, "MB"),
                      "free_vram": _with_unit((gpu.memory - used) // MIB, "MB")},
    }  # fmt: skip


def _process(shell: Shell, gpu: Gpu) -> dict[str, Any]:
    now = shell.world.time
    rows = [
        {"process_info": {"name": process.command.split(" ")[0].rpartition("/")[2], "pid": process.pid,
                          "memory_usage": {"gtt_mem": _with_unit(0, "B"), "cpu_mem": _with_unit(0, "B"),
                                           "vram_mem": _with_unit(process.gpu_memory_at(now) or 0, "B")},
                          "mem_usage": _with_unit(process.gpu_memory_at(now) or 0, "B")}}
        for process in shell.host.on_gpu(gpu.index)
    ]  # fmt: skip
    return {"gpu": gpu.index, "process_list": rows or [{"process_info": "No running processes detected"}]}


def _with_unit(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def _figures(shell: Shell, gpu: Gpu) -> tuple[int, int, float, float]:
    """Load in percent, bytes used, watts, degrees."""
    load, kind = shell.host.utilisation(gpu.index), card(gpu.model)
    used = min(gpu.memory, _RESERVED + shell.host.gpu_memory_used(gpu.index))
    return load, used, kind.power(load), kind.temperature(load)


def _unique(gpu: Gpu) -> str:
    return "0x" + "".join(char for char in gpu.uuid.lower() if char in "0123456789abcdef")[-16:]


def _table(shell: Shell) -> str:
    rule = "=" * 78
    lines = [f"{' ROCm System Management Interface ':=^78}", f"{' Concise Info ':=^78}",
             "Device  Name                   Temp (Junction)  Power    VRAM%  GPU%", rule]  # fmt: skip
    for gpu in shell.host.gpus:
        load, used, watts, degrees = _figures(shell, gpu)
        share = 100 * used // gpu.memory
        lines.append(f"{gpu.index:<7} {gpu.model:<22} {degrees:>10.1f}°C  {watts:>9.1f}W {share:>6}% {load:>4}%")
    return "\n".join([*lines, rule, f"{' End of ROCm SMI Log ':=^78}", ""])
