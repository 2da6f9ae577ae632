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


def test_charts_write_nothing_at_rest_or_when_nothing_is_new(spawn: Spawn) -> None:
    terminal = start(spawn)
    assert terminal.count(2) == 0
    terminal.send("s")
    assert terminal.count(1) == 0


def test_a_new_reading_of_eight_gpus_writes_little(spawn: Spawn) -> None:
    written = refreshes(start(spawn))
    assert max(written) <= MOST_BYTES
    assert sum(written) / len(written) <= MOST_ON_THE_WHOLE


def test_the_hardest_curves_there_are_keep_within_the_bound(spawn: Spawn) -> None:
    assert max(refreshes(start(spawn, "walk"))) <= MOST_BYTES


def test_what_was_written_in_pieces_is_what_a_whole_repaint_shows(spawn: Spawn) -> None:
    terminal = start(spawn, "walk")
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
