"""Credentials on a real OpenSSH server, which ends a connection after six refusals, and a real agent."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.errors import SshError
from gputui.models import Secret, SSHLogin, SSHTarget
from gputui.ssh.challenges import AskSecret, Challenge
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import KnownHosts

from .conftest import ID
from .openssh import OpenSSH, program
from .users import throw_away_user

USER, PASSWORD = "gputui-login", "correct-horse-7"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OpenSSH]:
    with throw_away_user(USER, PASSWORD):
        folder = tmp_path / "sshd"
        folder.mkdir()
        server = OpenSSH(folder, f"Match User {USER}\n  PasswordAuthentication yes\n")
        server.start()
        yield server
        server.stop()


@pytest.fixture
def eight_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent with eight keys that the server does not know."""
    path = str(tmp_path / "agent")
    process = subprocess.Popen([program("ssh-agent", "openssh-client"), "-D", "-a", path], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    for number in range(8):
        key = tmp_path / f"agent_key{number}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": path}, check=True)
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    process.terminate()
    process.wait()


async def log_in(
    server: OpenSSH, tmp_path: Path, login: SSHLogin, password: str, ask_secret: AskSecret | None = None
) -> Connection:
    async def accept(_: object) -> bool:
        return True

    return await connect(
        SSHTarget("127.0.0.1", server.port, USER, Secret(password)),
        login,
        host_id=ID,
        hosts=KnownHosts(tmp_path / "known"),
        ask=accept,
        ask_secret=ask_secret,
        deadline=20,
    )


@pytest.mark.usefixtures("eight_keys")
@pytest.mark.parametrize("configured", [False, True])
async def test_eight_agent_keys_do_not_lock_out_a_known_password(
    server: OpenSSH, tmp_path: Path, configured: bool
) -> None:
    key = str(server.folder / "other_host") if configured else None
    await (await log_in(server, tmp_path, SSHLogin(key=key), PASSWORD)).close()


@pytest.mark.usefixtures("eight_keys")
async def test_after_a_stale_password_and_three_agent_keys_the_right_one_may_be_typed(
    server: OpenSSH, tmp_path: Path
) -> None:
    async def type_it(_: Challenge) -> list[Secret]:
        return [Secret(PASSWORD)]

    login = SSHLogin(key=str(server.folder / "other_host"))
    await (await log_in(server, tmp_path, login, "stale", type_it)).close()


@pytest.mark.usefixtures("eight_keys")
async def test_too_many_refusals_name_what_was_tried(server: OpenSSH, tmp_path: Path) -> None:
    async def type_nonsense(_: Challenge) -> list[Secret]:
        return [Secret("nonsense")]

    login = SSHLogin(key=str(server.folder / "other_host"))
    with pytest.raises(SshError) as caught:
        await log_in(server, tmp_path, login, "stale", type_nonsense)
    assert "too many credentials were refused; tried: key " in caught.value.message
    assert "agent key (3 times), a typed password" in caught.value.message


async def test_a_key_that_others_can_read_is_refused_as_openssh_does(server: OpenSSH, tmp_path: Path) -> None:
    key = server.folder / "bare"
    shutil.copy(server.folder / "other_host", key)
    key.chmod(0o644)
    with pytest.raises(SshError, match="others on this machine can read it"):
        await log_in(server, tmp_path, SSHLogin(key=str(key), agent=False), PASSWORD)
    ssh = await asyncio.create_subprocess_exec("ssh-keygen", "-y", "-f", key, stderr=asyncio.subprocess.PIPE)
    assert b"UNPROTECTED PRIVATE KEY FILE" in (await ssh.communicate())[1]
