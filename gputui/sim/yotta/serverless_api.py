"""The serverless half of the Yotta API: endpoints, workers, logs and tasks."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from gputui.sim.http.answers import RefusedError

from .cloud import YottaCloud
from .entities import ALIVE, FAILED, QUEUE, RUNNING, STOPPED, Endpoint, Worker
from .requests import parse_endpoint_order, parse_log_query, parse_task
from .responses import endpoint_shape, log_shape, task_shape, worker_shape
from .validation import (
    LIMITED,
    NO_ENDPOINT,
    NO_RECORD,
    NO_SERVERLESS,
    NO_TASK,
    STATUS,
    UNAVAILABLE,
    Call,
    Endpoints,
    expect,
)

OF_ONE, OF_ALL = 40, 200
"""Requests in a second: for the tasks of one endpoint, and of all together."""
TASK_STATUSES = ("PROCESSING", "DELIVERED", "SUCCESS", "FAILED")


class TaskLimits:
    """Counts the requests of each second. ``monotonic`` is in real seconds: a frozen world has limits too."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._second = -1
        self._counts: Counter[int] = Counter()

    def count(self, endpoint: int) -> None:
        """Count a request for the tasks of an endpoint; raises RefusedError where it is one too many."""
        second = int(self._monotonic())
        if second != self._second:
            self._second = second
            self._counts.clear()
        if self._counts[endpoint] >= OF_ONE or self._counts.total() >= OF_ALL:
            raise RefusedError(LIMITED, f"Too many requests: {OF_ONE} a second for an endpoint, {OF_ALL} in all")
        self._counts[endpoint] += 1


class EndpointCalls:
    """The calls under ``/v2/serverless``. ``page`` returns a page of a list."""

    def __init__(self, cloud: YottaCloud, page: Callable[..., dict[str, Any]]) -> None:
        self._cloud = cloud
        self._serverless = cloud.serverless
        self._page = page
        self._limits = TaskLimits()

    def routes(self) -> Endpoints:
        """Method, path and handler of each call."""
        one, tasks = "/serverless/{id}", "/serverless/{id}/tasks"
        return [
            ("POST", "/serverless", self._create),
            ("GET", "/serverless", self._list),
            ("GET", one, lambda call: self._shape(self._endpoint(call))),
            ("PATCH", one, self._update),
            ("DELETE", one, self._delete),
            ("POST", f"{one}/start", self._start),
            ("POST", f"{one}/stop", self._stop),
            ("PUT", f"{one}/workers", self._scale),
            ("GET", f"{one}/workers", self._workers),
            ("GET", f"{one}/workers/{{worker}}/logs", self._logs),
            ("POST", tasks, self._submit),
            ("GET", tasks, self._tasks),
            ("GET", f"{tasks}/count", self._count),
            ("GET", f"{tasks}/{{task}}", self._task),
        ]

    # Endpoints

    def _shape(self, endpoint: Endpoint) -> dict[str, Any]:
        return endpoint_shape(endpoint, self._cloud.world.time)

    def _create(self, call: Call) -> Any:
        return self._shape(self._serverless.create(parse_endpoint_order(self._cloud, call.given)))

    def _list(self, call: Call) -> Any:
        wanted = {status.upper() for status in call.given.names("statusList")}
        endpoints = sorted(self._serverless.endpoints.values(), key=lambda one: (-one.created, -one.id))
        return [self._shape(one) for one in endpoints if not wanted or one.status.upper() in wanted]

    def _update(self, call: Call) -> Any:
        endpoint = self._endpoint(call)
        expect("endpoint", endpoint, STOPPED)
        endpoint.order = parse_endpoint_order(self._cloud, call.given, before=endpoint.order)
        self._serverless.reconcile(endpoint)
        return self._shape(endpoint)

    def _delete(self, call: Call) -> Any:
        self._serverless.delete(self._endpoint(call))

    def _start(self, call: Call) -> Any:
        endpoint = self._endpoint(call)
        expect("endpoint", endpoint, STOPPED, FAILED)
        self._serverless.start(endpoint)

    def _stop(self, call: Call) -> Any:
        endpoint = self._endpoint(call)
        expect("endpoint", endpoint, *ALIVE)
        self._serverless.stop(endpoint)

    def _scale(self, call: Call) -> Any:
        """0 is a valid number of workers: the vendor's client sends it."""
        count = call.given.whole("count", high=100)
        endpoint = self._endpoint(call)
        expect("endpoint", endpoint, *ALIVE)
        endpoint.order.workers = count
        self._serverless.reconcile(endpoint)

    def _endpoint(self, call: Call, code: int = NO_ENDPOINT) -> Endpoint:
        return call.one_of(self._serverless.endpoints, code, "Endpoint not found: ")

    # Workers

    def _workers(self, call: Call) -> Any:
        wanted = {status.upper() for status in call.given.names("statusList")}
        endpoint = self._endpoint(call)
        workers = endpoint.workers.values()
        return [worker_shape(endpoint, one) for one in workers if not wanted or one.status.upper() in wanted]

    def _logs(self, call: Call) -> Any:
        worker = self._worker(call)
        return log_shape(*worker.log.read(self._cloud.world.time, parse_log_query(call.given)))

    def _worker(self, call: Call) -> Worker:
        worker = self._endpoint(call).workers.get(call.path["worker"])
        if worker is None:
            raise RefusedError(NO_RECORD, f"Record not exist: worker {call.path['worker']}")
        return worker

    # Tasks

    def _submit(self, call: Call) -> Any:
        endpoint = self._queue(call)
        if endpoint.status != RUNNING:
            raise RefusedError(UNAVAILABLE, f"Serverless unavailable: endpoint is {endpoint.status.upper()}")
        fresh = str(uuid.UUID(int=self._cloud.rng.getrandbits(128)))
        task = parse_task(call.given, endpoint.tasks, self._cloud.world.time, fresh)
        self._serverless.submit(endpoint, task)
        return {"taskId": task.id}

    def _tasks(self, call: Call) -> Any:
        endpoint = self._queue(call)
        status = call.given.choice("status", (*TASK_STATUSES, ""), "")
        found = [task_shape(endpoint, task) for task in endpoint.tasks.values() if status in ("", task.status)]
        return self._page(found[::-1], call.given, "pageNumber", "pageSize")

    def _count(self, call: Call) -> Any:
        tasks = self._queue(call).tasks.values()
        return {"processing": sum(task.status == "PROCESSING" for task in tasks)}

    def _task(self, call: Call) -> Any:
        endpoint = self._queue(call)
        task = endpoint.tasks.get(call.path["task"])
        if task is None:
            raise RefusedError(NO_TASK, f"Task does not exist: {call.path['task']}")
        return task_shape(endpoint, task)

    def _queue(self, call: Call) -> Endpoint:
        endpoint = self._endpoint(call, NO_SERVERLESS)
        self._limits.count(endpoint.id)
        if endpoint.order.mode != QUEUE:
            raise RefusedError(
                STATUS, f"endpoint {endpoint.id} takes no tasks: its service mode is {endpoint.order.mode}"
            )
        return endpoint
