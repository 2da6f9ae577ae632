"""Where gputui keeps its files. Light: the first frame needs these before the configuration's machinery is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_config_path, user_state_path

CONFIG_ENCODING = "utf-8-sig"
"""UTF-8, and some editors put a byte order mark before it."""


def config_path() -> Path:
    """Return where the configuration is: $GPUTUI_CONFIG, else gputui/config.toml among the user's configuration."""
    named = os.environ.get("GPUTUI_CONFIG")
    return Path(named).expanduser() if named else user_config_path("gputui") / "config.toml"


def state_dir() -> Path:
    """Return where what outlives a session is kept: $GPUTUI_STATE_DIR, else the user's state directory."""
    named = os.environ.get("GPUTUI_STATE_DIR")
    return Path(named).expanduser() if named else user_state_path("gputui")


def history_path(state: Path) -> Path:
    """Return the file of snapshots, events and the audit log in a state directory."""
    return state / "history.db"


def known_hosts_path(state: Path) -> Path:
    """Return the directory of remembered SSH host keys in a state directory."""
    return state / "known_hosts"
