"""Creating something: marked until it is listed, looked for when the answer was lost."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import (
    InvalidError,
    UnknownOutcomeError,
)
from gputui.history.history import History
from gputui.models import Action, Outcome, Ref
from tests.fleet.acting import INSTANCES, LOST, only
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle


async def test_creating_marks_what_will_be_and_logs_no_secrets(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    new = Ref("lab", "pod", "new")
    async with running(clock, lab, history=history) as fleet:
        assert (await fleet.creator("lab", "pod").form()).kind == "pod"
        with pytest.raises(InvalidError) as caught:
            await fleet.create(fleet.creator("lab", "pod").prepare({}))
        assert caught.value.fields == {"name": "is missing"}
        values = {"name": "new", "image": "cuda", "root_password": "hunter2", "env": "HF_TOKEN=hunter2"}
        lab.effects[Action.CREATE] = [pod("lab", "main"), pod("lab", "new", "created")]
        result = await fleet.create(fleet.creator("lab", "pod").prepare(values))
        assert result.created == new
        await settle()
        assert fleet.get(new) is not None
        assert fleet.mutations.pending(new) is None
    assert only(history).ref == "lab/pod/new"
    assert only(history).summary == "create new: name=new, image=cuda, root_password=…, env=…"


async def test_a_create_whose_answer_was_lost_is_found_in_the_list(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.CREATE] = LOST
    lab.effects[Action.CREATE] = [pod("lab", "main"), pod("lab", "new", "created")]
    async with running(clock, lab, history=history) as fleet:
        result = await fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"}))
        assert result.created == Ref("lab", "pod", "new")
        assert "has been created" in result.message
    assert lab.calls[Action.CREATE] == 1
    assert only(history).outcome is Outcome.DONE


async def test_a_create_that_is_not_in_the_list_stays_unknown(
    clock: FakeClock, lab: FakeBackend, history: History
) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab, history=history) as fleet:
        with pytest.raises(UnknownOutcomeError, match="is not in the list") as caught:
            await fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"}))
        assert "before you try again" in caught.value.hint
        assert fleet.mutations.pending(Ref("lab", "pod", "new")) is None
    assert lab.calls[Action.CREATE] == 1
    assert only(history).outcome is Outcome.UNKNOWN


async def test_something_of_that_name_from_before_does_not_prove_that_it_was_created(
    clock: FakeClock, lab: FakeBackend
) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.create(fleet.creator("lab", "pod").prepare({"name": "main"}))


async def test_looking_for_what_was_created_does_not_wait_for_ever(clock: FakeClock, lab: FakeBackend) -> None:
    lab.errors[Action.CREATE] = LOST
    async with running(clock, lab) as fleet:
        held = lab.hold(INSTANCES)
        task = asyncio.ensure_future(fleet.create(fleet.creator("lab", "pod").prepare({"name": "new"})))
        await clock.advance(14)
        assert not task.done()
        await clock.advance(2)
        with pytest.raises(UnknownOutcomeError):
            await task
        held.set()
