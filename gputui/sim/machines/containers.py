"""The containers of a simulated machine, their images, and the users who own them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .filesystem import FileSystem
from .hardware import GIB

SSH_PASSWORD = "podpass"  # noqa: S105  of every container without a password of its own, on loopback


@dataclass
class Quota:
    """A user's limits; -1 is no limit, sizes are bytes. ``gpus`` is "all", "none" or ids as "0,1"."""

    max_pods: int = -1
    gpu_count: int = -1
    gpus: str = "all"
    memory_limit: int = -1
    storage_size: int = -1
    shm_size: int = -1
    tmpfs_size: int = -1
    commit_count: int = -1
    commit_size_limit: int = -1


@dataclass
class User:
    """An account of a host. ``is_admin`` is 0 or 1, as the server's database keeps it."""

    name: str
    password: str
    is_admin: int = 0
    quota: Quota = field(default_factory=Quota)


@dataclass
class Image:
    """A container image of a host. ``ports`` are the container ports mapped in its pods."""

    name: str
    digest: str
    size: int
    created: str
    comment: str = ""
    ports: tuple[int, ...] = (22,)
    listed: bool = True
    """In the server's configuration; commits and images of others are not."""


@dataclass
class Pod:
    """A container. ``host_ports`` maps container port to host port, while it runs.

    ``owner`` is "" on hosts whose containers have no owner.
    """

    owner: str
    instance: str
    image: str
    container_id: str
    created: float
    started: float
    status: str = "created"
    ports: tuple[int, ...] = (22,)
    gpu_ids: list[int] | None = None
    memory_limit: int = -1
    shm_size: int = 8 * GIB
    host_ports: dict[int, int] = field(default_factory=dict)
    log: str = ""
    broken: bool = False
    """It has no device requests in Docker, so that the server cannot inspect it."""
    user: str = "root"
    """The only user who may log in."""
    password: str = ""
    """That user's own password, "" for the one every pod has."""
    env: dict[str, str] = field(default_factory=dict)
    """Additional environment variables of its shells."""
    returns: bool = False
    """Whether a cloud's container runs again under its id, with its files: then it keeps its host key."""
    sees_processes: bool = True
    """Whether nvidia-smi in it lists processes: not in a container without a view of the host's process ids."""
    finished: float | None = None
    """When it stopped last, None for never."""
    files: FileSystem | None = field(default=None, repr=False, compare=False)
    """The files in it, made when they are first used."""

    @property
    def name(self) -> str:
        """The container's name, unique on its host."""
        return f"{self.owner}-{self.instance}" if self.owner else self.instance

    @property
    def running(self) -> bool:
        """Whether its processes run and its ports are open."""
        return self.status == "running"
