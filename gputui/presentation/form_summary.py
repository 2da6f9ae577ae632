"""The summary of a form while it is filled in: what it makes, where, the price now and what is idle now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import NamedTuple

from gputui.analytics.stock import Paid, has_idle, may_have_idle
from gputui.formatting import counted, format_money, kind_noun, some_of
from gputui.late_dataclasses import dataclass
from gputui.models import Form, FormField, Money, Offer, Role, Row
from gputui.presentation.deployments import price_range
from gputui.presentation.forms import (
    changed,
    in_sentence,
    instances_at_once,
    limit_of,
    several,
    whole_number,
    written,
)

_NAMED = 3
"""Regions and GPU models that are named; more are counted."""
_NONE = "–"
_SAID = (Role.NAME, Role.IMAGE, Role.IMAGE_ID, Role.GPU_COUNT, Role.GPU_INDICES, Role.PLACE, Role.REGIONS)
"""Roles of which a form has some where there is anything to say of what it makes and where."""
_OVER_LIMIT = "No matching GPU of a known price is within your price limit: nothing starts until one is."


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """A line of a summary. ``note`` is for where there is room; ``style`` is ``warning``, ``muted`` or ''."""

    label: str
    text: str
    note: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class StockNow:
    """The stock of the account of a form as it is known.

    ``paid`` are prices of what runs, for offers without one. ``read``: the list was read at least once. ``as_of`` is
    the time of the last answer where that is no longer current, as it is shown. ``reported``: there is such a list.
    ``billed``: the account charges for what it has. ``in_use`` are the GPUs of its one host that are not idle, by
    index, with the names of the instances on them.
    """

    offers: Sequence[Offer] = ()
    paid: Paid = field(default_factory=dict)
    read: bool = True
    as_of: str = ""
    reported: bool = True
    billed: bool = True
    in_use: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The demand of a form: the offers that fit, GPUs of one instance, instances at once, and what is not chosen yet.

    ``each`` None is an unknown number; an offer may have a number of its own in ``counts``, by its place.
    ``machine``: it is a whole machine.
    """

    offers: Sequence[Offer]
    each: int | None
    at_once: int
    open_choice: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    machine: bool = False

    def gpus(self, offer: Offer) -> int | None:
        """Return the GPUs of one instance on an offer; None when unknown."""
        return self.counts.get(_place(offer), self.each)


def creation_summary(
    form: Form, values: Mapping[str, str], *, costs: bool, stock: StockNow | None
) -> list[SummaryLine]:
    """Return what is made and where, as far as a form with sections does not show it all, then its price and stock.

    ``costs``: it is a kind of thing that is paid for. ``stock`` None: it needs no GPU.
    """
    lines = []
    if len(form.sections) > 1 and any(map(form.field, _SAID)):
        lines += [SummaryLine("What", what(form, values)), SummaryLine("Where", _where(form, values))]
    if stock is None:
        unknown = f"price unknown: {form.account} does not state the price of a new {kind_noun(form.kind)}"
        return [*lines, SummaryLine("Price", unknown, style="warning")] if costs else lines
    wanted = _wanted(form, values, stock.offers)
    if wanted.open_choice:
        text = f"choose {in_sentence(wanted.open_choice)} to see price and stock"
        return [*lines, SummaryLine("Price", text, style="muted")]
    taken = [index for index in several(form.value(Role.GPU_INDICES, values)) if index in stock.in_use]
    return [*lines, _price_line(form, values, wanted, stock), _stock_line(wanted, stock, taken)]


def with_stock(form: Form, stock: StockNow) -> Form:
    """Return a form whose GPU models and types of machine are described by what is idle now, and the price of a GPU.

    Only what the server counts is; stock of another time is not shown as that of now.
    """
    if stock.as_of:
        return form
    return replace(form, fields=tuple(_with_stock(each, stock) for each in form.fields))


def _with_stock(field_: FormField, stock: StockNow) -> FormField:
    role = field_.role
    if role not in (Role.GPU_MODELS, Role.MACHINE_TYPE):
        return field_
    labels = field_.labels or field_.choices
    described = tuple(
        "  ".join(filter(None, (label if label != choice else "", _idle_of(role, choice, stock))))
        for choice, label in zip(field_.choices, labels, strict=False)
    )
    return replace(field_, labels=described) if any(described) else field_


