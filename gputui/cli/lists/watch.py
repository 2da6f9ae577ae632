"""``gputui get … --watch``: the list once, then what changes in it, until ended."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Protocol

from gputui.cli import session
from gputui.cli.columns import columns_of, csv_columns, table_of
from gputui.cli.lists.events import concerns
from gputui.cli.output import column_widths, fit, format_line, say, write_csv, write_json_line
from gputui.cli.signals import until_interrupted
from gputui.models import Change, Event, FeedState, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

_PACE = {
    Resource.STOCK: "stock",
    Resource.EVENTS: "events",
    Resource.PROCESSES: "processes",
    Resource.GPUS: "processes",
}
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


Keep = Callable[[Row], bool]
"""Whether a row is meant."""
Prepare = Callable[["Fleet"], Awaitable[Keep]]


class Printer(Protocol):
    """Shows one change after another."""

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Show a change; ``rows`` is everything as it is now."""


def watch(
    config: Config,
    accounts: Mapping[str, Account],
    resource: Resource,
    args: argparse.Namespace,
    *,
    values: Mapping[str, str] | None = None,
    of: Ref | None = None,
    prepare: Prepare | None = None,
    end: Callable[[], Awaitable[None]] | None = None,
) -> int:
    """Follow one resource until interrupted. Failures of accounts are said on stderr when they begin and end.

    ``values`` is a filter that each account's back end takes; ``of`` leaves of events those of one thing. ``prepare``
    is given the fleet when it runs and returns which rows are meant; ``end`` is awaited after the fleet has ended.
    """
    polling = config.polling
    if args.interval is not None:
        pace = {
            _PACE.get(resource, "lists"): args.interval,
            "lists" if resource is Resource.EVENTS else "events": args.interval,
        }
        polling = polling.model_copy(update=pace)
    printer = make_printer(resource, args.output, tuple(accounts), of=of)
    with until_interrupted(), session.open_history() as history:
        fleet = session.new_fleet(accounts, history=history, polling=polling)
        asyncio.run(_follow(fleet, resource, printer, values or {}, prepare, end))
    return 0


def make_printer(resource: Resource, output: str, accounts: Sequence[str], *, of: Ref | None = None) -> Printer:
    """Return what shows changes in this form, on this kind of stdout; whole lists in this order of accounts.

    ``of`` leaves of events those of one thing.
    """
    printer = _printer(resource, output, accounts)
    return _Events(printer, of) if resource is Resource.EVENTS else printer


def _printer(resource: Resource, output: str, accounts: Sequence[str]) -> Printer:
    if output == "json":
        return _Lines(_print_json)
    if output == "csv":
        return _Csv(resource)
    return _Screen(resource, accounts) if sys.stdout.isatty() and resource is not Resource.EVENTS else _Rows(resource)


async def _follow(
    fleet: Fleet,
    resource: Resource,
    printer: Printer,
    values: Mapping[str, str],
    prepare: Prepare | None,
    end: Callable[[], Awaitable[None]] | None,
) -> None:
    failures = _Failures(fleet, resource)
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def show(change: Change) -> None:
        try:
            printer.show(change, fleet.rows(resource))
        except Exception as error:  # noqa: BLE001  (a reader that has gone ends the command, not only this call)
            if not broken.done():
                broken.set_exception(error)

    if values:
        fleet.set_filter(resource, values)
    try:
        if prepare is not None:
            await fleet.start()
            printer = _Those(printer, await prepare(fleet))
        fleet.subscribe(resource, show)
        if known := tuple(fleet.rows(resource).values()):
            show(Change(added=known))
        fleet.subscribe_feeds(failures.look)
        fleet.watch({resource} | ({Resource.GPUS} if fleet.probed_instances() else set()))
        if prepare is None:
            await fleet.start()
        await broken
    finally:
        await fleet.aclose()
        if end is not None:
            await end()


class _Failures:
    """Says once that an account cannot be read, and once that it can again."""

    def __init__(self, fleet: Fleet, resource: Resource) -> None:
        self._fleet = fleet
        self._resource = resource
        self._told: dict[str, str] = {}

    def look(self) -> None:
        """Compare every account's feed with what was said last."""
        for account in self._fleet.accounts:
            feed = self._fleet.feed(account, self._source(account))
            problem = feed.error or feed.lacking
            message = str(problem) if problem is not None else ""
            if not message and feed.state is not FeedState.FRESH:
                continue
            if message != self._told.get(account, ""):
                say(f"gputui: {account}: {message or 'answers again'}")
                self._told[account] = message

    def _source(self, account: str) -> Resource:
        """Return the list that tells: where events are not reported, they are observed in the instances."""
        observed = self._resource is Resource.EVENTS and not self._fleet.supports(account, Resource.EVENTS)
        return Resource.INSTANCES if observed else self._resource


