"""The content of the stock heatmap, before any colour: models down, places across, the words of every cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

from gputui.analytics.prices import price_key
from gputui.analytics.stock import has_idle, idle_order, least_prices, may_have_idle
from gputui.analytics.stock_trends import arrow
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Money, Offer, Ref
from gputui.presentation.columns.column import natural_key
from gputui.presentation.prices import UNKNOWN

NONE_IDLE = "·"
NOT_OFFERED = "–"
AVAILABLE = "✓"
OLD = "?"
WATCHED = "*"
FAILED = "✗"
YOURS = "yours"
"""The price of what is idle on machines of one's own."""
RAMP_STEPS = 5

_TREND_WIDTH = 4
"""A blank or the mark of a watched cell, and ``↑12``: room that is kept, so that a trend moves nothing."""
_LEAST_TEXT, _MOST_TEXT = 9, 14
_LEAST_LABEL, _MOST_LABEL = 8, 18

Place: TypeAlias = tuple[str, str]
"""An account and a region of it; both are the account's name for a host."""

Position: TypeAlias = tuple[str, Place]


class Figures(NamedTuple):
    """A cell's words: the text before the slash, behind it, what follows, and the name of its style.

    ``step`` is how strong its background is, 1 to ``RAMP_STEPS``; 0 for none.
    """

    idle: str
    rest: str = ""
    tail: str = ""
    style: str = "none"
    step: int = 0


