"""Answers in another form than the documents have cost no more than the field, the row or the list concerned."""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import ProtocolError
from gputui.models import Instance, Money, PartialRows, Phase, Ref, Resource, Service
from tests.api.gpuhub.server import (
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENTS,
    EVENTS,
    FIRST,
    IMAGES,
    LLM,
    REF,
    SECOND,
    container,
    deployment,
    ok,
    only,
    page,
)
from tests.api.server import Reply, ScriptedServer, as_json


async def test_numbers_may_come_as_texts_and_texts_as_numbers(server: ScriptedServer, hub: GpuhubBackend) -> None:
    odd = container(gpu_num="2", cpu_num="16", memory_size="1073741824", price="1600.5", version=3)
    server.on(CONTAINERS, page([odd], page_size="100", max_page="1", result_total="1"))
    row = await only(hub)
    assert (row.gpu_count, row.cpu_count, row.memory_limit, row.version) == (2, 16, 2**30, "3")
    assert row.price == Money(Decimal("1.6005"), "USD")
    assert row.problem is None


async def test_everything_but_the_uuid_may_be_missing_or_null(server: ScriptedServer, hub: GpuhubBackend) -> None:
    empty = dict.fromkeys(container()) | {"uuid": FIRST}
    server.on(CONTAINERS, page([empty, {"uuid": SECOND}]))
    first, second = await hub.instances()
    assert (first.ref, second.ref.id) == (REF, SECOND)
    unknown = {"ref", "name", "parent", "container_id", "status", "phase", "raw"}
    for field in fields(Instance):
        if field.name not in unknown:
            assert getattr(first, field.name) == field.default, field.name
    server.on(DEPLOYMENTS, page([dict.fromkeys(deployment()) | {"uuid": LLM}]))
    hub.forget()
    (row,) = await hub.deployments()
    assert (row.name, row.phase, row.gpu_models) == (LLM, Phase.UNKNOWN, ())


async def test_a_field_that_cannot_be_read_spoils_itself_alone(server: ScriptedServer, hub: GpuhubBackend) -> None:
    info = {"ssh_command": ["what"], "root_password": "hunter2", "service_6006_port_url": "https://a.example.com"}
    server.on(CONTAINERS, page([container(memory_size="lots", info=info), container(SECOND)]))
    first, second = await hub.instances()
    assert first.problem == "memory_size should be a whole number"
    assert (first.memory_limit, first.ssh, first.cpu_count) == (None, None, 16)
    assert first.services == (Service(6006, "https://a.example.com"),)
    assert second.problem is None
    assert second.ssh is not None


@pytest.mark.parametrize("bad", [None, 7, "text", [], {}, {"uuid": None}, {"uuid": {}}])
async def test_a_row_that_is_none_is_counted_as_missing(
    server: ScriptedServer, hub: GpuhubBackend, bad: object
) -> None:
    server.on(CONTAINERS, page([bad, container()]))
    rows = await hub.instances()
    assert [row.ref for row in rows] == [REF]
    assert isinstance(rows, PartialRows)
    assert re.fullmatch(r"1 row cannot be read: uuid (is missing|should be a text)", rows.problem)
    assert any(part.may_be(Ref("hub", "container", f"{REF.id.rsplit('-', 2)[0]}-m2-c")) for part in rows.missing)
    assert not any(part.may_be(Ref("hub", "container", "other-m2-c")) for part in rows.missing)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/api/v1/dev/deployment/list", Resource.DEPLOYMENTS),
        ("/api/v1/dev/deployment/blacklist", Resource.BLACKLIST),
        ("/api/v1/dev/image/private/list", Resource.IMAGES),
        ("/api/v1/dev/deployment/ddp/overview", Resource.PACKAGES),
        ("/api/v1/dev/machine/region/gpu_stock", Resource.STOCK),
    ],
)
async def test_no_list_gets_shorter_unsaid(
    server: ScriptedServer, hub: GpuhubBackend, path: str, resource: Resource
) -> None:
    server.on(path, page([7]) if resource in (Resource.DEPLOYMENTS, Resource.IMAGES) else ok([7]))
    rows = await hub.listers[resource]()
    assert isinstance(rows, PartialRows), rows
    assert re.match(r"\d rows? cannot be read: ", rows.problem)