class _Those:
    """Of each change, the rows that are meant."""

    def __init__(self, printer: Printer, keep: Keep) -> None:
        self._printer = printer
        self._keep = keep
        self._shown: set[Ref] = set()

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Show what is meant, and that what was meant is gone."""
        added = tuple(row for row in change.added if self._keep(row))
        updated = tuple(row for row in change.updated if self._keep(row))
        removed = tuple(ref for ref in change.removed if ref in self._shown)
        self._shown = (self._shown | {row.ref for row in (*added, *updated)}) - set(removed)
        if added or updated or removed:
            self._printer.show(
                Change(added, updated, removed), {ref: row for ref, row in rows.items() if self._keep(row)}
            )


class _Events:
    """Of a change of the events, what has happened, in the order of time: events do not go, they grow too old."""

    def __init__(self, printer: Printer, of: Ref | None) -> None:
        self._printer = printer
        self._of = of

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Show what is of the thing that is meant."""
        happened = [row for row in change.added if isinstance(row, Event) and concerns(row, self._of)]
        if happened:
            happened.sort(key=lambda event: event.at)
            self._printer.show(Change(added=tuple(happened)), rows)


class _Lines:
    """One line a changed row."""

    def __init__(self, write: Callable[[str, Row | None, Ref], None]) -> None:
        self._write = write

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Write a line for each row."""
        del rows
        for kind, changed in (("added", change.added), ("updated", change.updated)):
            for row in changed:
                self._write(kind, row, row.ref)
        for ref in change.removed:
            self._write("removed", None, ref)


def _print_json(kind: str, row: Row | None, ref: Ref) -> None:
    from gputui.models.serialize import to_plain

    write_json_line({"change": kind, "ref": str(ref), "row": None if row is None else to_plain(row)}, sys.stdout)


class _Csv(_Lines):
    """CSV with the kind of change before the columns; a removed row has its ref alone."""

    def __init__(self, resource: Resource) -> None:
        self._columns = ("change", *csv_columns(resource))
        self._header = True
        super().__init__(self._print)

    def _print(self, kind: str, row: Row | None, ref: Ref) -> None:
        from gputui.models.serialize import to_plain

        known = {"ref": str(ref)} if row is None else to_plain(row)
        write_csv(self._columns, [{"change": kind, **known}], sys.stdout, header=self._header)
        self._header = False


class _Problems:
    """Says on stderr the reason of each row that is not what it should be, once, and again when it is another."""

    def __init__(self) -> None:
        self._said: dict[Ref, str] = {}

    def say(self, change: Change) -> None:
        """Say what is new in a change."""
        for ref in change.removed:
            self._said.pop(ref, None)
        for row in (*change.added, *change.updated):
            problem = getattr(row, "problem", None) or ""
            if problem and problem != self._said.get(row.ref):
                say(f"gputui: {row.ref}: {problem}")
            self._said[row.ref] = problem


class _Rows:
    """For logs: one line a changed row, marked ``+``, ``~`` or ``-``, in columns that only ever widen."""

    def __init__(self, resource: Resource) -> None:
        self._columns = columns_of(resource)
        self._right = frozenset(index for index, column in enumerate(self._columns) if column.right)
        self._widths: list[int] = []
        self._problems = _Problems()

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Print the rows concerned."""
        del rows
        lines = [("+", self._cells(row)) for row in change.added] + [
            ("~", self._cells(row)) for row in change.updated
        ]
        if not self._widths:
            lines.insert(0, (" ", [column.heading for column in self._columns]))
        table = [cells for _, cells in lines]
        if self._widths:
            table.append([" " * width for width in self._widths])
        self._widths = column_widths(table) if table else []
        for mark, cells in lines:
            sys.stdout.write(f"{mark} {format_line(cells, self._widths, right=self._right)}\n")
        sys.stdout.writelines(f"- {ref}\n" for ref in change.removed)
        sys.stdout.flush()
        self._problems.say(change)

    def _cells(self, row: Row) -> list[str]:
        return [column.text(row) for column in self._columns]


class _Screen:
    """For a terminal: the whole list again after every change, from the top, as far as it fits."""

    def __init__(self, resource: Resource, accounts: Sequence[str]) -> None:
        self._resource = resource
        self._order = {account: place for place, account in enumerate(accounts)}

    def show(self, change: Change, rows: Mapping[Ref, Row]) -> None:
        """Draw all rows as they are now."""
        del change
        width, height = get_terminal_size()
        ordered = sorted(rows.values(), key=lambda row: self._order[row.ref.account])
        lines = table_of(self._resource, ordered, width=width).splitlines()
        reasons = [f"{row.ref}: {problem}" for row in ordered if (problem := getattr(row, "problem", None))]
        if reasons:
            lines += ["", *(fit(reason, width).rstrip() for reason in reasons)]
        if len(lines) >= height:
            lines[height - 2 :] = [f"… and {len(lines) - height + 2} more"]
        sys.stdout.write(_HOME_AND_CLEAR + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
