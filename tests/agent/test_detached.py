"""A copy of a process that outlives it: terminal, signals, descriptors and name."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gputui.agent.detached import can_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a copy is made on Linux alone")

# The process that is copied ignores a signal, blocks another one, and has a descriptor open that programs inherit.
PARENT = """
import json, os, signal, sys
from gputui.agent.detached import fork_detached
signal.signal(signal.SIGTERM, lambda *_: print("of the parent"))
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
read, write = os.pipe()
os.set_inheritable(write, True)

def run():
    BODY

pid = fork_detached(run, "gputui agent", sys.argv[1])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
FACTS = """facts = {
        "leads its session": os.getsid(0) == os.getpid(),
        "input": sys.stdin.read(),
        "signals": [signal.getsignal(n) == signal.SIG_DFL for n in (signal.SIGTERM, signal.SIGHUP)],
        "blocked": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "open": [one for one in (read, write) if os.path.exists(f"/dev/fd/{one}")],
        "name": open("/proc/self/comm").read().strip(),
        "line": open("/proc/self/cmdline").read().rstrip(chr(0)),
    }
    print(json.dumps(facts))
    print("fault", file=sys.stderr)
    return 3"""


def status_of(body: str, output: Path) -> int:
    """Run a process that forks; returns the exit status of the copy."""
    program = [sys.executable, "-c", PARENT.replace("BODY", body), str(output)]
    return int(subprocess.check_output(program, text=True, timeout=60))


def test_it_leaves_terminal_signals_and_descriptors(tmp_path: Path) -> None:
    output = tmp_path / "output"
    status = status_of(FACTS, output)
    first, *rest = output.read_text().splitlines()
    assert json.loads(first) == {
        "leads its session": True,
        "input": "",
        "signals": [True, True],
        "blocked": [],
        "open": [],
        "name": "gputui agent",
        "line": "gputui agent",
    }
    assert (rest, status) == (["fault"], 3)
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_signal_that_comes_with_the_copy_runs_nothing_of_the_first_process(tmp_path: Path) -> None:
    # Ctrl+C is sent to all processes of the terminal: to the copy as well, before it has left the terminal.
    interrupt = "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGINT))"
    first = PARENT.replace("BODY", "return 0").replace("pid = ", f"{interrupt}\npid = ")
    program = [sys.executable, "-c", first, str(tmp_path / "output")]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")
    assert (tmp_path / "output").read_text().splitlines()[-1] == "KeyboardInterrupt"


def test_a_fault_is_in_its_output_and_nothing_of_the_first_process_runs(tmp_path: Path) -> None:
    status = status_of("raise KeyError('lost')", tmp_path / "output")
    assert status == 1
    assert (tmp_path / "output").read_text().splitlines()[-1] == "KeyError: 'lost'"


def test_an_output_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("kept")
    (tmp_path / "output").symlink_to("other")
    with pytest.raises(subprocess.CalledProcessError):
        status_of("return 0", tmp_path / "output")
    assert (tmp_path / "other").read_text() == "kept"


def test_a_process_with_threads_is_not_copied() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert not can_fork()
    finally:
        end.set()
        thread.join()
    check = "from gputui.agent.detached import can_fork; print(can_fork())"
    assert subprocess.check_output([sys.executable, "-c", check], text=True) == "True\n"
