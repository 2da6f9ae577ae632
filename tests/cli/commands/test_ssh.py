from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.cli.commands.ssh import exit_status
from gputui.config.paths import known_hosts_path
from gputui.ssh.known_hosts import HostKey, KnownHosts
from gputui.ssh.shell import ShellEnd

Run = Callable[..., tuple[int, str, str]]

KEY = HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (ShellEnd(0), 0),
        (ShellEnd(7), 7),
        (ShellEnd(None, signal="KILL"), 137),
        (ShellEnd(None, signal="NOSUCH"), 255),
        (ShellEnd(None, dropped=True), 255),
    ],
)
def test_the_exit_status_is_what_a_shell_would_make_of_it(end: ShellEnd, status: int) -> None:
    assert exit_status(end) == status


def test_the_key_of_a_jump_host_can_be_forgotten_without_a_login(home: Path, run: Run) -> None:
    hosts = KnownHosts(known_hosts_path(home / "state"))
    hosts.remember("jump/bastion:22", "bastion", 22, KEY)

    status, _, err = run("ssh", "--forget-host-key", "jump/bastion:22")

    assert status == 0
    assert "is forgotten" in err
    assert hosts.keys("jump/bastion:22") == ()
    assert "No host key" in run("ssh", "--forget-host-key", "jump/bastion:22")[2]
