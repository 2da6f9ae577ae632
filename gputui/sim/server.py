"""The simulator as a whole: one world, a server for each API, SSH; started and ended together on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.run import worker_serve
from hypercorn.config import Config, Sockets
from hypercorn.typing import ASGIFramework

from gputui.sim.deepdock.api import DeepdockApi
from gputui.sim.deepdock.default_world import DOCKS, USER, DockPlan, build_dock
from gputui.sim.deepdock.faults import DeepdockFaults
from gputui.sim.gpuhub.api import GpuhubApi
from gputui.sim.gpuhub.default_world import CLOUD_SETS, CLOUDS, CloudPlan, build_cloud
from gputui.sim.gpuhub.faults import GpuhubFaults
from gputui.sim.pody.api import PodyApi
from gputui.sim.pody.faults import PodyFaults
from gputui.sim.pody.validation import RELEASES, parse_release
from gputui.sim.shell.sshd import SshServer
from gputui.sim.yotta.api import YottaApi
from gputui.sim.yotta.cloud import YottaCloud
from gputui.sim.yotta.default_world import YOTTAS, YottaPlan, build_yotta
from gputui.sim.yotta.faults import YottaFaults

from .clock import WorldClock
from .default_world import PASSWORDS, SIZES, SSH_PASSWORD, build_world
from .faults import PROFILES, Faults
from .loopback import LOOPBACK, bound_socket
from .world import GIB, Network, World

# Offsets from the first port.
CLOUD_OFFSETS, YOTTA_OFFSETS, DOCK_OFFSETS = (0, 6, 7, 8), (2,), (3, 9)
PODY_OFFSET, SSH_OFFSET, MORE_HOSTS_OFFSET, PODS_OFFSET = 1, 4, 5, 10
_STOP_SECONDS = 1.0
_GPU_LABELS = {"lab": ("RTX 4090", "24G"), "lab-b": ("A100-SXM4-80GB", "80G")}


@dataclass
class Running:
    """A simulator that serves. ``base_urls`` is by account name; ``ssh_port`` is None without SSH."""

    world: World
    base_urls: dict[str, str]
    ssh_port: int | None
    sites: dict[str, Site] = field(repr=False)
    ssh: SshServer | None = field(repr=False)
    plans: dict[str, CloudPlan] = field(default_factory=dict, repr=False)
    docks: dict[str, DockPlan] = field(default_factory=dict, repr=False)
    yottas: dict[str, YottaCloud] = field(default_factory=dict, repr=False)

    @property
    def faults(self) -> str:
        """The fault profile of every API, see faults.PROFILES. Setting it takes effect with the next request."""
        return next(iter(self.sites.values())).faults.profile

    @faults.setter
    def faults(self, name: str) -> None:
        self.set_faults(name)

    def set_faults(self, name: str, account: str | None = None) -> None:
        """Set the fault profile of one account's API, or of all. Raises ValueError for an unknown name."""
        for site in self.sites.values() if account is None else (self.sites[account],):
            site.faults.profile = name

    async def unplug(self, account: str) -> None:
        """Stop listening for an account's API: connections are refused until :meth:`plug`."""
        await self.sites[account].stop()

    async def plug(self, account: str) -> None:
        """Listen again, on the same port."""
        await self.sites[account].start()

    def config_toml(self) -> str:
        """A configuration for every account, secrets in plain text: write it to a file with mode 0600."""
        return "\n".join(self._account_toml(name, url) for name, url in self.base_urls.items())

    def _account_toml(self, name: str, url: str) -> str:
        if name in self.plans:
            return _cloud_toml(self.plans[name], url)
        if name in self.yottas:
            return _yotta_toml(self.yottas[name], url)
        return _dock_toml(self.docks[name], url) if name in self.docks else _pody_toml(name, url)


