"""Why a deployment of GPUhub does not start: the stock under its own limits, then with each relaxed (call 12)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal

from gputui.api.gpuhub.fields import CUDA_VALUES, OPEN_CUDA
from gputui.api.gpuhub.stock import StockReader
from gputui.api.http.rows import attempt
from gputui.errors import GputuiError
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Money, Offer, PartialRows
from gputui.models.explanations import Explanation, Found, Relaxed

Parameters = Mapping[str, int]

_GIB = 2**30
_LEAST_CUDA = min(CUDA_VALUES.values())
_MOST_CPUS, _MOST_MEMORY = 256, 2048
"""The ends of ranges in the form, cores and GB: a deployment with these has no such limit."""
_FACTORS = tuple(map(Decimal, ("1.25", "1.5", "2", "3", "5", "10")))
"""By how much a price limit is raised to find the first one that is enough."""
_CENT = 10
"""The thousandths to which the price that is enough is found."""
_FIXED = "The API cannot change the limits of a deployment: create another one with wider limits."
_PRICE_LIMIT = "price_to"
_MODELS = 3
"""The most other models that are named."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a deployment: the parameter of the call, its value, and the words for a host beyond it."""

    parameter: str
    value: int
    beyond: str


class StockExplainer:
    """Asks for the stock of the regions of one account. Its calls change nothing."""

    def __init__(self, reader: StockReader, regions: Sequence[str], currency: str) -> None:
        self._reader = reader
        self._regions = tuple(regions)
        self._currency = currency

    async def explain(self, row: Deployment) -> Explanation:
        """Ask with the limits of a deployment, then with each relaxed; raises GputuiError where no region answers.

        A price limit is that of a container with all its GPUs; the stock is asked for with that of one GPU.
        """
        if not self._regions:
            offers = await self._reader.read((), {})
            note = f"The stock of a private cloud has no filters: the limits cannot be compared with it. {_FIXED}"
            found = _idle(offers, row.gpu_models)
            unread = (offers.problem,) if isinstance(offers, PartialRows) else ()
            others = _of_other_models(offers, row.gpu_models)
            return Explanation(row.ref, found, others, tuple(filter(None, unread)), note)
        there = [region for region in self._regions if region in row.regions] or list(self._regions)
        asking = _Asking(self._reader, row, limits_of(row), there, self._currency)
        return await asking.explain(elsewhere=[region for region in self._regions if region not in there])


class _Asking:
    """The questions about one deployment, in the regions where it may run."""

    def __init__(
        self, reader: StockReader, row: Deployment, limits: Sequence[Limit], regions: Sequence[str], currency: str
    ) -> None:
        self._reader = reader
        self._row = row
        self._limits = limits
        self._regions = regions
        self._currency = currency
        self._given = {limit.parameter: limit.value for limit in limits}

    async def explain(self, elsewhere: Sequence[str]) -> Explanation:
        """Ask all of it; ``elsewhere`` are the other regions of the account."""
        stock, unread = await self._read(self._regions, self._given)
        found = _idle(stock, self._row.gpu_models)
        questions = [*(self._without(limit, found) for limit in self._limits), *map(self._in_region, elsewhere)]
        answers = await asyncio.gather(*(attempt(question) for question in questions))
        relaxed = [answer for answer in answers if isinstance(answer, Relaxed) and _more(answer.found, found)]
        beyond = zip(self._limits, answers, strict=False)
        excluding = [
            Relaxed(limit.beyond, answer.found)
            for limit, answer in beyond
            if isinstance(answer, Relaxed) and found.total == 0 and not unread and answer.found.total
        ]
        if (found.idle or 0) < max(self._row.gpu_count or 1, 1):
            relaxed += _of_other_models(stock, self._row.gpu_models)
        if not relaxed and self._limits:
            every, _ = await self._read(self._regions, {})
            if _more(there := _idle(every, self._row.gpu_models), found):
                relaxed.append(Relaxed("without all its limits together", there))
        failed = [answer.message for answer in answers if isinstance(answer, GputuiError)]
        problems = (*unread, *dict.fromkeys(failed))
        return Explanation(self._row.ref, found, tuple(relaxed), problems, _FIXED, tuple(excluding))

    async def _read(self, regions: Sequence[str], given: Parameters) -> tuple[list[Offer], tuple[str, ...]]:
        """Ask regions; returns the offers, and the regions that did not answer. Raises where none did."""
        answers = await asyncio.gather(*(attempt(self._reader.read_region(name, given)) for name in regions))
        errors = [answer for answer in answers if isinstance(answer, GputuiError)]
        if errors and len(errors) == len(answers):
            raise errors[0]
        offers = [offer for answer in answers if not isinstance(answer, GputuiError) for offer in answer]
        incomplete = (answer.problem for answer in answers if isinstance(answer, PartialRows))
        return offers, (*(error.message for error in errors), *filter(None, incomplete))

    async def _idle_with(self, given: Parameters) -> Found:
        return _idle((await self._read(self._regions, given))[0], self._row.gpu_models)

    async def _in_region(self, region: str) -> Relaxed:
        offers, _ = await self._read([region], self._given)
        return Relaxed(f"in {region}", _idle(offers, self._row.gpu_models))

    async def _without(self, limit: Limit, found: Found) -> Relaxed:
        """Ask without one limit; of a price limit that is too low, find the price that is enough."""
        others = {name: value for name, value in self._given.items() if name != limit.parameter}
        without = await self._idle_with(others)
        if limit.parameter != _PRICE_LIMIT or not _more(without, found):
            return Relaxed(limit.beyond, without)
        enough = await self._enough(limit.value, others, found)
        if enough is None:
            return Relaxed("without a price limit", without)
        price, with_it = enough
        each = Money(Decimal(price * max(self._row.gpu_count or 1, 1)) / 1000, self._currency)
        return Relaxed(f"with a price up to {format_money(each)}/h", with_it)

    async def _enough(self, low: int, others: Parameters, found: Found) -> tuple[int, Found] | None:
        """Find to the cent the least price, in thousandths, with which more is idle; None above ten times ``low``."""
        best: tuple[int, Found] | None = None
        for factor in _FACTORS:
            price = math.ceil(low * factor)
            if _more(there := await self._idle_with({**others, _PRICE_LIMIT: price}), found):
                best = price, there
                break
            low = price
        if best is None:
            return None
        while best[0] - low > _CENT:
            middle = (best[0] + low) // 2
            if _more(there := await self._idle_with({**others, _PRICE_LIMIT: middle}), found):
                best = middle, there
            else:
                low = middle
        return best


