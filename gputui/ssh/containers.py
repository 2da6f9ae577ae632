"""Containers without an SSH server: entered through a container engine on their host."""

from __future__ import annotations

import shlex

from gputui.models import SSHTarget

_SHELL = "command -v bash >/dev/null && exec bash; exec sh"
"""Starts the better of the two shells that images have."""


def shell_command(target: SSHTarget | None) -> str | None:
    """Return the command that opens a shell at a target; None for the login shell of its SSH server."""
    return _inside(target, "-it", _SHELL) if target is not None and target.enter else None


def command_in(target: SSHTarget | None, command: str) -> str:
    """Return the shell command that runs ``command`` at a target, with its stdin."""
    return _inside(target, "-i", command) if target is not None and target.enter else command


def _inside(target: SSHTarget, flag: str, command: str) -> str:
    engine, container = target.enter
    return shlex.join([engine, "exec", flag, container, "sh", "-c", command])
