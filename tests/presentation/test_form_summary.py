"""The summary of a form while it is filled in: what, where, price and stock, and what of it is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gputui.api.deepdock.create import container_fields
from gputui.api.gpuhub.create import DeploymentForm
from gputui.api.gpuhub.pro.create import instance_form
from gputui.api.yotta.create.forms import Choices, endpoint_fields, pod_fields, vm_fields
from gputui.api.yotta.mapping import VmType
from gputui.models import Form, FormField, Money, Offer, Phase, Ref, Role, Volume
from gputui.presentation.form_summary import (
    StockNow,
    SummaryLine,
    change_summary,
    creation_summary,
    limit_note,
    with_stock,
)

HUB = DeploymentForm("hub", ("sgp1", "eu1"), "USD").form(gpu_models=["RTX 5090"])
VALUES = {
    "name": "exp",
    "deployment_type": "ReplicaSet",
    "replica_num": "3",
    "dc_list": "sgp1",
    "gpu_name_set": "RTX 5090",
    "gpu_num": "2",
    "price_to": "1.5",
}
TYPES = (
    VmType("NVIDIA_H200_141G", "us-east-1", "US East 1", True, 7),
    VmType("NVIDIA_H200_141G", "us-west-1", "US West 1", False, 7),
)
YOTTA = Choices(TYPES)


def usd(amount: str, *, estimated: bool = False) -> Money:
    return Money(Decimal(amount), "USD", estimated)


def offer(idle: int | None, total: int | None = None, *, region: str = "sgp1", **more: Any) -> Offer:
    name = more.pop("vendor_name", "RTX 5090")
    ref = Ref(more.pop("account", "hub"), "offer", f"{region}/{name}")
    return Offer(ref, "RTX 5090", region, idle=idle, total=total, vendor_name=name, **more)


def lines(
    form: Form, values: Mapping[str, str], stock: StockNow | None, *, costs: bool = True
) -> dict[str, SummaryLine]:
    return {line.label: line for line in creation_summary(form, values, costs=costs, stock=stock)}


def test_what_and_where_are_named_as_far_as_they_are_filled_in() -> None:
    made = lines(HUB, VALUES, StockNow())
    assert made["What"].text == "exp: 3 replicas of 2 × RTX 5090"
    assert made["Where"].text == "sgp1"
    job = {**VALUES, "deployment_type": "Job", "replica_num": "9", "parallelism_num": "4"}
    assert lines(HUB, job, StockNow())["What"].text == "exp: 4 at a time of 2 × RTX 5090"
    assert lines(HUB, {}, StockNow())["What"].text == "–"
    assert lines(HUB, {}, StockNow())["Where"].text == "–"


@pytest.mark.parametrize(
    ("offers", "price", "stock"),
    [
        ([offer(9, 64)], "price now unknown, at most $4.50/h", "9 idle of 64, 6 needed"),
        ([offer(9, 64, price_from=usd("0.5"))], "$3.00/h now, at most $4.50/h", "9 idle of 64, 6 needed"),
        (
            [offer(9, 64, price_from=usd("0.5"), price_to=usd("0.7"))],
            "$3.00–4.20/h now, at most $4.50/h",
            "9 idle of 64, 6 needed",
        ),
        ([offer(2, 64, price_from=usd("0"))], "free", "2 idle of 64, 6 needed"),
        ([offer(0, 64)], "price now unknown, at most $4.50/h", "0 idle of 64, 6 needed"),
        ([offer(3, None)], "price now unknown, at most $4.50/h", "3 idle, 6 needed"),
        (
            [offer(3, 8, problem="no answer")],
            "price now unknown, at most $4.50/h",
            "3 idle of 8 (some unknown), 6 needed",
        ),
        ([offer(9, 64, region="eu1")], "price now unknown, at most $4.50/h", "not in stock"),
        ([offer(None, available=True)], "price now unknown, at most $4.50/h", "available now"),
        ([offer(None, available=False)], "price now unknown, at most $4.50/h", "none available now"),
        ([offer(None)], "price now unknown, at most $4.50/h", "availability unknown"),
    ],
)
def test_price_and_stock_are_those_of_the_offers_that_fit(offers: Sequence[Offer], price: str, stock: str) -> None:
    made = lines(HUB, VALUES, StockNow(offers))
    assert (made["Price"].text, made["Stock"].text) == (price, stock)


def test_what_others_pay_is_an_estimate_and_a_price_above_the_limit_is_said() -> None:
    paid = {("hub", "sgp1", "RTX 5090"): usd("0.9")}
    made = lines(HUB, VALUES, StockNow([offer(9, 64)], paid=paid))["Price"]
    assert made.text == "✗ ~$5.40/h now, over your limit of $4.50/h"
    assert limit_note([made])
    enough = lines(HUB, {**VALUES, "price_to": "1.8"}, StockNow([offer(9, 64)], paid=paid))["Price"]
    assert (enough.text, enough.style, limit_note([enough])) == ("~$5.40/h now, at most $5.40/h", "", "")
    assert (made.style, made.note) == (
        "warning",
        "No matching GPU of a known price is within your price limit: nothing starts until one is.",
    )


def test_stock_that_is_not_current_not_read_or_not_reported_is_said_to_be_so() -> None:
    assert lines(HUB, VALUES, StockNow([offer(9, 64)], as_of="12:04:00"))["Stock"].text.endswith("(as of 12:04:00)")
    assert lines(HUB, VALUES, StockNow(read=False))["Stock"].text == "stock not read yet"
    assert lines(HUB, VALUES, StockNow(reported=False))["Stock"].text == "stock not reported"


def test_a_choice_that_is_required_leaves_price_and_stock_open() -> None:
    made = lines(HUB, {**VALUES, "gpu_name_set": ""}, StockNow([offer(9, 64)]))
    assert made["Price"].text == "choose GPU models to see price and stock"
    assert "Stock" not in made


def test_forms_of_all_vendors_find_their_offers() -> None:
    h200 = offer(
        None, region="us-east-1", account="yotta", vendor_name="NVIDIA_H200_141G", available=True, type_id="7"
    )
    west = offer(
        None, region="us-west-1", account="yotta", vendor_name="NVIDIA_H200_141G", available=False, type_id="7"
    )
    stock = StockNow([h200, west])
    forms = {
        "pod": (pod_fields(YOTTA), {"name": "p", "gpuType": "NVIDIA_H200_141G", "gpuCount": "1", "image": "x/y"}),
        "vm": (vm_fields(YOTTA), {"name": "v", "vmTypeId": "7", "region": "us-west-1"}),
        "endpoint": (
            endpoint_fields(YOTTA),
            {"name": "e", "workers": "2", "resources": "us-east-1 NVIDIA_H200_141G 2"},
        ),
    }
    made = {
        kind: lines(Form("yotta", kind, kind, tuple(each)), values, stock) for kind, (each, values) in forms.items()
    }
    assert made["pod"]["Stock"].text == "available now"
    assert made["pod"]["What"].text == "p: 1 × H200, x/y"
    assert made["pod"]["Where"].text == "anywhere"
    assert made["vm"]["Stock"].text == "none available now"
    assert "What" not in made["vm"], "all of it is in view"
    vm = Form("yotta", "vm", "VM", tuple(vm_fields(YOTTA)))
    whole = StockNow([replace(h200, price_from=usd("2"), machine_price=usd("16"))])
    chosen = {"vmTypeId": "7", "region": "us-east-1"}
    assert lines(vm, chosen, whole)["Price"].text == "$16.00/h now"
    assert lines(vm, {**chosen, "isSpot": "true"}, whole)["Price"].text == "spot, less than $16.00/h now"
    assert made["endpoint"]["What"].text == "e: 2 workers of H200"
    assert made["endpoint"]["Where"].text == "us-east-1"
    assert made["endpoint"]["Stock"].text == "available now"
    pro = lines(
        instance_form("me"), {"gpu_spec_uuid": "h800", "req_gpu_amount": "1"}, StockNow([offer(1, 8, type_id="h800")])
    )
    assert pro["What"].text == "1 × H800"
    assert pro["Stock"].text == "1 idle of 8, 1 needed"


def test_a_gpu_that_is_chosen_and_in_use_is_named() -> None:
    form = Form("dock", "container", "New", container_fields())
    stock = StockNow([offer(1, 8, account="dock")], in_use={"0": "train-7b", "3": ""})
    made = lines(form, {"name": "c", "gpu_ids": "0,2,3"}, stock)
    assert made["What"].text == "c: GPUs 0, 2, 3"
    assert made["Stock"].text == "1 idle of 8, 3 needed, GPUs 0, 3 in use"
    assert made["Stock"].note.startswith("On GPU 0: train-7b.")
    assert "in use" not in lines(form, {"gpu_ids": "2"}, stock)["Stock"].text


def test_a_volume_has_a_price_that_is_unknown_and_an_image_none_at_all() -> None:
    volume = Form("yotta", "volume", "New volume", (FormField("name", "Name", role=Role.NAME),))
    assert lines(volume, {}, None)["Price"].text == "price unknown: yotta does not state the price of a new volume"
    assert lines(volume, {}, None, costs=False) == {}


def test_an_edit_names_what_becomes_another_value_and_the_price_as_it_is() -> None:
    form = Form("yotta", "volume", "Resize", (FormField("size", "Size", default="100", unit="GB"),))
    row = Volume(
        Ref("yotta", "volume", "1"), "data", "CEPH", Phase.RUNNING, "active", price=usd("0.02", estimated=True)
    )
    assert [line.text for line in change_summary(form, {"size": "100"}, row)] == [
        "nothing is changed yet",
        "~$0.02/h as it is",
    ]
    assert change_summary(form, {"size": "200"}, row)[0].text == "1 change: Size 100 GB → 200 GB"
    assert change_summary(form, {}, replace(row, price=usd("0")))[1].text == "free as it is"


def test_a_task_has_no_summary_of_what_it_makes_as_it_makes_no_row_of_its_own_name() -> None:
    target = FormField("uri", "Path", section="Target", role=Role.URI_PATH)
    task = Form("yotta", "task", "Submit a task in yotta", (FormField("id", "ID", section="Task"), target))
    assert creation_summary(task, {}, costs=False, stock=None) == []


def test_gpu_models_are_described_by_what_is_idle_and_its_price_as_far_as_that_is_counted() -> None:
    form = DeploymentForm("hub", ("sgp1", "eu1"), "USD").form(gpu_models=["RTX 5090", "H20", "L40"])
    offers = [
        offer(4, 8, price_from=usd("0.50"), price_to=usd("0.90")),
        offer(0, 8, region="eu1", price_from=usd("0.45")),
        offer(None, region="sgp1", vendor_name="H20"),
        offer(None, region="sgp1", vendor_name="L40"),
        offer(2, region="eu1", vendor_name="L40"),
    ]
    offers = [replace(one, gpu_model=one.vendor_name) for one in offers]

    def labels(stock: StockNow) -> Sequence[str]:
        field = with_stock(form, stock).field(Role.GPU_MODELS)
        assert field is not None
        return field.labels

    assert labels(StockNow(offers)) == ("4 idle  $0.45–0.90/h", "", "2 idle (some unknown)")
    paid = {("hub", "eu1", "L40"): usd("0.70")}
    assert labels(StockNow(offers, paid=paid))[2] == "2 idle (some unknown)  ~$0.70/h"
    assert labels(StockNow(offers, as_of="12:00")) == ()
    assert labels(StockNow([replace(one, remark="of something else") for one in offers])) == ()
    assert labels(StockNow()) == ()
