"""A task of Yotta's answers as a row. Speaks for the data model's Task, TaskStatus and DeliveryStatus."""

from __future__ import annotations

import json

from gputui.api.yotta import schema
from gputui.api.yotta.mapping import Scope
from gputui.api.yotta.schema import Id, Text, Time, Whole, YottaRow
from gputui.models import Deployment, Phase, Task
from gputui.redaction import redact
from gputui.text import clean

TASK, QUEUE = "task", "queue"

_PHASES = {
    "processing": Phase.RUNNING,
    "delivered": Phase.STOPPED,
    "success": Phase.STOPPED,
    "failed": Phase.FAILED,
}


class TaskRow(YottaRow):
    """A task of ``GET /v2/serverless/{id}/tasks``."""

    task_id: Id
    status: Text = None
    worker_url: Text = None
    webhook: Text = None
    delivery_status: Text = None
    delivery_attempts: Whole = None
    error: Text = None
    input: object = None
    output: object = None
    headers: object = None
    created_at: Time = None
    updated_at: Time = None
    delivered_at: Time = None


def to_task(scope: Scope, endpoint: Deployment, row: object) -> Task:
    """Make the row of a task; raises UnreadableRowError where it has no id."""
    wire, problem = schema.salvage(TaskRow, row)
    status = clean((wire.status or "").strip()) or "unknown"
    return Task(
        ref=scope.ref(TASK, f"{scope.names.raw(endpoint.ref)}/{wire.task_id}"),
        name=clean(wire.task_id),
        queue=endpoint.ref,
        queue_name=endpoint.name,
        phase=_PHASES.get(status.lower(), Phase.UNKNOWN),
        status=status,
        delivery=clean((wire.delivery_status or "").strip()),
        attempts=wire.delivery_attempts,
        error=redact(clean(wire.error or "", multiline=True)),
        worker_url=clean(wire.worker_url or ""),
        webhook=redact(clean(wire.webhook or "")),
        input=_json(schema.masked(wire.input)),
        # What came out of it is what its owner wants to have: whole, addresses with their signatures included.
        output=_json(wire.output),
        headers=_json(schema.masked(wire.headers)),
        created_at=wire.created_at,
        updated_at=wire.updated_at,
        delivered_at=wire.delivered_at,
        problem=problem,
        raw=schema.raw_text(row),
    )


def _json(value: object) -> str:
    """Write a value as JSON, safe for a terminal; '' where there is none."""
    return "" if value is None else clean(json.dumps(value, ensure_ascii=False))
