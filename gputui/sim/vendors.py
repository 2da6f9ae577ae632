"""The vendors of the simulator: each builds accounts in the world and serves the API of every one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp

from gputui import vendors as registry
from gputui.sim.http.faults import ApiFaults
from gputui.sim.machines.world import World
from gputui.vendors import VendorError

SIZES = ("small", "large", "huge")


@dataclass(frozen=True)
class SimulatedAccount:
    """One account and its API, None for an account that has none.

    ``config`` is its section of a configuration, without ``base_url``; ``comment`` a line above it. ``state`` is the
    vendor's own object behind the API, for tests. ``dated`` is False for an application that sets ``Date`` itself.
    ``close`` is called when the simulator ends.
    """

    name: str
    app: ASGIApp | None
    faults: ApiFaults | None
    config: Mapping[str, Any]
    state: Any
    comment: str = ""
    dated: bool = True
    close: Callable[[], object] | None = None


class SimulatedVendor(ABC):
    """A kind of account that the simulator serves. Its plans are of any type that ``build`` takes."""

    kind: str
    port_offsets: Sequence[int] = ()
    """The places of its accounts after the first port; an account without one takes a free port."""
    needs_ssh: bool = False
    """Whether its accounts are reached over SSH: a simulator without has none of them."""
    sizes: Mapping[str, Sequence[Any]]
    """The accounts to build in a world of each of SIZES."""
    variants: Mapping[str, Sequence[Any]] = MappingProxyType({})
    """Accounts to build in place of those of the size, by name."""

    def plans(self, size: str, variant: str = "") -> Sequence[Any]:
        """Return the accounts to build; the variant "usual" is that of the size. Raises ValueError."""
        if variant in ("", "usual"):
            return self.sizes[size]
        if variant not in self.variants:
            known = ", ".join(("usual", *self.variants))
            raise ValueError(f"unknown variant {variant!r} of {self.kind}: one of {known}")
        return self.variants[variant]

    @abstractmethod
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
