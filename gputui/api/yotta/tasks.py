"""The tasks of Yotta's QUEUE endpoints: the newest of each, their number, and how many are in progress.

Uses ``GET /v2/serverless/{id}/tasks``, ``…/tasks/{taskId}`` and ``…/tasks/count``.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from gputui.api.common.names import segment
from gputui.api.common.readers import whole_number
from gputui.api.http.pagination import Page
from gputui.api.http.rows import RowCollector, attempt, require_some
from gputui.api.yotta import filters, schema
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.mapping import ENDPOINT, Scope
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.schema import Id, Text, Time, Whole, YottaRow
from gputui.errors import AuthError, GputuiError, NotFoundError, RateLimitedError
from gputui.models import Deployment, Phase, Ref, Task, TaskQueue
from gputui.redaction import redact
from gputui.text import clean

PAGE_SIZE = 100
AGE = 1.0
"""How long an answer serves both lists, in seconds."""

_MOST_PAGES = 30
"""Pages of a queue that are requested at once: below the vendor's limit for a second and an endpoint."""


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
    """Return the row of a task; raises UnreadableRowError where it has no id."""
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
        # The output is shown whole, addresses with their signatures included.
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


class _Reading(NamedTuple):
    tasks: Sequence[Task]
    queue: TaskQueue


class YottaTasks:
    """The tasks of an account. A queue that cannot be read keeps its last tasks, marked."""

    def __init__(self, client: YottaClient, scope: Scope, lists: YottaLists) -> None:
        self._client = client
        self._scope = scope
        self._lists = lists
        self._only = ""
        self._most: int | None = None
        self._query: filters.Parameters = {}
        self._last: dict[Ref, _Reading] = {}
        self._queues: list[Deployment] = []
        self._shared = client.shared(self._read_all, age=AGE)

    @property
    def endpoints(self) -> Sequence[Deployment]:
        """The endpoints that take tasks, as they were last reported."""
        return self._queues

    def filter_by(self, queue: str, most: int | None, query: filters.Parameters) -> None:
        """List the tasks of one queue, or of all where it is '', with a query from now on; ``most`` of each."""
        self._only, self._most, self._query = queue, most, query
        self._last.clear()  # they were the answer to another request
        self.forget()

    def forget(self) -> None:
        """Request again the next time: answers, also those under way, may be from before a change."""
        self._shared.forget()

    async def tasks(self) -> list[Task]:
        """List the newest tasks of each queue, newest first."""
        rows: RowCollector[Task] = RowCollector()
        for reading in await self._shared.get():
            rows.add(reading.tasks)
            if reading.queue.problem:
                rows.add_silent(f"the tasks of {reading.queue.name} cannot be read: {reading.queue.problem}")
        return rows.rows()

    async def queues(self) -> list[TaskQueue]:
        """List the queues with their counts."""
        return [reading.queue for reading in await self._shared.get()]

    async def read_endpoints(self) -> Sequence[Deployment]:
        """Request the endpoints that take tasks."""
        self._queues = [each for each in await self._lists.endpoints() if each.takes_tasks]
        return self._queues

    async def task(self, ref: Ref) -> Task:
        """Request one task; raises NotFoundError."""
        endpoint = await self._endpoint_of(ref)
        return await self._lists.one(ref, partial(to_task, self._scope, endpoint), self.path_of(ref))

    async def queue(self, ref: Ref) -> TaskQueue:
        """Request one queue; raises NotFoundError."""
        endpoint = await self._lists.endpoint(Ref(ref.account, ENDPOINT, ref.id))
        return (await self._read(endpoint)).queue

    def path_of(self, ref: Ref) -> str:
        """Return the path of a task."""
        endpoint, _, task = self._scope.names.raw(ref).partition("/")
        return f"{self.path_in(endpoint)}/{segment(task)}"

    def path_in(self, endpoint: str) -> str:
        """Return the path of the tasks of an endpoint, by its own id."""
        return f"/v2/serverless/{segment(endpoint)}/tasks"

    async def _endpoint_of(self, ref: Ref) -> Deployment:
        wanted = ref.id.partition("/")[0]
        known = next((each for each in self._queues if each.ref.id == wanted), None)
        return known or await self._lists.endpoint(Ref(ref.account, ENDPOINT, wanted))

    # Reading

    async def _read_all(self) -> list[_Reading]:
        endpoints = [each for each in await self.read_endpoints() if self._only in ("", each.ref.id, each.name)]
        found = await asyncio.gather(*(attempt(self._read(endpoint)) for endpoint in endpoints))
        self._last = {ref: reading for ref, reading in self._last.items() if ref in {one.ref for one in endpoints}}
        require_some([part for part in found if not isinstance(part, NotFoundError)])
        readings: list[_Reading] = []
        for endpoint, part in zip(endpoints, found, strict=True):
            if not isinstance(part, NotFoundError):  # else it was deleted in between
                readings.append(self._kept(endpoint, part))
        return readings

    def _kept(self, endpoint: Deployment, part: _Reading | GputuiError) -> _Reading:
        """Return what was read, else the last reading marked with the reason."""
        if isinstance(part, _Reading):
            self._last[endpoint.ref] = part
            return part
        last = self._last.get(endpoint.ref) or _Reading((), self._empty(endpoint))
        return _Reading(
            [replace(task, problem=part.message) for task in last.tasks], replace(last.queue, problem=part.message)
        )

    def _empty(self, endpoint: Deployment) -> TaskQueue:
        ref = self._scope.ref(QUEUE, self._scope.names.raw(endpoint.ref))
        return TaskQueue(ref, endpoint.ref, endpoint.name)

    async def _read(self, endpoint: Deployment) -> _Reading:
        path = self.path_in(self._scope.names.raw(endpoint.ref))
        count, (tasks, total) = await asyncio.gather(
            attempt(self._client.ask(f"{path}/count")), self._newest(endpoint, path, self._most or filters.NEWEST)
        )
        if isinstance(count, RateLimitedError | AuthError):
            raise count
        processing = whole_number(count.get("processing")) if isinstance(count, Mapping) else None
        queue = replace(self._empty(endpoint), processing=processing, total=total, read=len(tasks))
        return _Reading(tasks, queue)

    async def _newest(self, endpoint: Deployment, path: str, most: int) -> tuple[list[Task], int | None]:
        """Read pages until there are enough; what comes twice, because tasks came in between, comes once."""
        size = min(PAGE_SIZE, most)
        make = partial(to_task, self._scope, endpoint)

        async def page(index: int) -> Page[Task]:
            return await self._lists.page(path, {**self._query, "pageNumber": index, "pageSize": size}, make)

        first = await page(1)
        # By the rows that came: a page may have fewer than requested. Without a total a short page is the last.
        rest = most if first.sent >= size else first.sent
        wanted = min(most, rest if first.total is None else first.total)
        count = min(_MOST_PAGES, -(-wanted // first.sent)) if first.sent else 1
        pages = [first, *await asyncio.gather(*(page(index) for index in range(2, count + 1)))]
        tasks = {task.ref: task for each in pages for task in each.rows}
        unread: Counter[str] = Counter()
        for each in pages:
            unread.update(each.unread)
        return RowCollector(list(tasks.values())[:most], unread).rows(), first.total
