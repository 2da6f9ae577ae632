"""The memory of tables in views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gputui.presentation.columns.choice import ColumnChoice, no_columns
from gputui.screens.base.memory import Memory
from gputui.widgets.table.table import RecordTable


def keep_order(memory: Memory, name: str, table: Callable[[], RecordTable[Any]]) -> None:
    """Remember the order of a table, where it is not the one that it had at first."""
    first: list[tuple[str | None, bool]] = []

    def get() -> list[object] | None:
        order = table().sort
        if not first:
            first.append(order)
        return None if order == first[0] else list(order)

    def put(order: Sequence[Any] | None) -> str | None:
        if order is None:
            table().set_sort(*first[0])
            return None
        key, descending = order
        if not isinstance(key, str | None) or not isinstance(descending, bool):
            raise TypeError("it is not an order")
        try:
            table().set_sort(key, descending)
        except (KeyError, ValueError):
            return f"there is no column {key} to sort by."
        return None

    memory.keep(name, list, get, put)


def keep_columns(memory: Memory, name: str, table: Callable[[], RecordTable[Any]]) -> None:
    """Remember the columns that the user chose for a table."""

    def get() -> dict[str, object] | None:
        choice = table().chosen.choice
        return None if choice is None else choice.plain()

    def put(value: object) -> str | None:
        choice = None if value is None else ColumnChoice.of_plain(value)
        table().chosen.choose(choice)
        unknown = () if choice is None else choice.unknown(tuple(table().columns.values()))
        return f"{no_columns(unknown)}." if unknown else None

    memory.keep(name, dict, get, put)
