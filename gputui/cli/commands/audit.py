"""``gputui audit``: what was changed from this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gputui.cli import arguments, session
from gputui.cli.columns import column, print_records
from gputui.cli.output import notify
from gputui.errors import ExitCode

if TYPE_CHECKING:
    from gputui.history.history import AuditEntry


def _beside(entry: AuditEntry) -> str:
    return " → ".join(" ".join(part.split()) for part in (entry.summary, entry.detail) if part)


_COLUMNS = (
    column("TIME", lambda entry: entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")),
    column("USER", lambda entry: entry.user),
    column("ACTION", lambda entry: entry.action),
    column("WHAT", lambda entry: entry.ref or entry.account),
    column("OUTCOME", lambda entry: entry.outcome.value),
    column("SUMMARY", _beside),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_output(parser, "table", "json")
    parser.add_argument(
        "--limit", type=arguments.count, default=50, help="at most this many, the newest (default: 50)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the newest entries, the newest last."""
    with session.open_history() as history:
        entries = history.audit(limit=args.limit)[::-1]
        problem, failure = history.problem, history.failure
    if problem:
        notify(f"gputui: {problem}")
    if failure:
        return ExitCode.REFUSED
    print_records(entries, args.output, _COLUMNS)
    if args.output == "table" and not (entries or problem):
        notify("No changes sent from this machine.")
    return ExitCode.REFUSED if problem else ExitCode.OK
