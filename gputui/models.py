"""The domain: frozen objects in the field's own words, shared by every back end, screen and command.

Times are aware datetimes in UTC, sizes are bytes, durations are seconds. ``None`` means the back end does not
say. Every text from a back end has been through :func:`gputui.text.clean` before it becomes part of a model.
Standard library only: the first frame is drawn from these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Secret:
    """A text that never shows in a repr, a log, a dump or JSON; :meth:`reveal` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names anything, over all accounts; in text ``account/kind/id`` (an id may itself hold slashes)."""

    account: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.account}/{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read ``account/kind/id``; raises ValueError on anything shorter."""
        account, kind, id_ = text.split("/", 2)
        if not (account and kind and id_):
            raise ValueError(f"not a reference: {text!r}")
        return cls(account, kind, id_)


class Resource(StrEnum):
    """What a back end can list and the fleet polls; the KIND of ``gputui get``."""

    INSTANCES = "instances"
    GPUS = "gpus"
    PROCESSES = "processes"
    STOCK = "stock"
    IMAGES = "images"
    EVENTS = "events"
    ACCOUNTS = "accounts"


class Phase(StrEnum):
    """One word for the state of anything, whatever the vendor calls it; the raw status stays beside it."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What can be done to a thing. Offered only where its back end has it, for the state it is in."""

    CREATE = "create"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    DELETE = "delete"
    EXEC = "exec"
    COMMIT = "commit"
    SSH = "ssh"
    CHANGE_PASSWORD = "passwd"  # noqa: S105  (the name of an action)

    @property
    def mutates(self) -> bool:
        """Whether it changes something on the back end and so falls under confirmation, audit and read-only."""
        return self is not Action.SSH


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Two currencies are never added."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of an instance as reached from outside."""

    host_port: int
    instance_port: int
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class SSHTarget:
    """Where an instance's sshd listens now. Address, port and password may change with every restart.

    ``made`` tells this instance from an earlier one of the same name: its host key is another one rightly.
    """

    host: str
    port: int
    user: str
    password: Secret | None = None
    made: str = ""


@dataclass(frozen=True, slots=True)
class SSHLogin:
    """How an account logs in over SSH, from its configuration: what is set here wins over the target's own."""

    user: str | None = None
    port: int | None = None
    key: str | None = None
    password: Secret | None = None
    agent: bool = True
    jump: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """Something one can log into: container, pod, VM, worker.

    ``status`` is the vendor's own word. ``gpu_indices`` are the host's indices it may use; ``gpu_all`` says all
    of them. ``memory_limit`` is None where there is none or it is not told. ``problem`` says why the row could
    not be read in full. ``raw`` is the back end's JSON without secrets; it does not take part in comparison.
    """

    ref: Ref
    name: str
    phase: Phase
    status: str
    parent: Ref | None = None
    image: str | None = None
    gpu_model: str | None = None
    gpu_count: int | None = None
    gpu_indices: tuple[int, ...] | None = None
    gpu_all: bool = False
    cpu_count: int | None = None
    memory_limit: int | None = None
    shm_size: int | None = None
    region: str | None = None
    host: str | None = None
    networks: tuple[str, ...] = ()
    ports: tuple[PortMapping, ...] = ()
    price: Money | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    ssh: SSHTarget | None = None
    container_id: str | None = None
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)


