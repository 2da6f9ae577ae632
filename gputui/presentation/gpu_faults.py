"""The faults of a GPU in words. Pure."""

from __future__ import annotations

from gputui.formatting import counted
from gputui.models import GpuDevice


def gpu_fault(device: GpuDevice) -> str:
    """Return the problem of a GPU, or the uncorrected errors of its memory; '' where none is known."""
    return device.problem or ecc_fault(device)


def ecc_fault(device: GpuDevice) -> str:
    """Write the uncorrected errors of a GPU's memory since its driver was loaded; '' where none is known."""
    if not device.ecc_errors:
        return ""
    return f"{counted(device.ecc_errors, 'uncorrected ECC error')} since the driver was loaded"
