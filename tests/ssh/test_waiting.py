"""Logins to servers that are not up yet, and whose address or password has changed meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import SshError
from gputui.models import Secret, SSHLogin, SSHTarget
from tests.ssh.conftest import Clock, Meanwhile, Person, failure, free_port
from tests.ssh.servers import PASSWORD, Server


async def test_a_refused_port_is_tried_again_until_its_sshd_is_up(person: Person) -> None:
    clock = Meanwhile(3)
    clock.server = Server(port=free_port())
    await person.connect(clock.server.port, deadline=120, clock=clock)
    await clock.server.stop()
    assert clock.sleeps == [0.5, 0.75, 1.125]
    assert len(person.reports) == 3
    assert "refuses connections" in person.reports[0]


async def test_the_target_is_requested_again_as_ports_and_passwords_change(person: Person, server: Server) -> None:
    asked = 0

    async def refetch() -> SSHTarget:
        nonlocal asked
        asked += 1
        return SSHTarget("127.0.0.1", server.port, "root", Secret(PASSWORD))

    await person.connect(free_port(), password="before the restart", refetch=refetch, deadline=120)
    assert asked == 1
    assert server.passwords == [PASSWORD]


@pytest.mark.parametrize("asks_by_itself", [False, True])
async def test_a_password_that_was_renewed_since_the_snapshot_is_requested_before_the_user_is_asked(
    person: Person, asks_by_itself: bool
) -> None:
    async with Server(keyboard_interactive=asks_by_itself) as server:

        async def refetch() -> SSHTarget:
            return SSHTarget("127.0.0.1", server.port, "root", Secret(PASSWORD))

        await person.connect(server.port, password="of the last cycle", refetch=refetch)
        assert server.passwords == ["of the last cycle", PASSWORD]
        assert not person.asked_secrets


async def test_a_refused_password_leads_to_the_address_of_now(person: Person, server: Server) -> None:
    async with Server(password="of another instance", host_keys=server.host_keys) as old:

        async def refetch() -> SSHTarget:
            return SSHTarget("127.0.0.1", server.port, "root", Secret(PASSWORD))

        connection = await person.connect(old.port, refetch=refetch)
        assert (old.passwords, server.passwords) == ([PASSWORD], [PASSWORD])
        assert connection.endpoint.port == server.port
        assert not person.asked_secrets


async def test_a_password_is_requested_again_once_and_never_tried_twice(person: Person, server: Server) -> None:
    requests: list[str] = []

    async def refetch() -> SSHTarget:
        requests.append("again")
        return SSHTarget("127.0.0.1", server.port, "root", Secret("old"))

    person.secrets = ["typed", PASSWORD]
    await person.connect(server.port, password="old", refetch=refetch)
    assert server.passwords == ["old", "typed", PASSWORD]
    assert requests == ["again"]


async def test_an_instance_that_ended_before_its_login_is_not_asked_for_a_password(
    person: Person, server: Server
) -> None:
    async def refetch() -> SSHTarget:
        raise SshError("it does not run (it is shutdown).", hint="Start it first.")

    error = await failure(person, server.port, password="old", refetch=refetch)
    assert (error.message, error.hint) == ("it does not run (it is shutdown).", "Start it first.")
    assert (server.passwords, person.asked_secrets) == (["old"], [])


async def test_a_configured_password_is_not_requested_from_the_back_end(person: Person, server: Server) -> None:
    async def refetch() -> SSHTarget:
        raise AssertionError

    person.secrets = [PASSWORD]
    login = SSHLogin(agent=False, password=Secret("configured"))
    await person.connect(server.port, password="of the target", login=login, refetch=refetch)
    assert server.passwords == ["configured", PASSWORD]


async def test_a_port_that_accepts_and_closes_is_one_whose_sshd_is_not_up(person: Person) -> None:
    async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    clock = Meanwhile(2)
    clock.closing = await asyncio.start_server(close_at_once, "127.0.0.1", 0)
    port = clock.closing.sockets[0].getsockname()[1]
    clock.server = Server(port=port)
    await person.connect(port, deadline=120, clock=clock)
    await clock.server.stop()
    assert "closes connections" in person.reports[0]


async def test_waiting_ends_at_the_deadline(person: Person) -> None:
    clock = Clock()
    error = await failure(person, free_port(), deadline=30, clock=clock)
    assert "refuses connections" in error.message
    assert 28 <= clock.now <= 30
    assert max(clock.sleeps) == 2.0


async def test_waiting_can_be_cancelled(person: Person) -> None:
    class Endless(Clock):
        async def slept(self) -> None:
            waiting.set()
            await asyncio.Event().wait()

    waiting = asyncio.Event()
    task = asyncio.create_task(person.connect(free_port(), deadline=120, clock=Endless()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
