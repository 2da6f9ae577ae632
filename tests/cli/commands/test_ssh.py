from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.cli.commands import ssh
from gputui.cli.commands.ssh import exit_status
from gputui.config.accounts import SshConfig
from gputui.config.paths import known_hosts_path
from gputui.errors import ConfigError
from gputui.models import Instance, Phase, Ref, SSHTarget
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


def test_a_command_after_the_name_is_refused_with_the_command_that_runs_it(home: Path, run: Run) -> None:
    status, _, err = run("ssh", "lab/main", "--", "hostname")
    assert status == 2
    assert "several REFs are for --copy-id" in err
    assert "gputui exec lab/main -- COMMAND" in err


def test_the_key_of_a_host_of_one_s_own_is_forgotten_with_openssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host gpu01\n  HostName 10.0.0.9\n  Port 2222\n")
    own = Instance(Ref("mine", "host", "gpu01"), "gpu01", Phase.RUNNING, "", ssh=SSHTarget("", 22, "", alias="gpu01"))
    with pytest.raises(ConfigError, match=f"ssh-keygen -f {tmp_path}/.ssh/known_hosts -R '\\[10.0.0.9\\]:2222'"):
        ssh._refuse_alias(own, SshConfig())
    (tmp_path / "other").write_text("Host gpu01\n  HostName 10.0.0.8\n  UserKnownHostsFile /known\n")
    with pytest.raises(ConfigError, match=r"ssh-keygen -f /known -R '\[10.0.0.8\]:7'"):
        ssh._refuse_alias(own, SshConfig(config=str(tmp_path / "other"), port=7))
    ssh._refuse_alias(replace(own, ssh=SSHTarget("10.0.0.9", 22, "root")), SshConfig())
