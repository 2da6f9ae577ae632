"""Tasks in words: the state of their processing and of the delivery of their results, and which are problems."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from gputui.known_secrets import MASK
from gputui.models import Coverage, Phase, Role, Task, TaskQueue
from gputui.presentation.counts import count_text, doubt_text

LONG_SECONDS = 1800.0
"""A task that is processed for longer than this is a problem."""

_GIVEN_UP, _NOT_YET = "MAX_RETRIES_EXCEEDED", "INIT"
_DELIVERY = {_NOT_YET: "not yet", "SUCCESS": "delivered", "FAILED": "failed", _GIVEN_UP: "given up"}


def delivery_text(task: Task) -> str:
    """Write the state of the delivery of the result: ``failed, 2 attempts``; '' for none or unknown."""
    word = _DELIVERY.get(task.delivery.upper(), task.delivery)
    if task.delivery.upper() == _NOT_YET and not task.webhook:
        return ""
    attempts = f", {task.attempts} attempts" if (task.attempts or 0) > 1 else ""
    return f"{word}{attempts}"


def delivery_failed(task: Task) -> bool:
    """Whether the result was sent and did not arrive."""
    return task.delivery.upper() in ("FAILED", _GIVEN_UP)


def took(task: Task) -> float | None:
    """Return the seconds from its creation to its last change; None while it is processed, or when unknown."""
    if task.phase in (Phase.RUNNING, Phase.PENDING) or task.created_at is None or task.updated_at is None:
        return None
    return max(0.0, (task.updated_at - task.created_at).total_seconds())


def wants_attention(task: Task) -> bool:
    """Whether it failed, was not delivered, is in an unknown state, or is processed for very long."""
    failed = task.phase in (Phase.FAILED, Phase.UNKNOWN) or bool(task.problem) or delivery_failed(task)
    return failed or takes_long(task)


def takes_long(task: Task) -> bool:
    """Whether it is processed for longer than :data:`LONG_SECONDS`."""
    if task.phase not in (Phase.RUNNING, Phase.PENDING) or task.created_at is None:
        return False
    return (datetime.now(UTC) - task.created_at).total_seconds() > LONG_SECONDS


def processing_text(queues: Iterable[TaskQueue], coverage: Coverage = Coverage.COMPLETE) -> str:
    """Write how many tasks of these queues are processed: ``processing 3``; '' where it is unknown.

    ``coverage`` is that of the list of queues.
    """
    reported = [queue.processing for queue in queues if queue.processing is not None]
    return f"processing {count_text(sum(reported), coverage=coverage)}" if reported else ""


def read_text(shown: int, read: int, queues: Sequence[TaskQueue], coverage: Coverage = Coverage.COMPLETE) -> str:
    """Say how many tasks are shown, of how many that were read, of how many that there are.

    ``8 of the newest 200 of 5,312 tasks``; what is the same number is said once. ``coverage`` is that of the lists of
    queues and tasks: where one is not read, or not as it is now, ``8 + ? tasks``, ``8 ? tasks``.
    """
    if doubt_text(coverage):
        return count_text(shown, "task", of=read, coverage=coverage)
    totals = [queue.total for queue in queues]
    total = sum(number or 0 for number in totals) if totals and None not in totals else None
    first = f"{shown:,} of " if shown != read else ""
    if total is not None and total > read:
        return f"{first}the newest {read:,} of {total:,} tasks" if first else f"{read:,} of {total:,} tasks"
    return f"{first}{read:,} task{'' if read == 1 else 's'}"


def resubmitted(task: Task) -> dict[Role, str]:
    """Return the values of a form that submits such a task again, under another id, by the roles of the fields.

    Port and URI are in the worker's address, where that has them. Masked headers are left out; masked parts of the
    input stay, to be written again.
    """
    values = {Role.INPUT: indented(task.input), Role.WEBHOOK: task.webhook if MASK not in task.webhook else ""}
    try:
        address = urlsplit(task.worker_url)
        port = address.port
    except ValueError:
        address, port = urlsplit(""), None
    values[Role.HEADERS] = header_lines(task.headers)
    values |= {Role.PORT: str(port or ""), Role.URI_PATH: address.path if address.path != "/" else ""}
    return {name: value for name, value in values.items() if value}


def header_lines(text: str) -> str:
    """Return headers, which are a JSON text, as lines ``Name: value``; those that are masked are left out."""
    try:
        headers = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    pairs = headers.items() if isinstance(headers, dict) else ()
    return "\n".join(f"{name}: {value}" for name, value in pairs if isinstance(value, str) and MASK not in value)


def indented(text: str) -> str:
    """Return a JSON text with a line for each member; any other as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