def _idle_of(role: Role, choice: str, stock: StockNow) -> str:
    """Return what is idle of a choice, and its price: ``12 idle  $0.36–0.99/h``; '' where that is not counted.

    Where an offer has no price, what others of its kind cost now is an estimate.
    """
    # One with a remark is stock of something else.
    found = [offer for offer in stock.offers if choice in _keys(role, offer) and not offer.remark]
    counts = [offer.idle for offer in found if offer.idle is not None]
    if not counts:
        return ""
    some = " (some unknown)" if len(counts) < len(found) else ""
    each = [found_price for offer in found if (found_price := _price_each(offer, stock.paid)) is not None]
    prices = [price for pair in each for price in pair]
    by_amount = sorted(prices, key=lambda price: price.amount)
    one_currency = len({price.currency for price in prices}) == 1
    price = f"{price_range(by_amount[0], by_amount[-1])}/h" if one_currency else ""
    return "  ".join(filter(None, (f"{sum(counts)} idle{some}", price)))


def change_summary(form: Form, values: Mapping[str, str], row: Row) -> list[SummaryLine]:
    """Return what becomes another value, and the price of the row as it is."""
    changes = [f"{change.label} {change.text}" for change in changed(form, values)]
    text = f"{counted(len(changes), 'change')}: {', '.join(changes)}" if changes else "nothing is changed yet"
    price = getattr(row, "price", None)
    now = "" if not isinstance(price, Money) else f"{format_money(price)}/h" if price.amount else "free"
    cost = [SummaryLine("Price", f"{now} as it is")] if now else []
    return [SummaryLine("Changes", text, style="" if changes else "muted"), *cost]


# --- what and where ---------------------------------------------------------------------------------------------


def what(form: Form, values: Mapping[str, str]) -> str:
    """Say what is made: ``exp-1: 4 replicas of 2 × RTX 5090, PyTorch 2.0``; ``–`` before anything is filled in."""
    name = form.value(Role.NAME, values)
    count, together = instances_at_once(form, values), form.field(Role.REPLICAS)
    if form.value(Role.PARALLEL, values):
        together = form.field(Role.PARALLEL)
    many = f"{count} {in_sentence(together.label)} of " if together is not None and count > 1 else ""
    gpus = _gpus(form, values)
    images = [_label(form, role, values) for role in (Role.IMAGE, Role.IMAGE_ID)]
    parts = ", ".join(part for part in (f"{many}{gpus}" if gpus else "", *images) if part)
    return ": ".join(part for part in (name, parts) if part) or _NONE


def _gpus(form: Form, values: Mapping[str, str]) -> str:
    """Return the GPUs of one instance: ``2 × RTX 5090 or H100``; '' where the form does not choose any."""
    indices = form.field(Role.GPU_INDICES)
    if indices is not None:
        chosen = several(form.value(Role.GPU_INDICES, values))
        return _gpu_names(chosen) if chosen else "no GPU chosen"
    models = [
        _model(form.field(role), value)
        for role in (Role.MACHINE_TYPE, Role.GPU_MODELS, Role.PLACE)
        for value in several(form.value(role, values))
    ]
    models = list(dict.fromkeys(models))
    count = form.value(Role.GPU_COUNT, values)
    if not models and not count:
        return ""
    named = some_of(models, _NAMED) if len(models) > _NAMED else " or ".join(models)
    return f"{count} × {named or 'GPU'}" if count else named


def _gpu_names(indices: Sequence[str]) -> str:
    return f"GPU{'s' if len(indices) > 1 else ''} {', '.join(indices)}"


def _model(field_: FormField | None, value: str) -> str:
    """Return the GPU model of a choice, with which its label begins; of a place that is none the model in it."""
    words = value.split()
    labels = {} if field_ is None else dict(zip(field_.choices, field_.labels, strict=False))
    label = labels.get(value) or labels.get(" ".join(words[:2]), "")
    if label:
        return label.partition("  ")[0].partition(", ")[0]
    return words[1] if field_ is not None and field_.role is Role.PLACE and len(words) > 1 else value


def _label(form: Form, role: Role, values: Mapping[str, str]) -> str:
    """Return what the value of a field is called."""
    field_, value = form.field(role), form.value(role, values)
    if field_ is None or not value:
        return ""
    return dict(zip(field_.choices, field_.labels, strict=False)).get(value) or value


