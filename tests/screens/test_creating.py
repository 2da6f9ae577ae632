"""Creating a deployment: the kinds to choose from, the question what it costs, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual.widgets import Button, Input

from gputui.errors import UnknownOutcomeError
from gputui.models import Action, Form, Resource, Role
from tests.fleet.fakes import FakeCreator
from tests.screens.changing import confirm
from tests.screens.cloud import Cloud, deployment, usd
from tests.screens.forms import FILLED, focus_on, focused, open_form
from tests.screens.stage import NARROW, staged
from tests.screens.world import image, lab, offer


async def test_the_last_question_names_cost_idle_cards_and_namesakes_with_cancel_in_focus() -> None:
    cloud = Cloud("hub", deployment("hub", "exp-1"))
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.advance(1)
        await focus_on(stage, "confirm")
        await stage.press("enter")
        text = " ".join(" ".join(line.strip(" █▌") for line in stage.lines).split())
        for part in (
            "Create this deployment in hub?",
            "name exp-1",
            "image PyTorch 2.0 · CUDA 11.2 (base-image-02)",
            "command cd /root ⏎ python train.py",
            "at most $6.00/h (4 × $1.50/h)",
            "3 matching GPUs idle",
            "counts single GPUs, possibly on different machines: an instance with 2 may have to wait",
            "There is a deployment exp-1 already (running)",
        ):
            assert part in text, (part, text)
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await stage.press("enter")
        assert stage.dialogs == ["FormDialog"]
        assert cloud.received == []
        await focus_on(stage, "replica_num")
        await stage.press("ctrl+g", "escape")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "replica_num"


async def test_without_a_limit_the_last_question_names_the_price_now() -> None:
    class Unlimited(Cloud):
        async def create_form(self, kind: str) -> Form:
            form = await super().create_form(kind)
            kept = tuple(field for field in form.fields if field.role not in (Role.PRICE_FLOOR, Role.PRICE_LIMIT))
            return replace(form, fields=kept)

        def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
            return {}

    cloud = Unlimited("hub")
    cloud.rows[Resource.STOCK] = [
        replace(offer("hub", "RTX 5090", 9, 64, region="sgp1", vendor_name="RTX 5090"), price_from=usd("0.50"))
    ]
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage, {name: text for name, text in FILLED.items() if not name.startswith("price")})
        await stage.advance(1)
        await stage.press("ctrl+g")
        assert "$4.00/h now." in stage.text
        assert "Prices are per hour." in stage.text


async def test_an_unknown_outcome_is_shown_for_long_and_nothing_is_sent_again() -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = UnknownOutcomeError("hub: the answer never came.")
    cloud.effects[Action.CREATE] = []
    async with staged(cloud, view="2") as stage:
        await open_form(stage)
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.advance(40)
        said = next(note for note in stage.app.session.messages.live if "never came" in note.text)
        assert said.seconds >= 30
        assert cloud.calls[Action.CREATE] == 1
        assert not stage.in_dialog


async def test_kinds_are_named_as_in_sentences() -> None:
    cloud = Cloud("hub")
    cloud.kinds = {"deployment": Resource.DEPLOYMENTS, "vm": Resource.INSTANCES}
    cloud.creators = {kind: FakeCreator(cloud, kind) for kind in cloud.kinds}
    async with staged(cloud, view="2") as stage:
        await stage.press("n")
        assert "Create in hub" in stage.text
        assert "2  VM" in stage.text


async def test_of_several_kinds_one_is_chosen_and_the_image_under_the_cursor_taken_into_its_form() -> None:
    cloud = Cloud("hub")
    cloud.creators = {kind: FakeCreator(cloud, kind) for kind in ("deployment", "container")}
    cloud.rows[Resource.IMAGES] = [image("hub", "mine", "v1")]
    async with staged(cloud, lab(), view="2") as stage:
        await stage.press("n")
        assert "Create in" in stage.text
        await stage.press("1")
        assert "Create in hub" in stage.text
        await stage.press("escape", "7")
        await stage.command("filter mine")
        await stage.press("n", "2")
        assert "New container in hub" in stage.text
        assert stage.app.screen.query_one("#field-image_uuid", Input).value == "mine:v1"
