"""How a list is printed: its form, its columns, the order of its rows (``-o``, ``--columns``, ``--sort``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from gputui.analytics.gpu_idle import SeenGpus
from gputui.cli import selection
from gputui.cli.columns import cell_text, csv_columns, print_records, table_with
from gputui.cli.output import Plain, terminal_width, write_csv
from gputui.errors import ConfigError
from gputui.late_dataclasses import dataclass
from gputui.models import GpuDevice, GpuProcess, Instance, Ref, Resource, Row
from gputui.presentation.columns.choice import find_columns
from gputui.presentation.columns.column import Column, natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import fields_of, table_columns

if TYPE_CHECKING:
    from gputui.query import Query
    from gputui.rules.lease_book import LeaseView

_T = TypeVar("_T")

_REPEATED = frozenset({"phase"})
"""Columns that say in other words what another one says: not part of the wide form."""

_FROM: Mapping[tuple[Resource, str], frozenset[Resource]] = {
    (Resource.INSTANCES, "deployment"): frozenset({Resource.DEPLOYMENTS}),
    (Resource.INSTANCES, "util"): frozenset({Resource.GPUS}),
    (Resource.INSTANCES, "gpumem"): frozenset({Resource.GPUS, Resource.PROCESSES}),
}
"""The lists that columns need in addition to that of their rows."""


class ListContext(Context):
    """The context of a list with rows of other lists, as far as its columns need them."""

    def __init__(self, *, billed: bool = True) -> None:
        super().__init__(billed=billed)
        self._rows: dict[Ref, Row] = {}
        self._processes: dict[Ref, list[GpuProcess]] = {}
        self._gpus = SeenGpus(())
        self.leases: Mapping[Ref, LeaseView] = {}
        self.own: frozenset[str] = frozenset()
        """The accounts of machines of one's own."""

    def lease(self, ref: Ref) -> LeaseView | None:
        """Return the lease of a row."""
        return self.leases.get(ref)

    def owns(self, account: str) -> bool:
        """Whether the machines of the account are one's own."""
        return account in self.own

    def add(self, rows: Iterable[Row]) -> None:
        """Take in rows of other lists."""
        rows = tuple(rows)
        self._gpus = SeenGpus(row for row in rows if isinstance(row, GpuDevice))
        for row in rows:
            self._rows[row.ref] = row
            if isinstance(row, GpuProcess) and row.instance is not None:
                self._processes.setdefault(row.instance, []).append(row)

    def get(self, ref: Ref) -> Row | None:
        """Return one of the rows."""
        return self._rows.get(ref)

    def processes(self, instance: Instance) -> Sequence[GpuProcess]:
        """Return the GPU processes of an instance."""
        return self._processes.get(instance.ref, ())

    def gpus(self, instance: Instance) -> Sequence[GpuDevice]:
        """Return the GPUs that an instance may use."""
        return self._gpus.of(instance)


@dataclass(frozen=True, slots=True)
class Layout:
    """``output`` is ``table``, ``json`` or ``csv``; ``columns`` are those of a table, ``keys`` those of CSV.

    ``chosen``: the user named the columns, which CSV then has too, and empty ones stay. ``wide``: lines are not cut
    at the width of the terminal. ``order`` is the column by which the rows are ordered, None for the order of the
    list. ``query`` is the filter of the rows that are printed, None for all; ``matches`` is its test. ``needs`` are
    the lists that must be added to ``context`` before rows are printed.
    """

    output: str
    columns: Sequence[Column[Any]]
    keys: Sequence[str] = ()
    chosen: bool = False
    wide: bool = False
    order: Column[Any] | None = None
    descending: bool = False
    context: ListContext = field(default_factory=ListContext)
    query: Query | None = None
    matches: Callable[[Any], bool] | None = None
    needs: frozenset[Resource] = frozenset()

    @property
    def is_table(self) -> bool:
        """Whether it is the form for people."""
        return self.output == "table"

    def sorted(self, rows: Iterable[_T]) -> list[_T]:
        """Return the rows in their order; those without a value are last in both directions."""
        listed = list(rows)
        if self.order is None:
            return listed
        column = self.order
        known = {id(row): value for row in listed if (value := _value(column, row)) is not None}
        with_value = sorted(
            (row for row in listed if id(row) in known), key=lambda row: known[id(row)], reverse=self.descending
        )
        return with_value + [row for row in listed if id(row) not in known]

    def table(self, rows: Sequence[Any], width: int | None) -> str:
        """Lay out rows as a table; columns in which every cell is empty are left out, unless they were chosen."""
        return table_with(self.columns, rows, width=None if self.wide else width, filled=not self.chosen)

    def print(self, rows: Iterable[_T], plain: Callable[[Any], Plain] | None = None) -> list[_T]:
        """Print the rows that match, and return them in the order in which they are printed.

        ``plain`` makes the JSON of a row where it is not that of its fields.
        """
        ordered = self.sorted(row for row in rows if self.matches is None or self.matches(row))
        if self.is_table:
            if ordered:
                sys.stdout.write(self.table(ordered, terminal_width(sys.stdout)))
        elif self.output == "csv" and self.chosen:
            write_csv(self.csv_keys, map(self.texts, ordered), sys.stdout)
        else:
            print_records(ordered, self.output, self.columns, self.keys, plain)
        return ordered

    @property
    def csv_keys(self) -> tuple[str, ...]:
        """The columns of CSV."""
        return tuple(column.key for column in self.columns) if self.chosen else tuple(self.keys)

    def texts(self, row: Any) -> Plain:
        """Return the texts of a row by the keys of the columns."""
        return {column.key: cell_text(column, row) for column in self.columns}


