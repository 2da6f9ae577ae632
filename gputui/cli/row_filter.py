"""``-l``: instances that match a filter, in the language and with the names of the app's ``/``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.output import notify
from gputui.errors import ConfigError, ExitCode, NotFoundError
from gputui.formatting import some_of
from gputui.models import Instance, Resource
from gputui.presentation.columns.column import natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.query import line_of, parse

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_MOST_NAMES = 12


def check(text: str) -> None:
    """Raise ConfigError for an empty filter, QueryError for one that cannot be read."""
    if not text.strip():
        raise ConfigError("-l needs a filter; an empty one would match every instance of every account.")
    parse(text, {column.key: column.title for column in columns_of(Resource.INSTANCES, Context())})


async def matching(
    fleet: Fleet, text: str, able: Callable[[Instance], bool], why_not: str
) -> tuple[list[Instance], ExitCode]:
    """Read the instances and return those that match and are able by name, with the exit status of the reading.

    Those that match and are not able are named on stderr with the reason ``why_not``. Raises NotFoundError where none
    matches.
    """
    listing = await session.read(fleet, [Resource.INSTANCES])
    status = listing.report()
    matches = _test(text)
    found = [row for row in listing.rows if isinstance(row, Instance) and matches(row)]
    chosen = sorted(filter(able, found), key=lambda row: (row.ref.account, natural_key(row.name)))
    if left := [str(row.ref) for row in found if row not in chosen]:
        notify(f"gputui: left out, {why_not}: {some_of(left, _MOST_NAMES)}")
    if not found and not listing.failures:
        raise NotFoundError(f"No instance matches {text!r}.", hint="`gputui get instances` lists them.")
    return chosen, max(status, ExitCode.OK if chosen else ExitCode.REFUSED)


def _test(text: str) -> Callable[[Instance], bool]:
    columns = columns_of(Resource.INSTANCES, Context())
    query = parse(text, {column.key: column.title for column in columns})
    numbers = {column.key: column.number for column in columns if column.number is not None}
    matches = query.over([column.key for column in columns], numbers=numbers)
    compares = query.compared(numbers) or (lambda row: True)
    return lambda row: compares(row) and matches(line_of([column.text(row) for column in columns]))
