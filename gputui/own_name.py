"""The name of the user of this process, for the records of who did something. Standard library only."""

from __future__ import annotations

import getpass


def own_name() -> str:
    """Return the name of the user who runs this process; ``unknown`` where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
