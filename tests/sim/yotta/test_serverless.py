"""Endpoints of the simulated Yotta: workers, what they write, tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gputui.sim.yotta.default_world import YOTTA
from tests.sim.conftest import START
from tests.sim.yotta.yottas import ENDPOINT, QUIET, RESOURCE, TASK, Place, Yotta


async def made(place: Place, yotta: Yotta, **fields: Any) -> str:
    """The path of an endpoint whose workers run."""
    endpoint = await yotta.data("POST", "serverless", ENDPOINT | fields)
    place.wait(60)
    return f"serverless/{endpoint['id']}"


# Endpoints and workers


async def test_an_endpoint_runs_when_its_first_worker_does() -> None:
    place = Place()
    async with place.client() as yotta:
        endpoint = await yotta.data("POST", "serverless", ENDPOINT | {"webhook": "https://hooks.example.com/x"})
        assert endpoint == {
            **{"id": endpoint["id"], "name": "render", "image": "yottalabsai/comfyui:latest"},
            **{"status": "INITIALIZING", "totalWorkers": 2, "runningWorkers": 0, "cost": 0},
            **{"perSecondPrice": 0, "serviceMode": "QUEUE", "webhook": "https://hooks.example.com/x"},
            "domain": f"render-{endpoint['id']}.serverless.example.com",
        }
        assert isinstance(endpoint["id"], str)
        path = f"serverless/{endpoint['id']}"
        workers = await yotta.data("GET", f"{path}/workers")
        assert [worker["status"] for worker in workers] == ["INITIALIZING"] * 2
        assert {worker["createdAt"] for worker in workers} == {int(START * 1000)}
        place.wait(60)
        running = await yotta.data("GET", path)
        assert (running["status"], running["runningWorkers"]) == ("RUNNING", 2)
        assert running["perSecondPrice"] * 3600 == pytest.approx(0.78, abs=1e-5)


async def test_workers_are_scaled_and_the_cost_follows() -> None:
    place = Place()
    async with place.client() as yotta:
        path = await made(place, yotta)
        await yotta.data("PUT", f"{path}/workers", count=4)
        waiting = await yotta.data("GET", f"{path}/workers", statusList="INITIALIZING")
        assert len(waiting) == 2
        place.wait(60)
        assert (await yotta.data("GET", path))["perSecondPrice"] * 3600 == pytest.approx(1.56, abs=1e-5)
        await yotta.data("PUT", f"{path}/workers", count=1)
        states = [worker["status"] for worker in await yotta.data("GET", f"{path}/workers")]
        assert sorted(states) == ["RUNNING", "STOPPING", "STOPPING", "STOPPING"]
        place.wait(10)
        assert [one["status"] for one in await yotta.data("GET", f"{path}/workers")] == ["RUNNING"]
        await yotta.data("PUT", f"{path}/workers", count=0)
        place.wait(10)
        none = await yotta.data("GET", path)
        assert (none["status"], none["totalWorkers"], none["perSecondPrice"]) == ("RUNNING", 0, 0)
        assert (await yotta.refused("PUT", f"{path}/workers"))[1:] == (10001, "count is required")


async def test_an_endpoint_is_stopped_started_and_deleted() -> None:
    place = Place()
    async with place.client() as yotta:
        path = await made(place, yotta)
        assert (await yotta.refused("POST", f"{path}/start"))[:2] == (200, 12001)
        await yotta.data("POST", f"{path}/stop")
        assert (await yotta.data("GET", path))["status"] == "STOPPING"
        place.wait(10)
        stopped = await yotta.data("GET", path)
        assert (stopped["status"], stopped["totalWorkers"], stopped["runningWorkers"]) == ("STOPPED", 2, 0)
        assert (await yotta.refused("PUT", f"{path}/workers", count=3))[:2] == (200, 12001)
        await yotta.data("POST", f"{path}/start")
        place.wait(60)
        assert (await yotta.data("GET", path))["runningWorkers"] == 2
        await yotta.data("DELETE", path)
        place.wait(10)
        assert (await yotta.refused("GET", path))[:2] == (200, 14000)
        assert await yotta.data("GET", "serverless") == []


async def test_a_worker_that_crashes_is_replaced_and_stays_listed_for_a_while() -> None:
    place = Place()
    async with place.client() as yotta:
        path = await made(place, yotta)
        endpoint = next(iter(place.cloud.serverless.endpoints.values()))
        place.cloud.serverless.crash(endpoint, endpoint.running[0])
        states = [worker["status"] for worker in await yotta.data("GET", f"{path}/workers")]
        assert states == ["FAILED", "RUNNING", "INITIALIZING"]
        place.wait(60)
        assert (await yotta.data("GET", path))["runningWorkers"] == 2
        place.wait(600)
        assert len(await yotta.data("GET", f"{path}/workers")) == 2


async def test_a_worker_waits_for_idle_gpus() -> None:
    place = Place()
    shelf = place.cloud.market.shelves["NVIDIA_RTX_4090_24G", "us-east-1"]
    shelf.idle = 1
    async with place.client() as yotta:
        path = await made(place, yotta)
        assert (await yotta.data("GET", path))["runningWorkers"] == 1
        shelf.idle = 1
        place.wait(21)
        assert (await yotta.data("GET", path))["runningWorkers"] == 2


async def test_an_endpoint_is_changed_as_a_whole() -> None:
    place = Place()
    async with place.client() as yotta:
        path = await made(place, yotta)
        change = {"name": "other", "resources": [RESOURCE], "workers": 3, "containerVolumeInGb": 20}
        assert (await yotta.refused("PATCH", path, change))[1] == 12001  # it runs
        await yotta.data("POST", f"{path}/stop")
        place.wait(60)
        changed = await yotta.data("PATCH", path, change)
        assert (changed["name"], changed["totalWorkers"], changed["serviceMode"]) == ("other", 3, "QUEUE")
        assert await yotta.refused("PATCH", path, {"name": "other"}) == (200, 10001, "resources is required")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a" * 21}, "name must not be longer than 20 characters"),
        ({"name": "7th"}, "name must start with a letter"),
        ({"containerVolumeInGb": 19}, "containerVolumeInGb must be at least 20"),
        ({"workers": 0}, "workers must be at least 1"),
        ({"serviceMode": "MAGIC"}, "serviceMode must be one of ALB, QUEUE, CUSTOM"),
        ({"resources": []}, "resources must not be empty"),
        ({"resources": [RESOURCE | {"gpuCount": 6}]}, "resources[0].gpuCount must be a power of 2"),
        ({"resources": [RESOURCE | {"region": "moon-1"}]}, "region is not known: moon-1"),
        ({"webhook": "ftp://x"}, "webhook must be a URL"),
        ({"webhook": "https://" + "x" * 512}, "webhook must not be longer than 512 characters"),
        ({"expose": {"port": 0, "protocol": "http"}}, "expose.port must be at least 1"),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    async with Place().client() as yotta:
        assert await yotta.refused("POST", "serverless", ENDPOINT | fields) == (200, 10001, words)


async def test_endpoints_are_filtered_by_status() -> None:
    async with Place(QUIET).client() as yotta:
        failed = await yotta.data("GET", "serverless", statusList="FAILED,STOPPED")
        assert [one["name"] for one in failed] == ["bad-image", "asr-nightly"]


async def test_the_first_endpoints_stay_as_they_are_while_others_move() -> None:
    place = Place(YOTTA)
    async with place.client() as yotta:
        before = [await yotta.named("serverless", name) for name in ("chat-prod", "embed")]
        old = {one["id"] for one in await yotta.data("GET", f"serverless/{before[1]['id']}/workers")}
        place.wait(1800)
        after = await yotta.named("serverless", "chat-prod")
        assert after | {"cost": None} == before[0] | {"cost": None}
        assert after["cost"] - before[0]["cost"] == pytest.approx(after["perHourPrice"] / 2, abs=0.02)
        assert {one["id"] for one in await yotta.data("GET", f"serverless/{before[1]['id']}/workers")} != old


# Logs


async def logs_of(yotta: Yotta) -> str:
    path = f"serverless/{(await yotta.named('serverless', 'chat-prod'))['id']}/workers"
    return f"{path}/{(await yotta.data('GET', path))[0]['workerId']}/logs"


async def test_a_log_is_read_page_by_page_without_gaps_in_both_directions() -> None:
    async with Place(QUIET).client() as yotta:
        path = await logs_of(yotta)
        read: dict[str, list[Any]] = {}
        for direction in ("Forward", "Backward"):
            token: dict[str, str] = {}
            lines = read[direction] = []
            more = True
            while more:
                page = await yotta.data("GET", path, pageSize=777, direction=direction, **token)
                lines += page["logs"]
                more = page["hasMore"]
                token = {
                    "searchAfterTime": page["nextSearchAfterTime"],
                    "searchAfterOffset": page["nextSearchAfterOffset"],
                }
            nothing = await yotta.data("GET", path, direction=direction, **token)
            assert nothing == {
                **{"logs": [], "hasMore": False},
                **{"nextSearchAfterTime": None, "nextSearchAfterOffset": None},
            }
    assert read["Forward"] == read["Backward"][::-1]
    assert len(read["Forward"]) > 1000
    positions = [(line["timestamp"], line["offset"]) for line in read["Forward"]]
    assert positions == sorted(positions)
    assert len({time for time, _ in positions}) < len(positions), "some lines share their moment"


async def test_a_log_grows_and_is_followed_from_where_one_was() -> None:
    place = Place(QUIET)
    async with place.client() as yotta:
        path = await logs_of(yotta)
        last = await yotta.data("GET", path, pageSize=1, direction="Backward")
        token = {"searchAfterTime": last["nextSearchAfterTime"], "searchAfterOffset": last["nextSearchAfterOffset"]}
        assert (await yotta.data("GET", path, **token))["logs"] == []
        place.wait(60)
        fresh = (await yotta.data("GET", path, **token))["logs"]
        assert len(fresh) >= 10
        assert all(datetime.fromisoformat(line["timestamp"]).timestamp() > START for line in fresh)


async def test_a_log_is_narrowed_by_keyword_and_time() -> None:
    async with Place(QUIET).client() as yotta:
        path = await logs_of(yotta)
        errors = (await yotta.data("GET", path, keyword="CUDA out of memory", pageSize=1000))["logs"]
        assert errors
        assert all("CUDA out of memory" in line["log"] for line in errors)
        between = {"startTime": int((START - 600) * 1000), "endTime": "2025-06-15T15:01:40Z", "pageSize": 1000}
        times = [
            datetime.fromisoformat(line["timestamp"]).timestamp()
            for line in (await yotta.data("GET", path, **between))["logs"]
        ]
        assert times
        assert START - 600 <= min(times) <= max(times) <= START - 300


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"pageSize": 1001}, "pageSize must be at most 1000"),
        ({"direction": "Sideways"}, "direction must be one of Forward, Backward"),
        ({"searchAfterTime": 1}, "searchAfterTime and searchAfterOffset must be given together"),
        ({"startTime": "noon"}, "startTime must be epoch milliseconds or a time as 2025-06-15T15:06:40.000Z"),
    ],
)
async def test_a_log_asked_for_wrongly_is_refused_in_words(query: dict[str, Any], words: str) -> None:
    async with Place(QUIET).client() as yotta:
        assert await yotta.refused("GET", await logs_of(yotta), **query) == (200, 10001, words)
        path = (await logs_of(yotta)).rpartition("/workers/")[0]
        assert (await yotta.refused("GET", f"{path}/workers/wk-none/logs"))[:2] == (200, 10007)


# Tasks


async def test_a_task_is_worked_at_and_its_result_delivered() -> None:
    place = Place()
    async with place.client() as yotta:
        path = f"{await made(place, yotta)}/tasks"
        order = TASK | {"taskId": "job_1", "webhook": "https://hooks.example.com/x", "headers": {"X-A": "b"}}
        assert await yotta.data("POST", path, order) == {"taskId": "job_1"}
        task = await yotta.data("GET", f"{path}/job_1")
        assert (task["status"], task["deliveryStatus"], task["headers"]) == ("PROCESSING", "INIT", {"X-A": "b"})
        assert isinstance(task["endpointId"], int)
        assert await yotta.data("GET", f"{path}/count") == {"processing": 1}
        place.wait(30)
        task = await yotta.data("GET", f"{path}/job_1")
        assert (task["status"], task["deliveryStatus"], task["deliveryAttempts"]) == ("DELIVERED", "SUCCESS", 1)
        assert task["output"] == {"status": 200, "result": {"echo": TASK["input"]}}
        assert task["createdAt"] < task["deliveredAt"]
        assert "webhookAuthKey" not in task
        assert await yotta.data("GET", f"{path}/count") == {"processing": 0}


async def test_tasks_wait_for_a_worker_that_has_nothing_to_do() -> None:
    place = Place()
    async with place.client() as yotta:
        path = f"{await made(place, yotta, workers=1)}/tasks"
        for _ in range(3):
            await yotta.data("POST", path, TASK)
        at_work = [bool(task["workerUrl"]) for task in (await yotta.data("GET", path))["items"]]
        assert at_work == [False, False, True]
        place.wait(80)
        assert (await yotta.data("GET", path, status="SUCCESS"))["total"] == 3


async def test_a_task_can_fail_and_so_can_its_delivery() -> None:
    place = Place()
    async with place.client() as yotta:
        path = f"{await made(place, yotta)}/tasks"
        await yotta.data("POST", path, TASK | {"taskId": "bad", "input": {"fail": "no such model"}})
        await yotta.data("POST", path, TASK | {"taskId": "lost", "webhook": "https://hooks.invalid/x"})
        place.wait(120)
        bad, lost = [await yotta.data("GET", f"{path}/{name}") for name in ("bad", "lost")]
        assert (bad["status"], bad["error"]) == ("FAILED", "the worker answered 500: no such model")
        assert (lost["status"], lost["deliveryStatus"]) == ("SUCCESS", "MAX_RETRIES_EXCEEDED")
        assert (lost["deliveryAttempts"], lost["deliveredAt"]) == (3, None)


async def test_a_task_goes_to_another_worker_when_its_own_crashes() -> None:
    place = Place()
    async with place.client() as yotta:
        path = f"{await made(place, yotta)}/tasks"
        await yotta.data("POST", path, TASK | {"taskId": "t"})
        endpoint = next(iter(place.cloud.serverless.endpoints.values()))
        first = endpoint.tasks["t"].worker
        place.cloud.serverless.crash(endpoint, endpoint.workers[first])
        place.wait(30)
        task = await yotta.data("GET", f"{path}/t")
        assert task["status"] == "SUCCESS"
        assert first not in task["workerUrl"]


async def test_only_running_queues_take_tasks_and_only_good_ones() -> None:
    place = Place()
    async with place.client() as yotta:
        alb = await made(place, yotta, serviceMode="ALB")
        assert (await yotta.refused("POST", f"{alb}/tasks", TASK))[:2] == (200, 12001)
        queue = await made(place, yotta)
        path = f"{queue}/tasks"
        await yotta.data("POST", path, TASK | {"taskId": "t"})
        for fields, words in (
            ({"taskId": "t"}, "taskId is taken: t"),
            ({"taskId": "a-b"}, "taskId must be letters, digits and underscores"),
            ({"workerPort": 65536}, "workerPort must be at most 65535"),
            ({"processUri": "/" + "x" * 255}, "processUri must not be longer than 255 characters"),
            ({"input": None}, "input is required"),
            ({"headers": {"a": 1}}, "headers must be a map of strings"),
        ):
            assert await yotta.refused("POST", path, TASK | fields) == (200, 10001, words)
        assert (await yotta.refused("GET", f"{path}/none"))[:2] == (200, 24011)
        await yotta.data("POST", f"{queue}/stop")
        assert (await yotta.refused("POST", path, TASK))[:2] == (200, 24000)


async def test_tasks_come_in_pages_newest_first() -> None:
    async with Place(QUIET).client() as yotta:
        path = f"serverless/{(await yotta.named('serverless', 'sdxl-queue'))['id']}/tasks"
        page = await yotta.data("GET", path, pageNumber=2, pageSize=10)
        assert (page["page"], page["size"], page["total"], page["pages"]) == (2, 10, 24, 3)
        created = [task["createdAt"] for task in page["items"]]
        assert created == sorted(created, reverse=True)


async def test_the_queue_of_the_default_world_is_never_still() -> None:
    place = Place(YOTTA)
    async with place.client() as yotta:
        path = f"serverless/{(await yotta.named('serverless', 'sdxl-queue'))['id']}/tasks"
        before = (await yotta.data("GET", path))["total"]
        place.wait(300)
        assert (await yotta.data("GET", path))["total"] > before + 10
