"""Favourites on the home view: the state of what the user has marked as such."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gputui.analytics.prices import price_now
from gputui.formatting import format_money
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, Instance, Offer, Phase, Ref, Row, Volume
from gputui.presentation.actions import name_of, state_words
from gputui.presentation.deployments import counts_sentence
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section
from gputui.presentation.home.problems import gpus_of_instance
from gputui.presentation.offers import idle_words


@dataclass(frozen=True, slots=True)
class Favourite:
    """A favourite with the ``name`` that it had, its row where it is listed, and the view that shows it."""

    ref: Ref
    name: str
    row: Row | None
    view: str


def favourites(found: Iterable[Favourite], is_stale: Callable[[Ref], bool], *, key: str) -> HomeSection:
    """Return a line for each favourite, in their order."""
    lines = tuple(_line(each, stale=is_stale(each.ref)) for each in found)
    quiet = f"No favourites ({key} on a row)."
    return HomeSection(Section.FAVOURITES, lines, more=Opens("instances", typed="is:favourite"), quiet=quiet)


def _line(favourite: Favourite, *, stale: bool) -> HomeLine:
    ref, row = favourite.ref, favourite.row
    phase = getattr(row, "phase", None)
    price = price_now(row) if isinstance(row, Instance | Deployment | Volume) else None
    return HomeLine(
        section=Section.FAVOURITES,
        name=favourite.name if row is None else name_of(row),
        account=ref.account,
        about=ref if row is not None else None,
        opens=Opens(favourite.view, select=ref),
        glyph=PHASE_GLYPHS[phase] if isinstance(phase, Phase) else "·",
        style=PHASE_STYLES[phase] if isinstance(phase, Phase) else "muted",
        text="not listed now" if row is None else _text(row),
        price=format_money(price) if price is not None and price.amount else "",
        gpus=gpus_of_instance(row) if isinstance(row, Instance) else "",
        stale=stale,
        key=str(ref) if row is None else "",
    )


def _text(row: Row) -> str:
    if isinstance(row, Deployment):
        return ", ".join(filter(None, (state_words(row), counts_sentence(row))))
    return idle_words(row) if isinstance(row, Offer) else state_words(row)
