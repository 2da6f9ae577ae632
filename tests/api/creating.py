"""Forms of a back end under test: problems of values, the request that is shown, the search for a lost answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gputui.api.capabilities import Backend
from gputui.errors import InvalidError
from gputui.models import Action, PreparedRequest, Ref, Resource, Row

Values = Mapping[str, str]


def problems(backend: Backend, kind: str, values: Values) -> dict[str, str]:
    """Return the problems of a new thing's values, by field."""
    try:
        backend.creators[kind].prepare(values)
    except InvalidError as error:
        return dict(error.fields)
    return {}


def edit_problems(backend: Backend, row: Row, action: Action, values: Values) -> dict[str, str]:
    """Return the problems of an edit's values, by field."""
    assert backend.editor is not None
    try:
        backend.editor.prepare(row, action, values)
    except InvalidError as error:
        return dict(error.fields)
    return {}


def filter_problems(backend: Backend, resource: Resource, values: Values) -> dict[str, str]:
    """Return the problems of a filter's values, by field."""
    assert backend.filters is not None
    try:
        backend.filters.prepare(resource, values)
    except InvalidError as error:
        return dict(error.fields)
    return {}


def shown(backend: Backend, kind: str, values: Values) -> PreparedRequest:
    """Return the request of a create as it is shown."""
    request = backend.creators[kind].prepare(values).request
    assert request is not None
    return request()


async def look(backend: Backend, kind: str, values: Values) -> Collection[Ref]:
    """Return the rows that such a create may have made."""
    find = backend.creators[kind].prepare(values).find
    assert find is not None
    return await find()
