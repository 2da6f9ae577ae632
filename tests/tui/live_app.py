"""The whole program in a pseudo-terminal, against a simulator on a thread of this process."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.cli.conftest import Simulation, write_config
from tests.tui.conftest import Spawn
from tests.tui.harness import ALTERNATE_SCREEN, CURSOR_SHOWN, MOUSE_MODES, Terminal

PASTE, FOCUS = 2004, 1004
UI = '\n[ui]\nstart = "instances"\n'


class Place:
    """A home with a configuration for one account of the simulator, polled fast; starts the program there."""

    def __init__(self, home: Path, spawn: Spawn, simulation: Simulation) -> None:
        self.home = home
        self.simulation = simulation
        self._spawn = spawn
        self.configure()

    def configure(self, change: Callable[[str], str] = str) -> None:
        """Write the configuration, changed."""
        account = self.simulation.running.config_toml().split("[accounts.lab-b]")[0]
        write_config(self.home, change(account) + "\n[polling]\nlists = 1\nprocesses = 1\nstock = 1\n" + UI)

    def start(
        self, *, program: str = "gputui", env: Mapping[str, str | None] | None = None, under: Sequence[str] = ()
    ) -> Terminal:
        """Start the program, or another one made of it."""
        return self._spawn(
            *under, sys.executable, "-m", program, env={**self._environment, **(env or {})}, columns=100, rows=24
        )

    def shell(self) -> Terminal:
        """Start an interactive shell with job control, where ``gputui`` runs the program; wait for its prompt."""
        startup = self.home / "shrc"
        startup.write_text(f"PS1='prompt> '\ngputui() {{ {sys.executable} -m gputui \"$@\"; }}\nset -m\n", "utf-8")
        terminal = self._spawn("sh", "-i", env={**self._environment, "ENV": str(startup)}, columns=100, rows=24)
        terminal.wait_for("prompt>")
        return terminal

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "GPUTUI_CONFIG": str(self.home / "config.toml"),
            "GPUTUI_STATE_DIR": str(self.home / "state"),
            "HOME": str(self.home),
        }

    def shown(
        self, *, program: str = "gputui", env: Mapping[str, str | None] | None = None, under: Sequence[str] = ()
    ) -> Terminal:
        """Start it, by a program that is ``under`` it, and wait for its rows."""
        terminal = self.start(program=program, env=env, under=under)
        terminal.wait_for("main")
        return terminal


def left_as_found(terminal: Terminal) -> None:
    """The terminal is as it was before the program."""
    assert terminal.attributes == terminal.attributes_before
    assert not terminal.modes & (MOUSE_MODES | {ALTERNATE_SCREEN, PASTE, FOCUS})
    assert CURSOR_SHOWN in terminal.modes
    assert keyboard_levels(terminal) == 0


def keyboard_levels(terminal: Terminal) -> int:
    """Return how many levels of the keyboard protocol are pushed onto the terminal's stack."""
    levels = 0
    for found in re.finditer(rb"\x1b\[([<>])\d*u", bytes(terminal.raw)):
        levels = levels + 1 if found[1] == b">" else max(0, levels - 1)
    return levels


def cursor_line(terminal: Terminal) -> str:
    """Return the line of the table that the cursor is on."""
    return next((line for line in terminal.lines if line.startswith("▌")), "")
