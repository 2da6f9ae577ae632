"""From a cell of the stock map to a form that is filled in."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gputui.api.gpuhub.create import DeploymentForm
from gputui.api.gpuhub.pro.create import instance_form
from gputui.api.gpuhub.pro.specs import with_spec
from gputui.models import Form, Money, Offer, Ref, Role
from gputui.presentation.forms import prefill_from_offer
from tests.api.yotta import creators

REF = Ref("hub", "offer", "sgp1/RTX 5090")


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_what_is_created_lands_on_the_offer() -> None:
    offer = Offer(
        REF,
        gpu_model="RTX PRO 6000",
        region="sgp1",
        vendor_name="RTX Pro 6000",
        price_from=dollars("0.9"),
        price_to=dollars("1.605"),
    )
    assert prefill_from_offer(offer) == {
        Role.REGIONS: "sgp1",
        Role.GPU_MODELS: "RTX Pro 6000",
        Role.PLACE: "sgp1 RTX Pro 6000",
        Role.PRICE_FLOOR: "0.90",
        Role.PRICE_LIMIT: "1.605",
    }


def test_what_the_offer_does_not_say_is_left_to_the_form() -> None:
    assert prefill_from_offer(Offer(REF, gpu_model="RTX 5090", region="sgp1")) == {
        Role.REGIONS: "sgp1",
        Role.GPU_MODELS: "RTX 5090",
        Role.PLACE: "sgp1 RTX 5090",
    }
    assert prefill_from_offer(Offer(REF, gpu_model="", region="sgp1", problem="no answer")) == {Role.REGIONS: "sgp1"}


@pytest.mark.parametrize("amount", ["1E+2", "0", "12", "0.001", "1.60"])
def test_prices_are_written_as_the_form_reads_them(amount: str) -> None:
    hub = DeploymentForm("hub", ("sgp1",), "USD")
    offer = Offer(REF, gpu_model="RTX 5090", region="sgp1", price_from=dollars(amount))
    fields = hub.form().fields
    defaults = {field.name: field.default for field in fields}
    shown = {field.name: field.default for field in fields if field.shown_with(defaults)}
    assert set(hub.read({**shown, **hub.form().named(prefill_from_offer(offer)), "price_to": "200"}).problems) == {
        "name",
        "image_uuid",
        "cmd",
    }


def test_a_cloud_that_reports_its_stock_as_a_whole_names_no_region_to_create_in() -> None:
    offer = Offer(Ref("cave", "offer", "cave/RTX 5090"), gpu_model="RTX 5090", region="cave")
    assert Role.REGIONS not in prefill_from_offer(offer)


def test_where_only_yes_or_no_is_reported_it_lands_there_as_well() -> None:
    offer = Offer(
        Ref("yotta", "offer", "us-east-1/NVIDIA_H200_141G"),
        gpu_model="H200",
        region="us-east-1",
        available=True,
        vendor_name="NVIDIA_H200_141G",
        type_id="17",
    )

    def sent(kind: str, **given: str) -> dict[str, object]:
        form = Form("yotta", kind, "", tuple(creators.fields(kind)))
        values = {field.name: field.default for field in form.fields} | given | form.named(prefill_from_offer(offer))
        assert creators.problems(kind, values) == {}
        return creators.body(kind, values)

    pod = sent("pod", name="a", image="b")
    assert (pod["regions"], pod["gpuType"]) == (["us-east-1"], "NVIDIA_H200_141G")
    assert sent("vm", name="a") == {"name": "a", "vmTypeId": 17, "region": "us-east-1", "isSpot": 0}
    assert sent("endpoint", name="a", image="b")["resources"] == [
        {"region": "us-east-1", "gpuType": "NVIDIA_H200_141G", "gpuCount": 1}
    ]


def test_an_instance_lands_in_the_region_of_the_offer_only_where_creates_are_accepted() -> None:
    form = instance_form("personal")

    def begun(region: str, model: str) -> dict[str, str]:
        offer = Offer(
            Ref("personal", "offer", f"{region}/{model}"), gpu_model=model, region=region, vendor_name=model
        )
        return form.named(prefill_from_offer(with_spec(offer)))

    assert begun("westDC3", "RTX 5090") == {"gpu_spec_uuid": "5090-p", "data_center_list": "westDC3"}
    assert begun("chongqingDC1", "RTX 5090") == {"gpu_spec_uuid": "5090-p"}
    assert begun("westDC3", "RTX 4090") == {"data_center_list": "westDC3"}
