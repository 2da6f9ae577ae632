"""What is read beside rows, as lines: an account, JSON, the output of a command, the audit log. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.formatting import format_time
from gputui.models import AccountInfo, ExecResult, Health
from gputui.presentation.actions import quota_text
from gputui.presentation.glyphs import HEALTH_STYLES
from gputui.screens.detail.lines import line, told_lines

if TYPE_CHECKING:
    from gputui.history.history import AuditEntry


def describe_account(info: AccountInfo, health: Health) -> list[Content]:
    """Describe an account: who one is there, quota with its use, other users, the host."""
    lines = told_lines(
        [
            ("server", f"{info.backend} {info.version}".strip()),
            ("address", info.base_url),
            ("user", info.user + (" (administrator)" if info.is_admin else "")),
            ("state", Content.styled(f"{health.state} {health.message}".strip(), HEALTH_STYLES[health.state])),
        ]
    )
    if info.quota:
        lines += [Content(""), Content.styled("Quota", "bold $text-accent")]
        lines += [line(quota.name, quota_text(quota)) for quota in info.quota]
    if info.host_spec:
        lines += [Content(""), Content.styled("Host", "bold $text-accent")]
        lines += [line(name, value) for name, value in info.host_spec]
    if info.usage:
        lines += [Content(""), Content.styled("Use", "bold $text-accent")]
        lines += [line(name, value) for name, value in info.usage]
    if info.users:
        lines += [Content(""), Content.styled("Users", "bold $text-accent")]
        lines += [Content(f"  {user}{_user_note(user, info)}") for user in info.users]
    lines += [line("not reported", Content.styled(problem, "$text-warning")) for problem in info.problems]
    return lines


def _user_note(user: str, info: AccountInfo) -> str:
    notes = [*(["administrator"] if user in (info.admins or ()) else []), *(["you"] if user == info.user else [])]
    return f"  ({', '.join(notes)})" if notes else ""


def describe_json(raw: str) -> list[Content]:
    """Lay out a back end's JSON; what is not JSON stays as it is."""
    try:
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except ValueError:
        text = raw
    return [Content(part) for part in text.splitlines()]


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
