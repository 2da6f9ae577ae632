"""One connection a host: shared, made again when it ended, closed when idle."""

from __future__ import annotations

import asyncio

import pytest

from gputui.errors import LoginError, SshError
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


async def test_a_connection_that_ended_is_opened_again(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    async with pool.lease(ID, lambda: person.connect(server.port)) as first:
        server.drop()
        await first.ssh.wait_closed()
    async with pool.lease(ID, lambda: person.connect(server.port)) as second:
        assert not second.closed
    await pool.aclose()


async def test_the_way_to_a_connection_that_ended_is_released_when_it_is_replaced(
    person: Person, server: Server
) -> None:
    pool = ConnectionPool()
    released = asyncio.Event()
    async with pool.lease(ID, lambda: person.connect(server.port)) as first:
        first._resources.callback(released.set)
    server.drop()
    await first.ssh.wait_closed()
    async with pool.lease(ID, lambda: person.connect(server.port)) as second:
        await asyncio.wait_for(released.wait(), 5)
        assert not second.closed
    await pool.aclose()


class Later:
    """The loop's clock, which can be put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time
        self._ahead = 0.0
        monkeypatch.setattr(loop, "time", lambda: now() + self._ahead)

    async def pass_by(self, seconds: float) -> None:
        self._ahead += seconds
        for _ in range(20):
            await asyncio.sleep(0)


def is_open(connection: Connection) -> bool:
    return not connection.closed


async def test_an_idle_connection_is_closed_and_a_leased_one_never(
    person: Person, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Later(monkeypatch)
    pool = ConnectionPool(idle=10)
    async with pool.lease(ID, lambda: person.connect(server.port)) as connection:
        await later.pass_by(1000)
        assert is_open(connection)
    await later.pass_by(9)
    async with pool.lease(ID, lambda: person.connect(server.port)) as again:
        async with pool.lease(ID, lambda: person.connect(server.port)):
            await later.pass_by(1000)
        await later.pass_by(1000)
        assert again is connection
        assert is_open(connection)
    await later.pass_by(9)
    assert is_open(connection)
    await later.pass_by(2)
    assert not is_open(connection)
    await pool.aclose()


async def test_each_key_has_a_connection_of_its_own(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    async with (
        pool.lease(f"{ID}#28f8", lambda: person.connect(server.port)) as first,
        pool.lease(f"{ID}#91ab", lambda: person.connect(server.port)) as second,
    ):
        assert first is not second
    await pool.aclose()


async def test_a_failed_login_is_raised_to_the_caller_and_leaves_nothing(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    with pytest.raises(SshError):
        async with pool.lease(ID, lambda: person.connect(server.port, password=None)):
            raise AssertionError("not reached")
    async with pool.lease(ID, lambda: person.connect(server.port)) as connection:
        assert not connection.closed
    await pool.aclose()


async def test_who_waits_for_a_login_that_fails_gets_its_error_or_tries_next(person: Person, server: Server) -> None:
    pool = ConnectionPool()
    tried = list[str]()

    async def fail(name: str) -> Connection:
        tried.append(name)
        await asyncio.sleep(0)
        raise LoginError("Not logged in.", hint="Log in.")

    async def use(name: str, *, shares: bool) -> Connection:
        async with pool.lease(ID, lambda: fail(name), shares_failure=shares) as connection:
            return connection

    uses = [use("first", shares=True), use("asks", shares=False), use("looks", shares=True)]
    errors = await asyncio.gather(*uses, return_exceptions=True)
    assert [type(error) for error in errors] == [LoginError] * 3
    assert {str(error) for error in errors} == {"Not logged in. Log in."}
    assert tried == ["first", "asks"]
    async with pool.lease(ID, lambda: person.connect(server.port), shares_failure=True) as connection:
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


async def test_a_retired_pool_closes_idle_connections_and_the_others_after_their_last_use(
    person: Person, server: Server
) -> None:
    pool = ConnectionPool()
    async with pool.lease("idle", lambda: person.connect(server.port)) as idle:
        pass
    async with pool.lease(ID, lambda: person.connect(server.port)) as used:
        await pool.retire()
        assert idle.closed
        assert is_open(used)
    await used.wait_closed()
