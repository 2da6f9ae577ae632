"""A cell is ``?`` where a row has such a figure and it is unknown, and blank where it has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gputui.cli.columns import table_with
from gputui.models import (
    Deployment,
    Event,
    GpuDevice,
    HostInfo,
    Image,
    Instance,
    Money,
    Offer,
    Phase,
    Ref,
    Resource,
    Row,
    Volume,
)
from gputui.models.resources import resource_of
from gputui.models.waste import Waste, WasteReason
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import fields_of
from gputui.presentation.columns.waste import waste_columns

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TRAIN = Ref("hub", "container", "train")


class Known(Context):
    """The time stands still; the machines of the account ``lab`` are one's own."""

    def now(self) -> datetime:
        return NOW

    def owns(self, account: str) -> bool:
        return account == "lab"


def cells(row: Row, *keys: str) -> list[str]:
    """Return the cells of a row on the screen; those of the command line are the same."""
    columns = {column.key: column for column in fields_of(resource_of(row), Known())}
    shown = [plain_text(columns[key].cell(row)) for key in keys]
    assert [columns[key].plain_cell(row) for key in keys] == shown
    return shown


def instance(phase: Phase, **given: Any) -> Instance:
    """Return an instance in a phase."""
    return Instance(TRAIN, "train", phase, phase.value, **given)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (instance(Phase.RUNNING, gpu_model="H100", gpu_count=1), ["?", "?"]),
        (instance(Phase.RUNNING), ["?", "?"]),
        (instance(Phase.RUNNING, gpu_count=0), ["", ""]),
        (instance(Phase.STOPPED, gpu_count=1), ["", ""]),
        (instance(Phase.PENDING, gpu_count=1), ["", ""]),
    ],
)
def test_load_and_memory_are_figures_of_what_uses_gpus(row: Instance, shown: list[str]) -> None:
    assert cells(row, "util", "gpumem") == shown


def test_a_column_that_is_unknown_of_all_rows_is_left_out() -> None:
    row = instance(Phase.RUNNING, gpu_count=1)
    columns = {column.key: column for column in fields_of(resource_of(row), Known())}
    util = columns["util"]
    assert util.filled is not None
    assert not util.filled(row)
    assert "UTIL" not in table_with([columns["name"], util], [row], width=None)
    assert "?" in table_with([columns["name"], util], [row], width=None, filled=False), "it was chosen"


def test_unknown_counts_sizes_and_prices_of_other_lists() -> None:
    endpoint = Deployment(Ref("yotta", "endpoint", "e"), "e", "ALB", Phase.RUNNING, "RUNNING")
    assert cells(endpoint, "gpu") == ["?"]
    assert cells(instance(Phase.RUNNING), "gpu") == ["?"]
    assert cells(Offer(Ref("hub", "offer", "a"), "H20", "a"), "price", "idle", "total", "vram") == ["?"] * 4
    assert cells(Offer(Ref("lab", "offer", "a"), "H20", "a", idle=0, total=8), "price", "idle") == ["", "0"]
    assert cells(Offer(Ref("hub", "offer", "b"), "", "b", problem="busy"), "price", "idle", "total") == [""] * 3
    gpu = GpuDevice(Ref("lab", "gpu", "0"), "h07", 0)
    assert cells(gpu, "util", "power", "temperature", "fan") == ["?", "?", "?", ""]
    part = GpuDevice(Ref("lab", "gpu", "1"), "h07", 0, mig="1g.10gb")
    assert cells(part, "util", "power", "temperature") == ["", "", ""]
    assert cells(HostInfo(Ref("lab", "host", "h"), "h"), "gpus", "cpus", "free", "memory") == ["?"] * 4
    assert cells(Image(Ref("lab", "image", "i"), "i"), "size") == ["?"]
    assert cells(Volume(Ref("lab", "volume", "v"), "v", "NFS", Phase.RUNNING, "ok"), "mounts") == ["?"]


def waste(ago: timedelta | None, price: str | None, **given: Any) -> Waste:
    """Return a volume that nothing mounts, since so long ago."""
    money = None if price is None else Money(Decimal(price), "USD")
    return Waste(TRAIN, WasteReason.UNMOUNTED, None if ago is None else NOW - ago, money, **given)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (waste(timedelta(hours=2), "0.50"), "$1.00"),
        (waste(timedelta(hours=2), "0.50", at_least=True), "≥ $1.00"),
        (waste(timedelta(minutes=2), "0.01"), "< $0.01"),
        (waste(timedelta(minutes=2), "0.01", at_least=True), "?"),
        (waste(timedelta(seconds=20), "0.02", at_least=True), "?"),
        (waste(None, "0.02"), "?"),
        (waste(timedelta(hours=2), None), "?"),
    ],
)
def test_what_waste_has_cost_so_far_is_never_blank(row: Waste, shown: str) -> None:
    column: Callable[[Waste], Any] = next(one for one in waste_columns(Known()) if one.key == "so_far").cell
    assert plain_text(column(row)) == shown


def test_how_long_an_instance_was_in_a_state_before_is_unknown_where_it_was_in_one() -> None:
    came = Event(Ref("hub", "event", "1"), TRAIN, "train", NOW, "running", Phase.RUNNING, before="starting")
    assert cells(came, "after") == ["?"]
    assert cells(replace(came, after_seconds=31.0), "after") == ["31 s"]
    assert cells(replace(came, before=None), "after") == [""], "it appeared"


def test_a_status_is_written_in_lower_case_but_for_abbreviations() -> None:
    lost = Event(Ref("hub", "event", "1"), TRAIN, "train", NOW, "2 GPUs lost", Phase.FAILED, before="RUNNING")
    assert cells(lost, "before") == ["running"]
    (to,) = [column for column in fields_of(Resource.EVENTS, Known()) if column.key == "status"]
    assert plain_text(to.cell(lost)).endswith("2 GPUs lost")
