"""Rows and other records on stdout: as a table, as JSON, as CSV."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from gputui.cli.output import Plain, format_table, notify, terminal_width, write_csv, write_json
from gputui.models import RESOURCES, Resource
from gputui.presentation.columns.column import Column

_NOT_PRINTED = frozenset({"raw", "series"})
_ADDED = {
    Resource.BALANCES: ("runs_out", "runs_out_is"),
    Resource.INSTANCES: ("lease",),
    Resource.DEPLOYMENTS: ("lease",),
}
"""Keys that commands add to those of the model."""


def table_with(columns: Sequence[Column[Any]], rows: Sequence[Any], *, width: int | None, filled: bool = True) -> str:
    """Lay out records with the given columns; ``filled`` leaves out those in which every cell is empty."""
    if filled:
        columns = [column for column in columns if _has_content(column, rows)]
    return format_table(
        [column.title for column in columns],
        [[cell_text(column, row) for column in columns] for row in rows],
        right=frozenset(place for place, column in enumerate(columns) if column.right),
        width=width,
        filled=filled,
    )


def _has_content(column: Column[Any], rows: Sequence[Any]) -> bool:
    """Return whether a column is known of some row, where it is left out otherwise."""
    if not column.when_filled or column.filled is None:
        return True
    return any(column.filled(row) for row in rows)


def cell_text(column: Column[Any], row: Any) -> str:
    """Return the text of a row's cell; a fault is reported, and the text is ``?``."""
    try:
        return column.plain_cell(row)
    except Exception as error:  # noqa: BLE001  (a fault in one cell must not affect the others)
        _report_fault(row, f"{column.title} cannot be shown", error)
        return "?"


def csv_columns(resource: Resource) -> tuple[str, ...]:
    """Return the columns of CSV: the keys that the JSON of this kind of row has."""
    names = tuple(entry.name for entry in fields(RESOURCES[resource].model) if entry.name not in _NOT_PRINTED)
    return names + _ADDED.get(resource, ())


def print_records(
    records: Sequence[Any],
    output: str,
    columns: Sequence[Column[Any]],
    keys: Sequence[str] = (),
    plain: Callable[[Any], Plain] | None = None,
) -> None:
    """Print records on stdout: as a table with ``columns`` if there are any, as JSON, or as CSV with ``keys``.

    ``plain`` makes the JSON of a record where it is not that of its fields.
    """
    if output == "table":
        if records:
            sys.stdout.write(table_with(columns, records, width=terminal_width(sys.stdout)))
        return
    known = [found for record in records if (found := _plain(record, plain)) is not None]
    if output == "json":
        write_json(known, sys.stdout)
    else:
        write_csv(keys, known, sys.stdout)


def _plain(record: Any, plain: Callable[[Any], Plain] | None) -> Plain | None:
    """Return a record as plain data; None where that fails, which is reported."""
    from gputui.models.serialize import to_plain

    try:
        return (plain or to_plain)(record)
    except Exception as error:  # noqa: BLE001  (a fault in one row must not affect the others)
        _report_fault(record, "cannot be written", error)
        return None


def _report_fault(record: object, problem: str, error: Exception) -> None:
    from gputui.redaction import describe_fault

    about = getattr(record, "ref", type(record).__name__)
    notify(f"gputui: {about}: {problem} ({describe_fault(error)}). Please report this.")
