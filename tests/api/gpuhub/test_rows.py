"""From GPUhub's JSON to rows, whatever is in it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gputui.api.gpuhub import resources
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import GputuiError, ProtocolError
from gputui.models import Deployment, Instance, Money, PartialRows, Phase, Ref, Resource, Secret, Service, SSHTarget
from gputui.models.serialize import to_plain
from tests.api.gpuhub.server import (
    BALANCE,
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENTS,
    EVENTS,
    FIRST,
    IMAGES,
    LLM,
    PACKAGES,
    container,
    deployment,
    ok,
    page,
    refused,
)
from tests.api.server import Answer, Hang, Reply, Request, ScriptedServer, as_json

REF = Ref("hub", "container", FIRST)
SECOND = f"{LLM}-0a0b0c0d0e-11111111"


async def only(hub: GpuhubBackend) -> Instance:
    (row,) = await hub.instances()
    return row


async def test_a_container_is_an_instance(hub: GpuhubBackend) -> None:
    assert await only(hub) == Instance(
        ref=REF,
        name="llm-63c24009",
        phase=Phase.RUNNING,
        status="running",
        parent=Ref("hub", "deployment", LLM),
        image="mine",
        gpu_model="RTX 5090",
        gpu_count=1,
        cpu_count=16,
        memory_limit=96636764160,
        region="sgp1",
        host="f94411a60c",
        price=Money(Decimal("1.6"), "USD"),
        created_at=datetime(2026, 11, 20, 8, 42, tzinfo=UTC),
        started_at=datetime(2026, 11, 20, 8, 43, 3, tzinfo=UTC),
        updated_at=datetime(2026, 11, 20, 8, 43, 3, 500000, tzinfo=UTC),
        version="v1",
        services=(
            Service(6006, "https://u1-6006.example.com:8443"),
            Service(6008, "http://u1-6008.example.com:8443"),
        ),
        ssh=SSHTarget("region-1.example.com", 21305, "root", Secret("hunter2"), FIRST),
        container_id=FIRST,
    )


async def test_a_slow_list_of_images_keeps_no_container_waiting(
    server: ScriptedServer, hub: GpuhubBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "IMAGE_NAMES_WAIT", 0.05)
    server.on(IMAGES, Hang())
    async with asyncio.timeout(5):
        assert (await only(hub)).image == "image-db8346e037"
    assert len(server.asked(IMAGES)) == 1


async def test_a_row_read_alone_names_its_image_as_the_list_does(hub: GpuhubBackend) -> None:
    rows: list[Instance | Deployment] = [await only(hub), *await hub.deployments()]
    for row in rows:
        found = await hub.fetch(row.ref)
        assert isinstance(found, Instance | Deployment)
        assert found.image == row.image == "mine"


async def test_a_deployment_has_all_its_fields(hub: GpuhubBackend) -> None:
    (row,) = await hub.deployments()
    assert row == Deployment(
        ref=Ref("hub", "deployment", LLM),
        name="llm",
        type="ReplicaSet",
        phase=Phase.RUNNING,
        status="running",
        desired=2,
        starting=0,
        running=1,
        finished=0,
        gpu_models=("RTX 5090", "L40S"),
        gpu_count=1,
        regions=("sgp1", "Singapore-A"),
        cuda_from=118,
        cuda_to=128,
        cpu_from=1,
        cpu_to=64,
        memory_from=2**30,
        memory_to=2**40,
        price_from=Money(Decimal("0.1"), "USD"),
        price_to=Money(Decimal(9), "USD"),
        price_estimate=Money(Decimal("3.2"), "USD", estimated=True),
        image="mine",
        command="python serve.py\nsleep 1",
        shutdown_command="sync",
        reuse=True,
        owner="60",
        created_at=datetime(2026, 11, 20, 8, 42, tzinfo=UTC),
        updated_at=datetime(2026, 11, 20, 8, 43, 3, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("creating", Phase.PENDING),
        ("created", Phase.PENDING),
        ("starting", Phase.PENDING),
        ("oss_merged", Phase.PENDING),
        ("running", Phase.RUNNING),
        ("shutting_down", Phase.STOPPING),
        ("shutdown", Phase.STOPPED),
        ("stopped", Phase.STOPPED),
        ("released", Phase.STOPPED),
        ("create_failed", Phase.FAILED),
        ("hibernating", Phase.UNKNOWN),
        ("", Phase.UNKNOWN),
    ],
)
async def test_a_status_has_its_phase_and_stays_as_it_is(
    server: ScriptedServer, hub: GpuhubBackend, status: str, phase: Phase
) -> None:
    server.on(CONTAINERS, page([container(status=status)]))
    row = await only(hub)
    assert (row.status, row.phase) == (status, phase)


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, Phase.RUNNING),
        ({"running_num": 0, "starting_num": 2}, Phase.PENDING),
        ({"running_num": 0}, Phase.PENDING),
        ({"deployment_type": "Job", "running_num": 0, "replica_num": 3, "finished_num": 3}, Phase.STOPPED),
        ({"status": "stopped", "running_num": 0}, Phase.STOPPED),
        ({"status": "stopped"}, Phase.STOPPING),
        ({"status": "stopping"}, Phase.STOPPING),
        ({"status": "failed"}, Phase.FAILED),
        ({"status": "paused"}, Phase.UNKNOWN),
        ({"status": None}, Phase.RUNNING),
        ({"status": None, "running_num": None, "starting_num": None, "replica_num": None}, Phase.UNKNOWN),
    ],
)
async def test_a_deployments_phase_follows_from_status_and_counts(
    server: ScriptedServer, hub: GpuhubBackend, changes: dict[str, object], phase: Phase
) -> None:
    server.on(DEPLOYMENTS, page([deployment(**changes)]))  # type: ignore[arg-type]  # fields by their names
    (row,) = await hub.deployments()
    assert row.phase is phase


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


async def test_an_image_has_its_name_under_either_key(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(
        IMAGES,
        page(
            [
                {"id": 1, "image_uuid": "image-1", "image_name": "one", "status": "finished"},
                {"id": 2, "image_uuid": "image-2", "name": "two", "created_at": "2026-11-20T16:42:00+08:00"},
                {"id": 3, "image_uuid": "image-3"},
            ]
        ),
    )
    own = [image for image in await hub.images() if not image.ref.id.startswith("base-")]
    assert [(image.ref.id, image.name) for image in own] == [
        ("image-1", "one"),
        ("image-2", "two"),
        ("image-3", "image-3"),
    ]
    assert own[0].description == "private image, finished"
    assert own[1].created_at == datetime(2026, 11, 20, 8, 42, tzinfo=UTC)


async def test_an_instance_names_its_image_once_it_is_known(server: ScriptedServer, hub: GpuhubBackend) -> None:
    await hub.images()
    assert (await only(hub)).image == "mine"


async def test_a_block_is_a_host_and_counts_until_the_later_time(server: ScriptedServer, hub: GpuhubBackend) -> None:
    entry = {
        "created_at": "2026-11-20T08:00:00Z",
        "updated_at": "2026-11-20T09:00:00Z",
        "data_center": "sgp1",
        "expired_time": "2026-11-21T08:00:00Z",
        "machine_id": "f94411a60c",
        "msg": "slow\x1b boot",
    }
    server.on(BLACKLIST, ok([entry, {**entry, "expired_time": "2026-11-20T20:00:00Z"}]))
    (block,) = await hub._lists.blacklist()
    assert block.ref == Ref("hub", "block", "sgp1/f94411a60c")
    assert (block.until, block.comment) == (datetime(2026, 11, 21, 8, tzinfo=UTC), "slow\ufffd boot")
    assert (block.created_at, block.updated_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 20, 9, tzinfo=UTC),
    )


async def test_a_package_of_several_deployments_is_one(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "b")]))
    first = [{"gpu_type": "RTX 5090", "total": 7200, "balance": "3600", "dc_list": "sgp1,us-west1"}]
    second = [
        {"gpu_type": "RTX 5090", "total": 7200, "balance": 3590, "dc_list": ["sgp1", "us-west1"]},
        {"gpu_type": "NVIDIA L4", "total": 60, "balance": None, "dc_list": ""},
    ]
    server.on(PACKAGES, ok(first), ok(second))
    shared, other = await hub._lists.packages()
    assert shared.ref == Ref("hub", "package", "RTX 5090|sgp1,us-west1")
    assert (shared.total, shared.balance, shared.regions) == (7200, 3590, ("sgp1", "us-west1"))
    assert (other.gpu_model, other.vendor_name, other.balance, other.regions) == ("L4", "NVIDIA L4", None, ())
    assert {request.params["deployment_uuid"] for request in server.asked(PACKAGES)} == {LLM, "aa"}


WALLET = {
    "id": 1,
    "uid": 2,
    "assets": 123450,
    "blocked_asset": 23450,
    "accumulate": 1000,
    "voucher_balance": 0,
    "certain_conditions_voucher_balance": 0,
    "total_recharge_asset": 500000,
    "available_coupon_num": 2,
    "to_expire_voucher_num": 0,
    "remittance_code": "R1-SECRET",
    "exclusive_transfer_account": "6222020200112233",
    "created_at": "2024-05-11T10:20:30+08:00",
    "updated_at": "2024-05-11T10:20:30+08:00",
}
"""The fourteen keys of a live answer."""


@pytest.mark.parametrize(
    ("data", "amount", "parts"),
    [
        ({"assets": 29873, "accumulate": "1000", "user_id": 60}, "29.873", (("accumulate", "$1.00"),)),
        ({"assets": 500, "amount": 77, "blocked_asset": 0}, "0.5", (("blocked_asset", "$0.00"),)),
        (
            WALLET,
            "100",
            (
                ("assets", "$123.45"),
                ("blocked_asset", "$23.45"),
                ("voucher_balance", "$0.00"),
                ("certain_conditions_voucher_balance", "$0.00"),
                ("accumulate", "$1.00"),
                ("total_recharge_asset", "$500.00"),
                ("available_coupon_num", "2"),
                ("to_expire_voucher_num", "0"),
            ),
        ),
    ],
)
async def test_the_wallet_is_what_can_be_spent_and_counts_are_no_money(
    server: ScriptedServer, hub: GpuhubBackend, data: object, amount: str, parts: object
) -> None:
    server.on(BALANCE, ok(data))
    (balance,) = await hub.balances()
    assert (balance.available, balance.parts) == (Money(Decimal(amount), "USD"), parts)


async def test_texts_for_bank_transfers_are_nowhere_in_a_balance(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BALANCE, ok(WALLET | {"another_account": "6222020200119999"}))
    (balance,) = await hub.balances()
    assert json.loads(balance.raw)["assets"] == 123450
    for text in (balance.raw, json.dumps(to_plain(balance)), repr(balance)):
        assert "622202" not in text
        assert "R1-SECRET" not in text


async def test_packages_that_cannot_be_read_say_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "b")]))
    server.on(PACKAGES, refused("InternalError", "try later"))
    with pytest.raises(GputuiError, match="try later"):
        await hub._lists.packages()

    def answer(request: Request) -> Answer:
        if request.params["deployment_uuid"] == LLM:
            return ok([{"gpu_type": "L4", "total": 60, "balance": 30, "dc_list": ""}])
        return refused("InternalError", "try later")

    server.on(PACKAGES, answer)
    hub.forget()
    read, unread = await hub._lists.packages()
    assert (read.gpu_model, read.problem) == ("L4", None)
    assert (unread.gpu_model, unread.problem) == (
        "",
        "the packages of b cannot be read: hub: try later (InternalError).",
    )


async def test_raw_json_comes_with_one_row_and_holds_no_password(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(CONTAINERS, page([container(next_field={"db_password": "s3cret-too"}, note="\x1b]0;x\x07")]))
    row = await hub.fetch(REF)
    assert isinstance(row, Instance)
    assert '"ssh_command": "ssh -p 21305 root@region-1.example.com"' in row.raw
    assert "next_field" in row.raw
    for secret in ("hunter2", "root_password", "s3cret-too", "\x1b"):
        assert secret not in row.raw
    assert "hunter2" not in repr(row)
    assert (await only(hub)).raw == ""


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
