"""Lists of a GPUhub account: what is requested when, parts that fail, one row by its Ref."""

from __future__ import annotations

import asyncio

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import (
    NotFoundError,
)
from gputui.models import (
    Phase,
    Ref,
    Resource,
)
from tests.api.conftest import FakeTime
from tests.api.gpuhub.server import (
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENTS,
    EVENTS,
    FIRST,
    LLM,
    container,
    deployment,
    ok,
    page,
    paged,
    refused,
)
from tests.api.server import Answer, Request, ScriptedServer, as_json
from tests.api.server import page as web_page

REF = Ref("hub", "container", FIRST)

PARENT = Ref("hub", "deployment", LLM)


async def test_deployments_are_filtered_by_the_server(server: ScriptedServer, hub: GpuhubBackend) -> None:
    hub.filters.prepare(Resource.DEPLOYMENTS, {"name": "llm", "status": "running", "deployment_uuid": ""})()
    await hub.deployments()
    assert server.requests[0].json == {"name": "llm", "status": "running", "page_index": 1, "page_size": 100}
    await hub.instances()
    assert server.asked(DEPLOYMENTS)[1].json == {"page_index": 1, "page_size": 100}


async def test_containers_of_all_deployments_are_listed_page_by_page(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    deployments = [deployment(f"{number:015x}", f"d{number}") for number in range(150)]
    server.on(DEPLOYMENTS, paged(deployments))
    server.on(CONTAINERS, lambda request: page([container(f"{request.json['deployment_uuid']}-aa-1")]))
    rows = await hub.instances()
    assert len({row.ref for row in rows}) == 150
    assert [request.json["page_index"] for request in server.asked(DEPLOYMENTS)] == [1, 2]
    assert len(server.asked(CONTAINERS)) == 150


async def test_a_large_deployment_is_read_at_once_after_its_first_page(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    rows = [container(f"{LLM}-aa-{number}") for number in range(450)]
    server.on(CONTAINERS, paged(rows))
    assert [row.ref.id for row in await hub.instances()] == [row["uuid"] for row in rows]
    assert sorted(request.json["page_index"] for request in server.asked(CONTAINERS)) == [1, 2, 3, 4, 5]
    assert server.most_open == 4


async def test_what_has_not_changed_is_not_asked_again(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    await hub.instances()
    fake_time.now += 5
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 1
    hub.forget()
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2
    server.on(DEPLOYMENTS, page([deployment(running_num=2)]))
    fake_time.now += 5
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 3


async def test_what_starts_is_asked_for_every_time(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    server.on(CONTAINERS, page([container(status="starting")]))
    for _ in range(3):
        fake_time.now += 5
        await hub.instances()
    assert len(server.asked(CONTAINERS)) == 3


async def test_an_event_makes_its_deployment_due(
    server: ScriptedServer, hub: GpuhubBackend, fake_time: FakeTime
) -> None:
    await hub.instances()
    server.on(
        EVENTS,
        page([{"deployment_container_uuid": FIRST, "status": "shutdown", "created_at": "2026-11-20T09:00:00Z"}]),
    )
    assert [event.status for event in await hub.events()] == ["shutdown"]
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2


async def test_one_list_of_deployments_serves_all_that_begin_with_it(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    await asyncio.gather(hub.deployments(), hub.instances(), hub.events(), hub._lists.packages())
    assert len(server.asked(DEPLOYMENTS)) == 1


async def test_a_deployment_whose_containers_fail_keeps_its_last_rows(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "other")]))
    other = container("aa-bb-cc")
    broken = {"aa": False}

    def answer(request: Request) -> Answer:
        if request.json["deployment_uuid"] == LLM:
            return page([container()])
        return refused("InternalError", "try later") if broken["aa"] else page([other])

    server.on(CONTAINERS, answer)
    await hub.instances()
    broken["aa"] = True
    hub.forget()
    first, second = await hub.instances()
    assert first.problem is None
    assert (second.ref.id, second.phase) == ("aa-bb-cc", Phase.RUNNING)
    assert second.problem == "hub: try later (InternalError)."


async def test_containers_that_never_could_be_read_have_a_row_in_their_place(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    server.on(CONTAINERS, refused("InternalError", "try later"))
    (row,) = await hub.instances()
    assert (row.name, row.phase, row.parent) == ("llm", Phase.UNKNOWN, PARENT)
    assert row.problem == "containers cannot be read: hub: try later (InternalError)."
    assert hub.actions(row) == frozenset()


async def test_a_filter_of_containers_is_the_servers(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "other")]))
    await hub.instances()
    server.requests.clear()
    hub.filters.prepare(
        Resource.INSTANCES,
        {"status": "running,shutdown", "released": "true", "memory_size_from": "64", "deployment_uuid": LLM},
    )()
    await hub.instances()
    (request,) = server.asked(CONTAINERS)
    assert request.json == {
        "deployment_uuid": LLM,
        "status": ["running", "shutdown"],
        "released": True,
        "memory_size_from": 64 * 2**30,
        "page_index": 1,
        "page_size": 100,
    }
    hub.filters.prepare(Resource.INSTANCES, {})()
    server.requests.clear()
    await hub.instances()
    assert len(server.asked(CONTAINERS)) == 2


async def test_events_of_one_container_are_asked_for_alone(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(
        EVENTS,
        page([{"deployment_container_uuid": FIRST, "status": "creating", "created_at": "2026-11-20T09:00:00Z"}]),
    )
    (event,) = await hub.events_of(REF)
    assert (event.instance, event.parent, event.name) == (REF, PARENT, "llm-63c24009")
    assert server.asked(EVENTS)[0].json["deployment_container_uuid"] == FIRST
    assert [event.instance for event in await hub.events_of(PARENT)] == [REF]
    assert await hub.fetch(event.ref) == event


@pytest.mark.parametrize("missing", [web_page(404), as_json({"detail": "Not Found"}, 404), as_json({}, 405)])
async def test_a_cloud_that_lists_its_blacklist_by_post_is_remembered(
    server: ScriptedServer, hub: GpuhubBackend, missing: Answer
) -> None:
    server.on(BLACKLIST, missing)
    server.on(f"{BLACKLIST}/list", ok([{"machine_id": "f9", "data_center": "sgp1"}]))
    for _ in range(2):
        assert [block.host for block in await hub._lists.blacklist()] == ["f9"]
    assert (server.count("GET", BLACKLIST), server.count("POST", f"{BLACKLIST}/list")) == (1, 2)


@pytest.mark.parametrize("kind", ["deployment", "container", "block", "image", "package", "offer", "event", "moon"])
async def test_what_is_not_there_is_not_found(server: ScriptedServer, hub: GpuhubBackend, kind: str) -> None:
    server.on(CONTAINERS, page([]))
    server.on(DEPLOYMENTS, page([]))
    with pytest.raises(NotFoundError):
        await hub.fetch(Ref("hub", kind, "sgp1/x"))


async def test_every_row_can_be_fetched_by_its_ref(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BLACKLIST, ok([{"machine_id": "f9", "data_center": "sgp1"}]))
    for resource, lister in hub.listers.items():
        for row in await lister():
            assert (await hub.fetch(row.ref)).ref == row.ref
            assert hub.kinds[row.ref.kind] is resource
    assert await hub.fetch(Ref("hub", "account", "hub")) == await hub.account_info()
