"""How to start gputui again: as it was started, for the same configuration and state."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gputui.cli.packed import packed_program

_MOVES = ("GPUTUI_CONFIG", "GPUTUI_STATE_DIR")


def own_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start gputui again for the same configuration and state, also where the environment is another's.

    A new tmux window has the environment of the tmux server, so the command sets the variables that move our files.
    """
    moved = [f"{name}={os.environ[name]}" for name in _MOVES if name in os.environ]
    installed = (sys.executable, "-m", "gputui") if Path(sys.argv[0]).name == "__main__.py" else (sys.argv[0],)
    started = packed_program() or installed
    config = ("--config", str(Path(args.config).expanduser().absolute())) if args.config else ()
    return (*(("env", *moved) if moved else ()), *started, *config, *(("--read-only",) if args.read_only else ()))


def agent_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start the agent of this configuration and state. It enforces rules: it is never read-only."""
    return (*own_program(argparse.Namespace(config=args.config, read_only=False)), "agent")
