"""The create form: every kind of field by the keyboard alone, the focus always in view, mistakes at their fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from textual._compositor import Compositor
from textual.screen import Screen
from textual.widgets import Input, Select, TextArea

from gputui.errors import InvalidError, UnavailableError
from gputui.models import Action, FieldKind, Form, FormField
from gputui.screens.dialogs.form_editors import Flag, TickList
from gputui.text import clean
from tests.screens.changing import confirm
from tests.screens.cloud import IMAGES, Cloud, fields
from tests.screens.forms import FILLED, focus_on, focused, go_to, open_form
from tests.screens.stage import NARROW, WIDE, Stage, staged, unsafe_on

pytestmark = pytest.mark.usefixtures("own_templates")


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one with each layout of a whole screen."""
    return _counted(monkeypatch, Screen, "_refresh_layout")


@pytest.fixture
def repaints(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one with each repaint of a whole screen."""
    return _counted(monkeypatch, Compositor, "render_full_update")


_RENDER_UPDATE = Compositor.render_update


@contextmanager
def drawing() -> Iterator[None]:
    """Draw each change, as on a terminal; a stage draws where it is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", _RENDER_UPDATE)
        yield


def _counted(monkeypatch: pytest.MonkeyPatch, owner: type[Any], name: str) -> list[object]:
    calls: list[object] = []
    original = getattr(owner, name)

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(self)
        return original(self, *args, **options)

    monkeypatch.setattr(owner, name, counted)
    return calls


def value_of(stage: Stage, name: str) -> str:
    """Return the text in an input of the form."""
    return stage.app.screen.query_one(f"#field-{name}", Input).value


# --- the fields -------------------------------------------------------------------------------------------------


async def test_a_form_is_filled_in_from_the_keyboard_alone_and_sent_once(layouts: list[object]) -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await stage.press("n")
        assert "* required" in stage.text
        assert re.search(r"Name\*\s+required", stage.text)
        await stage.press("ctrl+g")
        complaints = [line.id for line in stage.app.screen.query(".problem") if line.display]
        assert complaints == [f"problem-{name}" for name in ("name", "gpu_name_set", "image_uuid", "cmd")]
        assert "Name required" in stage.text
        await stage.type("e")  # the message goes: a line less
        before = len(layouts)
        await stage.type("xp-1")
        assert len(layouts) == before, "a letter lays out nothing again"
        await go_to(stage, "replica_num")
        await stage.type("4")
        await go_to(stage, "reuse_container")
        await stage.press("space")
        await go_to(stage, "dc_list")
        await stage.press("down", "down", "space")
        await go_to(stage, "gpu_name_set")
        await stage.press("5", "space")
        await go_to(stage, "gpu_num")
        await stage.type("2")
        await go_to(stage, "price_from")
        await stage.type("0.90")
        await go_to(stage, "image_uuid")
        await stage.type("pytorch 2.0")
        await stage.press("enter")
        await stage.type("cd /root")
        await stage.press("enter")
        await stage.type("python train.py")
        await go_to(stage, "confirm")
        assert "Token*" not in stage.text
        await stage.press("enter")
        assert "Create this deployment in hub?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert cloud.received == [FILLED]
        assert stage.title.startswith("Deployments")
        assert stage.here == "uuid-exp-1"


HELP = {
    "name": "What you call it",
    "reuse_container": "optional   space changes it",
    "gpu_name_set": "Any of them will do",
}


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_whatever_has_the_focus_is_seen_with_its_help(size: tuple[int, int]) -> None:
    async with staged(Cloud("hub"), view="2", size=size) as stage:
        await open_form(stage)
        seen = set()
        for _ in range(19):
            widget = stage.app.focused
            assert widget is not None
            name = focused(stage)
            seen.add(name)
            assert HELP.get(name, "") in stage.text
            visible = widget.region.intersection(stage.app.screen.query_one(".dialog").region)
            assert visible.height >= 1
            assert widget.region.y >= 0
            assert widget.region.bottom <= size[1]
            await stage.press("tab")
        assert {"name", "dc_list", "cmd", "token", "cancel", "confirm", "tool-preview", "tool-save"} <= seen


async def test_values_that_were_given_are_in_the_form_with_labels_units_and_ticks() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage, {**FILLED, "gpu_name_set": "RTX 5090,B200"})
        screen = stage.app.screen
        assert value_of(stage, "name") == "exp-1"
        assert value_of(stage, "image_uuid") == IMAGES[2]
        assert value_of(stage, "gpu_name_set-others") == "B200"
        assert screen.query_one("#field-cmd", TextArea).text == "cd /root\npython train.py"
        assert screen.query_one("#field-reuse_container", Flag).value
        assert "[x] yes" in stage.line_of("Reuse stopped")
        await focus_on(stage, "image_uuid")
        assert "PyTorch 2.0 · CUDA 11.2" in stage.text
        await focus_on(stage, "gpu_num")
        assert "$/h" in stage.line_of("Price from")
        assert "[x] sgp1  Singapore (Primary)" in stage.text
        assert "[ ] Singapore-A" in stage.text
        regions = screen.query_one("#field-dc_list", TickList)
        assert regions.values == ["sgp1", "Singapore-B"]
        assert regions._line(1).plain.endswith("Singapore-B"), "ticked values come first"
        regions.focus()
        await stage.press("end", "space")
        assert regions.values == ["sgp1", "Singapore-A", "Singapore-B"], "the order of the form"


