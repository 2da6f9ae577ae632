"""The clouds of the default world, and sets of others by name."""

from __future__ import annotations

from dataclasses import replace

from gputui.sim.machines.hardware import GIB

from .entities import CONTAINER, JOB, REPLICA_SET, GpuModel
from .instances import SPECS
from .plans import DAY_SECONDS, CloudPlan, InitialDeployment, InitialInstance

HUB_REGIONS = ("sgp1", "Singapore-A", "Singapore-B")
AUTODL_REGIONS = (
    "westDC2", "westDC3", "beijingDC1", "beijingDC2", "beijingDC3", "beijingDC4", "neimengDC1", "neimengDC3",
    "foshanDC1", "chongqingDC1", "yangzhouDC1",
)  # fmt: skip
PUBLIC_IMAGES = (
    "base-image-12be412037", "base-image-u9r24vthlk", "base-image-l374uiucui", "base-image-l2t43iu6uk",
    "base-image-0gxqmciyth", "base-image-uxeklgirir", "base-image-4bpg0tt88l", "base-image-mbr2n4urrc",
    "base-image-qkkhitpik5", "base-image-h041hn36yt", "base-image-7bn8iqhkb5", "base-image-k0vep6kyq8",
    "base-image-l2843iu23k", "base-image-ec1e9vdbd3", "base-image-lbdbb183fk", "base-image-8hkyyugih5",
)  # fmt: skip
_HUB_MODELS = tuple(
    GpuModel(name, memory * GIB, price)
    for name, memory, price in (
        ("RTX 5090", 32, 1600), ("RTX Pro 6000", 96, 2800), ("RTX 4090", 24, 900), ("L40S", 48, 1300),
        ("A100-SXM4-80GB", 80, 1900), ("H100-SXM5-80GB", 80, 3200), ("H200", 141, 4100), ("RTX 3090", 24, 400),
    )
)  # fmt: skip
_AUTODL_MODELS = tuple(
    GpuModel(name, memory * GIB, price)
    for name, memory, price in (
        ("RTX 4090", 24, 1980), ("RTX 3090", 24, 1320), ("RTX 5090", 32, 2830), ("A100-PCIE-40GB", 40, 3450),
        ("A800-80GB", 80, 4980), ("H800", 80, 8880), ("L20", 48, 2160), ("V100-SXM2-32GB", 32, 1850),
        ("RTX 4090D", 24, 1880), ("RTX 2080 Ti", 11, 880), ("RTX A5000", 24, 1180), ("RTX A4000", 16, 820),
        ("RTX 3080 Ti", 12, 980), ("RTX 3080", 10, 860), ("RTX 3060", 12, 640), ("TITAN Xp", 12, 660),
        ("Tesla T4", 16, 780), ("P40", 24, 560), ("A40", 48, 2320), ("A10", 24, 1240),
        ("L40", 48, 2480), ("L40S", 48, 3020), ("H20-NVLink", 96, 6980), ("H100-SXM5-80GB", 80, 9880),
        ("A100-SXM4-80GB", 80, 5680), ("RTX 6000 Ada", 48, 3180), ("RTX Pro 6000", 96, 5990), ("RTX 4080", 16, 1420),
        ("vGPU-32GB", 32, 1560), ("vGPU-48GB", 48, 2180),
    )
)  # fmt: skip


