"""Filled forms in words: values, changed values, consequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gputui.formatting import format_money
from gputui.models import Action, FieldKind, Form, FormField, Row
from gputui.redaction import redact

_NONE = "–"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with a new value. Of a secret it says only that there is a new one."""

    label: str
    text: str


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
    """Return what is another value than the form began with, which is what there is now."""
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
    return FieldChange(field.label, f"{old} → {new}")


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
        notes.append("It gets smaller: what does not fit any more may be lost.")
    return notes


def _gets_smaller(form: Form, values: Mapping[str, str]) -> bool:
    sizes = [
        (values.get(field.name, "").strip(), field.default.strip())
        for field in form.fields
        if field.kind is FieldKind.NUMBER
    ]
    return any(int(new) < int(old) for new, old in sizes if new.isdecimal() and old.isdecimal())
