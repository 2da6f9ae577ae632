"""A simulated GPU cloud: deployments, machines for their containers, and the lifecycle of both."""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import replace

from gputui.sim.machines.hosts import hexadecimal
from gputui.sim.machines.world import World

from .billing import Ledger
from .entities import CONTAINER, JOB, Block, CloudImage, Container, Deployment, Event, Machine, Order
from .instances import InstancePool
from .lifecycle import CACHE_SECONDS, RETRY, SHUTTING_DOWN, Step, steps
from .ssh_access import close_shell, open_shell
from .stock import Market

_PASSWORD_SIGNS = string.ascii_letters + string.digits


class Cloud:
    """One account's view of a cloud. Changes of containers take time, none in a frozen world.

    ``private`` selects the API's private variant, ``personal`` an account that may not use deployments.
    Call ``world.advance()`` before reading.
    """

    def __init__(
        self,
        world: World,
        name: str,
        *,
        token: str,
        uid: int,
        regions: Sequence[str],
        ledger: Ledger,
        private: bool = False,
        personal: bool = False,
        seed: int | str = 0,
    ) -> None:
        self.world = world
        self.name = name
        self.token = token
        self.uid = uid
        self.regions = tuple(regions)
        self.private = private
        self.personal = personal
        self.rng = random.Random(f"{name} {seed}")  # noqa: S311  a pretend cloud has no secrets
        self.market = Market()
        self.pool = InstancePool(self)
        """The container instances, of clouds that have them."""
        self.ledger = ledger
        self.images: dict[str, CloudImage] = {}
        self.deployments: dict[str, Deployment] = {}
        self.containers: dict[str, Container] = {}
        self.blocks: dict[str, Block] = {}
        self.mounted: set[str] = set()
        """The regions whose shared disk is mounted in new instances."""
        self._cache: dict[str, Container] = {}
        self._waiting: dict[str, Deployment] = {}
        self._deployment_numbers, self._container_numbers = itertools.count(1), itertools.count(1)

    # Actions of the account

    def create(self, order: Order) -> Deployment:
        """Create a deployment and start its containers."""
        deployment = self.add_deployment(order, self.world.time)
        self._reconcile(deployment)
        return deployment

    def scale(self, deployment: Deployment, replicas: int) -> None:
        """Set the number of replicas."""
        deployment.replicas = replicas
        deployment.updated = self.world.time
        self._reconcile(deployment)

    def stop(self, deployment: Deployment) -> None:
        """Stop a deployment and its containers."""
        if deployment.status == "stopped":
            return
        self._close(deployment)
        for container in list(deployment.kept.values()):
            if container.active:
                self._shut_down(container, deployment.order.template.cmd_before_shutdown)

    def delete(self, deployment: Deployment) -> None:
        """Remove a deployment with all its containers, running or not; no effect on one that is gone."""
        if deployment.uuid not in self.deployments:
            return
        self._close(deployment)
        del self.deployments[deployment.uuid]
        for container in deployment.containers.values():
            if container.status not in ("shutdown", "released"):
                self._leave_running(container)
                self._free_gpus(container)
            container.transition = None
            self._cache.pop(container.uuid, None)
            del self.containers[container.uuid]

    def hide(self, deployment: Deployment) -> Callable[[], object]:
        """Leave a deployment out of the lists until the returned function is called; it costs all the same."""
        del self.deployments[deployment.uuid]

        def show() -> None:
            self.deployments[deployment.uuid] = deployment
            self._reconcile(deployment)

        return show

    def stop_container(
        self, container: Container, *, decrease: bool = False, no_cache: bool = False, command: str = ""
    ) -> None:
        """Stop one container. The deployment replaces it, unless ``decrease`` reduces the replicas by one."""
        deployment = container.deployment
        if decrease:
            deployment.replicas = max(0, deployment.replicas - 1)
            deployment.updated = self.world.time
        container.no_cache = no_cache
        self._shut_down(container, command or deployment.order.template.cmd_before_shutdown, done=True)

    def block(self, machine: Machine, minutes: int, comment: str) -> None:
        """Block a machine for the account's new containers; an active block is extended."""
        now = self.world.time
        known = self.blocks.get(machine.id)
        if known is not None and known.expires > now:
            self.blocks[machine.id] = replace(
                known, updated=now, expires=now + minutes * 60, comment=comment or known.comment
            )
        else:
            self.blocks[machine.id] = Block(machine, now, now, now + minutes * 60, comment)

    def active_blocks(self) -> list[Block]:
        """The blocks in force, oldest first."""
        now = self.world.time
        self.blocks = {name: block for name, block in self.blocks.items() if block.expires > now}
        return list(self.blocks.values())

    # Lifecycle

    def add_deployment(self, order: Order, created: float) -> Deployment:
        """A deployment that has no containers yet."""
        deployment = Deployment(
            number=next(self._deployment_numbers),
            uuid=hexadecimal(self.rng, 15),
            order=order,
            created=created,
            updated=created,
            version=hexadecimal(self.rng, 8),
            replicas=1 if order.kind == CONTAINER else order.replicas,
        )
        self.deployments[deployment.uuid] = deployment
        return deployment

    def add_container(self, deployment: Deployment, machine: Machine, created: float) -> Container:
        """Add a container with its GPUs and without a state: :meth:`enter` one."""
        count = deployment.order.template.gpu_num
        container = Container(
            number=next(self._container_numbers),
            uuid=f"{deployment.uuid}-{machine.id}-{hexadecimal(self.rng, 8)}",
            deployment=deployment,
            machine=machine,
            gpu_ids=machine.take(count),
            price=machine.price * count,
            created=created,
            updated=created,
            version=deployment.version,
            password="".join(self.rng.choices(_PASSWORD_SIGNS, k=12)),
        )
        deployment.containers[container.uuid] = deployment.kept[container.uuid] = container
        deployment.hourly += container.price
        self.containers[container.uuid] = container
        return container

    def enter(self, container: Container, status: str, at: float | None = None) -> None:
        """Change the state of a container and record the event."""
        now = self.world.time if at is None else at
        deployment = container.deployment
        if container.status:
            deployment.counts[container.status] -= 1
        deployment.counts[status] += 1
        container.status, container.updated, container.encoded = status, now, ""
        event = Event(container.uuid, status, now)
        deployment.events.append(event)
        deployment.events_of.setdefault(container.uuid, []).append(event)
        if status == "running":
            container.started = now
            self.ledger.count(container, self.world.time, 1)
            open_shell(self, container)

    def schedule(self, container: Container, transitions: Sequence[Step], *, at_once: bool = True) -> None:
        """Schedule the state transitions of a container, each some seconds after the previous one.

        "failed" shuts it down unfinished, "finished" as one whose command has ended. In a frozen world no command
        ends, and with ``at_once`` False there is no transition at all.
        """
        if not transitions:
            return
        transition = container.transition = object()
        (seconds, status), rest = transitions[0], transitions[1:]

        def proceed() -> None:
            if container.transition is not transition:
                return
            if status == "failed":
                self._shut_down(container, "")
            elif status == "finished":
                self._shut_down(container, container.deployment.order.template.cmd_before_shutdown, done=True)
            else:
                self.enter(container, status)
                self.schedule(container, rest)

        schedule = self.world.soon if at_once and status != "finished" else self.world.after
        schedule(seconds, proceed)

    def end_before(self, container: Container, at: float) -> None:
        """End a container in the past, its command finished."""
        self._leave_running(container)
        self._free_gpus(container)
        self.enter(container, "shutting_down", at)
        container.stopped = at + SHUTTING_DOWN[0]
        self.enter(container, "shutdown", container.stopped)
        self._keep(container)

    def crash(self, container: Container) -> None:
        """End a running container; the deployment replaces it if necessary."""
        self._shut_down(container, "")

    def _close(self, deployment: Deployment) -> None:
        deployment.status = "stopped"
        deployment.stopped = deployment.updated = self.world.time
        self._waiting.pop(deployment.uuid, None)

    def _reconcile(self, deployment: Deployment) -> None:
        """Start or stop containers until their number is right; retries those that find no machine."""
        if deployment.status != "running" or deployment.uuid not in self.deployments:
            return
        missing = deployment.wanted - deployment.starting - deployment.running
        if missing < 0:
            active = [container for container in deployment.kept.values() if container.active]
            for container in active[missing:]:
                self._shut_down(container, deployment.order.template.cmd_before_shutdown)
        while missing > 0 and self._start_one(deployment):
            missing -= 1
        if missing <= 0:
            self._waiting.pop(deployment.uuid, None)
            return
        if not self._waiting:
            self.world.after(self.rng.uniform(*RETRY), self._try_again)
        self._waiting[deployment.uuid] = deployment

    def _try_again(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for deployment in waiting.values():
            self._reconcile(deployment)

    def _start_one(self, deployment: Deployment) -> bool:
        order = deployment.order
        blocked = {block.machine.id for block in self.active_blocks()}
        machines = self.market.candidates(order.template, blocked)
        if not machines:
            return False
        stopped = self._reusable(deployment, {machine.id for machine in machines}) if order.reuse else None
        if stopped is not None:
            machine = stopped.machine
            self._release(stopped)
        else:
            machine = self.rng.choice(machines)
        container = self.add_container(deployment, machine, self.world.time)
        self.enter(container, "creating")
        self.schedule(container, steps(self.rng, machine, order, reused=stopped is not None))
        return True

    def _reusable(self, deployment: Deployment, machines: set[str]) -> Container | None:
        for container in reversed(self._cache.values()):
            own = container.deployment is deployment
            if (
                (own or deployment.order.reuse_scope == "all")
                and container.machine.id in machines
                and container.deployment.order.template.image == deployment.order.template.image
                and len(container.gpu_ids) == deployment.order.template.gpu_num
            ):
                return container
        return None

    def _shut_down(self, container: Container, command: str, *, done: bool = False) -> None:
        """``done``: its work counts as finished, for kinds of deployment with an end."""
        self._leave_running(container)
        transition = container.transition = object()
        container.last_command = command
        self.enter(container, "shutting_down")

        def end() -> None:
            if container.transition is transition:
                self._ended(container, done)

        self.world.soon(self.rng.uniform(*SHUTTING_DOWN), end)

    def _ended(self, container: Container, done: bool) -> None:
        deployment = container.deployment
        self._free_gpus(container)
        container.stopped = self.world.time
        self.enter(container, "shutdown")
        if container.no_cache:
            self._release(container)
        else:
            self._keep(container)
        if done and deployment.order.kind in (JOB, CONTAINER):
            deployment.finished += 1
            if deployment.finished >= deployment.replicas and deployment.status == "running":
                self._close(deployment)
        if done or not container.machine.broken:
            self.world.soon(1.0, lambda: self._reconcile(deployment))
        else:
            self.world.after(self.rng.uniform(*RETRY), lambda: self._reconcile(deployment))

    def _keep(self, container: Container) -> None:
        """Keep a stopped container for another to take over."""
        self._cache[container.uuid] = container
        self.world.after(CACHE_SECONDS, lambda: self._release(container))

    def _release(self, container: Container) -> None:
        deployment = container.deployment
        if container.released or container.uuid not in self.containers:
            return
        self._cache.pop(container.uuid, None)
        deployment.kept.pop(container.uuid, None)
        deployment.counts["shutdown"] -= 1
        deployment.counts["released"] += 1
        container.status, container.updated, container.encoded = "released", self.world.time, ""
        container.released = True

    def _free_gpus(self, container: Container) -> None:
        container.machine.ours.difference_update(container.gpu_ids)
        container.deployment.hourly -= container.price

    def _leave_running(self, container: Container) -> None:
        if container.status == "running":
            self.ledger.count(container, self.world.time, -1)
        close_shell(container)
