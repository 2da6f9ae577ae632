"""Programs started on a terminal, in a session of their own and a small environment."""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.tui.warm import ROOT, Forked, WarmStarts


def small_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the environment that programs are started in, with changes; None takes a name out.

    No agent is started unless a change says so: it would outlive the test.
    """
    names = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(ROOT),
        "GPUTUI_AGENT": "off",
        **changes,
    }
    return {name: value for name, value in names.items() if value is not None}


WARM = WarmStarts(lambda: small_environment({}))


def start_on(
    terminal: int,
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    warm: bool = False,
) -> subprocess.Popen[bytes] | Forked:
    """Start a program with its streams on a terminal, in a session of its own; a warm one is forked (warm.py)."""
    program, environment, folder = [str(part) for part in argv], small_environment(env or {}), cwd or ROOT
    forked = WARM.start(program, [terminal] * 3, environment, folder) if warm else None
    return forked or subprocess.Popen(
        program,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        cwd=folder,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509  (one ioctl, which takes no lock)
    )


def _take_terminal() -> None:
    """In the child, a session's leader already: make the pseudo-terminal its controlling terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def session(leader: int) -> set[int]:
    """Return the living processes of a session, its background groups too; empty where there is no /proc."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            state, _, _, number = stat.read_text().rsplit(")", 1)[1].split()[:4]
            if int(number) == leader and state != "Z":
                found.add(int(stat.parent.name))
    return found
