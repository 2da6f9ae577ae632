"""One agent for each state directory: how it starts, whom it serves, when it begins again and when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.agent import link as link_module
from gputui.agent import place as place_module
from gputui.agent import server as server_module
from gputui.agent.client import Client, RefusedError, connect, greet
from gputui.agent.link import Link
from gputui.agent.place import Place
from gputui.agent.protocol import Hello, hello_of
from gputui.agent.start import AgentPlan, attach
from gputui.errors import AgentError, ExitCode, NoStockError
from gputui.models import Instance, Resource
from tests.agent.conftest import Running, running, until
from tests.cli.conftest import account_toml, write_config


async def test_it_ends_when_nothing_is_left_to_do_and_not_before(agent: Running) -> None:
    session = await agent.attach()
    await agent.pass_time(100)
    assert not agent.process.over.is_set()

    agent.services[0].busy = True
    await session.aclose()
    await agent.pass_time(100)
    assert not agent.process.over.is_set()

    agent.services[0].busy = False
    await agent.pass_time(25)
    assert not agent.process.over.is_set()
    await agent.pass_until(lambda: not agent.process.place.is_locked())
    assert agent.services[0].ended
    assert not agent.process.place.socket.exists()


async def test_the_second_of_two_that_start_leaves_the_work_to_the_first(agent: Running) -> None:
    assert await agent.make().run() is ExitCode.OK
    assert not agent.process.over.is_set()


async def test_a_socket_that_a_dead_agent_left_is_replaced(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.prepare()
    place.listen().close()
    assert place.socket.exists()
    assert place.connect() is None

    async with running(tmp_path) as agent:
        client = await agent.attach()
        assert (await client.call("status"))["pid"] == os.getpid()
        await client.aclose()


async def test_what_is_no_socket_in_its_place_is_left_and_named(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.prepare()
    place.socket.write_text("mine")
    with pytest.raises(AgentError, match=r"state/agent/socket is not a socket\. Remove it\."):
        place.listen()
    assert place.socket.read_text() == "mine"


async def test_another_users_directory_is_refused_by_name(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    with pytest.raises(AgentError, match=r"state/agent belongs to root|user \d+, not to you\..*GPUTUI_STATE_DIR"):
        agent.process.place.connect()


async def test_a_socket_that_another_user_serves_is_refused(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "peer_user", lambda _: 4_000_000)
    with pytest.raises(AgentError, match=r"is served by user 4000000, not by you"):
        agent.process.place.connect()


async def test_another_users_process_gets_no_answer(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "peer_user", lambda _: 4_000_000)
    connection = agent.process.place.connect()
    assert connection is not None
    assert await greet(connection, hello_of(agent.config)) is None


async def test_only_the_user_can_open_its_files(agent: Running) -> None:
    folder = agent.process.place.folder
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == dict.fromkeys(
        ("lock", "info", "log", "socket"), "0o600"
    )
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_state_directory_with_a_long_path_works(tmp_path: Path) -> None:
    (deep := tmp_path / ("deep" * 30)).mkdir()
    async with running(deep) as agent:
        assert len(str(agent.process.place.socket)) > 108
        client = await agent.attach()
        assert (await client.call("status"))["ready"] is True
        await client.aclose()


async def test_where_a_long_path_cannot_work_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "_DESCRIPTORS", tmp_path / "none")
    place = Place(tmp_path / ("deep" * 30))
    place.prepare()
    with pytest.raises(AgentError, match=r"longer than a socket's may be .* Set GPUTUI_STATE_DIR"):
        place.listen()


async def test_a_session_with_another_configuration_is_refused_and_an_idle_agent_makes_room(agent: Running) -> None:
    other = write_config(agent.state, account_toml("other"))
    session = await agent.attach()
    with pytest.raises(RefusedError, match=r"serves .*config\.toml, not .*stop") as refused:
        await connect(agent.process.place, hello_of(other))
    assert not refused.value.retiring

    await session.aclose()
    await until(lambda: not agent.process.server.attached)
    with pytest.raises(RefusedError) as refused:
        await connect(agent.process.place, hello_of(other))
    assert refused.value.retiring
    await until(lambda: not agent.process.place.is_locked())


async def test_an_agent_of_another_release_says_so(agent: Running) -> None:
    agent.services[0].busy = True
    with pytest.raises(RefusedError, match=r"is of gputui .*, not of 99\.1\. Stop it with gputui agent stop"):
        await connect(agent.process.place, Hello(str(agent.config), build="99.1"))
    # Its status can be asked for, and its end, whatever the release of the command.
    client = await connect(agent.process.place, Hello("", build="99.1", control=True))
    assert client is not None
    assert (await client.call("stop"))["busy"] == ["fake"]
    await client.ended.wait()


async def test_a_session_reports_an_agent_of_another_commit_once_and_works_without_it(
    agent: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.services[0].busy = True
    theirs = replace(hello_of(agent.config, attached=True), build="0.1.0 (commit 99)")
    monkeypatch.setattr(link_module, "hello_of", lambda *_, **__: theirs)
    link = Link(agent.state, AgentPlan(agent.config, (), starts=False))
    said: list[str] = []
    for _ in range(2):
        assert await link.open() is None
        link.report_other_build(lambda error: said.append(str(error)))
    assert len(said) == 1
    assert "not of 0.1.0 (commit 99). Stop it with gputui agent stop" in said[0]


async def test_a_changed_configuration_applies_without_a_new_start(agent: Running) -> None:
    session = await agent.attach()
    write_config(agent.config.parent, account_toml("lab", "second"))
    await agent.pass_until(lambda: len(agent.services) == 2)
    assert agent.services[0].ended
    assert (await session.call("fake.echo"))["accounts"] == ["lab", "second"]

    write_config(agent.config.parent, account_toml("second"))
    await agent.pass_until(lambda: len(agent.services) == 3)
    assert (await session.call("fake.echo"))["accounts"] == ["second"]
    await session.aclose()


async def test_a_changed_configuration_applies_also_where_a_custom_command_is_wrong(agent: Running) -> None:
    write_config(agent.config.parent, account_toml("second") + '\n[[commands]]\nname = "push"\nrun = "{nme}"\n')
    await agent.pass_until(lambda: len(agent.services) == 2)
    assert list(agent.process.agent.fleet.accounts) == ["second"]
    assert agent.process.agent.problem is None


async def test_a_configuration_that_is_wrong_now_does_not_apply_and_is_reported(agent: Running) -> None:
    session = await agent.attach()
    agent.config.write_text("[accounts.lab\n")
    await agent.pass_until(lambda: agent.process.agent.problem)
    await agent.pass_time(12)
    assert len(agent.services) == 1
    assert "cannot be used" in (await session.call("status"))["problem"]
    assert (await session.call("fake.echo"))["accounts"] == ["lab"]
    assert agent.process.place.log.read_text().count("the changed configuration is not used") == 1
    await session.aclose()


async def test_it_ends_when_its_socket_is_removed(agent: Running) -> None:
    session = await agent.attach()
    agent.process.place.socket.unlink()
    await agent.pass_until(lambda: session.closed)
    assert "its socket is gone" in agent.process.place.log.read_text()


async def test_an_agent_whose_directory_was_replaced_leaves_the_socket_of_the_next_one(agent: Running) -> None:
    place = agent.process.place
    place.folder.rename(agent.state / "removed")
    place.prepare()
    with place.listen() as another:
        identity = place.identity()
        await agent.pass_time(6)
        assert agent.process.over.is_set()
        await until(lambda: agent.services[0].ended)
        await until(lambda: not agent.process.server.sessions)
        assert place.identity() == identity
        assert another.fileno() > 0


async def test_an_agent_that_does_not_know_yet_what_is_left_to_do_makes_no_room(agent: Running) -> None:
    other = write_config(agent.state, account_toml("other"))
    agent.process.agent.serving.clear()
    with pytest.raises(RefusedError) as refused:
        await connect(agent.process.place, hello_of(other))
    assert not refused.value.retiring
    await agent.pass_time(40)
    assert not agent.process.over.is_set()


async def test_an_agent_that_is_ending_takes_no_session(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    # It waits for another event, so that it has not ended before the session asks.
    monkeypatch.setattr(agent.process, "over", asyncio.Event())
    agent.process.over.set()
    with pytest.raises(RefusedError, match="is ending") as refused:
        await connect(agent.process.place, hello_of(agent.config))
    assert refused.value.retiring
    monkeypatch.undo()


async def test_a_configuration_that_was_removed_is_reported(agent: Running) -> None:
    session = await agent.attach()
    agent.config.unlink()
    await agent.pass_time(6)
    assert str(agent.config) in (await session.call("status"))["problem"]
    await session.aclose()


async def test_an_idle_agent_makes_room_for_one_of_another_configuration(agent: Running) -> None:
    other = agent.make(write_config(agent.state, account_toml("other")))
    task = asyncio.create_task(other.run())
    await until(lambda: len(agent.services) == 2)
    assert agent.process.over.is_set()
    assert list(other.agent.fleet.accounts) == ["other"]
    other.stop("the test is over")
    assert await task is ExitCode.OK


async def test_an_error_reaches_the_session_as_what_it_is(agent: Running) -> None:
    session = await agent.attach()
    agent.services[0].fails = NoStockError("No host is free.", hint="Try again later.")
    with pytest.raises(NoStockError, match=r"No host is free\. Try again later\."):
        await session.call("fake.echo")
    agent.services[0].fails = KeyError("oops")
    with pytest.raises(AgentError.__base__, match="failed inside gputui"):  # type: ignore[arg-type]
        await session.call("fake.echo")
    agent.services[0].fails = None
    assert (await session.call("fake.echo", {"a": 1}))["a"] == 1
    await session.aclose()


async def test_published_data_reach_those_who_subscribed(agent: Running) -> None:
    first, second = await agent.attach(), await agent.attach()
    got: list[object] = []
    await first.subscribe("rules", got.append)
    agent.process.server.publish("rules", [{"id": "g7k2"}])
    await until(lambda: got)
    assert got == [[{"id": "g7k2"}]]
    await first.aclose()
    await second.aclose()


async def test_a_listener_that_subscribes_twice_hears_everything_once(agent: Running) -> None:
    session = await agent.attach()
    got: list[object] = []
    listener = got.append
    await session.subscribe("rules", listener)
    await session.subscribe("rules", listener)
    agent.process.server.publish("rules", 1)
    await session.call("ping")
    assert got == [1]
    await session.aclose()


async def test_a_link_that_is_interrupted_has_all_subscriptions_the_next_time(
    agent: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[object] = []
    link = Link(agent.state, AgentPlan(agent.config, (), starts=False))
    await link.subscribe("rules", got.append)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as hung:
        hung.setattr(Client, "subscribe", never)
        opening = asyncio.create_task(link.open())
        await until(lambda: link.client is not None)
        opening.cancel()
        await asyncio.wait({opening})
    assert await link.open() is not None
    agent.process.server.publish("rules", 1)
    await until(lambda: got)
    await link.aclose()


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\n", b'{"hello":1,"bytes":-5}\n', b"[" * 300_000]
)
async def test_who_does_not_speak_the_protocol_is_disconnected(agent: Running, noise: bytes) -> None:
    connection = agent.process.place.connect()
    assert connection is not None
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(connection, noise)
        connection.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(connection, 65536):
            pass
    except ConnectionError:
        pass
    finally:
        connection.close()
    client = await agent.attach()
    assert (await client.call("status"))["ready"] is True
    await client.aclose()


async def test_requests_fail_when_the_agent_ends_before_it_answers(agent: Running) -> None:
    session = await agent.attach()
    waiting = asyncio.create_task(session.call("fake.echo", {"wait": True}))
    await until(lambda: any(one.tasks for one in agent.process.server.sessions))
    agent.process.stop("test")
    with pytest.raises(AgentError, match="ended before it answered"):
        await waiting


async def test_an_agent_on_another_machine_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.prepare()
    (place.folder / "info").write_text(json.dumps({"pid": 7, "host": "elsewhere", "config": 5}))
    assert str(place.not_answering()).startswith(f"The agent of {tmp_path / 'state'} runs on elsewhere, process 7.")
    (place.folder / "info").write_text("{")
    assert "process unknown, does not answer" in str(place.not_answering())


async def test_nothing_is_polled_for_the_screen_of_a_suspended_session(agent: Running) -> None:
    session = await agent.attach()
    fleet = agent.process.agent.fleet
    session.note("poll", {"now": ["stock"], "slowly": []})
    await until(lambda: Resource.STOCK in fleet.polled_lists.now)
    await agent.pass_time(100)
    await session.call("ping")
    await agent.pass_time(100)
    assert Resource.STOCK in fleet.polled_lists.now
    await agent.pass_time(30)
    assert Resource.STOCK not in fleet.polled_lists.now
    await session.call("ping")
    await agent.pass_time(6)
    assert Resource.STOCK in fleet.polled_lists.now
    await session.aclose()


async def test_hosts_over_ssh_are_looked_at_only_for_a_rule(agent: Running) -> None:
    lab = agent.backends["lab"]

    async def named() -> list[Instance]:
        return []

    looks = lab.calls[Resource.INSTANCES]
    lab.named_instances = named
    session = await agent.attach()
    session.note("poll", {"now": ["instances"], "slowly": []})
    await agent.pass_time(70)
    await session.call("ping")
    assert lab.calls[Resource.INSTANCES] == looks

    agent.services[0].busy = True
    await agent.pass_until(lambda: lab.calls[Resource.INSTANCES] > looks)
    await session.aclose()


async def test_a_session_on_another_machine_does_not_wait_for_the_agent(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    place.prepare()
    lock = place.lock()
    assert lock is not None
    (place.folder / "info").write_text(json.dumps({"pid": 7, "host": "elsewhere"}))
    try:
        assert await attach(place, Hello("/c.toml"), None) is None
        with pytest.raises(AgentError, match="runs on elsewhere"):
            await attach(place, Hello("/c.toml"), ["/nothing/starts/this"])
    finally:
        os.close(lock)
