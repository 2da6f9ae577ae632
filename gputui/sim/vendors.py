"""The vendors of the simulator: each builds accounts in the world and serves the API of every one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import ASGIApp

from gputui import vendors as registry
from gputui.vendors import VendorError

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


def vendors() -> tuple[list[SimulatedVendor], list[VendorError]]:
    """Return the simulators of the registered vendors, and why others cannot be used.

    Those with the most ports of their own come first, in the order of the ports.
    """
    found: list[SimulatedVendor] = []
    problems: list[VendorError] = []
    for kind in registry.kinds():
        try:
            if registry.find(kind).parts["simulator"]:
                found.append(registry.load(kind, "simulator")())
        except VendorError as error:
            problems.append(error)
        except Exception as error:  # noqa: BLE001  (another package's code)
            problems.append(registry.package_fault(kind, error))
    return sorted(found, key=lambda vendor: (-len(vendor.port_offsets), tuple(vendor.port_offsets))), problems
