"""What creating something means, in words: what it costs at most, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from gputui.models import Deployment, FieldKind, Form, Offer, RegistryCredential, Row, Volume
from gputui.presentation.deployments import cost_line

_CURRENCIES = {"$": "USD", "¥": "CNY", "€": "EUR"}


_DOING = {"create": "Creating", "pull": "Pulling", "submit": "Submitting"}
_LONG = 60
"""Characters of several lines that are told whole; of more it is said how many there are."""


def doing(form: Form) -> str:
    """Say what is under way while something is created: ``Creating a pod``."""
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
    """Say what an hour costs at most: as many as may run at once, each at the upper price.

    The price of a volume is in no form: it is said to be unknown. '' where a form names no price.
    """
    if form.kind == "volume":
        return f"Spending rises by an unknown amount: {form.account} does not state the price of a new volume."
    high = _number(values.get("price_to", ""))
    unit = next((field.unit for field in form.fields if field.name == "price_to"), "")
    if high is None or not unit:
        return ""
    symbol = unit.partition("/")[0].strip()
    count = instances_at_once(values)
    return f"Spending rises by {cost_line(count, high, _CURRENCIES.get(symbol, symbol))}."


def instances_at_once(values: Mapping[str, str]) -> int:
    """Return how many of its instances may run at the same time: of a job as many as run in parallel."""
    replicas, parallel = (_count(values.get(name, "")) for name in ("replica_num", "parallelism_num"))
    if parallel is not None:
        return min(parallel, replicas or parallel)
    return replicas or 1


def namesakes(form: Form, values: Mapping[str, str], rows: Iterable[Row]) -> str:
    """Say that there is one of this name already, among what may have the name of another; '' when there is none."""
    name = values.get("name", "")
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


def stock_note(account: str, values: Mapping[str, str], offers: Iterable[Row]) -> str:
    """Say how many of the cards asked for are idle, and that single cards are no promise; '' when not known."""
    each = _count(values.get("gpu_num", "")) or 0
    models, regions = _several(values.get("gpu_name_set", "")), _several(values.get("dc_list", ""))
    fitting = [
        offer.idle
        for offer in offers
        if isinstance(offer, Offer)
        and offer.ref.account == account
        and offer.idle is not None
        and offer.region in regions
        and not models.isdisjoint({offer.vendor_name, offer.gpu_model})
    ]
    if not fitting or not each:
        return ""
    idle, wanted = sum(fitting), each * instances_at_once(values)
    note = f"{idle} single cards of these models are idle in these regions now, {wanted} are wanted."
    if each > 1:
        note += f" They may sit in several machines: that is no promise that an instance with {each} can start."
    return note


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
