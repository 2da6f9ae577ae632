"""A task for the dialog that reads it: facts, and what went in and came out as JSON. Pure: models in, parts out."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.models import Phase, Task
from gputui.presentation.columns.column import spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.tasks import DOCUMENTS
from gputui.presentation.description import description
from gputui.screens.detail.describe import STYLES
from gputui.widgets.json.tree import Fact, Section

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
