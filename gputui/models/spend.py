"""Spending as it was observed: who charged how much an hour, from when to when, and when lists were read at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.resources import Resource
from gputui.models.values import Money, Ref


@dataclass(frozen=True, slots=True)
class Charge:
    """A thing that costs money, with all by which its cost is added up: another price or owner is another charge.

    ``generation`` distinguishes it from an earlier thing with its Ref. ``resource`` is the list that it is in.
    ``deployment`` is the Ref of its deployment as text, which is called ``parent``; '' without one. ``price`` is that
    of an hour, as a decimal number; '' where it is unknown. ``prepaid``: a package pays for it, no money is spent.
    """

    ref: Ref
    resource: Resource
    generation: str = ""
    name: str = ""
    deployment: str = ""
    parent: str = ""
    owner: str = ""
    label: str = ""
    currency: str = ""
    price: str = ""
    estimated: bool = False
    prepaid: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A charge was observed from ``since`` to ``until``, in seconds since 1970.

    ``joins`` is how many seconds before that another process may have observed it last: what is between counts.
    """

    charge: Charge
    since: float
    until: float
    joins: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """A list of an account was read again and again from ``since`` to ``until``; ``whole``: it lacked nothing."""

    account: str
    resource: Resource
    whole: bool
    since: float
    until: float
    joins: float = 0.0


@dataclass(frozen=True, slots=True)
class SpendRecord:
    """The spending that the history has: charges by number, spans of these, looks; each in the order of time.

    ``begun`` is when each account was looked at first, of all time that is kept.
    """

    charges: Mapping[int, Charge] = field(default_factory=dict)
    spans: Sequence[tuple[int, float, float]] = ()
    looks: Sequence[Look] = ()
    begun: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenPrice:
    """The price of an hour of a thing, as it was seen from ``since`` to ``until``, both aware.

    ``price`` is None where it was unknown, ``until`` where it is still seen. ``prepaid``: a package paid for it.
    """

    price: Money | None
    since: datetime
    until: datetime | None
    prepaid: bool = False
