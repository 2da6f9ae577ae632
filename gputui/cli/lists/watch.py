"""``gputui get … --watch``: the list once, then each change, until ended."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.columns import cell_text
from gputui.cli.layout import Layout, layout_of
from gputui.cli.lists.events import concerns
from gputui.cli.output import about_it, column_widths, fit, format_line, notify, write_csv, write_json_line
from gputui.cli.signals import until_interrupted
from gputui.models import Change, Event, FeedState, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

_HOME_AND_CLEAR = "\x1b[H\x1b[J"

Keep = Callable[[Row], bool]
"""Whether a row is shown."""
Prepare = Callable[["Fleet"], Awaitable[Keep]]
Show = Callable[[Change, Mapping[Ref, Row]], None]
"""Shows a change; the mapping has all rows as they are now."""


def watch(
    config: Config,
    accounts: Mapping[str, Account],
    resource: Resource,
    args: argparse.Namespace,
    *,
    values: Mapping[str, str] | None = None,
    of: Ref | None = None,
    prepare: Prepare | None = None,
) -> int:
    """Follow one resource until interrupted. Failures of accounts are reported when they begin and end.

    ``values`` is a filter that every account accepts; ``of`` limits events to those of one row. ``prepare`` is called
    with the started fleet and returns the rows to keep.
    """
    from gputui.fleet.pace import SETTINGS

    polling = config.polling
    if args.interval is not None:
        pace = {
            SETTINGS.get(resource, "lists"): args.interval,
            "lists" if resource is Resource.EVENTS else "events": args.interval,
        }
        polling = polling.model_copy(update=pace)
    layout = layout_of(args, resource)
    show = make_printer(resource, layout, tuple(accounts), of=of)
    if layout.matches is not None:
        show = _kept(show, layout.matches)
    with until_interrupted(), session.open_history() as history:
        fleet = session.new_fleet(accounts, history=history, polling=polling)

        async def follow() -> None:
            async with session.shared_requests(fleet, config, args):
                await _follow(fleet, resource, show, values or {}, prepare)

        asyncio.run(follow())
    return 0


def make_printer(resource: Resource, layout: Layout, accounts: Sequence[str], *, of: Ref | None = None) -> Show:
    """Return the function that shows changes in this layout, on this kind of stdout, in this order of accounts.

    ``of`` limits events to those of one row.
    """
    if layout.output == "json":
        show: Show = _print_json
    elif layout.output == "csv":
        show = _csv_printer(layout)
    elif sys.stdout.isatty() and resource is not Resource.EVENTS:
        show = _screen(layout, accounts)
    else:
        show = _marked_rows(layout)
    if resource is Resource.EVENTS:
        return _events(show, of)
    return _ordered(show, layout) if layout.order is not None else show


async def _follow(
    fleet: Fleet,
    resource: Resource,
    show: Show,
    values: Mapping[str, str],
    prepare: Prepare | None,
) -> None:
    report_failures = _failure_reporter(fleet, resource)
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def print_change(change: Change) -> None:
        try:
            show(change, fleet.rows(resource))
        except Exception as error:  # noqa: BLE001  (a closed stdout ends the command, not only this call)
            if not broken.done():
                broken.set_exception(error)

    if values:
        fleet.server_filters.set(resource, values)
    try:
        if prepare is not None:
            await fleet.start()
            show = _kept(show, await prepare(fleet))
        fleet.subscribe(resource, print_change)
        if known := tuple(fleet.rows(resource).values()):
            print_change(Change(added=known))
        fleet.subscribe_feeds(report_failures)
        fleet.poll({resource} | ({Resource.GPUS} if fleet.probed_instances() else set()))
        if prepare is None:
            await fleet.start()
        await broken
    finally:
        await fleet.aclose()


def _failure_reporter(fleet: Fleet, resource: Resource) -> Callable[[], None]:
    """Return a function that reports once that an account cannot be read, and once that it can again."""
    reported: dict[str, str] = {}

    def report() -> None:
        for account in fleet.accounts:
            feed = fleet.feed(account, resource)
            problem = feed.error or feed.lacking
            message = str(problem) if problem is not None else ". ".join(fleet.runtime(account).config_problems)
            if not message and feed.state is not FeedState.FRESH:
                continue
            if message != reported.get(account, ""):
                notify(f"gputui: {about_it(account, message or 'answers again')}")
                reported[account] = message

    return report


def _kept(show: Show, keep: Keep) -> Show:
    """Show of each change the rows that are kept; one that is kept no longer is gone, one from now on is new."""
    shown: set[Ref] = set()

    def show_kept(change: Change, rows: Mapping[Ref, Row]) -> None:
        new = {row.ref for row in change.added}
        kept = [row for row in (*change.added, *change.updated) if keep(row)]
        added = tuple(row for row in kept if row.ref in new or row.ref not in shown)
        updated = tuple(row for row in kept if row.ref not in new and row.ref in shown)
        left = [row.ref for row in change.updated if row.ref in shown and not keep(row)]
        removed = tuple(ref for ref in (*change.removed, *left) if ref in shown)
        shown.difference_update(removed)
        shown.update(row.ref for row in kept)
        if added or updated or removed:
            show(Change(added, updated, removed), {ref: row for ref, row in rows.items() if keep(row)})

    return show_kept


def _events(show: Show, of: Ref | None) -> Show:
    """Show of each change the new events of a row, or of all, in the order of time; old ones are not removed."""

    def show_new(change: Change, rows: Mapping[Ref, Row]) -> None:
        new = (row for row in change.added if isinstance(row, Event) and concerns(row, of))
        if added := tuple(sorted(new, key=lambda event: event.at)):
            show(Change(added=added), rows)

    return show_new


def _ordered(show: Show, layout: Layout) -> Show:
    """Show the rows of each change in the order of the layout."""

    def show_ordered(change: Change, rows: Mapping[Ref, Row]) -> None:
        added, updated = tuple(layout.sorted(change.added)), tuple(layout.sorted(change.updated))
        show(Change(added, updated, change.removed), rows)

    return show_ordered


def _each(change: Change) -> Iterator[tuple[str, Row | None, Ref]]:
    """Yield for each changed row the kind of change, the row unless it is gone, and its Ref."""
    for kind, changed in (("added", change.added), ("updated", change.updated)):
        yield from ((kind, row, row.ref) for row in changed)
    yield from (("removed", None, ref) for ref in change.removed)


def _print_json(change: Change, _rows: Mapping[Ref, Row]) -> None:
    from gputui.models.serialize import to_plain

    for kind, row, ref in _each(change):
        write_json_line({"change": kind, "ref": str(ref), "row": row and to_plain(row)}, sys.stdout)


def _csv_printer(layout: Layout) -> Show:
    """Return a function that prints CSV, with the kind of change first; of a removed row, only the Ref."""
    from gputui.models.serialize import to_plain

    columns = ("change", *(("ref",) if layout.chosen else ()), *layout.csv_keys)
    header = iter((True,))

    def plain(row: Row) -> Mapping[str, object]:
        return layout.texts(row) if layout.chosen else to_plain(row)

    def show(change: Change, _rows: Mapping[Ref, Row]) -> None:
        known = (
            {"change": kind, "ref": str(ref)} | (dict(plain(row)) if row else {}) for kind, row, ref in _each(change)
        )
        write_csv(columns, known, sys.stdout, header=next(header, False))

    return show


def _problem_reporter() -> Callable[[Change], None]:
    """Return a function that reports the problem of each row once, and another one again."""
    reported: dict[Ref, str] = {}

    def report(change: Change) -> None:
        for ref in change.removed:
            reported.pop(ref, None)
        for row in (*change.added, *change.updated):
            problem = getattr(row, "problem", None) or ""
            if problem and problem != reported.get(row.ref):
                notify(f"gputui: {row.ref}: {problem}")
            reported[row.ref] = problem

    return report


def _marked_rows(layout: Layout) -> Show:
    """Show for logs: a line for each changed row, marked ``+``, ``~`` or ``-``, in columns that only ever widen."""
    columns = layout.columns
    right = frozenset(index for index, column in enumerate(columns) if column.right)
    widths: list[int] = []
    report_problems = _problem_reporter()

    def show(change: Change, _rows: Mapping[Ref, Row]) -> None:
        marks = {"added": "+", "updated": "~"}
        lines = [
            (marks[kind], [cell_text(column, row) for column in columns]) for kind, row, _ in _each(change) if row
        ]
        if not widths:
            lines.insert(0, (" ", [column.title for column in columns]))
        table = [cells for _, cells in lines] + ([[" " * width for width in widths]] if widths else [])
        widths[:] = column_widths(table)
        for mark, cells in lines:
            sys.stdout.write(f"{mark} {format_line(cells, widths, right=right)}\n")
        sys.stdout.writelines(f"- {ref}\n" for ref in change.removed)
        sys.stdout.flush()
        report_problems(change)

    return show


def _screen(layout: Layout, accounts: Sequence[str]) -> Show:
    """Show on a terminal: the whole list again after every change, from the top, as far as it fits."""
    order = {account: place for place, account in enumerate(accounts)}

    def show(_change: Change, rows: Mapping[Ref, Row]) -> None:
        width, height = get_terminal_size()
        ordered = layout.sorted(sorted(rows.values(), key=lambda row: order[row.ref.account]))
        # A line that the terminal wraps would spoil the height.
        lines = [fit(line, width) for line in layout.table(ordered, width).splitlines()]
        reasons = [f"{row.ref}: {problem}" for row in ordered if (problem := getattr(row, "problem", None))]
        if reasons:
            lines += ["", *(fit(reason, width).rstrip() for reason in reasons)]
        if len(lines) >= height:
            lines[height - 2 :] = [f"… and {len(lines) - height + 2} more"]
        sys.stdout.write(_HOME_AND_CLEAR + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    return show