def needed_by(resource: Resource) -> frozenset[Resource]:
    """Return all lists that some column of a list needs in addition."""
    return frozenset[Resource]().union(*(needed for (of, _), needed in _FROM.items() if of is resource))


def _value(column: Column[Any], row: Any) -> Any:
    """Return what a row is ordered by: a column without an order of its own goes by its text; NaN is unknown."""
    value = column.order(row) if column.sort_key is not None else natural_key(column.text(row)) or None
    return None if value != value or value == natural_key("") else value  # noqa: PLR0124  (NaN alone differs from itself)


def layout_of(args: argparse.Namespace, resource: Resource, added: Mapping[int, Column[Any]] | None = None) -> Layout:
    """Return the layout that a command line asks for, of a list; raises ConfigError for unknown columns.

    ``added`` are columns of the command alone, with their places in the table.
    """
    return list_layout(
        resource,
        args.output,
        columns=args.columns,
        sort=args.sort,
        filter_text=args.filter,
        added=added,
        watch=args.watch,
    )


def list_layout(
    resource: Resource,
    output: str = "table",
    *,
    columns: str = "",
    sort: str = "",
    filter_text: str | None = None,
    added: Mapping[int, Column[Any]] | None = None,
    watch: bool = False,
) -> Layout:
    """Return the layout of a list; ``columns``, ``sort`` and ``filter_text`` are as the user writes them.

    Where it is watched, columns that need another list are not in it: that is not watched.
    """
    context = ListContext()
    known = [column for column in fields_of(resource, context) if not watch or (resource, column.key) not in _FROM]
    usual = list(table_columns(resource, context))
    for place, column in (added or {}).items():
        usual.insert(place, column)
        known.append(column)
    made = make_layout(resource.value, known, usual, csv_columns(resource), output, columns, sort, filter_text)
    used = {made.order.key} if made.order is not None else set()
    if made.is_table or made.chosen:
        used |= {column.key for column in made.columns}
    if made.query is not None:
        used |= {column.key for column in known} if made.query.is_of_any else made.query.named
    needs = frozenset[Resource]().union(*(_FROM.get((resource, key), ()) for key in used))
    return replace(made, context=context, needs=needs)


def make_layout(
    noun: str,
    known: Sequence[Column[Any]],
    usual: Sequence[Column[Any]],
    keys: Sequence[str],
    output: str,
    columns: str = "",
    sort: str = "",
    filter_text: str | None = None,
) -> Layout:
    """Return the layout of records with the ``known`` columns, of which the ``usual`` ones make their table.

    Raises ConfigError, with the columns that there are, for a name that is none of them; QueryError for a filter that
    cannot be read.
    """
    listed = [column for column in known if column.listed]
    wide = output == "wide"
    shown = list(usual)
    if columns:
        if output == "json":
            raise ConfigError(
                "--columns is for tables and CSV: JSON always has all keys.",
                hint="Choose keys with jq.",
            )
        shown = _named(noun, listed, columns.split(","), "--columns")
    elif wide:
        there = {column.key for column in shown} | _REPEATED
        shown += [column for column in listed if column.key not in there]
    name, _, direction = sort.partition(":")
    if name.startswith(("-", "+")):  # as other programs write an order
        raise ConfigError(
            f"--sort {sort}: the order is after the column: --sort {name[1:]}:{'desc' if name[0] == '-' else 'asc'}."
        )
    if direction not in ("", "asc", "desc"):
        raise ConfigError(f"--sort {sort}: the order is asc or desc, as in --sort {name}:desc.")
    order = _named(noun, listed, [name], "--sort")[0] if sort else None
    form = "table" if wide else output
    query = None if filter_text is None else selection.read(filter_text, listed)
    matches = None if query is None else selection.matcher(query, listed)
    return Layout(form, shown, keys, bool(columns), wide, order, direction == "desc", query=query, matches=matches)


def _named(noun: str, columns: Sequence[Column[Any]], names: Sequence[str], option: str) -> list[Column[Any]]:
    found, problems = find_columns(columns, [name.strip() for name in names])
    if problems:
        raise ConfigError(
            f"{option}: {' '.join(problems)}",
            hint=f"Columns of {noun}: {', '.join(column.key for column in columns)}.",
        )
    return found
