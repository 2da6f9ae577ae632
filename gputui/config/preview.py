"""The parts of the configuration that the first frame needs, without validation.

Validation takes longer than drawing: it follows the first frame, and ends the program where the configuration has
problems. So nothing here raises, and no request is sent by it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gputui.config.paths import CONFIG_ENCODING
from gputui.late_dataclasses import dataclass
from gputui.models.custom_commands import CustomCommand
from gputui.text import clean

START = "home"
"""The first view where none is configured."""


@dataclass(frozen=True, slots=True)
class AccountSketch:
    """An account's name, and whether it may be changed."""

    name: str
    read_only: bool = False
    color: str | None = None


@dataclass(frozen=True, slots=True)
class UiSettings:
    """The section ``[ui]``. ``keys`` maps command ids to keys, ``regions`` names to sets of regions.

    ``start`` is the first view: a view, a saved one, or ``last``.
    """

    theme: str | None = None
    utc: bool = False
    mouse: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)
    tmux_window: str = "ask"
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start: str = START
    custom: tuple[CustomCommand, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The accounts, the settings of the interface, and whether the agent is used."""

    accounts: Mapping[str, AccountSketch] = field(default_factory=dict)
    ui: UiSettings = field(default_factory=UiSettings)
    agent: bool = True
    """Whether an agent is used."""


def read_preview(path: Path | None, *, read_only: bool = False) -> Preview:
    """Read a configuration; missing and invalid parts are omitted."""
    if path is None:
        return Preview()
    try:
        data = tomllib.loads(path.read_text(CONFIG_ENCODING))
    except OSError:
        return Preview()
    except (ValueError, RecursionError):
        return Preview(agent=False)  # it may be turned off there, and could not use the file
    accounts = {
        name: AccountSketch(name, read_only or section.get("read_only") is True, _text(section.get("color")))
        for name, section in _table(data, "accounts").items()
        if isinstance(section, dict) and clean(name) == name
    }
    ui = _table(data, "ui")
    keys = {name: key for name, key in _table(ui, "keys").items() if isinstance(key, str)}
    regions = {
        name: tuple(region for region in names if isinstance(region, str) and clean(region) == region)
        for name, names in _table(ui, "regions").items()
        if isinstance(names, list) and clean(name) == name
    }
    theme, window, start = ui.get("theme"), ui.get("tmux_window"), ui.get("start")
    return Preview(
        accounts,
        UiSettings(
            theme=theme if isinstance(theme, str) else None,
            utc=ui.get("utc") is True,
            mouse=ui.get("mouse") is not False,
            keys=keys,
            tmux_window=window if isinstance(window, str) else "ask",
            regions=regions,
            start=start if isinstance(start, str) else START,
            custom=_custom(data.get("commands"), keys),
        ),
        agent=_table(data, "agent").get("enabled") is not False,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _custom(tables: object, keys: Mapping[str, str]) -> tuple[CustomCommand, ...]:
    if not isinstance(tables, list) or not tables:
        return ()
    from gputui.config.custom_commands import usable_commands

    return usable_commands(tables, keys)
