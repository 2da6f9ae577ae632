"""Other programs on a real OpenSSH server through gputui: the written configuration, --stdio, and --copy-id."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .openssh import OpenSSH, program
from .users import throw_away_user

USER, PASSWORD = "gputui-copy-id", "correct-horse-7"
NEAR = "own.near"
FAR = "own.far"
"""The host behind a ProxyCommand, which ssh reaches through gputui."""


class Person:
    """A person whose ~/.ssh names two hosts, which are one server, and who has an account of gputui for them."""

    def __init__(self, openssh: OpenSSH, home: Path, user: str, login: str) -> None:
        self.home = home
        self.folder = home / ".ssh"
        self.folder.mkdir(parents=True, mode=0o700)
        host_key = (openssh.folder / "host.pub").read_text()
        relay = shlex.join([sys.executable, str(home / "relay.py"), "127.0.0.1", str(openssh.port)])
        common = f"  User {user}\n  UserKnownHostsFile {self.folder}/known_hosts\n{login}"
        near = f"Host near\n  HostName 127.0.0.1\n  Port {openssh.port}\n{common}"
        self._write(self.folder / "known_hosts", f"[127.0.0.1]:{openssh.port} {host_key}far {host_key}")
        self._write(self.folder / "config", f"{near}Host far\n  ProxyCommand {relay}\n{common}")
        self._write(home / "relay.py", RELAY)
        self._write(home / "config.toml", '[accounts.own]\nkind = "ssh"\nhosts = ["*"]\n')
        self._environment = {
            **os.environ,
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GPUTUI_CONFIG": str(home / "config.toml"),
            "GPUTUI_STATE_DIR": str(home / "state"),
        }
        self._environment.pop("SSH_AUTH_SOCK", None)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)

    def configure(self, text: str) -> None:
        """Write the configuration of gputui."""
        self._write(self.home / "config.toml", text)

    @property
    def included(self) -> Path:
        """A configuration for ssh alone, which has what gputui writes through Include; ssh asks nothing."""
        path = self.folder / "plain"
        self._write(
            path, f"Include {self.folder}/gputui.conf\nHost *\n  BatchMode yes\n  GlobalKnownHostsFile none\n"
        )
        return path

    def run(self, *words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, input=given, capture_output=True, text=True, check=False, timeout=60, env=self._environment
        )

    def gputui(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run(Path(sys.executable).with_name("gputui"), *words)


RELAY = """
import os, socket, sys, threading
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    def up():
        while data := os.read(0, 65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
    threading.Thread(target=up, daemon=True).start()
    while data := server.recv(65536):
        os.write(1, data)
"""


@pytest.fixture
def person(openssh: OpenSSH, tmp_path: Path) -> Person:
    """A person with a key; the server has SFTP."""
    openssh.stop()
    openssh._more = "Subsystem sftp internal-sftp"
    openssh.start()
    person = Person(openssh, tmp_path / "home", openssh.user, f"  IdentityFile {openssh.key}\n")
    written = person.gputui("ssh-config", "--write", person.folder / "gputui.conf")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    return person


@pytest.mark.parametrize("host", [NEAR, FAR])
def test_ssh_scp_sftp_and_rsync_reach_a_host_through_the_written_configuration(
    person: Person, tmp_path: Path, host: str
) -> None:
    source, target = tmp_path / "a file", tmp_path / "target"
    source.write_bytes(os.urandom(200_000))
    target.mkdir()
    batch = tmp_path / "batch"
    batch.write_text(f'put "{source}" {target}/by-sftp\n')
    ssh = f"ssh -F {person.included}"

    said = person.run(*ssh.split(), host, "cat; exit 3", given="line\n")
    assert (said.stdout, said.returncode) == ("line\n", 3), said.stderr
    for words in (
        ("scp", "-q", "-F", person.included, source, f"{host}:{target}/by-scp"),
        ("sftp", "-q", "-F", person.included, "-b", batch, host),
        (program("rsync", "rsync"), "-e", ssh, source, f"{host}:{target}/by-rsync"),
    ):
        done = person.run(*words)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in target.iterdir()} == {"by-scp", "by-sftp", "by-rsync"}
    assert all(path.read_bytes() == source.read_bytes() for path in target.iterdir())


def test_a_host_that_is_off_ends_ssh_with_the_words_of_gputui(person: Person, openssh: OpenSSH) -> None:
    openssh.stop()
    ended = person.run("ssh", "-F", person.included, FAR, "true")
    assert ended.returncode == 255
    assert "gputui: The ProxyCommand of own/host/far" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_way_through_gputui_to_itself_ends_with_its_name(person: Person) -> None:
    config = person.folder / "config"
    config.write_text(f"Include gputui.conf\n{config.read_text()}")
    person.configure(f'[accounts.own]\nkind = "ssh"\nhosts = ["far"]\nssh = {{ jump = "{FAR}" }}\n')
    ended = person.gputui("exec", "own/host/far", "--via", "ssh", "--", "true")
    assert ended.returncode == 1
    assert "The way to own/host/far goes in a circle: own/host/far → own/host/far." in ended.stderr


@pytest.fixture
def user_home() -> Iterator[Path]:
    with throw_away_user(USER, PASSWORD) as home:
        yield home


@pytest.fixture
def password_only(user_home: Path, tmp_path: Path) -> Iterator[Person]:
    """A person who knows the password alone, and has a key that the server does not know yet."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    ours = "PasswordAuthentication yes\n  AuthorizedKeysFile .ssh/authorized_keys"
    server = OpenSSH(folder, f"Match User {USER}\n  {ours}\n")
    server.start()
    home = tmp_path / "home"
    person = Person(server, home, USER, f"  IdentityFile {home}/.ssh/id_ed25519\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", person.folder / "id_ed25519"], check=True)
    person.configure(f'[accounts.own]\nkind = "ssh"\nhosts = ["near"]\nssh = {{ password = "{PASSWORD}" }}\n')
    yield person
    server.stop()


