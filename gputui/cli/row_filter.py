"""``-l``: rows that match a filter, in the language and with the names of the app's ``/``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from gputui.models import Resource, Row
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.query import line_of, parse

_RowT = TypeVar("_RowT", bound=Row)


def check(resource: Resource, text: str) -> None:
    """Raise QueryError for a filter that cannot be read."""
    parse(text, {column.key: column.title for column in columns_of(resource, Context())})


def matching(resource: Resource, text: str, rows: Iterable[_RowT]) -> list[_RowT]:
    """Return the rows that match. Raises QueryError."""
    columns = columns_of(resource, Context())
    query = parse(text, {column.key: column.title for column in columns})
    numbers = {column.key: column.number for column in columns if column.number is not None}
    matches = query.over([column.key for column in columns], numbers=numbers)
    compares = query.compared(numbers) or (lambda row: True)
    return [row for row in rows if compares(row) and matches(line_of([column.text(row) for column in columns]))]
