"""Accelerators of Ascend from recorded tables of npu-smi."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gputui.accelerators.ascend import from_npu_smi
from gputui.accelerators.output import Part
from gputui.accelerators.reading import Use

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Part:
    return Part((RECORDED / name).read_text(), 0)


def test_accelerators_have_their_figures_and_processes() -> None:
    found = from_npu_smi(recorded("910b.npu.txt"))
    one, other = found.devices
    assert (one.index, one.model, one.utilization, one.power, one.temperature) == (4, "Ascend 910B2C", 6, 118.6, 47)
    assert (one.memory_used, one.memory_total) == (35738 * 2**20, 65536 * 2**20)
    assert (one.problem, other.problem) == (None, "npu-smi reports its health as Warning")
    assert found.uses == (Use(4, 1712733, 32446 * 2**20, "sglang::schedul"),)
    assert (found.silence, found.driver) == ("", "25.0.rc1.2")


def test_the_chips_of_one_card_have_their_own_numbers() -> None:
    found = from_npu_smi(recorded("910c.npu.txt"))
    assert [(one.index, one.model, one.power) for one in found.devices] == [
        (2, "Ascend 910", 182.0),
        (3, "Ascend 910", None),
    ]
    assert found.uses == (Use(3, 99976, 27977 * 2**20, ""),)


def test_a_process_of_an_unknown_chip_is_not_dropped() -> None:
    found = from_npu_smi(Part(recorded("910c.npu.txt").text.replace("| 1       1  ", "| 7       1  "), 0))
    assert (found.uses, found.silence) == ((), "npu-smi lists processes that cannot be read")


@pytest.mark.parametrize("unit", ["| 0 ", "|", "| 0     910B | OK | 1 1 |\n", "| 0 | 0000:6B:02.0 |\n", " \t", "a"])
def test_a_megabyte_of_garbage_takes_one_pass(unit: str) -> None:
    part = Part((unit * (2**20 // len(unit))), 1)
    before = time.process_time()
    with pytest.raises(ValueError, match="npu-smi fails"):
        from_npu_smi(part)
    assert time.process_time() - before < 1.0