class SortKey(StrEnum):
    """The figures that models are sorted by, in the order of their columns."""

    NAME = "name"
    MEMORY = "memory"
    IDLE = "idle"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The order of models and places, and whether models and places with nothing idle are left out.

    ``accounts`` gives the order of the places; within an account they are in natural order.
    """

    sort: SortKey = SortKey.MEMORY
    descending: bool = True
    only_idle: bool = False
    accounts: Sequence[str] = ()


class Grid:
    """Offers in their places.

    Those of the accounts in ``stale``, and those with a problem, are marked as old. ``trends`` are changes to
    show, by offer; ``watched`` are marked. An offer without a model is a place that could not be read. ``prices`` are
    those of one GPU an hour, by offer; the accounts in ``own`` are machines of one's own. ``colors`` are the names
    of styles, of the accounts that have a colour.
    """

    def __init__(
        self,
        offers: Iterable[Offer] = (),
        *,
        stale: frozenset[str] = frozenset(),
        trends: Mapping[Ref, int] | None = None,
        watched: Iterable[Ref] = (),
        prices: Mapping[Ref, Money] | None = None,
        own: frozenset[str] = frozenset(),
        colors: Mapping[str, str] | None = None,
        arrangement: Arrangement | None = None,
    ) -> None:
        offers = list(offers)
        self.arrangement = arrangement or Arrangement()
        self.own = own
        self._colors = colors or {}
        self._prices = prices or {}
        self.cells: dict[Position, Offer] = {}
        self.failed: dict[Place, str] = {}
        self._stale = stale
        self._trends = trends or {}
        self._watched = frozenset(watched)
        several = _of_several_names(offers)
        for offer in offers:
            place = (offer.ref.account, offer.region)
            if offer.problem:
                self.failed[place] = offer.problem
            if offer.gpu_model:
                named = offer.gpu_model in several and offer.vendor_name
                self.cells[offer.vendor_name if named else offer.gpu_model, place] = offer
        self._by_model: dict[str, list[Offer]] = {}
        self._by_place: dict[Place, list[Offer]] = {place: [] for place in self.failed}
        for (model, place), offer in self.cells.items():
            self._by_model.setdefault(model, []).append(offer)
            self._by_place.setdefault(place, []).append(offer)
        self._memory = {
            model: max(offer.gpu_memory or 0 for offer in there) for model, there in self._by_model.items()
        }
        self.models = self._sorted_models()
        self.places = self._sorted_places()
        every = len(self.models), len(self.places)
        if self.arrangement.only_idle:
            self.models = [model for model in self.models if any(map(may_have_idle, self._by_model[model]))]
            # A place that could not be read is not known to have nothing.
            self.places = [
                place
                for place in self.places
                if place in self.failed or any(map(may_have_idle, self._by_place[place]))
            ]
        self.left_out = every[0] - len(self.models), every[1] - len(self.places)
        """The models and the places that are left out since they have nothing idle."""
        self._places_of = Counter(account for account, _ in self.places)
        self.row_of = {model: number for number, model in enumerate(self.models)}
        self.column_of = {place: number for number, place in enumerate(self.places)}
        self.label_width = min(_MOST_LABEL, max(_LEAST_LABEL, *map(cell_len, self.models), 0)) if self.models else 8
        self._widths = {place: self._figure_widths(place) for place in self.places}
        known = {self.price_of_model(model) for model in self.models} - {UNKNOWN}
        self.price_width = max(map(cell_len, known), default=0)

    def _sorted_models(self) -> list[str]:
        """Return the models in their order; those whose figure is unknown come last in both directions."""
        by = self.arrangement

        def figure(model: str) -> object:
            if by.sort is SortKey.MEMORY:
                return self._memory[model] or None
            if by.sort is SortKey.IDLE:
                return idle_order(self._by_model[model])
            if by.sort is SortKey.PRICE:
                return self._price_order(model)
            return natural_key(model)

        names = sorted(self._by_model, key=natural_key)
        known = [model for model in names if figure(model) is not None]
        known.sort(key=figure, reverse=by.descending)  # type: ignore[arg-type]  # figures of one key compare
        return known + [model for model in names if figure(model) is None]

    def _sorted_places(self) -> list[Place]:
        """Return the places in the order of the accounts."""
        number = {account: place for place, account in enumerate(self.arrangement.accounts)}
        return sorted(
            self._by_place,
            key=lambda place: (number.get(place[0], len(number)), place[0], natural_key(place[1])),
        )

    def find(self, ref: Ref) -> Position | None:
        """Return the position of an offer."""
        return next((position for position, offer in self.cells.items() if offer.ref == ref), None)

    # --- headings and totals ---------------------------------------------------------------------------------

    def account_heading(self, account: str) -> str:
        """Return the heading over the places of an account."""
        failed = f"{FAILED} " if (account, account) in self.failed else ""
        return f"{failed}{account}" + (f" · {YOURS}" if account in self.own else "")

    def account_heading_style(self, account: str) -> str:
        """Return the name of the style of that heading."""
        return "failed" if (account, account) in self.failed else self._colors.get(account, "heading")

    def region_heading(self, place: Place) -> str:
        """Return the heading of a place; '' for a host that has the name of its account."""
        account, region = place
        return "" if region == account else f"{FAILED} {region}" if place in self.failed else region

    def text_width(self, place: Place) -> int:
        """Return how many cells the words of a place need; a changed number changes nothing about it."""
        figures = sum(self._widths[place]) + _TREND_WIDTH
        headings = [self.region_heading(place)]
        if self._places_of[place[0]] == 1:  # the heading of an account is over all its places
            headings.append(self.account_heading(place[0]))
        return min(_MOST_TEXT, max(_LEAST_TEXT, figures, *map(cell_len, headings)))

    def memory(self, model: str) -> str:
        """Return the memory of one GPU, ``24G``; '' when unknown."""
        size = self._memory[model]
        return f"{round(size / 2**30)}G" if size else ""

    def idle_of_model(self, model: str) -> str:
        """Return how many are idle in all places together."""
        return _total(self._by_model[model])[0]

    def _is_yours(self, model: str) -> bool:
        """Return whether a model is idle on machines of one's own, or is there alone, without a price."""
        offers = self._by_model[model]
        there = [offer for offer in offers if has_idle(offer)] or offers
        prices = (self._prices.get(offer.ref) for offer in there if offer.ref.account in self.own)
        return any(price is None or not price.amount for price in prices)

    def price_of_model(self, model: str) -> str:
        """Return the least price of one GPU an hour, in each currency; ``yours``, ``free``, ``?`` when unknown.

        Where some are idle, the price is that of one of these places.
        """
        if self._is_yours(model):
            return YOURS
        prices = least_prices(self._by_model[model], self._prices)
        return " ".join(format_money(price) if price.amount else "free" for price in prices) or UNKNOWN

    def _price_order(self, model: str) -> tuple[str, Decimal] | None:
        if self._is_yours(model):
            return "", Decimal(0)
        return next(map(price_key, least_prices(self._by_model[model], self._prices)), None)

    def idle_of_all(self) -> str:
        """Return how many are idle of all models in all places."""
        return _total(list(self.cells.values()))[0]

    def total_of_place(self, place: Place) -> Figures:
        """Return what is idle of all models of a place."""
        there = self._by_place[place]
        return Figures(*_total(there)) if there else Figures("")

    # --- cells -----------------------------------------------------------------------------------------------

    def figures(self, position: Position) -> Figures:
        """Return the words of a cell."""
        offer = self.cells.get(position)
        if offer is None:
            return Figures(NOT_OFFERED) if self._by_place[position[1]] else Figures(OLD, style="stale")
        mark = WATCHED if offer.ref in self._watched else " "
        old = offer.problem is not None or offer.ref.account in self._stale
        tail = mark + (OLD if old else arrow(self._trends.get(offer.ref, 0)))
        rest = "" if offer.idle is None or offer.total is None else f"/{offer.total}"
        step = ramp_step(offer)
        if offer.idle is None:
            idle = AVAILABLE if offer.available else NONE_IDLE
        else:
            idle = str(offer.idle) if offer.idle else NONE_IDLE
        style = "stale" if old else f"idle{step}" if step else "none"
        return Figures(idle, rest, tail, style, 0 if old else step)

    def text(self, place: Place, figures: Figures) -> str:
        """Return a cell's words in their columns, as wide as the place is."""
        idle, rest = self._widths[place]
        width = self.text_width(place)
        words = f"{figures.idle:>{idle}}{figures.rest:<{rest}}"
        tail = figures.tail.rstrip()
        if cell_len(words + tail) > width:
            tail = tail[:2]
        return words + tail

    def _figure_widths(self, place: Place) -> tuple[int, int]:
        """Return the cells before the slash and from it on: what the totals need, which hardly ever change."""
        idle, rest = 1, 0
        for offer in self._by_place[place]:
            if offer.idle is not None:
                idle = max(idle, len(str(max(offer.idle, offer.total or 0))))
                rest = max(rest, 0 if offer.total is None else 1 + len(str(offer.total)))
        return idle, rest


