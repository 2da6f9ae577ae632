"""Forms in words: which fields there are, what may stand in them, and what is wrong with what does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.cli.output import format_table
from gputui.models import FieldKind, Form, FormField

_IN_THE_TABLE = 4
"""More choices than these, or choices that need words of their own, get lines of their own."""

_VALUES: Mapping[FieldKind, str] = {
    FieldKind.FLAG: "true, false",
    FieldKind.MULTI: "several, with commas between",
    FieldKind.LINES: "text",
    FieldKind.SECRET: "asked for",
}


def fields_text(fields: Sequence[FormField]) -> str:
    """Lay out fields for a person: what may stand in each, its unit, whether it is needed, beside which others."""
    columns = ("FIELD", "REQUIRED", "DEFAULT", "VALUES", "MEANING")
    cells = [
        (field.name, "yes" if field.required else "", field.default, _values(field), _meaning(field))
        for field in fields
    ]
    kept = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    table = format_table([columns[index] for index in kept], [[row[index] for index in kept] for row in cells])
    return "\n".join([table.rstrip("\n"), *(line for field in fields for line in _choice_lines(field))])


def field_problems(problems: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is wrong, a line for each field."""
    return tuple(f"{field}: {problem}" for field, problem in problems.items())


def known_fields(form: Form) -> str:
    """Return the names of the fields, for who used another one."""
    return ", ".join(field.name for field in form.fields)


def _values(field: FormField) -> str:
    if field.choices:
        shown = "see below" if _has_lines(field) else ", ".join(choice or '""' for choice in field.choices)
        shown = f"several of: {shown}" if field.kind is FieldKind.MULTI else shown
        return f"{shown}, or another" if field.open_choices else shown
    shown = "text" if field.kind is FieldKind.CHOICE else _VALUES.get(field.kind, field.kind.value)
    return f"{shown} ({field.unit})" if field.unit else shown


def _meaning(field: FormField) -> str:
    words = field.help or field.label
    if field.when is None:
        return words
    other, values = field.when
    return f"{words} [only with {other} {' or '.join(values)}]"


def _has_lines(field: FormField) -> bool:
    return len(field.choices) > _IN_THE_TABLE or any(_labels(field))


def _labels(field: FormField) -> tuple[str, ...]:
    """Return what is said of each choice beside the choice itself."""
    labels = field.labels or ("",) * len(field.choices)
    return tuple("" if label == choice else label for choice, label in zip(field.choices, labels, strict=False))


def _choice_lines(field: FormField) -> list[str]:
    if not field.choices or not _has_lines(field):
        return []
    choices = zip(field.choices, _labels(field), strict=False)
    return [f"{field.name}:", *(f"  {choice}  {label}".rstrip() for choice, label in choices if choice)]
