"""``gputui logs REF``: what an instance wrote, and with ``-f`` what it goes on to write."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.api.base import HasLogs
from gputui.cli import refs, session
from gputui.cli.actions import note_shortened
from gputui.cli.output import say
from gputui.errors import ConfigError, ExitCode, GputuiError, NotFoundError, RateLimitedError
from gputui.models import Deployment, Instance, LogLine, LogPosition, LogQuery, Ref, Resource, Row
from gputui.moments import parse_moment

if TYPE_CHECKING:
    from gputui.config import Account

PAGE = 1000
TAIL = 100
"""Lines that are shown of the past where nothing else is asked for."""
_PACE = 1.0
_PATIENCE = 30.0


def run(args: argparse.Namespace) -> int:
    """Print the lines, oldest first; goes on until interrupted where they are followed."""
    config = session.load(args)
    query = _query(args)
    if args.follow and query.until is not None:
        raise ConfigError("--follow goes on for ever: it does not go with --until.")
    names = refs.accounts_for([args.ref], list(config.accounts))
    return asyncio.run(_print(session.choose(config, names), args, query))


def _query(args: argparse.Namespace) -> LogQuery:
    now = datetime.now(UTC)
    moments: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        text = getattr(args, name)
        try:
            moments[name] = parse_moment(text, now, utc=args.utc) if text else None
        except ValueError as error:
            raise ConfigError(f"--{name} {error}.") from None
    return LogQuery(args.grep, moments["since"], moments["until"])


async def _print(accounts: dict[str, Account], args: argparse.Namespace, query: LogQuery) -> int:
    async with session.backends(accounts) as opened:
        listing = await session.list_several(opened, (Resource.INSTANCES, Resource.DEPLOYMENTS))
        matches = refs.resolve([args.ref], listing)
        listing.report()
        note_shortened(matches)
        row = _writer(matches[0].row, listing.rows)
        backend: object = opened[row.ref.account]
        if not isinstance(backend, HasLogs) or not backend.has_logs(row):
            raise NotFoundError(
                f"{row.ref} has no log that can be read.",
                hint="Workers of endpoints have one: `gputui get instances`.",
            )
        lines = _Lines(backend, row.ref, query, args)
        return await lines.print()


def _writer(row: Row, rows: Iterable[Row]) -> Row:
    """Return what writes: of a deployment its only instance."""
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

    def __init__(self, backend: HasLogs, ref: Ref, query: LogQuery, args: argparse.Namespace) -> None:
        self._backend = backend
        self._ref = ref
        self._query = query
        self._json = args.output == "json"
        self._stamps = args.timestamps
        self._utc = args.utc
        self._follow = args.follow
        self._tail: int | None = args.tail if args.tail is not None else None if query.since else TAIL
        self._seen: set[LogPosition] = set()

    async def print(self) -> ExitCode:
        """Print the past, and what comes where that is wanted."""
        after = await self._forward(None) if self._tail is None else await self._newest(self._tail)
        if not self._follow:
            return ExitCode.OK
        waits = 0
        while True:
            await asyncio.sleep(_PACE)
            try:
                after = await self._forward(after)
            except NotFoundError:
                raise
            except GputuiError as error:
                pause = min(_PATIENCE, max(_PACE, 2.0**waits))
                if isinstance(error, RateLimitedError):
                    pause = max(pause, error.retry_after)
                waits += 1
                say(f"gputui: {error} Asking again in {pause:.0f} s.")
                await asyncio.sleep(pause)
                continue
            if waits:
                say(f"gputui: {self._ref.account} answers again.")
            waits = 0

    async def _newest(self, most: int) -> LogPosition | None:
        """Print the newest lines; returns the place of the last, from which newer ones go on."""
        pages: list[Sequence[LogLine]] = []
        wanted, after, last = most, None, None
        while wanted > 0 or last is None:
            page = await self._backend.read_log(
                self._ref, self._query, after=after, backward=True, size=max(1, min(PAGE, wanted))
            )
            if last is None:
                last = page.lines[-1].position if page.lines else None
            pages.append(page.lines[-wanted:] if wanted > 0 else ())
            wanted -= len(page.lines)
            after = page.next
            if not page.more:
                break
        for lines in reversed(pages):
            self._write(lines)
        if last is not None:
            self._seen = {last}
        return last

    async def _forward(self, after: LogPosition | None) -> LogPosition | None:
        """Print what is past a place, page by page, to the newest line; returns the place of that."""
        while True:
            page = await self._backend.read_log(self._ref, self._query, after=after, size=PAGE)
            # What a page has in common with the one before is not printed twice.
            fresh = [line for line in page.lines if line.position not in self._seen]
            self._write(fresh)
            if page.lines:
                self._seen = {line.position for line in page.lines}
            if page.next is not None:
                after = page.next
            if not page.more or not fresh:
                return after

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
