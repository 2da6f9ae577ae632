"""Changes of container instances: verified, in the right order, sent once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.errors import (
    ConflictError,
    InvalidError,
    NoStockError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.models import Action, Phase, Ref
from tests.api.gpuhub.pro.accounts import VALUES, Account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account(monkeypatch)
    account.stock("5090-p", idle=True)
    return account


async def test_an_instance_is_powered_off_and_on(account: Account) -> None:
    row = await account.row("sdxl-lora")
    await account.backend.changes.stop(row.ref)
    account.place.wait(20)
    assert (await account.row("sdxl-lora")).phase is Phase.STOPPED
    await account.backend.changes.start(row.ref)
    account.place.wait(60)
    assert (await account.row("sdxl-lora")).phase is Phase.RUNNING
    assert (account.sent("power_off"), account.sent("power_on")) == (1, 1)


async def test_powering_off_what_starts_is_asked_again_once_when_it_runs(account: Account) -> None:
    ref = await account.create()
    await account.backend.changes.stop(ref)
    assert account.sent("power_off") == 2
    assert await account.status(ref) in ("shutting_down", "shutdown")


async def test_what_runs_is_powered_off_then_released_each_step_verified(account: Account) -> None:
    row = await account.row("sdxl-lora")
    assert account.backend.options(row, Action.DELETE) == {"stop_first"}
    with pytest.raises(ConflictError, match="can be released only when it is off; it is running"):
        await account.backend.changes.delete(row.ref)
    await account.backend.changes.delete(row.ref, stop_first=True)
    assert row.ref.id not in account.pool.instances
    assert account.steps == [(row.ref.id, Action.STOP), (row.ref.id, Action.DELETE)]
    assert (account.sent("power_off"), account.sent("release")) == (1, 1)


async def test_what_is_off_is_released_at_once(account: Account) -> None:
    row = await account.row("thesis")
    assert account.backend.options(row, Action.DELETE) == frozenset()
    await account.backend.changes.delete(row.ref)
    assert account.steps == []
    assert row.ref.id not in account.pool.instances


async def test_saving_powers_off_first_and_names_the_image(account: Account) -> None:
    row = await account.row("sdxl-lora")
    saved = await account.backend.changes.commit(row.ref, tag="lora-2", stop_first=True)
    assert saved.created is not None
    assert account.steps == [(row.ref.id, Action.STOP), (row.ref.id, Action.COMMIT)]
    images = {image.ref: image for image in await account.backend.images()}
    assert images[saved.created].name == "lora-2"


async def test_an_image_without_a_name_is_refused_before_anything_is_sent(account: Account) -> None:
    row = await account.row("sdxl-lora")
    assert account.backend.options(row, Action.COMMIT) == {"stop_first", "named"}
    with pytest.raises(InvalidError, match="an image needs a name"):
        await account.backend.changes.commit(row.ref, tag=" ", stop_first=True)
    assert account.sent("power_off") == 0


async def test_no_stock_is_an_error_of_its_own(account: Account) -> None:
    account.stock("5090-p", idle=False)
    with pytest.raises(NoStockError, match="no host with these GPUs is free now"):
        await account.create()
    off = await account.row("old-ablation")
    with pytest.raises(NoStockError):
        await account.backend.changes.start(off.ref)


@pytest.mark.parametrize("call", ["power_off", "release", "power_on"])
async def test_after_a_lost_answer_the_status_decides_and_nothing_is_sent_again(account: Account, call: str) -> None:
    row = await account.row({"power_off": "sdxl-lora", "release": "thesis", "power_on": "old-ablation"}[call])
    account.lost.add(call)
    match call:
        case "power_off":
            result = await account.backend.changes.stop(row.ref)
        case "release":
            result = await account.backend.changes.delete(row.ref)
        case _:
            result = await account.backend.changes.start(row.ref)
    assert result.message.startswith("No success was reported. ")
    assert account.sent(call) == 1


async def test_a_lost_request_has_an_unknown_outcome(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await account.row("sdxl-lora")
    account.lost.add("power_off")
    monkeypatch.setattr(account.pool, "power_off", lambda _: None)
    with pytest.raises(UnknownOutcomeError):
        await account.backend.changes.stop(row.ref)
    assert account.sent("power_off") == 1


async def test_a_create_whose_answer_was_lost_is_found_by_its_name(account: Account) -> None:
    prepared = account.backend.creators["instance"].prepare(VALUES)
    assert prepared.find is not None
    before = set(await prepared.find())
    account.lost.add("create")
    with pytest.raises(UnknownOutcomeError):
        await prepared.send()
    assert len(set(await prepared.find()) - before) == 1
    assert account.sent("create") == 1


async def test_what_was_released_elsewhere_is_not_found(account: Account) -> None:
    row = await account.row("thesis")
    account.pool.release(account.pool.instances[row.ref.id])
    with pytest.raises(NotFoundError):
        await account.backend.changes.start(row.ref)
    with pytest.raises(NotFoundError):
        await account.backend.fetch(row.ref)


async def test_a_power_off_that_shows_late_is_no_conflict(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await account.row("sdxl-lora")
    real = account.backend._pro_required().lists.status

    async def late(ref: Ref) -> str:
        status = await real(ref)
        return "running" if account.sent("power_off") < 2 and status == "shutting_down" else status

    monkeypatch.setattr("gputui.sim.gpuhub.instances.STOPPING", (60.0, 61.0))
    monkeypatch.setattr(account.backend._pro_required().lists, "status", late)
    result = await account.backend.changes.stop(row.ref)
    assert result.message == f"Instance {row.ref.id} is being powered off."
    assert account.sent("power_off") == 2


async def test_a_status_that_fails_after_an_accepted_power_off_is_read_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await account.create()
    real, running = account.backend._pro_required().lists.status, []

    async def failing(of: Ref) -> str:
        status = await real(of)
        if status == "running":
            running.append(status)
            if len(running) == 2:
                raise UnavailableError("no answer")
        return status

    monkeypatch.setattr(account.backend._pro_required().lists, "status", failing)
    await account.backend.changes.stop(ref)
    assert account.sent("power_off") == 2


async def test_what_could_not_be_created_is_released(account: Account) -> None:
    row = await account.row("thesis")
    instance = account.pool.instances[row.ref.id]
    instance.status = "create_failed"
    with pytest.raises(ConflictError, match="only when it is off"):  # the API decides
        await account.backend.changes.delete(row.ref)
    assert account.sent("release") == 1


async def test_a_release_without_effect_is_no_success(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await account.row("thesis")
    monkeypatch.setattr(account.pool, "release", lambda _: None)
    with pytest.raises(UnknownOutcomeError, match="still there though its release was accepted"):
        await account.backend.changes.delete(row.ref)
    assert account.sent("release") == 1


async def test_a_release_is_verified_by_the_list_where_the_status_stays(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await account.row("thesis")

    async def off(_: Ref) -> str:
        return "shutdown"

    monkeypatch.setattr(account.backend._pro_required().lists, "status", off)
    assert (await account.backend.changes.delete(row.ref)).message == f"Instance {row.ref.id} is released."


async def test_nothing_can_be_done_to_what_is_given_back(account: Account) -> None:
    row = await account.row("thesis")
    assert account.backend.actions(replace(row, status="released")) == frozenset()
