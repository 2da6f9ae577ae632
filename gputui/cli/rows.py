"""Rows of one kind on stdout: as a table, JSON or CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gputui.cli.columns import csv_columns, table_of
from gputui.cli.output import Plain, say, terminal_width, write_csv, write_json
from gputui.models import Resource, Row

if TYPE_CHECKING:
    pass


def print_rows(resource: Resource, rows: Sequence[Row], output: str) -> None:
    """Print rows of one kind on stdout as ``table``, ``json`` or ``csv``."""
    if output == "table":
        if rows:
            sys.stdout.write(table_of(resource, rows, width=terminal_width(sys.stdout)))
        return
    plain = [known for row in rows if (known := _plain(row)) is not None]
    if output == "json":
        write_json(plain, sys.stdout)
    else:
        write_csv(csv_columns(resource), plain, sys.stdout)


def _plain(row: Row) -> Plain | None:
    """Return a row as JSON has it; None, with a line on stderr, where it cannot be written."""
    from gputui.models.serialize import to_plain

    try:
        return to_plain(row)
    except Exception as error:  # noqa: BLE001  (one bad row must not take the others)
        from gputui.redaction import describe_fault

        say(f"gputui: {row.ref}: cannot be written ({describe_fault(error)}). Please report this.")
        return None
