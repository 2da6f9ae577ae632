"""Which columns of instances a terminal of some width shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gputui.models import GpuDevice, GpuSample, Instance, Money, Phase, Ref, Resource
from gputui.presentation.columns.column import spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.widgets.table.columns import spans_width
from gputui.widgets.table.layout import ColumnLayout
from gputui.widgets.table.model import TableModel

BESIDE_ROWS = 4
"""Cells of a table for its cursor and its scroll bar."""

ROW = Instance(
    Ref("autodl", "container", "1"),
    "qwen-finetune-0f583498",
    Phase.RUNNING,
    "running",
    image="pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel",
    gpu_model="RTX PRO 6000",
    gpu_indices=(0, 1),
    host="d626123ae3",
    price=Money(Decimal("5.60"), "USD"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    region="west-B",
)


class Measured(Context):
    """One GPU of each instance is read."""

    def gpus(self, instance: Instance) -> list[GpuDevice]:
        sample = GpuSample(datetime.now(UTC), 93.0, 20 << 30)
        return [GpuDevice(Ref("autodl", "gpu", "0"), "h", 0, None, 96 << 30, instances=("a",), sample=sample)]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "name account state gpu util gpumem"),
        (100, "name account state gpu util gpumem price host"),
        (120, "name account state gpu util gpumem price age host"),
        (200, "name account state gpu util gpumem price age host image region"),
    ],
)
def test_what_matters_comes_first_as_far_as_there_is_room(width: int, shown: str) -> None:
    fields = columns_of(Resource.INSTANCES, Measured())
    layout = ColumnLayout(fields, lambda row: [spans_width(spans_of(field.cell(row))) for field in fields])
    moving = replace(ROW, ref=Ref("autodl", "container", "2"), phase=Phase.STOPPING, status="shutting_down")
    model: TableModel[Instance] = TableModel(on_fault=lambda error: None)
    model.replace([ROW, moving])
    layout.lay_out(model, [ROW.ref, moving.ref], width - BESIDE_ROWS)
    widths = {placed.column.key: placed.width for placed in layout.placed}
    assert set(shown.split()) <= widths.keys()
    assert widths["state"] >= len("◐ shutting_down")
    assert widths.get("price", 7) == len("PRICE/H")
    assert widths["gpu"] >= len("2 RTX PRO 60"), "content is in sight before a bar is"
    assert widths["util"] >= len(" 93 % " if width == 100 else "▇▇▇▁  93 % ")
    assert widths["name"] >= len("llama-…9f3c2a"), "its end, which distinguishes it, is in sight"
    assert "image" in widths or width < 200


@pytest.mark.parametrize(("width", "is_there"), [(80, False), (120, False), (126, False), (200, True)])
def test_names_are_shown_in_full_before_a_time_that_few_rows_have(width: int, is_there: bool) -> None:
    fields = columns_of(Resource.INSTANCES, Measured())
    layout = ColumnLayout(fields, lambda row: [spans_width(spans_of(field.cell(row))) for field in fields])
    released = replace(ROW, ref=Ref("autodl", "container", "2"), release_at=datetime(2030, 1, 1, tzinfo=UTC))
    model: TableModel[Instance] = TableModel(on_fault=lambda error: None)
    model.replace([ROW, released])
    layout.lay_out(model, [ROW.ref, released.ref], width - BESIDE_ROWS)
    widths = {placed.column.key: placed.width for placed in layout.placed}
    assert ("release" in widths) == is_there
    assert widths["name"] >= len(ROW.name) or width == 80
