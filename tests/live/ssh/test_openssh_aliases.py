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
from gputui.ssh.resolution import resolve

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

    def settings(self, alias: str) -> dict[str, list[str]]:
        """The settings as ``ssh -G`` prints them."""
        shown = subprocess.check_output(["ssh", "-G", "-F", str(self.folder / "config"), alias], text=True)
        found: dict[str, list[str]] = {}
        for line in shown.splitlines():
            keyword, _, value = line.partition(" ")
            found.setdefault(keyword, []).append(value)
        return found


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


CONFIG = """
IdentityFile ~/.ssh/early # for all
Include extra*
Host gpu0? !gpu09
  HostName %h.rack.example
  User "alice"
  Port=2222
  ProxyJump gw1,bob@gw2:2200
  IdentityFile /keys/%n-%r
Host web* gpu09
  ProxyCommand nc -x "a b" %h %p
  ServerAliveInterval 1m
  IdentitiesOnly yes
  StrictHostKeyChecking accept-new
Match originalhost "gpu02,web1" exec "test %p = 2222 -o %n = web1"
  UserKnownHostsFile /known/%n /known/second
  HostKeyAlias rack
Match host *.rack.example !user bob
  ServerAliveCountMax 9
  CertificateFile /keys/cert
Match final host gpu01.rack.example
  HashKnownHosts yes
Match all
  ConnectTimeout 1m30s
  User carol
  ProxyJump none
"""


@pytest.mark.parametrize("alias", ["gpu01", "gpu02", "gpu09", "web1", "other", "extra", "10.0.0.9"])
def test_the_settings_of_a_host_are_those_that_ssh_prints(user: User, alias: str) -> None:
    (user.folder / "extra.conf").write_text("Host extra web1\n  Port 2201\n  PasswordAuthentication no\n")
    # ssh has the home directory of the password database, whatever HOME is.
    config = CONFIG.replace("Include extra", f"Include {user.folder}/extra").replace("~", str(user.folder.parent))
    user.configure(config)
    found, theirs = resolve(alias), user.settings(alias)
    assert (found.host, str(found.port), found.user) == tuple(theirs[key][0] for key in ("hostname", "port", "user"))
    # ssh prints files and commands before their tokens are expanded, but for those of known hosts.
    assert [str(path) for path in found.identity_files or ()] == [
        path.replace("%n", alias).replace("%r", found.user) for path in theirs["identityfile"]
    ]
    assert [str(path) for path in found.certificates] == theirs.get("certificatefile", [])
    assert ",".join(found.jumps) == theirs.get("proxyjump", [""])[0]
    command = theirs.get("proxycommand", [None])[0]
    assert found.proxy_command == (command and command.replace("%h", found.host).replace("%p", str(found.port)))
    assert " ".join(map(str, found.known_hosts)) == theirs["userknownhostsfile"][0].replace("%n", alias)
    assert found.host_key_alias == theirs.get("hostkeyalias", [""])[0]
    assert str(found.keepalive or 0) == theirs["serveraliveinterval"][0]
    assert str(found.keepalive_count or 3) == theirs["serveralivecountmax"][0]
    assert str(found.connect_timeout) == theirs["connecttimeout"][0]
    assert found.identities_only == (theirs["identitiesonly"][0] == "yes")
    assert bool(found.hashes_known_hosts) == (theirs["hashknownhosts"][0] == "yes")
    assert str(found.new_keys or "ask") == theirs["stricthostkeychecking"][0]
    assert ("password" in found.methods_off) == (theirs["passwordauthentication"][0] == "no")
