"""``--view``: the filter, order, columns and accounts of a saved view, for a list of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gputui.cli import session
from gputui.cli.layout import Layout
from gputui.cli.output import notify
from gputui.config.paths import named_config, scope_of
from gputui.errors import ConfigError
from gputui.models import LIBRARY, RESOURCES, Resource, Row
from gputui.presentation.columns.choice import ColumnChoice, no_columns
from gputui.presentation.columns.column import Column
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.query import IS, IS_FAVOURITE, Query, line_of, parse

if TYPE_CHECKING:
    from gputui.history.favourites import Favourites
    from gputui.history.saved_views import SavedView, SavedViews

_T = TypeVar("_T", bound=Row)

LISTS = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.BLACKLIST, *LIBRARY.values())
"""The lists with a view of their own, in which one filter is over one table."""


class ListOfView:
    """The list that a saved view asks for. Parts of it that cannot be used are reported on stderr.

    Raises ConfigError for a saved view that there is not, or is of another list, and QueryError for its filter.
    """

    def __init__(self, args: argparse.Namespace, resource: Resource) -> None:
        from gputui.history.favourites import Favourites
        from gputui.history.saved_views import SavedViews

        path = named_config(args.config)
        with session.open_history() as history:
            preferences = history.preferences(scope_of(path))
            failure = history.failure
        self._resource = resource
        self._favourites: Favourites = Favourites(preferences)
        self._saved = _of_list(SavedViews(preferences), args.saved_view, resource, failure)
        text = self._saved.values.get("filter", "")
        if not isinstance(text, str):
            raise ConfigError(
                f"The filter of {self._saved.name} is of another release: without it other rows would be listed.",
                hint="Replace the view in the full-screen program (:view).",
            )
        headings = {column.key: column.title for column in columns_of(resource, Context())}
        self._query = parse(text, {**headings, IS: IS})

    def fill(self, args: argparse.Namespace, accounts: Mapping[str, Any]) -> None:
        """Set the options that the command line does not have: accounts, columns, order.

        Raises ConfigError where none of the accounts of the view is left: without a name all would be listed.
        """
        values = dict(self._saved.values)
        known = [name for name in self._saved.accounts if name in accounts]
        if gone := [name for name in self._saved.accounts if name not in accounts]:
            if not known and not args.accounts:
                raise ConfigError(
                    f"{self._saved.name} is a view of accounts that are not in the configuration: {', '.join(gone)}.",
                    hint="Name accounts with -A, or replace the view in the full-screen program (:view).",
                )
            self._say(f"{', '.join(gone)} is not in the configuration")
        args.accounts = args.accounts or known
        names = {column.key for column in columns_of(self._resource, Context())}
        try:
            choice = ColumnChoice.of_plain(values.pop("columns", {"keys": []}))
        except ValueError as error:
            self._say(f"the columns cannot be used: {error}")
            choice = ColumnChoice()
        if gone := [key for key in choice.keys if key not in names]:
            self._say(no_columns(gone))
        if args.output != "json":
            args.columns = args.columns or ",".join(key for key in choice.keys if key in names)
        match values.pop("sort", None):
            case [str() as key, bool() as descending] if key in names:
                args.sort = args.sort or f"{key}:{'desc' if descending else 'asc'}"
            case [str() as key, bool()]:
                self._say(f"there is no column {key} to sort by")
            case None:
                pass
            case _:
                self._say("the order is of another release and is not used")
        values.pop("filter", None)
        if values:
            self._say(f"used on the screen only: {', '.join(sorted(values))}")

    def complete(self, layout: Layout) -> Layout:
        """Return a layout that reads all lists which a filter may look in."""
        from gputui.cli.layout import needed_by

        return replace(layout, needs=layout.needs | needed_by(self._resource)) if self._query else layout

    def matching(self, rows: Iterable[_T], layout: Layout) -> list[_T]:
        """Return the rows that the filter shows."""
        test = self._test(self._query, columns_of(self._resource, layout.context))
        return [row for row in rows if test(row)]

    def _test(self, query: Query, columns: Sequence[Column[Any]]) -> Callable[[Row], bool]:
        numbers = {column.key: column.number for column in columns if column.number is not None}
        matches = query.over([column.key for column in columns], numbers=numbers, apart=(IS,))
        compares = query.compared(numbers) or (lambda row: True)
        is_so = query.of(IS) or (lambda text: True)

        def shows(row: Row) -> bool:
            sign = IS_FAVOURITE if row.ref in self._favourites else ""
            return is_so(sign) and compares(row) and matches(line_of([column.text(row) for column in columns]))

        return shows

    def _say(self, text: str) -> None:
        notify(f"gputui: --view {self._saved.name}: {text}.")


def _of_list(saved_views: SavedViews, name: str, resource: Resource, failure: str) -> SavedView:
    """Return a saved view; ``failure`` is why the history cannot be read, '' where it can."""
    saved = saved_views.find(name)
    if saved is None:
        if failure:
            raise ConfigError(f"The saved views cannot be read: {failure}.")
        names = ", ".join(one.name for one in saved_views.all())
        hint = f"There are {names}." if names else "In the full-screen program :view NAME saves one."
        raise ConfigError(f"There is no saved view {name!r}.", hint=hint)
    if saved.view != RESOURCES[resource].view:
        raise ConfigError(f"{name} is a view of {saved.view}, not of {resource.value}.")
    return saved
