"""Processes that outlive this one and its terminal: another program, or a copy of this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP)
_OUTPUT_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
_OPEN = "/dev/fd"


def start_detached(program: Sequence[str], output: str) -> int:
    """Start a program without waiting for it, with its output in a file; returns its process.

    Raises OSError, and NotImplementedError where the system cannot.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, _OUTPUT_FLAGS, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _open_descriptors() if _is_inherited(descriptor)),
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


def can_fork() -> bool:
    """Return whether a copy of this process can run.

    A lock that another thread has would never be released in it, and what it does not find open it could not close.
    Libraries of other systems than Linux may fail in a copy.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and Path(_OPEN).is_dir()


def fork_detached(run: Callable[[], int], name: str, output: str) -> int:
    """Run a function in a copy of this process, with its output in a file, without waiting; returns the new process.

    The copy has all modules that this process has imported. ``name`` is what ``ps`` shows. The function returns the
    exit status. Raises OSError.
    """
    written = os.open(output, _OUTPUT_FLAGS, 0o600)
    sys.stdout.flush()
    sys.stderr.flush()
    # Until the copy has handlers of its own, those of this process would run in it: ctrl+c is sent to both.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFAULT_SIGNALS)
    try:
        if not (process := os.fork()):
            _run_detached(run, name, written)
        return process
    finally:
        os.close(written)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _run_detached(run: Callable[[], int], name: str, written: int) -> NoReturn:
    """Be the copy, and end with it."""
    status = 1
    try:
        _detach(written)
        _rename(name)
        status = run()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  (nothing of the process that was copied may run here)
        traceback.print_exc()
    finally:
        os._exit(status)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _detach(written: int) -> None:
    """Leave terminal, descriptors and signal handlers of the process that was copied."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    for descriptor in _open_descriptors():
        with suppress(OSError):  # that of the listing itself
            os.close(descriptor)
    for number in _DEFAULT_SIGNALS:
        if number != signal.SIGPIPE:  # Python ignores it
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _rename(name: str) -> None:
    """Have this process listed under another name and command line; that it is not is no problem.

    The command line is where the kernel has put it, and has no room for a longer one (proc(5): arg_start, arg_end).
    """
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/comm", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(name)
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123
            numbers = file.read().rpartition(b")")[2].split()
        begin, end = int(numbers[45]), int(numbers[46])
        if 0 < begin < end:
            with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
                memory.seek(begin)
                memory.write(name.encode()[: end - begin - 1].ljust(end - begin, b"\0"))


def _open_descriptors() -> list[int]:
    """Return the descriptors but the standard ones that are open: the agent would keep locks, pipes and terminals."""
    try:
        return [descriptor for name in os.listdir(_OPEN) if (descriptor := int(name)) > 2]  # noqa: PTH208
    except OSError:
        return []


def _is_inherited(descriptor: int) -> bool:
    """Return whether a shell has left a descriptor open for the programs that it starts."""
    try:
        return os.get_inheritable(descriptor)
    except OSError:  # that of the listing itself
        return False
