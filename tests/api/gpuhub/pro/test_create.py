"""The form of container instances and the request that it makes."""

from __future__ import annotations

import json

import pytest

from gputui.errors import InvalidError
from tests.api.gpuhub.pro.accounts import VALUES, Account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


async def test_the_request_is_the_document_s(account: Account) -> None:
    prepared = account.backend.creators["instance"].prepare({**VALUES, "data_center_list": "beijingDC2"})
    assert prepared.request is not None
    request = prepared.request()
    assert (request.method, request.url) == ("POST", "http://sim.example/api/v1/dev/instance/pro/create")
    assert json.loads(request.body) == {
        "instance_name": "try",
        "gpu_spec_uuid": "5090-p",
        "req_gpu_amount": 1,
        "expand_system_disk_by_gb": 50,
        "image_uuid": "base-image-l2t43iu6uk",
        "cuda_v_from": 118,
        "data_center_list": ["beijingDC2"],
    }


async def test_a_spec_that_is_not_in_the_catalogue_is_sent_as_it_is(account: Account) -> None:
    prepared = account.backend.creators["instance"].prepare({**VALUES, "gpu_spec_uuid": "6090-x"})
    assert prepared.request is not None
    assert json.loads(prepared.request().body)["gpu_spec_uuid"] == "6090-x"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("req_gpu_amount", "5", "must be 1 to 4"),
        ("expand_system_disk_by_gb", "501", "must be 0 to 500"),
        ("instance_name", "x" * 81, "is longer than 80"),
        ("image_uuid", "", "required"),
        ("gpu_spec_uuid", "", "required"),
        ("cuda_v_to", "999", "is no parameter of an instance"),
    ],
)
async def test_wrong_values_are_refused_by_field(account: Account, name: str, value: str, problem: str) -> None:
    with pytest.raises(InvalidError) as caught:
        account.backend.creators["instance"].prepare({**VALUES, name: value})
    assert caught.value.fields == {name: problem}
    assert account.requests == []


async def test_the_form_offers_own_and_public_images_and_the_specs(account: Account) -> None:
    form = await account.backend.creators["instance"].form()
    fields = {field.name: field for field in form.fields}
    own = set(account.place.cloud.images)
    assert own < set(fields["image_uuid"].choices)
    assert {"5090-p", "h800"} < set(fields["gpu_spec_uuid"].choices)
    assert fields["image_uuid"].default == fields["gpu_spec_uuid"].default == ""
