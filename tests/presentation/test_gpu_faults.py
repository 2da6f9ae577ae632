"""The faults of a GPU: its problem before its memory errors; unknown errors are none that can be named."""

from __future__ import annotations

from dataclasses import replace

from gputui.models import GpuDevice, Ref
from gputui.models.serialize import from_plain, to_plain
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.gpus import gpu_columns
from gputui.presentation.gpu_faults import gpu_fault

GPU = GpuDevice(Ref("hosts", "gpu", "gpu01:0"), "gpu01", 0, ecc_errors=2)


def test_memory_errors_are_a_fault_and_a_problem_goes_before_them() -> None:
    assert gpu_fault(GPU) == "2 uncorrected ECC errors since the driver was loaded"
    assert gpu_fault(replace(GPU, problem="is lost")) == "is lost"
    assert (gpu_fault(replace(GPU, ecc_errors=0)), gpu_fault(replace(GPU, ecc_errors=None))) == ("", "")


def test_none_is_shown_as_a_count_and_unknown_is_left_out() -> None:
    (column,) = (column for column in gpu_columns(Context()) if column.key == "ecc")
    shown = [plain_text(column.described(replace(GPU, ecc_errors=errors))) for errors in (2, 0, None)]
    assert (shown, column.shown) == (["2 uncorrected", "0 uncorrected", ""], False)


def test_memory_errors_of_an_older_release_are_unknown() -> None:
    plain = to_plain(GPU)
    assert from_plain(GpuDevice, plain) == GPU
    del plain["ecc_errors"]
    assert from_plain(GpuDevice, plain).ecc_errors is None
