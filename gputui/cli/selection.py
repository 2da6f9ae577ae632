"""``-l``: rows that match a filter, in the language of the app's ``/`` or as a selector of kubectl."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from gputui.errors import ConfigError
from gputui.presentation.columns.column import Column
from gputui.query import Query, line_of, parse

_NAME = r"[A-Za-z_][\w/-]*"
_SELECTOR = re.compile(rf"\s*{_NAME}\s*(?:!=|==?)[^,]*(?:,\s*{_NAME}\s*(?:!=|==?)[^,]*)*")
_REQUIREMENT = re.compile(rf"\s*({_NAME})\s*(!=|==?)([^,]*)(?:,|$)")


def read(text: str, columns: Sequence[Column[Any]], *, all_of: str = "every row") -> Query:
    """Read a filter of rows with these columns; raises QueryError, and ConfigError for an empty one."""
    if not text.strip():
        raise ConfigError(f"-l needs a filter; an empty one would match {all_of}.")
    return parse(as_filter(text), {column.key: column.title for column in columns})


def is_selector(text: str) -> bool:
    """Return whether a text is a selector such as ``state=running,host!=a``."""
    return _SELECTOR.fullmatch(text) is not None


def as_filter(text: str) -> str:
    """Return a selector such as ``state=running,host!=a`` as a filter, and any other text as it is.

    As in kubectl, a value is the whole text of a column, and a row matches all requirements.
    """
    if not is_selector(text):
        return text
    return " ".join(_as_word(*found.groups()) for found in _REQUIREMENT.finditer(text))


def _as_word(name: str, sign: str, value: str) -> str:
    quoted = re.sub(r'(["\\])', r"\\\1", value.strip().strip("\"'"))
    return f'{"!" if sign == "!=" else ""}{name}:="{quoted}"'


def matcher(query: Query, columns: Sequence[Column[Any]]) -> Callable[[Any], bool]:
    """Return the test of a row with these columns."""
    numbers = {column.key: column.number for column in columns if column.number is not None}
    matches = query.over([column.key for column in columns], numbers=numbers)
    compares = query.compared(numbers) or (lambda row: True)
    return lambda row: compares(row) and matches(line_of([column.text(row) for column in columns]))
