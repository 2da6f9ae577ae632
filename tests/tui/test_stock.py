"""What the stock writes to a real terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping

import pytest
from textual.color import Color

from gputui.app.theme import DARK, ramp
from tests.tui.conftest import Spawn
from tests.tui.harness import Terminal


@pytest.fixture
def stock(spawn: Spawn) -> Terminal:
    return shown(spawn, {})


def shown(spawn: Spawn, env: Mapping[str, str | None]) -> Terminal:
    """Show the stock in a terminal of this kind."""
    terminal = spawn(sys.executable, "-m", "tests.tui.stock_app", columns=120, rows=40, env=env)
    terminal.wait_for("Instances")
    terminal.send("1")
    terminal.wait_for("GPU 29")
    terminal.settle()
    return terminal


def emitted(terminal: Terminal, code: str) -> set[str]:
    """Return what was sent for a colour: the numbers behind ``38`` (text) or ``48`` (what is behind it)."""
    styles = {style[1].decode() for style in re.finditer(rb"\x1b\[([\d;]*)m", bytes(terminal.raw))}
    wanted = re.compile(rf"(?:^|;){code}((?:;2;\d+;\d+;\d+|;5;\d+|))(?=;|$)")
    return {found[1] for style in styles for found in wanted.finditer(style)}


@pytest.mark.parametrize(
    "env, behind",
    [
        ({}, [";2;" + ";".join(map(str, Color.parse(color).rgb)) for color, _ in ramp(DARK, "truecolor")]),
        ({"TERM": "screen-256color", "COLORTERM": None}, [";5;22", ";5;65", ";5;71", ";5;114", ";5;157"]),
    ],
    ids=["true colour", "256 in screen"],
)
def test_the_ramp_is_one_hue_by_lightness(spawn: Spawn, env: dict[str, str | None], behind: list[str]) -> None:
    terminal = shown(spawn, env)
    assert set(behind) <= emitted(terminal, "48")
    # Whatever else is behind text is grey, or the accent of the cursor.
    others = emitted(terminal, "48") - set(behind) - {";5;74", ";2;95;175;215"}
    assert all(_is_grey(other) for other in others), others


def _is_grey(code: str) -> bool:
    kind, *numbers = map(int, code.split(";")[1:])
    return len(set(numbers)) == 1 and (
        kind == 2 or numbers[0] >= 232 or numbers[0] in {0, 16, 59, 102, 145, 188, 231}
    )


def test_with_16_colours_the_ramp_is_two_greens(spawn: Spawn) -> None:
    terminal = shown(spawn, {"TERM": "xterm", "COLORTERM": None})
    assert all(emitted(terminal, code) == {""} for code in ("32", "92", "42", "102"))
    assert not any(emitted(terminal, code) for code in ("41", "43", "45", "101", "103", "105"))


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
