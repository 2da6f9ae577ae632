"""Of a grid of cells only those that changed are painted."""

from __future__ import annotations

from rich.segment import Segment

from gputui.widgets.cell_grid import changed_cells


def test_only_what_differs_is_changed() -> None:
    def line(*texts: str) -> list[Segment]:
        return [Segment(text) for text in texts]

    assert changed_cells(line("ab", "cd", "e"), line("ab", "xy", "e"), 10) == [(2, 2)]
    assert changed_cells(line("ab", "cd"), line("ab", "cd"), 10) == []
    assert changed_cells(line("ab", "cd"), line("abc", "d"), 10) == [(0, 10)]
