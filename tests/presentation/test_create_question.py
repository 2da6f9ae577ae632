"""What is said before something is created: its cost, idle GPUs, another of the same name."""

from __future__ import annotations

import pytest

from gputui.models import Form, FormField, Role
from gputui.presentation.forms import cost, instances_at_once, same_name, stock_note
from tests.screens.cloud import deployment, fields
from tests.screens.world import offer
from tests.storage import volume

NAMED = (FormField("name", "Name", role=Role.NAME),)


FORM = Form("hub", "deployment", "New", fields())


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"replica_num": "4"}, 4),
        ({"replica_num": "20", "parallelism_num": "4"}, 4),
        ({"replica_num": "2", "parallelism_num": "4"}, 2),
        ({}, 1),
        ({"replica_num": "many"}, 1),
    ],
)
def test_how_many_may_run_at_once(values: dict[str, str], count: int) -> None:
    assert instances_at_once(FORM, values) == count


def test_the_cost_is_shown_only_where_it_is_known() -> None:
    assert cost(FORM, {"price_to": "1.50"}) == "Spending rises by at most $1.50/h."
    for price in ("", "cheap", "NaN", "Infinity"):
        assert cost(FORM, {"price_to": price}) == ""
    assert cost(Form("lab", "pod", "New", fields()[:1]), {"price_to": "1.50"}) == ""
    volume = cost(Form("yotta", "volume", "New", ()), {})
    assert volume == "Spending rises by an unknown amount: yotta does not state the price of a new volume."


def test_idle_cards_of_other_regions_models_and_accounts_are_not_counted() -> None:
    values = {"gpu_name_set": "RTX 5090", "dc_list": "sgp1", "gpu_num": "1"}
    offers = [
        offer("hub", "RTX 5090", 2, 8, region="sgp1"),
        offer("hub", "RTX 5090", 4, 8, region="us"),
        offer("hub", "H100", 8, 8, region="sgp1"),
        offer("lab", "RTX 5090", 16, 16, region="sgp1"),
        offer("hub", "RTX 5090", None, None, region="sgp1", available=True),
    ]
    assert stock_note(FORM, values, offers).startswith("2 matching GPUs idle")
    assert "promise" not in stock_note(FORM, values, offers)
    assert stock_note(FORM, values, offers[1:]) == ""


def test_a_namesake_is_one_of_the_same_account() -> None:
    form = Form("hub", "deployment", "New deployment", NAMED)
    rows = [deployment("hub", "a"), deployment("autodl", "b")]
    assert same_name(form, {"name": "a"}, rows)
    assert not same_name(form, {"name": "b"}, rows)
    assert not same_name(form, {"name": ""}, [deployment("hub", "")])


def test_a_namesake_is_one_of_the_same_kind() -> None:
    form = Form("yotta", "volume", "New volume", NAMED)
    assert same_name(form, {"name": "a"}, [deployment("yotta", "a")]) == ""
    assert "There is a volume a already (active)" in same_name(form, {"name": "a"}, [volume("yotta", "a")])
