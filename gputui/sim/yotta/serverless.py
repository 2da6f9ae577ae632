"""The endpoints of a simulated Yotta: they keep workers alive, and the workers of QUEUE endpoints do tasks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gputui.sim.machines.world import World

from .entities import (
    ALIVE,
    FAILED,
    INITIALIZING,
    QUEUE,
    RUNNING,
    STOPPED,
    STOPPING,
    Endpoint,
    EndpointOrder,
    Task,
    Worker,
)
from .logs import LogBook
from .stock import Market

STARTS, STOPS, WORKS = (8.0, 45.0), (2.0, 8.0), (3.0, 25.0)
CLEARED_AFTER = 600.0
"""World seconds that a failed worker is listed."""
KEPT_TASKS = 500
"""Tasks of an endpoint that are kept; the oldest that are done go first."""
MAX_ATTEMPTS = 3
_RETRY, _DELIVERY = (10.0, 20.0), (0.5, 3.0)


class Serverless:
    """All endpoints of an account, by id."""

    def __init__(self, world: World, rng: random.Random, market: Market, new_id: Callable[[], int]) -> None:
        self.endpoints: dict[int, Endpoint] = {}
        self._world = world
        self._rng = rng
        self._market = market
        self._new_id = new_id

    # Endpoints

    def create(self, order: EndpointOrder) -> Endpoint:
        """Create an endpoint and start its workers."""
        endpoint = self.add(order, self._world.time)
        self.reconcile(endpoint)
        return endpoint

    def add(self, order: EndpointOrder, created: float, status: str = INITIALIZING) -> Endpoint:
        """An endpoint that has no workers yet."""
        endpoint = Endpoint(self._new_id(), order, created, status)
        self.endpoints[endpoint.id] = endpoint
        return endpoint

    def start(self, endpoint: Endpoint) -> None:
        """Start the workers."""
        endpoint.status = INITIALIZING
        self.reconcile(endpoint)

    def stop(self, endpoint: Endpoint) -> None:
        """Stop all workers; the endpoint is stopped after the last."""
        endpoint.status = STOPPING
        for worker in endpoint.alive:
            self._stop_worker(endpoint, worker)
        self._settle(endpoint)

    def delete(self, endpoint: Endpoint) -> None:
        """Stop all workers; the endpoint is removed after the last."""
        endpoint.deleted = True
        self.stop(endpoint)

    def reconcile(self, endpoint: Endpoint) -> None:
        """Start or stop workers until their number is right."""
        if endpoint.status not in ALIVE:
            return
        alive = endpoint.alive
        for _ in range(endpoint.order.workers - len(alive)):
            worker = self.add_worker(endpoint, self._world.time)
            self._soon(STARTS, partial(self._come_up, endpoint, worker))
        for worker in alive[endpoint.order.workers :]:
            self._stop_worker(endpoint, worker)
        self._settle(endpoint)

    def _settle(self, endpoint: Endpoint) -> None:
        """Derive the endpoint's state from its workers'."""
        if endpoint.status == STOPPING:
            if not any(worker.status in (*ALIVE, STOPPING) for worker in endpoint.workers.values()):
                endpoint.status = STOPPED
                if endpoint.deleted:
                    self.endpoints.pop(endpoint.id, None)
        elif endpoint.status in ALIVE:
            endpoint.status = RUNNING if endpoint.running or not endpoint.order.workers else INITIALIZING

    # Workers

    def add_worker(self, endpoint: Endpoint, created: float) -> Worker:
        """Add a worker without starting it."""
        identity = f"wk-{self._rng.getrandbits(48):012x}"
        worker = Worker(identity, created, LogBook(identity, endpoint.order.image, created))
        endpoint.workers[identity] = worker
        return worker

    def place(self, endpoint: Endpoint, worker: Worker, since: float) -> bool:
        """Place a worker on the first idle resource of the endpoint; False when there is none."""
        for resource in endpoint.order.resources:
            if self._market.take(resource.kind, (resource.region,), resource.gpus) is not None:
                kind = self._market.priced(resource.kind, resource.region)
                worker.where, worker.status = replace(resource, kind=kind), RUNNING
                worker.log.begin(since, self._world.time)
                self._settle(endpoint)
                self._work(endpoint)
                return True
        return False

    def crash(self, endpoint: Endpoint, worker: Worker) -> None:
        """Fail a worker; the endpoint starts another."""
        self._free(worker)
        worker.status = FAILED
        worker.log.end(self._world.time, "FATAL: worker exited with code 137")
        self._reassign(endpoint, worker)
        self._world.after(CLEARED_AFTER, partial(self._clear, endpoint, worker))
        self.reconcile(endpoint)

    def _come_up(self, endpoint: Endpoint, worker: Worker) -> None:
        if worker.status != INITIALIZING or self.place(endpoint, worker, self._world.time):
            return
        worker.log.write(self._world.time, ["No idle GPUs in the regions of the endpoint, trying again"])
        self._world.after(self._rng.uniform(*_RETRY), partial(self._come_up, endpoint, worker))

    def _stop_worker(self, endpoint: Endpoint, worker: Worker) -> None:
        worker.status = STOPPING

        def end() -> None:
            self._free(worker)
            worker.log.end(self._world.time)
            self._reassign(endpoint, worker)
            self._clear(endpoint, worker)
            self._settle(endpoint)

        self._soon(STOPS, end)

    def _free(self, worker: Worker) -> None:
        if worker.where is not None:
            self._market.give_back(worker.where.kind, worker.where.region, worker.where.gpus)
            worker.where = None

    def _clear(self, endpoint: Endpoint, worker: Worker) -> None:
        endpoint.workers.pop(worker.id, None)

    # Tasks

    def submit(self, endpoint: Endpoint, task: Task) -> None:
        """Queue a task; the first worker that has nothing to do takes it."""
        endpoint.tasks[task.id] = task
        done = [one.id for one in endpoint.tasks.values() if one.status != "PROCESSING"]
        for old in done[: max(0, len(endpoint.tasks) - KEPT_TASKS)]:
            del endpoint.tasks[old]
        self._work(endpoint)

    def _work(self, endpoint: Endpoint) -> None:
        if endpoint.order.mode != QUEUE or not endpoint.tasks:
            return
        waiting = (task for task in endpoint.tasks.values() if task.status == "PROCESSING" and not task.worker)
        for worker in endpoint.running:
            if worker.task or (task := next(waiting, None)) is None:
                continue
            worker.task, task.worker = task.id, worker.id
            worker.log.write(self._world.time, [f"INFO:     task {task.id}: POST {task.uri}"])
            self._soon(WORKS, partial(self._finish, endpoint, worker, task))

    def _reassign(self, endpoint: Endpoint, worker: Worker) -> None:
        """Reassign the unfinished tasks of a worker."""
        task, worker.task = endpoint.tasks.get(worker.task), ""
        if task is not None and task.status == "PROCESSING":
            task.worker = ""
            self._work(endpoint)

    def _finish(self, endpoint: Endpoint, worker: Worker, task: Task) -> None:
        if worker.task != task.id or task.worker != worker.id or task.status != "PROCESSING":
            return
        worker.task = ""
        task.updated = self._world.time
        if isinstance(task.input, dict) and task.input.get("fail"):
            task.status, task.error = "FAILED", f"the worker answered 500: {task.input['fail']}"
        else:
            task.status, task.output = "SUCCESS", _output(task)
        worker.log.write(self._world.time, [f"INFO:     task {task.id}: {task.status}"])
        if task.webhook:
            self._soon(_DELIVERY, partial(self._deliver, task))
        self._work(endpoint)

    def _deliver(self, task: Task) -> None:
        task.attempts += 1
        task.updated = self._world.time
        if not (urlsplit(task.webhook or "").hostname or "").endswith(".invalid"):
            task.delivery, task.delivered = "SUCCESS", self._world.time
            task.status = "DELIVERED" if task.status == "SUCCESS" else task.status
        elif task.attempts < MAX_ATTEMPTS:
            task.delivery = "FAILED"
            self._soon(_RETRY, partial(self._deliver, task))
        else:
            task.delivery = "MAX_RETRIES_EXCEEDED"

    def _soon(self, seconds: tuple[float, float], event: Callable[[], None]) -> None:
        self._world.soon(self._rng.uniform(*seconds), event)


def _output(task: Task) -> dict[str, Any]:
    return {"status": 200, "result": {"echo": task.input}}
