"""The content of the stock heatmap, before any colour: models down, places across, the words of every cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

from gputui.analytics.stock_trends import arrow
from gputui.models import Offer, Ref

NONE_IDLE = "·"
NOT_OFFERED = "–"
AVAILABLE = "✓"
OLD = "?"
WATCHED = "*"
FAILED = "✗"
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


class Grid:
    """Offers in their places.

    Those of the accounts in ``stale``, and those with a problem, are marked as old. ``trends`` are changes to
    show, by offer; ``watched`` are marked. An offer without a model is a place that could not be read.
    """

    def __init__(
        self,
        offers: Iterable[Offer] = (),
        *,
        stale: frozenset[str] = frozenset(),
        trends: Mapping[Ref, int] | None = None,
        watched: Iterable[Ref] = (),
    ) -> None:
        offers = list(offers)
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
        self.models = sorted(self._by_model, key=lambda model: (-self._memory[model], model))
        self.places = sorted(self._by_place)
        self.row_of = {model: number for number, model in enumerate(self.models)}
        self.column_of = {place: number for number, place in enumerate(self.places)}
        self.label_width = min(_MOST_LABEL, max(_LEAST_LABEL, *map(cell_len, self.models), 0)) if self.models else 8
        self._widths = {place: self._figure_widths(place) for place in self.places}

    def find(self, ref: Ref) -> Position | None:
        """Return the position of an offer."""
        return next((position for position, offer in self.cells.items() if offer.ref == ref), None)

    # --- headings and totals ---------------------------------------------------------------------------------

    def heading(self, place: Place) -> tuple[str, str]:
        """Return the two lines over a place: its account, and its region where that is not the account itself."""
        account, region = place
        mark = f"{FAILED} " if place in self.failed else ""
        return (account, mark + region) if region != account else (mark + account, "")

    def text_width(self, place: Place) -> int:
        """Return how many cells the words of a place need; a changed number changes nothing about it."""
        figures = sum(self._widths[place]) + _TREND_WIDTH
        return min(_MOST_TEXT, max(_LEAST_TEXT, figures, *map(cell_len, self.heading(place))))

    def memory(self, model: str) -> str:
        """Return the memory of one GPU, ``24G``; '' when unknown."""
        size = self._memory[model]
        return f"{round(size / 2**30)}G" if size else ""

    def idle_of_model(self, model: str) -> str:
        """Return how many are idle in all places together."""
        return _total(self._by_model[model])[0]

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
