"""Hosts in the simulator: an account of kind "ssh" with the OpenSSH configuration, key and known hosts for them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncssh

from gputui.sim.loopback import LOOPBACK
from gputui.sim.machines.containers import SSH_PASSWORD
from gputui.sim.machines.root_files import files_of
from gputui.sim.machines.world import World
from gputui.sim.shell.server.endpoints import Door
from gputui.sim.shell.server.sshd import SshServer
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor

from .default_world import BASTION, GPU06, HOSTS
from .host import SshHost, build_host
from .plans import USER, HostPlan, SshPlan


class SshVendor(SimulatedVendor):
    """Builds hosts."""

    kind = "ssh"
    needs_ssh = True
    sizes = HOSTS

    def plans(self, size: str, variant: str = "") -> Sequence[SshPlan]:
        """Return the accounts of a size; the variant "codes" adds a host that asks for a one-time code.

        That is not a usual one, because lists are incomplete until a user has logged into it.
        """
        if variant != "codes":
            return super().plans(size, variant)
        return [replace(plan, hosts=(*plan.hosts, GPU06)) for plan in self.sizes[size]]

    def build(self, world: World, plan: SshPlan, seed: int) -> SimulatedAccount:
        """Hosts with their servers, and a private directory with the files of a user who may log in."""
        network = world.network
        assert isinstance(network, SshServer)  # noqa: S101  (needs_ssh)
        directory = tempfile.TemporaryDirectory(prefix="gputui-sim-")
        place = Path(directory.name)
        key = asyncssh.generate_private_key("ssh-ed25519")
        _write(place / "id_ed25519", key.export_private_key("openssh").decode())
        public = key.export_public_key().decode()
        ports: dict[str, int] = {}
        hosts: dict[str, SshHost] = {}
        for each in plan.hosts:
            host = hosts[each.name] = build_host(world, each, seed, quiet=plan.quiet)
            world.hosts[each.name] = host
            ports[each.name] = network.open_machine(host, _door(each, host, ports, plan.hosts))
            if not each.password_only:
                files_of(host, None, USER).put(f"/home/{USER}/.ssh/authorized_keys", public, owner=USER, mode=0o600)
        known = [f"[{LOOPBACK}]:{ports[name]} {network.host_key(host)}\n" for name, host in hosts.items()]
        _write(place / "known_hosts", "".join(known))
        _write(place / "ssh_config", _configuration(plan.hosts, ports, place))
        settings = {"config": str(place / "ssh_config"), "password": SSH_PASSWORD}
        config = {"kind": self.kind, "hosts": ["*", f"!{BASTION}"], "price": 0, "ssh": settings}
        return SimulatedAccount(plan.name, None, None, config, hosts, close=directory.cleanup)


def _door(plan: HostPlan, host: SshHost, ports: dict[str, int], plans: Sequence[HostPlan]) -> Door:
    behind = [other.name for other in plans if other.behind == plan.name]
    return Door(
        USER,
        SSH_PASSWORD if plan.password_only or plan.code else "",
        plan.code,
        forwards_to=lambda: [ports[name] for name in behind],
        mood=lambda: host.mood,
    )


def _configuration(plans: Sequence[HostPlan], ports: dict[str, int], place: Path) -> str:
    """An OpenSSH configuration for the hosts, as their user would have it."""
    blocks = []
    for plan in plans:
        lines = [f"Host {plan.name}", f"    HostName {LOOPBACK}", f"    Port {ports[plan.name]}"]
        lines += [f"    ProxyJump {plan.behind}"] if plan.behind else []
        blocks.append("\n".join(lines))
    common = [
        "Host *",
        f"    User {USER}",
        f'    IdentityFile "{place / "id_ed25519"}"',
        "    IdentitiesOnly yes",
        "    IdentityAgent none",
        f'    UserKnownHostsFile "{place / "known_hosts"}"',
        "    GlobalKnownHostsFile /dev/null",
    ]
    return "\n\n".join([*blocks, "\n".join(common)]) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
