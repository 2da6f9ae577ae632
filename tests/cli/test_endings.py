"""However a command ends, it is said in one line: full disks, closed outputs, ctrl+c, SIGTERM, also amid a change."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gputui.cli import main
from gputui.models import Action, ActionResult
from gputui.sim.server import Running
from tests.cli.cloud import Cloud
from tests.cli.conftest import Simulation, account_toml, output_to, write_config
from tests.tui.harness import Terminal
from tests.tui.program import Program

Run = Callable[..., tuple[int, str, str]]

FULL = "gputui: standard output cannot be written: No space left on device."
VALUES = ("--set", "name=x", "--set", "deployment_type=Job", "--set", "replica_num=1", "--set", "image_uuid=image-1")
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


FULL_DISK = Path("/dev/full")


def gputui(*argv: str, redirection: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "gputui", *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


needs_full_disk = pytest.mark.skipif(not FULL_DISK.exists(), reason=f"this system has no {FULL_DISK}")


@needs_full_disk
@pytest.mark.parametrize(
    "argv",
    [
        ("--help",),
        ("--version",),
        ("get", "--help"),
        ("completion", "bash"),
        ("config", "check"),
        ("get", "instances"),
        ("get", "gpus", "-o", "json"),
        ("get", "gpus", "-o", "csv"),
        ("describe", "lab/main"),
        ("stop", "lab/pod/main", "--dry-run"),
    ],
    ids=" ".join,
)
def test_a_full_disk_is_one_line(argv: Sequence[str], world: Running, capsys: pytest.CaptureFixture[str]) -> None:
    with output_to(FULL_DISK):
        status = main(argv)
    said = capsys.readouterr().err
    assert (status, said.splitlines()[-1]) == (1, FULL)
    assert "Traceback" not in said
    assert "report" not in said


def on_a_full_disk(*argv: str) -> tuple[int, list[str]]:
    """Run a command line whose output is on a full disk, until Python has ended; exit status and messages."""
    with FULL_DISK.open("wb") as output, Program(*argv, output=output.fileno()) as program:
        messages = program.stderr.read().splitlines()
        return program.wait(), messages


@needs_full_disk
@pytest.mark.parametrize("argv", [("--help",), ("get", "instances"), ("get", "instances", "--watch")], ids=" ".join)
def test_a_full_disk_is_one_line_though_python_ends(argv: Sequence[str], world: Running) -> None:
    assert on_a_full_disk(*argv) == (1, [FULL])


@pytest.mark.parametrize("argv", [("--help",), ("get", "instances"), ("stop", "lab/pod/main", "--yes")], ids=" ".join)
def test_a_closed_output_is_one_line_and_nothing_is_done(argv: Sequence[str], world: Running) -> None:
    done = gputui(*argv, redirection=">&-")
    assert done.returncode == 1
    assert done.stderr == "gputui: standard output is closed. Send it to /dev/null when it is not wanted.\n"


def test_closed_messages_and_input_keep_nothing_from_being_printed(world: Running) -> None:
    done = gputui("get", "instances", redirection="2>&- <&-")
    assert done.returncode == 0
    assert "main" in done.stdout


@needs_full_disk
def test_every_change_is_sent_and_reported_though_the_disk_is_full(own_simulation: Simulation) -> None:
    status, messages = on_a_full_disk("stop", "lab/pod/main", "lab/pod/jupyter", "--yes")
    assert status == 1
    assert {"lab/pod/main", "lab/pod/jupyter"} <= {line.partition(":")[0] for line in messages[:-1]}
    assert messages[-1] == FULL
    pods = own_simulation.running.world.hosts["lab"].pods.values()
    assert {pod.status for pod in pods if pod.name in ("alice-main", "alice-jupyter")} == {"exited"}


class Hanging(Cloud):
    """A cloud that takes every change and never answers; the process gets a signal meanwhile."""

    number: signal.Signals

    async def _do(self, action: Action, message: str) -> ActionResult:
        signal.raise_signal(self.number)
        await asyncio.sleep(20)
        raise AssertionError(f"{self.number.name} ended nothing")


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize(
    "argv",
    [
        ("stop", "train-a"),
        ("delete", "hub/deployment/53a677bb3e281b8"),
        ("scale", "hub/deployment/53a677bb3e281b8", "4"),
        ("block", "train-a"),
        ("create", "deployment", "-A", "hub", *VALUES),
    ],
    ids=lambda argv: argv[0],
)
def test_a_signal_amid_a_change_leaves_an_unknown_outcome(
    argv: Sequence[str], number: signal.Signals, clouds: dict[str, Any], run: Run
) -> None:
    clouds["hub"] = backend = Hanging("hub")
    backend.number = number
    status, out, err = run(*argv, "--yes")
    assert (status, out) == (4, "")
    assert "was not awaited; the server may still finish it. Check" in err
    clouds["hub"] = Cloud("hub")
    (entry,) = json.loads(run("audit", "-o", "json")[1])
    assert (entry["action"], entry["outcome"]) == (argv[0], "unknown")


def test_a_job_in_the_background_that_ignores_ctrl_c_ends_its_change_on_sigterm(
    clouds: dict[str, Any], run: Run
) -> None:
    clouds["hub"] = backend = Hanging("hub")
    backend.number = signal.SIGTERM
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run("stop", "train-a", "--yes")[0] == 4
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_at_a_password_is_one_line_and_the_echo_is_back(number: signal.Signals, home: Path) -> None:
    write_config(home, account_toml("lab"))
    env = {name: value for name, value in os.environ.items() if name.startswith("GPUTUI_")}
    with Terminal((sys.executable, "-m", "gputui", "passwd", "lab"), env=env, warm=True) as terminal:
        terminal.wait_for("New password for lab:")
        terminal.wait_for(lambda: not terminal.attributes[3] & termios.ECHO)
        if number is signal.SIGINT:
            terminal.send("ctrl+c")
        else:
            terminal.signal(number)
        assert terminal.wait_exit() == 128 + number
        assert terminal.attributes == terminal.attributes_before
        words = "interrupted." if number is signal.SIGINT else f"ended by {number.name}."
        assert [line for line in terminal.lines if line] == ["New password for lab:", f"gputui: {words}"]


def test_ctrl_c_while_the_program_is_imported_is_one_line(tmp_path: Path) -> None:
    # An import that takes long, of the first module the command line needs after its own package.
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, sys, time\n"
        "real = builtins.__import__\n"
        "def slow(name, *args, **options):\n"
        "    if name == 'gputui.cli':\n"
        "        print('importing', flush=True)\n"
        "        time.sleep(60)\n"
        "    return real(name, *args, **options)\n"
        "builtins.__import__ = slow\n",
        "utf-8",
    )
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-m", "gputui", "get", "instances"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "gputui: interrupted.\n"
        assert process.wait(20) == 130
