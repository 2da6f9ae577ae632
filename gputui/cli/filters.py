"""``--filter``: filters that the servers themselves apply to lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli.forms import field_problems, fields_text
from gputui.cli.output import notify
from gputui.errors import ConfigError, InvalidError
from gputui.models import FieldKind, Form, Resource
from gputui.presentation.forms import merged

if TYPE_CHECKING:
    from gputui.fleet import Fleet

Given = Sequence[tuple[str, str]]
"""The filters of a command line in their order. One without a name asks for the list of fields."""


def apply(
    fleet: Fleet, resource: Resource, given: Given, accounts: Iterable[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Make the servers of these accounts, or of all, filter a list; returns the accounts that do and the values.

    Sends no request. An account without such a filter is left out and named on stderr: its rows would be the wrong
    ones. One that could not be opened stays in, so that its failure is reported. Raises ConfigError when no account
    is left, and for a field that no account has, after a list of the fields.
    """
    names = list(fleet.accounts if accounts is None else accounts)
    forms = {name: form for name in names if (form := fleet.server_filters.form(name, resource)) is not None}
    if not forms:
        raise ConfigError(
            f"None of these accounts can filter {resource.words}: {', '.join(names)}.",
            hint="-l filters the rows on this machine.",
        )
    _check_names(forms, resource, given)
    values = _values(forms, given)
    refusals = fleet.server_filters.refusals(resource, values)
    able: list[str] = []
    problems: list[str] = []
    for name in names:
        if name in forms:
            wrong = _problems(forms[name], resource, values, refusals.get(name))
        else:
            wrong = (f"it cannot filter {resource.words}",) if fleet.runtime(name).lists(resource) else ()
        if wrong:
            problems += [f"{name}: {problem}" for problem in wrong]
        else:
            able.append(name)
    if not any(name in forms for name in able):
        raise ConfigError(f"No account takes this filter of {resource.words}:", problems=tuple(problems))
    for problem in problems:
        notify(f"gputui: left out: {problem}")
    fleet.server_filters.set(resource, values)
    return able, values


def _problems(
    form: Form, resource: Resource, values: Mapping[str, str], refusal: InvalidError | None
) -> tuple[str, ...]:
    """Return why an account with these filters cannot apply the values."""
    fields = {field.name for field in form.fields}
    missing = tuple(f"it cannot filter {resource.words} by {name}" for name in values if name not in fields)
    if missing or refusal is None:
        return missing
    return field_problems(refusal.fields) or (str(refusal),)


def _check_names(forms: Mapping[str, Form], resource: Resource, given: Given) -> None:
    """Raise ConfigError, after a list of all fields, when a name is missing or is not a field."""
    fields = merged(list(forms.values())).fields
    known = {field.name for field in fields}
    unknown = [name for name, _ in given if name not in known]
    if not unknown:
        return
    notify(f"Filters of {resource.words} in {', '.join(forms)}; give them as --filter FIELD=VALUE:")
    notify(fields_text(fields))
    named = [name for name in unknown if name]
    if named:
        raise ConfigError(
            f"unknown filter of {resource.words}: {', '.join(named)}; there are {', '.join(sorted(known))}."
        )
    raise ConfigError("--filter needs one of these.")


def _values(forms: Mapping[str, Form], given: Given) -> dict[str, str]:
    kinds = {field.name: field.kind for form in forms.values() for field in form.fields}
    values: dict[str, str] = {}
    for name, value in given:
        if name not in values:
            values[name] = value
        elif kinds[name] is FieldKind.MULTI:
            values[name] += f",{value}"
        else:
            raise ConfigError(f"--filter {name} is given twice, and takes one value.")
    return values
