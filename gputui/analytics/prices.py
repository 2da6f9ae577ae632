"""The price of an hour of a row now, and whether it may cost something. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from types import MappingProxyType

from gputui.models import Deployment, Instance, Money, Phase, Ref, Row, Volume

Priced = Instance | Deployment | Volume


CHARGED = frozenset({Phase.RUNNING, Phase.PENDING})
"""States in which an instance is paid for."""


def is_charged_for(phase: Phase) -> bool:
    """Whether an instance is paid for in a state; faster than to look it up, for lists of thousands."""
    return phase is Phase.RUNNING or phase is Phase.PENDING


NO_INSTANCES: Mapping[Ref, Sequence[Instance]] = MappingProxyType({})


_ENDED = frozenset({Phase.STOPPED, Phase.FAILED})


ByDeployment = Mapping[Ref, Sequence[Instance]]
"""Instances by the deployment that they belong to."""


def by_deployment(rows: Iterable[Row]) -> ByDeployment:
    """Return the instances of deployments, by these."""
    found: dict[Ref, list[Instance]] = {}
    for row in rows:
        if isinstance(row, Instance) and row.parent is not None:
            found.setdefault(row.parent, []).append(row)
    return found


def price_now(row: Priced, instances: ByDeployment = NO_INSTANCES) -> Money | None:
    """Return what an hour of it costs now: None where that is not known, and where it has ended.

    A deployment whose ``instances`` state their own prices costs the sum of these; where one of them is not known, it
    has its estimate. A failed one has the price that is still reported, if any.
    """
    match row:
        case Instance():
            return None if row.phase in _ENDED else row.price
        case Volume():
            return row.price
    if row.phase in _ENDED:
        return row.price if _still_costs(row) else None
    if row.price is not None:
        return row.price
    summed = _summed(row, instances.get(row.ref, ()))
    return _estimate(row) if summed is None else summed


def _estimate(row: Deployment) -> Money | None:
    """Return the estimate of a deployment. One of zero is exact where nothing runs or starts, else no estimate."""
    estimate = row.price_estimate
    if estimate is None or estimate.amount:
        return estimate
    return replace(estimate, estimated=False) if row.running == 0 and row.starting == 0 else None


def _summed(row: Deployment, instances: Sequence[Instance]) -> Money | None:
    """Return the sum of the prices of a deployment's instances; None where it would lack something."""
    charged = [each for each in instances if each.phase in CHARGED]
    whole = row.running is None or len(charged) >= row.running
    prices = [each.price for each in charged if each.price is not None]
    if not prices or not whole or len(prices) < len(charged) or len({price.currency for price in prices}) > 1:
        return None
    if any(each.phase is Phase.UNKNOWN for each in instances):
        return None
    return reduce(Money.__add__, prices)


def may_cost(row: Priced) -> bool:
    """Whether it may cost something now: a price that is missing is unknown then, not none."""
    match row:
        case Instance():
            return row.phase not in _ENDED
        case Volume():
            return row.phase is not Phase.FAILED or row.price is not None
    return row.phase not in _ENDED or _still_costs(row)


def _still_costs(row: Deployment) -> bool:
    """Whether a failed deployment is reported to cost something; a stopped one does not."""
    return row.phase is Phase.FAILED and row.price is not None and row.price.amount > 0


def price_key(price: Money | None) -> tuple[str, Decimal] | None:
    """Return what amounts are ordered by: their currency first, since two of them are never compared."""
    return None if price is None else (price.currency, price.amount)