async def test_fields_come_and_go_with_the_type_and_what_is_not_asked_for_is_not_sent() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=WIDE) as stage:
        await open_form(stage)
        assert "Replicas" in stage.text
        assert "In parallel" not in stage.text
        await stage.press("tab", "enter", "down", "enter")
        assert stage.app.screen.query_one("#field-deployment_type", Select).value == "Job"
        assert "In parallel" in stage.text
        await stage.press("enter", "down", "enter")
        assert "Replicas" not in stage.text
        assert "In parallel" not in stage.text
        await stage.press("ctrl+g")
        await confirm(stage)
        await stage.advance(1)
        wanted = {**FILLED, "deployment_type": "Container"}
        wanted.pop("replica_num")
        assert cloud.received == [wanted]


async def test_a_space_within_a_typed_name_ticks_nothing_and_one_after_it_ticks() -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        await open_form(stage, {**FILLED, "gpu_name_set": ""})
        await focus_on(stage, "gpu_name_set")
        ticks = stage.app.screen.query_one("#field-gpu_name_set", TickList)
        await stage.press(*"rtx", "space", *"5090")
        assert ticks.values == []
        await stage.press("space")
        assert ticks.values == ["RTX 5090"]
        await stage.press("up", "space")
        assert len(ticks.values) == 2, "after another key a space ticks again"


async def test_an_image_is_found_with_the_arrows_by_words_of_its_name_or_typed() -> None:
    async with staged(Cloud("hub"), view="2", size=NARROW) as stage:
        await open_form(stage, {**FILLED, "image_uuid": ""})
        await focus_on(stage, "image_uuid")
        await stage.press("down", "down", "up", "down", "enter")
        assert value_of(stage, "image_uuid") == IMAGES[1]
        assert focused(stage) == "cmd"
        await stage.press("shift+tab")
        await stage.type("cuda 19.0")
        assert "base-image-19  PyTorch 19.0" in stage.text
        assert "base-image-18" not in stage.text
        await stage.press("enter")
        assert focused(stage) == "cmd"
        assert value_of(stage, "image_uuid") == "base-image-19"
        await stage.press("shift+tab")
        await stage.type("image-of-mine")
        await stage.press("tab")
        assert value_of(stage, "image_uuid") == "image-of-mine"


# --- what is wrong ----------------------------------------------------------------------------------------------


async def test_leaving_a_field_repaints_what_changes_and_shows_a_mistake_until_it_is_corrected(
    layouts: list[object], repaints: list[object]
) -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await focus_on(stage, "gpu_num")
        layouts.clear()
        with drawing():
            await stage.press("tab")
            assert focused(stage) == "price_from"
            assert not layouts
            assert not repaints
            stage.app.screen.refresh()
            await stage.settle()
            assert repaints, "a repaint is counted"
        await stage.type("9")
        await stage.press("tab")
        assert focused(stage) == "price_to"
        assert not layouts
        assert "must not be below" not in stage.text
        await stage.press("tab")
        assert " Where! " in stage.text, "the mistake is in a section that is not open"
        await stage.press("shift+tab")
        assert "must not be below 9" in stage.text
        await stage.press("shift+tab")
        assert "must not be below 9" in stage.text
        await stage.type("1")
        assert "must not be below" not in stage.text