async def test_remote_texts_are_cleaned(server: ScriptedServer, hub: GpuhubBackend) -> None:
    nasty = container(status="run\x1b[2Jning", data_center="s\u202egp", machine_id="m\x07", gpu_name="RTX\x9b 5090")
    server.on(CONTAINERS, page([nasty]))
    row = await only(hub)
    assert (row.status, row.region, row.host) == ("run\ufffd[2Jning", "s\ufffdgp", "m\ufffd")
    assert row.gpu_model == "RTX\ufffd 5090"


@pytest.mark.parametrize("name", [rb"a\ud800b", b"a\xffb"])
async def test_a_text_that_is_no_unicode_spoils_itself_alone(
    server: ScriptedServer, hub: GpuhubBackend, name: bytes
) -> None:
    body = b'{"code":"Success","msg":"","data":{"list":[{"uuid":"u1","name":"%s"},{"uuid":"u2","name":"c"}]}}' % name
    server.on(DEPLOYMENTS, Reply(200, body))
    assert [row.name for row in await hub.deployments()] == ["a\ufffdb", "c"]


@pytest.mark.parametrize("value", [{}, {"str": 1}, [{}], 7, True])
async def test_a_list_of_names_may_be_anything(server: ScriptedServer, hub: GpuhubBackend, value: object) -> None:
    template = {"dc_list": value, "gpu_name_set": ["L4"], "gpu_num": 2}
    server.on(DEPLOYMENTS, page([deployment(template=template)]))
    (row,) = await hub.deployments()
    assert (row.gpu_models, row.gpu_count) == (("L4",), 2)


@pytest.mark.parametrize("time", ["", "0001-01-01T00:00:00Z", "yesterday", None])
async def test_a_time_that_is_none_is_not_known(server: ScriptedServer, hub: GpuhubBackend, time: str | None) -> None:
    server.on(CONTAINERS, page([container(started_at=time)]))
    assert (await only(hub)).started_at is None


@pytest.mark.parametrize("price", ["NaN", "Infinity"])
async def test_a_price_that_is_no_number_is_none(server: ScriptedServer, hub: GpuhubBackend, price: str) -> None:
    server.on(CONTAINERS, page([container(price=price)]))
    assert (await only(hub)).price is None


async def test_memory_of_a_template_may_be_gigabytes(server: ScriptedServer, hub: GpuhubBackend) -> None:
    template = {"memory_size_from": 1, "memory_size_to": 256, "dc_list": "sgp1, Singapore-A", "gpu_name_set": "L4"}
    server.on(DEPLOYMENTS, page([deployment(template=template)]))
    (row,) = await hub.deployments()
    assert (row.memory_from, row.memory_to) == (2**30, 256 * 2**30)
    assert (row.regions, row.gpu_models) == (("sgp1", "Singapore-A"), ("L4",))


async def test_a_list_without_a_page_around_it_is_a_list(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(CONTAINERS, ok([container()]))
    server.on(IMAGES, ok(None))
    server.on(BLACKLIST, ok({"list": [{"machine_id": "f9"}]}))
    assert len(await hub.instances()) == 1
    assert all(image.ref.id.startswith("base-image-") for image in await hub.images())
    assert [block.host for block in await hub._lists.blacklist()] == ["f9"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "a web page instead of JSON"),
        (b'{"code":"Success","da', "JSON that is cut off or broken"),
        (b"[]", "the answer should be an object"),
        (b'{"msg":"","data":[]}', "code is missing"),
        (b"", "something that is not JSON"),
    ],
)
async def test_what_is_no_envelope_is_another_server(
    server: ScriptedServer, hub: GpuhubBackend, body: bytes, reason: str
) -> None:
    server.on(DEPLOYMENTS, Reply(200, body))
    with pytest.raises(ProtocolError, match=reason):
        await hub.deployments()


async def test_events_of_unreadable_rows_still_count(server: ScriptedServer, hub: GpuhubBackend) -> None:
    """The list is read on by how many rows were read."""
    event = {"deployment_container_uuid": FIRST, "status": "running", "created_at": "2026-11-20T16:43:03+08:00"}
    server.on(EVENTS, page([7, event, {**event, "status": "hibernating", "created_at": None}]))
    events = await hub.events()
    assert [(event.status, event.name) for event in events] == [
        ("running", "llm-63c24009"),
        ("hibernating", "llm-63c24009"),
    ]
    await hub.events()
    assert [request.json.get("offset") for request in server.asked(EVENTS)][:2] == [None, 2]


async def test_a_blacklist_that_is_no_list_is_reported(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BLACKLIST, as_json({"code": "Success", "msg": "", "data": "none"}))
    with pytest.raises(ProtocolError, match="something else than a list"):
        await hub._lists.blacklist()
