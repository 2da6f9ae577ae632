"""Creating a deployment: a form of every kind of field, templates, the dry run, and the question what it costs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.screen import Screen
from textual.widgets import Button, Input, Select, TextArea

from gputui.api.yotta.create.forms import Choices
from gputui.api.yotta.create.storage import volume_fields
from gputui.errors import InvalidError, UnavailableError, UnknownOutcomeError
from gputui.models import Action, FieldKind, Form, FormField, Resource
from gputui.screens import dialogs
from gputui.screens.dialogs.form_editors import Flag, TickList
from gputui.text import clean
from tests.fleet.fakes import FakeCreator
from tests.screens.changing import confirm, creating
from tests.screens.cloud import IMAGES, Cloud, deployment, fields
from tests.screens.forms import FILLED, focused, go_to, open_form, template
from tests.screens.stage import NARROW, WIDE, image, lab, staged, unsafe_on


@pytest.fixture(autouse=True)
def _own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "config.toml"))
    yield


# --- the fields -------------------------------------------------------------------------------------------------


async def test_a_form_is_filled_in_from_the_keyboard_alone_and_sent_once() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await stage.press("n")
        await stage.type("exp-1")
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
        await stage.press("enter")
        assert "Create this deployment in hub?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert cloud.told == [FILLED]
        assert stage.title.startswith("Deployments")
        assert stage.here == "uuid-exp-1"


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_whatever_has_the_focus_is_seen(size: tuple[int, int]) -> None:
    async with staged(Cloud("hub"), view="2", size=size) as stage:
        await open_form(stage)
        seen = set()
        for _ in range(24):
            widget = stage.app.focused
            assert widget is not None
            seen.add(focused(stage))
            visible = widget.region.intersection(stage.app.screen.query_one(".dialog").region)
            assert visible.height >= 1
            assert widget.region.y >= 0
            assert widget.region.bottom <= size[1]
            await stage.press("tab")
        assert {"name", "dc_list", "cmd", "token", "cancel", "confirm", "tool-preview", "tool-save"} <= seen


async def test_values_that_were_given_stand_in_the_form() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage, {**FILLED, "gpu_name_set": "RTX 5090,B200"})
        screen = stage.app.screen
        assert screen.query_one("#field-name", Input).value == "exp-1"
        assert screen.query_one("#field-reuse_container", Flag).value
        assert screen.query_one("#field-dc_list", TickList).values == ["sgp1", "Singapore-B"]
        assert screen.query_one("#field-gpu_name_set-others", Input).value == "B200"
        assert screen.query_one("#field-cmd", TextArea).text == "cd /root\npython train.py"
        assert screen.query_one("#field-image_uuid", Input).value == IMAGES[2]
        assert "PyTorch 2.0 · CUDA 11.2" in stage.text


async def test_ticks_read_without_colour_and_units_stand_behind_the_value() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        assert "[x] sgp1  Singapore (Primary)" in stage.text
        assert "[ ] Singapore-A" in stage.text
        assert "[x] yes" in stage.line_of("Reuse stopped")
        assert "$/h" in stage.line_of("Price from")


async def test_fields_come_and_go_with_the_type() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage, {"name": "a"})
        assert "Replicas" in stage.text
        assert "In parallel" not in stage.text
        await stage.press("tab", "enter", "down", "enter")
        assert stage.app.screen.query_one("#field-deployment_type", Select).value == "Job"
        assert "In parallel" in stage.text
        await stage.press("enter", "down", "enter")
        assert "Replicas" not in stage.text
        assert "In parallel" not in stage.text


async def test_what_is_not_asked_for_is_not_sent() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=WIDE) as stage:
        await open_form(stage, {**FILLED, "deployment_type": "Container"})
        await go_to(stage, "confirm")
        await stage.press("enter")
        await confirm(stage)
        await stage.advance(1)
        assert cloud.told == [
            {name: value for name, value in FILLED.items() if name != "replica_num"}
            | {"deployment_type": "Container"}
        ]


async def test_an_image_is_found_by_words_of_its_name_or_typed() -> None:
    async with staged(Cloud("hub"), view="2", size=NARROW) as stage:
        await open_form(stage, {**FILLED, "image_uuid": ""})
        await go_to(stage, "image_uuid")
        await stage.type("cuda 19.0")
        assert "base-image-19  PyTorch 19.0" in stage.text
        assert "base-image-18" not in stage.text
        await stage.press("enter")
        assert focused(stage) == "cmd"
        assert stage.app.screen.query_one("#field-image_uuid", Input).value == "base-image-19"
        await stage.press("shift+tab")
        await stage.type("image-of-mine")
        await stage.press("tab")
        assert stage.app.screen.query_one("#field-image_uuid", Input).value == "image-of-mine"


async def test_a_long_list_of_choices_is_walked_with_the_arrows() -> None:
    async with staged(Cloud("hub"), view="2", size=NARROW) as stage:
        await open_form(stage, {**FILLED, "image_uuid": ""})
        await go_to(stage, "image_uuid")
        await stage.press("down", "down", "up", "down", "enter")
        assert stage.app.screen.query_one("#field-image_uuid", Input).value == IMAGES[1]


async def test_the_help_of_the_field_in_focus_is_shown() -> None:
    async with staged(Cloud("hub"), view="2", size=NARROW) as stage:
        await open_form(stage)
        assert "What you call it" in stage.text
        await go_to(stage, "reuse_container")
        assert "optional   space changes it" in stage.text
        await go_to(stage, "gpu_name_set")
        assert "Any of them will do" in stage.text


# --- what is wrong ----------------------------------------------------------------------------------------------


async def test_what_is_wrong_is_told_when_the_field_is_left_and_goes_when_it_is_right() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await go_to(stage, "price_from")
        await stage.type("9")
        await stage.press("tab")
        assert "must not be below" not in stage.text
        await stage.press("tab")
        assert "must not be below 9" in stage.text
        await stage.press("shift+tab", "shift+tab")
        assert "must not be below 9" in stage.text
        await stage.type("1")
        assert "must not be below" not in stage.text


async def test_go_on_goes_to_the_first_field_that_is_wrong() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage, {**FILLED, "gpu_name_set": "", "cmd": ""})
        await go_to(stage, "confirm")
        await stage.press("enter")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "gpu_name_set"
        assert "is required" in stage.text
        assert cloud.calls[Action.CREATE] == 0


async def test_ctrl_g_goes_on_from_any_field() -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        await open_form(stage)
        await stage.press("ctrl+g")
        assert "Create this deployment in hub?" in stage.text


async def test_what_the_server_does_not_accept_stands_at_its_field() -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = InvalidError("hub: not accepted.", fields={"image_uuid": "is not yours"})
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await go_to(stage, "confirm")
        await stage.press("enter")
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
        await stage.press("escape")
        assert stage.dialogs == ["FormDialog"], "what was typed since is not thrown away either"
        await stage.press("escape")
        assert stage.dialogs == []
        await stage.press("n")
        assert "secret-plan" not in stage.text
        assert cloud.told == []
        assert not (tmp_path / "templates").exists()


async def test_a_form_that_cannot_be_had_is_told() -> None:
    class Broken(Cloud):
        async def create_form(self, kind: str) -> Form:
            raise UnavailableError("hub: no answer.")

    async with staged(Broken("hub"), view="2") as stage:
        await stage.press("n")
        assert not stage.in_dialog
        assert "hub: no answer." in stage.toasts


# --- dry run and templates --------------------------------------------------------------------------------------


async def test_the_dry_run_shows_the_request_can_be_copied_and_sends_nothing() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+t")
        assert "request preview (not sent)" in stage.text
        assert "POST https://cloud.example/deployment" in stage.text
        assert '"cmd": "cd /root\\npython train.py"' in stage.text
        await stage.press("c")
        assert stage.app.clipboard.startswith("POST https://cloud.example/deployment\n\n{")
        await stage.press("escape")
        assert stage.dialogs == ["FormDialog"]
        assert cloud.calls[Action.CREATE] == 0


async def test_a_dry_run_of_what_is_wrong_says_so_at_the_field() -> None:
    class Strict(Cloud):
        def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
            return {"gpu_num": "must be 1 or more"}

    async with staged(Strict("hub"), view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.press("ctrl+t")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "gpu_num"
        assert "must be 1 or more" in stage.text


async def test_without_a_dry_run_none_is_offered() -> None:
    async with staged(creating()) as stage:
        await stage.press("n")
        assert "dry run" not in stage.text
        await stage.press("ctrl+t")
        assert stage.dialogs == ["FormDialog"]


async def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+s")
        await stage.type("not a name")
        await stage.press("enter")
        assert "letter" in stage.text
        await stage.press(*["backspace"] * 10)
        await stage.type("mine")
        await stage.press("enter")
        path = tmp_path / "templates" / "mine.toml"
        assert f"Saved as {path}" in stage.toasts
        assert tomllib.loads(path.read_text("utf-8"))["values"]["cmd"] == "cd /root\npython train.py"
        await stage.press("escape", "n", "ctrl+o")
        assert "mine" in stage.text
        await stage.press("enter")
        form = stage.app.screen
        assert {name: value for name, value in form.values().items() if value} == {  # type: ignore[attr-defined]
            name: value for name, value in FILLED.items() if value
        }


async def test_a_template_is_written_over_only_when_that_is_wanted(tmp_path: Path) -> None:
    template(tmp_path, "mine", 'kind = "deployment"\n[values]\nname = "old"\n')
    path = tmp_path / "templates" / "mine.toml"
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+s")
        await stage.type("mine")
        await stage.press("enter")
        assert "Replace the template mine?" in stage.text
        await stage.press("enter")
        assert "old" in path.read_text("utf-8")
        await stage.press("ctrl+s")
        await stage.type("mine")
        await stage.press("enter")
        await confirm(stage)
        assert "exp-1" in path.read_text("utf-8")


async def test_a_template_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    template(tmp_path, "bad", 'kind = "deployment"\n[values]\ngpu_nun = 2\n')
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await stage.press("ctrl+o", "enter")
        assert "did you mean gpu_num?" in stage.toasts
        assert stage.app.screen.query_one("#field-name", Input).value == "exp-1"


async def test_what_a_template_holds_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    template(
        tmp_path, "evil", 'kind = "deployment"\n[values]\nname = "\\u001b[2J[/x]"\ncmd = "\\u001b]0;a\\tb[/x]"\n'
    )
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await stage.press("n", "ctrl+o", "enter")
        assert clean("\x1b[2J[/x]") in stage.text
        assert not unsafe_on(stage)


async def test_without_templates_the_way_to_one_is_told() -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        await stage.press("n", "ctrl+o")
        assert "No template is saved yet" in stage.toasts
        assert stage.dialogs == ["FormDialog"]


# --- the question and the outcome -------------------------------------------------------------------------------


async def test_the_last_question_names_cost_idle_cards_and_namesakes_with_cancel_in_focus() -> None:
    cloud = Cloud("hub", deployment("hub", "exp-1"))
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.advance(1)
        await go_to(stage, "confirm")
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
        assert cloud.told == []
        await go_to(stage, "replica_num")
        await stage.press("ctrl+g", "escape")
        assert stage.dialogs == ["FormDialog"]
        assert focused(stage) == "replica_num"


async def test_an_unknown_outcome_is_told_for_long_and_nothing_is_sent_again() -> None:
    cloud = Cloud("hub")
    cloud.errors[Action.CREATE] = UnknownOutcomeError("hub: the answer never came.")
    cloud.effects[Action.CREATE] = []
    async with staged(cloud, view="2") as stage:
        await open_form(stage)
        await go_to(stage, "confirm")
        await stage.press("enter")
        await confirm(stage)
        await stage.advance(40)
        said = next(note for note in stage.app._notifications if "never came" in note.message)
        assert said.timeout >= 30
        assert cloud.calls[Action.CREATE] == 1
        assert not stage.in_dialog


async def test_of_several_kinds_one_is_chosen() -> None:
    cloud = Cloud("hub")
    cloud.creators = {kind: FakeCreator(cloud, kind) for kind in ("deployment", "container")}
    async with staged(cloud, lab(), view="2") as stage:
        await stage.press("n")
        assert "Create in" in stage.text
        await stage.press("1")
        assert "Create in hub" in stage.text
        await stage.press("2")
        assert "New container in hub" in stage.text


async def test_the_image_under_the_cursor_is_taken_into_the_form() -> None:
    cloud = Cloud("hub")
    cloud.rows[Resource.IMAGES] = [image("hub", "mine", "v1")]
    async with staged(cloud, view="7") as stage:
        await stage.press("n")
        assert stage.app.screen.query_one("#field-image_uuid", Input).value == "mine:v1"


async def test_hostile_choices_labels_units_and_groups_are_data() -> None:
    evil = clean("\x1b[/x]")

    class Hostile(Cloud):
        async def create_form(self, kind: str) -> Form:
            kinds = (FieldKind.CHOICE, FieldKind.MULTI, FieldKind.FLAG, FieldKind.LINES, FieldKind.NUMBER)
            many = tuple(f"{evil}{number}" for number in range(20))
            made = [
                FormField(f"f{n}", evil, kind, choices=many, labels=many[1:], help=evil, unit=evil, group=evil)
                for n, kind in enumerate(kinds)
            ]
            return Form("hub", kind, evil, (*fields()[:1], *made), note=evil)

        def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
            return {"f1": evil} if not values.get("f1") else {}

    async with staged(Hostile("hub"), view="2") as stage:
        await stage.press("n")
        await stage.type(evil[1:])
        for _ in range(8):
            await stage.press("space", "tab")
            assert not unsafe_on(stage)
            assert evil in stage.text
        await go_to(stage, "confirm")
        await stage.press("enter")
        assert not unsafe_on(stage)
        assert "Create this deployment in hub?" in stage.text


async def test_required_fields_are_marked_from_the_start_and_all_complained_of_at_once() -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await stage.press("n")
        assert "* required" in stage.text
        assert re.search(r"Name\*\s+required", stage.text)
        assert "Token*" not in stage.text
        await stage.press("ctrl+g")
        complaints = [line.id for line in stage.app.screen.query(".problem") if line.display]
        assert complaints == [f"problem-{name}" for name in ("name", "gpu_name_set", "image_uuid", "cmd")]
        assert "Name is required" in stage.text


async def test_ticked_values_come_first_and_are_sent_in_the_order_of_the_form() -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        await open_form(stage, {**FILLED, "dc_list": "Singapore-B"})
        regions = stage.app.screen.query_one("#field-dc_list", TickList)
        assert regions._line(0).plain.endswith("Singapore-B")
        assert regions.values == ["Singapore-B"]


def counted_layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one with each layout of a whole screen."""
    laid_out: list[object] = []
    reflow = Screen._refresh_layout

    def counted(self: Screen[object], *args: Any, **options: Any) -> None:
        laid_out.append(self)
        reflow(self, *args, **options)

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    return laid_out


