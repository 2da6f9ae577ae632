"""GPUhub in the simulator: clouds with deployments and containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputui.sim.vendors import SimulatedAccount
from gputui.sim.world import World

from .api import GpuhubApi
from .default_world import CLOUD_SETS, CLOUDS, CloudPlan, build_cloud
from .faults import GpuhubFaults


class GpuhubVendor:
    """Builds clouds; the variants are the names of CLOUD_SETS."""

    kind = "gpuhub"
    port_offsets = (0, 6, 7, 8)

    def plans(self, size: str, variant: str = "") -> Sequence[CloudPlan]:
        """The clouds of a size or a set; the variant "usual" is that of the size."""
        if variant in ("", "usual"):
            return CLOUDS[size]
        if variant not in CLOUD_SETS:
            raise ValueError(f"unknown clouds {variant!r}: one of usual, {', '.join(CLOUD_SETS)}")
        return CLOUD_SETS[variant]

    def build(self, world: World, plan: CloudPlan, seed: int) -> SimulatedAccount:
        """A cloud and its API."""
        cloud = build_cloud(world, plan, seed)
        api = GpuhubApi(cloud)
        config: dict[str, Any] = {"preset": plan.preset} if plan.preset else {"kind": self.kind}
        config["token"] = plan.token
        if not plan.preset:
            config |= {"currency": plan.currency, "regions": plan.regions}
        return SimulatedAccount(plan.name, api.app, GpuhubFaults(api), config, cloud)
