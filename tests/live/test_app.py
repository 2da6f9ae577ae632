"""The full-screen program on a real server: a pod's life and a login in it, from the keyboard."""

from __future__ import annotations

import re
from typing import Any

from ..tui.harness import Terminal
from .gputui import Gputui
from .test_login import PROMPT


def _row(name: str, state: str) -> re.Pattern[str]:
    """Match a pod's row on the screen, in this state."""
    return re.compile(rf"^\W*{name}\s.*\b{state}\b", re.MULTILINE)


def _confirm(terminal: Terminal, question: str) -> None:
    """Say yes in a dialog, where Cancel is chosen first."""
    terminal.wait_for(question)
    terminal.send("right", "enter")


def _quit(terminal: Terminal) -> None:
    terminal.send("q")
    assert terminal.wait_exit() == 0, terminal.text
    assert terminal.attributes == terminal.attributes_before


def test_one_key_opens_a_shell_in_the_pod_and_exit_returns_to_its_row(gputui: Gputui, pod: str) -> None:
    with gputui.terminal(columns=120, rows=40) as terminal:
        terminal.wait_for(_row("main", "running"))
        terminal.send("s")
        terminal.wait_for("SHA256:")
        terminal.send("y")
        terminal.wait_for(PROMPT)
        terminal.write("stty size; echo I am in''side\r")
        terminal.wait_for("40 120")
        terminal.wait_for("I am inside")
        terminal.write("exit 3\r")
        terminal.wait_for(_row("main", "running"))
        terminal.wait_for("main: the shell ended with exit status 3.")
        _quit(terminal)


def test_a_pod_is_stopped_started_and_deleted_from_the_keyboard(gputui: Gputui) -> None:
    ref = gputui.create_pod("keys")
    with gputui.terminal(columns=120, rows=40) as terminal:
        terminal.wait_for(_row("keys", "running"))
        terminal.send("/")
        terminal.wait_for(re.compile(r"^ /", re.MULTILINE))
        terminal.write("keys\r")
        terminal.wait_for("1 of")
        terminal.send("X")
        _confirm(terminal, "Stop keys in lab?")
        terminal.wait_for(_row("keys", "exited"))
        assert gputui.instance(ref)["phase"] == "stopped"
        terminal.send("S")
        _confirm(terminal, "Start keys in lab?")
        terminal.wait_for(_row("keys", "running"))
        terminal.send("D")
        terminal.wait_for("Delete keys in lab?")
        terminal.write("keys\r")
        terminal.wait_for("keys deleted.")
    assert ref not in [row["ref"] for row in gputui.json("get", "instances")]


def test_the_gpus_view_shows_what_a_pod_runs(gputui: Gputui, training: dict[str, Any]) -> None:
    with gputui.terminal(columns=120, rows=40) as terminal:
        terminal.wait_for(_row("main", "running"))
        terminal.send("5")
        terminal.wait_for(str(training["pid"]))
        (line,) = [line for line in terminal.lines if str(training["pid"]) in line]
        assert "main" in line
        assert training["command"].split()[0] in line
        _quit(terminal)
