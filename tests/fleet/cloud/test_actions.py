"""Actions of a cloud: replicas, blocks, options of a stop."""

from __future__ import annotations

import pytest

from gputui.errors import InvalidError
from gputui.history.history import History
from gputui.models import Action, Ref
from tests.fleet.cloud.hub import DEPLOYMENTS, FIRST, INSTANCES, TRAIN, Hub
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running, settle


@pytest.mark.parametrize(
    ("ref", "action", "arguments", "received"),
    [
        (TRAIN.ref, Action.SCALE, {"replicas": "3"}, ("d1", 3)),
        (FIRST.ref, Action.BLOCK, {"minutes": "90", "comment": "slow"}, ("d1-m1-a", 90, "slow")),
        (
            FIRST.ref,
            Action.STOP,
            {"decrease_replicas": "true", "command": "sync"},
            ("d1-m1-a", (True, False, "sync")),
        ),
    ],
)
async def test_an_action_carries_its_arguments(
    clock: FakeClock, hub: Hub, ref: Ref, action: Action, arguments: dict[str, str], received: object
) -> None:
    async with running(clock, hub) as fleet:
        await fleet.act(ref, action, arguments=arguments)
    assert [*hub.stops, *hub.scales, *hub.blocks] == [received]


@pytest.mark.parametrize("replicas", ["", "0", "-1", "three", "1.5", "٣"])
async def test_a_number_that_is_none_is_refused_before_anything_is_sent(
    clock: FakeClock, hub: Hub, history: History, replicas: str
) -> None:
    async with running(clock, hub, history=history) as fleet:
        with pytest.raises(InvalidError) as caught:
            await fleet.act(TRAIN.ref, Action.SCALE, arguments={"replicas": replicas})
    assert "replicas" in caught.value.fields
    assert (hub.scales, history.audit_log.entries()) == ([], [])


async def test_options_of_a_stop_are_refused_where_there_are_none(clock: FakeClock) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with running(clock, lab) as fleet:
        with pytest.raises(InvalidError):
            await fleet.act(Ref("lab", "pod", "main"), Action.STOP, arguments={"no_cache": "true"})
    assert lab.calls[Action.STOP] == 0


async def test_scaling_asks_again_for_the_deployments_and_their_instances(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, watch=[DEPLOYMENTS]) as fleet:
        before = dict(hub.calls)
        await fleet.act(TRAIN.ref, Action.SCALE, arguments={"replicas": "2"})
        await settle()
        assert hub.calls[DEPLOYMENTS] == before[DEPLOYMENTS] + 1
        assert hub.calls[INSTANCES] == before[INSTANCES] + 1


async def test_things_are_at_home_where_their_back_end_says(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        assert fleet.resource_of(Ref("hub", "deployment", "not there yet")) is DEPLOYMENTS
        assert fleet.resource_of(FIRST.ref) is INSTANCES
