"""Creates whose ref the server names."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from gputui.errors import UnavailableError, UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.history.history import History
from gputui.models import Action, ActionResult, Outcome, Ref
from tests.fleet.cloud.hub import LOST, Hub
from tests.fleet.fakes import FakeBackend, FakeClock, running


async def test_a_dry_run_is_shown_and_nothing_is_sent(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, FakeBackend("lab")) as fleet:
        assert (hub.creators["deployment"].previews, fleet.creator("lab", "pod").previews) == (True, False)
        request = fleet.creator("hub", "deployment").prepare({"name": "new"}).request
        assert request is not None
        assert request().method == "POST"
    assert hub.calls[Action.CREATE] == 0


async def create(fleet: Fleet, clock: FakeClock) -> ActionResult:
    task = asyncio.ensure_future(fleet.create(fleet.creator("hub", "deployment").prepare({"name": "new"})))
    while not task.done():
        await asyncio.sleep(0.005)  # the audit log is written by a thread
        await clock.advance(1)
    return task.result()


async def test_an_unanswered_create_is_found_again_by_name(clock: FakeClock, hub: Hub, history: History) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.there, hub.made = [Ref("hub", "deployment", "older")], [Ref("hub", "deployment", "d9")]
    async with running(clock, hub, history=history) as fleet:
        result = await create(fleet, clock)
    assert result.created == Ref("hub", "deployment", "d9")
    assert hub.calls[Action.CREATE] == 1
    assert history.audit_log.entries()[0].outcome is Outcome.DONE


@pytest.mark.parametrize("made", [[], ["d8", "d9"]], ids=["nothing", "two"])
async def test_an_unclear_outcome_stays_unknown_and_is_not_sent_again(
    clock: FakeClock, hub: Hub, made: list[str]
) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.made = [Ref("hub", "deployment", name) for name in made]
    async with running(clock, hub) as fleet:
        with pytest.raises(UnknownOutcomeError, match="new is not in the list"):
            await create(fleet, clock)
    assert hub.calls[Action.CREATE] == 1


async def test_a_create_is_not_sent_when_what_is_there_cannot_be_read(
    clock: FakeClock, hub: Hub, history: History
) -> None:
    hub.errors["find"] = UnavailableError("hub: no answer.")
    async with running(clock, hub, history=history) as fleet:
        with pytest.raises(UnavailableError):
            await create(fleet, clock)
    assert (hub.calls[Action.CREATE], history.audit_log.entries()) == (0, [])


async def test_a_look_that_fails_is_followed_by_another(clock: FakeClock, hub: Hub) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.made = [Ref("hub", "deployment", "d9")]
    find = hub.find_created
    looks = 0

    async def stumble(kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise UnavailableError("hub: no answer.")
        return await find(kind, values)

    hub.find_created = stumble  # type: ignore[method-assign]  # one answer in between fails
    async with running(clock, hub) as fleet:
        assert (await create(fleet, clock)).created == Ref("hub", "deployment", "d9")
    assert looks == 3
