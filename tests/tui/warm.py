"""Programs forked from a process that has imported all of gputui: importing is three quarters of a start's work.

They are processes as others are: a session, a terminal, an environment and an exit status of their own. Tests of
starting itself, of other environments of Python and of shells start the program cold.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WARM = frozenset({
    "gputui", "tests.ssh.handover_app", "tests.tui.crashing_app", "tests.tui.sample_charts", "tests.tui.sample_table",
    "tests.tui.stock_app", "benchmarks.data_table", "benchmarks.logs", "benchmarks.minimal",
})  # fmt: skip
_OWN = frozenset({"HOME", "TMPDIR", "TERM", "COLORTERM", "NO_COLOR", "GPUTUI_CONFIG", "GPUTUI_STATE_DIR"})
"""Variables that no module reads while it is imported."""
_MOST = 1 << 16


class Forked:
    """A warm program; the part of :class:`subprocess.Popen` that tests use."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status. Raises TimeoutExpired."""
        status = self._wait(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("a warm program", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _wait(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, _MOST) or -signal.SIGKILL)
            os.close(self._status)
        return self.returncode


class WarmStarts:
    """The process that is forked, started with the first program in the ``usual`` environment; ends with this one."""

    def __init__(self, usual: Callable[[], Mapping[str, str]]) -> None:
        self._usual = usual
        self._base: dict[str, str] = {}
        self._control: socket.socket | None = None

    def start(self, argv: Sequence[str], streams: Sequence[int], env: Mapping[str, str], cwd: Path) -> Forked | None:
        """Start a program in a session of its own, on a terminal if it is given one; None where it has to start cold.

        ``streams`` are the files for its input, its output and its messages.
        """
        if sys.platform != "linux" or argv[:2] != [sys.executable, "-m"] or argv[2] not in WARM or cwd != ROOT:
            return None
        if self._control is None:
            self._base = _read_by_modules(self._usual())
            self._control = _serve_elsewhere(self._base)
        if _read_by_modules(env) != self._base:
            return None
        status, reported = os.pipe()
        request = json.dumps({"argv": argv[2:], "env": dict(env)}).encode()
        socket.send_fds(self._control, [request], [*streams, reported])
        os.close(reported)
        return Forked(int(self._control.recv(_MOST)), status)


def _read_by_modules(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name not in _OWN}


def _serve_elsewhere(env: Mapping[str, str]) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.tui.warm", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**env, "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"},  # as the program sets them
            cwd=ROOT,
            start_new_session=True,
        )
    return ours


def _serve(control: socket.socket) -> None:
    """Fork a program for every request until the last client is gone; returns, or raises SystemExit, in each."""
    import gputui

    for module in pkgutil.walk_packages(gputui.__path__, "gputui."):
        if not module.name.startswith(("gputui.sim", "gputui.__main__")):
            import_module(module.name)
    gc.freeze()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reports: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, _MOST)
            _report_ended(reports)
        if control.fileno() in ready:
            data, fds, _, _ = socket.recv_fds(control, _MOST, 4)
            if not data:
                return
            pid = os.fork()
            if pid == 0:
                _become(json.loads(data), fds[:3])
                return
            for stream in fds[:3]:
                os.close(stream)
            reports[pid] = fds[3]
            control.send(str(pid).encode())


def _report_ended(reports: dict[int, int]) -> None:
    while reports:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        os.write(reports[pid], str(os.waitstatus_to_exitcode(status)).encode())
        os.close(reports.pop(pid))


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """In the fork: be the program that was asked for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["env"])
    for number, (name, mode, buffering) in enumerate((("stdin", "r", -1), ("stdout", "w", -1), ("stderr", "w", 1))):
        opened = open(number, mode, buffering, "utf-8", closefd=False)  # noqa: SIM115  (as Python opens them)
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    sys.argv = list(request["argv"])
    runpy.run_module(request["argv"][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
