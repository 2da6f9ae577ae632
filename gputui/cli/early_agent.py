"""The start of the agent as the first thing that the full-screen program does: before the command line is parsed.

The agent imports what asks servers on another core, while this process imports what draws. Standard library only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_OPTIONS = ("--config", "--view")


def start_for(argv: Sequence[str]) -> int | None:
    """Start an agent where a command line starts the full-screen program with one, and none runs.

    Returns its process, or None. Whatever is unclear is left to the program, which starts it a little later.
    """
    config = _config_of(argv)
    if config is None or os.environ.get("GPUTUI_AGENT") == "off" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    try:
        text = config.read_text("utf-8-sig")
    except (OSError, ValueError):
        return None
    from gputui.agent.start import is_turned_off, start_early
    from gputui.cli.program import agent_words
    from gputui.config.paths import state_dir

    if is_turned_off(text):
        return None
    named = next((argv[index + 1] for index, word in enumerate(argv) if word == "--config"), None)
    return start_early(agent_words(named), state_dir())


def _config_of(argv: Sequence[str]) -> Path | None:
    """Return the configuration of a command line that starts the full-screen program; None for any other."""
    from gputui.config.paths import config_path

    found = None
    words = iter(argv)
    for word in words:
        value = next(words, None)
        if word not in _OPTIONS or value is None:
            return None
        if word == "--config":
            found = Path(value).expanduser()
    return found or config_path()
