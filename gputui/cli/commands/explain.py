"""``gputui explain``: why a deployment runs fewer instances than it should."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.lists import events
from gputui.cli.output import notify
from gputui.errors import ExitCode, InvalidError
from gputui.models import Deployment, Resource

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.models.explanations import Reasons


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    arguments.add_output(parser, "text", "json")


def run(args: argparse.Namespace) -> int:
    """Print why a deployment does not start, as far as it is known, and what would help."""
    reasons = session.with_fleet(refs.accounts(args, [args.ref]), lambda fleet: _explain(fleet, args.ref))
    for problem in reasons.stock.unread:
        notify(f"gputui: {problem}")
    if args.output == "json":
        import json

        from gputui.presentation.explanation import plain

        sys.stdout.write(json.dumps(plain(reasons, datetime.now(UTC)), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(reasons)))
    return ExitCode.UNREACHABLE if reasons.stock.unread else ExitCode.OK


async def _explain(fleet: Fleet, text: str) -> Reasons:
    from gputui.fleet.explanations import explain

    (match,), _ = await refs.find(fleet, [text], (Resource.DEPLOYMENTS,), only="only deployments are explained")
    row = match.row
    if not isinstance(row, Deployment):
        raise InvalidError(f"{match.ref} is no deployment: only the starts of deployments are explained.")
    return await explain(fleet, row, events.observed_of(fleet, row.ref))


def _lines(reasons: Reasons) -> list[str]:
    from gputui.presentation.columns.column import plain_text
    from gputui.presentation.explanation import heading, is_complete, reason_lines

    found = reason_lines(reasons, datetime.now(UTC))
    return [
        f"{heading(reasons.row)}{'.' if is_complete(reasons.row) else ':'}",
        *(_labelled(label, plain_text(cell)) for label, cell in found),
    ]


def _labelled(label: str, text: str) -> str:
    if not label:
        return text
    lines = text.split("\n")
    return f"{label}: {text}" if len(lines) == 1 else "\n".join((f"{label}:", *(f"  {line}" for line in lines)))
