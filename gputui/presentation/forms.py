"""Filled forms in words: values, changed values, consequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from gputui.formatting import SYMBOLS, format_money, kind_noun
from gputui.late_dataclasses import dataclass
from gputui.models import (
    Action,
    Deployment,
    FieldKind,
    Form,
    FormField,
    Money,
    Offer,
    RegistryCredential,
    Role,
    Row,
    Volume,
)
from gputui.presentation.actions import state_word
from gputui.redaction import redact

_NONE = "–"
_CURRENCIES = {symbol: currency for currency, symbol in SYMBOLS.items()}
_LONG = 60
"""Longest text of several lines that is repeated whole; of longer ones the length is stated."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with a new value. Of a secret it says only that there is a new one."""

    label: str
    text: str


def in_sentence(label: str) -> str:
    """Begin a label with a small letter, unless it begins with an abbreviation such as GPU."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def merged(forms: Sequence[Form]) -> Form:
    """Return one form with every field of these once, with the choices and units of all accounts."""
    fields: dict[str, FormField] = {}
    for field in (field for form in forms for field in form.fields):
        other = fields.get(field.name)
        fields[field.name] = field if other is None else _with_choices_of(other, field)
    accounts = ", ".join(dict.fromkeys(form.account for form in forms))
    return replace(forms[0], account=accounts, fields=tuple(fields.values()))


def _with_choices_of(field: FormField, other: FormField) -> FormField:
    label_of = {
        choice: label for one in (other, field) for choice, label in zip(one.choices, one.labels, strict=False)
    }
    choices = tuple(dict.fromkeys((*field.choices, *other.choices)))
    labels = tuple(label_of.get(choice, choice) for choice in choices) if field.labels or other.labels else ()
    units = " or ".join(dict.fromkeys(unit for unit in (*field.unit.split(" or "), other.unit) if unit))
    return replace(field, choices=choices, labels=labels, unit=units)


def written(field: FormField, value: str) -> str:
    """Return a value as one reads it: what a choice is called, the unit behind a number, lines after one another."""
    value = redact(value) if field.kind is FieldKind.LINES else value
    if field.kind is FieldKind.FLAG:
        return "yes" if value == "true" else "no"
    label = dict(zip(field.choices, field.labels, strict=False)).get(value, "")
    text = " ⏎ ".join(line.strip() for line in value.splitlines() if line.strip()).replace(",", ", ")
    unit = f" {field.unit}" if field.unit else ""
    # A choice that may be an id is identified by its label.
    return f"{label} ({value})" if field.open_choices and label not in ("", value) else f"{text}{unit}"


def changed(form: Form, values: Mapping[str, str]) -> list[FieldChange]:
    """Return the fields whose values differ from those that the form began with, which are the present ones."""
    return [
        _change(field, values[field.name])
        for field in form.fields
        if field.name in values and _meaning(field, values[field.name]) != _meaning(field, field.default)
    ]


def _meaning(field: FormField, value: str) -> object:
    """Return what is compared of a value: neither the order of choices nor space at the ends."""
    if field.kind is FieldKind.MULTI:
        return frozenset(part.strip() for part in value.split(",") if part.strip())
    if field.kind is FieldKind.FLAG:
        return value == "true"
    return value if field.kind is FieldKind.SECRET else value.strip()


def _change(field: FormField, value: str) -> FieldChange:
    if field.kind is FieldKind.SECRET:
        return FieldChange(field.label, f"new {field.label.lower()}")
    before = field.default
    if field.kind is FieldKind.LINES:
        before, value = _lines_next_to(before, value), _lines_next_to(value, before)
    # Values of all kinds may contain a secret, such as an address with a token in it.
    old, new = (redact(written(field, text)) if text.strip() else _NONE for text in (before, value))
    return FieldChange(field.label, new if field.unknown else f"{old} → {new}")


def _lines_next_to(text: str, other: str) -> str:
    """Return the lines that the other text does not have; all of them where both have the same, in another order."""
    lines, others = ([line.strip() for line in each.splitlines() if line.strip()] for each in (text, other))
    return "\n".join([line for line in lines if line not in others] if set(lines) != set(others) else lines)


def change_notes(action: Action, row: Row, form: Form, values: Mapping[str, str]) -> list[str]:
    """Say what this change means, in addition to the effect of its action."""
    price = getattr(row, "price", None)
    if action is not Action.RESIZE:
        return []
    notes = [f"It costs {format_money(price)}/h now."] if price is not None else []
    if _gets_smaller(form, values):
        notes.append("The volume shrinks: data that does not fit may be lost.")
    return notes


def _gets_smaller(form: Form, values: Mapping[str, str]) -> bool:
    sizes = [
        (values.get(field.name, "").strip(), field.default.strip())
        for field in form.fields
        if field.kind is FieldKind.NUMBER
    ]
    return any(int(new) < int(old) for new, old in sizes if new.isdecimal() and old.isdecimal())


def doing(form: Form) -> str:
    """Write what is under way during a creation: ``Creating a pod``."""
    article = "an" if form.kind[0] in "aeiou" else "a"
    return f"{form.progress} {article} {kind_noun(form.kind)}"


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
    price = limit_of(form, values)
    if price is None:
        return ""
    count = instances_at_once(form, values)
    each = f" ({count} × {format_money(price)}/h)" if count != 1 else ""
    return f"Spending rises by at most {format_money(price.times(count))}/h{each}."


def limit_of(form: Form, values: Mapping[str, str]) -> Money | None:
    """Return the upper price of an hour of one instance; None where the form has none, or it is not filled in."""
    limit = form.field(Role.PRICE_LIMIT)
    high = None if limit is None else _number(values.get(limit.name, ""))
    if limit is None or high is None:
        return None
    symbol = limit.unit.partition("/")[0].strip()
    return Money(high, _CURRENCIES.get(symbol, symbol))


def instances_at_once(form: Form, values: Mapping[str, str]) -> int:
    """Return how many of its instances may run at the same time; of a job as many as run in parallel."""
    replicas, parallel = (whole_number(form.value(role, values)) for role in (Role.REPLICAS, Role.PARALLEL))
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
    status = state_word(there[0])
    what = f"There is a {kind_noun(form.kind)} {name} already{f' ({status})' if status else ''}"
    return f"{what}: this makes another of the same name."


def stock_note(form: Form, values: Mapping[str, str], offers: Iterable[Row]) -> str:
    """Say how many GPUs of the requested models are idle; '' when that is not known.

    Idle GPUs may be in several machines, so that an instance with several may still have to wait.
    """
    each = whole_number(form.value(Role.GPU_COUNT, values)) or 0
    models, regions = (several(form.value(role, values)) for role in (Role.GPU_MODELS, Role.REGIONS))
    fitting = [
        offer.idle
        for offer in offers
        if isinstance(offer, Offer)
        and offer.ref.account == form.account
        and offer.idle is not None
        and offer.region in regions
        and not {offer.vendor_name, offer.gpu_model}.isdisjoint(models)
    ]
    if not fitting or not each:
        return ""
    idle, wanted = sum(fitting), each * instances_at_once(form, values)
    note = f"{idle} matching GPUs idle in these regions; {wanted} needed."
    if each > 1:
        note += (
            f" Stock counts single GPUs, possibly on different machines: an instance with {each} may have to wait."
        )
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


def several(text: str) -> list[str]:
    """Return the values of a field that has several, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def whole_number(text: str) -> int | None:
    """Return a number as a field has it; None for another text."""
    return int(text) if text.isascii() and text.isdigit() else None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