def _where(form: Form, values: Mapping[str, str]) -> str:
    places, regions = form.field(Role.PLACE), form.field(Role.REGIONS)
    if places is not None:
        names = list(dict.fromkeys(place.split()[0] for place in several(form.value(Role.PLACE, values))))
        return some_of(names, _NAMED) if names else _NONE
    if regions is None:
        return form.account
    chosen = several(form.value(Role.REGIONS, values))
    if not chosen:
        return _NONE if regions.is_required(values) else "anywhere"
    if len(chosen) > _NAMED and set(chosen) == set(regions.choices):
        return f"any of {counted(len(chosen), 'region')}"
    return some_of([written(regions, one) for one in chosen], _NAMED)


# --- the offers that fit ----------------------------------------------------------------------------------------


def _wanted(form: Form, values: Mapping[str, str], offers: Sequence[Offer]) -> _Wanted:
    """Return what the form asks for. A choice that is left open and required leaves the offers open as well."""
    at_once = instances_at_once(form, values)
    each = whole_number(form.value(Role.GPU_COUNT, values))
    if form.field(Role.GPU_INDICES) is not None:
        return _Wanted(offers, len(several(form.value(Role.GPU_INDICES, values))) or None, at_once)
    fitting = [offer for offer in offers if offer.gpu_model]
    counts: dict[str, int] = {}
    for role in (Role.MACHINE_TYPE, Role.GPU_MODELS, Role.PLACE, Role.REGIONS):
        field_ = form.field(role)
        chosen = several(form.value(role, values))
        if field_ is None:
            continue
        if not chosen:
            if field_.is_required(values):
                return _Wanted((), each, at_once, open_choice=field_.label)
            continue
        if role is Role.PLACE:
            counts = {" ".join(words[:2]): int(words[2]) for one in chosen if _has_count(words := one.split())}
            chosen = [" ".join(one.split()[:2]) for one in chosen]
        fitting = [offer for offer in fitting if not _keys(role, offer).isdisjoint(chosen)]
    machine = form.field(Role.MACHINE_TYPE) is not None and form.field(Role.GPU_COUNT) is None
    return _Wanted(fitting, each, at_once, counts=counts, machine=machine)


def _has_count(words: Sequence[str]) -> bool:
    return len(words) == 3 and whole_number(words[2]) is not None


def _place(offer: Offer) -> str:
    return f"{offer.region} {offer.vendor_name}"


def _keys(role: Role, offer: Offer) -> set[str]:
    """Return the values of a field that an offer fits."""
    match role:
        case Role.MACHINE_TYPE:
            return {offer.type_id}
        case Role.GPU_MODELS:
            return {offer.vendor_name, offer.gpu_model} - {""}
        case Role.PLACE:
            return {_place(offer)}
    return {offer.region}


# --- price and stock --------------------------------------------------------------------------------------------


def _price_line(form: Form, values: Mapping[str, str], wanted: _Wanted, stock: StockNow) -> SummaryLine:
    limit = limit_of(form, values)
    at_most = None if limit is None else limit.times(wanted.at_once)
    bound = "" if at_most is None else f", at most {format_money(at_most)}/h"
    offers = [offer for offer in wanted.offers if may_have_idle(offer)] or list(wanted.offers)
    prices = [_price(offer, wanted, stock.paid) for offer in offers]
    known = [price for price in prices if price is not None]
    if not known and not stock.billed and limit is None:
        return SummaryLine("Price", "not billed", style="muted")
    if not known:
        return SummaryLine("Price", f"price now unknown{bound}", style="warning")
    low = min((price.low for price in known), key=lambda price: price.amount)
    high = max((price.high for price in known), key=lambda price: price.amount)
    some = " (of some unknown)" if len(known) < len(prices) else ""
    unit = " for each GPU" if any(price.each for price in known) else ""
    spot = "spot, less than " if form.value(Role.SPOT, values) == "true" else ""
    if not high.amount:
        return SummaryLine("Price", f"free{some}")
    now = f"{spot}{price_range(low, high)}/h now{unit}{some}"
    if at_most is not None and not unit and at_most.currency == low.currency and low.amount > at_most.amount:
        return SummaryLine("Price", f"✗ {now}, over your limit of {format_money(at_most)}/h", _OVER_LIMIT, "warning")
    return SummaryLine("Price", f"{now}{bound}", style="warning" if some else "")


def limit_note(lines: Iterable[SummaryLine]) -> str:
    """Return what a summary says of a price limit below the prices now; '' where it is not, or that is unknown."""
    return next((line.note for line in lines if line.label == "Price"), "")


