"""How to start gputui again: as it was started, for the same configuration and state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gputui.own_program import option_words, program_words

if TYPE_CHECKING:
    import argparse


def own_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start gputui again for the same configuration and state, also where the environment is another's.

    A new tmux window has the environment of the tmux server.
    """
    return (*program_words(args.config), *(("--read-only",) if args.read_only else ()))


def agent_program(args: argparse.Namespace) -> tuple[str, ...]:
    """Return how to start the agent of this configuration and state. It enforces rules: it is never read-only."""
    return (*program_words(args.config), "agent")


def agent_arguments(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the command line of the agent of this configuration, for this process."""
    return (*option_words(args.config), "agent")


def config_file(args: argparse.Namespace) -> Path:
    """Return the absolute path of the configuration that the command line names, whether it is there or not."""
    from gputui.config.paths import named_config

    return named_config(args.config).absolute()
