"""The paths of gputui's files. Light: the first frame needs them before pydantic is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from gputui.errors import ConfigError
from gputui.home_paths import home_expanded

CONFIG_ENCODING = "utf-8-sig"
"""UTF-8, with or without a byte order mark."""


def as_path(path: str | Path) -> Path:
    """Return a path that a user has written; an unknown ~user stays, and is an error of whoever opens the path."""
    return Path(home_expanded(str(path)))


def rooted(path: str, folder: Path | None) -> str:
    """Return a path of the configuration that does not depend on the working directory; an unknown ~user stays.

    ``folder`` is the directory of the configuration file, absolute: relative paths begin there. None for no file.
    """
    expanded = home_expanded(path)  # a Path would lose the ./ of a program
    return expanded if folder is None or expanded.startswith("~") else str(folder / expanded)


def rooted_program(program: str, folder: Path | None) -> str:
    """Return the program of a command likewise; one without a slash is searched for in $PATH."""
    return rooted(program, folder) if "/" in program else program


def config_path() -> Path:
    """Return the path of the configuration: $GPUTUI_CONFIG, else gputui/config.toml in the user's directory."""
    if named := os.environ.get("GPUTUI_CONFIG"):
        return as_path(named)
    from platformdirs import user_config_path

    return user_config_path("gputui") / "config.toml"


def named_config(named: str | None) -> Path:
    """Return the configuration that a command line names, else the usual one."""
    return as_path(named) if named else config_path()


def state_dir() -> Path:
    """Return the state directory: $GPUTUI_STATE_DIR, else gputui in the user's state directory.

    Raises ConfigError where that of an unknown ~user is named.
    """
    if named := os.environ.get("GPUTUI_STATE_DIR"):
        found = as_path(named)
        if str(found).startswith("~"):  # it would be made in the working directory
            user = found.parts[0].removeprefix("~")
            raise ConfigError(f"GPUTUI_STATE_DIR: there is no user {user}.", hint="Write the path in full.")
        return found
    from platformdirs import user_state_path

    return user_state_path("gputui")


def history_path(state: Path) -> Path:
    """Return the file of snapshots, events and the audit log in a state directory."""
    return state / "history.db"


def scope_of(config: Path) -> str:
    """Return the scope of the user's preferences: they are kept for each configuration file."""
    return str(config.absolute())


def known_hosts_path(state: Path) -> Path:
    """Return the directory of known SSH host keys in a state directory."""
    return state / "known_hosts"
