"""Other texts to read, as lines: an account, JSON, the output of a command, the audit log. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.formatting import format_time
from gputui.models import AccountInfo, ExecResult, Health
from gputui.presentation.columns.context import Context
from gputui.presentation.glyphs import HEALTH_STYLES
from gputui.presentation.tasks import indented
from gputui.screens.detail.describe import describe, field_lines

if TYPE_CHECKING:
    from gputui.history.history import AuditEntry


def describe_account(info: AccountInfo, health: Health) -> list[Content]:
    """Describe an account: who one is there, quota with its use, other users, the host; and its state now."""
    state = (f"{health.state} {health.message}".strip(), HEALTH_STYLES[health.state])
    return [*field_lines("state", state), *describe(info, Context())]


def describe_json(raw: str) -> list[Content]:
    """Lay out a back end's JSON; other text stays as it is."""
    return [Content(part) for part in indented(raw).splitlines()]


def describe_exec(name: str, command: str, result: ExecResult) -> list[Content]:
    """Lay out the end of a command: how it ended first, then what it wrote."""
    if result.timed_out:
        end = Content.styled("ended by the time limit", "$text-warning")
    else:
        style = "$text-success" if result.exit_code == 0 else "$text-error"
        end = Content.styled(f"exit code {result.exit_code}", style)
    return [
        Content.assemble((name, "bold"), "  $ ", command),
        end,
        Content(""),
        *(Content(part) for part in result.output.splitlines()),
    ]


def describe_audit(entries: Sequence[AuditEntry], *, utc: bool = False) -> list[Content]:
    """Lay out the audit log, a line an entry."""
    if not entries:
        return [Content("Nothing has been changed from here yet.")]
    styles = {"done": "$text-success", "failed": "$text-error", "unknown": "$text-warning"}
    return [
        Content.assemble(
            (f"{format_time(entry.at, utc=utc):<20}", "$muted"),
            f"{entry.user:<10} ",
            (f"{entry.action:<8} ", "bold"),
            f"{entry.ref:<32} ",
            (f"{entry.outcome:<9}", styles.get(entry.outcome, "$text-warning")),
            f" {entry.summary}",
            (f"  {entry.detail}" if entry.detail else "", "$muted"),
        )
        for entry in entries
    ]
