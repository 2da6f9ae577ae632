"""Charts in a real terminal: what they write at rest, with a new reading, and in terminals of few colours."""

from __future__ import annotations

import sys

from tests.tui.conftest import Spawn
from tests.tui.harness import Terminal

MOST_BYTES = 6 * 1024
"""What one refresh of eight charts may write at 120×40."""
MOST_ON_THE_WHOLE = 3 * 1024
"""What a refresh of eight GPUs at work and at rest may write in the mean."""
REFRESHES = 14
"""The time of two cells of an hour's chart: every one of them has moved on."""


def start(spawn: Spawn, kind: str = "load", **options: object) -> Terminal:
    terminal = spawn(sys.executable, "-m", "tests.tui.sample_charts", "8", kind, columns=120, rows=40, **options)
    terminal.wait_for("GPU 7 utilisation")
    terminal.settle()
    return terminal


def refreshes(terminal: Terminal) -> list[int]:
    """Add readings one by one; returns the bytes of each."""
    written = []
    for _ in range(REFRESHES):
        terminal.send("r")
        written.append(terminal.burst().written)
    return written


def test_charts_write_nothing_without_a_new_reading_and_little_with_one_of_eight_gpus(spawn: Spawn) -> None:
    terminal = start(spawn)
    assert terminal.count(1) == 0
    terminal.send("s")
    assert terminal.count(0.5) == 0
    written = refreshes(terminal)
    assert max(written) <= MOST_BYTES
    assert sum(written) / len(written) <= MOST_ON_THE_WHOLE


def test_the_hardest_curves_there_are_keep_within_the_bound_and_are_drawn_as_a_whole_repaint_shows(
    spawn: Spawn,
) -> None:
    terminal = start(spawn, "walk")
    assert max(refreshes(terminal)) <= MOST_BYTES
    # A window of 15 minutes: of an hour's the first readings are let go of meanwhile.
    terminal.send(*"wwwww")
    terminal.settle()
    refreshes(terminal)
    pieces = terminal.text
    terminal.resize(121, 40)
    terminal.settle()
    terminal.resize(120, 40)
    terminal.settle()
    assert terminal.text == pieces


def test_the_charts_read_the_same_without_colour_and_in_256(spawn: Spawn) -> None:
    coloured = start(spawn)
    plain = start(spawn, env={"NO_COLOR": "1", "COLORTERM": None, "TERM": "screen-256color"})
    assert plain.text == coloured.text
