"""Instances, logging into them, and their events."""

from __future__ import annotations

import re
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from gputui.late_dataclasses import dataclass
from gputui.models.values import Money, Phase, Ref, Secret


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of an instance as reached from outside."""

    host_port: int
    instance_port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Service:
    """A port of an instance that has a public address of its own. ``url`` is ``http(s)://…`` or ``host:port``.

    ``name`` is that of the program there, where it is known. ``token`` admits to it: it is added to the address that
    a browser gets, and never shown.
    """

    port: int
    url: str
    name: str = ""
    token: Secret | None = field(default=None, compare=False, repr=False)

    def entry(self) -> str:
        """Return the address with the token, which admits whoever has it: for a browser or the clipboard alone."""
        if self.token is None:
            return self.url
        return f"{self.url.rstrip('/')}/?token={quote(self.token.reveal(), safe='')}"


@dataclass(frozen=True, slots=True)
class SSHTarget:
    """Where an instance's sshd listens now. Address, port and password may change with every restart.

    ``generation`` distinguishes this instance from an earlier one of the same name, which had another host key.
    ``user`` is empty where the back end does not report who may log in. ``remembered``: it was created, or logged
    into before, with this user and password, whatever the account's other instances have.

    ``alias`` is a name for the user's OpenSSH configuration, which then decides on the address. ``enter`` are the
    program of a container engine and the id of a container: the login is to its host, the row ``host_row``.
    """

    host: str
    port: int
    user: str
    password: Secret | None = None
    generation: str = ""
    remembered: bool = False
    alias: str = ""
    enter: tuple[str, ...] = ()
    host_row: Ref | None = None


_HOST = re.compile(r"(?:(\S{1,256})@)?(?:\[([0-9A-Fa-f:.]+)\]|([^\s@:\[\]]+))(?::(\d{1,5}))?")


def parse_host(text: str) -> tuple[str, str, int | None]:
    """Read ``[user@]host[:port]`` with an IPv6 host in brackets; raises ValueError with the fix.

    The user is '' and the port None where none is named.
    """
    match = _HOST.fullmatch(text)
    if match is None or not 0 < int(match[4] or 22) < 65536:
        raise ValueError("is not a host; write it as user@host:port, user and port are optional")
    return match[1] or "", match[2] or match[3], int(match[4]) if match[4] else None


@dataclass(frozen=True, slots=True)
class SSHLogin:
    """How an account logs in over SSH, from its configuration: what is set here wins over the target's own.

    Only what is remembered of an instance (:attr:`SSHTarget.remembered`) comes before it. ``accept_new``: new host
    keys are remembered without a question; None leaves that to the user's OpenSSH configuration, where it applies.
    ``config`` is the path of that configuration, None for ``~/.ssh/config``.
    """

    user: str | None = None
    port: int | None = None
    key: str | None = None
    password: Secret | None = None
    agent: bool = True
    jump: str | None = None
    accept_new: bool | None = None
    config: Path | None = None

    def user_of(self, target: SSHTarget) -> str:
        """Return the user who logs in there; '' where it is unknown."""
        return (target.remembered and target.user) or self.user or target.user

    def password_of(self, target: SSHTarget) -> Secret | None:
        """Return the password to try there first."""
        return (target.password if target.remembered else None) or self.password or target.password


@dataclass(frozen=True, slots=True)
class Machine:
    """The state of a machine that is an instance itself, as a look at it found it.

    ``reachable`` is False where nothing answers at its address, None where that is unknown; figures are then unknown.
    ``boot_id`` changes with each boot; it is kept while the machine cannot be read. ``load`` are the averages over
    one, five and fifteen minutes. ``users`` are those logged in, None where that is unknown. ``gpus_lost`` are GPUs
    that failed or disappeared since the boot. Disk sizes are of ``/`` and of the home directory of the user.
    ``containers_problem`` is why its containers, or some of them, could not be listed; '' where they were.
    ``first_look``: the first look at it has not ended, and nothing is known yet.
    """

    reachable: bool | None
    boot_id: str = ""
    kernel: str = ""
    driver: str = ""
    cuda: str = ""
    load: tuple[float, ...] = ()
    memory_used: int | None = None
    disk_used: int | None = None
    home_size: int | None = None
    home_used: int | None = None
    users: tuple[str, ...] | None = None
    gpus_lost: int = 0
    containers_problem: str = ""
    first_look: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU, memory and disks in use in an instance now, as its back end measured it; None where unknown.

    ``cpu`` is in percent of its CPUs, the others are in bytes. ``data_disk`` is a disk next to that of the system.
    """

    cpu: float | None = None
    memory: int | None = None
    disk: int | None = None
    data_disk: int | None = None
    data_disk_size: int | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance: a container, pod, VM or worker, which can be logged into.

    ``status`` is the vendor's own word. ``gpu_indices`` are the host's indices it may use; ``gpu_all`` says all
    of them. ``memory_limit`` is None where there is none or it is not reported, ``gpu_memory`` is what its GPUs have,
    ``spot`` says that it is cheaper and may be taken away at any time. ``price`` is for one hour. ``parent`` is
    the deployment it belongs to, or the machine whose container it is. ``machine`` is there where it is a whole
    machine: ``memory_limit`` is then what it has. ``aliases`` are other names its back end has for it, which commands
    accept. ``progress`` is the share of its image that has come, 0 to 1, while it is created. ``shutdown_at`` is when
    it is set to be stopped, ``release_at`` when the vendor deletes it unless it is started before. ``frozen``: it
    keeps its processes though it does not run. ``paid_disk`` are the bytes of its disk beyond those in its price,
    which may be billed while it is stopped; None where there are none, or that is unknown. ``problem`` says why the
    row could not be read in full. ``raw`` is the back end's JSON without secrets; it is not compared.
    """

    ref: Ref
    name: str
    phase: Phase
    status: str
    parent: Ref | None = None
    aliases: tuple[str, ...] = ()
    image: str | None = None
    gpu_model: str | None = None
    gpu_count: int | None = None
    gpu_indices: tuple[int, ...] | None = None
    gpu_all: bool = False
    cpu_count: int | None = None
    memory_limit: int | None = None
    shm_size: int | None = None
    gpu_memory: int | None = None
    disk_size: int | None = None
    paid_disk: int | None = None
    spot: bool | None = None
    region: str | None = None
    host: str | None = None
    networks: tuple[str, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    price: Money | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    updated_at: datetime | None = None
    version: str = ""
    services: tuple[Service, ...] = ()
    ssh: SSHTarget | None = None
    container_id: str | None = None
    problem: str | None = None
    frozen: bool = False
    machine: Machine | None = None
    usage: Usage | None = None
    progress: float | None = None
    shutdown_at: datetime | None = None
    release_at: datetime | None = None
    raw: str = field(default="", compare=False, repr=False)

    @property
    def is_awaited(self) -> bool:
        """Whether its first answer has not come yet: it is neither well nor a problem."""
        return self.machine is not None and self.machine.first_look


class EventSource(StrEnum):
    """The source of an event."""

    REPORTED = "reported"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Event:
    """An instance changed state, as the API reported it or as two snapshots showed it.

    ``at`` of an observed event is when the second snapshot was taken. ``status`` ``gone`` ends an instance.
    ``before`` is the earlier status, None when it appeared. ``after_seconds`` is how long it was in that.
    ``parent`` is the deployment of the instance.
    """

    ref: Ref
    instance: Ref
    name: str
    at: datetime
    status: str
    phase: Phase
    before: str | None = None
    after_seconds: float | None = None
    source: EventSource = EventSource.OBSERVED
    parent: Ref | None = None
