"""``gputui ssh --copy-id``: keys on several instances, refusals, and the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from gputui.api.capabilities import Backend
from gputui.config.paths import known_hosts_path
from gputui.models import Instance, Ref, Resource, SSHTarget
from gputui.ssh.known_hosts import HostKey, KnownHosts
from tests.fleet.ssh_hosts import Hosts
from tests.ssh.shells import ShellServer

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hosts(clouds: dict[str, Backend], home: Path, server: ShellServer, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Two instances, whose host key is known, and a user with one key, which the server accepts."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (home / ".ssh").mkdir(mode=0o700)
    own = asyncssh.generate_private_key("ssh-ed25519", comment="mine")
    own.write_private_key(home / ".ssh" / "id_ed25519")
    own.write_public_key(home / ".ssh" / "id_ed25519.pub")
    server.client_keys[:] = [own]
    backend = Hosts(server.port, "a", "bb", account="hub")
    clouds["hub"] = backend
    known = KnownHosts(known_hosts_path(home / "state"))
    key = HostKey.parse(server.host_keys[0].export_public_key("openssh").decode())
    for name in ("a", "bb"):
        known.remember(f"hub/pod/{name}", "127.0.0.1", server.port, key)
    return backend


def test_the_key_is_installed_on_each_checked_by_a_login_and_in_the_audit_log(
    hosts: Hosts, home: Path, run: Run
) -> None:
    status, out, err = run("ssh", "--copy-id", "hub/pod/a", "hub/pod/bb")

    assert status == 0, err
    assert out.splitlines() == [
        "hub/pod/a: the key is installed; a login with it works.",
        "hub/pod/bb: the key was there already; a login with it works.",  # one home directory serves both
    ]
    assert (home / ".ssh" / "authorized_keys").read_text() == (home / ".ssh" / "id_ed25519.pub").read_text()
    entry = json.loads(run("audit", "-o", "json")[1])[0]
    assert (entry["action"], entry["outcome"]) == ("copy-id", "done")
    assert "SHA256:" in entry["summary"]


def test_a_key_that_the_server_refuses_afterwards_is_a_failure(hosts: Hosts, server: ShellServer, run: Run) -> None:
    server.client_keys.clear()
    status, _, err = run("ssh", "--copy-id", "hub/pod/a")
    assert status == 1
    assert "The key is in ~/.ssh/authorized_keys, and a login with it is refused" in err


def test_nothing_is_changed_for_a_shortened_name_a_read_only_account_or_a_container(
    hosts: Hosts, home: Path, run: Run
) -> None:
    assert run("ssh", "--copy-id", "b")[0] == 2
    status, _, err = run("--read-only", "ssh", "--copy-id", "hub/pod/a")
    assert (status, "read-only" in err) == (1, True)
    inside = SSHTarget("gpu1", 22, "ops", enter=("docker", "0a"), host_row=Ref("hub", "host", "gpu1"))
    (first, _) = hosts.rows[Resource.INSTANCES]
    assert isinstance(first, Instance)
    hosts.rows[Resource.INSTANCES] = [replace(first, ssh=inside)]
    status, _, err = run("ssh", "--copy-id", "hub/pod/a")
    assert (status, "Install the key on its host, hub/host/gpu1." in err) == (1, True)
    assert not (home / ".ssh" / "authorized_keys").exists()


def test_options_that_do_not_belong_together_are_refused(run: Run) -> None:
    assert run("ssh", "-i", "key", "lab/main")[0] == 2
    assert run("ssh", "lab/main", "lab/other")[0] == 2
