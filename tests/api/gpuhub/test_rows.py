"""From GPUhub's JSON to rows, whatever is in it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gputui.analytics.shortage import is_short
from gputui.api.gpuhub import resources
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.models import Deployment, Instance, Money, Phase, Ref, Secret, Service, SSHTarget
from tests.api.gpuhub.server import (
    BLACKLIST,
    CONTAINERS,
    DEPLOYMENTS,
    FIRST,
    IMAGES,
    LLM,
    REF,
    container,
    deployment,
    ok,
    only,
    page,
)
from tests.api.server import Hang, ScriptedServer


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


async def test_raw_json_comes_with_one_row_and_contains_no_password(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    server.on(CONTAINERS, page([container(next_field={"db_password": "s3cret-too"}, note="\x1b]0;x\x07")]))
    row = await hub.fetch(REF)
    assert isinstance(row, Instance)
    assert '"ssh_command": "ssh -p 21305 root@region-1.example.com"' in row.raw
    assert "next_field" in row.raw
    for secret in ("hunter2", "root_password", "s3cret-too", "\x1b"):
        assert secret not in row.raw
    assert "hunter2" not in repr(row)
    assert (await only(hub)).raw == ""


@pytest.mark.parametrize(
    ("kind", "parallel", "limit"), [("ReplicaSet", 0, None), ("Container", 1, None), ("Job", 3, 3)]
)
async def test_only_a_job_has_a_limit_of_instances_at_a_time(
    server: ScriptedServer, hub: GpuhubBackend, kind: str, parallel: int, limit: int | None
) -> None:
    server.on(DEPLOYMENTS, page([deployment(deployment_type=kind, parallelism_num=parallel, running_num=0)]))
    (row,) = await hub.deployments()
    assert row.parallelism == limit
    assert is_short(row), "a limit of 0 would mean that no instance is missing"