_HUB_DEPLOYMENTS = (
    InitialDeployment("llama-serve", REPLICA_SET, 8),
    InitialDeployment("embed-api", REPLICA_SET, 4, model=2, reuse=True),
    InitialDeployment("mmlu-eval", JOB, 3, model=2, replicas=40),
    InitialDeployment("qwen-finetune", REPLICA_SET, 6, model=1, gpus=2),
    InitialDeployment("notebook", CONTAINER, 1, model=3),
    InitialDeployment("sdxl-batch", JOB, 3, model=7, replicas=12, stopped=True),
    # No host has a driver as old as that: it never starts.
    InitialDeployment("video-upscale", REPLICA_SET, 0, model=2, replicas=2, newest_cuda=120),
)
_AUTODL_DEPLOYMENTS = (
    InitialDeployment("sd-webui", REPLICA_SET, 5, model=0),
    InitialDeployment("asr-service", REPLICA_SET, 3, model=1, reuse=True, unseen=True),
    InitialDeployment("data-clean", JOB, 2, model=8, replicas=24),
)
_PERSONAL_INSTANCES = (
    InitialInstance("sdxl-lora", "5090-p", "running", 5.4 * 3600, command="python train_lora.py"),
    InitialInstance("paper-eval", "pro6000-p", "running", 31 * 3600.0, gpus=2, extra_disk=200 * GIB),
    InitialInstance("notebook", "4090D", "creating", 0.0),
    InitialInstance("thesis", "v-48g", "shutdown", 3.2 * DAY_SECONDS, extra_disk=50 * GIB),
    InitialInstance("old-ablation", "5090-p", "shutdown", 13.6 * DAY_SECONDS),
)
_COMPANY_INSTANCES = (
    InitialInstance("debug-box", "4090D", "running", 2.1 * 3600),
    InitialInstance("label-tool", "v-32g-p", "shutdown", 6.5 * DAY_SECONDS),
)
_HUB = CloudPlan("hub", "hub-token-6f1d2c", "USD", HUB_REGIONS, _HUB_MODELS, _HUB_DEPLOYMENTS)
_AUTODL = CloudPlan(
    "autodl",
    "autodl-token-93be07",
    "CNY",
    AUTODL_REGIONS,
    _AUTODL_MODELS,
    _AUTODL_DEPLOYMENTS,
    instances=_COMPANY_INSTANCES,
    specs=tuple(SPECS),
    preset="autodl",
    uid=2048,
)


def _many(deployments: int, each: int, models: int) -> tuple[InitialDeployment, ...]:
    return tuple(
        InitialDeployment(
            f"{_STEMS[number % len(_STEMS)]}-{number:03d}",
            JOB if number % 5 == 4 else REPLICA_SET,
            each,
            model=number % models,
            replicas=each * 40 if number % 5 == 4 else 0,
            reuse=number % 3 == 0,
            runs=1800,
        )
        for number in range(deployments)
    )


_STEMS = ("serve", "train", "eval", "sweep", "batch", "embed", "render")
PERSONAL = CloudPlan(
    "personal",
    "personal-token-5c70e1",
    "CNY",
    AUTODL_REGIONS,
    _AUTODL_MODELS,
    (),
    instances=_PERSONAL_INSTANCES,
    specs=tuple(SPECS),
    personal=True,
    preset="autodl",
    uid=4096,
)
"""A personal account of AutoDL: instances, stock, images and wallet, and no deployments."""
CLOUDS: dict[str, tuple[CloudPlan, ...]] = {
    "small": (_HUB, _AUTODL, PERSONAL),
    "large": (
        replace(_HUB, initial=_many(100, 10, len(_HUB_MODELS)), machines=30, everywhere=True),
        replace(_AUTODL, machines=4, everywhere=True),
    ),
    "huge": (
        replace(_HUB, initial=_many(100, 100, len(_HUB_MODELS)), machines=260, everywhere=True),
        replace(_AUTODL, machines=4, everywhere=True),
    ),
}
"""The clouds of each size of the world: hub has 25, 1,000 and 10,000 containers."""
PRIVATE = CloudPlan(
    "private",
    "private-token-41aa90",
    "CNY",
    ("roomA", "roomB"),
    _AUTODL_MODELS[:6],
    _AUTODL_DEPLOYMENTS[:2],
    everywhere=True,
    private=True,
    preset="autodl-private",
    uid=7,
)
"""A private cloud: stock as one dictionary, also of all regions at once; the blacklist by POST."""
BENCHMARK = replace(
    _HUB,
    currency="CNY",
    regions=(*AUTODL_REGIONS, "sgp1"),
    models=_AUTODL_MODELS,
    initial=_many(100, 10, len(_AUTODL_MODELS)),
    machines=2,
    everywhere=True,
)
"""Twelve regions of thirty models, 100 deployments with 1,000 containers."""
CLOUD_SETS: dict[str, tuple[CloudPlan, ...]] = {
    "none": (),
    "private": (PRIVATE,),
    "personal": (PERSONAL,),
    "benchmark": (BENCHMARK,),
}
"""Clouds to have in place of a size's own, by name."""