def ramp_step(offer: Offer) -> int:
    """Return how strong the background of an offer is by the share that is idle: 0 for none, 1 to 5."""
    if offer.idle is None:
        return 3 if offer.available else 0
    if not offer.idle:
        return 0
    share = offer.idle / offer.total if offer.total else 1.0
    return max(1, min(RAMP_STEPS, round(share * RAMP_STEPS)))


def _of_several_names(offers: Iterable[Offer]) -> set[str]:
    """Return the models that one place has several offers of: of another memory, or another form."""
    seen: dict[tuple[str, str, str], Ref] = {}
    several = set()
    for offer in offers:
        if (
            offer.gpu_model
            and seen.setdefault((offer.gpu_model, offer.ref.account, offer.region), offer.ref) != offer.ref
        ):
            several.add(offer.gpu_model)
    return several


def _total(offers: Iterable[Offer]) -> tuple[str, str]:
    """Return how many are idle and of how many, as words: those without a count are available or not."""
    offers = list(offers)
    counted = [offer for offer in offers if offer.idle is not None]
    idle = sum(offer.idle or 0 for offer in counted)
    total = sum(offer.total or 0 for offer in counted)
    available = any(offer.available for offer in offers if offer.idle is None)
    words = str(idle) if idle else AVAILABLE if available else NONE_IDLE if offers else ""
    return words, f"/{total}" if total and words != AVAILABLE else ""
