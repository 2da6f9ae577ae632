"""The billing of a simulated cloud: prepaid GPU seconds first, the wallet for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .entities import Container

_HOUR = 3600.0


@dataclass
class Package:
    """Prepaid seconds of one GPU model in some regions: bought, and left."""

    model: str
    regions: tuple[str, ...]
    total: float
    balance: float


@dataclass
class _Use:
    gpus: int = 0
    price: int = 0


class Ledger:
    """Packages and wallet of an account. Money in thousandths of its currency; settled whenever the use changes.

    ``blocked`` is the frozen part of ``assets``.
    """

    def __init__(self, now: float, *, assets: float, vouchers: int = 0, packages: Iterable[Package] = ()) -> None:
        self.assets = assets
        self.vouchers = vouchers
        self.blocked = 23_450
        self.spent = 0.0
        self.packages = list(packages)
        self._settled = now
        self._use: dict[tuple[str, str], _Use] = {}

    def settle(self, now: float) -> None:
        """Charge the use since the last call to the packages, and to the wallet where they are used up."""
        elapsed = now - self._settled
        if elapsed <= 0:
            return
        self._settled = now
        left = {place: use.gpus * elapsed for place, use in self._use.items() if use.gpus}
        for package in self.packages:
            places = [place for place in left if place[0] == package.model and place[1] in package.regions]
            wanted = sum(left[place] for place in places)
            taken = min(package.balance, wanted)
            package.balance -= taken
            for place in places if taken else ():
                # All containers draw from it at the same time, each in proportion to its use.
                left[place] *= 1 - taken / wanted
        for place, seconds in left.items():
            use = self._use[place]
            cost = use.price * seconds / use.gpus / _HOUR
            self.assets -= cost
            self.spent += cost

    def count(self, container: Container, now: float, sign: int) -> None:
        """Charge for a container from now on (1), or no longer (-1)."""
        place = (container.machine.model.name, container.region)
        self.charge(place, len(container.gpu_ids), container.price, now, sign)

    def charge(self, place: tuple[str, str], gpus: int, price: int, now: float, sign: int) -> None:
        """Charge for GPUs of a model in a region from now on (1), or no longer (-1); ``price`` is for all of them."""
        self.settle(now)
        use = self._use.setdefault(place, _Use())
        use.gpus += sign * gpus
        use.price += sign * price
