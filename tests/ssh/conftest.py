"""A server, a user who is asked, and a home directory without keys."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import asyncssh
import pytest

from gputui.errors import GputuiError
from gputui.models import Secret, SSHLogin, SSHTarget
from gputui.ssh.challenges import Challenge
from gputui.ssh.client import Connection, Refetch, connect
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
from tests.ssh.servers import PASSWORD, Server

ID = "lab/pod/main"
LoadAgent = Callable[[Server, "list[asyncssh.SSHKey]"], None]


@dataclass
class Person:
    """Answers questions, and remembers them."""

    hosts: KnownHosts
    accepts: bool = True
    secrets: list[str] = field(default_factory=list)
    asked: list[HostKeyQuestion] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)
    asked_secrets: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    opened: list[Connection] = field(default_factory=list)

    async def ask(self, question: HostKeyQuestion) -> bool:
        self.asked.append(question)
        return self.accepts

    async def ask_secret(self, challenge: Challenge) -> list[Secret] | None:
        self.challenges.append(challenge)
        self.asked_secrets += [f"{challenge.note} {prompt.text}".lstrip() for prompt in challenge.prompts]
        answers = [Secret(self.secrets.pop(0)) for _ in challenge.prompts if self.secrets]
        return answers or None

    async def connect(
        self,
        port: int,
        *,
        host_id: str = ID,
        password: str | None = PASSWORD,
        login: SSHLogin | None = None,
        refetch: Refetch | None = None,
        deadline: float = 0,
        clock: Clock | None = None,
    ) -> Connection:
        clock = clock or Clock()
        connection = await connect(
            SSHTarget("127.0.0.1", port, "root", Secret(password) if password is not None else None),
            login or SSHLogin(agent=False),
            host_id=host_id,
            hosts=self.hosts,
            ask=self.ask,
            ask_secret=self.ask_secret,
            progress=self.reports.append,
            refetch=refetch,
            deadline=deadline,
            sleep=clock.sleep,
            monotonic=clock.monotonic,
        )
        self.opened.append(connection)
        return connection


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        await self.slept()

    async def slept(self) -> None:
        """What happens meanwhile."""

    def monotonic(self) -> float:
        return self.now


class Meanwhile(Clock):
    """Runs ``event`` during the ``after``-th pause."""

    def __init__(self, after: int, event: asyncio.Future[None] | None = None) -> None:
        super().__init__()
        self.after = after
        self.server: Server | None = None
        self.closing: asyncio.Server | None = None

    async def slept(self) -> None:
        if len(self.sleeps) == self.after and self.server is not None:
            if self.closing is not None:
                self.closing.close()
                await self.closing.wait_closed()
            await self.server.__aenter__()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    before = os.umask(0o077)  # a key that others can read is refused
    yield home
    os.umask(before)


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    person = Person(KnownHosts(tmp_path / "state" / "known_hosts"))
    yield person
    for connection in person.opened:
        await connection.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


async def failure(person: Person, port: int, **options: object) -> GputuiError:
    """Return why a login fails."""
    with pytest.raises(GputuiError) as caught:
        await person.connect(port, **options)  # type: ignore[arg-type]  # passed on
    return caught.value


@pytest.fixture
def load_agent(monkeypatch: pytest.MonkeyPatch) -> LoadAgent:
    """Give the user an agent with these keys, named ``agent 1``, ``agent 2`` and so on in the server's offers."""

    def load(server: Server, keys: list[asyncssh.SSHKey]) -> None:
        for number, key in enumerate(keys, 1):
            server.names.setdefault(key.public_data, f"agent {number}")

        async def get_keys() -> list[asyncssh.SSHKeyPair]:
            return list(asyncssh.load_keypairs(keys))

        async def connect_agent(_: str) -> SimpleNamespace:
            return SimpleNamespace(get_keys=get_keys, close=lambda: None)

        monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
        monkeypatch.setattr(asyncssh, "connect_agent", connect_agent)

    return load
