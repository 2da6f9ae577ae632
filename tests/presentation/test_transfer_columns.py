"""The columns of transfers: places by the part that differs, and why one failed."""

from __future__ import annotations

import pytest

from gputui.models import Ref, TransferRow
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.transfers import transfer_columns

TARGET = "hosts/host/gpu01:/home/ops/"


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        (f"{TARGET}big.bin: the disk is full.", "big.bin: the disk is full."),
        ("/data/big.bin: it has changed.", "it has changed."),
        ("gpu01 has ended.", "gpu01 has ended."),
    ],
)
def test_places_are_shown_from_the_instance_and_notes_without_the_places(note: str, shown: str) -> None:
    row = TransferRow(
        Ref("hosts", "transfer", "1"),
        "big.bin",
        "/data/big.bin",
        TARGET,
        "failed",
        *(1, 2, 0, 1, True, None, None),
        note,
    )
    columns = {column.key: column for column in transfer_columns(Context())}
    assert columns["to"].cell(row) == "gpu01:/home/ops/"
    assert columns["to"].text(row) == TARGET, "a filter finds the whole"
    assert columns["from"].cell(row) == "/data/big.bin"
    assert columns["note"].cell(row) == shown
