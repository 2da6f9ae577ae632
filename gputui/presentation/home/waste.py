"""Waste on the home view: what costs money and does nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from gputui.analytics.waste import totals
from gputui.formatting import counted, format_age, format_money
from gputui.models import Ref
from gputui.models.waste import Waste, WasteReason
from gputui.presentation.columns.waste import REASONS
from gputui.presentation.home.lines import HomeLine, HomeSection, Opens, Section
from gputui.presentation.prices import UNKNOWN, sum_parts


def waste_section(
    found: Sequence[Waste],
    now: datetime,
    *,
    view_of: Callable[[Ref], str],
    elsewhere: Collection[Ref] = (),
    old: Collection[Ref] = (),
    unknown: int = 0,
) -> HomeSection:
    """Return a line for each, in their order; ``view_of`` returns the view that shows a row.

    What has a line among the problems (``elsewhere``) gets no second one. Of the ``old`` ones it is not known whether
    they still are waste. ``unknown`` is the number of billed
    instances on GPUs of unknown load.
    """
    shown = [each for each in found if each.ref not in elsewhere]
    sums, unpriced = totals(shown)
    parts = sum_parts(sums.values(), unpriced)
    parts += [f"{counted(unknown, 'instance')} of unknown load"] if unknown else []
    return HomeSection(
        Section.WASTE,
        tuple(_line(each, now, view_of(each.ref), old=each.ref in old) for each in shown),
        note=" + ".join(parts),
        more=Opens("waste", typed=""),
        quiet=f"No waste is known; {counted(unknown, 'instance')} of unknown load." if unknown else "No waste.",
    )


def _price(waste: Waste) -> str:
    if waste.per_hour is not None:
        return format_money(waste.per_hour)
    return "" if waste.reason is WasteReason.UNUSED else UNKNOWN


def _line(waste: Waste, now: datetime, view: str, *, old: bool) -> HomeLine:
    age = format_age(waste.since, now)
    return HomeLine(
        section=Section.WASTE,
        name=waste.name or waste.ref.id,
        account=waste.ref.account,
        about=waste.ref,
        opens=Opens(view, select=waste.ref),
        glyph="◌",
        style="warning",
        text=", ".join(filter(None, (REASONS[waste.reason], waste.text, waste.owner))),
        price=_price(waste),
        time=age if not waste.at_least else "" if age.startswith("<") else f"≥ {age}",
        gpus=" ".join(filter(None, (str(waste.gpus) if waste.gpus else "", waste.gpu_model))),
        stale=old,
    )