def _idle(offers: Iterable[Offer], models: Sequence[str]) -> Found:
    """Return what is idle of these models, of all without any."""
    return _count([offer for offer in offers if not models or offer.gpu_model in models])


def _count(offers: Collection[Offer]) -> Found:
    known = [offer.idle for offer in offers if offer.idle is not None]
    totals = [offer.total for offer in offers if offer.total is not None]
    return Found(
        sum(known) if known or not offers else None,
        unknown=len(offers) - len(known),
        total=sum(totals) if len(totals) == len(offers) else None,
    )


def _more(there: Found, than: Found) -> bool:
    return (there.idle or 0) > (than.idle or 0)


def _of_other_models(offers: Iterable[Offer], models: Sequence[str]) -> tuple[Relaxed, ...]:
    """Return what is idle of models that the deployment does not allow, the most first: three of them."""
    others: dict[str, list[Offer]] = {}
    for offer in offers:
        if models and offer.gpu_model not in models:
            others.setdefault(offer.gpu_model, []).append(offer)
    found = [Relaxed(f"of model {model}", _count(each)) for model, each in others.items()]
    found.sort(key=lambda one: one.found.idle or 0, reverse=True)
    return tuple(one for one in found[:_MODELS] if one.found.some)


def limits_of(row: Deployment) -> list[Limit]:
    """Return the limits that exclude hosts: not the ends of a range that are open."""
    gpus = max(row.gpu_count or 1, 1)
    found = []

    def limit(parameter: str, value: int | None, beyond: str) -> None:
        if value is not None:
            found.append(Limit(parameter, value, beyond))

    low, high = row.cuda_from, row.cuda_to
    limit("cuda_v_from", low if low and low > _LEAST_CUDA else None, f"with CUDA below {_cuda(low)}")
    limit("cuda_v_to", high if high and high < OPEN_CUDA else None, f"with CUDA above {_cuda(high)}")
    low, high = row.cpu_from, row.cpu_to
    limit("cpu_num_from", low if low and low > 1 else None, f"with fewer than {low} CPU cores")
    limit("cpu_num_to", high if high and high < _MOST_CPUS else None, f"with more than {high} CPU cores")
    low, high = (None if size is None else size // _GIB for size in (row.memory_from, row.memory_to))
    limit("memory_size_from", low if low and low > 1 else None, f"with less than {low}G of memory")
    limit("memory_size_to", high if high and high < _MOST_MEMORY else None, f"with more than {high}G of memory")
    low, high = (_thousandths(price, gpus) for price in (row.price_from, row.price_to))
    limit("price_from", low or None, f"with a price below {format_money(row.price_from)}/h")
    limit(_PRICE_LIMIT, high or None, f"with a price above {format_money(row.price_to)}/h")
    return found


def _cuda(version: int | None) -> str:
    return "" if version is None else f"{version // 10}.{version % 10}"


def _thousandths(price: Money | None, gpus: int) -> int | None:
    """Return the price of one GPU as the stock is asked for it: never more than what is allowed."""
    return None if price is None else int((price.amount * 1000 / gpus).to_integral_value(ROUND_FLOOR))
