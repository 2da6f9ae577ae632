"""A simulated Yotta account: VMs, pods, volumes and credentials, and how they go through their states."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace

from gputui.sim.machines.world import World

from .entities import INITIALIZING, RUNNING, SIZED, STOPPED, TERMINATED, Credential, Rental, RentalOrder, Volume
from .serverless import Serverless
from .ssh_access import close_shell, open_shell
from .stock import Market

VM_STARTS, POD_STARTS = (20.0, 90.0), (6.0, 40.0)
GONE_AFTER = 60.0
"""World seconds that a terminated resource is still listed."""
_VOLUME_WORK = (3.0, 12.0)


class YottaCloud:
    """One account. Changes take time, none in a frozen world.

    Call ``world.advance()`` before reading. It has its own random generator.
    """

    def __init__(self, world: World, name: str, *, key: str, seed: int | str = 0) -> None:
        self.world = world
        self.name = name
        self.key = key
        self.rng = random.Random(f"{name} {seed}")  # noqa: S311  a pretend cloud has no secrets
        self.market = Market(self.rng)
        self.vms: dict[int, Rental] = {}
        self.pods: dict[int, Rental] = {}
        self.volumes: dict[int, Volume] = {}
        self.credentials: dict[int, Credential] = {}
        self._ids = itertools.count(10_452)
        self.serverless = Serverless(world, self.rng, self.market, self.new_id)

    def new_id(self) -> int:
        """Return a new unique id."""
        return next(self._ids)

    # VMs and pods

    def rent(self, rentals: dict[int, Rental], order: RentalOrder) -> Rental | None:
        """Create and start a VM or pod; None when there are not enough idle GPUs."""
        region = self.market.take(order.kind, order.regions, order.gpus)
        if region is None:
            return None
        priced = replace(order, kind=self.market.priced(order.kind, region))
        rental = self.add(rentals, priced, region, self.world.time)
        self.start(rental)
        return rental

    def add(self, rentals: dict[int, Rental], order: RentalOrder, region: str, created: float) -> Rental:
        """Add a VM or pod without starting it."""
        rental = Rental(self.new_id(), order, region, created)
        rentals[rental.id] = rental
        return rental

    def start(self, rental: Rental) -> None:
        """Start a VM or pod that has its GPUs."""
        rental.status = INITIALIZING
        seconds = VM_STARTS if rental.id in self.vms else POD_STARTS
        self._then(rental, seconds, lambda: self.runs(rental))

    def runs(self, rental: Rental) -> None:
        """It runs from now on."""
        rental.status = RUNNING
        open_shell(self.world, self.rng, self.name, rental)

    def restart(self, rental: Rental) -> None:
        """Restart a running one as after a crash."""
        close_shell(rental)
        self.start(rental)

    def pause(self, rental: Rental) -> None:
        """Stop it and free its GPUs; the definition remains."""
        rental.transition = None
        rental.status = STOPPED
        close_shell(rental)
        self.market.give_back(rental.order.kind, rental.region, rental.order.gpus)

    def resume(self, rental: Rental) -> bool:
        """Start a stopped one in the same region; False when there are not enough idle GPUs."""
        if self.market.take(rental.order.kind, (rental.region,), rental.order.gpus) is None:
            return False
        self.start(rental)
        return True

    def terminate(self, rentals: dict[int, Rental], rental: Rental) -> None:
        """Terminate it; it stays listed for some time."""
        if rental.status in (INITIALIZING, RUNNING):
            self.pause(rental)
        rental.status = TERMINATED
        self._then(rental, (GONE_AFTER, GONE_AFTER), lambda: rentals.pop(rental.id, None))

    def _then(self, rental: Rental, seconds: tuple[float, float], event: Callable[[], object]) -> None:
        transition = rental.transition = object()

        def happen() -> None:
            if rental.transition is transition:
                event()

        self._soon(seconds, happen)

    # Volumes

    def mounts(self, volume: Volume) -> int:
        """How many VMs and pods have a volume."""
        rentals = itertools.chain(self.vms.values(), self.pods.values())
        return sum(volume.id in one.order.mounts and one.status != TERMINATED for one in rentals)

    def add_volume(
        self, name: str, kind: str, *, size: int | None = None, region: str | None = None, vendor: str | None = None
    ) -> Volume:
        """Create a volume; one without a size is ready immediately."""
        volume = Volume(self.new_id(), name, kind, self.world.time, size, region, vendor)
        self.volumes[volume.id] = volume
        if kind in SIZED:
            self._activate(volume, size)
        else:
            volume.status = "active"
        return volume

    def resize(self, volume: Volume, size: int) -> None:
        """Change a volume's size, in GB."""
        volume.status = "resizing"
        self._activate(volume, size)

    def _activate(self, volume: Volume, size: int | None) -> None:
        """Make a volume active after some time, unless its status changes before."""
        before = volume.status

        def done() -> None:
            if volume.status == before:
                volume.size, volume.status = size, "active"

        self._soon(_VOLUME_WORK, done)

    def delete_volume(self, volume: Volume) -> None:
        """Delete a volume."""
        volume.status = "deleting"
        self._soon(_VOLUME_WORK, lambda: self.volumes.pop(volume.id, None))

    # Credentials

    def add_credential(self, name: str, kind: str, username: str, password: str) -> Credential:
        """Keep access to a registry."""
        credential = Credential(self.new_id(), name, kind, username, password, self.world.time)
        self.credentials[credential.id] = credential
        return credential

    def _soon(self, seconds: tuple[float, float], event: Callable[[], object]) -> None:
        self.world.soon(self.rng.uniform(*seconds), event)
