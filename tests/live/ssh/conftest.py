"""An OpenSSH server, and a person who logs in to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from gputui.models import SSHLogin, SSHTarget
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts

from .openssh import OpenSSH

ID = "lab/pod/main"

LogIn = Callable[..., Awaitable[Connection]]


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[OpenSSH]:
    folder = tmp_path / "sshd"
    folder.mkdir()
    server = OpenSSH(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def asked() -> list[HostKeyQuestion]:
    return []


@pytest.fixture
def hosts(tmp_path: Path) -> KnownHosts:
    return KnownHosts(tmp_path / "known_hosts")


@pytest.fixture
def log_in(
    openssh: OpenSSH,
    hosts: KnownHosts,
    asked: list[HostKeyQuestion],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> LogIn:
    """Log in with the server's key; every host key is accepted and noted in ``asked``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    async def accept(question: HostKeyQuestion) -> bool:
        asked.append(question)
        return True

    async def log_in(login: SSHLogin | None = None, *, deadline: float = 20) -> Connection:
        return await connect(
            SSHTarget("127.0.0.1", openssh.port, openssh.user),
            login or SSHLogin(key=str(openssh.key), agent=False),
            host_id=ID,
            hosts=hosts,
            ask=accept,
            deadline=deadline,
        )

    return log_in
