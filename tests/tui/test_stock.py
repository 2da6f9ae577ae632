"""What the stock writes to a real terminal."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.tui.conftest import Spawn
from tests.tui.harness import Terminal


@pytest.fixture
def stock(spawn: Spawn) -> Terminal:
    terminal = spawn(sys.executable, "-m", "tests.tui.stock_app", columns=120, rows=40)
    terminal.wait_for("Instances")
    terminal.send("1")
    terminal.wait_for("GPU 29")
    terminal.settle()
    return terminal


def test_one_changed_number_writes_itself_and_its_totals(stock: Terminal) -> None:
    for _ in range(2):  # the first change brings the legend's word for arrows
        stock.signal(signal.SIGUSR1)
        burst = stock.burst()
    assert "↑2" not in stock.text
    assert "12/64 ↑1" in stock.text
    assert 0 < burst.written <= 300


def test_a_map_of_which_all_changed_writes_each_cell_once(stock: Terminal) -> None:
    for _ in range(2):
        stock.signal(signal.SIGUSR2)
        burst = stock.burst()
    assert 0 < burst.written <= 20_000


def test_a_stock_at_rest_writes_nothing(stock: Terminal) -> None:
    assert stock.count(1.0) == 0


def test_a_move_of_the_cursor_writes_two_cells_and_the_line_for_it(stock: Terminal) -> None:
    stock.send("right")
    stock.burst()
    stock.send("right")
    burst = stock.burst()
    assert "region02" in stock.lines[-5] + stock.lines[-4]
    assert 0 < burst.written <= 450
