"""How to start gputui again as it was started. Light: a session starts its agent before it imports anything else."""

from __future__ import annotations

import os
import sys

_MOVES = ("GPUTUI_CONFIG", "GPUTUI_STATE_DIR")


def packed_program() -> tuple[str, ...]:
    """Return the words that start this archive or binary again, from any directory; empty if it is installed."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    archive = getattr(getattr(sys.modules["__main__"], "__loader__", None), "archive", "")
    return (sys.executable, os.path.abspath(archive)) if archive else ()  # noqa: PTH100  (the name that was used)


def program_words(config: str | None) -> tuple[str, ...]:
    """Return how to start gputui again for the same state and this configuration; None is the usual one.

    Another program may start it in another environment, so the words set the variables that move the files of gputui.
    """
    moved = [f"{name}={os.environ[name]}" for name in _MOVES if name in os.environ]
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"  # noqa: PTH119  (pathlib takes milliseconds)
    started = packed_program() or ((sys.executable, "-m", "gputui") if is_module else (sys.argv[0],))
    return (*(("env", *moved) if moved else ()), *started, *_option(config))


def agent_words(config: str | None) -> tuple[str, ...]:
    """Return how to start the agent of a configuration and state. It enforces rules: it is never read-only."""
    return (*program_words(config), "agent")


def _option(config: str | None) -> tuple[str, ...]:
    if not config:
        return ()
    return "--config", os.path.join(os.getcwd(), os.path.expanduser(config))  # noqa: PTH109, PTH111, PTH118
