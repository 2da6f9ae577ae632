"""A process that outlives this one and its terminal. Light: it is started before anything else is imported."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # builtin: `signal` itself takes milliseconds to import
import os
from collections.abc import Sequence

_DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP)
_OPEN = "/dev/fd"


def start_detached(program: Sequence[str], output: str) -> int:
    """Start a program without waiting for it, with its output in a file; returns its process.

    Raises OSError, and NotImplementedError where the system cannot.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited()),
    ]
    return os.posix_spawnp(
        program[0],
        list(program),
        os.environ,
        file_actions=actions,
        setsid=True,
        setsigmask=[],
        setsigdef=_DEFAULT_SIGNALS,
    )


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _inherited() -> list[int]:
    """Return the descriptors that a shell has left open for its programs: the agent would keep locks and pipes."""
    try:
        open_now = [int(name) for name in os.listdir(_OPEN)]  # noqa: PTH208  (pathlib takes milliseconds)
    except OSError:
        return []
    return [descriptor for descriptor in open_now if descriptor > 2 and _is_inherited(descriptor)]


def _is_inherited(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:  # that of the listing itself
        return False
