"""Which columns of GPUs a narrow terminal shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gputui.models import GpuDevice, GpuSample, Resource
from gputui.presentation.columns.column import spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.widgets.table.columns import spans_width
from gputui.widgets.table.layout import ColumnLayout
from gputui.widgets.table.model import TableModel
from tests.screens.world import GIB, gpu

LONG_NAMES = ("production-cluster-1", "gpu-node-rack17-unit03-b")
BESIDE_ROWS = 4
"""Cells of a table for its cursor and its scroll bar."""


class SeveralHosts(Context):
    def several_hosts(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [200, 80, 64])
def test_the_host_and_the_load_of_a_gpu_are_there_next_to_a_long_reason(columns: int) -> None:
    account, host = LONG_NAMES
    reason = "the GPU is lost: its host has to be restarted"
    lost = replace(gpu(account, 0, None, 0), host=host, problem=reason)
    reading = GpuSample(datetime.now(UTC), 100.0, 20 * GIB, 400.0, 70.0, 50.0)
    busy = replace(gpu(account, 1, 20 * GIB, 1, "train"), host=host, sample=reading)
    fields = columns_of(Resource.GPUS, SeveralHosts())
    layout = ColumnLayout(fields, lambda row: [spans_width(spans_of(field.cell(row))) for field in fields])
    model: TableModel[GpuDevice] = TableModel(on_fault=lambda error: None)
    model.replace([lost, busy])
    layout.lay_out(model, [lost.ref, busy.ref], columns - BESIDE_ROWS)
    widths = {placed.column.key: placed.width for placed in layout.placed}
    assert {"gpu", "host", "util", "memory"} <= widths.keys()
    assert widths["util"] == len("▇▇▇▇▇▇▇▇ 100 %")
    assert widths["memory"] == len("▇▇▇▇▇▇▇▁ 20.0G/24.0G")
    assert widths["host"] >= 12
