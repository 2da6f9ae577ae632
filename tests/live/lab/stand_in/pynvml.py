"""NVML on a machine without a GPU: two devices, whose processes are real ones.

A process whose command line holds the word in ``LAB_GPU_WORD`` runs on GPU 0 when its pid is even, else on GPU 1.
The pody server imports this module in place of the one that talks to the driver; names are NVML's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NVML_TEMPERATURE_GPU = 0
_DEVICES = 2


class NVMLError(Exception):
    """What every call raises on failure."""


@dataclass(frozen=True)
class _Process:
    pid: int
    usedGpuMemory: int  # noqa: N815  (NVML's name)


def nvmlInit() -> None: ...  # noqa: N802
def nvmlShutdown() -> None: ...  # noqa: N802


def nvmlDeviceGetCount() -> int:  # noqa: N802
    return _DEVICES


def nvmlSystemGetDriverVersion() -> str:  # noqa: N802
    return "580.00"


def nvmlDeviceGetHandleByIndex(index: int) -> int:  # noqa: N802
    if not 0 <= index < _DEVICES:
        raise NVMLError("Invalid Argument")
    return index


def nvmlDeviceGetComputeRunningProcesses(handle: int) -> list[_Process]:  # noqa: N802
    return [_Process(pid, gpu_memory(pid)) for pid in _working() if pid % _DEVICES == handle]


def gpu_memory(pid: int) -> int:
    """Return the bytes of GPU memory that this process is said to use."""
    return (512 + pid % 1000) * 2**20


def _working() -> list[int]:
    word = os.environ["LAB_GPU_WORD"].encode()
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it ended while we looked
            if entry.name.isdigit() and word in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
