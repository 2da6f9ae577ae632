"""However it ends, the terminal is left as it was found."""

from __future__ import annotations

import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.live_app import Place, left_as_found


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn, shared_simulation: Simulation) -> Place:
    return Place(tmp_path, spawn, shared_simulation)


@pytest.fixture(scope="module")
def shared_simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    simulation.start()
    yield simulation
    simulation.stop()


def test_q_leaves_the_terminal_as_found(place: Place) -> None:
    terminal = place.shown()
    terminal.send("q")
    assert terminal.wait_exit() == 0
    left_as_found(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("dialog", ["", "?"], ids=["view", "dialog"])
def test_a_signal_leaves_the_terminal_as_found(place: Place, number: signal.Signals, dialog: str) -> None:
    terminal = place.shown()
    if dialog:
        terminal.write(dialog)
        terminal.wait_for("esc close")
    terminal.signal(number)
    assert terminal.wait_exit() == 128 + number
    left_as_found(terminal)
    assert f"gputui: ended by {number.name}." in terminal.text


@pytest.mark.parametrize("dialog", ["", "?"], ids=["view", "dialog"])
def test_it_ends_when_the_terminal_is_gone(place: Place, dialog: str) -> None:
    terminal = place.shown()
    if dialog:
        terminal.write(dialog)
        terminal.wait_for("esc close")
    terminal.hang_up()
    assert terminal.process.wait(20) == 128 + signal.SIGHUP


def test_it_ends_when_the_terminal_is_gone_though_no_signal_says_so(place: Place) -> None:
    """A ``make`` that is the leader of the session gets the signal, and waits for what it started."""
    terminal = place.shown(under=("sh", "-c", "trap '' HUP; \"$@\"; exit $?", "sh"))
    terminal.hang_up()
    assert terminal.process.wait(20) == 128 + signal.SIGHUP


def test_a_crash_leaves_the_terminal_as_found_and_names_its_report_without_secrets(place: Place) -> None:
    terminal = place.shown(program="tests.tui.crashing_app")
    terminal.settle()
    terminal.send("r")
    assert terminal.wait_exit() not in {0, None}
    left_as_found(terminal)
    said = "".join(terminal.lines)
    found = re.search(r"gputui failed: RuntimeError\. The report, without secrets, is in\s*(\S+\.txt)", said)
    assert found, terminal.text
    report = Path(found[1])
    text = report.read_text("utf-8")
    assert "RuntimeError" in text
    assert "_fail" in text
    for secret in ("wonderland", "d29uZGVybGFuZA", "podpass"):
        assert secret not in text
        assert secret not in terminal.text
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_a_configuration_that_is_wrong_is_reported_on_the_users_own_screen(place: Place) -> None:
    place.configure(lambda text: text.replace("base_url", "base_ulr"))
    terminal = place.start()
    assert terminal.wait_exit() == 2
    left_as_found(terminal)
    assert "base_ulr" in terminal.text.replace("\n", "")  # the path before it may be long
    assert "wonderland" not in terminal.text
