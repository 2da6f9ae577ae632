"""The simulator as a whole: one world, a server for each account, SSH; all on loopback, started and ended as one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.run import worker_serve
from hypercorn.config import Config, Sockets
from hypercorn.typing import ASGIFramework

from gputui.sim.http.faults import Faults, profiles_of
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.world import World
from gputui.vendors import VendorError, package_fault

from .loopback import LOOPBACK, bound_socket
from .vendors import SIZES, SimulatedAccount, SimulatedVendor, vendors

if TYPE_CHECKING:
    from gputui.sim.shell.server.sshd import SshServer

SSH_OFFSET, PODS_OFFSET = 4, 10
"""Offsets from the first port; those of the APIs are the vendors'."""
_STOP_SECONDS = 1.0


@dataclass
class Running:
    """A simulator that serves. All by account name; those without an API have no URL.

    ``ssh_port`` is None without SSH.
    """

    world: World
    accounts: dict[str, SimulatedAccount]
    base_urls: dict[str, str]
    ssh_port: int | None
    sites: dict[str, Site] = field(repr=False)
    ssh: SshServer | None = field(repr=False)
    problems: Sequence[VendorError] = ()
    """Why the simulators of some vendors cannot be used."""

    def set_faults(self, name: str, account: str | None = None) -> None:
        """Set the fault profiles (faults.PROFILES) of one account's API, or of all, from the next request on.

        ``name`` is a profile, or several joined by ``+``. Raises ValueError for an unknown one.
        """
        for site in self.sites.values() if account is None else (self.sites[account],):
            site.faults.profile = name

    async def unplug(self, account: str) -> None:
        """Stop listening for an account's API: connections are refused until :meth:`plug`."""
        await self.sites[account].stop()
        self.sites[account].reserve()

    async def plug(self, account: str) -> None:
        """Listen again, on the same port."""
        await self.sites[account].start()

    def config_toml(self) -> str:
        """A configuration for every account, secrets in plain text: write it to a file with mode 0600."""
        return "\n".join(
            _toml(account, {**account.config, **({"base_url": url} if (url := self.base_urls.get(name)) else {})})
            for name, account in self.accounts.items()
        )


