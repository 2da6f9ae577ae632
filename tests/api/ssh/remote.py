"""A runner of scripts that answers a look from facts, and a back end of hosts that uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gputui.api.ssh.account import SshAccount
from gputui.api.ssh.backend import SshBackend
from gputui.errors import SshError
from gputui.models import RemoteOutput, SSHTarget
from tests.fleet.fakes import FakeClock

BOOT = "25f3502e-64d9-4a16-8ef8-d78de8c4b037"
NEXT_BOOT = "9e107d9d-372b-4b68-8d0d-0c2f3b1a5c11"
GPU = "{index}, GPU-{index}, NVIDIA H100 80GB HBM3, 81559, {used}, {load}, 91.20, 34, [N/A], 0, Disabled"


def host_part(boot: str = BOOT, *, uptime: float = 86400.0, load: str = "2.13 2.42 2.51") -> str:
    """What the first part of a look has."""
    return (
        f"name gpu-node-1\nkernel Linux 6.8.0-45-generic\nboot {boot}\nuptime {uptime} 1.0\nload {load} 6/141 2371\n"
        "cpus 64\nuser alice\nMemTotal:       524288000 kB\nMemFree:        1000 kB\nMemAvailable:   262144000 kB"
    )


def gpus_part(count: int = 2, *, used: int = 4, load: int = 0) -> str:
    """What nvidia-smi prints for GPUs."""
    return "\n".join(GPU.format(index=index, used=used, load=load) for index in range(count))


@dataclass
class Machine:
    """A host: the outputs of the parts of a look, and their exit statuses where these are not 0."""

    parts: dict[str, str] = field(
        default_factory=lambda: {
            "host": host_part(),
            "who": "alice    pts/0        2026-03-01 09:12 (10.0.0.3)\nbob      pts/1        2026-03-01 10:00",
            "gpus": gpus_part(),
            "apps": "",
            "versions": "| NVIDIA-SMI 550.54.14   Driver Version: 550.54.14     CUDA Version: 12.4     |",
            "root": "Filesystem 1K-blocks Used Available Capacity Mounted on\n/dev/sda1 1000000 400000 600000 40% /",
            "home": "Filesystem 1K-blocks Used Available Capacity Mounted on\nnas:/h 9000000 100000 8900000 2% /home",
        }
    )
    statuses: dict[str, int] = field(default_factory=dict)
    status: int | None = 0
    lost: bool = False
    problem: Exception | None = None
    says: bytes | None = None

    def with_parts(self, **parts: str) -> Machine:
        return replace(self, parts={**self.parts, **parts})


def answer(nonce: str, parts: Mapping[str, str], statuses: Mapping[str, int]) -> bytes:
    """The output of a look."""
    mark = f"@gputui {nonce}"
    blocks = [
        f"\n{mark} begin {name}\n{text}\n{mark} end {statuses.get(name, 0)}\n{mark} close\n"
        for name, text in {"session": "session 4711 815", **parts}.items()
    ]
    return ("".join(blocks) + f"\n{mark} gpus\n\n{mark} done\n").encode()


class FakeRemote:
    """Answers each host from its machine. ``scripts`` are those that were run, by host."""

    def __init__(self, machines: dict[str, Machine]) -> None:
        self.machines = machines
        self.scripts: list[tuple[str, str]] = []
        self.running: dict[str, int] = {}

    async def run(self, target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
        assert target.host_row is not None
        name = target.host_row.id
        self.scripts.append((name, script))
        machine = self.machines.get(name)
        if machine is None:
            raise SshError(f"Not logged into {name}: the host key is unknown.")
        if machine.problem is not None:
            raise machine.problem
        found = re.search(r"m='@gputui (\w+)'", script)
        assert found is not None
        said = machine.says if machine.says is not None else answer(found[1], machine.parts, machine.statuses)
        return RemoteOutput(machine.status, said, b"", lost=machine.lost)


def ssh_account(*hosts: str, **keys: object) -> SshAccount:
    return SshAccount.model_validate({"name": "own", "kind": "ssh", "hosts": list(hosts), **keys})


def ssh_backend(remote: FakeRemote, clock: FakeClock, *hosts: str, **keys: object) -> SshBackend:
    """A back end whose hosts are these; by default those of the runner."""
    backend = SshBackend(
        ssh_account(*(hosts or tuple(remote.machines)), **keys),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        now=lambda: clock.now().timestamp(),
    )
    backend.remote = remote
    return backend


def openssh_config(home: Path, text: str) -> None:
    """Write the user's OpenSSH configuration."""
    (home / ".ssh").mkdir(parents=True, exist_ok=True)
    (home / ".ssh" / "config").write_text(text)
