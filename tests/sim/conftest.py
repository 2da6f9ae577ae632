"""Simulators in a frozen world, and clients that know nothing of gputui's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import httpx
import pytest

from gputui.sim.deepdock.default_world import DockPlan
from gputui.sim.gpuhub.plans import CloudPlan
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from gputui.sim.pody.default_world import HOSTS, build_host
from gputui.sim.server import Running, running_simulator
from gputui.sim.yotta.default_world import YottaPlan

START = 1_750_000_000.0
ALICE = ("alice", "wonderland")


class Hands:
    """A monotonic clock moved by hand, in real seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def build_world(clock: WorldClock, *, size: str = "small", seed: int = 0) -> World:
    """A world with the pody hosts of a size, and nothing else."""
    world = World(clock, seed=seed)
    for plan in HOSTS[size]:
        build_host(world, plan)
    return world


class Sims:
    """Starts simulators and clients, and ends them with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def start(
        self,
        release: str = "0.4.1",
        *,
        ssh: bool = False,
        clock: WorldClock | None = None,
        clouds: Sequence[CloudPlan] = (),
        docks: Sequence[DockPlan] = (),
        yottas: Sequence[YottaPlan] = (),
    ) -> Running:
        """A simulator of the two pody hosts, and of the clouds, DeepDock hosts and Yotta accounts asked for."""
        frozen = clock or WorldClock(speed=0, start=START)
        simulator = running_simulator(
            ssh=ssh,
            clock=frozen,
            variants={"pody": release},
            plans={"gpuhub": clouds, "deepdock": docks, "yotta": yottas, "ssh": ()},
        )
        return await self._stack.enter_async_context(simulator)

    async def client(
        self, sim: Running, account: str = "lab", auth: tuple[str, str] | None = ALICE
    ) -> httpx.AsyncClient:
        # The certificates of the usual authorities take most of a test's time to load.
        client = httpx.AsyncClient(
            base_url=sim.base_urls[account], auth=auth, trust_env=False, verify=False, timeout=5
        )
        return await self._stack.enter_async_context(client)


@pytest.fixture
async def sims() -> AsyncIterator[Sims]:
    async with AsyncExitStack() as stack:
        yield Sims(stack)
