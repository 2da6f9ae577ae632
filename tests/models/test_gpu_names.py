"""GPU names: those of drivers and vendors, as they write them, become one label a card."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.models import gpu_label, gpu_matches, gpu_memory

NAMES = {
    "RTX 5090": ("NVIDIA_RTX_5090_32G", "NVIDIA GeForce RTX 5090", "RTX 5090", "5090"),
    "RTX 5090D": ("NVIDIA GeForce RTX 5090 D", "RTX 5090D"),
    "RTX 4090": ("NVIDIA_RTX_4090_24G", "nvidia rtx 4090", "NVIDIA GeForce RTX 4090", "RTX4090", "RTX_4090_24G"),
    "RTX 4090D": ("NVIDIA GeForce RTX 4090 D", "RTX 4090D", "4090D"),
    "RTX 4090 48G": ("RTX 4090-48G", "RTX 4090 48GB"),
    "RTX 4090 Laptop": ("NVIDIA GeForce RTX 4090 Laptop GPU",),
    "RTX 4080 SUPER": ("NVIDIA GeForce RTX 4080 SUPER", "RTX 4080S"),
    "RTX 4070 Ti SUPER": ("GeForce RTX 4070 Ti SUPER",),
    "RTX 3090": ("NVIDIA GeForce RTX 3090", "RTX 3090", "3090"),
    "RTX 3080": ("NVIDIA GeForce RTX 3080", "RTX 3080-10GB"),
    "RTX 3080 12G": ("RTX 3080 12GB",),
    "RTX 3080x2": ("RTX 3080x2",),
    "RTX 2080 Ti": ("NVIDIA GeForce RTX 2080 Ti", "RTX 2080Ti", "2080Ti", "RTX 2080 Ti 11GB"),
    "RTX 2080 Ti 22G": ("RTX 2080 Ti 22GB",),
    "GTX 1080 Ti": ("NVIDIA GeForce GTX 1080 Ti", "GTX1080Ti"),
    "TITAN Xp": ("NVIDIA TITAN Xp", "TITAN Xp", "TITAN XP"),
    "TITAN RTX": ("NVIDIA TITAN RTX",),
    "RTX PRO 6000": (
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
        "NVIDIA_RTX_PRO_6000_96G",
        "RTX Pro 6000",
        "RTX PRO 6000",
    ),
    "RTX PRO 6000 Max-Q": ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",),
    "RTX 6000 Ada": ("NVIDIA RTX 6000 Ada Generation", "NVIDIA_RTX_6000_Ada_48G", "RTX 6000 Ada"),
    "RTX 4000 SFF Ada": ("NVIDIA RTX 4000 SFF Ada Generation",),
    "RTX A6000": ("NVIDIA RTX A6000", "NVIDIA_RTX_A6000_48G", "A6000"),
    "RTX A4000": ("NVIDIA RTX A4000", "RTX A4000"),
    "Quadro RTX 6000": ("Quadro RTX 6000",),
    "T4": ("Tesla T4",),
    "P40": ("Tesla P40",),
    "P100 PCIe 16G": ("Tesla P100-PCIE-16GB",),
    "V100 SXM 16G": ("Tesla V100-SXM2-16GB",),
    "V100 SXM 32G": ("Tesla V100-SXM2-32GB", "V100-SXM2-32GB", "Tesla V100-SXM3-32GB"),
    "V100 PCIe 16G": ("Tesla V100-PCIE-16GB",),
    "V100 32G": ("V100-32GB",),
    "V100S": ("Tesla V100S-PCIE-32GB",),
    "A10": ("NVIDIA A10",),
    "A10G": ("NVIDIA A10G",),
    "A40": ("NVIDIA A40",),
    "A100 SXM 40G": ("NVIDIA_A100_40G", "NVIDIA A100-SXM4-40GB"),
    "A100 SXM 80G": ("NVIDIA_A100_80G", "A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM-80GB"),
    "A100 PCIe 40G": ("NVIDIA_A100_PCIe_40G", "A100-PCIE-40GB", "NVIDIA A100-PCIE-40GB", "A100 PCIe 40G"),
    "A100 PCIe 80G": ("NVIDIA_A100_PCIe_80G", "NVIDIA A100 80GB PCIe"),
    "A100 80G": ("A100 80GB", "A100-80GB"),
    "A100": ("A100",),
    "A800 80G": ("A800-80GB",),
    "A800 SXM 80G": ("NVIDIA A800-SXM4-80GB",),
    "L20": ("NVIDIA L20", "L20"),
    "L40S": ("NVIDIA L40S", "L40S", "NVIDIA L40S-48GB"),
    "H20": ("NVIDIA H20", "H20-NVLink"),
    "H20 141G": ("NVIDIA H20-3e",),
    "H100 SXM 80G": ("NVIDIA_H100_80G", "NVIDIA H100 80GB HBM3", "H100-SXM5-80GB", "H100 SXM5"),
    "H100 PCIe 80G": ("NVIDIA_H100_PCIe_80G", "NVIDIA H100 PCIe", "H100 PCIe"),
    "H100 NVL 94G": ("NVIDIA H100 NVL",),
    "H100": ("H100",),
    "H800": ("NVIDIA H800", "H800"),
    "H800 PCIe": ("NVIDIA H800 PCIe",),
    "H200": ("NVIDIA_H200_141G", "NVIDIA H200", "H200"),
    "H200 NVL": ("NVIDIA H200 NVL",),
    "GH200": ("NVIDIA GH200 480GB",),
    "GH200 144G": ("NVIDIA GH200 144G HBM3e",),
    "B200": ("NVIDIA_B200_180G", "NVIDIA B200"),
    "B300": ("NVIDIA_B300_262G", "NVIDIA B300 SXM6 AC"),
    "GB10": ("NVIDIA GB10",),
    "MI300X": ("AMD_MI300X_192G", "AMD Instinct MI300X", "AMD Instinct MI300X OAM"),
    "Trainium": ("AWS_Trainium_32G", "Trainium1"),
    "Radeon RX 7900 XTX": ("AMD Radeon RX 7900 XTX",),
    "vGPU-32GB": ("vGPU-32GB", "NVIDIA vGPU-32GB"),
    "vGPU-48GB-350W": ("vGPU-48GB-350W",),
    "A40-48Q": ("NVIDIA A40-48Q",),
    "T4-16Q": ("GRID T4-16Q",),
    "A100 SXM 80G MIG 1g.10gb": ("NVIDIA A100-SXM4-80GB MIG 1g.10gb",),
    "MR-V100": ("MR-V100",),
    "K100-AI": ("K100-AI",),
    "Ascend 910B2": ("Ascend 910B2",),
}
"""Each label with real names of the card: of nvidia-smi, of GPUhub and AutoDL, of Yotta's codes."""


