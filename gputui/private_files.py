"""Files that gputui keeps for itself: opened without following a link, and nothing but regular files.

A link in their place may lead to a file of the user's that is not ours to change. Standard library only.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_private(path: Path, flags: int) -> int:
    """Open a file of our own and return its descriptor; one that is made is readable by its owner alone.

    Raises OSError, whose text says so where the file is a link, or none at all but a pipe or a device.
    """
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EMLINK}:
            raise OSError(error.errno, "it is a symbolic link; put the file itself there") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return descriptor
