"""The words everything else is made of: secrets, names, states, actions, money, GPU names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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
    HOSTS = "hosts"
    STOCK = "stock"
    IMAGES = "images"
    EVENTS = "events"
    DEPLOYMENTS = "deployments"
    BLACKLIST = "blacklist"
    PACKAGES = "packages"
    BALANCES = "balances"
    VOLUMES = "volumes"
    CREDENTIALS = "credentials"
    TASKS = "tasks"
    QUEUES = "queues"
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
    SCALE = "scale"
    BLOCK = "block"
    UPDATE = "update"
    RENAME = "rename"
    RESIZE = "resize"
    SSH = "ssh"
    CHANGE_PASSWORD = "passwd"  # noqa: S105  (the name of an action)

    @property
    def mutates(self) -> bool:
        """Whether it changes something on the back end and so falls under confirmation, audit and read-only."""
        return self is not Action.SSH


FORM_ACTIONS = frozenset({Action.UPDATE, Action.RENAME, Action.RESIZE})
"""Actions on a thing that ask for values in a form of their own."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Two currencies are never added."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)


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


_GPU_MEMORY: Mapping[str, int] = {
    "TITAN XP": 12,
    "RTX 2080 TI": 11,
    "RTX 3060": 12,
    "RTX 3080": 10,
    "RTX 3080 TI": 12,
    "RTX 3090": 24,
    "RTX 4080": 16,
    "RTX 4090": 24,
    "RTX 4090D": 24,
    "RTX 5090": 32,
    "RTX 5090D": 32,
    "RTX PRO 6000": 96,
    "RTX 6000 ADA": 48,
    "RTX A4000": 16,
    "RTX A5000": 24,
    "RTX A6000": 48,
    "A40": 48,
    "P40": 24,
    "L4": 24,
    "L20": 48,
    "L40": 48,
    "L40S": 48,
    "T4": 16,
    "V100": 32,
    "A10": 24,
    "A100": 80,
    "A100 40G": 40,
    "A100 80G": 80,
    "A800": 80,
    "H20": 96,
    "H100": 80,
    "H200": 141,
    "H800": 80,
    "B200": 180,
    "B300": 288,
}
"""Memory of one GPU in GiB, by label, of models that are sold with one size only or mostly."""


def gpu_memory(label: str) -> int | None:
    """Return the usual memory of a GPU model in bytes, for back ends that do not tell; None when not known."""
    name = label.upper()
    size = _GPU_MEMORY.get(name) or _GPU_MEMORY.get(name.partition("-")[0])
    return None if size is None else size * 2**30


def gpu_label(name: str) -> str:
    """Normalise a vendor's GPU name: ``NVIDIA_RTX_5090_32G`` and ``NVIDIA GeForce RTX 5090`` -> ``RTX 5090``."""
    text = _VENDOR_WORDS.sub(" ", name.replace("_", " "))
    text = " ".join(text.split())
    without = _MEMORY_SUFFIX.sub("", text)
    if without.lower() == "vgpu":
        return text  # a share of a card has nothing but its memory to be called by
    text = without
    words = [_KEEP_CASE.get(word.upper(), word.upper() if word.isascii() else word) for word in text.split()]
    return " ".join(words) or name
