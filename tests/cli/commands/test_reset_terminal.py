"""What only shows in a real terminal: questions, SSH, redrawing, putting a terminal right."""

import re
import signal
import sys
import termios
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gputui.sim.gpuhub.default_world import CLOUDS
from tests.cli.conftest import Simulation, write_config
from tests.tui.harness import Terminal
from tests.tui.program import Program

Start = Callable[..., Terminal]


@pytest.fixture
def program(home: Path) -> Iterator[Start]:
    """Start gputui in a terminal, on this test's configuration and state."""
    started: list[Terminal] = []

    def start(*argv: str) -> Terminal:
        env = {"GPUTUI_CONFIG": str(home / "config.toml"), "GPUTUI_STATE_DIR": str(home / "state"), "HOME": str(home)}
        if argv == ("demo",):
            (home / "tmp").mkdir()
            env["TMPDIR"] = str(home / "tmp")
        program = (sys.executable, "-m", "gputui", *argv)
        started.append(Terminal(program, columns=100, rows=30, env=env, warm=True))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


@pytest.fixture(scope="module")
def shared_ssh_world() -> Iterator[Simulation]:
    simulation = Simulation(ssh=True)
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def ssh_world(home: Path, shared_ssh_world: Simulation) -> Simulation:
    """A simulator with SSH, configured: for logins, which change nothing."""
    write_config(home, shared_ssh_world.running.config_toml())
    return shared_ssh_world


def test_ssh_asks_for_the_host_key_opens_a_shell_and_returns_its_exit_status(
    ssh_world: Simulation, program: Start
) -> None:
    first = program("ssh", "lab/mai")
    first.wait_for("Trust it from now on? [y/N]")
    assert "SHA256:" in first.text
    first.write("y\r")
    first.wait_for(re.compile(r"main\S*[#$] ?$", re.MULTILINE))
    first.write("exit 3\r")
    assert first.wait_exit() == 3
    assert first.attributes == first.attributes_before

    second = program("ssh", "lab/main")
    second.wait_for(re.compile(r"main\S*[#$] ?$", re.MULTILINE))
    assert "Trust" not in second.text
    second.write("exit\r")
    assert second.wait_exit() == 0

    third = program("ssh", "lab/main", "--forget-host-key")
    third.wait_for("Trust it from now on? [y/N]")
    third.write("n\r")
    assert third.wait_exit() == 255


def test_ssh_into_an_instance_of_a_cloud_needs_no_password_and_a_part_of_its_name(home: Path, program: Start) -> None:
    simulation = Simulation(ssh=True, clouds=CLOUDS["small"])
    simulation.start()
    try:
        write_config(home, simulation.running.config_toml())
        several = program("ssh", "hub/embed-api")
        assert several.wait_exit() == 2
        assert several.text.count("hub/container/") > 1

        terminal = program("ssh", "hub/notebook")
        terminal.wait_for("Trust it from now on? [y/N]")
        terminal.write("y\r")
        terminal.wait_for(re.compile(r"[#$] ?$", re.MULTILINE))
        terminal.write("exit 4\r")
        assert terminal.wait_exit() == 4
        assert "assword" not in terminal.text

        forward = program("forward", "hub/notebook", "6006")
        forward.wait_for("until Ctrl+C")
        forward.send("ctrl+c")
        assert forward.wait_exit() == 130
    finally:
        simulation.stop()


def test_ctrl_c_leaves_the_question_about_a_host_key(ssh_world: Simulation, program: Start) -> None:
    terminal = program("ssh", "lab/main")
    terminal.wait_for("Trust it from now on? [y/N]")

    terminal.send("ctrl+c")

    assert terminal.wait_exit() == 130
    assert "Traceback" not in terminal.text


def test_a_forward_reaches_a_service_in_the_instance(ssh_world: Simulation, program: Start) -> None:
    terminal = program("forward", "lab/jupyter", "8888", "-D")
    terminal.wait_for("Trust it from now on? [y/N]")
    terminal.write("y\r")
    terminal.wait_for("proxy through")
    found = re.search(r"127\.0\.0\.1:(\d+)\s*\n", terminal.text.partition("Trust")[2])
    assert found is not None

    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=20) as answer:
        assert answer.status == 200

    assert "is a SOCKS5 proxy through jupyter until Ctrl+C." in terminal.text

    terminal.send("ctrl+c")
    assert terminal.wait_exit() == 130
    assert "gputui: 1 connection, " in terminal.text


def test_ssh_into_what_does_not_run_says_so(ssh_world: Simulation, program: Start) -> None:
    terminal = program("ssh", "lab/tensorboard")

    assert terminal.wait_exit() == 255
    assert "Start it first." in terminal.text


