"""The vendors of the simulator: each builds accounts in the world and serves the API of every one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from starlette.types import ASGIApp

from .faults import ApiFaults
from .world import World

SIZES = ("small", "large", "huge")


@dataclass(frozen=True)
class SimulatedAccount:
    """One account and its API.

    ``config`` is its section of a configuration, without ``base_url``; ``comment`` a line above it. ``state`` is the
    vendor's own object behind the API, for tests. ``dated`` is False for an application that sets ``Date`` itself.
    """

    name: str
    app: ASGIApp
    faults: ApiFaults
    config: Mapping[str, Any]
    state: Any
    comment: str = ""
    dated: bool = True


class SimulatedVendor(Protocol):
    """A kind of account that the simulator serves. ``plans`` and ``build`` agree on the type of a plan.

    ``port_offsets`` are the places of its accounts after the first port; an account without one takes a free port.
    """

    kind: str
    port_offsets: Sequence[int]

    def plans(self, size: str, variant: str = "") -> Sequence[Any]:
        """Return the accounts to build in a world of a size (one of SIZES), or in one of the vendor's variants.

        Raises ValueError for an unknown variant.
        """

    def build(self, world: World, plan: Any, seed: int) -> SimulatedAccount:
        """Add an account to the world. Its random numbers come from ``seed`` and the plan alone."""


_VENDORS = (
    "gputui.sim.gpuhub.vendor:GpuhubVendor",
    "gputui.sim.pody.vendor:PodyVendor",
    "gputui.sim.deepdock.vendor:DeepdockVendor",
    "gputui.sim.yotta.vendor:YottaVendor",
)


def vendors() -> list[SimulatedVendor]:
    """Return the known vendors, in the order in which their accounts are listed."""
    return [_load(path) for path in _VENDORS]


def _load(path: str) -> SimulatedVendor:
    module, _, name = path.partition(":")
    return cast(SimulatedVendor, getattr(import_module(module), name)())
