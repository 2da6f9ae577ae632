"""What tests of changes share: yes to a question, what was sent, a back end that creates."""

from __future__ import annotations

from gputui.models import (
    Action,
    FieldKind,
    Form,
    FormField,
    Resource,
    Role,
)
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import Stage
from tests.screens.world import instance

MUTATIONS = (Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC, Action.COMMIT, Action.CREATE)


def sent(fake: FakeBackend) -> dict[Action, int]:
    """Return what was asked of a back end, and how often."""
    return {action: fake.calls[action] for action in MUTATIONS if fake.calls[action]}


async def confirm(stage: Stage) -> None:
    """Say yes to the question in front."""
    await stage.press("right", "enter")


class Creating(FakeBackend):
    """A back end with a form of text, choices and a number, which makes what it is asked for."""

    sent_values: dict[str, str]

    async def create_form(self, kind: str) -> Form:
        fields = (
            FormField("name", "Name", help="Lower-case letters, digits and dashes"),
            FormField("image", "Image", FieldKind.CHOICE, choices=("pytorch:2.5", "cuda:12.4"), role=Role.IMAGE),
            FormField("port", "Port", FieldKind.NUMBER, required=False),
        )
        return Form(self.account, kind, f"New {kind} in {self.account}", fields, note="The image is pulled first.")

    async def create(self, kind, values):  # type: ignore[no-untyped-def]
        self.sent_values = dict(values)
        result = await super().create(kind, values)
        self.rows[Resource.INSTANCES] = [
            *self.rows[Resource.INSTANCES],
            instance(self.account, values["name"], "created", image=values["image"]),
        ]
        return result


def creating() -> Creating:
    fake = Creating("lab")
    fake.rows[Resource.INSTANCES] = [instance("lab", "train")]
    return fake
