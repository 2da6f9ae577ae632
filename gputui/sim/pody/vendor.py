"""pody in the simulator: hosts with the pods of several users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gputui.sim.machines.containers import SSH_PASSWORD
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.world import World
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor

from .api import PodyApi
from .default_world import HOSTS, PASSWORDS, HostPlan, build_host
from .faults import PodyFaults
from .validation import parse_release


class PodyVendor(SimulatedVendor):
    """Builds hosts; the variants are the releases of the server."""

    kind = "pody"
    port_offsets = (1, 5)
    sizes = HOSTS

    def plans(self, size: str, variant: str = "") -> Sequence[HostPlan]:
        """The hosts of a size, with the newest release of the server or the variant's."""
        if not variant:
            return self.sizes[size]
        parse_release(variant)
        return [replace(plan, release=variant) for plan in self.sizes[size]]

    def build(self, world: World, plan: HostPlan, seed: int) -> SimulatedAccount:
        """A host and its API, as alice uses it."""
        host = build_host(world, plan)
        config = {
            "kind": self.kind,
            "username": "alice",
            "password": PASSWORDS["alice"],
            "gpu_model": plan.label,
            "gpu_memory": f"{plan.gpu_memory // GIB}G",
            "price": 0,
            "ssh": {"user": "root", "password": SSH_PASSWORD},
        }
        return SimulatedAccount(plan.name, PodyApi(host, plan.release).app, PodyFaults(host), config, host)