class Site:
    """One HTTP server with its own port. ``dated``: it says when it answers; else what it serves does."""

    def __init__(self, faults: Faults, port: int, *, dated: bool = True) -> None:
        self.faults = faults
        self.port = port
        self._dated = dated
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on the port; port 0 takes a free one and keeps it. Raises OSError when it is taken."""
        listener = bound_socket(self.port)
        self.port = listener.getsockname()[1]
        listener.listen(512)
        self._stop = asyncio.Event()
        serving = worker_serve(
            ASGIWrapper(cast(ASGIFramework, self.faults)),
            _quiet_config(dated=self._dated),
            sockets=Sockets([], [listener], []),
            shutdown_trigger=self._stop.wait,
        )
        self._task = asyncio.create_task(serving, name=f"simulator on port {self.port}")

    async def stop(self) -> None:
        """Close the port and its connections."""
        if self._task is None or self._stop is None:
            return
        self._stop.set()
        self.faults.release()
        await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None


@asynccontextmanager
async def running_simulator(
    port: int = 0,
    *,
    size: str = "small",
    seed: int = 0,
    speed: float = 1.0,
    faults: str = "none",
    release: str = RELEASES[-1],
    ssh: bool = True,
    authorized_key: str = "",
    clock: WorldClock | None = None,
    clouds: Sequence[CloudPlan] | None = None,
    docks: Sequence[DockPlan] | None = None,
    yottas: Sequence[YottaPlan] | None = None,
) -> AsyncIterator[Running]:
    """Serve the simulated world on loopback while the context lasts.

    ``port`` is the first of seven consecutive ports, 0 takes free ones. ``clock`` replaces the one made from
    ``speed``; ``authorized_key`` is a public key that may log in beside the password; ``clouds`` are at most four,
    ``docks`` at most two DeepDock hosts and ``yottas`` at most one Yotta account to have in place of the size's own.
    Raises ValueError for an unknown size, fault profile or release, OSError for a port that is taken.
    """
    if size not in SIZES:
        raise ValueError(f"unknown size {size!r}: one of {', '.join(SIZES)}")
    if faults not in PROFILES:
        raise ValueError(f"unknown fault profile {faults!r}: one of {', '.join(PROFILES)}")
    parse_release(release)
    sshd = (
        SshServer(
            port + SSH_OFFSET if port else 0,
            first_pod_port=port + PODS_OFFSET if port else 0,
            authorized_key=authorized_key,
        )
        if ssh
        else None
    )
    async with contextlib.AsyncExitStack() as stack:
        network: Network | None = None
        if sshd is not None:
            await sshd.start()
            stack.push_async_callback(sshd.stop)
            network = sshd
        world = build_world(clock or WorldClock(speed=speed), size=size, seed=seed, network=network)
        plans = {plan.name: plan for plan in (CLOUDS[size] if clouds is None else clouds)}
        sites: dict[str, Site] = {}
        for plan, offset in zip(plans.values(), CLOUD_OFFSETS, strict=False):
            api = GpuhubApi(build_cloud(world, plan, seed))
            sites[plan.name] = Site(Faults(api.app, GpuhubFaults(api)), port + offset if port else 0)
        pody_hosts = list(world.hosts.items())
        for number, (name, host) in enumerate(pody_hosts):
            offset = PODY_OFFSET if number == 0 else MORE_HOSTS_OFFSET + number - 1
            app = Faults(PodyApi(host, release).app, PodyFaults(host))
            sites[name] = Site(app, port + offset if port else 0)
        dock_plans = {plan.name: plan for plan in (DOCKS[size] if docks is None else docks)}
        for dock, offset in zip(dock_plans.values(), DOCK_OFFSETS, strict=False):
            docked = DeepdockApi(build_dock(world, dock, seed), dock.header)
            app = Faults(docked.app, DeepdockFaults(docked))
            sites[dock.name] = Site(app, port + offset if port else 0, dated=False)
        accounts = {
            plan.name: build_yotta(world, plan, seed) for plan in (YOTTAS[size] if yottas is None else yottas)
        }
        for yotta, offset in zip(accounts.values(), YOTTA_OFFSETS, strict=False):
            served = YottaApi(yotta)
            sites[yotta.name] = Site(Faults(served.app, YottaFaults(served)), port + offset if port else 0)
        for site in sites.values():
            await site.start()
            stack.push_async_callback(site.stop)
        if sshd is not None:
            await sshd.ready(pody_hosts[0][1])
        urls = {name: f"http://{LOOPBACK}:{site.port}" for name, site in sites.items()}
        running = Running(world, urls, sshd.port if sshd else None, sites, sshd, plans, dock_plans, accounts)
        running.faults = faults
        stack.callback(world.clock.end)
        yield running


async def serve(
    port: int = 8700,
    *,
    size: str = "small",
    seed: int = 0,
    speed: float = 1.0,
    faults: str = "none",
    release: str = RELEASES[-1],
    clouds: str = "usual",
    ssh: bool = True,
    ready: Callable[[Running], None],
) -> None:
    """Run the simulator until cancelled; ``ready`` is called once every port listens.

    ``clouds`` is "usual" for those of the size, or one of CLOUD_SETS. Raises as running_simulator, and ValueError for
    an unknown set of clouds.
    """
    if clouds != "usual" and clouds not in CLOUD_SETS:
        raise ValueError(f"unknown clouds {clouds!r}: one of usual, {', '.join(CLOUD_SETS)}")
    async with running_simulator(
        port,
        size=size,
        seed=seed,
        speed=speed,
        faults=faults,
        release=release,
        ssh=ssh,
        clouds=CLOUD_SETS.get(clouds),
    ) as running:
        ready(running)
        await asyncio.Event().wait()


def _quiet_config(*, dated: bool) -> Config:
    config = Config()
    config.include_date_header = dated
    config.errorlog = None
    config.accesslog = None
    config.keep_alive_timeout = 75.0
    config.keep_alive_max_requests = 1_000_000_000
    config.graceful_timeout = 0.2
    config.include_server_header = False
    return config


def _cloud_toml(plan: CloudPlan, url: str) -> str:
    lines = [f"[accounts.{plan.name}]", f'preset = "{plan.preset}"' if plan.preset else 'kind = "gpuhub"']
    lines += [f'token = "{plan.token}"', f'base_url = "{url}"']
    if not plan.preset:
        lines += [f'currency = "{plan.currency}"', f"regions = {json.dumps(plan.regions)}"]
    return "\n".join([*lines, ""])


def _pody_toml(name: str, url: str) -> str:
    model, memory = _GPU_LABELS[name]
    return "\n".join(
        [
            f"[accounts.{name}]",
            'kind = "pody"',
            f'base_url = "{url}"',
            'username = "alice"',
            f'password = "{PASSWORDS["alice"]}"',
            f'gpu_model = "{model}"',
            f'gpu_memory = "{memory}"',
            "price = 0",
            f'ssh = {{ user = "root", password = "{SSH_PASSWORD}" }}',
            "",
        ]
    )


def _dock_toml(plan: DockPlan, url: str) -> str:
    lines = [
        f"# Its containers let in {USER} with the password {SSH_PASSWORD}, those made anew whoever is named then.",
        f"[accounts.{plan.name}]",
        'kind = "deepdock"',
        f'base_url = "{url}"',
        f'gpu_model = "{plan.label}"',
        f'gpu_memory = "{plan.gpu_memory // GIB}G"',
        "price = 0",
    ]
    if plan.header is not None:
        name, value = plan.header
        lines.append(f"header = {{ name = {json.dumps(name)}, value = {json.dumps(value)} }}")
    return "\n".join([*lines, ""])


def _yotta_toml(cloud: YottaCloud, url: str) -> str:
    return "\n".join(
        [
            f"[accounts.{cloud.name}]",
            'kind = "yotta"',
            f'base_url = "{url}"',
            f'api_key = "{cloud.key}"',
            f'ssh = {{ user = "root", password = "{SSH_PASSWORD}" }}',
            "",
        ]
    )