def test_ssh_needs_a_terminal(home: Path, ssh_world: Simulation) -> None:
    with Program("ssh", "lab/main") as process:
        assert "gputui exec lab/main -- COMMAND" in process.stderr.read()
        assert process.wait() == 2


def test_ctrl_c_leaves_a_confirmation_and_nothing_is_done(own_simulation: Simulation, program: Start) -> None:
    terminal = program("delete", "lab/main")
    terminal.wait_for("Type main to confirm:")

    terminal.send("ctrl+c")

    assert terminal.wait_exit() == 130
    assert "Traceback" not in terminal.text
    assert any(pod.instance == "main" for pod in own_simulation.running.world.hosts["lab"].pods.values())


def test_a_table_is_cut_to_the_terminal(world: None, program: Start) -> None:
    terminal = program("get", "processes", "-A", "lab")

    assert terminal.wait_exit() == 0
    assert all(len(line) <= 100 for line in terminal.lines)
    assert any(line.endswith("…") for line in terminal.lines)


def test_a_watched_table_is_drawn_again_in_place(own_simulation: Simulation, program: Start) -> None:
    watching = program("get", "instances", "-A", "lab", "--watch", "--interval", "0.5")
    watching.wait_for("train_a")

    assert program("delete", "lab/train_a", "--yes").wait_exit() == 0

    watching.wait_for(lambda: "train_a" not in watching.text and "NAME" in watching.lines[0])
    watching.signal(signal.SIGINT)
    assert watching.wait_exit() == 130


def test_without_a_configuration_demo_and_init_are_offered(home: Path, program: Start) -> None:
    terminal = program()
    terminal.wait_for("Next step [i]:")
    assert str(home / "config.toml") in terminal.text.replace("\n", "")

    terminal.write("x\r")
    terminal.wait_for("i, d or q.")
    terminal.write("q\r")

    assert terminal.wait_exit() == 0
    assert list(home.iterdir()) == []


def test_an_accepted_offer_starts_init(home: Path, shared_simulation: Simulation, program: Start) -> None:
    terminal = program()
    terminal.wait_for("Next step [i]:")
    terminal.write("i\r")
    for question, answer in (
        ("Name of the account", ""),
        ("Kind of server", ""),
        ("Address", shared_simulation.running.base_urls["lab"]),
        ("User name", "alice"),
        ("Password or reference", "wonderland"),
    ):
        terminal.wait_for(question)
        terminal.write(f"{answer}\r")
    terminal.wait_for((home / "config.toml").exists)

    assert b"wonderland" not in terminal.raw
    assert "wonderland" in (home / "config.toml").read_text()


def test_the_demo_shows_a_world_of_its_own_and_leaves_nothing_behind(home: Path, program: Start) -> None:
    terminal = program("demo")
    terminal.wait_for("Problems")

    terminal.send("q")

    assert terminal.wait_exit() == 0
    assert terminal.attributes == terminal.attributes_before
    assert list(home.iterdir()) == [home / "tmp"]
    assert list((home / "tmp").iterdir()) == []


def test_reset_terminal_puts_the_line_discipline_right(home: Path, program: Start) -> None:
    spoiler = Terminal(("sh", "-c", f"stty raw -echo; exec {sys.executable} -m gputui --reset-terminal"))
    with spoiler as terminal:
        assert terminal.wait_exit() == 0
        local, output = terminal.attributes[3], terminal.attributes[1]
        assert local & termios.ICANON
        assert local & termios.ECHO
        assert local & termios.ISIG
        assert output & termios.OPOST
        for mode in (b"1049l", b"25h", b"7h", b"1000l", b"1002l", b"1016l", b"2004l", b"2048l"):
            assert b"\x1b[?" + mode in terminal.raw
        assert b"\x1b[<99u" in terminal.raw


def test_reset_terminal_says_that_the_line_settings_stay_where_stty_is_missing(home: Path) -> None:
    without = Terminal(("sh", "-c", f"PATH=/nonexistent exec {sys.executable} -m gputui --reset-terminal"))
    with without as terminal:
        assert terminal.wait_exit() == 1
        assert b"stty cannot be run" in terminal.raw
        assert b"\x1b[?1049l" in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_prints_a_configuration_and_ends_quietly(number: signal.Signals, home: Path) -> None:
    with Program("sim", "--port", "0", "--speed", "0") as process:
        assert "runs until" in process.stderr.readline()
        process.send_signal(number)
        config = process.stdout.read()
        rest = process.stderr.read()
        assert process.wait() == 0

    assert "[accounts.lab]" in config
    assert rest == ""
