"""What tests of the stock share: a cloud and a host that offer the same GPU, a cursor on the map, its captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gputui.models import FieldKind, Form, FormField, Money, Offer, Ref, Resource, Role
from gputui.widgets.heatmap.heatmap import Heatmap
from tests.fleet.fakes import FakeBackend, FakeFilters
from tests.screens.stage import Stage
from tests.screens.world import GIB, backend, offer


def usd(amount: str) -> Money:
    """Return dollars."""
    return Money(Decimal(amount), "USD")


class Cloud(FakeBackend):
    """A cloud that creates deployments, and whose stock can be asked for in part."""

    creatable = ("deployment",)

    def __init__(self, account: str, *offers: Offer) -> None:
        super().__init__(account, (Resource.INSTANCES, Resource.STOCK))
        self.rows[Resource.STOCK] = offers
        self.offered = frozenset()
        self.asked: Mapping[str, str] = {}
        self.filters = FakeFilters(account, self.filter_form, self.use_filter)

    async def create_form(self, kind: str) -> Form:
        fields = (
            FormField("name", "Name", role=Role.NAME),
            FormField("dc_list", "Regions", required=False, role=Role.REGIONS),
            FormField("gpu_name_set", "GPUs", required=False, role=Role.GPU_MODELS),
        )
        return Form(self.account, kind, "New deployment", fields)

    def filter_form(self, resource: Resource) -> Form | None:
        if resource is not Resource.STOCK:
            return None
        return Form(
            self.account,
            "stock",
            "Stock filters",
            (FormField("cuda_v_from", "CUDA from", FieldKind.TEXT, required=False),),
        )

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked = dict(values)


def hub(**more: Any) -> Cloud:
    """Return a cloud with three regions."""
    return Cloud(
        "hub",
        offer("hub", "RTX 5090", 12, 64, region="sgp1", gpu_memory=32 * GIB, price_from=usd("0.90"), **more),
        offer("hub", "RTX 5090", 2, 16, region="us-east-1", gpu_memory=32 * GIB, price_from=usd("0.70")),
        offer("hub", "RTX 5090", 0, 8, region="eu-1", gpu_memory=32 * GIB, price_from=usd("0.10")),
        offer("hub", "H200", 0, 8, region="sgp1", gpu_memory=141 * GIB),
    )


def dock() -> FakeBackend:
    """Return a host with the same GPU, whose price is unknown."""
    return backend("dock", stock=[offer("dock", "RTX 5090", 4, 4, gpu_memory=32 * GIB)])


def change(fake: FakeBackend, region: str, idle: int) -> None:
    """Make so many RTX 5090 idle in a region."""
    fake.rows[Resource.STOCK] = [
        replace(one, idle=idle)
        if isinstance(one, Offer) and (one.gpu_model, one.region) == ("RTX 5090", region)
        else one
        for one in fake.rows[Resource.STOCK]
    ]


def at(stage: Stage, region: str, model: str = "RTX 5090", account: str = "hub") -> None:
    """Put the cursor on a cell."""
    assert stage.view.query_one(Heatmap).select(Ref(account, "offer", f"{region}/{model}"))


def said(stage: Stage, line: str = "cell") -> str:
    """Return a line under the map."""
    return stage.view.query_one(f"#{line}").content.plain  # type: ignore[attr-defined, no-any-return]


def shown(stage: Stage) -> tuple[list[str], list[str]]:
    """Return the models and the regions of the map."""
    grid = stage.view.query_one(Heatmap).grid
    return grid.models, [region for _, region in grid.places]
