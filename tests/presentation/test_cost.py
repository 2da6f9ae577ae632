"""Sums of cost in words: unknown numbers of GPUs, and when money runs out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gputui.analytics.run_out import Lasting
from gputui.presentation.columns.column import Cell
from gputui.presentation.prices import gpus_text, runs_out_text
from tests.fleet.fakes import START


def test_unknown_numbers_of_gpus_are_reported_with_the_known_ones() -> None:
    assert [gpus_text(8, 0), gpus_text(8, 1), gpus_text(0, 1)] == ["8", "8 + ?", "?"]


@pytest.mark.parametrize(
    ("hours", "at_most", "estimated", "cell"),
    [
        (55, False, False, ("2d 07h", "")),
        (55, False, True, ("~2d 07h", "")),
        (55, True, True, ("≤ 2d 07h", "")),
        (5, False, False, ("5h 00m", "warning")),
        (0, False, False, ("✗ used up", "bad")),
    ],
)
def test_the_end_of_money_says_how_certain_it_is(hours: int, at_most: bool, estimated: bool, cell: Cell) -> None:
    assert runs_out_text(Lasting(START + timedelta(hours=hours), at_most, estimated), START) == cell
