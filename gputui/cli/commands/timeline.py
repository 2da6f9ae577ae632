"""``gputui timeline``: what happened in a time, from the history, journals of rules, and servers that keep events."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli import arguments, selection, session
from gputui.cli.columns import table_with
from gputui.cli.output import notify, terminal_width
from gputui.cli.refs import accounts_for, report_shortened, resolve
from gputui.config.paths import state_dir
from gputui.errors import ConfigError, ExitCode, GputuiError, NotFoundError, reason_of
from gputui.fleet.timeline import ALL, Scope, Sources, of_host, of_rule, of_thing, places_of, read
from gputui.history.timeline import named
from gputui.models import Event, Ref, Resource, Row
from gputui.models.timeline import Timeline, TimeSpan
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.moments import moment_columns
from gputui.presentation.times import parse_time
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet

_MOST = 50_000
_DEFAULT = timedelta(hours=1)
_TABLE = ("time", "lane", "account", "name", "text", "source")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Show what happened in a time: events, changes from here, rules, stock and GPU load. "
        "It is read from the history of this machine, and from servers that keep events."
    )
    parser.add_argument(
        "ref", nargs="?", metavar="REF", help="only this instance or deployment; a full one may be of a deleted row"
    )
    parser.add_argument("--since", default="", metavar="TIME", help="from then on: 90m, 2h, 03:12, ISO 8601 (1h)")
    parser.add_argument("--until", default="", metavar="TIME", help="up to then (default: now)")
    parser.add_argument("--host", default="", metavar="HOST", help="only instances that are on this host, or were")
    parser.add_argument("--rule", default="", metavar="ID", help="only the journal of this rule")
    arguments.add_accounts(parser)
    arguments.add_filter(parser, "only the moments that match")
    parser.add_argument("--offline", action="store_true", help="ask no server")
    parser.add_argument("--utc", action="store_true", help="times in UTC, read and written (default: local)")
    parser.add_argument(
        "--write", metavar="FILE", help="write to this new file, readable by you alone, not to stdout"
    )
    arguments.add_output(parser, "text", "json", "html")


def run(args: argparse.Namespace) -> int:
    """Print the timeline; 1 when rows of the history cannot be read, 3 when a server did not answer."""
    if len([name for name in (args.ref, args.host, args.rule) if name]) > 1:
        raise ConfigError("Only one of REF, --host and --rule.")
    span = _span(args)
    config = session.load(args)
    accounts = session.choose(config, args.accounts)
    if args.ref is not None:
        accounts = {name: accounts[name] for name in accounts_for([args.ref], list(accounts))}
    path = None if args.write is None else _new_file(Path(args.write))
    with session.open_history() as history:
        rows = [row for snapshot in history.snapshots(accounts) for row in snapshot.rows]
        # What a rule did is in its journal: no server has it.
        listing = session.Listing() if args.offline or args.rule else _reported(accounts)
        listing.drop_denials(args.accounts)
        events = [row for row in listing.rows if isinstance(row, Event)]
        past = {event.instance: event.name for event in events}
        try:
            scope = _scope(args, rows, named(history) | past, accounts)
        except NotFoundError:
            listing.report()  # it may be there
            raise
        if about := scope.concern.accounts:
            listing.failures = [(name, error) for name, error in listing.failures if name in about]
        status = listing.report(args.accounts)
        hosts, parents = places_of(rows)
        sources = Sources(history, tuple(accounts), state_dir(), events, hosts, parents, most=_MOST)
        timeline = read(sources, span, scope)
        problem = history.problem
    if args.filter is not None:
        timeline = _filtered(timeline, args)
    text = _text(args, timeline, scope, tuple(accounts))
    if path is None:
        sys.stdout.write(text)
    else:
        _write(path, text)
    for line in timeline.problems if args.output != "html" or path is None else ():
        notify(f"gputui: {line}")
    if args.output == "text" and not timeline.moments:
        notify("Nothing is known of this time.")
    return max(status, ExitCode.REFUSED if problem else ExitCode.OK)


def _span(args: argparse.Namespace) -> TimeSpan:
    now = datetime.now(UTC)
    since: datetime | None = None
    until = now
    try:
        name = "--since"
        since = parse_time(args.since, now, utc=args.utc) if args.since else None
        name = "--until"
        until = parse_time(args.until, now, utc=args.utc, after=since) if args.until else now
    except ValueError as error:
        raise ConfigError(f"{name} {error}.") from None
    begin = until - _DEFAULT if since is None else since
    if begin >= until:
        raise ConfigError("--since is not before --until.")
    return TimeSpan(begin, min(until, now) if begin < now else until)


def _scope(
    args: argparse.Namespace, rows: Sequence[Row], past: Mapping[Ref, str], accounts: Mapping[str, Account]
) -> Scope:
    if args.host:
        return of_host(args.host, rows)
    if args.rule:
        return of_rule(args.rule)
    return ALL if args.ref is None else of_thing(_ref(args.ref, rows, past, accounts), rows)


def _ref(text: str, rows: Sequence[Row], past: Mapping[Ref, str], accounts: Mapping[str, Account]) -> Ref:
    """Return the thing that a REF names: a row of the last session, or one that has events. Asks no server."""
    listed = [row for row in rows if row.ref.kind not in ("gpu", "offer", "process")]
    known = {row.ref for row in listed}
    gone = [_Gone(ref, name) for ref, name in past.items() if ref not in known and ref.account in accounts]
    try:
        match = resolve([text], session.Listing(rows=[*listed, *gone]))[0]
    except NotFoundError:
        try:
            ref = Ref.parse(text)
        except ValueError:
            raise NotFoundError(
                f"{clean(text)!r} is in no list of the last session and has no events.",
                hint="A time is given with --since and --until."
                if _is_time(text)
                else "A full REF, account/kind/id, is always accepted.",
            ) from None
        if ref.account not in accounts:
            raise
        return ref
    report_shortened([match])
    return match.ref


def _is_time(text: str) -> bool:
    """Return whether a REF that is not found may be meant as a time, as ``:timeline 03:12`` takes one."""
    try:
        parse_time(text, datetime.now(UTC))
    except ValueError:
        return False
    return True


class _Gone:
    """An instance of which only events are known."""

    def __init__(self, ref: Ref, name: str) -> None:
        self.ref, self.name = ref, name


def _reported(accounts: Mapping[str, Account]) -> session.Listing:
    """Read the events that servers keep."""

    async def ask(fleet: Fleet) -> session.Listing:
        return await session.read(fleet, [Resource.EVENTS])

    return session.with_fleet(accounts, ask)


def _filtered(timeline: Timeline, args: argparse.Namespace) -> Timeline:
    from dataclasses import replace

    columns = moment_columns(Context(utc=args.utc))
    matches = selection.matcher(selection.read(args.filter, columns), columns)
    return replace(timeline, moments=tuple(moment for moment in timeline.moments if matches(moment)))


def _text(args: argparse.Namespace, timeline: Timeline, scope: Scope, accounts: Sequence[str]) -> str:
    if args.output == "html":
        from gputui.presentation.timeline_report import Head, report

        subject = f"Timeline of {scope.concern.label}" if scope.concern.label else "Timeline"
        head = Head(subject, accounts, args.filter or "", datetime.now(UTC), utc=args.utc)
        return report(timeline, head)
    if args.output == "json":
        import io

        from gputui.cli.output import write_json
        from gputui.models.serialize import to_plain

        out = io.StringIO()
        write_json([to_plain(moment) for moment in timeline.moments], out)
        return out.getvalue()
    columns = {column.key: column for column in moment_columns(Context(utc=args.utc))}
    width = None if args.write is not None else terminal_width(sys.stdout)
    return table_with([columns[key] for key in _TABLE], timeline.moments, width=width) if timeline.moments else ""


def _new_file(path: Path) -> Path:
    if os.path.lexists(path):
        raise ConfigError(
            f"{clean(str(path))} exists already.", hint="Nothing is written over it: choose another name."
        )
    return path


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise GputuiError(f"{clean(str(path))} cannot be written: {reason_of(error)}.") from None
    notify(f"Written to {clean(str(path))}")
