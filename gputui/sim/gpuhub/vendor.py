"""GPUhub in the simulator: clouds with deployments and containers."""

from __future__ import annotations

from typing import Any

from gputui.sim.machines.world import World
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor

from .api import GpuhubApi
from .building import build_cloud
from .default_world import CLOUD_SETS, CLOUDS
from .faults import GpuhubFaults
from .plans import CloudPlan


class GpuhubVendor(SimulatedVendor):
    """Builds clouds."""

    kind = "gpuhub"
    port_offsets = (0, 6, 7, 8)
    sizes = CLOUDS
    variants = CLOUD_SETS

    def build(self, world: World, plan: CloudPlan, seed: int) -> SimulatedAccount:
        """A cloud and its API."""
        cloud = build_cloud(world, plan, seed)
        api = GpuhubApi(cloud)
        config: dict[str, Any] = {"preset": plan.preset} if plan.preset else {"kind": self.kind}
        config["token"] = plan.token
        if not plan.preset:
            config |= {"currency": plan.currency, "regions": plan.regions}
        return SimulatedAccount(plan.name, api.app, GpuhubFaults(api), config, cloud)
