"""Hosts of an OpenSSH configuration, on real servers and compared with OpenSSH's own client on the same file."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.errors import HostKeyError
from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts

from .openssh import OpenSSH, program


class User:
    """A person with a ~/.ssh, who logs in with gputui and with ssh."""

    def __init__(self, home: Path) -> None:
        self.folder = home / ".ssh"
        self.folder.mkdir(mode=0o700)
        self.known_hosts = self.folder / "known_hosts"
        self.asked: list[HostKeyQuestion] = []
        self._hosts = KnownHosts(home / "state")

    def configure(self, text: str) -> None:
        file = self.folder / "config"
        file.write_text(text + f"\nHost *\n  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n")
        file.chmod(0o600)

    async def connect(self, alias: str) -> Connection:
        async def accept(question: HostKeyQuestion) -> bool:
            self.asked.append(question)
            return True

        return await connect(
            SSHTarget(alias, 22, "", alias=alias),
            SSHLogin(agent=False),
            host_id=f"mine/host/{alias}",
            hosts=self._hosts,
            ask=accept,
            deadline=0,
        )

    async def run(self, alias: str, command: str) -> str:
        connection = await self.connect(alias)
        try:
            return str((await connection.ssh.run(command)).stdout)
        finally:
            await connection.close()

    def ssh(self, alias: str, command: str) -> subprocess.CompletedProcess[str]:
        options = ["-F", str(self.folder / "config"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
        return subprocess.run(["ssh", *options, alias, command], capture_output=True, text=True, check=False)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    program("ssh", "openssh-client")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return User(home)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[OpenSSH]]:
    """Three servers that accept the key of the first."""
    started: list[OpenSSH] = []
    for name in ("outer", "inner", "target"):
        folder = tmp_path / name
        folder.mkdir()
        server = OpenSSH(folder)
        if started:
            (folder / "authorized_keys").write_text((started[0].folder / "authorized_keys").read_text())
        server.start()
        started.append(server)
    yield started
    for server in started:
        server.stop()


def entry(alias: str, server: OpenSSH, key: Path, more: str = "") -> str:
    login = f"  Port {server.port}\n  User {server.user}\n  IdentityFile {key}\n"
    return f"Host {alias}\n  HostName 127.0.0.1\n{login}{more}\n"


def keygen(*words: str | Path) -> None:
    """Run ssh-keygen."""
    subprocess.run([program("ssh-keygen", "openssh-client"), *words], check=True, capture_output=True)


async def test_a_chain_of_jump_hosts_with_hashed_names_works_as_with_ssh(user: User, servers: list[OpenSSH]) -> None:
    outer, inner, target = servers
    user.configure(
        entry("outer", outer, outer.key)
        + entry("inner", inner, outer.key, "  ProxyJump outer")
        + entry("gpu01", target, outer.key, "  ProxyJump inner")
        + entry(
            "gpu02", target, outer.key, f"  ProxyCommand ssh -F {user.folder}/config -W '%h:%p' inner 2>/dev/null"
        )
        + "Host *\n  HashKnownHosts yes\n"
    )
    assert user.ssh("gpu01", "true").returncode == 255  # no host is known to ssh yet
    assert await user.run("gpu01", "echo $((6 * 7))") == "42\n"
    assert [question.key.fingerprint for question in user.asked] == [server.fingerprint() for server in servers]
    assert user.known_hosts.read_text().count("|1|") == 3
    assert "127.0.0.1" not in user.known_hosts.read_text()
    # ssh trusts the names that gputui has hashed, and gputui those hashed by ssh-keygen.
    assert user.ssh("gpu01", "echo $((6 * 7))").stdout == "42\n"
    assert await user.run("gpu02", "echo $((6 * 7))") == "42\n"
    lines = [f"[127.0.0.1]:{one.port} {(one.folder / 'host.pub').read_text()}" for one in servers]
    user.known_hosts.write_text("".join(lines))
    keygen("-q", "-H", "-f", user.known_hosts)
    assert await user.run("gpu01", "echo $((6 * 7))") == "42\n"
    assert len(user.asked) == 3


async def test_a_changed_key_is_refused_as_by_ssh_with_the_same_line(user: User, servers: list[OpenSSH]) -> None:
    target = servers[2]
    user.configure(entry("gpu01", target, servers[0].key))
    await user.run("gpu01", "true")
    target.stop()
    target.start("other_host")
    refused = user.ssh("gpu01", "true")
    assert "IDENTIFICATION HAS CHANGED" in refused.stderr
    assert f"{user.known_hosts}:1" in refused.stderr
    with pytest.raises(HostKeyError, match=f"{user.known_hosts}:1") as caught:
        await user.connect("gpu01")
    removal = caught.value.hint.partition("If you know why: ssh-keygen ")[2].partition(",")[0]
    keygen(*shlex.split(removal))
    await user.run("gpu01", "true")
    assert user.asked[-1].key.fingerprint == target.fingerprint("other_host")


async def test_certificates_of_host_and_user_are_accepted_as_by_ssh(user: User, tmp_path: Path) -> None:
    folder, authority, key = tmp_path / "sshd", tmp_path / "authority", tmp_path / "mine"
    folder.mkdir()
    for path in (authority, key):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", path)
    server = OpenSSH(folder, f"HostCertificate {folder}/host-cert.pub\nTrustedUserCAKeys {authority}.pub")
    sign = ("-q", "-s", authority, "-I", "test", "-n")
    keygen(*sign, "rack.example", "-h", folder / "host.pub")
    keygen(*sign, server.user, f"{key}.pub")
    (folder / "authorized_keys").write_text("")
    server.start()
    try:
        user.configure(entry("gpu01", server, key, "  HostKeyAlias rack.example"))
        user.known_hosts.write_text(f"@cert-authority *.example {authority.with_name('authority.pub').read_text()}")
        assert user.ssh("gpu01", "echo hello").stdout == "hello\n"
        assert await user.run("gpu01", "echo hello") == "hello\n"
        assert not user.asked
    finally:
        server.stop()
