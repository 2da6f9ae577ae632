"""Basic values: secrets, references, phases, actions, money."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self
from weakref import WeakValueDictionary

from gputui.late_dataclasses import dataclass


class Secret:
    """A text that never shows in a repr, a log, a dump or JSON; :meth:`reveal` is the only way out."""

    __slots__ = ("__weakref__", "_value")

    _all: ClassVar[WeakValueDictionary[int, Secret]] = WeakValueDictionary()

    def __new__(cls, value: str = "") -> Self:
        """Make each secret, copies included, known to :meth:`revealed`."""
        secret = super().__new__(cls)
        cls._all[id(secret)] = secret
        return secret

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def revealed(cls) -> tuple[str, ...]:
        """Return the text of every secret there is in this process, to remove them from a report."""
        found = (secret() for secret in cls._all.valuerefs())
        return tuple({secret._value for secret in found if secret is not None and hasattr(secret, "_value")})

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
    """The reference of a row over all accounts; in text ``account/kind/id`` (an id may contain slashes)."""

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


class Phase(StrEnum):
    """The state of a row, the same for all vendors; rows have the vendor's status as well."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """An action on a row. Offered only where its back end has it, for the state of the row."""

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


class Outcome(StrEnum):
    """How a mutation in the audit log ended. An entry left at ``started`` is one whose process died."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


def digits(amount: Decimal) -> str:
    """Write an amount in digits, without an exponent: ``0.0000001``; zero is ``0`` however a server writes it."""
    return f"{amount:f}" if amount else "0"


def rounded(amount: Decimal, least: Decimal) -> Decimal:
    """Return an amount to a multiple of ``least``; one that would become zero to its first two digits."""
    found = amount.quantize(least)
    return found if found or not amount else amount.quantize(Decimal((0, (1,), amount.adjusted() - 1)))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Two currencies are never added.

    ``estimated``: it is derived, or its unit is not certain; a sum with one such part is an estimate as well. A price
    of zero is free, a price that is not known is None.
    """

    amount: Decimal
    currency: str
    estimated: bool = False

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency, self.estimated or other.estimated)

    def times(self, factor: int | Decimal) -> Money:
        """Return so many times the amount."""
        return Money(self.amount * factor, self.currency, self.estimated)
