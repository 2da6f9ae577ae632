"""Any JSON in place of GPUhub's fields: a row spoils itself alone, and nothing breaks."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gputui.api.gpuhub import mapping, schema
from gputui.api.gpuhub.wallet import to_balance
from gputui.models import Ref

SCOPE = mapping.Scope("hub", "USD")
PARENT = Ref("hub", "deployment", "a")
TEXTS = ("1", "-1", "1e9", "running", "2026-11-20T16:43:03+08:00", "9999-12-31T23:59:59-23:59", "ssh -p 1 root@h")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


def objects(shape: type) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of a shape's fields, each of which may contain anything."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(shape.__annotations__, JSON))


@given(objects(schema.ContainerRow), objects(schema.ContainerInfoRow) | JSON)
def test_a_container_with_a_uuid_is_always_a_row(row: dict[str, Any], info: object) -> None:
    make = partial(mapping.to_instance, SCOPE, parent=PARENT, parent_name="x", image_names={})
    rows = [row | {"uuid": "a-b-c", "info": info}]
    (made,) = schema.salvage_page(schema.CONTAINERS, {"list": rows}, make, raw=True).rows
    assert made.ref == Ref("hub", "container", "a-b-c")


@given(objects(schema.DeploymentRow), objects(schema.TemplateRow) | JSON)
def test_a_deployment_with_a_uuid_is_always_a_row(row: dict[str, Any], template: object) -> None:
    rows = [row | {"uuid": "a", "template": template}]
    make = partial(mapping.to_deployment, SCOPE)
    (made,) = schema.salvage_page(schema.DEPLOYMENTS, {"list": rows}, make, raw=True).rows
    assert made.ref == PARENT


@given(JSON)
def test_a_page_may_be_anything(data: object) -> None:
    page = schema.salvage_page(schema.EVENTS, data, mapping.to_event_row)
    assert len(page.rows) == page.sent


@given(JSON | st.lists(st.dictionaries(st.text(max_size=5), objects(schema.StockRow), max_size=3), max_size=3))
def test_the_stock_may_be_anything(data: object) -> None:
    with suppress(ValueError):
        offers = mapping.to_offers(SCOPE, "sgp1", data)
        assert len({offer.ref for offer in offers}) == len(offers)


@given(JSON)
def test_the_wallet_may_be_anything(data: object) -> None:
    balance = to_balance(SCOPE, "hub", data)
    assert balance is None or balance.available.amount.is_finite()