def logs_in(person: Person) -> bool:
    """Whether plain ssh logs in with the key alone."""
    return person.run("ssh", "-F", person.folder / "config", "-o", "BatchMode=yes", "near", "true").returncode == 0


def install(person: Person) -> subprocess.CompletedProcess[str]:
    return person.gputui("ssh", "--copy-id", "own/host/near")


def test_a_key_is_installed_once_behind_others_and_ssh_logs_in_with_it(
    password_only: Person, user_home: Path
) -> None:
    keys = user_home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700)
    keys.write_text("ssh-ed25519 AAAA other")
    subprocess.run(["chown", "-R", f"{USER}:", keys.parent], check=True)
    own = (password_only.folder / "id_ed25519.pub").read_text()
    assert not logs_in(password_only)

    first, second = install(password_only), install(password_only)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == "own/host/near: the key is installed; a login with it works.\n"
    assert second.stdout == "own/host/near: the key was there already; a login with it works.\n"
    assert keys.read_text() == f"ssh-ed25519 AAAA other\n{own}"
    assert keys.stat().st_mode & 0o777 == 0o644
    assert logs_in(password_only)


def test_a_home_that_cannot_be_written_is_named(password_only: Person, user_home: Path) -> None:
    subprocess.run(["chown", "root:", user_home], check=True)
    ended = install(password_only)
    assert ended.returncode == 1
    assert "The key was not added to ~/.ssh/authorized_keys" in ended.stderr
    assert "Permission denied" in ended.stderr
    assert not logs_in(password_only)


def test_a_full_disk_is_named_and_leaves_the_keys_as_they_were(password_only: Person, user_home: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", user_home], check=True)
    try:
        keys = user_home / ".ssh" / "authorized_keys"
        keys.parent.mkdir(mode=0o700)
        # So that a part of one more line has room in its last page.
        before = "# " + "x" * 4070 + "\n"
        keys.write_text(before)
        subprocess.run(["chown", "-R", f"{USER}:", user_home], check=True)
        with (user_home / "full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
            while full.write(b"x" * 512):
                pass

        ended = install(password_only)

        assert ended.returncode == 1
        assert "The key was not added to ~/.ssh/authorized_keys" in ended.stderr
        assert "No space left on device" in ended.stderr
        assert keys.read_text() == before
        (user_home / "full").unlink()
        assert install(password_only).returncode == 0
        assert logs_in(password_only)
    finally:
        subprocess.run(["umount", "-l", user_home], check=True)
