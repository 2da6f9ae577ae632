"""How to start gputui again, as it was started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gputui.home_paths import home_expanded

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
    moved = [f"{name}={_in_full(os.environ[name])}" for name in _MOVES if name in os.environ]
    installed = (sys.executable, "-m", "gputui") if Path(sys.argv[0]).name == "__main__.py" else (sys.argv[0],)
    started = packed_program() or installed
    return (*(("env", *moved) if moved else ()), *started, *option_words(config))


def option_words(config: str | None) -> tuple[str, ...]:
    """Return the option that names a configuration, from any directory; empty for the usual one."""
    return ("--config", _in_full(config)) if config else ()


def _in_full(path: str) -> str:
    """Return a path that is the same from any directory; an empty one, which names no file, stays."""
    return str(Path(home_expanded(path)).absolute()) if path else ""
