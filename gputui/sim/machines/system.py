"""The operating system of a simulated machine: kernel, memory, disks, who is logged in, what is installed."""

from __future__ import annotations

from dataclasses import dataclass, field

from .hardware import CUDA_VERSION, DRIVER_VERSION, GIB

TOOLS = frozenset({"amd-smi", "docker", "journalctl", "npu-smi", "nvidia-smi", "podman", "rocm-smi", "timeout"})
"""Programs that a machine has or not. All others are on every machine."""


@dataclass(frozen=True)
class Disk:
    """A mounted file system, sizes in bytes."""

    place: str
    device: str
    size: int
    used: int


@dataclass(frozen=True)
class LoggedIn:
    """A user at a terminal, logged in ``hours`` ago."""

    user: str
    terminal: str
    source: str
    hours: float


@dataclass
class System:
    """The properties of a machine without those of its GPUs. ``memory`` in bytes.

    ``booted`` is a world time, None for six weeks before the question. ``tools`` are those of TOOLS that are there.
    ``units`` are the names of its services with the lines that their logs repeat.
    """

    name: str = ""
    kernel: str = "5.15.0-122-generic"
    distribution: str = "Ubuntu 22.04.5 LTS"
    cpus: int = 64
    memory: int = 512 * GIB
    driver: str = DRIVER_VERSION
    cuda: str = CUDA_VERSION
    boot_id: str = "6f0f9a51-2a7c-4f7e-9d1b-6a2f0b3c4d5e"
    booted: float | None = None
    base_load: float = 0.4
    tools: frozenset[str] = frozenset({"nvidia-smi", "timeout"})
    users: tuple[LoggedIn, ...] = ()
    disks: tuple[Disk, ...] = (Disk("/", "/dev/nvme0n1p2", 900 * GIB, 310 * GIB),)
    lost_gpus: set[int] = field(default_factory=set)
    """Indices of GPUs that have fallen off the bus."""
    ecc_errors: dict[int, int] = field(default_factory=dict)
    """The uncorrected errors of the memory of GPUs since the boot, by index."""
    units: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sftp_rate: int = 0
    """Bytes per world second that SFTP reads and writes, in all its sessions; 0 for no limit."""
    line_free_at: float = 0.0
    """The world time at which that has sent what it was given."""

    def up_since(self, now: float) -> float:
        """Return the world time of the boot."""
        return now - 41 * 86_400 if self.booted is None else self.booted