async def test_a_letter_lays_out_no_form_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        await stage.press("n")
        await stage.press("ctrl+g")
        laid_out = counted_layouts(monkeypatch)
        await stage.type("a")  # the message goes: a line less
        first = len(laid_out)
        await stage.type("bcdef")
        assert len(laid_out) == first


async def test_a_tab_lays_out_the_form_only_where_its_lines_change(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await go_to(stage, "gpu_num")
        laid_out = counted_layouts(monkeypatch)
        await stage.press("tab")
        await stage.press("tab")
        assert focused(stage) == "price_to"
        assert not laid_out


async def test_a_tab_repaints_two_fields_and_not_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(Cloud("hub"), view="2", size=WIDE) as stage:
        await open_form(stage)
        await go_to(stage, "gpu_num")
        whole: list[object] = []
        full = Compositor.render_full_update

        def counted(self: Compositor, *args: Any, **options: Any) -> Any:
            whole.append(self)
            return full(self, *args, **options)

        monkeypatch.setattr(Compositor, "render_full_update", counted)
        await stage.press("tab")
        assert focused(stage) == "price_from"
        assert not whole


async def test_a_check_that_fails_leaves_no_request_of_earlier_values_prepared() -> None:
    failures = [KeyError("gpu")]

    def prepare(values: Mapping[str, str]) -> dict[str, str]:
        if values["name"] == "b" and failures:
            raise failures.pop()
        return dict(values)

    async with staged(lab()) as stage:
        dialog = dialogs.FormDialog(Form("lab", "pod", "New pod", (FormField("name", "Name"),)), prepare)
        answers: list[object] = []
        stage.app.push_screen(dialog, answers.append)
        await stage.advance(0)
        dialog.put_values({"name": "a"})
        dialog._check(dialog.values())
        assert dialog.prepared == {"name": "a"}
        dialog.put_values({"name": "b"})
        with pytest.raises(KeyError):
            dialog.action_review()
        assert not dialog.prepared
        dialog.action_review()
        await stage.advance(0)
    assert answers == [dialog.prepared] == [{"name": "b"}]


async def test_what_another_field_makes_required_is_marked_so() -> None:
    form = Form("yotta", "volume", "New volume", tuple(volume_fields(Choices())))
    async with staged(lab()) as stage:
        dialog = dialogs.FormDialog(form, dict)
        stage.app.push_screen(dialog)
        await stage.advance(0)
        assert "Region*" in stage.text
        assert "optional" not in stage.text
        dialog.put_values({"storageType": "R2"})
        await stage.advance(0)
        assert "Region*" not in stage.text
        assert "(optional)" in stage.text
        dialog.put_values({"storageType": "VENDOR"})
        await stage.advance(0)
        assert "Region*" in stage.text
