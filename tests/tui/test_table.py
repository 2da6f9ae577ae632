"""What the table writes to a real terminal, and that the harness sees it."""

from __future__ import annotations

import re
import signal
import sys
import time

import pytest

from tests.tui.conftest import Spawn
from tests.tui.harness import ALTERNATE_SCREEN, DEADLINE, MOUSE_MODES, Terminal
from tests.tui.starting import session

SAMPLE = (sys.executable, "-m", "tests.tui.sample_table")


@pytest.fixture
def table(spawn: Spawn) -> Terminal:
    terminal = spawn(*SAMPLE, "1000", columns=120, rows=40)
    terminal.wait_for("r0c0v0")
    terminal.settle()
    return terminal


def cursor_line(terminal: Terminal) -> tuple[int, str]:
    return next((y, line) for y, line in enumerate(terminal.lines) if line.startswith("▌"))


def test_one_changed_cell_among_1000_rows_writes_less_than_a_kilobyte(table: Terminal) -> None:
    table.send("u")
    burst = table.burst()
    assert "r3c2v1" in table.text
    assert 0 < burst.written <= 1000


def test_a_change_out_of_view_writes_nothing(table: Terminal) -> None:
    table.send("o")
    assert table.count(0.5) == 0
    table.send("end")
    table.wait_for("r999c2v1")


def test_an_idle_table_writes_nothing(table: Terminal) -> None:
    assert table.count(1.0) == 0


def test_the_cursor_keeps_its_row_and_its_line_when_rows_come_above(table: Terminal) -> None:
    table.send(*["down"] * 5)
    table.wait_for(lambda: "r5c0v0" in cursor_line(table)[1])
    before = cursor_line(table)
    table.settle()
    table.send("i", "i")
    assert table.count(0.5) == 0
    assert cursor_line(table) == before
    table.send("g")
    table.wait_for("new1")


def test_the_cursor_takes_the_next_row_in_place_when_its_row_goes(table: Terminal) -> None:
    table.send("down", "down")
    table.wait_for(lambda: "r2c0v0" in cursor_line(table)[1])
    table.send("x")
    table.wait_for(lambda: "r3c0v0" in cursor_line(table)[1])
    assert cursor_line(table)[0] == 3


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"NO_COLOR": "1"}, id="no colour"),
        pytest.param({"TERM": "xterm", "COLORTERM": None}, id="16 colours"),
        pytest.param({"COLORTERM": None}, id="256 colours"),
    ],
)
def test_the_cursor_line_is_visible_however_few_the_colours(spawn: Spawn, env: dict[str, str | None]) -> None:
    terminal = spawn(*SAMPLE, "10", env=env)
    terminal.wait_for("r9c0v0")
    terminal.settle()
    y, line = cursor_line(terminal)
    assert line.startswith("▌")
    assert terminal.cell(y, 4).bold
    assert not terminal.cell(y + 1, 4).bold


def test_a_resize_lays_the_table_out_again(table: Terminal) -> None:
    table.resize(60, 12)
    table.wait_for(lambda: "COLUMN9" not in table.text)
    table.settle()
    assert cursor_line(table)[1].split()[1] == "r0c0v0"
    table.resize(120, 40)
    table.wait_for(re.compile(r"r30c0v0.*r30c9v0"))


def test_the_terminal_is_left_as_it_was_found(table: Terminal) -> None:
    assert ALTERNATE_SCREEN in table.modes
    table.send("q")
    assert table.wait_exit() == 0
    assert ALTERNATE_SCREEN not in table.modes
    assert not table.modes & MOUSE_MODES
    assert table.attributes == table.attributes_before


def test_the_harness_reports_a_program_that_ends_early(spawn: Spawn) -> None:
    terminal = spawn(sys.executable, "-c", "print('bye')")
    with pytest.raises(TimeoutError, match="ended"):
        terminal.wait_for("never")
    assert terminal.wait_exit() == 0
    assert "bye" in terminal.text


def test_the_harness_kills_what_the_program_left_behind(spawn: Spawn) -> None:
    terminal = spawn("/bin/sh", "-c", "trap '' HUP; sleep 1000 & echo started $!.; wait")
    terminal.wait_for(re.compile(r"started \d+\."))
    child = int(terminal.text.split()[1].rstrip("."))
    terminal.signal(signal.SIGTERM)
    assert terminal.wait_exit() == -signal.SIGTERM
    assert child in session(terminal.process.pid)
    terminal.close()
    deadline = time.monotonic() + DEADLINE
    while child in session(terminal.process.pid):
        assert time.monotonic() < deadline
