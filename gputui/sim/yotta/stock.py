"""The stock of a simulated Yotta: GPU types, regions, and the idle GPUs in each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

REGIONS = {
    "us-east-1": "US East 1",
    "us-east-3": "US East 3",
    "us-west-1": "US West 1",
    "eu-central-1": "Europe Central 1",
    "ap-southeast-1": "Asia Pacific Southeast 1",
}
"""Region codes and their names."""


@dataclass(frozen=True)
class GpuType:
    """A kind of GPU. ``memory`` in GB, ``price`` per GPU and hour in USD, ``in_vm`` how many a VM has."""

    code: str
    name: str
    memory: int
    price: float
    in_vm: int = 1


NO_GPU = GpuType("", "", 0, 0.08, 0)
"""The resource of a pod of the type CPU."""
GPU_TYPES = {
    kind.code: kind
    for kind in (
        GpuType("NVIDIA_RTX_4090_24G", "RTX 4090", 24, 0.39),
        GpuType("NVIDIA_RTX_5090_32G", "RTX 5090", 32, 0.65),
        GpuType("NVIDIA_RTX_A6000_48G", "RTX A6000", 48, 0.45),
        GpuType("NVIDIA_RTX_6000_Ada_48G", "RTX 6000 Ada", 48, 0.74),
        GpuType("NVIDIA_A100_PCIe_40G", "A100 PCIe 40G", 40, 0.89),
        GpuType("NVIDIA_A100_40G", "A100 40G", 40, 0.99),
        GpuType("NVIDIA_A100_PCIe_80G", "A100 PCIe 80G", 80, 1.19),
        GpuType("NVIDIA_A100_80G", "A100 80GB", 80, 1.39),
        GpuType("NVIDIA_H100_PCIe_80G", "H100 PCIe", 80, 1.99),
        GpuType("NVIDIA_H100_80G", "H100", 80, 2.39, 8),
        GpuType("NVIDIA_RTX_PRO_6000_96G", "RTX PRO 6000", 96, 1.79),
        GpuType("NVIDIA_H200_141G", "H200", 141, 3.19, 8),
        GpuType("NVIDIA_B200_180G", "B200", 180, 4.79, 8),
        GpuType("NVIDIA_B300_262G", "B300", 262, 6.49, 8),
        GpuType("AWS_Trainium_32G", "Trainium1", 32, 1.34),
        GpuType("AMD_MI300X_192G", "MI300X", 192, 2.19, 8),
    )
}
"""The GPU types of the document, by code."""


@dataclass
class Shelf:
    """One kind of GPU in one region. ``usual`` is how many are idle on a usual day; fewer than none are never."""

    kind: GpuType
    region: str
    vm_type: int
    usual: int
    idle: int
    price: float
    """Of one GPU for an hour, in USD, for what is rented from now on."""


class Market:
    """Idle GPUs by kind and region. Other customers take them and bring them back, see :meth:`drift`."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._numbers = itertools.count(101)
        self.shelves: dict[tuple[str, str], Shelf] = {}
        self.region_names = dict(REGIONS)
        self.flickers = False
        """Idle GPUs appear and disappear by a plan: the use by other customers does not drift."""

    def add(self, kind: GpuType, region: str, usual: int) -> Shelf:
        """Offer a kind of GPU in a region."""
        shelf = Shelf(kind, region, next(self._numbers), usual, usual, kind.price)
        self.shelves[kind.code, region] = shelf
        self.region_names.setdefault(region, region)
        return shelf

    def remove(self, kind: GpuType, region: str) -> None:
        """Remove a GPU type from a region."""
        self.shelves.pop((kind.code, region), None)
        if region not in REGIONS:
            self.region_names.pop(region, None)

    def kinds(self) -> Iterator[tuple[GpuType, list[Shelf]]]:
        """Each kind with its regions."""
        by_kind: dict[GpuType, list[Shelf]] = {}
        for shelf in self.shelves.values():
            by_kind.setdefault(shelf.kind, []).append(shelf)
        yield from by_kind.items()

    def vm_type(self, number: int, region: str) -> Shelf | None:
        """The GPU type of a VM type id, None when it is not in that region."""
        return next((one for one in self.shelves.values() if (one.vm_type, one.region) == (number, region)), None)

    def take(self, kind: GpuType, regions: Collection[str], count: int) -> str | None:
        """Take idle GPUs in one of the regions (none: any); returns the region, None where there are not enough."""
        if kind is NO_GPU:
            return next(iter(regions or REGIONS))
        able = [
            shelf
            for shelf in self.shelves.values()
            if shelf.kind.code == kind.code and (not regions or shelf.region in regions) and shelf.idle >= count
        ]
        if not able:
            return None
        shelf = max(able, key=lambda one: one.idle)
        shelf.idle -= count
        return shelf.region

    def give_back(self, kind: GpuType, region: str, count: int) -> None:
        """GPUs are idle again."""
        shelf = self.shelves.get((kind.code, region))
        if shelf is not None:
            shelf.idle += count

    def priced(self, kind: GpuType, region: str) -> GpuType:
        """The kind of GPU at the price that it has in the region now."""
        shelf = self.shelves.get((kind.code, region))
        return kind if shelf is None or shelf.price == kind.price else replace(kind, price=shelf.price)

    def drift(self) -> None:
        """Change the use by other customers, around the usual level."""
        if self.flickers:
            return
        shelf = self._rng.choice(list(self.shelves.values()))
        towards = 1 if shelf.idle < shelf.usual else -1
        step = self._rng.choice((towards, towards, -towards)) * self._rng.randint(1, 3)
        shelf.idle = max(0, shelf.idle + step)
