"""What the screen says of what cannot be done: never, or not now."""

from __future__ import annotations

from gputui.models import Action, Deployment, Instance, Kind, Never, Ref, Resource, Row
from tests.fleet.fakes import FakeBackend
from tests.screens.hub import FakeCloud, container, deployment
from tests.screens.stage import staged
from tests.screens.world import instance

CONTAINERS = Kind(
    "containers",
    frozenset({Action.STOP, Action.SSH, Action.BLOCK}),
    resource=Resource.INSTANCES,
    instead={Action.RESTART: "Stop it {stop}."},
)


class Limited(FakeCloud):
    """A cloud that says what it can never do to a container."""

    def never(self, row: Row, action: Action) -> Never | None:
        return CONTAINERS.never(action) if isinstance(row, Instance) else None


def cloud() -> FakeBackend:
    return Limited("hub", [container("hub", "train")])


async def test_what_an_api_cannot_do_is_said_with_the_key_that_helps() -> None:
    async with staged(cloud()) as stage:
        await stage.press("R")
        assert "hub cannot restart containers: its API has no such call. Stop it (X)." in stage.toasts
        await stage.command("delete train")
        assert "hub cannot delete containers: its API has no such call." in stage.toasts
        assert "possible while" not in stage.toasts


async def test_the_menu_leaves_out_what_can_never_be_done_and_keeps_what_cannot_be_done_now() -> None:
    fake = cloud()
    fake.offered = frozenset({Action.SSH})
    async with staged(fake) as stage:
        await stage.press("a")
        assert "Restart" not in stage.text
        assert "Run a command" in stage.text, "over SSH"
        assert "Delete" not in stage.text
        assert "Save as image" not in stage.text
        assert "Stop" in stage.text, "not now, but in another state"


async def test_a_state_that_does_not_allow_it_is_named_with_the_key_that_does() -> None:
    fake = FakeBackend("lab")
    fake.offered = frozenset({Action.START, Action.DELETE})
    fake.rows[next(iter(fake.rows))] = [instance("lab", "eval", "exited")]
    async with staged(fake, view="3") as stage:
        await stage.press("x")
        assert "eval: exec is not possible while it is exited. Start it first (S)." in stage.toasts


async def test_scaling_what_does_not_scale_names_the_cause() -> None:
    class Jobs(FakeCloud):
        def never(self, row: Row, action: Action) -> Never | None:
            if action is Action.SCALE and isinstance(row, Deployment):
                return Never("deployments", cause="Only deployments of type ReplicaSet can be scaled.")
            return None

    fake = Jobs("hub")
    fake.offered_deployment = frozenset({Action.STOP})
    fake.rows[Resource.DEPLOYMENTS] = [deployment(Ref("hub", "deployment", "b"), "batch")]
    async with staged(fake, view="2") as stage:
        await stage.press("+")
        assert "Only deployments of type ReplicaSet can be scaled." in stage.toasts
