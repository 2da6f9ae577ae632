"""Container instances as rows: list and snapshots together, times, money, secrets, and what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gputui.api.gpuhub.mapping import Scope
from gputui.api.gpuhub.pro import mapping
from gputui.api.gpuhub.pro.lists import SNAPSHOT_AGE, STOPPED_SNAPSHOT_AGE
from gputui.api.gpuhub.pro.mapping import phase_of
from gputui.api.gpuhub.schema import RowNotes
from gputui.models import Action, Instance, Money, PartialRows, Phase, Ref, Resource, Secret
from gputui.models.serialize import to_plain
from gputui.sim.gpuhub import instance_api
from gputui.sim.gpuhub.default_world import _AUTODL as COMPANY
from gputui.sim.gpuhub.plans import InitialInstance
from tests.api.gpuhub.pro.accounts import PLAN, Account

SCOPE = Scope("autodl", "CNY")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


async def test_a_personal_account_lists_its_instances_and_no_containers(account: Account) -> None:
    rows = await account.backend.instances()
    assert {(row.name, row.phase) for row in rows} == {
        ("sdxl-lora", Phase.RUNNING),
        ("paper-eval", Phase.RUNNING),
        ("notebook", Phase.PENDING),
        ("thesis", Phase.STOPPED),
        ("old-ablation", Phase.STOPPED),
    }
    assert account.backend.denial(Resource.INSTANCES) is None
    assert account.backend.denial(Resource.DEPLOYMENTS) is not None


async def test_what_runs_has_price_usage_login_and_addresses(account: Account) -> None:
    row = await account.row("paper-eval")
    assert (row.gpu_model, row.gpu_count, row.price) == ("RTX PRO 6000", 2, Money(Decimal("11.96"), "CNY"))
    assert row.usage is not None
    assert row.usage.cpu is not None
    assert row.ssh is not None
    assert (row.ssh.host, row.ssh.password is not None) == ("127.0.0.1", True)
    assert [(one.port, one.name) for one in row.services] == [(8888, "Jupyter"), (6006, ""), (6008, "")]
    assert all(one.url.startswith("https://") for one in row.services)
    assert row.disk_size == 230 * 2**30


async def test_what_is_off_costs_nothing_and_says_when_it_is_released(account: Account) -> None:
    row = await account.row("old-ablation")
    assert (row.price, row.usage, row.ssh, row.services) == (None, None, None, ())
    assert row.stopped_at is not None
    assert row.release_at == row.stopped_at + timedelta(days=15)
    assert (await account.row("sdxl-lora")).release_at is None


async def test_the_image_comes_while_it_is_created(account: Account) -> None:
    first = (await account.row("notebook")).progress
    account.place.wait(3)
    second = (await account.row("notebook")).progress
    assert first is not None
    assert second is not None
    assert 0 <= first < second <= 1


async def test_no_secret_leaves_with_a_row(account: Account) -> None:
    row = await account.row("sdxl-lora")
    password = account.pool.instances[row.ref.id].password
    full = await account.backend.fetch(row.ref)
    assert isinstance(full, Instance)
    assert full.raw
    for text in (str(to_plain(row)), full.raw, repr(row)):
        assert password not in text
        assert "jupyter-pro" not in text


async def test_snapshots_are_requested_again_when_the_status_changed_or_they_are_old(account: Account) -> None:
    await account.backend.instances()
    account.requests.clear()
    account.place.wait(STOPPED_SNAPSHOT_AGE)
    rows = await account.backend.instances()
    assert account.sent("snapshot") == 5  # all are older by now
    account.requests.clear()
    await account.backend.instances()
    assert account.sent("snapshot") == 0
    account.place.wait(SNAPSHOT_AGE)
    await account.backend.instances()
    stopped = sum(row.phase is Phase.STOPPED for row in rows)
    assert 0 < stopped < 5
    assert account.sent("snapshot") == 5 - stopped, "nothing moves in the snapshot of one that is stopped"


async def test_a_snapshot_that_fails_spoils_its_row_alone(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = await account.backend.instances()
    gone = next(row for row in rows if row.name == "sdxl-lora")
    real = account.backend._pro_required().lists._ask_snapshot

    async def failing(uuid: str, *, raw: bool = False) -> object:
        if uuid == gone.ref.id:
            account.refused.add("snapshot")
        try:
            return await real(uuid, raw=raw)
        finally:
            account.refused.discard("snapshot")

    monkeypatch.setattr(account.backend._pro_required().lists, "_ask_snapshot", failing)
    account.place.wait(SNAPSHOT_AGE + 1)
    listed = await account.backend.instances()
    assert isinstance(listed, PartialRows)
    problems = {row.name: row.problem for row in listed if row.problem}
    assert list(problems) == ["sdxl-lora"]
    assert next(row for row in listed if row.name == "sdxl-lora").usage is None


async def test_a_login_reads_port_and_password_of_now(account: Account) -> None:
    row = await account.row("sdxl-lora")
    instance = account.pool.instances[row.ref.id]
    account.pool.power_off(instance)
    account.place.wait(20)
    account.pool.power_on(instance)
    account.place.wait(60)
    target = await account.backend.ssh_target(row.ref)
    assert instance.pod is not None
    assert (target.port, target.password and target.password.reveal()) == (
        instance.pod.host_ports[22],
        instance.password,
    )


async def test_a_login_to_what_has_just_started_awaits_its_address(account: Account) -> None:
    row = await account.row("sdxl-lora")
    instance = account.pool.instances[row.ref.id]
    account.pool.power_off(instance)
    account.place.wait(20)
    account.pool.power_on(instance)
    while instance.status != "running":
        account.place.wait(0.5)
    started = await account.row("sdxl-lora")
    assert started.ssh is None
    assert Action.SSH in account.backend.actions(started)
    assert (await account.backend.ssh_target(row.ref)).password == Secret(instance.password)
    assert (await account.row("sdxl-lora")).ssh is not None


@pytest.mark.parametrize(
    ("status", "phase"),
    [("creating", Phase.PENDING), ("create_failed", Phase.FAILED), ("hibernating", Phase.UNKNOWN)],
)
def test_statuses_have_phases_and_unknown_ones_stay_unknown(status: str, phase: Phase) -> None:
    assert phase_of(status) is phase


async def test_many_instances_are_listed_with_all_their_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tuple(InitialInstance(f"box-{number}", "5090-p", "shutdown", 3600.0) for number in range(150))
    account = Account(monkeypatch, replace(PLAN, instances=many))
    rows = await account.backend.instances()
    assert (len(rows), account.sent("snapshot")) == (150, 150)
    assert account.sent("list") == 2


async def test_what_started_since_the_list_has_no_time_of_release(account: Account) -> None:
    row = await account.row("old-ablation")
    assert row.release_at is not None
    account.stock("5090-p", idle=True)
    instance = account.pool.instances[row.ref.id]
    for machine in account.pool.machines[instance.order.spec.uuid]:
        machine.others = 0
    account.pool.power_on(instance)
    account.place.wait(60)
    now = await account.backend.fetch(row.ref)
    assert isinstance(now, Instance)
    assert (now.phase, now.release_at, now.stopped_at) == (Phase.RUNNING, None, None)
    assert now.started_at is not None


async def test_a_status_with_a_detail_is_the_one_of_the_list(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = instance_api._row
    monkeypatch.setattr(instance_api, "_row", lambda instance: {**real(instance), "sub_status": "pulling"})
    row = await account.row("paper-eval")
    account.requests.clear()
    fetched = await account.backend.fetch(row.ref)
    assert isinstance(fetched, Instance)
    assert (fetched.status, fetched.started_at) == ("running (pulling)", row.started_at)
    assert account.sent("list") == 0


async def test_no_byte_of_a_status_word_reaches_the_terminal_raw(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await account.row("paper-eval")
    account.pool.instances[row.ref.id].status = "odd\x1b[2J"
    monkeypatch.setattr(account.pool, "instances", {row.ref.id: account.pool.instances[row.ref.id]})
    fetched = await account.backend.fetch(row.ref)
    assert isinstance(fetched, Instance)
    assert (fetched.phase, "\x1b" in fetched.status) == (Phase.UNKNOWN, False)


@pytest.mark.parametrize("wrong", [{"valid": False}, {"pull_image_progress": 45.0}, {"pull_image_progress": -1}])
async def test_the_progress_of_an_earlier_image_or_of_none_is_not_shown(
    account: Account, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object]
) -> None:
    real = instance_api._usage
    monkeypatch.setattr(instance_api, "_usage", lambda *given: {**real(*given), **wrong})
    assert (await account.row("notebook")).progress is None


async def test_a_status_that_the_list_does_not_have_yet_counts(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await account.row("old-ablation")

    async def started(_: Ref) -> str:
        return "starting"

    monkeypatch.setattr(account.backend._pro_required().lists, "status", started)
    fetched = await account.backend.fetch(row.ref)
    assert isinstance(fetched, Instance)
    assert (fetched.phase, fetched.name, fetched.release_at) == (Phase.PENDING, "old-ablation", None)


async def test_a_row_whose_snapshot_is_not_found_says_so(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = account.backend._pro_required().lists
    real = lists._page

    async def released_meanwhile(index: int, size: int = 100) -> object:
        page = await real(index, size)
        account.pool.instances.pop(next(row.ref.id for row in page.rows if row.name == "thesis"), None)
        return page

    monkeypatch.setattr(lists, "_page", released_meanwhile)
    problems = {row.name: row.problem for row in await account.backend.instances() if row.problem}
    assert problems == {"thesis": "no snapshot: it may have been released"}


async def test_the_host_of_applications_has_instances_and_their_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root = "/api/v1/adl_dev/dev/instance/pro"
    account = Account(monkeypatch, preset="autodl-art", root=root)
    await account.backend.identify()
    row = await account.row("sdxl-lora")
    assert row.price is not None
    await account.backend.changes.stop(row.ref)
    assert await account.backend.images()
    assert set(account.backend.listers) == {Resource.INSTANCES, Resource.IMAGES}
    assert set(account.backend.creators) == {"instance"}
    assert all(path.startswith(f"{root}/") for path in account.paths)


async def test_a_login_is_read_from_host_and_port_as_well() -> None:
    listed = mapping.to_listed(SCOPE, {"uuid": "pro-1", "status": "running"}, RowNotes())
    full = mapping.with_snapshot(SCOPE, listed, {"proxy_host": "connect.example.com", "ssh_port": 34567}, RowNotes())
    assert full.ssh is not None
    assert (full.ssh.user, full.ssh.host, full.ssh.port) == ("root", "connect.example.com", 34567)


@pytest.mark.parametrize("call", ["/api/v1/dev/deployment/list", "list"])
async def test_of_containers_and_instances_those_that_cannot_be_read_are_as_they_were(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(monkeypatch, replace(COMPANY, quiet=True))
    before = {row.ref: row for row in await account.backend.instances()}
    account.backend._lists.forget()
    account.refused.add(call)
    after = await account.backend.instances()
    assert isinstance(after, PartialRows)
    assert {row.ref: row.price for row in after} == {ref: row.price for ref, row in before.items()}
    kind = "container" if "deployment" in call else "instance"
    assert {row.ref.kind for row in after if row.problem} == {kind}
    assert [one.kind for one in after.missing] == [kind]
