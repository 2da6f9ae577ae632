"""``gputui describe``: the details of one row or account."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gputui.analytics.shortage import may_be_explained
from gputui.cli import arguments, leases, refs, session
from gputui.cli.layout import ListContext
from gputui.cli.output import cell_width, notify
from gputui.errors import ExitCode, GputuiError, NotFoundError
from gputui.models import RESOURCES, Deployment, Instance, Resource, Row
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.description import description

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_LISTED = tuple(
    resource for resource in RESOURCES if resource not in (Resource.PROCESSES, Resource.EVENTS, Resource.ACCOUNTS)
)
"""The lists that a REF is looked for in."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser, "; or an account's name")
    arguments.add_output(parser, "text", "json", "raw")


def run(args: argparse.Namespace) -> int:
    """Print one row as text, as JSON, or as the back end's own JSON."""
    accounts, priced = refs.accounts(args, [args.ref]), args.output == "text"
    row, billed = session.with_fleet(accounts, lambda fleet: _find(fleet, args.ref, priced=priced))
    if args.output == "raw":
        return _print_raw(row)
    if args.output == "json":
        import json

        from gputui.models.serialize import to_plain

        sys.stdout.write(json.dumps(to_plain(row), indent=2) + "\n")
    else:
        context = ListContext(billed=billed)
        if isinstance(row, Instance | Deployment):
            context.leases = leases.of_rows(args)
        sys.stdout.write(_text(row, context))
        if isinstance(row, Deployment) and may_be_explained(row):
            notify(f"gputui explain {row.ref} shows why it does not start.")
    for problem in getattr(row, "problems", ()):
        notify(f"gputui: {problem}")
    return ExitCode.OK


def _print_raw(row: Row) -> int:
    raw = getattr(row, "raw", "")
    if not raw:
        raise NotFoundError(f"{row.ref}: its back end has no JSON of it.", hint="-o json prints the JSON of gputui.")
    sys.stdout.write(raw if raw.endswith("\n") else f"{raw}\n")
    return ExitCode.OK


async def _find(fleet: Fleet, text: str, *, priced: bool) -> tuple[Row, bool]:
    """Return the named row, and whether the instances of its account are billed.

    ``priced``: a deployment has the price of its instances, as in lists.
    """
    row = await _row(fleet, text)
    if priced and isinstance(row, Deployment):
        from gputui.cli.lists.rows import with_prices

        (row,) = await with_prices([row], fleet)
    return row, fleet.runtime(row.ref.account).bills


async def _row(fleet: Fleet, text: str) -> Row:
    if text in fleet.accounts:
        if (failure := fleet.runtime(text).open_error) is not None:
            raise session.about_account(text, failure)
        return await fleet.account_info(text)
    if (ref := refs.full_ref(fleet, text)) is not None:
        with suppress(GputuiError):  # a row that is in a list nevertheless
            return await fleet.detail(ref)
    (match,), _ = await refs.find(fleet, [text], _resources(fleet, text))
    try:
        return await fleet.detail(match.ref)
    except NotFoundError:
        return match.row


def _resources(fleet: Fleet, text: str) -> Sequence[Resource]:
    """Return the lists that may contain the row: one where the text names its kind, otherwise all."""
    words = text.split("/")
    words = words[1:] if words[0] in fleet.accounts else words
    named = {fleet.kinds(account).get(words[0]) for account in fleet.accounts if len(words) > 1}
    return [resource for resource in _LISTED if resource in named] or _LISTED


def _text(row: Row, context: Context) -> str:
    """Lay out the fields of a row, aligned, a line each; those of which nothing is known are left out."""
    fields = [field for group in description(row, context).values() for field in group]
    width = max(cell_width(label) for label, _ in fields)
    return "".join(
        f"{label if number == 0 else '':<{width}}  {line}\n"
        for label, cell in fields
        for number, line in enumerate(plain_text(cell).split("\n"))
    )
