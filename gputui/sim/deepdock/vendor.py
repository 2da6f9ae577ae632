"""DeepDock in the simulator: hosts with containers without owners."""

from __future__ import annotations

from typing import Any

from gputui.sim.machines.containers import SSH_PASSWORD
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.world import World
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor

from .api import DeepdockApi
from .default_world import DOCKS, USER, DockPlan, build_dock
from .faults import DeepdockFaults


class DeepdockVendor(SimulatedVendor):
    """Builds hosts."""

    kind = "deepdock"
    port_offsets = (3, 9)
    sizes = DOCKS

    def build(self, world: World, plan: DockPlan, seed: int) -> SimulatedAccount:
        """A host and its API."""
        host = build_dock(world, plan, seed)
        api = DeepdockApi(host, plan.header)
        config: dict[str, Any] = {
            "kind": self.kind,
            "gpu_model": plan.label,
            "gpu_memory": f"{plan.gpu_memory // GIB}G",
            "price": plan.price,
        }
        if plan.header is not None:
            config["header"] = dict(zip(("name", "value"), plan.header, strict=True))
        return SimulatedAccount(
            *(plan.name, api.app, DeepdockFaults(api), config, host),
            comment=f"Containers accept {USER} with the password {SSH_PASSWORD}; new containers accept the user "
            "given when they are created.",
            dated=False,
        )
