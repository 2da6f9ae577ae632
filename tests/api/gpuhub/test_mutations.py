"""Changes on GPUhub: each request once, outcomes, and the actions by state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import (
    InvalidError,
    UnknownOutcomeError,
)
from gputui.models import (
    Action,
    ActionResult,
    Deployment,
    Ref,
)
from tests.api.creating import look, problems, shown
from tests.api.gpuhub.server import (
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENT,
    DEPLOYMENTS,
    FIRST,
    LLM,
    STOCK,
    STOP,
    container,
    deployment,
    gpuhub_account,
    ok,
    page,
    refused,
    script,
)
from tests.api.server import Answer, Reply, Reset, ScriptedServer, as_json

REF = Ref("hub", "container", FIRST)

PARENT = Ref("hub", "deployment", LLM)

NOTHING = ok(None)

Change = tuple[Callable[[], Awaitable[ActionResult]], str, str, dict[str, object]]


def changes(hub: GpuhubBackend) -> dict[str, Change]:
    """Every change by its name: what does it, and the method, path and body it goes out as."""
    container_uuid: dict[str, object] = {"deployment_container_uuid": FIRST}
    everything: dict[str, Any] = {"decrease_replicas": True, "no_cache": True, "command": "sync"}
    return {
        "stop deployment": (
            lambda: hub.changes.stop(PARENT),
            "PUT",
            f"{DEPLOYMENT}/operate",
            {"deployment_uuid": LLM, "operate": "stop", "operation": "stop"},
        ),
        "delete": (lambda: hub.changes.delete(PARENT), "DELETE", DEPLOYMENT, {"deployment_uuid": LLM}),
        "scale": (
            lambda: hub.changes.scale(PARENT, 3),
            "PUT",
            f"{DEPLOYMENT}/replica_num",
            {"deployment_uuid": LLM, "replica_num": 3},
        ),
        "stop container": (lambda: hub.changes.stop(REF), "PUT", STOP, container_uuid),
        "stop with options": (
            lambda: hub.changes.stop(REF, **everything),
            "PUT",
            STOP,
            {**container_uuid, "decrease_one_replica_num": True, "no_cache": True, "cmd_before_shutdown": "sync"},
        ),
        "block": (
            lambda: hub.changes.block(REF, minutes=1440, comment=" slow boot "),
            "POST",
            BLACKLIST,
            {**container_uuid, "expire_in_minutes": 1440, "comment": "slow boot"},
        ),
        "create": (lambda: hub.creators["deployment"].prepare(VALUES).send(), "POST", DEPLOYMENT, {}),
    }


VALUES = {
    "name": "llm",
    "deployment_type": "ReplicaSet",
    "replica_num": "2",
    "dc_list": "sgp1",
    "gpu_name_set": "RTX 5090",
    "gpu_num": "1",
    "cuda_v_from": "11.8",
    "cuda_v_to": "12.8",
    "cpu_num_from": "1",
    "cpu_num_to": "64",
    "memory_size_from": "1",
    "memory_size_to": "256",
    "price_from": "0.1",
    "price_to": "9",
    "image_uuid": "image-db8346e037",
    "cmd": "sleep infinity",
}

NAMES = list(changes(None))  # type: ignore[arg-type]  # only the names, nothing is called

by_change = pytest.mark.parametrize("name", NAMES)


@by_change
async def test_a_change_goes_out_as_the_document_says(server: ScriptedServer, hub: GpuhubBackend, name: str) -> None:
    act, method, path, body = changes(hub)[name]
    server.on(path, ok({"deployment_uuid": "made-by-the-cloud"}) if name == "create" else NOTHING)
    result = await act()
    (request,) = server.requests
    assert (request.method, request.path) == (method, path)
    if name == "create":
        assert request.json["container_template"]["price_to"] == 9000
        assert result.created == Ref("hub", "deployment", "made-by-the-cloud")
    else:
        assert request.json == body
    assert result.message


@by_change
@pytest.mark.parametrize("fault", [Reset(), as_json({}, 502), as_json({}, 504)], ids=["reset", "502", "504"])
async def test_a_change_without_an_answer_is_unknown_and_never_sent_again(
    server: ScriptedServer, hub: GpuhubBackend, name: str, fault: Answer
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, fault, NOTHING)
    with pytest.raises(UnknownOutcomeError, match="was sent, but"):
        await act()
    assert server.count(method, path) == 1


@by_change
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    server: ScriptedServer, hub: GpuhubBackend, name: str
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, Reply(200, b"<html>"), NOTHING)
    with pytest.raises(UnknownOutcomeError, match="a web page instead of JSON"):
        await act()
    assert server.count(method, path) == 1


@by_change
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_refused_change_is_a_refusal(
    server: ScriptedServer, hub: GpuhubBackend, name: str, status: int
) -> None:
    act, method, path, _ = changes(hub)[name]
    server.on(path, refused("RequestParameterIsWrong", "not like this", status), NOTHING)
    with pytest.raises(InvalidError, match="not like this") as caught:
        await act()
    assert caught.value.request_id == "req-7f"
    assert server.count(method, path) == 1


async def test_a_changed_row_is_requested_again(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(STOP, NOTHING, Reset())
    for count in (2, 3):
        await hub.instances()
        with suppress(UnknownOutcomeError):
            await hub.changes.stop(REF)
        await hub.instances()
        assert (len(server.asked(DEPLOYMENTS)), len(server.asked(CONTAINERS))) == (count, count)


async def test_a_lost_create_is_found_by_its_name(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("bb", "llm-2")]))
    assert await look(hub, "deployment", VALUES) == [PARENT]
    assert server.requests[0].json["name"] == "llm"


async def test_a_wrong_form_is_not_sent(server: ScriptedServer, hub: GpuhubBackend) -> None:
    with pytest.raises(InvalidError) as caught:
        await hub.creators["deployment"].prepare({**VALUES, "gpu_num": "0", "name": ""}).send()
    assert set(caught.value.fields) == {"gpu_num", "name"}
    assert list(hub.creators) == ["deployment"]
    assert server.requests == []


async def test_the_request_can_be_seen_before_it_is_sent(server: ScriptedServer, hub: GpuhubBackend) -> None:
    prepared = shown(hub, "deployment", VALUES)
    assert (prepared.method, prepared.url) == ("POST", f"{server.url}{DEPLOYMENT}")
    assert "tok-en" not in prepared.body
    assert server.requests == []


async def test_the_form_offers_images_and_models_as_far_as_they_are_known(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    fields = {field.name: field for field in (await hub.creators["deployment"].form()).fields}
    assert fields["image_uuid"].choices[0] == "image-db8346e037"
    assert fields["gpu_name_set"].choices == ("RTX 5090",)


async def test_the_form_opens_though_nothing_can_be_offered(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(STOCK, refused("InternalError", "down"))
    server.on("/api/v1/dev/image/private/list", refused("InternalError", "down"))
    assert (await hub.creators["deployment"].form()).fields


@pytest.mark.parametrize("replicas", [0, -1])
async def test_nothing_is_scaled_to_nothing(server: ScriptedServer, hub: GpuhubBackend, replicas: int) -> None:
    with pytest.raises(InvalidError, match="stop the deployment"):
        await hub.changes.scale(PARENT, replicas)
    assert server.requests == []


@pytest.mark.parametrize("minutes", [0, 43_201])
async def test_a_host_is_blocked_for_a_time_that_is_possible(
    server: ScriptedServer, hub: GpuhubBackend, minutes: int
) -> None:
    with pytest.raises(InvalidError) as caught:
        await hub.changes.block(REF, minutes=minutes)
    assert caught.value.fields == {"minutes": "must be at least 1m and at most 30d"}
    assert server.requests == []


async def test_a_block_names_the_host(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BLACKLIST, NOTHING)
    assert (await hub.changes.block(REF, minutes=90)).message == "Host f94411a60c is blocked for 1h 30m."


async def test_a_change_is_for_what_can_be_changed(server: ScriptedServer, hub: GpuhubBackend) -> None:
    image = Ref("hub", "image", "x")
    for act in (
        hub.changes.stop(image),
        hub.changes.delete(REF),
        hub.changes.scale(REF, 2),
        hub.changes.block(PARENT, minutes=5),
        hub.ssh_target(PARENT),
    ):
        with pytest.raises(InvalidError, match="is not a"):
            await act
    assert server.requests == []


ALL = {Action.STOP, Action.BLOCK, Action.SSH}


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("running", ALL),
        ("starting", {Action.STOP, Action.BLOCK}),
        ("shutting_down", {Action.BLOCK}),
        ("shutdown", {Action.BLOCK}),
        ("hibernating", ALL),
    ],
)
async def test_a_containers_actions_follow_from_its_state(
    server: ScriptedServer, hub: GpuhubBackend, status: str, actions: set[Action]
) -> None:
    server.on(CONTAINERS, page([container(status=status)]))
    (row,) = await hub.instances()
    assert hub.actions(row) == actions
    assert hub.options(row, Action.STOP)


@pytest.mark.parametrize(
    ("changed", "actions"),
    [
        ({}, {Action.STOP, Action.SCALE, Action.DELETE}),
        ({"deployment_type": "Job"}, {Action.STOP, Action.DELETE}),
        ({"deployment_type": "Container"}, {Action.STOP, Action.DELETE}),
        ({"status": "stopped", "running_num": 0}, {Action.DELETE}),
    ],
)
async def test_a_deployments_actions_follow_from_type_and_state(
    server: ScriptedServer, hub: GpuhubBackend, changed: dict[str, object], actions: set[Action]
) -> None:
    server.on(DEPLOYMENTS, page([deployment(**changed)]))  # type: ignore[arg-type]  # fields by their names
    (row,) = await hub.deployments()
    assert isinstance(row, Deployment)
    assert hub.actions(row) == actions
    assert not hub.options(row, Action.STOP)


async def test_one_creates_from_offers_and_deletes_no_image(hub: GpuhubBackend) -> None:
    assert all(hub.actions(offer) == {Action.CREATE} for offer in await hub.stock())
    assert all(hub.actions(image) == frozenset() for image in await hub.images())


async def test_a_private_cloud_has_a_create_call_of_its_own(server: ScriptedServer) -> None:
    script(server)
    backend = GpuhubBackend(gpuhub_account(server.url, 'preset = "autodl-private"'))
    form = await backend.creators["deployment"].form()
    assert not {field.name for field in form.fields} & {"dc_list", "cuda_v_from", "cuda_v_to"}
    values = {name: VALUES[name] for name in VALUES if name not in ("dc_list", "cuda_v_from", "cuda_v_to")}
    assert problems(backend, "deployment", values | {"cuda_v": "any"}) == {}
    assert "dc_list" in problems(backend, "deployment", values | {"cuda_v": "11.8", "dc_list": "roomA"})
    await backend.aclose()
