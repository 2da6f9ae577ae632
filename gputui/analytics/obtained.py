"""Creates that obtained GPUs, and those refused though the stock advertised some, from the audit log. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from gputui.analytics.stock_odds import chance
from gputui.late_dataclasses import dataclass
from gputui.models import Action, Outcome
from gputui.models.stock import StockHour, StockPlace

_NO_STOCK = re.compile(r"\bno stock\b", re.IGNORECASE)
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """A create as the audit log has it: what it was of, and how it ended."""

    account: str
    at: datetime
    action: str
    summary: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class Obtained:
    """Creates that named the model, and the region where they named any.

    ``accepted`` and ``refused`` are those with an answer about the stock: others are not counted. ``idle`` are the
    refused ones at a time when enough were shown idle for most of the hour, ``unknown`` those when the stock was not
    observed.
    """

    accepted: int = 0
    refused: int = 0
    idle: int = 0
    unknown: int = 0

    @property
    def requests(self) -> int:
        """How many there were."""
        return self.accepted + self.refused


def obtained(
    requests: Iterable[Request], place: StockPlace, hours: Iterable[StockHour], count: int, regions: Collection[str]
) -> Obtained:
    """Return what creates in a place obtained.

    ``hours`` are those in which its stock was observed, ``regions`` all of its account.
    """
    found = [request for request in requests if _is_of(request, place, regions)]
    by_hour = {int(hour.begin.timestamp()) // 3600: hour for hour in hours} if found else {}
    accepted = refused = idle = unknown = 0
    for request in found:
        if request.outcome is Outcome.DONE:
            accepted += 1
        elif request.outcome is Outcome.FAILED and _NO_STOCK.search(request.detail):
            refused += 1
            hour = by_hour.get(int(request.at.timestamp()) // 3600)
            share = None if hour is None else chance(hour, count).share
            unknown += share is None
            idle += share is not None and share >= _MOSTLY
    return Obtained(accepted, refused, idle, unknown)


def _is_of(request: Request, place: StockPlace, regions: Collection[str]) -> bool:
    if request.action != Action.CREATE or request.account != place.ref.account:
        return False
    values = _values(request.summary)
    models = {place.model, place.ref.id.removeprefix(f"{place.region}/"), place.type_id} - {""}
    if any(f"{place.region} {model}" in values for model in models):
        return True
    return bool(models & values) and (place.region in values or not values.intersection(regions))


def _values(summary: str) -> frozenset[str]:
    """Return the values of a create as the audit log has them: ``create NAME: field=value, field=one,other``."""
    _, _, written = summary.partition(": ")
    parts = (part for pair in written.split(", ") for part in pair.rpartition("=")[2].split(","))
    return frozenset(part.strip() for part in parts if part.strip())
