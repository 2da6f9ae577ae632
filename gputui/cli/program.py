"""How to start gputui again: as it was started, for the same configuration and state."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli.packed import packed_program

if TYPE_CHECKING:
    import argparse

_MOVES = ("GPUTUI_CONFIG", "GPUTUI_STATE_DIR")


def own_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start gputui again for the same configuration and state, also where the environment is another's.

    A new tmux window has the environment of the tmux server, so the command sets the variables that move our files.
    """
    return (*_words(args.config), *(("--read-only",) if args.read_only else ()))


def agent_words(config: str | None) -> tuple[str, ...]:
    """Return how to start the agent of a configuration and state. It enforces rules: it is never read-only."""
    return (*_words(config), "agent")


def _words(config: str | None) -> tuple[str, ...]:
    moved = [f"{name}={os.environ[name]}" for name in _MOVES if name in os.environ]
    installed = (sys.executable, "-m", "gputui") if Path(sys.argv[0]).name == "__main__.py" else (sys.argv[0],)
    started = packed_program() or installed
    option = ("--config", str(Path(config).expanduser().absolute())) if config else ()
    return (*(("env", *moved) if moved else ()), *started, *option)


def agent_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start the agent of this configuration and state."""
    return agent_words(args.config)


def config_file(args: argparse.Namespace) -> Path:
    """Return the absolute path of the configuration that the command line names, whether it is there or not."""
    from gputui.config.paths import config_path

    return (Path(args.config).expanduser() if args.config else config_path()).absolute()
