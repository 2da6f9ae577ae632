"""``gputui logs REF``: the log of an instance, or one in it over SSH, and with ``-f`` its new lines."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.log_lines import TAIL, PrintedLog
from gputui.cli.output import notify
from gputui.cli.signals import until_interrupted
from gputui.cli.ssh_login import connect
from gputui.errors import ConfigError, NotFoundError
from gputui.models import Deployment, Instance, LogKind, LogPage, LogPosition, LogQuery, LogSource, Resource, Row
from gputui.presentation.times import parse_time
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.remote_logs import Connect, RemoteLogs
    from gputui.ssh.client import Connection

_OVER_SSH = (LogKind.FILE, LogKind.UNIT, LogKind.CONTAINER)
_LISTED = 20
"""Files of a glob that are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser, "; of an endpoint with one worker that worker")
    over_ssh = parser.add_mutually_exclusive_group()
    over_ssh.add_argument("--file", metavar="PATH", help="over SSH: the file, or the only one that a glob matches")
    over_ssh.add_argument("--unit", metavar="UNIT", help="over SSH: the journal of a systemd unit")
    over_ssh.add_argument("--container", metavar="NAME", help="over SSH: the output of a container of the host")
    parser.add_argument("-f", "--follow", action="store_true", help="follow: print new lines until ended")
    parser.add_argument("--since", default="", metavar="TIME", help="from then on: 90m, 2h, 14:05, ISO 8601")
    parser.add_argument("--until", default="", metavar="TIME", help="up to then")
    parser.add_argument("--grep", default="", metavar="WORDS", help="only lines with these words; the server filters")
    parser.add_argument(
        "-n",
        "--tail",
        type=arguments.whole,
        metavar="N",
        help=f"the newest N lines (default: {TAIL}; with --since all of them)",
    )
    parser.add_argument(
        "--no-timestamps", dest="timestamps", action="store_false", help="print the lines without timestamps"
    )
    parser.add_argument("--utc", action="store_true", help="times in UTC, read and written (default: local)")
    arguments.add_output(parser, "text", "json")


def run(args: argparse.Namespace) -> int:
    """Print the lines, oldest first; with ``--follow`` until interrupted."""
    query = _query(args)
    if args.follow and query.until is not None:
        raise ConfigError("--follow does not end by itself: use it without --until.")
    accounts = refs.accounts(args, [args.ref])
    with until_interrupted() if args.follow else nullcontext():
        return session.with_fleet(accounts, lambda fleet: _print(fleet, args, query))


def _query(args: argparse.Namespace) -> LogQuery:
    now = datetime.now(UTC)
    times: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        text = getattr(args, name)
        try:
            since = times.get("since")
            times[name] = parse_time(text, now, utc=args.utc, after=since) if text else None
        except ValueError as error:
            raise ConfigError(f"--{name} {error}.") from None
    return LogQuery(args.grep, times["since"], times["until"])


def _source(args: argparse.Namespace) -> LogSource | None:
    """Return the log that is to be read over SSH; None where none is named. Raises ConfigError."""
    named = [LogSource(kind, name) for kind in _OVER_SSH if (name := getattr(args, kind.value)) is not None]
    if not named:
        return None
    if args.grep:
        raise ConfigError("--grep is for logs of the account's server.", hint="Filter the output: | grep WORDS")
    if named[0].kind is LogKind.FILE and (args.since or args.until):
        raise ConfigError("The lines of a file have no times: --since and --until need --unit or --container.")
    return named[0]


async def _print(fleet: Fleet, args: argparse.Namespace, query: LogQuery) -> int:
    source = _source(args)
    only = "only instances and deployments have a log"
    searched = (Resource.INSTANCES, Resource.DEPLOYMENTS)
    matches, _ = await refs.find(fleet, [args.ref], searched, only=only, login=True)
    refs.report_shortened(matches)
    row = _writer(matches[0].row, fleet.rows(Resource.INSTANCES).values())
    if source is None and fleet.has_log(row):
        return await PrintedLog(partial(fleet.read_log, row.ref), row.ref.account, query, args).print()
    if not isinstance(row, Instance) or not fleet.has_remote_logs(row):
        raise NotFoundError(
            f"{row.ref} has no log that can be read now.",
            hint="Workers of endpoints have one, and instances that can be logged into: `gputui get instances`.",
        )
    return await _print_remote(fleet, row, source, query, args)


async def _print_remote(
    fleet: Fleet, instance: Instance, source: LogSource | None, query: LogQuery, args: argparse.Namespace
) -> int:
    """Print a log that is read over SSH, by default the one that was read last."""
    from gputui.fleet.remote_logs import RemoteLogs

    remembered = False

    async def login(instance: Instance) -> Connection:
        if remembered:
            notify(f"gputui: {instance.ref}: the connection was lost. Connecting again.")
        return await connect(fleet, instance)

    with session.open_history() as history:
        logs = RemoteLogs(fleet, history)
        if source is None:
            source = await _last_read(logs, instance)
        log = logs.open(instance, await _one_file(logs, instance, source, login), login)

        async def read(query: LogQuery, *, after: LogPosition | None, backward: bool, size: int) -> LogPage:
            nonlocal remembered
            page = await log.read(query, after=after, backward=backward, size=size)
            if not remembered:
                remembered = True
                await logs.remember(instance, source)
            return page

        return await PrintedLog(read, str(instance.ref), query, args).print()


async def _last_read(logs: RemoteLogs, instance: Instance) -> LogSource:
    """Return the log that was read last of an instance, of a container on a host its output. Raises ConfigError."""
    known = [one for one in await logs.remembered(instance) if one.kind in _OVER_SSH]
    if not known and instance.ssh is not None and instance.ssh.enter:
        return LogSource(LogKind.CONTAINER, instance.ssh.enter[1])
    if not known:
        raise ConfigError(
            f"{instance.ref}: name the log that is to be read over SSH.",
            hint="--file PATH, --unit UNIT or --container NAME; without one, the log that was read last.",
        )
    notify(f"gputui: --{known[0].kind} {clean(known[0].name)}, the log that was read last.")
    return known[0]


async def _one_file(logs: RemoteLogs, instance: Instance, source: LogSource, login: Connect) -> LogSource:
    """Return the only file that a glob matches in its place. Raises ConfigError for several."""
    from gputui.ssh.logs.paths import is_glob

    if source.kind is not LogKind.FILE or not is_glob(source.name):
        return source
    found = await logs.files(instance, source.name, login)
    files = found.files
    if len(files) == 1:
        return LogSource(LogKind.FILE, files[0].path)
    lines = [f"{file.modified.astimezone():%Y-%m-%d %H:%M}  {clean(file.path)}" for file in files[:_LISTED]]
    count = f"more than {len(files)} files; name one. The newest of the first {len(files)}" if found.more else ""
    count = count or f"{len(files)} files; name one. The newest of them"
    raise ConfigError(f"{clean(source.name)} matches {count}:", problems=tuple(lines))


def _writer(row: Row, rows: Iterable[Row]) -> Row:
    """Return the instance that writes the log: of a deployment its only one."""
    if not isinstance(row, Deployment):
        return row
    theirs = [one for one in rows if isinstance(one, Instance) and one.parent == row.ref]
    if len(theirs) == 1:
        return theirs[0]
    if not theirs:
        raise NotFoundError(f"{row.ref} has no instances now: nothing writes a log.")
    several = ", ".join(str(one.ref) for one in theirs)
    raise NotFoundError(
        f"{row.ref} has {len(theirs)} instances, each with a log of its own.",
        hint=f"Name one: {several}.",
    )
