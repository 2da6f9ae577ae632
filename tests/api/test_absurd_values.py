"""Values that no API documents, in one row: the row may suffer, the others stay, and all can be shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from gputui.api.capabilities import Backend
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.pody.backend import PodyBackend
from gputui.api.yotta.backend import YottaBackend
from gputui.errors import ProtocolError
from gputui.models import Resource
from gputui.models.serialize import from_plain, to_plain
from gputui.presentation.columns.lists import table_columns
from tests.api import recorded
from tests.api.conftest import FakeTime, pody_account
from tests.api.deepdock import server as deepdock
from tests.api.gpuhub import server as gpuhub
from tests.api.server import Reply, ScriptedServer
from tests.api.yotta import server as yotta

ABSURD = (
    "NaN",
    "-Infinity",
    "1e999",
    "1e300",
    "9" * 400,
    "9223372036854775807",
    "-1",
    "[]",
    '""',
    '"1e999"',
    '"9999-12-31T23:59:59-23:59"',
    '"' + "9" * 5000 + '"',
    '"\\ud800\\u0000\\u202e"',
    '[{"a": [1e999]}]',
)

PODY, DOCK, HUB, YOTTA = "pody", "deepdock", "gpuhub", "yotta"

STOCK_ROW = {"idle_gpu_num": 2, "total_gpu_num": 8, "gpu_name": "RTX 5090"}
BLOCK = {
    "data_center": "sgp1",
    "expired_time": "2026-12-01T00:00:00+08:00",
    "machine_id": "f94411a60c",
    "msg": "slow",
    "created_at": "2026-11-20T16:42:00+08:00",
}
PACKAGE = {"gpu_type": "RTX 5090", "total": 7200, "balance": "3600", "dc_list": "sgp1"}
HUB_IMAGE = {
    "id": 1,
    "image_uuid": "image-1",
    "image_name": "mine",
    "image_size": 7,
    "created_at": BLOCK["created_at"],
}
VOLUME = {
    "id": 3,
    "name": "data",
    "type": "CEPH",
    "storageType": "CEPH",
    "status": "active",
    "sizeInGb": 100,
    "mountCount": 0,
    "region": "us-east-1",
    "price": 0.01,
    "createdAt": 1764000000000,
}
TASK = {
    "taskId": "t1",
    "status": "SUCCESS",
    "input": {"prompt": "x"},
    "output": {"y": 1},
    "createdAt": 1764000000000,
    "finishedAt": 1764000001000,
    "workerUrl": "http://w",
}


def hub_page(row: object, other: object) -> object:
    return {"code": "Success", "data": {"list": [row, other], "page_index": 1, "max_page": 1, "result_total": 2}}


def yotta_page(row: object, other: object) -> object:
    data = {"items": [row, other], "page": 1, "size": 100, "total": 2, "pages": 1}
    return {"code": 10000, "message": "", "data": data}


def plain(row: object, other: object) -> object:
    return {"code": 10000, "message": "", "data": [row, other]}


CASES: Mapping[str, tuple[str, str, Resource, Mapping[str, Any], Mapping[str, Any], Any]] = {
    "pody pod": (PODY, "/pod/inspect", Resource.INSTANCES, recorded.pod(), {}, lambda row, _: row),
    "pody process": (
        *(PODY, "/host/gpu-ps", Resource.PROCESSES, recorded.process(), recorded.process(7)),
        lambda row, other: {"0": [row], "1": [other]},
    ),
    "pody gpu": (
        *(PODY, "/host/gpu-ps", Resource.GPUS, recorded.process(), recorded.process(7)),
        lambda row, other: {"0": [row], "1": [other]},
    ),
    "dock container": (
        *(DOCK, "/containers", Resource.INSTANCES, deepdock.container("a", ssh_port=7), deepdock.container("b")),
        lambda row, other: {"containers": [row, other]},
    ),
    "dock image": (
        *(DOCK, "/images", Resource.IMAGES, deepdock.IMAGES["images"][0], deepdock.IMAGES["images"][1]),  # type: ignore[index]  # a list
        lambda row, other: {"count": 2, "images": [row, other]},
    ),
    "dock sample": (
        *(DOCK, "/metrics/gpus", Resource.GPUS, deepdock.SERIES["0"][0], deepdock.SERIES["0"][1]),
        lambda row, other: {"0": [row, other], "1": [other]},
    ),
    "dock host": (DOCK, "/metrics", Resource.HOSTS, deepdock.METRICS, {}, lambda row, _: row),
    "hub container": (
        *(HUB, gpuhub.CONTAINERS, Resource.INSTANCES, gpuhub.container()),
        *(gpuhub.container(f"{gpuhub.LLM}-f94411a60c-2"), hub_page),
    ),
    "hub deployment": (
        *(HUB, gpuhub.DEPLOYMENTS, Resource.DEPLOYMENTS, gpuhub.deployment(), gpuhub.deployment("u2", "b"), hub_page),
    ),
    "hub stock": (
        *(HUB, gpuhub.STOCK, Resource.STOCK, STOCK_ROW, {**STOCK_ROW, "gpu_name": "L4"}),
        lambda row, other: {"code": "Success", "data": [{"RTX 5090": row}, {"L4": other}]},
    ),
    "hub block": (
        *(HUB, gpuhub.BLACKLIST, Resource.BLACKLIST, BLOCK, {**BLOCK, "machine_id": "other"}),
        lambda row, other: {"code": "Success", "data": [row, other]},
    ),
    "hub package": (
        *(HUB, gpuhub.PACKAGES, Resource.PACKAGES, PACKAGE, {**PACKAGE, "gpu_type": "L4"}),
        lambda row, other: {"code": "Success", "data": [row, other]},
    ),
    "hub image": (HUB, gpuhub.IMAGES, Resource.IMAGES, HUB_IMAGE, {**HUB_IMAGE, "image_uuid": "image-2"}, hub_page),
    "hub event": (
        HUB,
        gpuhub.EVENTS,
        Resource.EVENTS,
        {"deployment_container_uuid": gpuhub.FIRST, "status": "running", "created_at": BLOCK["created_at"]},
        {"deployment_container_uuid": gpuhub.FIRST, "status": "starting", "created_at": "2026-11-20T16:42:30+08:00"},
        hub_page,
    ),
    "yotta pod": (YOTTA, yotta.PODS, Resource.INSTANCES, yotta.pod(), yotta.pod(102), plain),
    "yotta vm": (YOTTA, yotta.VMS, Resource.INSTANCES, yotta.vm(), yotta.vm(8), yotta_page),
    "yotta worker": (
        *(YOTTA, f"{yotta.ENDPOINTS}/e1/workers", Resource.INSTANCES, yotta.worker(), yotta.worker("w-2"), plain),
    ),
    "yotta endpoint": (YOTTA, yotta.ENDPOINTS, Resource.DEPLOYMENTS, yotta.endpoint(), yotta.endpoint("e2"), plain),
    "yotta type": (
        *(YOTTA, yotta.TYPES, Resource.STOCK, yotta.vm_type(), yotta.vm_type("H200", ("x", True, 1)), plain),
    ),
    "yotta volume": (YOTTA, "/v2/volumes", Resource.VOLUMES, VOLUME, {**VOLUME, "id": 4}, yotta_page),
    "yotta task": (
        *(YOTTA, f"{yotta.ENDPOINTS}/e1/tasks", Resource.TASKS, TASK, {**TASK, "taskId": "t2"}, yotta_page),
    ),
    "yotta credential": (
        YOTTA,
        "/v2/container-registry-auths",
        Resource.CREDENTIALS,
        {"id": 1, "name": "hub", "type": "DOCKER_HUB", "createdAt": "2025-11-24T16:00:00Z"},
        {"id": 2, "name": "ghcr"},
        plain,
    ),
}


@pytest.fixture
async def opened(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[dict[str, Backend]]:
    recorded.script(server, (0, 4, 1), {"main": recorded.pod()})
    deepdock.script(server)
    gpuhub.script(server)
    yotta.script(server)
    server.on(f"{yotta.ENDPOINTS}/e1/tasks/count", yotta.ok({"processing": 1}))
    clocks: Any = {"sleep": fake_time.sleep, "monotonic": fake_time.monotonic}
    made: dict[str, Backend] = {
        PODY: PodyBackend(pody_account(server.url), **clocks),
        DOCK: DeepdockBackend(deepdock.deepdock_account(server.url), **clocks),
        HUB: GpuhubBackend(gpuhub.gpuhub_account(server.url), **clocks),
        YOTTA: YottaBackend(yotta.yotta_account(server.url), **clocks),
    }
    yield made
    for backend in made.values():
        await backend.aclose()


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the way to every value inside an answer's row."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoiled(row: Mapping[str, Any], path: tuple[object, ...]) -> dict[str, Any]:
    """Return the row with a mark in that place."""
    copy: dict[str, Any] = json.loads(json.dumps(row))
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = "@absurd@"
    return copy


@pytest.mark.parametrize("case", CASES)
async def test_one_absurd_value_spoils_no_more_than_its_row(
    server: ScriptedServer, opened: dict[str, Backend], fake_time: FakeTime, case: str
) -> None:
    kind, path, resource, row, other, answer = CASES[case]
    lister = opened[kind].listers[resource]
    server.on(path, Reply(200, json.dumps(answer({}, other)).encode()))
    fake_time.now += 100
    others = {each.ref for each in await lister() if not getattr(each, "problem", None)} if other else set()
    columns = table_columns(resource)
    wrong: list[str] = []
    for number, place in enumerate(places(row)):
        template = json.dumps(answer(spoiled(row, place), other))
        for value in ABSURD[number % 2 :: 2]:
            server.on(path, Reply(200, template.replace('"@absurd@"', value).encode()))
            fake_time.now += 100
            where = f"{'.'.join(map(str, place))} = {value[:30]}"
            try:
                rows = await lister()
                show(rows, columns)
            except ProtocolError as error:
                if other:  # else it is the only row
                    wrong.append(f"{where}: {error}")
                continue
            except Exception as error:  # noqa: BLE001  (all of them, at once)
                wrong.append(f"{where}: {type(error).__name__}: {str(error)[:200]}")
                continue
            if resource is not Resource.EVENTS and not others <= {each.ref for each in rows}:
                wrong.append(f"{where}: {len(rows)} rows")
    assert not wrong, "\n".join(wrong)


def show(rows: Any, columns: Any) -> None:
    """Write rows as every command does."""
    for row in rows:
        for column in columns:
            assert column.plain_cell(row).isprintable()
        data = json.loads(json.dumps(to_plain(row), allow_nan=False))
        from_plain(type(row), data)


OVERDRAWN = (".balance = -1",)
"""The hours of a package that were used beyond it are below zero."""


def _is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdecimal())


def _at(row: object, path: tuple[object, ...]) -> object:
    inner: Any = row
    for key in path:
        inner = inner[key]
    return inner


def _below_zero(value: object, path: str = "") -> Iterator[str]:
    """Yield the places of negative numbers in a row as it is written."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _below_zero(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _below_zero(inner, path)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        yield f"{path} = {value}"


@pytest.mark.parametrize("case", CASES)
async def test_no_count_size_or_price_is_below_zero(
    server: ScriptedServer, opened: dict[str, Backend], fake_time: FakeTime, case: str
) -> None:
    kind, path, resource, row, other, answer = CASES[case]
    wrong: list[str] = []
    for place in places(row):
        if not _is_number(_at(row, place)):
            continue
        template = json.dumps(answer(spoiled(row, place), other))
        server.on(path, Reply(200, template.replace('"@absurd@"', "-1").encode()))
        fake_time.now += 100
        try:
            rows = await opened[kind].listers[resource]()
        except ProtocolError:
            continue  # it is the only row
        found = [where for each in rows for where in _below_zero(to_plain(each)) if where not in OVERDRAWN]
        wrong += [f"{'.'.join(map(str, place))}: {where}" for where in found]
    assert not wrong, "\n".join(wrong)
