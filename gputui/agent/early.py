"""The start of the agent as the first thing that the full-screen program does: before the command line is imported.

The agent imports what asks servers on another core, while this process imports what draws. Standard library only, and
of that only what the interpreter has loaded already, wherever nothing has to be looked at closely.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from gputui.agent.detached import cores, start_detached
from gputui.own_program import agent_words

_OPTIONS = ("--config", "--view")


def start_for(argv: Sequence[str]) -> int | None:
    """Start an agent where a command line starts the full-screen program with one, and none runs.

    Returns its process, or None. Whatever is unclear is left to the program, which starts it a little later. With a
    single core it would only delay what is drawn first.
    """
    named = None
    for option, value in zip(argv[::2], argv[1::2], strict=False):
        if option not in _OPTIONS:
            return None
        named = value if option == "--config" else named
    if len(argv) % 2 or os.environ.get("GPUTUI_AGENT") == "off" or cores() < 2 or not (os.isatty(0) and os.isatty(1)):
        return None
    config, state = _config(named), _state()
    try:
        with open(config, "rb") as file:  # noqa: PTH123  (pathlib takes milliseconds)
            if b"agent" in file.read():
                return None if _is_turned_off(config) else _start_here(named, state)
    except OSError:
        return None
    return _start_here(named, state)


def _start_here(config: str | None, state: str) -> int | None:
    """Start one for a state directory, which is new, or is looked at more closely."""
    folder = os.path.join(state, "agent")  # noqa: PTH118
    try:
        if os.path.lexists(folder):
            from pathlib import Path

            from gputui.agent.start import start_early

            return start_early(agent_words(config), Path(state))
        os.makedirs(state, 0o700, exist_ok=True)  # noqa: PTH103
        os.mkdir(folder, 0o700)  # noqa: PTH102
        return start_detached(agent_words(config), os.path.join(folder, "output"))  # noqa: PTH118
    except (OSError, NotImplementedError):
        return None  # the session says it where it needs the agent


def _is_turned_off(config: str) -> bool:
    from pathlib import Path

    from gputui.agent.start import is_turned_off

    try:
        return is_turned_off(Path(config).read_text("utf-8-sig"))
    except (OSError, ValueError):
        return True  # whoever reads it in full reports that


def _config(named: str | None) -> str:
    if named is not None:
        return os.path.expanduser(named)  # noqa: PTH111
    if usual := os.environ.get("GPUTUI_CONFIG"):
        return os.path.expanduser(usual)  # noqa: PTH111
    from gputui.config.paths import config_path

    return str(config_path())


def _state() -> str:
    if named := os.environ.get("GPUTUI_STATE_DIR"):
        return os.path.expanduser(named)  # noqa: PTH111
    from gputui.config.paths import state_dir

    return str(state_dir())
