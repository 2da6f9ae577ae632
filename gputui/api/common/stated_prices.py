"""The prices that an account's configuration states, for what its server reports no exact price of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.models import Deployment, Instance, Money, Offer, gpu_label, gpu_matches

if TYPE_CHECKING:
    from gputui.config.loader import Account


class StatedPrices:
    """Prices for one GPU-hour: ``prices`` by model, ``price`` for every other; empty where nothing is stated.

    A model matches by its normalised label, form factor and memory included, else without them: ``"H100"`` is the
    price of an H100 PCIe too, where no other one is stated.
    """

    def __init__(self, currency: str, price: float | None, prices: Mapping[str, float]) -> None:
        self._currency = currency
        self._price = None if price is None else Decimal(str(price))
        self._prices = {gpu_label(name): Decimal(str(amount)) for name, amount in prices.items()}

    @classmethod
    def of(cls, account: Account) -> StatedPrices:
        """Return those of an account."""
        return cls(account.currency, account.price, account.prices)

    def __bool__(self) -> bool:
        return self._price is not None or bool(self._prices)

    def gpus(self, model: str | None, count: int | None) -> Money | None:
        """Return what so many GPUs of a model cost an hour; None where that, or their number, is not known."""
        each = self._each(model)
        if each is None:
            return None
        if not each:
            return Money(each, self._currency)  # however many they are
        return None if count is None else Money(each * count, self._currency)

    def instance(self, row: Instance) -> Instance:
        """Return an instance with the stated price, where its server reports no exact one."""
        if not self or (row.price is not None and not row.price.estimated):
            return row
        count = row.gpu_count if row.gpu_indices is None else len(row.gpu_indices)
        stated = self.gpus(row.gpu_model, count)
        return row if stated is None else replace(row, price=stated)

    def deployment(self, row: Deployment) -> Deployment:
        """Return a deployment with the stated price of what runs in it, where its server reports no exact one."""
        if not self or (row.price is not None and not row.price.estimated):
            return row
        models = {self._each(model) for model in row.gpu_models}
        if len(models) != 1 or row.running is None or row.gpu_count is None:
            return row
        stated = self.gpus(row.gpu_models[0], row.running * row.gpu_count)
        return row if stated is None else replace(row, price=stated)

    def offer(self, row: Offer) -> Offer:
        """Return an offer with the stated price of one GPU, where its server reports no exact one."""
        if not self or (row.price_from is not None and not row.price_from.estimated):
            return row
        stated = self.gpus(row.gpu_model, 1)
        return row if stated is None else replace(row, price_from=stated, price_to=stated)

    def _each(self, model: str | None) -> Decimal | None:
        fitting = [name for name in self._prices if gpu_matches(model or "", name)]
        # The longest label says most: form factor and memory as well.
        return self._prices[max(fitting, key=len)] if fitting else self._price
