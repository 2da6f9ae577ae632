"""Create forms: values from an offer, cost and limits of a new resource, the note on idle stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from gputui.models import Deployment, FieldKind, Form, Money, Offer, RegistryCredential, Role, Row, Volume
from gputui.presentation.deployments import cost_line

_CURRENCIES = {"$": "USD", "¥": "CNY", "€": "EUR"}


_DOING = {"create": "Creating", "pull": "Pulling", "submit": "Submitting"}
_LONG = 60
"""Longest text of several lines that is repeated whole; of longer ones the length is stated."""


def doing(form: Form) -> str:
    """Write what is under way during a creation: ``Creating a pod``."""
    article = "an" if form.kind[0] in "aeiou" else "a"
    return f"{_DOING[form.verb]} {article} {form.kind}"


def sizes(form: Form, values: Mapping[str, str]) -> list[str]:
    """Say of texts too long to be read in a question how long they are: ``Input: 1,204 characters in 31 lines.``"""
    texts = [(field.label, values.get(field.name, "")) for field in form.fields if field.kind is FieldKind.LINES]
    return [
        f"{label}: {len(text):,} characters in {text.count(chr(10)) + 1:,} line{'s' if chr(10) in text else ''}."
        for label, text in texts
        if len(text) > _LONG
    ]


def cost(form: Form, values: Mapping[str, str]) -> str:
    """Say the maximum cost of an hour: as many instances as may run at once, each at the upper price.

    The price of a volume is in no form, and unknown. '' where a form has no price.
    """
    if form.kind == "volume":
        return f"Spending rises by an unknown amount: {form.account} does not state the price of a new volume."
    limit = form.field(Role.PRICE_LIMIT)
    high = None if limit is None else _number(values.get(limit.name, ""))
    if limit is None or high is None:
        return ""
    symbol = limit.unit.partition("/")[0].strip()
    count = instances_at_once(form, values)
    return f"Spending rises by {cost_line(count, high, _CURRENCIES.get(symbol, symbol))}."


def instances_at_once(form: Form, values: Mapping[str, str]) -> int:
    """Return how many of its instances may run at the same time; of a job as many as run in parallel."""
    replicas, parallel = (_count(form.value(role, values)) for role in (Role.REPLICAS, Role.PARALLEL))
    if parallel is not None:
        return min(parallel, replicas or parallel)
    return replicas or 1


def same_name(form: Form, values: Mapping[str, str], rows: Iterable[Row]) -> str:
    """Say that there is one of this name already, among what may have the name of another; '' when there is none."""
    name = form.value(Role.NAME, values)
    there = [
        row
        for row in rows
        if isinstance(row, Deployment | Volume | RegistryCredential)
        and (row.ref.account, row.ref.kind) == (form.account, form.kind)
        and row.name == name != ""
    ]
    if not there:
        return ""
    status = getattr(there[0], "status", "")
    what = f"There is a {form.kind} {name} already{f' ({status})' if status else ''}"
    return f"{what}: this makes another of the same name."


def stock_note(form: Form, values: Mapping[str, str], offers: Iterable[Row]) -> str:
    """Say how many GPUs of the requested models are idle; '' when that is not known.

    Idle GPUs may be in several machines, so that an instance with several may still have to wait.
    """
    each = _count(form.value(Role.GPU_COUNT, values)) or 0
    models, regions = (_several(form.value(role, values)) for role in (Role.GPU_MODELS, Role.REGIONS))
    fitting = [
        offer.idle
        for offer in offers
        if isinstance(offer, Offer)
        and offer.ref.account == form.account
        and offer.idle is not None
        and offer.region in regions
        and not models.isdisjoint({offer.vendor_name, offer.gpu_model})
    ]
    if not fitting or not each:
        return ""
    idle, wanted = sum(fitting), each * instances_at_once(form, values)
    note = f"{idle} matching GPUs idle in these regions; {wanted} needed."
    if each > 1:
        note += f" They may sit in several machines: that is no promise that an instance with {each} can start."
    return note


def prefill_from_offer(offer: Offer) -> dict[Role, str]:
    """Return the values with which a create form begins at an offer, by the roles of the fields.

    Prices are for an hour, in the currency of the offer's account, written as in the form.
    """
    # A cloud that returns its stock as a whole names no region in which to create.
    region = offer.region if offer.region != offer.ref.account else ""
    model = offer.vendor_name or offer.gpu_model
    values = {
        Role.REGIONS: region,
        Role.GPU_MODELS: model,
        Role.PLACE: f"{region} {model}" if region and model else "",
        Role.MACHINE_TYPE: offer.type_id,
        Role.PRICE_FLOOR: _written(offer.price_from),
        Role.PRICE_LIMIT: _written(offer.price_to),
    }
    return {role: value for role, value in values.items() if value}


def _written(price: Money | None) -> str:
    """Write an amount with two decimals, or as many as it has."""
    if price is None:
        return ""
    cents = f"{price.amount:.2f}"
    return cents if Decimal(cents) == price.amount else f"{price.amount.normalize():f}"


def _several(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
