"""What the servers are asked for: chosen in a form, said in words, taken back."""

from __future__ import annotations

from collections.abc import Mapping

from textual.widgets import Button, Input

from gputui.models import FieldKind, Form, FormField, Resource
from gputui.presentation.forms import merged
from gputui.screens.commands.server_filters import in_words
from tests.screens.hub import FakeCloud, hub
from tests.screens.stage import staged
from tests.screens.world import lab


async def test_a_filter_is_checked_sent_to_the_server_shown_in_words_and_cleared() -> None:
    cloud = hub()
    async with staged(cloud, lab()) as stage:
        await stage.press("L")
        stage.app.screen.query_one("#field-price_to", Input).value = "cheap"
        await stage.settle()
        stage.app.screen.query_one("#confirm", Button).press()
        await stage.settle()
        assert "is not a number" in stage.text
        assert stage.dialogs == ["FilterDialog"]
        assert not cloud.asked

        # A filter is sent to the server and is in the title in words.
        await stage.press("escape")
        await stage.press("L")
        assert "Filter instances of hub on the server" in stage.text
        stage.app.screen.query_one("#field-price_to", Input).value = "2"
        await stage.settle()
        stage.app.screen.query_one("#confirm", Button).press()
        await stage.settle()
        assert cloud.asked == {Resource.INSTANCES: {"price_to": "2"}}
        assert "server filter: price to=2 per hour" in stage.title

        # A cancelled form leaves what is in force.
        await stage.press("L", "escape")
        assert cloud.asked == {Resource.INSTANCES: {"price_to": "2"}}

        # Clear asks for everything again.
        await stage.press("L")
        stage.app.screen.query_one("#clear", Button).press()
        await stage.settle()
        assert not stage.in_dialog
        assert cloud.asked == {Resource.INSTANCES: {}}
        assert "on the server" not in stage.title

        # The filter explains an empty list and survives escape.
        cloud.rows[Resource.INSTANCES] = []
        stage.fleet.server_filters.set(Resource.INSTANCES, {"status": "failed", "released": "true"})
        stage.view.choices_changed()
        await stage.advance(0)
        await stage.press("escape")
        assert "No matches for the server filter status=failed, released. L changes it." in stage.text
        assert "server filter: status=failed, released" in stage.title

        # Rows of accounts left out do not hide that nothing matches.
        cloud.rows[Resource.INSTANCES] = []
        stage.fleet.server_filters.set(Resource.INSTANCES, {"status": "failed"})
        await stage.advance(0)
        await stage.press("9", "3")
        assert "No matches for the server filter status=failed. L changes it." in stage.text

        # Only the accounts shown decide whether there is something to ask.
        stage.fleet.server_filters.set(Resource.INSTANCES, {})
        await stage.command("account lab")
        await stage.press("L")
        assert not stage.in_dialog

        assert "Server filters: not possible" in stage.toasts


class OtherRegions(FakeCloud):
    """A cloud that can have nothing of what is asked for."""

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        return {"regions": "sgp1 is not a region here."} if values else {}


async def test_an_account_that_a_filter_leaves_out_is_named_with_the_reason() -> None:
    async with staged(hub(), OtherRegions("autodl")) as stage:
        await stage.press("L")
        stage.app.screen.query_one("#field-price_to", Input).value = "2"
        await stage.settle()
        stage.app.screen.query_one("#confirm", Button).press()
        await stage.settle()
        assert "autodl  left out: regions: sgp1 is not a region here." in stage.text
        await stage.press("L")
        stage.app.screen.query_one("#clear", Button).press()
        await stage.settle()
        assert "left out" not in stage.text


def test_forms_of_several_accounts_become_one_with_all_choices() -> None:
    def form(account: str, *regions: str) -> Form:
        field = FormField(
            "regions", "Regions", FieldKind.MULTI, choices=regions, labels=tuple(map(str.upper, regions))
        )
        return Form(
            account,
            "filter",
            "Stock",
            (
                field,
                FormField(f"only-{account}", "Only", unit=f"of {account}"),
                FormField("price", "Price", unit=account),
            ),
        )

    one = merged([form("hub", "a", "b"), form("autodl", "b", "c")])
    assert one.account == "hub, autodl"
    assert [field.name for field in one.fields] == ["regions", "only-hub", "price", "only-autodl"]
    assert one.fields[0].choices == ("a", "b", "c")
    assert one.fields[0].labels == ("A", "B", "C")
    assert [field.unit for field in one.fields] == ["", "of hub", "hub or autodl", "of autodl"]


def test_words_keep_abbreviations_and_name_what_no_form_knows() -> None:
    form = Form(
        "hub", "filter", "", (FormField("gpu", "GPU model"), FormField("released", "Released too", FieldKind.FLAG))
    )
    values = {"other": "x", "released": "true", "gpu": "RTX 5090"}
    assert in_words(form, values) == "GPU model=RTX 5090, released too, other=x"


async def test_hostile_values_are_data() -> None:
    cloud = FakeCloud("hub")
    async with staged(cloud) as stage:
        stage.fleet.server_filters.set(Resource.INSTANCES, {"status": "[/x][@click=app.bell]a[/]"})
        await stage.press("z")
        assert "status=[/x][@click=app.bell]a[/]" in stage.title


async def test_an_account_that_cannot_filter_is_left_out_with_its_rows() -> None:
    cloud = hub()
    async with staged(cloud, lab()) as stage:
        assert "jupyter" in stage.text
        await stage.press("L", "down", "space", "shift+tab", "enter")
        assert cloud.asked == {Resource.INSTANCES: {"status": "stopped"}}, "fields left empty ask for nothing"
        assert "lab  left out: it cannot filter instances" in stage.text
        assert "jupyter" not in stage.text
        assert "train-a-81ab" in stage.text
        await stage.press("L")
        stage.app.screen.query_one("#clear", Button).press()
        await stage.settle()
        assert "left out" not in stage.text
        assert "jupyter" in stage.text
