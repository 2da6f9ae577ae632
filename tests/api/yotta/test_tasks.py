"""Tasks of Yotta's queues: listed, counted, submitted once, looked at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gputui.api.yotta.backend import YottaBackend
from gputui.errors import (
    AuthError,
    GputuiError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    UnknownOutcomeError,
)
from gputui.models import Deployment, Phase, Ref, Resource, Task, TaskQueue
from gputui.sim.yotta.entities import Endpoint
from tests.api.conftest import FakeTime
from tests.api.creating import filter_problems, look, problems
from tests.api.server import Answer, Request, Reset, ScriptedServer
from tests.api.yotta import creators
from tests.api.yotta.server import ENDPOINTS, endpoint, no, ok, page, yotta_account
from tests.api.yotta.test_simulator import Place, yotta

TASKS = f"{ENDPOINTS}/e1/tasks"
HOOK = "https://hooks.example.com/done"


async def tasks(backend: YottaBackend) -> list[Task]:
    return [row for row in await backend.listers[Resource.TASKS]() if isinstance(row, Task)]


async def queues(backend: YottaBackend) -> list[TaskQueue]:
    return [row for row in await backend.listers[Resource.QUEUES]() if isinstance(row, TaskQueue)]


async def queue_named(there: Place, name: str) -> Deployment:
    rows = await there.backend.listers[Resource.DEPLOYMENTS]()
    return next(row for row in rows if isinstance(row, Deployment) and row.name == name)


def values(endpoint_id: str, **more: str) -> dict[str, str]:
    given = {"endpoint": endpoint_id, "input": '{"prompt": "a fox"}', "workerPort": "8000", "processUri": "/render"}
    return given | {"taskId": "mine_1"} | more


# --- against the simulator ----------------------------------------------------------------------------------------


async def test_queues_alone_have_tasks_and_their_counts_are_reported() -> None:
    async with yotta() as there:
        found = {row.name: row for row in await queues(there.backend)}
        held = {
            each.order.name: each for each in there.cloud.serverless.endpoints.values() if each.order.mode == "QUEUE"
        }
        assert found.keys() == held.keys()
        for name, row in found.items():
            assert row.total == len(held[name].tasks)
            assert row.processing == sum(task.status == "PROCESSING" for task in held[name].tasks.values())
            assert row.deployment == Ref("yotta", "endpoint", row.ref.id)
        listed = await tasks(there.backend)
        assert len(listed) == sum(row.read for row in found.values())
        mine = [task for task in listed if task.queue_name == "sdxl-queue"]
        created = [task.created_at for task in mine if task.created_at]
        assert created == sorted(created, reverse=True)


def many(there: Place) -> Endpoint:
    """Return a queue of the simulator that has a few hundred tasks."""
    held = next(each for each in there.cloud.serverless.endpoints.values() if each.order.name == "sdxl-queue")
    sample = next(task for task in held.tasks.values() if task.status == "DELIVERED")
    held.tasks |= {f"more_{number}": replace(sample, id=f"more_{number}") for number in range(250)}
    return held


@pytest.mark.parametrize("newest", [1, 99, 100, 101, 118, 500])
async def test_as_many_of_the_newest_are_read_as_one_asks_for(newest: int) -> None:
    async with yotta() as there:
        held = many(there)
        there.backend.filters.prepare(Resource.TASKS, {"newest": str(newest), "queue": str(held.id)})()
        listed = await tasks(there.backend)
        assert [task.name for task in listed] == list(held.tasks)[::-1][:newest]
        (queue,) = await queues(there.backend)
        assert (queue.read, queue.total) == (min(newest, len(held.tasks)), len(held.tasks))


async def test_the_server_is_asked_for_a_status() -> None:
    async with yotta() as there:
        there.backend.filters.prepare(Resource.TASKS, {"status": "failed"})()
        listed = await tasks(there.backend)
        assert listed
        assert {task.status for task in listed} == {"FAILED"}
        assert {task.phase for task in listed} == {Phase.FAILED}


async def test_pages_that_shift_while_they_are_read_double_nothing() -> None:
    async with yotta(faults="shifting") as there:
        many(there)
        listed = await tasks(there.backend)
        assert len({task.ref for task in listed}) == len(listed) > 190


async def test_a_task_is_submitted_worked_on_and_delivered() -> None:
    async with yotta() as there:
        of = await queue_named(there, "sdxl-queue")
        await there.backend.creators["task"].form()
        # Nothing of the simulator's own may be before it.
        there.wait(120)
        result = await there.backend.creators["task"].prepare(values(of.ref.id, headers="X-Team: vision")).send()
        assert result.created == Ref("yotta", "task", f"{of.ref.id}/mine_1")
        first = await there.backend.fetch(result.created)
        assert isinstance(first, Task)
        assert (first.phase, first.status, first.queue) == (Phase.RUNNING, "PROCESSING", of.ref)
        assert json.loads(first.input) == {"prompt": "a fox"}
        assert json.loads(first.headers) == {"X-Team": "vision"}
        there.wait(600)
        done = await there.backend.fetch(result.created)
        assert isinstance(done, Task)
        assert done.phase in (Phase.STOPPED, Phase.FAILED)
        assert done.output or done.error


async def test_the_same_id_is_refused_by_the_server() -> None:
    async with yotta() as there:
        of = await queue_named(there, "sdxl-queue")
        await there.backend.creators["task"].prepare(values(of.ref.id)).send()
        with pytest.raises(InvalidError, match="taskId is taken"):
            await there.backend.creators["task"].prepare(values(of.ref.id)).send()


async def test_a_task_is_found_by_its_id_and_none_where_there_is_none() -> None:
    async with yotta() as there:
        of = await queue_named(there, "sdxl-queue")
        assert not await look(there.backend, "task", values(of.ref.id))
        await there.backend.creators["task"].prepare(values(of.ref.id)).send()
        assert list(await look(there.backend, "task", values(of.ref.id))) == [
            there.backend.creators["task"].prepare(values(of.ref.id)).ref
        ]
        with pytest.raises(NotFoundError):
            await there.backend.fetch(Ref("yotta", "task", f"{of.ref.id}/none"))


async def test_other_endpoints_are_not_offered_and_say_so() -> None:
    async with yotta() as there:
        form = await there.backend.creators["task"].form()
        offered = next(field.choices for field in form.fields if field.name == "endpoint")
        chat = await queue_named(there, "chat-prod")
        assert chat.ref.id not in offered
        assert "takes no tasks" in problems(there.backend, "task", values(chat.ref.id))["endpoint"]


# --- forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("input", '{"a": }', "line 1, column 7"),
        ("input", '{\n "a" 1\n}', "line 2, column 6"),
        ("input", "NaN", "none of its numbers"),
        pytest.param("input", "[" * 100_000, "nested too deep", id="nested"),
        ("input", "", "required"),
        ("workerPort", "0", "from 1 to 65535"),
        ("workerPort", "65536", "from 1 to 65535"),
        ("workerPort", "650000", "from 1 to 65535"),
        ("input", "[1e999]", "too large"),
        ("processUri", "render", "such as /generate"),
        ("processUri", "/" + "x" * 255, "255 characters"),
        ("webhook", "ftp://x", "must be an address"),
        ("webhook", "https://x/" + "y" * 512, "512 characters"),
        ("webhookAuthKey", "k" * 256, "255 characters"),
        ("taskId", "a-b", "letters, digits and _"),
        ("taskId", "a" * 256, "255 characters"),
        ("headers", "X-Team vision", "line 1"),
        ("headers", "A: 1\n\na: 2", "line 3: a comes twice"),
        ("endpoint", "", "required"),
        ("colour", "red", "no parameter"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(name: str, value: str, said: str) -> None:
    assert said in creators.problems("task", values("e1", **{name: value}))[name]


@pytest.mark.parametrize("text", ['"text"', "3", "null", "[1, 2]", '{"a": {"b": [true]}}'])
def test_any_json_is_an_input(text: str) -> None:
    assert creators.problems("task", values("e1", input=text)) == {}
    assert creators.body("task", values("e1", input=text))["input"] == json.loads(text)


def test_the_request_is_shown_without_its_secrets() -> None:
    given = values("e1", webhook=HOOK, webhookAuthKey="hunter2", headers="Authorization: Bearer hunter2\nX-Team: a")
    show = creators.creator("task").prepare(given).request
    assert show is not None
    shown = show()
    assert "hunter2" not in shown.body
    assert json.loads(shown.body)["headers"]["X-Team"] == "a"
    assert creators.body("task", given)["webhookAuthKey"] == "hunter2"


def test_each_form_has_an_id_of_its_own() -> None:
    def made() -> str:
        return next(field.default for field in creators.fields("task") if field.name == "taskId")

    assert made() != made()


# --- answers of all sorts -----------------------------------------------------------------------------------------


def task(task_id: Any = "t1", **changes: Any) -> dict[str, Any]:
    return {
        **{"taskId": task_id, "endpointId": 1, "endpointName": "llama", "status": "SUCCESS"},
        **{"workerUrl": "http://w:8000/x", "webhook": f"{HOOK}?key=hunter2", "deliveryStatus": "FAILED"},
        **{"deliveryAttempts": "3", "error": None, "input": {"prompt": "x", "api_key": "hunter2"}},
        **{"output": {"url": "https://cdn.example.com/x.png?sig=1"}, "headers": {"Authorization": "hunter2"}},
        **{"createdAt": 1772366400000, "updatedAt": "2026-03-01T12:00:41Z", "deliveredAt": None},
        **changes,
    }


def scripted(server: ScriptedServer, *rows: Any) -> None:
    server.on(ENDPOINTS, ok([endpoint(serviceMode="queue"), endpoint("e2", name="chat", serviceMode="ALB")]))
    server.on(f"{ENDPOINTS}/e1", ok(endpoint(serviceMode="queue")))
    server.on(TASKS, page(list(rows)))
    server.on(f"{TASKS}/count", ok({"processing": "2"}))


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[YottaBackend]:
    made = YottaBackend(yotta_account(server.url), sleep=fake_time.sleep, monotonic=fake_time.monotonic)
    yield made
    await made.aclose()


async def test_a_task_has_everything_but_its_secrets(server: ScriptedServer, backend: YottaBackend) -> None:
    scripted(server, task())
    (row,) = await tasks(backend)
    assert row.ref == Ref("yotta", "task", "e1/t1")
    assert (row.status, row.phase, row.delivery, row.attempts) == ("SUCCESS", Phase.STOPPED, "FAILED", 3)
    assert row.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert row.updated_at == datetime(2026, 3, 1, 12, 0, 41, tzinfo=UTC)
    assert json.loads(row.output) == {"url": "https://cdn.example.com/x.png?sig=1"}
    assert json.loads(row.input)["prompt"] == "x"
    assert "hunter2" not in f"{row}{row.raw}"
    (queue,) = await queues(backend)
    assert (queue.processing, queue.total, queue.read) == (2, 1, 1)


async def test_what_is_odd_stays_and_is_named(server: ScriptedServer, backend: YottaBackend) -> None:
    scripted(server, task(5, status="REVIVING", deliveryAttempts="many"), task(None), "x", task("ok", input=None))
    rows = {row.name: row for row in await tasks(backend)}
    assert rows.keys() == {"5", "ok"}
    assert (rows["5"].phase, rows["5"].status, rows["5"].attempts) == (Phase.UNKNOWN, "REVIVING", None)
    assert rows["5"].problem
    assert rows["ok"].input == ""


async def test_a_queue_that_fails_keeps_its_tasks_and_says_so(
    server: ScriptedServer, backend: YottaBackend, fake_time: FakeTime
) -> None:
    scripted(server, task())
    server.on(ENDPOINTS, ok([endpoint(serviceMode="QUEUE"), endpoint("e3", name="other", serviceMode="QUEUE")]))
    server.on(f"{ENDPOINTS}/e3/tasks", page([task("o1")]))
    server.on(f"{ENDPOINTS}/e3/tasks/count", ok({"processing": 0}))
    await tasks(backend)
    server.on(TASKS, no(10002))
    fake_time.now += 2
    rows = {row.name: row for row in await tasks(backend)}
    assert rows.keys() == {"t1", "o1"}
    assert rows["t1"].problem == "yotta: the system failed (code 10002)."
    assert rows["o1"].problem is None


@pytest.mark.parametrize(
    ("answer", "kind"), [(no(401), AuthError), (no(429), RateLimitedError), (no(10002), ServerError)]
)
async def test_what_concerns_the_account_is_raised(
    server: ScriptedServer, backend: YottaBackend, answer: Answer, kind: type[GputuiError]
) -> None:
    scripted(server)
    server.on(TASKS, answer)
    with pytest.raises(kind):
        await tasks(backend)


async def test_both_lists_are_one_reading(server: ScriptedServer, backend: YottaBackend) -> None:
    scripted(server, task())
    await tasks(backend)
    await queues(backend)
    assert [request.path for request in server.requests].count(TASKS) == 1


async def test_a_list_after_a_submission_is_requested_again(server: ScriptedServer, backend: YottaBackend) -> None:
    scripted(server)
    assert await tasks(backend) == []
    scripted(server, task("mine_1"))
    await backend.creators["task"].prepare(values("e1")).send()
    assert [row.name for row in await tasks(backend)] == ["mine_1"]


async def test_a_count_that_fails_takes_nothing_else_away(server: ScriptedServer, backend: YottaBackend) -> None:
    scripted(server, task())
    server.on(f"{TASKS}/count", no(404))
    (queue,) = await queues(backend)
    assert (queue.processing, queue.total, queue.problem) == (None, 1, None)
    assert [row.name for row in await tasks(backend)] == ["t1"]


async def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again(
    server: ScriptedServer, backend: YottaBackend
) -> None:
    scripted(server)
    sent: list[Request] = []

    def lose(request: Request) -> Answer:
        if request.method == "POST":
            sent.append(request)
            return Reset()
        return page([])

    server.on(TASKS, lose)
    with pytest.raises(UnknownOutcomeError):
        await backend.creators["task"].prepare(values("e1")).send()
    assert len(sent) == 1
    assert sent[0].json["taskId"] == "mine_1"


@pytest.mark.parametrize("count", ["0", "-1", "many", "2001", "99999999999"])
def test_too_many_are_not_asked_for(backend: YottaBackend, count: str) -> None:
    assert "from 1 to 2000" in filter_problems(backend, Resource.TASKS, {"newest": count})["newest"]
