"""``gputui explain``: why a deployment runs fewer instances than it should."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.output import notify
from gputui.errors import ExitCode, InvalidError
from gputui.models import Deployment, Resource

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.explanations import Circumstances
    from gputui.models.explanations import Explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    arguments.add_output(parser, "text", "json")


def run(args: argparse.Namespace) -> int:
    """Compare the limits of a deployment with the stock, and print what would help."""
    row, explanation, known = session.with_fleet(
        refs.accounts(args, [args.ref]), lambda fleet: _explain(fleet, args.ref)
    )
    for problem in explanation.unread:
        notify(f"gputui: {problem}")
    if args.output == "json":
        import json

        from gputui.models.serialize import to_plain

        sys.stdout.write(json.dumps(to_plain(explanation), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(row, explanation, known)))
    return ExitCode.UNREACHABLE if explanation.unread else ExitCode.OK


async def _explain(fleet: Fleet, text: str) -> tuple[Deployment, Explanation, Circumstances]:
    from gputui.fleet.explanations import circumstances, explain, read_circumstances

    (match,), _ = await refs.find(fleet, [text], (Resource.DEPLOYMENTS,))
    row = match.row
    if not isinstance(row, Deployment):
        raise InvalidError(f"{match.ref} is no deployment: only the starts of deployments are explained.")
    explanation = await explain(fleet, row)
    await read_circumstances(fleet, row.ref.account)
    return row, explanation, circumstances(fleet, row)


def _lines(row: Deployment, explanation: Explanation, known: Circumstances) -> list[str]:
    from datetime import UTC, datetime

    from gputui.presentation.columns.column import plain_text
    from gputui.presentation.explanation import heading, limits_text, other_lines, stock_lines

    others = other_lines(row, blocks=known.blocks, image=known.image, balance=known.balance, now=datetime.now(UTC))
    lines = [plain_text(cell) for cell in (*stock_lines(row, explanation), *others)]
    return [f"{heading(row)}:", f"limits: {limits_text(row)}", *lines]
