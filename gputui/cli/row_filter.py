"""``-l``: instances that match a filter, in the language and with the names of the app's ``/``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gputui.cli import selection, session
from gputui.cli.output import notify
from gputui.errors import ExitCode, NotFoundError
from gputui.formatting import some_of
from gputui.models import Instance, Resource
from gputui.presentation.columns.column import natural_key
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_MOST_NAMES = 12


def check(text: str) -> None:
    """Raise ConfigError for an empty filter, QueryError for one that cannot be read."""
    selection.read(text, columns_of(Resource.INSTANCES, Context()), all_of="every instance of every account")


async def matching(
    fleet: Fleet, text: str, able: Callable[[Instance], bool], why_not: str
) -> tuple[list[Instance], ExitCode]:
    """Read the instances and return those that match and are able by name, with the exit status of the reading.

    Those that match and are not able are named on stderr with the reason ``why_not``. Raises NotFoundError where none
    matches.
    """
    listing = await session.read(fleet, [Resource.INSTANCES])
    status = listing.report()
    columns = columns_of(Resource.INSTANCES, Context())
    matches = selection.matcher(selection.read(text, columns), columns)
    found = [row for row in listing.rows if isinstance(row, Instance) and matches(row)]
    chosen = sorted(filter(able, found), key=lambda row: (row.ref.account, natural_key(row.name)))
    if left := [str(row.ref) for row in found if row not in chosen]:
        notify(f"gputui: left out, {why_not}: {some_of(left, _MOST_NAMES)}")
    if not found and not listing.failures:
        raise NotFoundError(f"No instance matches {text!r}.", hint="`gputui get instances` lists them.")
    return chosen, max(status, ExitCode.OK if chosen else ExitCode.REFUSED)
