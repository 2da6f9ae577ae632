"""Texts to read, as lines: a row, an account, JSON, the output of a command, the audit log; and tasks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.formatting import format_time
from gputui.models import AccountInfo, Health, Phase, Row, RunResult, Task
from gputui.presentation.columns.column import Cell, plain_text, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.tasks import DOCUMENTS
from gputui.presentation.description import description, subject
from gputui.presentation.details import Details, Place
from gputui.presentation.glyphs import HEALTH_STYLES
from gputui.presentation.heat import LOAD_STYLES
from gputui.presentation.run_results import end_text, lines_of
from gputui.presentation.tasks import indented
from gputui.screens.base.messages import Message
from gputui.widgets.bars.message_line import message_content
from gputui.widgets.json.tree import Fact, Section

if TYPE_CHECKING:
    from gputui.history.audit_log import AuditEntry

_LABEL_WIDTH = 16
_MOST_LINES = 500
"""Lines of one field in a description; of more the number is stated."""

STYLES = {
    "good": "$text-success",
    "warning": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
    "muted": "$muted",
    "strong": "bold",
    **{style: f"${style}" for style in LOAD_STYLES},
}
"""The styles of cells outside of tables."""


def content_of(cell: Cell) -> Content:
    """Return the content of a cell as text outside of tables."""
    return Content.assemble(*((text, STYLES.get(style, style)) for text, style in spans_of(cell)))


def subject_line(row: Row, *, account: bool) -> Content:
    """Return the line of a dialog that identifies a row; ``account`` with that."""
    return Content("  ") + content_of(subject(row, account=account))


def heading(text: str) -> Content:
    """Return the heading of lines."""
    return Content.styled(text, "bold $text-accent")


def field_lines(label: str, cell: Cell) -> list[Content]:
    """Return the lines of a field: the label on the first, aligned to the right and quiet, the text next to it.

    Without a label the text has its own lines, under a heading.
    """
    parts = [content_of(cell)]
    if "\n" in (text := plain_text(cell)):
        # A text of several lines has one style.
        style = STYLES.get(spans_of(cell)[0][1], "")
        parts = [Content.styled(part, style) for part in text.split("\n")]
    width = _LABEL_WIDTH if label else 0
    labels = (f"{label if number == 0 else '':>{width}}  " for number in range(_MOST_LINES))
    lines = [Content.assemble((before, "$muted"), part) for before, part in zip(labels, parts, strict=False)]
    if (left := len(parts) - _MOST_LINES) > 0:
        lines.append(Content.styled(f"{'':>{width}}  … {left:,} more lines", "$muted"))
    return lines


def describe(row: Row, context: Context) -> list[Content]:
    """Describe a row of any kind."""
    lines: list[Content] = []
    for group, fields in description(row, context).items():
        if lines:
            lines.append(Content(""))
        if group:
            lines.append(heading(group))
        for label, cell in fields:
            lines += field_lines("" if label == group.lower() else label, cell)
    return lines


def detail_lines(found: Details) -> tuple[list[Content], dict[int, Place]]:
    """Lay out the details of a row; returns the lines, and the places of those that name another thing."""
    lines: list[Content] = []
    places: dict[int, Place] = {}
    for group, parts in found.items():
        if lines:
            lines.append(Content(""))
        if group:
            lines.append(heading(group))
        for part in parts:
            own = field_lines("" if part.label == group.lower() else part.label, part.cell)
            if part.opens is not None:
                places[len(lines)] = part.opens
            lines += own
    return lines, places


_IN_HEADING = ("task", "ref")
"""Fields that the heading of the dialog has."""


def facts(task: Task, context: Context) -> list[Fact]:
    """Return its state, its times, and who worked on it."""
    fields = [(label, spans_of(cell)[0]) for label, cell in description(task, context)[""]]
    shown = [field for field in fields if field[0] not in _IN_HEADING]
    return [*(Fact(label, text, STYLES.get(style, "")) for label, (text, style) in shown), Fact("", "")]


def sections(task: Task) -> Sequence[Section]:
    """Return what went in and came out, the error first where there is one."""
    empty = {"output": "none yet" if task.phase in (Phase.RUNNING, Phase.PENDING) else "none", "headers": "none"}
    documents = [(name, str(getattr(task, name))) for name in DOCUMENTS]
    return [
        Section(name, text, empty.get(name, "not reported")) for name, text in documents if text or name != "error"
    ]


def describe_account(info: AccountInfo | None, health: Health, problems: Sequence[str] = ()) -> list[Content]:
    """Describe an account: who one is there, quota with its use, other users, the host; its state now.

    ``problems`` are those of its lists. Without ``info`` only what is known without an answer.
    """
    state = (f"{health.state} {health.message}".strip(), HEALTH_STYLES[health.state])
    said = [line for text in problems for line in field_lines("problem", (text, HEALTH_STYLES[health.state]))]
    return [*field_lines("state", state), *said, *(describe(info, Context()) if info is not None else ())]


def describe_json(raw: str) -> list[Content]:
    """Lay out a back end's JSON; other text stays as it is. '' where it has none."""
    if not raw:
        return [Content("This back end has no JSON for it.")]
    return [Content(part) for part in indented(raw).splitlines()]


def describe_run(name: str, command: str, result: RunResult) -> list[Content]:
    """Lay out the result of a command: its end first, then its output, errors and problem."""
    style = "$text-success" if result.succeeded else "$text-error"
    return [
        Content.assemble((name, "bold"), "  $ ", command),
        Content.styled(end_text(result), style),
        Content(""),
        *(Content.styled(line.text, "$text-error" if line.errors else "") for line in lines_of(result)),
    ]


def describe_messages(messages: Iterable[Message], *, now: Sequence[str] = (), utc: bool = False) -> list[Content]:
    """Lay out messages in full, the newest first, after the warnings that are true ``now``."""
    lines = [Content.assemble((f"{'now':<10}", "$muted"), message_content(text, "warning")) for text in now]
    for message in reversed([*messages]):
        at = f"{format_time(message.at, utc=utc):<10}"
        title = [message.title] if message.title and not message.text.startswith(message.title) else []
        first, *rest = [*title, *message.text.splitlines()] or [""]
        lines.append(Content.assemble((at, "$muted"), message_content(first, message.severity)))
        lines += [Content(f"{'':12}{line}") for line in rest]
    return lines or [Content("No messages yet.")]


def describe_audit(entries: Sequence[AuditEntry], *, utc: bool = False) -> list[Content]:
    """Lay out the audit log, a line an entry."""
    if not entries:
        return [Content("No changes sent from this machine.")]
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
