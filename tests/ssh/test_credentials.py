"""The order of credentials, an agent with many keys, key files that others can read, and the words of refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncssh
import pytest

from gputui.app.login import user_problem
from gputui.errors import SshError
from gputui.models import SSHLogin, parse_host
from gputui.ssh import credentials
from tests.ssh.conftest import LoadAgent, Person, failure
from tests.ssh.servers import PASSWORD, Server

pytestmark = pytest.mark.filterwarnings("ignore:.*bcrypt.kdf.. called with only 1 round")
FEW_ROUNDS = {"openssh": {"rounds": 1}, "pkcs8-pem": {}}
"""A passphrase is hashed in many rounds, which cost an attacker time, and a test."""


def made() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


async def test_eight_agent_keys_do_not_lock_out_a_known_password(person: Person, load_agent: LoadAgent) -> None:
    async with Server(most_attempts=6) as server:
        load_agent(server, [made() for _ in range(8)])
        await person.connect(server.port, login=SSHLogin())
        assert server.offers == ["password"]


async def test_the_configured_key_then_the_known_password_then_three_agent_keys_then_a_question(
    person: Person, load_agent: LoadAgent, tmp_path: Path
) -> None:
    key = made()
    key.write_private_key(tmp_path / "id")
    async with Server(most_attempts=6) as server:
        server.names[key.public_data] = "configured"
        load_agent(server, [made() for _ in range(8)])
        person.secrets = [PASSWORD]
        await person.connect(server.port, password="stale", login=SSHLogin(key=str(tmp_path / "id")))
        assert server.offers == ["configured", "password", "agent 1", "agent 2", "agent 3", "password"]
        assert server.passwords == ["stale", PASSWORD]


async def test_a_server_without_passwords_gets_the_agents_keys(person: Person, load_agent: LoadAgent) -> None:
    keys = [made() for _ in range(8)]
    async with Server(password=None, client_keys=[keys[2]], most_attempts=6) as server:
        load_agent(server, keys)
        await person.connect(server.port, password=PASSWORD, login=SSHLogin())
        assert server.offers == ["agent 1", "agent 2", "agent 3"]


async def test_an_agent_that_does_not_answer_is_passed_over_and_named(
    person: Person, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(credentials, "_AGENT_SECONDS", 0.05)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    async with await asyncio.start_unix_server(silent, tmp_path / "agent"):
        error = await asyncio.wait_for(failure(person, server.port, password=None, login=SSHLogin()), 10)
    assert "Not tried: the agent (it does not answer)" in error.message


async def test_the_configured_key_is_not_offered_again_by_the_agent(
    person: Person, load_agent: LoadAgent, tmp_path: Path
) -> None:
    key, other = made(), made()
    key.write_private_key(tmp_path / "id")
    async with Server(password=None) as server:
        server.names[key.public_data] = "configured"
        load_agent(server, [other, key])
        with pytest.raises(SshError):
            await person.connect(server.port, password=None, login=SSHLogin(key=str(tmp_path / "id")))
        assert server.offers == ["configured", "agent 1"]


@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
async def test_of_a_locked_key_the_agents_copy_is_taken_first_without_a_question(
    person: Person, load_agent: LoadAgent, tmp_path: Path, form: str
) -> None:
    key = made()
    key.write_private_key(tmp_path / "id", form, passphrase="opensesame", **FEW_ROUNDS[form])
    if form != "openssh":
        key.write_public_key(tmp_path / "id.pub")
    others = [made() for _ in range(7)]
    async with Server(password=None, client_keys=[key], most_attempts=6) as server:
        server.names[key.public_data] = "configured"
        load_agent(server, [*others, key])
        await person.connect(server.port, password=None, login=SSHLogin(key=str(tmp_path / "id")))
        assert server.offers == ["configured"]
        assert person.asked_secrets == []


async def test_of_many_agent_keys_the_users_own_default_ones_come_first(
    person: Person, load_agent: LoadAgent, home: Path
) -> None:
    own = made()
    (home / ".ssh").mkdir()
    own.write_private_key(home / ".ssh" / "id_ed25519", passphrase="opensesame", rounds=1)
    async with Server(password=None, client_keys=[own], most_attempts=6) as server:
        server.names[own.public_data] = "own"
        load_agent(server, [*(made() for _ in range(7)), own])
        await person.connect(server.port, password=None, login=SSHLogin())
        assert server.offers == ["own"]


async def test_keys_that_were_not_tried_are_counted(person: Person, load_agent: LoadAgent) -> None:
    async with Server(password=None, most_attempts=6) as server:
        load_agent(server, [made() for _ in range(8)])
        with pytest.raises(SshError) as caught:
            await person.connect(server.port, password=None, login=SSHLogin())
        assert "tried: agent key (3 times)." in caught.value.message
        assert "Not tried: 5 more agent keys (ssh.key chooses one)." in caught.value.message


async def test_too_many_refusals_are_no_protocol_error(person: Person, load_agent: LoadAgent) -> None:
    async with Server(most_attempts=2) as server:
        load_agent(server, [made() for _ in range(8)])
        with pytest.raises(SshError) as caught:
            await person.connect(server.port, password="stale", login=SSHLogin())
    assert "did not let root in: too many credentials were refused" in caught.value.message
    assert "tried: the configured password, agent key" in caught.value.message
    assert "ssh.agent = false" in caught.value.hint
    assert "speak SSH" not in str(caught.value)


@pytest.mark.parametrize("words", ["Exceeded MaxStartups", "Not allowed at this time"])
async def test_a_server_that_takes_no_logins_now_is_one_all_the_same(person: Person, words: str) -> None:
    import asyncio

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{words}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listener:
        with pytest.raises(SshError, match="accepts no logins at present") as caught:
            await person.connect(listener.sockets[0].getsockname()[1])
    assert words in caught.value.message


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
async def test_a_key_that_others_can_read_is_refused_with_the_way_out(
    person: Person, server: Server, tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "id"
    made().write_private_key(path)
    path.chmod(mode)
    with pytest.raises(SshError) as caught:
        await person.connect(server.port, login=SSHLogin(key=str(path), agent=False))
    assert "others on this machine can read it" in caught.value.message
    assert caught.value.hint == f"Run chmod 600 {path}."
    assert server.offers == []


async def test_a_default_key_that_others_can_read_is_passed_over_and_named(person: Person, home: Path) -> None:
    key = made()
    (home / ".ssh").mkdir()
    path = home / ".ssh" / "id_ed25519"
    key.write_private_key(path)
    path.chmod(0o644)
    async with Server(password=None, client_keys=[key]) as server:
        with pytest.raises(SshError) as caught:
            await person.connect(server.port, password=None)
        assert server.offers == []
        assert f"Not tried: key {path} (others can read it: chmod 600)." in caught.value.message


def test_a_user_name_may_have_an_at_sign() -> None:
    assert parse_host("alice@corp.example@gw:2222") == ("alice@corp.example", "gw", 2222)
    assert user_problem("alice@corp.example") == ""
    assert user_problem("CORP\\alice") == ""
    assert user_problem("two words")
    assert user_problem("")
