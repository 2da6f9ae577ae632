"""Logging into a real pod: OpenSSH in it, a pseudo-terminal here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..tui.harness import Terminal
from .gputui import Gputui

PROMPT = "~]#"
QUESTION = "Trust it from now on?"


def _trust(terminal: Terminal) -> None:
    terminal.wait_for(QUESTION)
    terminal.write("y\r")


def _exit(terminal: Terminal, status: int = 0) -> None:
    terminal.write(f"exit {status}\r")
    assert terminal.wait_exit() == status, terminal.text


def test_ssh_is_a_terminal_in_the_pod_and_ends_with_its_exit_status(gputui: Gputui, pod: str) -> None:
    with gputui.terminal("ssh", pod, columns=100, rows=30) as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        terminal.write('stty size; echo "I am $(id -un), $TERM"\r')
        terminal.wait_for("30 100")
        terminal.wait_for("I am root, xterm")
        terminal.resize(132, 43)
        terminal.write("""until [ "$(stty size)" = '43 132' ]; do sleep 0.1; done; echo resi''zed\r""")
        terminal.wait_for("resized")
        # One job: an interrupt that comes between two jobs ends neither.
        terminal.write("sh -c 'echo sleep\"\"ing; exec sleep 60'\r")
        terminal.wait_for("sleeping")
        terminal.send("ctrl+c")
        terminal.wait_for("^C")
        _exit(terminal, 7)
        assert terminal.attributes == terminal.attributes_before


def test_a_host_key_that_was_trusted_is_not_asked_for_again(gputui: Gputui, pod: str) -> None:
    with gputui.terminal("ssh", pod) as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        _exit(terminal)
    with gputui.terminal("ssh", pod) as terminal:
        terminal.wait_for(PROMPT)
        assert QUESTION not in terminal.text
        _exit(terminal)


def test_an_unknown_host_key_that_is_not_trusted_ends_it(gputui: Gputui, pod: str) -> None:
    with gputui.terminal("ssh", pod) as terminal:
        terminal.wait_for("SHA256:")
        terminal.wait_for(QUESTION)
        terminal.write("n\r")
        assert terminal.wait_exit() == 255


@pytest.fixture
def known(gputui: Gputui) -> Iterator[str]:
    """A pod of its own whose host key was trusted."""
    ref = gputui.create_pod("known")
    with gputui.terminal("ssh", ref) as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        _exit(terminal)
    yield ref
    gputui.succeed("delete", ref, "--yes")


def test_another_host_key_of_the_same_pod_is_refused_with_the_way_out(gputui: Gputui, known: str) -> None:
    gputui.succeed("exec", known, "--", "rm /etc/ssh/ssh_host_*")
    gputui.succeed("restart", known, "--yes")  # makes new ones
    with gputui.terminal("ssh", known) as terminal:
        assert terminal.wait_exit() == 255
        assert "--forget-host-key" in terminal.text
        assert PROMPT not in terminal.text
    with gputui.terminal("ssh", known, "--forget-host-key") as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        _exit(terminal)


def test_a_new_pod_of_an_old_name_is_another_one_to_trust(gputui: Gputui, known: str) -> None:
    gputui.succeed("delete", known, "--yes")
    assert gputui.create_pod("known") == known
    with gputui.terminal("ssh", known) as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        _exit(terminal)


def test_one_can_log_in_again_after_a_restart_and_not_while_it_is_stopped(gputui: Gputui) -> None:
    ref = gputui.create_pod("again")
    with gputui.terminal("ssh", ref) as terminal:
        _trust(terminal)
        terminal.wait_for(PROMPT)
        _exit(terminal)
    gputui.succeed("stop", ref, "--yes")
    with gputui.terminal("ssh", ref) as terminal:
        assert terminal.wait_exit() == 255
        assert "does not run" in terminal.text
    gputui.succeed("start", ref, "--yes")
    with gputui.terminal("ssh", ref) as terminal:  # at once: the sshd may not listen yet
        terminal.wait_for(PROMPT)
        _exit(terminal)
    gputui.succeed("delete", ref, "--yes")


def test_a_wrong_password_is_asked_for_again(gputui: Gputui, pod: str) -> None:
    with gputui.with_secrets(LAB_SSH_PASSWORD="wrong").terminal("ssh", pod) as terminal:
        _trust(terminal)
        terminal.wait_for("assword")
        terminal.write(f"{gputui.secrets['LAB_SSH_PASSWORD']}\r")
        terminal.wait_for(PROMPT)
        _exit(terminal)
