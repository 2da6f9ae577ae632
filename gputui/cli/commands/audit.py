"""``gputui audit``: what was changed from this machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from gputui.cli import arguments, session
from gputui.cli.columns import print_records
from gputui.cli.output import notify
from gputui.errors import ExitCode
from gputui.presentation.columns.column import Column

_COLUMNS: Sequence[Column[Any]] = (
    Column("time", lambda entry: entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")),
    Column("user", lambda entry: entry.user),
    Column("action", lambda entry: entry.action),
    Column("what", lambda entry: entry.ref or entry.account),
    Column("outcome", lambda entry: entry.outcome.value),
    Column(
        "summary", lambda entry: " → ".join(" ".join(part.split()) for part in (entry.summary, entry.detail) if part)
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_output(parser, "table", "json")
    parser.add_argument(
        "--limit", type=arguments.count, default=50, help="number of entries, the newest (default: 50)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the newest entries, the newest last."""
    with session.open_history() as history:
        entries = history.audit_log.entries(limit=args.limit)[::-1]
        problem, failure = history.problem, history.failure
    if problem:
        notify(f"gputui: {problem}")
    if failure:
        return ExitCode.REFUSED
    print_records(entries, args.output, _COLUMNS)
    if args.output == "table" and not (entries or problem):
        notify("No changes sent from this machine.")
    return ExitCode.REFUSED if problem else ExitCode.OK