class EventSource(StrEnum):
    """Who says that it happened."""

    REPORTED = "reported"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Event:
    """An instance changed state, as the API reported it or as two snapshots showed it.

    ``at`` of an observed event is when the second snapshot was taken. ``status`` ``gone`` ends an instance.
    ``before`` is the earlier status, None when it appeared. ``after_seconds`` is how long it was in that.
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


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One reading of one GPU. Utilisation and fan in percent, power in watts, temperature in degrees Celsius."""

    at: datetime
    utilization: float | None = None
    memory_used: int | None = None
    power: float | None = None
    temperature: float | None = None
    fan: float | None = None


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A GPU of a host. ``memory_used`` is what its processes hold, where no sensor says more."""

    ref: Ref
    host: str
    index: int
    model: str | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    process_count: int | None = None
    instances: tuple[str, ...] = ()
    sample: GpuSample | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that uses a GPU. ``instance`` is None for a process of the host (``instance_name`` is empty then).

    ``instance_name`` is the back end's own name of the instance; ``instance`` its Ref when it is one of ours.
    """

    ref: Ref
    host: str
    gpu_index: int
    pid: int
    command: str
    instance_name: str = ""
    instance: Ref | None = None
    uptime: float | None = None
    memory_used: int | None = None
    gpu_memory_used: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """GPUs that can be had in one place. ``available`` is for back ends that say only yes or no."""

    ref: Ref
    gpu_model: str
    region: str
    idle: int | None = None
    total: int | None = None
    available: bool | None = None
    gpu_memory: int | None = None
    price_from: Money | None = None
    price_to: Money | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A container image one can start from. ``own`` marks one the user made (a commit) and may delete."""

    ref: Ref
    name: str
    tag: str | None = None
    digest: str | None = None
    size: int | None = None
    created_at: datetime | None = None
    description: str = ""
    own: bool = False
    raw: str = field(default="", compare=False, repr=False)

    @property
    def reference(self) -> str:
        """What one writes to name it: ``name:tag``, or the name alone."""
        return f"{self.name}:{self.tag}" if self.tag else self.name


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One limit of an account. ``limit`` None is unlimited; ``used`` None is not known. ``unit`` is '' or 'bytes'.

    ``text`` stands in where the limit is not a number (a list of GPU indices).
    """

    name: str
    limit: int | None
    used: int | None = None
    unit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """What a back end says of the account and its host: version, who one is, quota, other users, host spec."""

    ref: Ref
    backend: str
    base_url: str
    version: str
    user: str
    is_admin: bool = False
    quota: tuple[QuotaLine, ...] = ()
    users: tuple[str, ...] = ()
    host_spec: tuple[tuple[str, str], ...] = ()
    usage: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The end of a command run in an instance. ``exit_code`` None: it was ended by the time limit."""

    exit_code: int | None
    output: str
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What a back end answered to an action: its words, and the thing it made, if any."""

    message: str
    created: Ref | None = None
    exec: ExecResult | None = None


class FieldKind(StrEnum):
    """How a form field is edited."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    SECRET = "secret"  # noqa: S105  (a kind of field)


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a create form: made from the create call's model and the server's own choices."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What a create call asks for. ``kind`` is the kind of thing it makes."""

    account: str
    kind: str
    title: str
    fields: tuple[FormField, ...]
    note: str = ""


class Row(Protocol):
    """Anything a table can show: it has a Ref."""

    @property
    def ref(self) -> Ref:
        """What it is called everywhere."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two states of a store, by Ref. Equal rows are in none of the three."""

    added: tuple[Row, ...] = ()
    updated: tuple[Row, ...] = ()
    removed: tuple[Ref, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.updated or self.removed)


class FeedState(StrEnum):
    """How far one list of one account can be believed."""

    LOADING = "loading"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"


class HealthState(StrEnum):
    """The dot of an account in the header."""

    UNKNOWN = "unknown"
    OK = "ok"
    SLOW = "slow"
    LIMITED = "rate limited"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Health:
    """An account's state as a whole. ``message`` is short enough for the header, ``since`` when this state began.

    ``until`` is when a rate limit ends; it belongs to ``LIMITED`` alone.
    """

    account: str
    state: HealthState
    message: str = ""
    since: datetime | None = None
    read_only: bool = False
    until: datetime | None = None


_VENDOR_WORDS = re.compile(r"\b(nvidia|amd|aws|geforce|tesla|graphics|gpu)\b", re.IGNORECASE)
_MEMORY_SUFFIX = re.compile(r"[ _-](\d+)\s?G(i?B)?$", re.IGNORECASE)
_KEEP_CASE: Mapping[str, str] = {
    "PRO": "PRO",
    "ADA": "Ada",
    "PCIE": "PCIe",
    "TI": "Ti",
    "SUPER": "SUPER",
    "TRAINIUM": "Trainium",
}


def gpu_label(name: str) -> str:
    """Normalise a vendor's GPU name: ``NVIDIA_RTX_5090_32G`` and ``NVIDIA GeForce RTX 5090`` -> ``RTX 5090``."""
    text = _VENDOR_WORDS.sub(" ", name.replace("_", " "))
    text = _MEMORY_SUFFIX.sub("", " ".join(text.split()))
    words = [_KEEP_CASE.get(word.upper(), word.upper() if word.isascii() else word) for word in text.split()]
    return " ".join(words) or name
