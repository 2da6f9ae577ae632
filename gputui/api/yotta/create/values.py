"""The values of a form as a whole: what is wrong with them, and what is sent for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gputui.api.common.form_values import REQUIRED, given, problem_of, readable_json, unused_problems
from gputui.api.yotta.schema import masked
from gputui.models import FieldKind, FormField, PreparedRequest
from gputui.text import clean

Reader = Callable[[str], object]
Readers = Mapping[str, Reader]
Body = dict[str, object]

_AS_WRITTEN = frozenset({FieldKind.LINES, FieldKind.SECRET})
"""Lines keep their numbers and spaces, a secret all of itself."""


def text_of(values: Mapping[str, str], field: FormField) -> str:
    """Return a value as it is read."""
    return values.get(field.name, "") if field.kind in _AS_WRITTEN else given(values, field.name)


def problems_of(
    fields: Sequence[FormField], readers: Readers, values: Mapping[str, str], what: str
) -> dict[str, str]:
    """Return what is wrong, by field; a value that would not be sent beside the others is wrong."""
    known = {field.name for field in fields}
    problems = {clean(name): f"is no parameter of {what}" for name in values if name not in known}
    for field in fields:
        if not field.shown_with(values):
            continue
        text = text_of(values, field)
        problem = (
            problem_of(readers[field.name], text) if text.strip() else REQUIRED if field.is_required(values) else None
        )
        if problem:
            problems[field.name] = problem
    return problems | unused_problems(fields, values, problems)


def body_of(fields: Sequence[FormField], readers: Readers, values: Mapping[str, str]) -> Body:
    """Return what is sent for values without problems: what is given, and shows beside the others."""
    shown = ((field, text_of(values, field)) for field in fields if field.shown_with(values))
    return {field.name: readers[field.name](text) for field, text in shown if text.strip()}


def shown_request(method: str, url: str, body: Body) -> PreparedRequest:
    """Return a request without its secrets."""
    secrets = {name: "***" for name in ("password", "webhookAuthKey") if name in body}
    shown = masked(dict(body) | secrets)
    return PreparedRequest(method, url, readable_json(shown if isinstance(shown, dict) else {}))
