"""Completions of a REF, an account, columns or a view: ``gputui __complete refs|places|accounts|columns|views COMMAND
CURRENT [WORD…]``.

Answers between two keys: account names from the configuration, unchecked, and the rows of the last session.
Imports the standard library alone, for columns also their definitions. An error offers nothing.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.actions import ACTIONS
from gputui.commands import BY_WORD, Group
from gputui.config.paths import history_path, named_config, scope_of, state_dir
from gputui.config.preview import read_preview
from gputui.models import NAMED

if TYPE_CHECKING:
    from gputui.presentation.columns.column import Column
    from gputui.presentation.columns.context import Context

MOST = 500
"""As many words are offered at most."""

_NAMED = tuple(resource.value for resource in NAMED)
LISTS: Mapping[str, tuple[str, ...]] = {
    **{action.value: tuple(resource.value for resource in spec.resources) for action, spec in ACTIONS.items()},
    "forward": ("instances",),
    "kill": ("instances",),
    "cp": ("instances",),
    "logs": ("instances", "deployments"),
    "get": ("instances", "deployments"),
    "resize": ("volumes",),
    "describe": _NAMED,
    "lease": ("instances", "deployments"),
    "wait": ("instances", "deployments"),
    "timeline": ("instances", "deployments"),
}
"""The lists of the rows that a REF of each command can name."""

# Shells expand words, and remote names are remote text: only words that are plain in all shells are offered.
_PLAIN = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./:@+,-]*")
_SAVED_VIEW = "saved_view."
"""The beginning of the keys of saved views among the preferences."""
_SAYS = (
    "SELECT json_extract(row.value, '$.ref'), json_extract(row.value, '$.name') FROM snapshot, json_each(rows) AS row"
)


def run(words: Sequence[str]) -> int:
    """Print the completions of the current word, one a line."""
    if len(words) < 3:
        return 2
    what, command, current, *line = words
    if what == "columns":
        return _print(_columns(line, current), current)
    if what == "views":
        return _print(_views(line, command), current)
    accounts = list(read_preview(_config(line)).accounts)
    found = iter(accounts) if what == "accounts" else _refs(accounts, command, current)
    if what == "places":
        found = (word if word.endswith("/") else f"{word}:" for word in found)
    return _print(found, current)


def _print(found: Iterable[str], current: str) -> int:
    """Print the words that begin so."""
    offered = dict.fromkeys(word for word in found if word.startswith(current) and _PLAIN.fullmatch(word))
    sys.stdout.write("".join(f"{word}\n" for word in list(offered)[:MOST]))
    return 0


def _columns(line: Sequence[str], current: str) -> Iterator[str]:
    """Return the columns of the list that the line names, behind those that the word has; ``:desc`` for an order."""
    from gputui.models import Resource
    from gputui.presentation.columns.context import Context
    from gputui.presentation.columns.cost import cost_columns
    from gputui.presentation.columns.lists import columns_of
    from gputui.presentation.columns.spend import spend_columns
    from gputui.presentation.columns.waste import waste_columns

    others: Mapping[str, Callable[[Context], Sequence[Column[Any]]]] = {
        "cost": cost_columns,
        "spend": spend_columns,
        "waste": waste_columns,
    }
    kinds = {resource.value: resource for resource in Resource}
    kind = next((word for word in line if word in kinds or word in others), "instances")
    columns = others[kind](Context()) if kind in others else columns_of(kinds[kind], Context())
    before, comma, _ = current.rpartition(",")
    for column in columns:
        if column.listed and column.key not in before.split(","):
            yield f"{before}{comma}{column.key}"
            if current.startswith(f"{column.key}:"):
                yield f"{column.key}:desc"


def _views(line: Sequence[str], command: str) -> Iterator[str]:
    """Return the names of saved views; for the full-screen program also those of its own."""
    scope = scope_of(_config(line))
    for (key,) in _rows("SELECT key FROM preference WHERE scope = ? AND key LIKE ?", scope, f"{_SAVED_VIEW}%"):
        yield str(key).removeprefix(_SAVED_VIEW)
    if command == "-":
        yield from (word for word, found in BY_WORD.items() if found.group is Group.VIEWS)


def _config(line: Sequence[str]) -> Path:
    """Return the configuration that the command line names, else the usual one."""
    named = next((value for option, value in pairwise(line) if option == "--config"), None)
    return named_config(named)


def _refs(accounts: Sequence[str], command: str, current: str) -> Iterator[str]:
    """Return accounts, then whole REFs, and for the beginning of a name also names."""
    lists = LISTS.get(command, ())
    if lists:
        yield from accounts if command == "describe" else (f"{account}/" for account in accounts)
    for ref, name in _listed(lists):
        if ref.partition("/")[0] in accounts:
            yield ref
            if current and "/" not in current and name:
                yield name


def _listed(lists: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return REF and name of the rows of the last session."""
    if lists:
        places = ", ".join("?" * len(lists))
        for ref, name in _rows(f"{_SAYS} WHERE resource IN ({places})", *lists):
            if isinstance(ref, str):
                yield ref, name if isinstance(name, str) else ""


def _rows(statement: str, *arguments: str) -> Iterator[tuple[object, ...]]:
    """Return what the history has, without waiting for a session that writes to it."""
    path = history_path(state_dir())
    if not os.path.isfile(path):  # noqa: PTH113  (Path raises where the directory cannot be entered)
        return
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.05)
        try:
            yield from connection.execute(statement, arguments)
        finally:
            connection.close()
    except sqlite3.Error:
        return
