"""The real program in a real terminal: silent at rest, right at every size, plain about servers that misbehave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.harness import Terminal
from tests.tui.live_app import Place, cursor_line

COLOUR = re.compile(rb"\x1b\[[\d;]*[34]8;2;(\d+);(\d+);(\d+)")


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn, simulation: Simulation) -> Iterator[Place]:
    yield Place(tmp_path, spawn, simulation)
    simulation.running.set_faults("none")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, module_spawn: Spawn, simulation: Simulation) -> Terminal:
    """One program for all tests that leave it with all rows on the screen."""
    return Place(tmp_path_factory.mktemp("home"), module_spawn, simulation).shown()


@pytest.fixture
def shared(program: Terminal) -> Iterator[Terminal]:
    """The program with the cursor on its first row and without a filter, as it is again afterwards."""
    program.settle()
    yield program
    program.send("escape", "escape", "g")
    program.wait_for(lambda: "● lab" in program.text and "/ " not in program.text and "main" in program.text)


def test_the_mouse_is_asked_for_only_while_a_button_is_down(shared: Terminal) -> None:
    assert 1003 not in shared.modes
    assert 1002 in shared.modes


def test_copying_reaches_the_users_own_terminal(shared: Terminal) -> None:
    shared.send("c")
    shared.wait_for(lambda: b"\x1b]52;c;" in shared.raw)


def test_what_is_typed_ahead_into_a_bar_is_text(shared: Terminal) -> None:
    shared.write("/mainXD\r")
    shared.wait_for("/ mainXD")
    shared.send("escape")
    shared.wait_for(lambda: "/ mainXD" not in shared.text)
    shared.write(":pods\r:filter jupyter\r")
    shared.wait_for("/ jupyter")
    assert "Cancel" not in shared.text


def test_a_small_window_and_back(shared: Terminal) -> None:
    shared.send("j", "j")
    shared.settle()
    row = cursor_line(shared).split()[1]
    shared.resize(40, 10)
    shared.wait_for(lambda: len(shared.lines[0]) <= 40 and row in cursor_line(shared))
    shared.settle()
    assert shared.lines[0].startswith(" gputui")
    assert shared.lines[-1].endswith("? keys")
    shared.resize(100, 24)
    shared.wait_for(lambda: len(cursor_line(shared)) > 60 and row in cursor_line(shared))
    shared.settle()
    assert "GPU MEM" in shared.text


def test_a_server_unplugged_and_plugged_in_again(shared: Terminal, simulation: Simulation) -> None:
    y, x = shared.find("jupyter") or (0, 0)
    bright = shared.cell(y, x).fg
    running = simulation.running
    simulation.call(lambda _: running.unplug("lab"))
    try:
        shared.wait_for(re.compile(r"✗ lab no answer since \d\d:\d\d:\d\d"))
        shared.wait_for(re.compile(r"✗ lab  as of \d\d:\d\d:\d\d  \S+ refuses"))
        y, x = shared.find("jupyter") or (0, 0)
        assert shared.cell(y, x).fg != bright
    finally:
        simulation.call(lambda _: running.plug("lab"))
    shared.wait_for(lambda: "● lab" in shared.text and "as of" not in shared.text)
    y, x = shared.find("jupyter") or (0, 0)
    assert shared.cell(y, x).fg == bright


def test_a_second_start_shows_what_the_last_session_cost_before_the_server_answers(place: Place) -> None:
    def priced(text: str) -> str:
        return re.sub(r"\nprice = .*", "\nprice = 0.5", text)

    place.configure(priced)
    terminal = place.shown()
    terminal.wait_for(re.compile(r"\$\d+\.\d\d/h"))
    terminal.send("q")
    assert terminal.wait_exit() == 0
    place.simulation.running.set_faults("down")
    terminal = place.shown()
    terminal.wait_for(re.compile(r"\$\d+\.\d\d/h"))
    terminal.send("9")
    terminal.wait_for("Cost")


def test_keys_typed_at_the_first_sight_of_the_last_sessions_rows_are_carried_out(place: Place) -> None:
    terminal = place.shown()
    terminal.send("q")
    assert terminal.wait_exit() == 0
    terminal = place.shown()
    terminal.write("gX")
    terminal.wait_for(re.compile(r"Stop \S+ in lab\?"))


def test_keys_that_come_all_at_once_are_done_one_after_another(place: Place) -> None:
    terminal = place.shown()
    terminal.settle()
    terminal.write("dq")
    terminal.write("/name:main\r")
    terminal.wait_for("/ name:main")
    assert "esc close" not in terminal.text
    terminal.write("XXX")
    terminal.wait_for("Stop main in lab?")
    terminal.write("\x1b")
    terminal.wait_for(lambda: "Stop main in lab?" not in terminal.text)
    terminal.settle()
    assert "esc to cancel" not in terminal.text
    assert "main" in cursor_line(terminal)
    terminal.write(":stop jupyter\rXDjjS")
    terminal.wait_for("Stop jupyter in lab?")
    terminal.settle()
    assert "esc close" not in terminal.text
    terminal.write("\x1b")
    terminal.wait_for(lambda: "Stop jupyter in lab?" not in terminal.text)
    terminal.write("5jjp")
    terminal.wait_for("[5]")
    terminal.write("3q")
    assert terminal.wait_exit() == 0
    pods = place.simulation.running.world.hosts["lab"].pods.values()
    assert {pod.name: pod.status for pod in pods if pod.name in ("alice-main", "alice-jupyter")} == {
        "alice-main": "running",
        "alice-jupyter": "running",
    }


@pytest.mark.parametrize(
    "faults, said",
    [
        ("auth", "wrong user name or password (HTTP 403). Check the credentials in ["),
        ("html", "something unexpected: a web page instead of JSON. Check base_url"),
        ("truncated", "something unexpected: JSON that is cut off or broken."),
        ("down", "no answer from the server behind 127.0.0.1"),
    ],
)
def test_a_server_that_misbehaves_is_reported_in_words(place: Place, faults: str, said: str) -> None:
    place.simulation.running.set_faults(faults)
    terminal = place.start()
    terminal.wait_for(lambda: said in " ".join(terminal.text.split()))
    terminal.wait_for("Not known: no answer from lab. r asks again.")
    assert "wonderland" not in terminal.text


def test_a_server_that_is_not_there_is_reported_in_words(place: Place) -> None:
    place.configure(lambda text: re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", text))
    terminal = place.start()
    terminal.wait_for("✗ lab no answer since")
    assert "127.0.0.1:1" in terminal.text


def test_hostile_names_do_nothing_to_the_terminal(place: Place) -> None:
    place.simulation.running.set_faults("hostile")
    terminal = place.start()
    terminal.wait_for("[/x]")
    for view in ("5", "7", "1", "4", "3"):
        terminal.send(view)
        terminal.settle(0.2)
    assert b"\x1b]0;title" not in terminal.raw
    assert b"\x9b31m" not in terminal.raw
    assert "\u202e".encode() not in terminal.raw
    terminal.write("/[@click\r")
    terminal.wait_for("▌  [@click=app.qu")
    terminal.send("d")
    terminal.wait_for("esc close")
    assert terminal.process.poll() is None


def test_without_colour_nothing_is_coloured(place: Place) -> None:
    terminal = place.shown(env={"NO_COLOR": "1"})
    terminal.settle()
    assert "● running" in terminal.text
    assert all(len(set(found)) == 1 for found in COLOUR.findall(bytes(terminal.raw)))


@pytest.mark.parametrize(
    "env, foreign",
    [
        ({"TERM": "screen-256color", "COLORTERM": None}, rb"[34]8;2;"),
        ({"TERM": "xterm", "COLORTERM": None}, rb"[34]8;[25];"),
    ],
    ids=["256 in screen", "16"],
)
def test_few_colours_are_enough(place: Place, env: dict[str, str | None], foreign: bytes) -> None:
    terminal = place.shown(env=env)
    terminal.settle()
    assert re.search(rb"\x1b\[[\d;]*" + foreign, bytes(terminal.raw)) is None
    assert terminal.cell(*(terminal.find("NAME") or (0, 0))).bold


def test_at_rest_it_writes_nothing_while_it_asks(place: Place) -> None:
    terminal = place.shown()
    terminal.settle(0.6)
    assert terminal.count(2.5) == 0
    place.simulation.running.set_faults("down")
    terminal.wait_for("✗ lab no answer since", timeout=60)


FAULTY = """
[[commands]]
name = "push"
run = "rsync {pth}"
key = "ctrl+y"
[[commands]]
name = "twice"
run = "true"
key = "ctrl+y"
mode = "background"
[[commands]]
name = "again"
run = "true"
key = "ctrl+y"
"""


def test_faulty_custom_commands_are_left_out_and_named_on_home(place: Place) -> None:
    place.configure(lambda text: text + FAULTY)
    terminal = place.shown()
    terminal.wait_for("problems with custom commands: Home (0) has them")
    terminal.send("ctrl+y")
    terminal.wait_for("Run twice for")
    terminal.send("escape")
    terminal.wait_for(lambda: "Run twice for" not in terminal.text)
    terminal.send("0")
    terminal.wait_for("has no field {pth}")
    assert "commands.push.run" in terminal.text
    assert "ctrl+y is the key of commands.twice already" in terminal.text
