"""A cloud with queues of tasks: a scripted back end that lists them, newest first, and takes new ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gputui.models import (
    ActionResult,
    Deployment,
    FieldKind,
    Form,
    FormField,
    Phase,
    Ref,
    Resource,
    Role,
    Task,
    TaskQueue,
)
from tests.fleet.fakes import START, FakeBackend, FakeFilters

PHASES = {"PROCESSING": Phase.RUNNING, "SUCCESS": Phase.STOPPED, "DELIVERED": Phase.STOPPED, "FAILED": Phase.FAILED}
INPUT = {"prompt": "a lighthouse at dusk", "steps": 30, "size": [1024, 768]}
OUTPUT = {"status": 200, "result": {"images": [f"https://cdn.example/{n}.png" for n in range(4)], "seed": 77}}


def endpoint(name: str, mode: str = "QUEUE", account: str = "yot") -> Deployment:
    """Return an endpoint; its id is ``e-<name>``."""
    return Deployment(
        Ref(account, "endpoint", f"e-{name}"),
        name,
        mode,
        Phase.RUNNING,
        "RUNNING",
        1,
        running=1,
        takes_tasks=mode == "QUEUE",
    )


def queue(name: str, processing: int = 1, total: int = 3, read: int = 3, account: str = "yot") -> TaskQueue:
    """Return the queue of the endpoint of that name."""
    of = Ref(account, "endpoint", f"e-{name}")
    return TaskQueue(Ref(account, "queue", of.id), of, name, processing=processing, total=total, read=read)


def task(of: str, name: str, status: str = "SUCCESS", minutes: float = 5, **more: Any) -> Task:
    """Return a task of the endpoint of that name, made so many minutes ago."""
    account = more.pop("account", "yot")
    made = START - timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "delivery": "INIT",
        "attempts": 0,
        "worker_url": "http://wk-7f3c.workers.internal:8000/generate",
        "input": json.dumps(INPUT),
        "headers": json.dumps({"X-Team": "vision", "Authorization": "***"}),
        "created_at": made,
        "updated_at": made + timedelta(seconds=41),
    }
    if status in ("SUCCESS", "DELIVERED"):
        given["output"] = json.dumps(OUTPUT)
    row = Task(
        Ref(account, "task", f"e-{of}/{name}"), name, Ref(account, "endpoint", f"e-{of}"), of, PHASES[status], status
    )
    return replace(row, **(given | more))


class Queues(FakeBackend):
    """Lists queues and tasks, takes tasks, and requests no more of the newest than the limit."""

    creatable: tuple[str, ...] = ("task",)
    kinds = {  # noqa: RUF012  (a protocol's)
        "endpoint": Resource.DEPLOYMENTS,
        "task": Resource.TASKS,
        "queue": Resource.QUEUES,
        "offer": Resource.STOCK,
        "pod": Resource.INSTANCES,
    }

    def __init__(self, account: str = "yot") -> None:
        super().__init__(account, (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.TASKS, Resource.QUEUES))
        self.offered = frozenset()
        self.asked: list[dict[str, str]] = []
        self.filters = FakeFilters(account, self.filter_form, self.use_filter)
        self.received: list[dict[str, str]] = []

    def filter_form(self, resource: Resource) -> Form | None:
        if resource is not Resource.TASKS:
            return None
        status = FormField("status", "Status", FieldKind.CHOICE, required=False, choices=("", "FAILED", "SUCCESS"))
        newest = FormField("newest", "Newest", FieldKind.NUMBER, required=False, help="a count", role=Role.NEWEST)
        return Form(self.account, "tasks", "Filter tasks", (status, newest))

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked.append(dict(values))

    async def create_form(self, kind: str) -> Form:
        names = [
            row for row in self.rows[Resource.DEPLOYMENTS] if isinstance(row, Deployment) and row.type == "QUEUE"
        ]
        return Form(
            self.account,
            kind,
            f"Submit a task in {self.account}",
            (
                FormField(
                    "endpoint",
                    "Endpoint",
                    FieldKind.CHOICE,
                    choices=tuple(row.ref.id for row in names),
                    labels=tuple(row.name for row in names),
                    role=Role.QUEUE,
                ),
                FormField("input", "Input", FieldKind.LINES, help="JSON", role=Role.INPUT),
                FormField("workerPort", "Port", FieldKind.NUMBER, default="8000", role=Role.PORT),
                FormField("processUri", "URI", role=Role.URI_PATH),
                FormField("webhook", "Webhook", required=False, role=Role.WEBHOOK),
                FormField("headers", "Headers", FieldKind.LINES, required=False, role=Role.HEADERS),
                FormField("taskId", "Id", required=False),
            ),
            verb="submit",
            progress="Submitting",
        )

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        try:
            json.loads(values.get("input", ""))
        except ValueError as error:
            return {"input": str(error)}
        return {}

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref(self.account, "task", f"{values['endpoint']}/{values.get('taskId') or 'made-up'}")

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.received.append(dict(values))
        result = await super().create(kind, values)
        of, _, name = self.created_ref(kind, values).id.partition("/")
        new = task(of.removeprefix("e-"), name, "PROCESSING", 0, input=values["input"])
        self.rows[Resource.TASKS] = [new, *self.rows[Resource.TASKS]]
        return result


def busy() -> Queues:
    """Return two queues, and an endpoint that has none."""
    cloud = Queues()
    cloud.rows[Resource.DEPLOYMENTS] = [endpoint("sdxl"), endpoint("embed"), endpoint("chat", "ALB")]
    cloud.rows[Resource.QUEUES] = [queue("sdxl", 2, 5312, 5), queue("embed", 1, 2, 2)]
    hook = "https://hooks.example/done"
    cloud.rows[Resource.TASKS] = [
        task("sdxl", "t-100", "PROCESSING", 0.5),
        task("sdxl", "t-099", "PROCESSING", 45),
        task("sdxl", "t-098", "SUCCESS", 90),
        task("sdxl", "t-097", "FAILED", 120, error="CUDA out of memory\nTried to allocate 2.5 GiB", worker_url=""),
        task("sdxl", "t-096", "DELIVERED", 130, delivery="SUCCESS", attempts=1, webhook=hook),
        task("embed", "batch_7", "PROCESSING", 2),
        task("embed", "batch_6", "SUCCESS", 20, delivery="MAX_RETRIES_EXCEEDED", attempts=5, webhook=hook),
    ]
    return cloud
