"""Host keys: asked once, a changed one refused, each address and port its own."""

from __future__ import annotations

import asyncssh
import pytest

from gputui.errors import HostKeyError
from gputui.models import SSHLogin
from gputui.ssh.endpoint import Endpoint
from gputui.ssh.known_hosts import HostKey
from tests.ssh.conftest import ID, Person, failure
from tests.ssh.servers import Server
from tests.ssh.test_known_hosts import new_key


async def test_an_unknown_key_is_asked_once_then_known(person: Person, server: Server) -> None:
    await person.connect(server.port)
    (question,) = person.asked
    assert (question.host_id, question.key.fingerprint) == (ID, server.fingerprint)
    await person.connect(server.port)
    assert len(person.asked) == 1


async def test_a_key_the_user_does_not_accept_sends_no_credential(person: Person, server: Server) -> None:
    person.accepts = False
    error = await failure(person, server.port)
    assert "not accepted" in error.message
    assert server.passwords == []
    assert person.hosts.keys(ID) == ()


async def test_a_changed_key_is_refused_with_both_fingerprints_and_the_way_out(person: Person) -> None:
    async with Server() as first:
        await person.connect(first.port)
    async with Server(port=first.port) as second:
        error = await failure(person, second.port)
        assert isinstance(error, HostKeyError)
        assert first.fingerprint in error.message
        assert second.fingerprint in error.message
        assert f"gputui ssh --forget-host-key {ID}" in error.hint
        assert second.passwords == []
        person.hosts.forget(ID)
        await person.connect(second.port)
        assert [question.key.fingerprint for question in person.asked] == [first.fingerprint, second.fingerprint]


async def test_a_new_key_is_not_accepted_next_to_one_that_another_login_has_stored_meanwhile(
    person: Person, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, fetch = new_key()[0], Endpoint.fetch_key

    async def fetch_key(endpoint: Endpoint) -> HostKey:
        person.hosts.remember(ID, "127.0.0.1", server.port, other)
        return await fetch(endpoint)

    monkeypatch.setattr(Endpoint, "fetch_key", fetch_key)
    error = await failure(person, server.port, login=SSHLogin(agent=False, accept_new=True))
    assert "has changed" in error.message
    assert person.hosts.keys(ID) == (other,)
    assert server.passwords == []


async def test_a_changed_algorithm_is_a_changed_key(person: Person) -> None:
    async with Server() as first:
        await person.connect(first.port)
    async with Server(host_keys=[asyncssh.generate_private_key("ecdsa-sha2-nistp256")], port=first.port) as second:
        assert isinstance(await failure(person, second.port), HostKeyError)


async def test_a_recycled_address_is_another_instance_and_asks_again(person: Person, server: Server) -> None:
    await person.connect(server.port)
    await person.connect(server.port, host_id="lab/pod/new")
    assert person.asked[1].address_was == (ID,)
    assert person.asked[1].same_key_at == (ID,)


async def test_an_instance_on_another_port_with_its_old_key_is_known(person: Person) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with Server(host_keys=[key]) as before:
        await person.connect(before.port)
    async with Server(host_keys=[key]) as after:
        await person.connect(after.port)
    assert len(person.asked) == 1


async def test_a_server_with_several_keys_does_not_look_changed(person: Person) -> None:
    ecdsa, ed25519 = (asyncssh.generate_private_key(name) for name in ("ecdsa-sha2-nistp256", "ssh-ed25519"))
    async with Server(host_keys=[ecdsa]) as server:
        await person.connect(server.port)
    async with Server(host_keys=[ed25519, ecdsa]) as grown:
        await person.connect(grown.port)
    assert [question.key.algorithm for question in person.asked] == ["ecdsa-sha2-nistp256"]
