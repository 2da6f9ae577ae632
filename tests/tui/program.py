"""The program in a process of its own that writes to pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType

from tests.tui.harness import DEADLINE
from tests.tui.starting import WARM, small_environment
from tests.tui.warm import ROOT, Forked


class Program:
    """``gputui`` with this test's configuration and state and no input; it need not start cold (warm.py).

    It writes to the file ``output``, or else to the pipe ``stdout``. Leaving the context kills it.
    """

    def __init__(self, *argv: str, output: int | None = None) -> None:
        command = [sys.executable, "-m", "gputui", *argv]
        env = small_environment({name: value for name, value in os.environ.items() if name.startswith("GPUTUI_")})
        nothing = os.open(os.devnull, os.O_RDONLY)
        (reads, writes), (reads_messages, messages) = os.pipe(), os.pipe()
        streams = (nothing, writes if output is None else output, messages)
        forked = WARM.start(command, streams, env, ROOT)
        self._process: subprocess.Popen[bytes] | Forked = forked or subprocess.Popen(
            command, stdin=streams[0], stdout=streams[1], stderr=streams[2], env=env, cwd=ROOT
        )
        for given in (nothing, writes, messages):
            os.close(given)
        self.stdout = open(reads, encoding="utf-8")  # noqa: SIM115, PTH123  (closed with the context)
        self.stderr = open(reads_messages, encoding="utf-8")  # noqa: SIM115, PTH123

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()
        self.stdout.close()
        self.stderr.close()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(9)

    def wait(self) -> int:
        """Wait for the exit status."""
        return self._process.wait(DEADLINE)
