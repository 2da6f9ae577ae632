"""Yotta in the simulator: accounts with VMs, pods and serverless endpoints."""

from __future__ import annotations

from gputui.sim.machines.containers import SSH_PASSWORD
from gputui.sim.machines.world import World
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor

from .api import YottaApi
from .default_world import YOTTAS, YottaPlan, build_yotta
from .faults import YottaFaults


class YottaVendor(SimulatedVendor):
    """Builds accounts."""

    kind = "yotta"
    port_offsets = (2,)
    sizes = YOTTAS

    def build(self, world: World, plan: YottaPlan, seed: int) -> SimulatedAccount:
        """An account and its API."""
        cloud = build_yotta(world, plan, seed)
        api = YottaApi(cloud)
        config = {"kind": self.kind, "api_key": plan.key, "ssh": {"user": "root", "password": SSH_PASSWORD}}
        return SimulatedAccount(plan.name, api.app, YottaFaults(api), config, cloud)