async def test_review_dry_run_and_server_go_to_the_first_field_that_is_wrong() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage, {**FILLED, "gpu_name_set": "", "cmd": ""})
        await focus_on(stage, "confirm")
        await stage.press("enter")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "gpu_name_set"
        assert "GPU models required" in stage.text
        await stage.press("5", "space")
        cloud.wrong = {"gpu_num": "must be 1 or more"}
        await focus_on(stage, "cmd")
        await stage.type("x")
        await stage.press("ctrl+t")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "gpu_num"
        assert "must be 1 or more" in stage.text
        assert cloud.calls[Action.CREATE] == 0
        cloud.wrong = {}
        cloud.errors[Action.CREATE] = InvalidError("hub: not accepted.", fields={"image_uuid": "is not yours"})
        await stage.type("4")
        await stage.press("ctrl+g")  # from any field
        await confirm(stage)
        await stage.advance(1)
        assert "hub: not accepted." in stage.toasts
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "image_uuid"
        assert "is not yours" in stage.text
        assert cloud.calls[Action.CREATE] == 1


async def test_escape_keeps_nothing_and_sends_nothing(tmp_path: Path) -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2") as stage:
        await stage.press("n")
        await stage.type("secret-plan")
        await stage.press("escape")
        assert "esc again discards your input; ctrl+s keeps it as a template" in stage.text
        await stage.type("x")
        assert "esc again discards" not in stage.text, "it would not, now"
        await stage.press("escape")
        name = stage.app.screen.query_one("#field-name", Input)
        name.post_message(Input.Changed(name, name.value))  # as of a change just before the key
        await stage.settle()
        assert stage.dialogs == ["FormDialog"], "what was typed since is not thrown away either"
        await stage.press("escape")
        assert stage.dialogs == []
        await stage.press("n")
        assert "secret-plan" not in stage.text
        assert cloud.received == []
        assert not (tmp_path / "templates").exists()


async def test_a_form_that_cannot_be_read_is_reported() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2") as stage:
        with patch.object(cloud, "create_form", side_effect=UnavailableError("hub: no answer.")):
            await stage.press("n")
        assert not stage.in_dialog
        assert "hub: no answer." in stage.toasts


async def test_hostile_choices_labels_units_and_groups_are_data() -> None:
    evil = clean("\x1b[/x]")
    clickable = "[@click=app.quit]x[/]"

    class Hostile(Cloud):
        async def create_form(self, kind: str) -> Form:
            kinds = (FieldKind.CHOICE, FieldKind.MULTI, FieldKind.FLAG, FieldKind.LINES, FieldKind.NUMBER)
            many = (*(f"{evil}{number}" for number in range(3)), clickable)
            made = [
                FormField(f"f{n}", evil, kind, choices=many, labels=many[1:], help=evil, unit=evil, section=evil)
                for n, kind in enumerate(kinds)
            ]
            return Form("hub", kind, evil, (*fields()[:1], *made), note=clickable)

        def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
            return {"f1": f"{clickable} is wrong"} if not values.get("f1") else {}

    async with staged(Hostile("hub"), view="2") as stage:
        await stage.press("n")
        await stage.type(evil[1:])
        await stage.press("ctrl+g")
        assert f"{clickable} is wrong" in stage.text
        assert not unsafe_on(stage)
        await focus_on(stage, "f0")
        await stage.press("enter")
        assert clickable in stage.text
        await stage.press("down", "down", "enter")
        for _ in range(8):
            await stage.press("space", "tab")
            assert not unsafe_on(stage)
            assert evil in stage.text
        await stage.press("ctrl+g")
        assert not unsafe_on(stage)
        assert "Create this deployment in hub?" in stage.text
        assert evil in stage.text
