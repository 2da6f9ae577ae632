"""From a row into the instance and back, in a real terminal: the whole program against the simulated sshd."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.sim.machines.containers import Pod
from tests.cli.conftest import Simulation
from tests.tui.conftest import Spawn
from tests.tui.harness import MOUSE_MODES, Terminal
from tests.tui.live_app import Place, cursor_line, left_as_found

PROMPT = re.compile(r"root@main:~# ?$", re.MULTILINE)
WAITING = re.compile(r"Waiting for its\W+SSH server: \d+s of")


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    simulation = Simulation(ssh=True)
    simulation.start()
    yield simulation
    simulation.stop()


@pytest.fixture
def place(tmp_path: Path, spawn: Spawn, simulation: Simulation) -> Place:
    return Place(tmp_path, spawn, simulation)


def on_main(place: Place) -> Terminal:
    """Start the program and put the cursor on the pod main."""
    terminal = place.shown()
    terminal.write("/name:main\r")
    terminal.wait_for(lambda: "main" in cursor_line(terminal))
    # Rows of an earlier session are there before their account is, and nothing can be done with them until then.
    terminal.wait_for("s ssh")
    terminal.settle(0.2)
    return terminal


def trust(terminal: Terminal) -> None:
    """Answer the question about the host key."""
    terminal.wait_for("SHA256:")
    terminal.send("y")


def main_of(place: Place) -> Pod:
    """Return the simulated pod that the account knows as main."""
    return next(pod for pod in place.simulation.running.world.hosts["lab"].pods.values() if pod.name == "alice-main")


def ask_for_size(terminal: Terminal, size: str) -> None:
    """Ask the shell for its size until it is this one: that of a resize may be on its way."""
    for count in range(1, 20):
        terminal.write("stty size\r")
        answers = re.compile(rf"(?:^\d+ \d+$.*?){{{count}}}", re.MULTILINE | re.DOTALL)
        terminal.wait_for(answers)
        if size in terminal.text:
            return
    raise AssertionError(terminal.text)


def leave(terminal: Terminal) -> None:
    """Wait until the shell has ended, and end the program."""
    terminal.wait_for("/ name:main")
    terminal.send("escape")
    terminal.wait_for(lambda: "/ name:main" not in terminal.text)
    terminal.send("q")
    assert terminal.wait_exit() == 0


def test_s_opens_the_shell_and_exit_returns_to_the_row(place: Place) -> None:
    terminal = on_main(place)
    terminal.send("s")
    terminal.wait_for("The host key of lab/pod/main")
    trust(terminal)
    terminal.wait_for(PROMPT)
    terminal.resize(90, 30)
    ask_for_size(terminal, "30 90")
    terminal.write("sleep 1000\r")
    terminal.wait_for("sleep 1000")
    terminal.write("\x03")
    terminal.wait_for(lambda: len(re.findall(r"root@main:~#", terminal.text)) >= 3)
    terminal.write("nvidia-smi\r")
    terminal.wait_for(re.compile(r"Processes: GPU .* GPU Memory"))  # the table above is higher than the screen
    terminal.write("exit 3\r")
    terminal.wait_for("the shell ended with exit status 3")
    assert "main" in cursor_line(terminal)
    assert terminal.lines[0].startswith(" gputui")
    terminal.send("s")
    terminal.wait_for(PROMPT)
    terminal.write("exit\r")
    leave(terminal)
    left_as_found(terminal)


def test_the_mouse_is_the_remote_programs_in_the_shell_and_after_a_signal_there(place: Place) -> None:
    terminal = on_main(place)
    assert 1002 in terminal.modes
    terminal.send("s")
    trust(terminal)
    terminal.wait_for(PROMPT)
    assert not terminal.modes & MOUSE_MODES
    terminal.signal(signal.SIGTERM)
    assert terminal.wait_exit() == 128 + signal.SIGTERM
    left_as_found(terminal)


def test_declining_the_host_key_returns_to_the_list(place: Place) -> None:
    terminal = on_main(place)
    terminal.send("s")
    terminal.wait_for("SHA256:")
    terminal.send("enter")
    terminal.wait_for(lambda: "SHA256:" not in terminal.text and "main" in cursor_line(terminal))
    assert terminal.process.poll() is None


def test_a_wrong_password_is_reported_and_the_app_continues(place: Place) -> None:
    place.configure(lambda text: text.replace("podpass", "not-the-one"))
    terminal = on_main(place)
    terminal.send("s")
    trust(terminal)
    terminal.wait_for(re.compile(r"password|refused|not accept", re.IGNORECASE))
    for _ in range(4):
        terminal.send("escape")
    terminal.wait_for(lambda: "main" in cursor_line(terminal))
    assert "not-the-one" not in terminal.text


def test_a_changed_host_key_is_refused(place: Place) -> None:
    terminal = on_main(place)
    terminal.send("s")
    trust(terminal)
    terminal.wait_for(PROMPT)
    terminal.write("exit\r")
    leave(terminal)
    running = place.simulation.running
    assert running.ssh is not None
    ssh = running.ssh

    async def change(_: object) -> None:
        ssh.change_host_key(main_of(place))

    place.simulation.call(change)
    second = on_main(place)
    second.send("s")
    second.wait_for("Host key changed")
    assert "SHA256:" not in second.text or "trust it" not in second.text
    assert "main" in cursor_line(second)


def test_an_sshd_that_is_not_up_yet_is_waited_for_and_the_wait_can_be_left(place: Place) -> None:
    running = place.simulation.running
    ssh, host = running.ssh, running.world.hosts["lab"]
    assert ssh is not None
    pod = main_of(place)

    async def close(_: object) -> None:
        ssh.close(host, pod)

    async def open_again(_: object) -> None:
        ssh.open(host, pod, 22)

    terminal = on_main(place)
    place.simulation.call(close)
    terminal.send("s")
    terminal.wait_for(WAITING)
    terminal.send("escape")
    terminal.wait_for(lambda: "Logging into main" not in terminal.text)
    assert "main" in cursor_line(terminal)
    terminal.send("s")
    terminal.wait_for(WAITING)
    place.simulation.call(open_again)
    trust(terminal)
    terminal.wait_for(PROMPT)
