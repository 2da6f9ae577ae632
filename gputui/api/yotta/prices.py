"""The prices that Yotta reports, exact and estimated.

The data model has one figure, the ``cost`` of endpoints and volumes, without a unit: taken for an hour's, it is an
estimate. Newer answers have ``perHourPrice`` or ``perSecondPrice`` of a whole thing and ``singleCardPrice`` of one of
its GPUs for an hour: these are exact. What follows from the list price of a type of VM is an estimate again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gputui.models import Deployment, Instance, Money, Phase, gpu_matches
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.yotta.mapping import VmType
    from gputui.api.yotta.schema import PricedRow

_SECONDS = 3600


def amount(figure: float | None) -> Decimal | None:
    """Return a figure as an amount; None for what is none."""
    return None if figure is None or figure < 0 else Decimal(str(figure))


def per_hour(row: PricedRow) -> Decimal | None:
    """Return what an hour of all of it costs; None where that is not reported."""
    second = amount(row.per_second_price)
    reported = [figure for figure in (amount(row.per_hour_price), second and second * _SECONDS) if figure is not None]
    return next((figure for figure in reported if figure), reported[0] if reported else None)


def rental_price(row: PricedRow, gpus: int | None, currency: str) -> Money | None:
    """Return what an hour of a pod or a VM with so many GPUs costs; None where that is not reported."""
    if (whole := per_hour(row)) is not None:
        return Money(whole, currency)
    each = amount(row.single_card_price)
    return None if each is None or not gpus else Money(each * gpus, currency)


def endpoint_price(
    row: PricedRow, cost: float | None, *, running: int | None, gpus: int | None, currency: str
) -> Money | None:
    """Return what an hour of an endpoint costs now, with ``running`` workers of so many ``gpus`` each.

    Without a price, ``cost`` is taken for it, as an estimate; none of it while workers run says nothing.
    """
    if (whole := per_hour(row)) is not None:
        return Money(whole, currency)
    each = amount(row.single_card_price)
    if each is not None and gpus and running is not None:
        return Money(each * gpus * running, currency, estimated=True)
    if not cost and running:
        return None
    return uncertain(cost, currency)


def uncertain(cost: float | None, currency: str) -> Money | None:
    """Return a ``cost`` as an estimate of an hour's; nothing is nothing in whatever unit."""
    figure = amount(cost)
    return None if figure is None else Money(figure, currency, estimated=figure > 0)


def worker_share(endpoint: Deployment, phase: Phase) -> Money | None:
    """Return the part of a worker that runs, or is on the way there, in the price of its endpoint, as an estimate."""
    if endpoint.price is None or not endpoint.running or phase not in (Phase.RUNNING, Phase.PENDING):
        return None
    share = endpoint.price.amount / endpoint.running
    return Money(share, endpoint.price.currency, estimated=share > 0)


def with_list_price(vm: Instance, types: Iterable[VmType], currency: str) -> Instance:
    """Return a VM with the list price of its type as an estimate, where it reports none and one type fits."""
    if vm.price is not None:
        return vm
    prices: set[Decimal] = set()
    for each in types:
        fits = clean(each.region) == vm.region and gpu_matches(clean(each.gpu_type), vm.gpu_model or "")
        if not fits or (None not in (vm.gpu_memory, each.gpu_memory) and vm.gpu_memory != each.gpu_memory):
            continue
        if each.per_gpu is not None and vm.gpu_count:
            prices.add(each.per_gpu * vm.gpu_count)
        elif each.per_hour is not None:
            prices.add(each.per_hour)
    if len(prices) != 1:
        return vm
    return replace(vm, price=Money(prices.pop(), currency, estimated=True))
