"""The directory of rules and journals: the user's own, readable by no one else."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gputui.errors import ConflictError, RuleFileError, reason_of
from gputui.private_files import open_private
from gputui.text import clean

_LOCK_SECONDS, _LOCK_PAUSE = 5.0, 0.02


def agent_dir(state: Path) -> Path:
    """Return the directory of the agent, of rules and of journals in a state directory."""
    return state / "agent"


def own_directory(path: Path) -> None:
    """Make a directory that its owner alone can use. Raises RuleFileError where it is another user's, or open."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise unusable(path, error) from None
    if not stat.S_ISDIR(found.st_mode):
        raise RuleFileError(f"{clean(str(path))} is not a directory.", hint="Move it away.")
    if found.st_uid != os.geteuid():
        raise RuleFileError(
            f"{clean(str(path))} belongs to another user (uid {found.st_uid}): nothing in it is used.",
            hint="Set GPUTUI_STATE_DIR to a directory of your own.",
        )
    if found.st_mode & 0o022:
        raise RuleFileError(
            f"Others can write to {clean(str(path))}: nothing in it is used.", hint=f"chmod 700 {clean(str(path))}"
        )


def exists(path: Path) -> bool:
    """Return whether there is such a file or directory. Raises RuleFileError where that cannot be known."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unusable(path, error) from None
    return True


def unusable(path: Path, error: OSError) -> RuleFileError:
    """Return the error on a file or directory that cannot be used."""
    return RuleFileError(
        f"{clean(str(path))}: {reason_of(error)}.", hint="Check its owner, its mode and the free space."
    )


def sync_directory(path: Path) -> None:
    """Write the names in a directory to the disk: a file that was created or replaced stays so. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a lock file alone. Raises ConflictError where another process has it for seconds, RuleFileError."""
    try:
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise unusable(path, error) from None
    try:
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ConflictError(
                        f"Another process has locked {clean(str(path))}.",
                        hint="It may be suspended: end it, then try again.",
                    ) from None
                time.sleep(_LOCK_PAUSE)
            except OSError as error:
                raise unusable(path, error) from None
        yield
    finally:
        os.close(descriptor)
