"""Paths that a user has written, with ``~`` as the home directory."""

from __future__ import annotations

import os


def home_expanded(path: str) -> str:
    """Return a path with the home directory in place of ``~`` or ``~user``.

    That of an unknown user stays, and is an error of whoever opens the path; pathlib would raise RuntimeError.
    """
    return os.path.expanduser(path)  # noqa: PTH111  (see above)
