"""GPUs of AMD from recorded outputs of rocm-smi and amd-smi."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputui.accelerators import amd
from gputui.accelerators.output import Part
from gputui.accelerators.reading import Use

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Part:
    return Part((RECORDED / name).read_text(), 0)


class TestRocmSmi:
    def test_gpus_have_their_figures_and_those_processes_that_have_memory_there(self) -> None:
        found = amd.from_rocm(recorded("mi250x.rocm.json"), recorded("mi250x.kfd.txt"))
        one, other = found.devices
        assert (one.model, one.utilization, one.power, one.temperature) == (
            "AMD Instinct MI250X/MI250",
            88,
            280.4,
            62.6,
        )
        assert (one.memory_used, one.memory_total, one.uuid) == (34351349760, 68702699520, "0x9dcf9f0f8e3c1a11")
        assert (other.power, other.temperature) == (None, 38.0)
        assert found.uses == (Use(0, 28389, 34306260992),)
        assert (found.silence, found.driver) == ("", "6.2.4")

    def test_processes_of_a_driver_that_does_not_list_them_are_unknown(self) -> None:
        found = amd.from_rocm(recorded("mi250x.rocm.json"), Part("", 2))
        assert (found.uses, found.silence) == ((), "the driver lists no processes (/sys/class/kfd)")

    def test_a_process_of_an_unknown_gpu_is_not_dropped(self) -> None:
        older = Part(recorded("mi250x.rocm.json").text.replace("GUID", "GPU ID"), 0)
        found = amd.from_rocm(older, recorded("mi250x.kfd.txt"))
        assert found.silence == "this rocm-smi does not say which GPU a process uses"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("ERROR:root:Driver not initialized (amdgpu not found in modules)", "amdgpu not found in modules"),
            ("", "exit status 2"),
            ("[" * 100_000, "exit status 2"),
            ("{}", "lists no GPU"),
        ],
    )
    def test_an_output_without_gpus_is_a_failure_with_its_words(self, text: str, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            amd.from_rocm(Part(text, 2), None)

    def test_figures_that_cannot_be_are_unknown(self) -> None:
        card = {
            "GPU use (%)": "NaN",
            "VRAM Total Memory (B)": "9" * 400,
            "VRAM Total Used Memory (B)": -1,
            "Temperature (Sensor edge) (C)": [],
            "Card Series": {"x": 1},
            "Card Model": "0x740c",
        }
        (one,) = amd.from_rocm(Part(json.dumps({"card0": card, "card1x": {}}), 0), None).devices
        assert (one.utilization, one.memory_total, one.memory_used, one.temperature, one.model) == (None,) * 4 + ("",)


class TestAmdSmi:
    def test_gpus_have_their_figures_and_processes(self) -> None:
        parts = (recorded(f"mi300x.amd-{name}.json") for name in ("static", "metric", "process"))
        found = amd.from_amd_smi(*parts)
        one, other = found.devices
        assert (one.model, one.utilization, one.power, one.temperature) == ("AMD Instinct MI300X", 87, 542, 71)
        assert (one.memory_used, one.memory_total, one.fan) == (121344 * 2**20, 196592 * 2**20, None)
        assert (one.uuid, other.uuid) == ("0x7EFF74A05B6D8E11", "")
        assert found.uses == (Use(0, 213534, 127238406144, "/usr/bin/python3.12"),)
        assert (found.silence, found.driver) == ("", "6.10.5")

    def test_without_a_list_of_processes_they_are_unknown(self) -> None:
        found = amd.from_amd_smi(None, recorded("mi300x.amd-metric.json"), Part("Permission denied", 1))
        assert found.silence == "amd-smi fails (exit status 1): Permission denied"
        assert [one.model for one in found.devices] == ["", ""]
