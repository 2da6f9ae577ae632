"""``gputui logs REF``: the log of an instance, and with ``-f`` its new lines."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.output import notify
from gputui.cli.signals import until_interrupted
from gputui.errors import ConfigError, ExitCode, GputuiError, NotFoundError
from gputui.logs.reader import PACE, ReadLog, retry_delay
from gputui.models import Deployment, Instance, LogLine, LogPosition, LogQuery, Resource, Row
from gputui.presentation.times import parse_time

if TYPE_CHECKING:
    from gputui.fleet import Fleet

PAGE = 1000
TAIL = 100
"""The number of lines that are printed by default."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser, "; of an endpoint with one worker that worker")
    parser.add_argument("-f", "--follow", action="store_true", help="follow: print new lines until ended")
    parser.add_argument("--since", default="", metavar="TIME", help="from then on: 90m, 2h, 14:05, ISO 8601")
    parser.add_argument("--until", default="", metavar="TIME", help="up to then")
    parser.add_argument("--grep", default="", metavar="WORDS", help="only lines with these words; the server filters")
    parser.add_argument(
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


async def _print(fleet: Fleet, args: argparse.Namespace, query: LogQuery) -> int:
    only = "only workers of endpoints have a log that can be read"
    searched = (Resource.INSTANCES, Resource.DEPLOYMENTS)
    matches, _ = await refs.find(fleet, [args.ref], searched, only=only)
    refs.report_shortened(matches)
    row = _writer(matches[0].row, fleet.rows(Resource.INSTANCES).values())
    if not fleet.has_log(row):
        raise NotFoundError(
            f"{row.ref} has no log that can be read.",
            hint="Workers of endpoints have one: `gputui get instances`.",
        )
    return await _Lines(partial(fleet.read_log, row.ref), row.ref.account, query, args).print()


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


class _Lines:
    """The lines of one log on their way to stdout."""

    def __init__(self, read: ReadLog, account: str, query: LogQuery, args: argparse.Namespace) -> None:
        self._read = read
        self._account = account
        self._query = query
        self._json = args.output == "json"
        self._stamps = args.timestamps
        self._utc = args.utc
        self._follow = args.follow
        self._tail: int | None = args.tail if args.tail is not None else None if query.since else TAIL
        self._after: LogPosition | None = None
        """The position after the last printed line."""
        self._seen: set[LogPosition] = set()
        """The lines of the last pages, which the next one may repeat."""

    async def print(self) -> ExitCode:
        """Print the past, and new lines where they are followed."""
        if self._tail is None:
            await self._forward()
        else:
            await self._newest(self._tail)
        failures, pause = 0, PACE
        while self._follow:
            await asyncio.sleep(pause)
            try:
                await self._forward()
            except NotFoundError:
                raise
            except GputuiError as error:
                failures += 1
                pause = retry_delay(error, failures)
                notify(f"gputui: {error} Retrying in {pause:.0f} s.")
                continue
            if failures:
                notify(f"gputui: {self._account} answers again.")
            failures, pause = 0, PACE
        return ExitCode.OK

    async def _newest(self, most: int) -> None:
        """Print the newest lines; new ones follow after the last of them."""
        pages: list[Sequence[LogLine]] = []
        wanted, after = most, None
        while wanted > 0 or not pages:
            page = await self._read(self._query, after=after, backward=True, size=max(1, min(PAGE, wanted)))
            if not pages and page.lines:
                self._after = page.lines[-1].position
            fresh = [line for line in page.lines if line.position not in self._seen]
            self._seen |= {line.position for line in fresh}
            pages.append(fresh[-wanted:] if wanted > 0 else ())
            wanted -= len(fresh)
            if not page.more or page.next == after:
                break
            after = page.next
        for lines in reversed(pages):
            self._write(lines)

    async def _forward(self) -> None:
        """Print the new lines, page by page; after a failure no line is printed twice."""
        while True:
            after = self._after
            page = await self._read(self._query, after=after, backward=False, size=PAGE)
            self._write(line for line in page.lines if line.position not in self._seen)
            if page.lines:
                self._seen = {line.position for line in page.lines}
            self._after = page.next
            # A page without progress is not requested again immediately: that would be an endless loop.
            if not page.more or page.next == after:
                return

    def _write(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            sys.stdout.write(self._written(line))
        sys.stdout.flush()

    def _written(self, line: LogLine) -> str:
        if self._json:
            at = None if line.at is None else line.at.isoformat().replace("+00:00", "Z")
            offset = line.position.offset
            return json.dumps({"at": at, "offset": offset, "text": line.text}, ensure_ascii=False) + "\n"
        if not self._stamps or line.at is None:
            return f"{line.text}\n"
        at_here = line.at if self._utc else line.at.astimezone()
        return f"{at_here.isoformat(sep=' ', timespec='milliseconds')}  {line.text}\n"
