"""The packages of the simulator, which an installation may lack: it has them with the extra ``demo``."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec

from gputui.errors import ConfigError

_PACKAGES = ("starlette", "hypercorn")


def has_simulator() -> bool:
    """Say whether the packages of the simulator are installed; imports none of them."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def need_simulator() -> None:
    """Raise ConfigError, with the command that installs them, where the packages of the simulator are missing."""
    if has_simulator():
        return
    missing = " and ".join(name for name in _PACKAGES if find_spec(name) is None)
    raise ConfigError(
        f"The simulator needs {missing}, which this installation does not have.",
        hint=f"Install what the demo needs: {shlex.quote(sys.executable)} -m pip install 'gputui[demo]'"
        if find_spec("pip") is not None
        else "Install gputui again as 'gputui[demo]'.",
    )