@pytest.mark.parametrize(("name", "label"), [(name, label) for label, names in NAMES.items() for name in names])
def test_the_names_of_a_gpu_become_one_label(name: str, label: str) -> None:
    assert gpu_label(name) == label


def test_the_table_has_sixty_names_and_more() -> None:
    assert len({name for names in NAMES.values() for name in names}) >= 60


@pytest.mark.parametrize("label", NAMES)
def test_a_label_is_its_own_label(label: str) -> None:
    assert gpu_label(label) == label


@pytest.mark.parametrize(
    ("name", "gigabytes", "label"),
    [
        ("A100", 80, "A100 80G"),
        ("A100 SXM", 40, "A100 SXM 40G"),
        ("NVIDIA GeForce RTX 4090", 47.99, "RTX 4090 48G"),  # with twice the memory: its name is the usual one
        ("NVIDIA GeForce RTX 4090", 23.99, "RTX 4090"),
        ("NVIDIA GeForce RTX 4090", 10, "RTX 4090"),  # a limit of the container's, no other card
        ("NVIDIA A100-SXM4-80GB", 39.5, "A100 SXM 80G"),  # the name says it
        ("NVIDIA B200", 179.1, "B200"),
        ("NVIDIA GB10", 120, "GB10"),
    ],
)
def test_memory_distinguishes_cards_of_the_same_name(name: str, gigabytes: float, label: str) -> None:
    assert gpu_label(name, round(gigabytes * 2**30)) == label


@pytest.mark.parametrize(
    ("label", "gigabytes"),
    [
        ("RTX 2080 Ti", 11),
        ("RTX 4090 48G", 48),
        ("H20", 96),
        ("H200 NVL", 141),
        ("H100 PCIe", 80),
        ("A100 SXM 80G", 80),
        ("vGPU-48GB-350W", 48),
        ("P40", 24),
        ("A100", None),
        ("A100 PCIe", None),
        ("Odd 7", None),
    ],
)
def test_the_memory_of_a_gpu_where_its_label_leaves_no_choice(label: str, gigabytes: int | None) -> None:
    assert gpu_memory(label) == (None if gigabytes is None else gigabytes * 2**30)


@pytest.mark.parametrize(
    ("label", "wanted", "matches"),
    [
        ("H100 SXM 80G", "H100", True),
        ("NVIDIA_H100_80G", "h100", True),
        ("H100 PCIe 80G", "H100 SXM", False),
        ("A100 SXM 80G", "A100 80GB", True),
        ("A100 SXM 40G", "A100 80GB", False),
        ("A100", "A100 80GB", False),  # it may be one, and may not
        ("RTX 4090D", "RTX 4090", False),
        ("RTX 4090 48G", "4090", True),
    ],
)
def test_a_kind_of_gpu_matches_all_that_are_of_it(label: str, wanted: str, matches: bool) -> None:
    assert gpu_matches(label, wanted) is matches


@given(st.text(min_size=1))
def test_a_gpu_always_has_a_label_and_it_is_its_own(name: str) -> None:
    label = gpu_label(name)
    assert label
    assert gpu_label(label) == label


@pytest.mark.parametrize("unit", ["a-", "1 G", "a MIG ", "-"])
def test_a_megabyte_in_place_of_a_name_costs_nothing(unit: str) -> None:
    name = unit * (1_000_000 // len(unit))
    before = time.process_time()
    gpu_label(name)
    assert time.process_time() - before < 0.05
