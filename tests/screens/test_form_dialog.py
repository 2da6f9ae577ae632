"""The dialog of a form alone: its check, its height, its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from gputui.api.yotta.create.forms import Choices, vm_fields
from gputui.api.yotta.create.storage import volume_fields
from gputui.api.yotta.mapping import VmType
from gputui.models import FieldKind, Form, FormField
from gputui.presentation.form_summary import SummaryLine
from gputui.screens import dialogs
from gputui.screens.dialogs.form_editors import choice_line
from gputui.screens.dialogs.form_field import help_text
from tests.screens.forms import focused
from tests.screens.stage import NARROW, WIDE, staged
from tests.screens.world import lab

LARGE = (200, 50)
pytestmark = pytest.mark.usefixtures("own_templates")


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
        dialog.check.check(dialog.values())
        assert dialog.check.prepared == {"name": "a"}
        dialog.put_values({"name": "b"})
        with pytest.raises(KeyError):
            dialog.action_review()
        assert not dialog.check.prepared
        dialog.action_review()
        await stage.advance(0)
    assert answers == [dialog.check.prepared] == [{"name": "b"}]


PLACES = tuple(
    VmType("NVIDIA_H200_141G", region, region, True, 7)
    for region in ("us-east-1", "us-east-3", "us-west-1", "eu-central-1")
)


SHORT = Form("yotta", "name", "Rename", (FormField("name", "Name", required=True),))


@pytest.mark.parametrize("size", [NARROW, WIDE, LARGE], ids=["80x24", "120x40", "200x50"])
async def test_a_form_of_one_section_is_as_high_as_its_fields(size: tuple[int, int]) -> None:
    form = Form("yotta", "volume", "New volume", tuple(volume_fields(Choices(PLACES))))
    async with staged(lab(), size=size) as stage:
        stage.app.push_screen(dialogs.FormDialog(form, dict, preview=lambda _: None))
        await stage.advance(0)
        panel = stage.app.screen.query_one(".dialog").region
        assert panel.height <= (20 if size == LARGE else 17)
        assert panel.width <= size[0] * 96 // 100
        await stage.press("tab", "tab")  # the list of regions opens
        assert all(place.region in stage.text for place in PLACES)
        assert re.search(r"Cancel +Review", stage.text)


async def test_a_form_of_a_few_fields_has_the_width_of_other_dialogs() -> None:
    async with staged(lab(), size=LARGE) as stage:
        stage.app.push_screen(dialogs.FormDialog(SHORT, dict, preview=lambda _: None))
        await stage.advance(0)
        panel = stage.app.screen.query_one(".dialog").region
        assert (panel.width, panel.height < 12) == (76, True)


@pytest.mark.parametrize("fields", [vm_fields, volume_fields], ids=["vm", "volume"])
async def test_a_form_without_sections_keeps_its_buttons_in_view_on_the_smallest_terminal(
    fields: Callable[[Choices], Sequence[FormField]],
) -> None:
    form = Form("yotta", "thing", "New thing", tuple(fields(Choices(PLACES))))
    async with staged(lab(), size=NARROW) as stage:
        stage.app.push_screen(dialogs.FormDialog(form, dict, summary=lambda _: [SummaryLine("Price", "$1.00/h now")]))
        await stage.advance(0)
        for _ in range(12):
            assert re.search(r"Cancel +Review", stage.text)
            assert "$1.00/h now" in stage.text
            assert stage.app.focused is not None
            assert stage.app.focused.region.bottom <= NARROW[1]
            await stage.press("tab")


async def test_what_another_field_makes_required_is_marked_so() -> None:
    form = Form("yotta", "volume", "New volume", tuple(volume_fields(Choices())))
    async with staged(lab()) as stage:
        dialog = dialogs.FormDialog(form, dict)
        stage.app.push_screen(dialog)
        await stage.advance(0)
        assert re.search(r"Region\* +required", stage.text)
        dialog.put_values({"storageType": "R2"})
        await stage.advance(0)
        assert re.search(r"Region +optional", stage.text)
        dialog.put_values({"storageType": "VENDOR"})
        await stage.advance(0)
        assert "Region*" in stage.text


async def test_a_choice_that_is_not_offered_leaves_nothing_chosen() -> None:
    size = FormField("size", "Size", FieldKind.CHOICE, choices=("small", "large"), default="large")
    async with staged(lab()) as stage:
        dialog = dialogs.FormDialog(Form("lab", "pod", "New pod", (FormField("name", "Name"), size)), dict)
        stage.app.push_screen(dialog)
        await stage.advance(0)
        dialog.put_values({"name": "a", "size": "huge"})
        assert dialog.values() == {"name": "a", "size": ""}
        assert dialog._body.not_offered({"name": "a", "size": "huge"}) == "Size huge"
        dialog.put_values({"size": "small"})
        assert dialog.values()["size"] == "small"
        dialog.put_values({})
        await stage.advance(0)
        assert dialog.values()["size"] == "large"


async def test_a_section_that_other_values_empty_is_left() -> None:
    by_size = FormField("disk", "Disk", section="Disks", required=False, when=("size", ("large",)))
    size = FormField("size", "Size", FieldKind.CHOICE, choices=("small", "large"), default="large", section="Pod")
    async with staged(lab()) as stage:
        dialog = dialogs.FormDialog(Form("lab", "pod", "New pod", (size, by_size)), dict)
        stage.app.push_screen(dialog)
        await stage.advance(0)
        await stage.press("f9")
        assert focused(stage) == "disk"
        dialog.put_values({"size": "small"})
        await stage.advance(0)
        assert focused(stage) == "size"
        await stage.press("f9")
        assert focused(stage) == "size"


def test_the_keys_of_a_field_stay_where_its_help_is_too_long() -> None:
    about = "optional   id:path in each line; there are " + ", ".join(f"{number} a-long-name" for number in range(20))
    shown = help_text(about, "enter: new line", 76, 2)
    assert shown.get_height({}, 76) == 2
    assert shown.plain.startswith("optional   id:path in each line; there are 0 a-long-name, ")
    assert shown.plain.endswith(" …   enter: new line")
    assert help_text("short", "enter: new line", 76, 2).plain == "short   enter: new line"
    assert help_text("", "space changes it", 76, 2).plain == "space changes it"


def test_a_choice_that_is_an_id_is_listed_by_its_name() -> None:
    field = FormField("image", "Image", FieldKind.CHOICE, choices=("image-1", ""), labels=("mine:v1", ""), ids=True)
    assert choice_line(field, "image-1", "mine:v1").plain == "mine:v1  image-1"
    assert choice_line(replace(field, ids=False), "image-1", "mine:v1").plain == "image-1  mine:v1"
    assert choice_line(field, "", "").plain == "any"
