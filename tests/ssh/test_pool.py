"""One connection a host: shared, made again when it ended, closed when idle."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import SshError
from gputui.ssh.client import Connection
from gputui.ssh.pool import ConnectionPool
from tests.ssh.conftest import ID, Person
from tests.ssh.servers import Server


async def test_users_at_the_same_time_share_one_login(person: Person, server: Server) -> None:
    pool = ConnectionPool()

    async def use() -> Connection:
        async with pool.lease(ID, lambda: person.connect(server.port)) as connection:
            return connection

    first, second = await asyncio.gather(use(), use())
    assert first is second
    assert len(person.opened) == 1
    await pool.aclose()
    assert first.closed


async def test_a_connection_that_ended_is_made_again(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    async with pool.lease(ID, lambda: person.connect(server.port)) as first:
        server.drop()
        await first.ssh.wait_closed()
    async with pool.lease(ID, lambda: person.connect(server.port)) as second:
        assert not second.closed
    await pool.aclose()


async def test_an_idle_connection_is_closed(person: Person, server: Server) -> None:
    pool = ConnectionPool(idle=0.01)
    async with pool.lease(ID, lambda: person.connect(server.port)) as connection:
        await asyncio.sleep(0)
        assert not connection.closed
    await asyncio.wait_for(connection.ssh.wait_closed(), 5)
    await pool.aclose()


async def test_a_failed_login_is_told_to_who_asked_and_leaves_nothing(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    with pytest.raises(SshError):
        async with pool.lease(ID, lambda: person.connect(server.port, password=None)):
            raise AssertionError("not reached")
    async with pool.lease(ID, lambda: person.connect(server.port)) as connection:
        assert not connection.closed
    await pool.aclose()


async def test_who_waits_makes_the_login_that_its_first_maker_gave_up(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    started = asyncio.Event()

    async def never() -> Connection:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    async def use(kind: str) -> Connection:
        connect = never if kind == "slow" else lambda: person.connect(server.port)
        async with pool.lease(ID, connect) as connection:
            return connection

    slow = asyncio.create_task(use("slow"))
    await started.wait()
    quick = asyncio.create_task(use("quick"))
    await asyncio.sleep(0)
    slow.cancel()
    assert not (await quick).closed
    await pool.aclose()
