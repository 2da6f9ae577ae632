"""Container instances of a simulated cloud: rented one by one, powered on and off, and released."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gputui.sim.http.answers import RefusedError
from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import hexadecimal

from .entities import CloudImage, GpuModel, Machine
from .ssh_access import host_of
from .validation import BAD, INTERNAL

if TYPE_CHECKING:
    from .cloud import Cloud

NO_STOCK = "当前算力规格暂无库存, 请修改配置或稍等再试"
NOT_OFF_TO_SAVE = "保存实例镜像前，请确保实例是关机状态"
NOT_OFF_TO_RELEASE = "请在实例关机状态下执行释放操作"
NOT_OFF_TO_START = "当前实例状态无法进行开机操作"
STOPPING_ALREADY = "当前实例正在关机中,无需重复操作"
NOT_ON_TO_STOP = "当前实例状态无法进行关机操作"
"""No source has the text for an instance that is off; it is made like the one for power_on."""
POOR = "账户余额不足"
"""No source has the text; clients look for its third and fourth character."""

SYSTEM_DISK = 30 * GIB
RELEASED_AFTER = 15 * 86400.0
"""How long an instance may be off until the vendor releases it, in seconds."""
CREATING, STARTING, STOPPING, SAVING = (4.0, 25.0), (6.0, 20.0), (3.0, 9.0), (20.0, 60.0)
"""World seconds in each state, and until an image is saved."""
SSHD_AFTER = (2.0, 7.0)
"""How long after the state ``running`` the SSH server answers, in world seconds."""
PLACES: Mapping[str, tuple[str, str]] = {
    "westDC2": ("west-C", "西北企业区"),
    "westDC3": ("west-B", "西北B区"),
    "beijingDC1": ("bj-B1", "北京A区"),
    "beijingDC2": ("bj-B2", "北京B区"),
    "neimengDC1": ("neimeng-C", "内蒙A区"),
    "neimengDC3": ("neimeng-D", "内蒙B区"),
    "chongqingDC1": ("cq-A", "重庆A区"),
}
"""The region of a row and its name, by the code of the elastic API: the two have different names."""
CHOOSABLE = ("westDC3", "beijingDC2")
"""The only codes that a create accepts."""
_SIGNS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Spec:
    """A kind of instance. Prices are thousandths of a yuan for an hour of one GPU, now and without discount."""

    uuid: str
    model: GpuModel
    list_price: int
    machines: int
    """The number of hosts, of eight GPUs each."""

    @property
    def price(self) -> int:
        """The price of one GPU for an hour."""
        return self.model.price


SPECS: Mapping[str, Spec] = {
    spec.uuid: spec
    for spec in (
        Spec("h800", GpuModel("NVIDIA H800", 80 * GIB, 9_880), 12_350, 1),
        Spec("pro6000-p", GpuModel("NVIDIA RTX PRO 6000", 96 * GIB, 5_980), 7_970, 2),
        Spec("5090-p", GpuModel("NVIDIA RTX 5090", 32 * GIB, 2_980), 3_980, 3),
        Spec("v-48g", GpuModel("NVIDIA vGPU-48GB", 48 * GIB, 2_180), 2_900, 2),
        Spec("v-48g-350w", GpuModel("NVIDIA vGPU-48GB-350W", 48 * GIB, 1_880), 2_500, 1),
        Spec("v-32g-p", GpuModel("NVIDIA vGPU-32GB", 32 * GIB, 1_580), 2_100, 1),
        Spec("4090D", GpuModel("NVIDIA RTX 4090D", 24 * GIB, 1_880), 2_510, 2),
    )
}
"""The specs that a create takes."""


@dataclass(frozen=True)
class InstanceOrder:
    """A request for an instance. ``extra_disk`` is in bytes; no ``regions`` is anywhere."""

    spec: Spec
    gpus: int
    image: str
    cuda: int
    extra_disk: int = 0
    name: str = ""
    command: str = ""
    regions: tuple[str, ...] = ()


@dataclass
class CloudInstance:
    """An instance on its host. Times are world times, None when not reached."""

    uuid: str
    order: InstanceOrder
    machine: Machine
    created: float
    changed: float
    status: str = "creating"
    gpu_ids: list[int] = field(default_factory=list)
    started: float | None = None
    stopped: float | None = None
    shutdown_at: float | None = None
    """When the vendor powers it off, as set on its web page."""
    ready: float | None = None
    """When its creation or start ends."""
    rate: int = 0
    """The price of one GPU for an hour since its last start, in thousandths of a yuan; 0 is that of its spec."""
    password: str = ""
    pod: Pod | None = None
    """The shell, while the SSH server answers."""
    transition: object = None
    """A token of the scheduled transitions; another token cancels them."""

    @property
    def price(self) -> int:
        """The price of an hour while it runs, in thousandths of a yuan."""
        return (self.rate or self.order.spec.price) * self.order.gpus

    @property
    def off(self) -> bool:
        """Whether it is powered off."""
        return self.status == "shutdown"


class InstancePool:
    """The instances of an account, and hosts of their own: the stock of deployments is no forecast for them."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.world = cloud.world
        self.rng = cloud.rng
        self.instances: dict[str, CloudInstance] = {}
        self.machines: dict[str, list[Machine]] = {}
        self.verified = True
        """Whether the owner of the account is: creating needs it."""

    def furnish(self, specs: Sequence[Spec]) -> None:
        """Add the hosts of some specs, of which others have most GPUs."""
        places = [place for place in PLACES if place in self._cloud.regions]
        for spec in specs:
            for number in range(spec.machines if places else 0):
                machine = Machine(
                    id=hexadecimal(self.rng, 10),
                    region=places[number % len(places)] if number else CHOOSABLE[0],
                    model=spec.model,
                    gpus=8,
                    cuda=128,
                    price=spec.price,
                    others=(habit := self.rng.randrange(4, 8)),
                    habit=habit,
                )
                self.machines.setdefault(spec.uuid, []).append(machine)

    # Actions of the account

    def create(self, order: InstanceOrder) -> CloudInstance:
        """Rent an instance, which starts by itself."""
        self._require_money()
        hosts = self.machines.get(order.spec.uuid, ())
        free = [
            host
            for host in hosts
            if host.idle >= order.gpus
            and host.cuda >= order.cuda
            and (not order.regions or host.region in order.regions)
        ]
        if not free:
            raise RefusedError(INTERNAL, NO_STOCK)
        now = self.world.time
        instance = CloudInstance(f"pro-{hexadecimal(self.rng, 12)}", order, self.rng.choice(free), now, now)
        self.instances[instance.uuid] = instance
        self._begin(instance, "creating")
        return instance

    def power_on(self, instance: CloudInstance) -> None:
        """Start an instance that is off, on its host: refused while others have the GPUs."""
        if not instance.off:
            raise RefusedError(BAD, NOT_OFF_TO_START)
        self._require_money()
        if instance.machine.idle < instance.order.gpus:
            raise RefusedError(INTERNAL, NO_STOCK)
        self._begin(instance, "starting")

    def power_off(self, instance: CloudInstance) -> None:
        """Power an instance off. While it starts, this succeeds and does nothing."""
        if instance.status == "shutting_down":
            raise RefusedError(BAD, STOPPING_ALREADY)
        if instance.off:
            raise RefusedError(BAD, NOT_ON_TO_STOP)
        if instance.status == "running":
            self._power_off(instance)

    def release(self, instance: CloudInstance) -> None:
        """Give an instance back, its disk included."""
        if not instance.off:
            raise RefusedError(BAD, NOT_OFF_TO_RELEASE)
        del self.instances[instance.uuid]
        instance.transition = None

    def hide(self, instance: CloudInstance) -> Callable[[], object]:
        """Leave an instance out of the lists until the returned function is called; it costs all the same."""
        del self.instances[instance.uuid]
        return lambda: self.instances.setdefault(instance.uuid, instance)

    def forget(self, instance: CloudInstance) -> None:
        """End an instance as if it had never been created."""
        self.take_back(instance)
        self.instances.pop(instance.uuid, None)
        instance.transition = None

    def take_back(self, instance: CloudInstance) -> None:
        """Switch an instance off at once, as if it had never been started."""
        if instance.status == "running":
            self._stop_running(instance)
        self._enter_shutdown(instance, self.world.time)

    def save(self, instance: CloudInstance, name: str) -> CloudImage:
        """Save the disk as an image, which exists some time later."""
        if not instance.off:
            raise RefusedError(INTERNAL, NOT_OFF_TO_SAVE)
        images = self._cloud.images
        uuid = f"image-{hexadecimal(self.rng, 10)}"
        image = CloudImage(500 + len(images), uuid, name, self.world.time, status="saving")
        images[uuid] = image

        def saved() -> None:
            image.status = "finished"

        self.world.soon(self.rng.uniform(*SAVING), saved)
        return image

    def settle_in(self, instance: CloudInstance, status: str, age: float) -> None:
        """Give an instance a past: it has been in a state for ``age`` seconds."""
        now = self.world.time
        instance.changed = now - age
        self.instances[instance.uuid] = instance
        if status == "running":
            instance.gpu_ids = instance.machine.take(instance.order.gpus)
            instance.started = instance.changed
            instance.password = self._password()
            self._enter_running(instance, sshd_after=0)
            instance.changed = now - age
        elif status == "shutdown":
            self._enter_shutdown(instance, now - age)
        else:
            self._begin(instance, status)

    # Lifecycle

    def _require_money(self) -> None:
        ledger = self._cloud.ledger
        ledger.settle(self.world.time)
        if ledger.assets + ledger.vouchers <= 0:
            raise RefusedError(BAD, POOR)
        if not self.verified:
            raise RefusedError("TORealName", "未完成实名认证,认证后才可使用")

    def _begin(self, instance: CloudInstance, status: str) -> None:
        instance.gpu_ids = instance.machine.take(instance.order.gpus)
        instance.rate = instance.machine.price
        instance.stopped = None
        # Port and password may be new after each start.
        if not instance.password or self.rng.random() < 0.5:
            instance.password = self._password()
        self._enter(instance, status)
        transition = instance.transition = object()
        seconds = self.rng.uniform(*(CREATING if status == "creating" else STARTING))
        instance.ready = self.world.time + seconds

        def proceed() -> None:
            if instance.transition is not transition:
                return
            if instance.status == "creating":
                self._enter(instance, "starting")
                rest = self.rng.uniform(*STARTING)
                instance.ready = self.world.time + rest
                self.world.soon(rest, proceed)
            else:
                instance.started = self.world.time
                self._enter_running(instance, sshd_after=self.rng.uniform(*SSHD_AFTER))

        self.world.soon(seconds, proceed)

    def _password(self) -> str:
        return "".join(self.rng.choices(_SIGNS, k=12))

    def _enter(self, instance: CloudInstance, status: str) -> None:
        instance.status, instance.changed = status, self.world.time

    def _enter_running(self, instance: CloudInstance, *, sshd_after: float) -> None:
        self._enter(instance, "running")
        self._bill(instance, 1)
        transition = instance.transition = object()

        def listen() -> None:
            if instance.transition is transition:
                self._open(instance)

        if sshd_after:
            self.world.soon(sshd_after, listen)
        else:
            listen()

    def _open(self, instance: CloudInstance) -> None:
        order, machine = instance.order, instance.machine
        host = host_of(self._cloud, machine)
        pod = instance.pod = Pod(
            owner="root",
            instance=instance.uuid,
            image=order.image,
            container_id=instance.uuid,
            created=instance.created,
            started=instance.started or instance.created,
            status="running",
            gpu_ids=list(instance.gpu_ids),
            memory_limit=machine.memory * order.gpus,
            password=instance.password,
            returns=True,
            env={"AutoDLContainerUUID": instance.uuid, "AutoDLRegion": PLACES[machine.region][0]},
        )
        host.add(pod)
        host.connect(pod)
        host.spawn(
            pod,
            order.command or "python -m ipykernel_launcher",
            tuple(instance.gpu_ids),
            int(machine.model.memory * self.rng.uniform(0.1, 0.8)),
        )

    def _stop_running(self, instance: CloudInstance) -> None:
        self._bill(instance, -1)
        if instance.pod is not None:
            host_of(self._cloud, instance.machine).remove(instance.pod)
            instance.pod = None

    def _power_off(self, instance: CloudInstance) -> None:
        self._stop_running(instance)
        self._enter(instance, "shutting_down")
        transition = instance.transition = object()

        def end() -> None:
            if instance.transition is transition:
                self._enter_shutdown(instance, self.world.time)

        self.world.soon(self.rng.uniform(*STOPPING), end)

    def _enter_shutdown(self, instance: CloudInstance, at: float) -> None:
        instance.machine.ours.difference_update(instance.gpu_ids)
        instance.gpu_ids = []
        instance.status, instance.changed, instance.stopped, instance.ready = "shutdown", at, at, None
        transition = instance.transition = object()

        def released() -> None:
            if instance.transition is transition and self.instances.get(instance.uuid) is instance:
                self.release(instance)

        self.world.after(max(0.0, at + RELEASED_AFTER - self.world.time), released)

    def _bill(self, instance: CloudInstance, sign: int) -> None:
        # Prepaid time is for deployments.
        ledger = self._cloud.ledger
        ledger.charge(("", instance.uuid), instance.order.gpus, instance.price, self.world.time, sign)
