"""Deployments, blocked hosts, prepaid time and money of an account."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.instances import Service
from gputui.models.values import Money, Phase, Ref


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment: it keeps instances running, or runs them to their end.

    ``type`` and ``status`` are the vendor's own words; ``desired`` is how many instances are wanted (of a job: to be
    run in all), ``parallelism`` how many of a job may run at a time, ``finished`` how many have come to their end.
    What follows from ``gpu_models`` on is the template of each instance: ranges within which a host must lie, memory
    in bytes, CUDA versions as the vendor writes them (118 is 11.8), prices and the estimate for one hour.
    ``price`` is the current cost of an hour of all of it, where its instances have no prices of their own.
    ``services`` are its public addresses.
    ``webhook`` receives its state changes; ``takes_tasks``: it has a queue of tasks.
    ``edits_need_stop``: its settings can be changed only while it is stopped.
    ``problem`` says why the row could not be read in full.
    ``ports`` maps a port to the protocol of its public address. ``reuse`` says whether stopped instances are used
    again, ``reuse_scope`` among which.
    """

    ref: Ref
    name: str
    type: str
    phase: Phase
    status: str
    desired: int | None = None
    parallelism: int | None = None
    starting: int | None = None
    running: int | None = None
    finished: int | None = None
    gpu_models: tuple[str, ...] = ()
    gpu_count: int | None = None
    regions: tuple[str, ...] = ()
    cuda_from: int | None = None
    cuda_to: int | None = None
    cpu_from: int | None = None
    cpu_to: int | None = None
    memory_from: int | None = None
    memory_to: int | None = None
    price_from: Money | None = None
    price_to: Money | None = None
    price_estimate: Money | None = None
    price: Money | None = None
    image: str | None = None
    command: str = ""
    shutdown_command: str = ""
    reuse: bool | None = None
    reuse_scope: str = ""
    ports: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    webhook: str = ""
    services: tuple[Service, ...] = ()
    takes_tasks: bool = False
    edits_need_stop: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    stopped_at: datetime | None = None
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)


TRANSFER_TEXTS = frozenset({"remittance_code", "exclusive_transfer_account"})
"""Keys of a wallet with the data of bank transfers, such as an account number."""

LONGEST_BLOCK = 30 * 24 * 60
"""The longest time that a host can be blocked, in minutes."""


@dataclass(frozen=True, slots=True)
class Block:
    """A host that gets no new instances until a time. ``updated_at`` after ``created_at``: it was extended."""

    ref: Ref
    host: str
    region: str
    until: datetime | None = None
    comment: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Package:
    """Prepaid GPU time: seconds in total and left, for one GPU model in some regions.

    ``problem`` says why it could not be read; what never could be read has no ``gpu_model``.
    """

    ref: Ref
    gpu_model: str
    regions: tuple[str, ...]
    total: int | None
    balance: int | None
    vendor_name: str = ""
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Balance:
    """The money of an account: what can be spent, without what is blocked.

    ``parts`` are the other figures its back end gives, by their own names: money or counts. Texts for bank transfers
    are none of them, not even in a snapshot that an earlier release has kept.
    """

    ref: Ref
    available: Money
    parts: tuple[tuple[str, str], ...] = ()
    raw: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if any(name in TRANSFER_TEXTS for name, _ in self.parts):
            shown = tuple((name, figure) for name, figure in self.parts if name not in TRANSFER_TEXTS)
            object.__setattr__(self, "parts", shown)
