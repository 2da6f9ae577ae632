"""The filters of GPUhub's lists: what can be asked for, what is refused, what is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gputui.api.gpuhub.filters import CONTAINER_STATUSES, GpuhubFilters
from gputui.errors import InvalidError
from gputui.models import FieldKind, Resource

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
HUB = GpuhubFilters("hub", ("sgp1", "Singapore-A"), "USD", models=lambda: ["RTX 5090"], now=lambda: NOW)


def names(resource: Resource) -> list[str]:
    form = HUB.form(resource)
    assert form is not None
    return [field.name for field in form.fields]


def sent(resource: Resource, **values: str) -> dict[str, object]:
    """Return the parameters that are sent for values."""
    HUB.prepare(resource, values)()
    return HUB.parameters(resource)


def test_every_parameter_of_the_three_calls_can_be_asked_for() -> None:
    assert sorted(names(Resource.STOCK)) == sorted(
        ["regions", "gpu_name_set"]
        + [f"{stem}_{end}" for stem in ("cuda_v", "memory_size", "cpu_num", "price") for end in ("from", "to")]
    )
    assert names(Resource.DEPLOYMENTS) == ["name", "status", "deployment_uuid"]
    assert sorted(names(Resource.INSTANCES)) == sorted(
        ["deployment_uuid", "container_uuid", "gpu_name", "released", "status"]
        + [f"{stem}_{end}" for stem in ("date", "memory_size", "cpu_num", "price") for end in ("from", "to")]
    )
    assert HUB.form(Resource.EVENTS) is None


@pytest.mark.parametrize("resource", [Resource.STOCK, Resource.DEPLOYMENTS, Resource.INSTANCES])
def test_nothing_has_to_be_asked_for(resource: Resource) -> None:
    form = HUB.form(resource)
    assert form is not None
    assert not any(field.required or field.default for field in form.fields)
    assert all("" in field.choices for field in form.fields if field.kind is FieldKind.CHOICE)
    assert all(len(field.labels) in {0, len(field.choices)} for field in form.fields)
    assert sent(resource, **{field.name: " " for field in form.fields}) == {}


def test_stock_is_asked_for_in_gigabytes_thousandths_and_cuda_numbers() -> None:
    assert sent(
        Resource.STOCK,
        regions="sgp1",
        gpu_name_set="RTX 5090, RTX Pro 6000",
        cuda_v_from="11.8",
        cuda_v_to="122",
        memory_size_from="64",
        memory_size_to="256",
        cpu_num_from="8",
        cpu_num_to="64",
        price_from="0.1",
        price_to="9.00",
    ) == {
        "gpu_name_set": ["RTX 5090", "RTX Pro 6000"],
        "cuda_v_from": 118,
        "cuda_v_to": 122,
        "memory_size_from": 64,
        "memory_size_to": 256,
        "cpu_num_from": 8,
        "cpu_num_to": 64,
        "price_from": 100,
        "price_to": 9000,
    }


def test_the_stock_of_chosen_regions_alone_is_asked_for() -> None:
    for chosen, requested in (("Singapore-A", ["Singapore-A"]), (" ", ["sgp1", "Singapore-A"])):
        HUB.prepare(Resource.STOCK, {"regions": chosen})()
        assert list(HUB.regions) == requested


def test_a_cloud_without_regions_cannot_be_asked_for_some() -> None:
    private = GpuhubFilters("private", (), "CNY", now=lambda: NOW)
    form = private.form(Resource.STOCK)
    assert form is not None
    assert "regions" not in [field.name for field in form.fields]
    with pytest.raises(InvalidError, match="regions: unknown filter"):
        private.prepare(Resource.STOCK, {"regions": "sgp1"})


def test_deployments_are_asked_for_by_exact_name_status_and_uuid() -> None:
    assert sent(Resource.DEPLOYMENTS, name=" train-a ", status="stopped", deployment_uuid="53a677bb3e281b8") == {
        "name": "train-a",
        "status": "stopped",
        "deployment_uuid": "53a677bb3e281b8",
    }


def test_containers_are_asked_for_in_bytes() -> None:
    assert sent(
        Resource.INSTANCES,
        status="running, created",
        released="true",
        memory_size_from="90",
        price_to="1.6",
        gpu_name="RTX 5090",
        deployment_uuid="d",
        container_uuid="d-m-1",
    ) == {
        "status": ["running", "created"],
        "released": True,
        "memory_size_from": 96636764160,
        "price_to": 1600,
        "gpu_name": "RTX 5090",
        "deployment_uuid": "d",
        "container_uuid": "d-m-1",
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-20", datetime(2026, 11, 20).astimezone()),
        ("2026-11-20 14:00", datetime(2026, 11, 20, 14).astimezone()),
        ("2026-11-20T14:00:00+08:00", datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=8)))),
    ],
)
def test_dates_are_days_times_or_spans_back(written: str, expected: datetime) -> None:
    text = sent(Resource.INSTANCES, date_from=written)["date_from"]
    assert isinstance(text, str)
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    assert at == expected


def test_a_range_of_days_contains_the_whole_of_its_last_day() -> None:
    until = sent(Resource.INSTANCES, date_from="2026-11-20", date_to="2026-11-20")["date_to"]
    assert datetime.fromisoformat(str(until)) == datetime(2026, 11, 20, 23, 59, 59).astimezone()


def test_a_span_keeps_reaching_back_from_now() -> None:
    clock = [NOW]
    hub = GpuhubFilters("hub", (), "USD", now=lambda: clock[0])
    hub.prepare(Resource.INSTANCES, {"date_from": "1h"})()
    before = hub.parameters(Resource.INSTANCES)
    clock[0] += timedelta(hours=1)
    after = hub.parameters(Resource.INSTANCES)
    assert datetime.fromisoformat(str(before["date_from"])) == NOW - timedelta(hours=1)
    assert datetime.fromisoformat(str(after["date_from"])) == NOW


@pytest.mark.parametrize(
    ("resource", "values", "field", "problem"),
    [
        (Resource.STOCK, {"regions": "sgp1,mars"}, "regions", "mars is not among the regions"),
        (Resource.STOCK, {"cuda_v_from": "new"}, "cuda_v_from", "CUDA version"),
        (Resource.STOCK, {"price_from": "cheap"}, "price_from", "price for an hour"),
        (Resource.STOCK, {"price_to": "-1"}, "price_to", "negative"),
        (Resource.STOCK, {"cpu_num_from": "1.5"}, "cpu_num_from", "whole number"),
        (Resource.STOCK, {"cuda_v_from": "12.2", "cuda_v_to": "118"}, "cuda_v_to", "less than CUDA from"),
        (Resource.STOCK, {"price_from": "2", "price_to": "1.99"}, "price_to", "less than Price from (2)"),
        (Resource.STOCK, {"status": "running"}, "status", "unknown filter"),
        (Resource.INSTANCES, {"status": "running,bogus"}, "status", "bogus is not among the statuses: creating, "),
        (Resource.DEPLOYMENTS, {"status": "paused"}, "status", "running, stopped"),
        (Resource.INSTANCES, {"released": "yes"}, "released", "true or false"),
        (Resource.INSTANCES, {"date_from": "yesterday"}, "date_from", "2026-11-20"),
        (Resource.INSTANCES, {"date_from": "99999999999d"}, "date_from", "too far"),
        (Resource.INSTANCES, {"date_from": "1h", "date_to": "2h"}, "date_to", "before"),
        (Resource.INSTANCES, {"memory_size_from": "9", "memory_size_to": "8"}, "memory_size_to", "less than Memory"),
        (Resource.EVENTS, {"name": "x"}, "name", "no filters"),
    ],
)
def test_what_is_wrong_is_reported_at_its_field(
    resource: Resource, values: dict[str, str], field: str, problem: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        HUB.prepare(resource, values)
    assert list(caught.value.fields) == [field]
    assert problem in caught.value.fields[field]


def test_the_statuses_known_are_offered_and_no_others() -> None:
    form = HUB.form(Resource.INSTANCES)
    assert form is not None
    status = next(field for field in form.fields if field.name == "status")
    assert status.choices == CONTAINER_STATUSES
    assert not status.open_choices
