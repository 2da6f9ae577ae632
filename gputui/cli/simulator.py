"""The packages of the simulator, which an installation may lack: it has them with the extra ``demo``."""

from __future__ import annotations

from gputui.cli.extras import has_packages, need_packages

_PACKAGES = ("starlette", "hypercorn")


def has_simulator() -> bool:
    """Say whether the packages of the simulator are installed; imports none of them."""
    return has_packages(_PACKAGES)


def need_simulator() -> None:
    """Raise ConfigError, with the command that installs them, where the packages of the simulator are missing."""
    need_packages("The simulator", "demo", _PACKAGES, "the demo")
