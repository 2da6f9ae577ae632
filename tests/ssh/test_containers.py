"""Commands in containers that are entered through their host."""

from __future__ import annotations

import shlex

import pytest

from gputui.models import SSHTarget
from gputui.ssh.containers import command_in, shell_command

HOST = SSHTarget("gpu01", 22, "alice")
INSIDE = SSHTarget("gpu01", 22, "alice", enter=("podman", "c1"))


@pytest.mark.parametrize("command", ["ls -l", "echo 'a b' | wc -c", 'printf "%s\\n" "$HOME"'])
def test_a_command_arrives_in_the_container_as_it_is(command: str) -> None:
    assert command_in(HOST, command) == command
    assert shlex.split(command_in(INSIDE, command)) == ["podman", "exec", "-i", "c1", "sh", "-c", command]


def test_a_shell_in_a_container_has_a_terminal_and_a_host_its_login_shell() -> None:
    assert shell_command(HOST) is None
    assert shell_command(None) is None
    assert shlex.split(shell_command(INSIDE) or "")[:4] == ["podman", "exec", "-it", "c1"]
