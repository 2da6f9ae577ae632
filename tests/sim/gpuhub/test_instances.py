"""Container instances of a simulated cloud: their states, refusals and what changes with a power cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from gputui.sim.gpuhub.api import GpuhubApi
from gputui.sim.gpuhub.default_world import PERSONAL
from gputui.sim.gpuhub.entities import Machine
from gputui.sim.gpuhub.instances import (
    NO_STOCK,
    NOT_OFF_TO_RELEASE,
    NOT_OFF_TO_SAVE,
    NOT_OFF_TO_START,
    RELEASED_AFTER,
    SPECS,
    STOPPING_ALREADY,
)
from tests.sim.gpuhub.clouds import Hub, Place

PLAN = replace(PERSONAL, models=(), instances=(), quiet=True)
ORDER = {
    "req_gpu_amount": 1,
    "expand_system_disk_by_gb": 50,
    "gpu_spec_uuid": "5090-p",
    "image_uuid": "base-image-l2t43iu6uk",
    "cuda_v_from": 118,
    "instance_name": "try",
}


class Cloud:
    """One personal account, whose time a test moves."""

    def __init__(self) -> None:
        self.place = Place(PLAN)
        self.pool = self.place.cloud.pool
        app = GpuhubApi(self.place.cloud).app
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sim")
        self.hub = Hub(self.http, PLAN.token)
        for machine in self.machines("5090-p"):
            machine.others = 0

    def machines(self, spec: str) -> list[Machine]:
        return self.pool.machines[spec]

    async def post(self, call: str, **body: Any) -> Any:
        return await self.hub.data("POST", f"instance/pro/{call}", body)

    async def refused(self, call: str, **body: Any) -> tuple[str, str]:
        return await self.hub.refused("POST", f"instance/pro/{call}", body)

    async def snapshot(self, uuid: str) -> dict[str, Any]:
        found = await self.hub.data("GET", f"instance/pro/snapshot?instance_uuid={uuid}")
        assert isinstance(found, dict)
        return found

    async def status(self, uuid: str) -> Any:
        return await self.hub.data("GET", f"instance/pro/status?instance_uuid={uuid}")

    async def row(self) -> dict[str, Any]:
        page = await self.post("list", page_index=1, page_size=100)
        row: dict[str, Any] = page["list"][0]
        return row

    async def created(self, **more: Any) -> str:
        uuid = await self.post("create", **{**ORDER, **more})
        assert isinstance(uuid, str)
        return uuid

    async def running(self, **more: Any) -> str:
        uuid = await self.created(**more)
        self.place.wait(60)
        assert await self.status(uuid) == "running"
        return uuid

    async def off(self) -> str:
        uuid = await self.running()
        await self.post("power_off", instance_uuid=uuid)
        self.place.wait(15)
        assert await self.status(uuid) == "shutdown"
        return uuid


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


async def test_an_instance_starts_by_itself_and_its_ssh_server_answers_some_seconds_later(cloud: Cloud) -> None:
    uuid = await cloud.created()
    assert uuid.startswith("pro-")
    assert len(uuid) == 16
    seen, usage = [], []
    for _ in range(120):
        status = await cloud.status(uuid)
        found = await cloud.snapshot(uuid)
        usage.append(found["usage_info"]["pull_image_progress"])
        seen.append((status, bool(found["ssh_command"])))
        cloud.place.wait(0.5)
    assert list(dict.fromkeys(seen)) == [
        ("creating", False),
        ("starting", False),
        ("running", False),
        ("running", True),
    ]
    assert usage[0] < usage[5] <= usage[-1] == 1


async def test_a_row_has_neither_price_nor_ssh_and_times_that_may_be_none(cloud: Cloud) -> None:
    await cloud.running()
    row = await cloud.row()
    assert not {"price", "payg_price", "ssh_command", "snapshot_gpu_alias_name"} & set(row)
    assert (row["started_at"]["Valid"], row["stopped_at"]) == (True, {"Time": "0001-01-01T00:00:00Z", "Valid": False})
    assert row["region_sign"] not in PLAN.regions


async def test_a_snapshot_has_the_price_of_the_whole_instance_while_it_runs(cloud: Cloud) -> None:
    uuid = await cloud.running(req_gpu_amount=2)
    on = await cloud.snapshot(uuid)
    await cloud.post("power_off", instance_uuid=uuid)
    cloud.place.wait(15)
    off = await cloud.snapshot(uuid)
    assert (on["payg_price"], on["origin_pay_price"], off["payg_price"]) == (5960, 7960, 0)
    assert (on["usage_info"]["valid"], off["usage_info"]["valid"]) == (True, False)
    assert off["ssh_command"] == off["root_password"] == ""


async def test_the_snapshot_and_the_status_take_a_query_alone(cloud: Cloud) -> None:
    uuid = await cloud.created()
    for call in ("snapshot", "status"):
        wrong = await cloud.hub.refused("GET", f"instance/pro/{call}", {"instance_uuid": uuid})
        assert wrong == ("RequestParameterIsWrong", "请求参数错误")


async def test_what_needs_an_instance_that_is_off_is_refused_until_it_is(cloud: Cloud) -> None:
    uuid = await cloud.running()
    assert await cloud.refused("release", instance_uuid=uuid) == ("BadRequest", NOT_OFF_TO_RELEASE)
    assert await cloud.refused("power_on", instance_uuid=uuid, payload="gpu") == ("BadRequest", NOT_OFF_TO_START)
    save = {"instance_uuid": uuid, "image_name": "mine"}
    assert await cloud.refused("image/save", **save) == ("InternalError", NOT_OFF_TO_SAVE)
    await cloud.post("power_off", instance_uuid=uuid)
    assert await cloud.refused("power_off", instance_uuid=uuid) == ("BadRequest", STOPPING_ALREADY)
    assert await cloud.refused("release", instance_uuid=uuid) == ("BadRequest", NOT_OFF_TO_RELEASE)
    cloud.place.wait(15)
    image = (await cloud.post("image/save", **save))["image_uuid"]
    images = [one for one in await cloud.hub.rows("instance/pro/image/private/list") if one["image_uuid"] == image]
    assert [(one["name"], one["status"]) for one in images] == [("mine", "saving")]
    await cloud.post("release", instance_uuid=uuid)
    assert await cloud.refused("power_off", instance_uuid=uuid) == ("RecordNotFoundError", "未查询到相关实例")


async def test_powering_off_what_starts_succeeds_and_does_nothing(cloud: Cloud) -> None:
    uuid = await cloud.created()
    await cloud.post("power_off", instance_uuid=uuid)
    cloud.place.wait(60)
    assert await cloud.status(uuid) == "running"


async def test_a_power_cycle_may_change_port_and_password(cloud: Cloud) -> None:
    uuid = await cloud.off()
    logins = set()
    for _ in range(8):
        await cloud.post("power_on", instance_uuid=uuid, payload="gpu")
        cloud.place.wait(60)
        found = await cloud.snapshot(uuid)
        logins.add(found["root_password"])
        await cloud.post("power_off", instance_uuid=uuid)
        cloud.place.wait(15)
    assert 1 < len(logins) < 8


async def test_stock_runs_out_for_creates_and_for_starts(cloud: Cloud) -> None:
    uuid = await cloud.off()
    for machine in cloud.machines("5090-p"):
        machine.others = machine.gpus
    assert await cloud.refused("create", **ORDER) == ("InternalError", NO_STOCK)
    assert await cloud.refused("power_on", instance_uuid=uuid, payload="gpu") == ("InternalError", NO_STOCK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gpu_spec_uuid": "6090-p"},
        {"req_gpu_amount": 5},
        {"expand_system_disk_by_gb": 501},
        {"image_uuid": "image-0000000000"},
        {"data_center_list": ["beijingDC1"]},
        {"data_center_list": ["bj-B1"]},
        {"cuda_v_from": None},
    ],
)
async def test_a_wrong_field_is_not_named(cloud: Cloud, wrong: dict[str, Any]) -> None:
    assert await cloud.refused("create", **{**ORDER, **wrong}) == ("RequestParameterIsWrong", "请求参数错误")


async def test_other_modes_than_with_gpus_are_refused(cloud: Cloud) -> None:
    uuid = await cloud.off()
    mode = await cloud.refused("power_on", instance_uuid=uuid, payload="non_gpu")
    assert mode == ("ServerError", "不支持的启动模式")


async def test_creating_needs_verification_and_money(cloud: Cloud) -> None:
    cloud.pool.verified = False
    assert (await cloud.refused("create", **ORDER))[0] == "TORealName"
    cloud.pool.verified, ledger = True, cloud.place.cloud.ledger
    ledger.assets = ledger.vouchers = 0
    assert "余额" in (await cloud.refused("create", **ORDER))[1]


async def test_what_was_off_for_fifteen_days_is_released(cloud: Cloud) -> None:
    uuid = await cloud.off()
    cloud.place.wait(RELEASED_AFTER, step=86400)
    assert uuid not in cloud.pool.instances


async def test_an_hour_is_billed_while_it_runs(cloud: Cloud) -> None:
    ledger = cloud.place.cloud.ledger
    uuid = await cloud.running()
    ledger.settle(cloud.place.world.time)
    before = ledger.spent
    cloud.place.wait(3600, step=60)
    ledger.settle(cloud.place.world.time)
    assert ledger.spent - before == pytest.approx(SPECS["5090-p"].price)
    await cloud.post("power_off", instance_uuid=uuid)
    spent = ledger.spent
    cloud.place.wait(3600, step=60)
    ledger.settle(cloud.place.world.time)
    assert ledger.spent == pytest.approx(spent)


async def test_the_shared_disk_of_a_region_is_mounted_and_unmounted(cloud: Cloud) -> None:
    for mountable, mounted in ((1, {"beijingDC2"}), (-1, set())):
        await cloud.hub.data("POST", "exclusive_nfs/mount", {"data_center": "beijingDC2", "mountable": mountable})
        assert cloud.place.cloud.mounted == mounted


async def test_the_usual_accounts_have_instances_in_every_state() -> None:
    pool = Place(replace(PERSONAL, quiet=True)).cloud.pool
    assert {one.status for one in pool.instances.values()} == {"running", "creating", "shutdown"}