class _Price(NamedTuple):
    """The price of an hour, from and to; ``each``: of one GPU, as their number is not known."""

    low: Money
    high: Money
    each: bool


def _price(offer: Offer, wanted: _Wanted, paid: Paid) -> _Price | None:
    """Return the price on an offer; None when unknown. What others of this kind cost now is an estimate."""
    if wanted.machine and offer.machine_price is not None:
        whole = offer.machine_price.times(wanted.at_once)
        return _Price(whole, whole, each=False)
    each = _price_each(offer, paid)
    if each is None:
        return None
    low, high = each
    count = wanted.gpus(offer)
    factor = (count or 1) * wanted.at_once
    return _Price(low.times(factor), high.times(factor), count is None and bool(low.amount))


def _price_each(offer: Offer, paid: Paid) -> tuple[Money, Money] | None:
    """Return the price of a GPU of an offer, from and to; None when unknown."""
    low = offer.price_from
    if low is None:
        found = paid.get((offer.ref.account, offer.region, offer.gpu_model))
        if found is None:
            return None
        low = replace(found, estimated=True)
    return low, offer.price_to if offer.price_to is not None and offer.price_to.currency == low.currency else low


def highest_price(form: Form, values: Mapping[str, str], stock: StockNow) -> Money | None:
    """Return the most that an hour of all that a form makes may cost; None where that is not certain.

    That is its limit where it has one, else the highest of the prices at which what it asks for is offered.
    """
    if (limit := limit_of(form, values)) is not None:
        return limit.times(instances_at_once(form, values))
    wanted = _wanted(form, values, stock.offers)
    prices = [_price(offer, wanted, {}) for offer in wanted.offers]
    known = [price.high for price in prices if price is not None and not price.each]
    if not known or len(known) < len(prices) or len({price.currency for price in known}) > 1:
        return None
    return max(known, key=lambda price: price.amount)


def _stock_line(wanted: _Wanted, stock: StockNow, taken: Sequence[str]) -> SummaryLine:
    """Return the idle GPUs, and of those that are chosen the ones ``taken`` already."""
    text, style = _idle_now(wanted, stock)
    if taken:
        text, style = f"{text}, {_gpu_names(taken)} in use", "warning"
    notes = list(dict.fromkeys(offer.remark for offer in wanted.offers if offer.remark))
    notes += [f"On GPU {index}: {stock.in_use[index]}." for index in taken if stock.in_use[index]]
    if (wanted.each or 0) > 1 and any(offer.idle is not None for offer in wanted.offers):
        notes.append("Single GPUs, possibly on different machines.")
    if stock.as_of and wanted.offers:
        text, style = f"{text} (as of {stock.as_of})", "warning"
    return SummaryLine("Stock", text, " ".join(notes), style)


def _idle_now(wanted: _Wanted, stock: StockNow) -> tuple[str, str]:
    """Say how many GPUs are idle where they are wanted, and how many are needed, with the style of it."""
    if not stock.reported:
        return "stock not reported", "muted"
    if not stock.read:
        return "stock not read yet", "muted"
    if not wanted.offers:
        return "not in stock", "warning"
    unknown = any(offer.problem is not None for offer in wanted.offers)
    counts = [offer.idle for offer in wanted.offers if offer.idle is not None]
    if not counts:
        if any(has_idle(offer) for offer in wanted.offers):
            return "available now", ""
        if unknown or any(offer.available is None for offer in wanted.offers):
            return "availability unknown", "warning"
        return "none available now", "warning"
    totals = [offer.total for offer in wanted.offers if offer.total is not None]
    idle = f"{sum(counts)} idle" + (f" of {sum(totals)}" if len(totals) == len(counts) else "")
    needed = None if wanted.each is None or wanted.counts else wanted.each * wanted.at_once
    asked = "" if needed is None else f", {needed} needed"
    some = " (some unknown)" if unknown or len(counts) < len(wanted.offers) else ""
    short = sum(counts) < (needed or 1)
    return f"{idle}{some}{asked}", "warning" if short or some else ""


def missing(form: Form, values: Mapping[str, str]) -> list[FormField]:
    """Return the fields that are shown and required, and have no value."""
    return [
        each
        for each in form.fields
        if each.shown_with(values) and each.is_required(values) and not values.get(each.name, "").strip()
    ]
