"""Suspended and resumed, by a key, by signals in any order and by a shell: once each, drawn whole, left as found."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.harness import ALTERNATE_SCREEN, Terminal
from tests.tui.live_app import Place, keyboard_levels, left_as_found
from tests.tui.starting import session

STOP, TSTP, CONT = signal.SIGSTOP, signal.SIGTSTP, signal.SIGCONT
DRAWN = re.compile(r"^ gputui.*NAME.*main.*\? keys", re.DOTALL)


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn, simulation: Simulation) -> Place:
    return Place(tmp_path, spawn, simulation)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, module_spawn: Spawn, simulation: Simulation
) -> Iterator[Terminal]:
    """One program for all tests after which it works as before; at the end it leaves the terminal as found."""
    terminal = Place(tmp_path_factory.mktemp("home"), module_spawn, simulation).shown()
    terminal.settle()
    yield terminal
    leaves(terminal)


def threads(terminal: Terminal) -> int:
    """Return how many threads the program has."""
    return len(list(Path(f"/proc/{terminal.process.pid}/task").iterdir()))


def stopped(terminal: Terminal) -> bool:
    stat = Path(f"/proc/{terminal.process.pid}/stat").read_text("utf-8")
    return stat.rpartition(")")[2].split()[0] == "T"


def works_as_before(terminal: Terminal) -> None:
    """All of it is drawn, and a key is one key."""
    terminal.wait_for(DRAWN)
    terminal.wait_for(lambda: keyboard_levels(terminal) == 1)
    terminal.settle()
    first = 1 + next(y for y, line in enumerate(terminal.lines) if "NAME" in line)
    for key, row in (("g", 0), ("j", 1), ("k", 0), ("j", 1)):
        terminal.send(key)
        terminal.wait_for(partial(has_cursor, terminal, first + row))
    terminal.settle()
    assert has_cursor(terminal, first + 1)
    assert keyboard_levels(terminal) == 1


def has_cursor(terminal: Terminal, row: int) -> bool:
    return terminal.lines[row].startswith("▌")


def leaves(terminal: Terminal) -> None:
    terminal.send("ctrl+q")
    assert terminal.wait_exit() == 0
    left_as_found(terminal)


@pytest.mark.parametrize(
    "signals",
    [
        (STOP, CONT),
        (TSTP, CONT),
        (CONT,),
        (CONT, CONT),
        (TSTP, CONT, STOP, CONT),
        (STOP, TSTP, CONT),
        (TSTP, TSTP, CONT, CONT),
    ],
    ids=lambda signals: " ".join(number.name.removeprefix("SIG") for number in signals),
)
def test_signals_in_any_order_leave_one_program_that_works(
    shared: Terminal, signals: Sequence[signal.Signals]
) -> None:
    before = threads(shared)
    down = False
    for number in signals:
        shared.screen.reset()
        shared.signal(number)
        if number is CONT:
            down = False
        elif not down:
            shared.wait_for(lambda: stopped(shared))
            down = True
    works_as_before(shared)
    assert threads(shared) <= before


def test_a_stop_taken_back_at_once_stops_nothing(shared: Terminal) -> None:
    for _ in range(5):
        shared.signal(TSTP)
        shared.signal(CONT)
    works_as_before(shared)


def test_suspending_gives_the_terminal_back(shared: Terminal) -> None:
    shared.signal(TSTP)
    shared.wait_for(lambda: stopped(shared))
    left_as_found(shared)
    shared.signal(CONT)
    works_as_before(shared)


@pytest.mark.parametrize("way", ["key", "signal"])
def test_a_shell_suspends_and_resumes_it(place: Place, way: str) -> None:
    terminal = place.shell()
    terminal.write("gputui\r")
    terminal.wait_for(DRAWN)
    for _ in range(2):
        terminal.settle()
        if way == "key":
            terminal.send("ctrl+z")
        else:
            (program,) = session(terminal.process.pid) - {terminal.process.pid}
            os.kill(program, TSTP)
        terminal.wait_for(lambda: ALTERNATE_SCREEN not in terminal.modes and terminal.lines_end_with("prompt>"))
        terminal.write("bg\r")
        terminal.wait_for(lambda: terminal.lines_end_with("prompt>"))
        terminal.settle()
        assert ALTERNATE_SCREEN not in terminal.modes
        terminal.write("fg\r")
        works_as_before(terminal)
    terminal.send("ctrl+q")
    terminal.wait_for(lambda: ALTERNATE_SCREEN not in terminal.modes and terminal.lines_end_with("prompt>"))
    terminal.write("exit\r")
    terminal.wait_exit()
    left_as_found(terminal)


def test_without_a_shell_the_key_says_so(shared: Terminal) -> None:
    shared.send("ctrl+z")
    shared.wait_for("There is no shell to suspend to.")
    works_as_before(shared)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_same_signal_twice_ends_it_once(place: Place, number: signal.Signals) -> None:
    terminal = place.shown()
    terminal.signal(number)
    terminal.signal(number)
    assert terminal.wait_exit() == 128 + number
    left_as_found(terminal)
