"""The sections of a create form, and what it shows of its values: summary, price, request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputui.errors import UnavailableError
from gputui.models import FieldKind, Form, FormField, Offer, Resource
from gputui.screens.dialogs.form import FormDialog
from gputui.screens.dialogs.form_body import FormBody
from tests.screens.cloud import Cloud, usd
from tests.screens.forms import FILLED, focus_on, focused, open_form
from tests.screens.stage import NARROW, staged
from tests.screens.world import offer

pytestmark = pytest.mark.usefixtures("own_templates")


async def test_sections_are_gone_through_by_keys_tab_and_clicks_without_scrolling() -> None:
    async with staged(Cloud("hub"), view="2", size=NARROW) as stage:
        await stage.press("n")
        assert "[Deployment]* Where*  Workload*" in stage.text
        assert "Regions" not in stage.text
        await stage.press("f9")
        assert focused(stage) == "dc_list"
        assert "[Where]*" in stage.text
        await stage.press("ctrl+pagedown", "ctrl+pagedown")
        assert focused(stage) == "name"
        await stage.press("ctrl+pageup")
        assert focused(stage) == "image_uuid"
        await stage.press("shift+tab")
        assert focused(stage) == "price_to"
        await stage.press("tab", "shift+tab", "f8")
        assert focused(stage) == "name"
        await stage.press("shift+tab")
        assert focused(stage) == "tool-save"
        await stage.press("tab")
        assert focused(stage) == "name"
        await stage.pilot.click(".section-tabs", offset=(17, 0))
        assert focused(stage) == "dc_list"
        body = stage.app.screen.query_one(FormBody)
        assert body.max_scroll_y == 0


async def test_the_summary_follows_the_values_and_the_stock() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.advance(1)
        assert "exp-1: 4 replicas of 2 × RTX 5090, PyTorch 2.0 · CUDA 11.2" in stage.text
        assert "price now unknown, at most $6.00/h   3 idle of 64, 8 needed" in stage.text
        await focus_on(stage, "replica_num")
        await stage.type("1")
        assert "at most $1.50/h   3 idle of 64, 2 needed" in stage.text
        cloud.rows[Resource.STOCK] = [
            replace(offer("hub", "RTX 5090", 9, 64, region="sgp1", vendor_name="RTX 5090"), price_from=usd("0.50"))
        ]
        stage.fleet.refresh([Resource.STOCK])
        await stage.advance(1)
        assert "$1.00/h now, at most $1.50/h   9 idle of 64, 2 needed" in stage.text
        cloud.errors[Resource.STOCK] = UnavailableError("hub: no answer.")
        stage.fleet.refresh([Resource.STOCK])
        await stage.advance(1)
        assert "9 idle of 64, 2 needed (as of " in stage.text


async def test_gpu_models_are_described_by_the_stock_of_now() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=NARROW) as stage:
        await open_form(stage)
        await stage.advance(1)
        await focus_on(stage, "gpu_name_set")
        assert "RTX 5090  3 idle" in stage.text
        cloud.rows[Resource.STOCK] = [
            replace(offer("hub", "RTX 5090", 9, 64, region="sgp1", vendor_name="RTX 5090"), price_from=usd("0.50"))
        ]
        stage.fleet.refresh([Resource.STOCK])
        await stage.advance(1)
        assert "RTX 5090  9 idle  $0.50/h" in stage.text
        assert focused(stage) == "gpu_name_set"
        cloud.errors[Resource.STOCK] = UnavailableError("hub: no answer.")
        stage.fleet.refresh([Resource.STOCK])
        await stage.advance(1)
        assert "RTX 5090  9 idle" not in stage.text


async def test_a_price_limit_below_the_prices_is_marked_and_said_in_the_question() -> None:
    cloud = Cloud("hub")
    (known,) = cloud.rows[Resource.STOCK]
    assert isinstance(known, Offer)
    cloud.rows[Resource.STOCK] = [replace(known, price_from=usd("5"))]
    async with staged(cloud, view="2") as stage:
        await open_form(stage, FILLED)
        assert "✗ $40.00/h now, over your limit of $6.00/h" in stage.text
        await stage.press("ctrl+g")
        assert "No matching GPU of a known price is within your price limit" in " ".join(stage.text.split())
        await stage.press("escape")
        await stage.press("escape")
        assert stage.dialogs == ["FormDialog"], "what was filled in is not thrown away by one key"


async def test_next_to_the_fields_is_the_request_or_what_it_lacks() -> None:
    cloud = Cloud("hub")
    async with staged(cloud, view="2", size=(160, 45)) as stage:
        await stage.press("n")
        assert "Still missing: Name, GPU models, Image, Command" in stage.text
        await stage.press("escape")
        await open_form(stage)
        assert "Request preview (not sent)" in stage.text
        assert '"replica_num": "4"' in stage.text
        await focus_on(stage, "replica_num")
        await stage.type("2")
        assert '"replica_num": "2"' in stage.text
        await stage.resize(100, 30)
        assert "Request preview" not in stage.text
        assert "2 replicas of 2 × RTX 5090" in stage.text
        assert cloud.received == []


async def test_a_list_of_ticks_takes_the_lines_that_its_section_leaves_free() -> None:
    places = tuple(f"place-{number:02}" for number in range(1, 31))
    form = Form(
        "hub",
        "pod",
        "New pod",
        (
            FormField("name", "Name", section="First"),
            FormField("places", "Places", kind=FieldKind.MULTI, choices=places),
            FormField("note", "Note", section="Second"),
        ),
    )
    async with staged(Cloud("hub"), size=NARROW) as stage:
        stage.app.push_screen(FormDialog(form, dict))
        await stage.settle()
        assert sum("place-" in line for line in stage.lines) == 10, "five are the least"
        assert stage.app.screen.query_one(FormBody).max_scroll_y == 0
