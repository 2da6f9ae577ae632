"""A task as it is read: the facts about it, and what went in and came out as JSON. Pure: models in, parts out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gputui.formatting import format_time
from gputui.models import Phase, Task
from gputui.presentation.columns.tasks import status_glyph
from gputui.presentation.glyphs import PHASE_STYLES
from gputui.presentation.tasks import delivery_failed, delivery_text, took_text
from gputui.widgets.json.tree import Fact, Section


def status_style(task: Task) -> str:
    """Return the colour of its status, by the theme's name for it."""
    own = {Phase.STOPPED: "$text-success", Phase.RUNNING: "$text-accent"}
    return own.get(task.phase, PHASE_STYLES[task.phase])


def facts(task: Task, *, utc: bool = False) -> list[Fact]:
    """Return how it stands, when that was, and who worked on it."""

    def at(time: datetime | None) -> str:
        return format_time(time, utc=utc) if time is not None else ""

    delivery = delivery_text(task) or ("no webhook to deliver to" if not task.webhook else "")
    told = [
        Fact("status", f"{status_glyph(task)} {task.status}", status_style(task)),
        Fact("delivery", delivery, "$text-error" if delivery_failed(task) else "" if task.webhook else "$muted"),
        Fact("queue", task.queue_name or task.queue.id),
        Fact("created", at(task.created_at)),
        Fact("changed", at(task.updated_at)),
        Fact("delivered", at(task.delivered_at)),
        Fact("took", took_text(task)),
        Fact("worker", task.worker_url),
        Fact("webhook", task.webhook),
        Fact("problem", task.problem or "", "$text-error"),
    ]
    return [*(fact for fact in told if fact.text), Fact("", "")]


def sections(task: Task) -> Sequence[Section]:
    """Return what went in and came out, the error first where there is one."""
    working = task.phase in (Phase.RUNNING, Phase.PENDING)
    error = [Section("error", task.error)] if task.error else []
    return [
        *error,
        Section("output", task.output, "none yet" if working else "none"),
        Section("input", task.input, "not reported"),
        Section("headers", task.headers, "none"),
    ]
