"""Which columns of deployments a narrow terminal shows."""

from __future__ import annotations

from decimal import Decimal

from gputui.models import Deployment, Money, Phase, Ref, Resource
from gputui.presentation.columns.column import spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.widgets.table.columns import spans_width
from gputui.widgets.table.layout import ColumnLayout
from gputui.widgets.table.model import TableModel
from tests.widgets.table.test_instance_columns import BESIDE_ROWS

JOB = Deployment(
    Ref("autodl", "deployment", "1"),
    "data-clean",
    "Job",
    Phase.RUNNING,
    "running",
    desired=24,
    running=1,
    starting=1,
    finished=4,
    gpu_models=("RTX PRO 6000",),
    gpu_count=2,
    parallelism=3,
    price=Money(Decimal("34.16"), "USD"),
)


def test_the_price_stays_in_80_columns_next_to_counts_of_full_length() -> None:
    fields = columns_of(Resource.DEPLOYMENTS, Context())
    layout = ColumnLayout(fields, lambda row: [spans_width(spans_of(field.cell(row))) for field in fields])
    model: TableModel[Deployment] = TableModel(on_fault=lambda error: None)
    model.replace([JOB])
    layout.lay_out(model, [JOB.ref], 80 - BESIDE_ROWS)
    found = {placed.column.key: placed for placed in layout.placed}
    assert list(found) == ["name", "account", "state", "counts", "gpu", "price"]
    assert found["counts"].is_bare
    assert found["counts"].width >= len("4/24 1 run +1")
    assert found["gpu"].width == len("2 × RTX PRO 6000")