class Site:
    """One HTTP server with its own port. ``dated``: the server sets ``Date``, else the application does."""

    def __init__(self, faults: Faults, port: int, *, dated: bool = True) -> None:
        self.faults = faults
        self.port = port
        self._dated = dated
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self._reserved: socket.socket | None = None

    async def start(self) -> None:
        """Listen on the port; port 0 takes a free one and keeps it. Raises OSError when it is taken."""
        listener, self._reserved = self._reserved or bound_socket(self.port), None
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

    def reserve(self) -> None:
        """Keep the port while nothing listens on it: it may be one that the system gives to connections."""
        self._reserved = bound_socket(self.port)

    async def stop(self) -> None:
        """Close the port and its connections."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
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
    ssh: bool = True,
    authorized_key: str = "",
    clock: WorldClock | None = None,
    variants: Mapping[str, str] | None = None,
    plans: Mapping[str, Sequence[Any]] | None = None,
) -> AsyncIterator[Running]:
    """Serve the simulated world on loopback while the context lasts.

    ``port`` is the first of the ports to use, 0 takes free ones. ``clock`` replaces the one created from ``speed``;
    ``faults`` is as :func:`faults_by_account` takes it;
    ``authorized_key`` is a public key accepted as well as the password. ``variants`` and ``plans`` are by kind of
    account: a variant of the vendor's, or the plans of the accounts to build, in place of the size's own. Raises
    ValueError for an unknown size, fault profile, kind or variant, OSError for a port that is taken.
    """
    if size not in SIZES:
        raise ValueError(f"unknown size {size!r}: one of {', '.join(SIZES)}")
    by_account = faults_by_account(faults)
    found, problems = vendors()
    planned = _plans(found, size, variants or {}, {**(plans or {}), **_without_ssh(found, ssh=ssh)})
    async with contextlib.AsyncExitStack() as stack:
        sshd = await _started_ssh(stack, port, authorized_key) if ssh else None
        world = World(clock or WorldClock(speed=speed), seed=seed, network=sshd)
        accounts: dict[str, SimulatedAccount] = {}
        sites: dict[str, Site] = {}
        for vendor in found:
            for plan, offset in zip_longest(planned[vendor.kind], vendor.port_offsets[: len(planned[vendor.kind])]):
                try:
                    account = vendor.build(world, plan, seed)
                except Exception as error:  # noqa: BLE001  (a vendor may be another package's)
                    problems.append(package_fault(vendor.kind, error))
                    break
                accounts[account.name] = account
                if account.close is not None:
                    stack.callback(account.close)
                if account.app is None or account.faults is None:
                    continue
                first = port + offset if port and offset is not None else 0
                middleware = Faults(account.app, account.faults, world, seed=f"{account.name} {seed}")
                stack.callback(middleware.end)
                sites[account.name] = Site(middleware, first, dated=account.dated)
        for site in sites.values():
            await site.start()
            stack.push_async_callback(site.stop)
        if sshd is not None:
            await sshd.ready(next(iter(world.hosts.values()), None))
        urls = {name: f"http://{LOOPBACK}:{site.port}" for name, site in sites.items()}
        running = Running(world, accounts, urls, sshd.port if sshd else None, sites, sshd, problems)
        for name, profile in by_account.items():
            if name is not None and name not in sites:
                raise ValueError(f"faults of {name!r}, which is no account with an API: {', '.join(sites)}")
            running.set_faults(profile, name)
        stack.callback(world.clock.end)
        if sshd is not None:
            stack.callback(sshd.cut_all)  # before the end of the clock ends what sleeps, as if it had done its work
        yield running


def faults_by_account(text: str) -> dict[str | None, str]:
    """Fault profiles by account, None for all, of a text such as ``flicker,hub=creates``. Raises ValueError."""
    found: dict[str | None, str] = {None: "none"}
    for part in text.split(","):
        account, named, profile = part.rpartition("=")
        profiles_of(profile)
        found[account if named else None] = profile
    return found


def _plans(
    found: Sequence[SimulatedVendor], size: str, variants: Mapping[str, str], given: Mapping[str, Sequence[Any]]
) -> dict[str, Sequence[Any]]:
    """The plans of the accounts of each kind: those of the size or a variant, or those given. Raises ValueError."""
    known = [vendor.kind for vendor in found]
    if unknown := [kind for kind in (*given, *(kind for kind in variants if variants[kind])) if kind not in known]:
        raise ValueError(f"unknown kind {unknown[0]!r}: one of {', '.join(known)}")
    return {vendor.kind: vendor.plans(size, variants.get(vendor.kind, "")) for vendor in found} | dict(given)


def _without_ssh(found: Sequence[SimulatedVendor], *, ssh: bool) -> dict[str, Sequence[Any]]:
    """No accounts of the kinds that need SSH where there is none."""
    return {} if ssh else {vendor.kind: () for vendor in found if vendor.needs_ssh}


async def _started_ssh(stack: contextlib.AsyncExitStack, port: int, authorized_key: str) -> SshServer:
    """The SSH server, which stops with the simulator."""
    from gputui.sim.shell.server.sshd import SshServer

    sshd = SshServer(
        port + SSH_OFFSET if port else 0,
        first_pod_port=port + PODS_OFFSET if port else 0,
        authorized_key=authorized_key,
    )
    await sshd.start()
    stack.push_async_callback(sshd.stop)
    return sshd


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


def _toml(account: SimulatedAccount, settings: Mapping[str, Any]) -> str:
    lines = [f"# {account.comment}"] if account.comment else []
    lines += [f"[accounts.{account.name}]", *(f"{key} = {_toml_value(value)}" for key, value in settings.items())]
    return "\n".join([*lines, ""])


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml_value(item)}' for key, item in value.items())} }}"
    return json.dumps(value)
