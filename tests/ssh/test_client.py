"""Logins: credentials, jump hosts, commands, and the words for each failure."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gputui.errors import HostKeyError, SshError
from gputui.models import Secret, SSHLogin, SSHTarget
from gputui.ssh.known_hosts import KnownHosts
from tests.ssh.commands import run
from tests.ssh.conftest import ID, Meanwhile, Person, failure, free_port
from tests.ssh.servers import PASSWORD, Server

# Credentials


async def test_a_wrong_password_says_what_was_tried_and_never_shows_it(
    person: Person, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncssh.set_debug_level(2)
    error = await failure(person, server.port, password="hunter2-secret")
    assert "did not let root in" in error.message
    assert "configured password" in error.message
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error) + caplog.text + repr(person.opened)
    assert "hunter2" not in shown
    assert server.passwords == ["hunter2-secret"]


async def test_a_wrong_password_may_be_typed_again(person: Person, server: Server) -> None:
    person.secrets = ["wrong", PASSWORD]
    await person.connect(server.port, password=None)
    assert ["not accepted" in prompt for prompt in person.asked_secrets] == [False, True]
    assert server.passwords == ["wrong", PASSWORD]


async def test_a_server_that_asks_by_itself_gets_the_same_password_and_then_the_typed_one(person: Person) -> None:
    async with Server(keyboard_interactive=True) as server:
        person.secrets = [PASSWORD]
        await person.connect(server.port, password="old")
        assert server.passwords == ["old", PASSWORD]
        assert person.asked_secrets[0] == "Password:"


@pytest.mark.parametrize(
    "prompts",
    [
        [("Login name: ", True)],
        [("Password: ", False), ("Code: ", False)],
        [("Verification code: ", False)],
        [("One-time password (OATH): ", False)],
        [("Response: ", False)],
    ],
)
async def test_a_server_that_asks_for_more_than_a_password_does_not_get_the_configured_one(
    person: Person, prompts: list[tuple[str, bool]]
) -> None:
    answers = ["typed", "123456"][: len(prompts)]
    async with Server(keyboard_interactive=True, password=" ".join(answers), prompts=prompts) as server:
        person.secrets = list(answers)
        await person.connect(server.port, password="hunter2")
        assert server.passwords == [" ".join(answers)]
        (challenge,) = person.challenges
        assert [(prompt.text, prompt.visible) for prompt in challenge.prompts] == [
            (text.strip(), visible) for text, visible in prompts
        ]
        assert challenge.title == "Login of root on lab/pod/main"


async def test_a_code_that_was_not_accepted_is_asked_for_again_with_the_instructions_of_the_server(
    person: Person,
) -> None:
    prompts = [("Code: ", False)]
    async with Server(keyboard_interactive=True, password="42", prompts=prompts, instructions="Duo\x1b[2J") as server:
        person.secrets = ["41", "42"]
        await person.connect(server.port, password="hunter2")
        assert [challenge.note for challenge in person.challenges] == ["", "The last one was not accepted."]
        assert person.challenges[0].text.startswith("Duo")
        assert "\x1b" not in person.challenges[0].text


async def test_without_a_user_a_server_that_asks_for_more_gets_nothing(person: Person) -> None:
    async with Server(keyboard_interactive=True, prompts=[("Password: ", False), ("Code: ", False)]) as server:
        async with asyncio.timeout(10):
            error = await failure(person, server.port, password="hunter2")
        assert server.passwords == []
        assert "hunter2" not in str(error)


async def test_giving_up_at_the_prompt_ends_the_login(person: Person, server: Server) -> None:
    error = await failure(person, server.port, password=None)
    assert "nothing to log in with" in error.message


async def test_the_accounts_password_wins_over_the_targets(person: Person, server: Server) -> None:
    login = SSHLogin(agent=False, password=Secret(PASSWORD))
    await person.connect(server.port, password="old", login=login)
    assert server.passwords == [PASSWORD]


async def test_a_key_logs_in(person: Person, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    async with Server(password=None, client_keys=[key]) as server:
        connection = await person.connect(
            server.port, password=None, login=SSHLogin(key=str(tmp_path / "id"), user="alice")
        )
        assert connection.endpoint.user == "alice"


async def test_the_users_default_key_logs_in_where_none_is_configured(person: Person, home: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (home / ".ssh").mkdir()
    key.write_private_key(home / ".ssh" / "id_ed25519")
    async with Server(password=None, client_keys=[key]) as server:
        await person.connect(server.port, password=None)


async def test_a_keys_passphrase_is_asked(person: Person, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id", "pkcs8-pem", passphrase="opensesame")
    login = SSHLogin(key=str(tmp_path / "id"), agent=False)
    async with Server(password=None, client_keys=[key]) as server:
        person.secrets = ["wrong", "opensesame"]
        await person.connect(server.port, login=login)
        assert person.asked_secrets
        assert all("Passphrase of" in prompt for prompt in person.asked_secrets)
        error = await failure(person, server.port, login=login)
        assert "passphrase" in error.message


@pytest.mark.parametrize("content", [None, "not a key"])
async def test_a_key_that_cannot_be_used_is_named(
    person: Person, server: Server, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "id").write_text(content)
    error = await failure(person, server.port, login=SSHLogin(key=str(tmp_path / "id"), agent=False))
    assert str(tmp_path / "id") in error.message


async def test_a_refused_key_is_named(person: Person, tmp_path: Path) -> None:
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "id")
    async with Server(password=None) as server:
        error = await failure(
            person, server.port, password=None, login=SSHLogin(key=str(tmp_path / "id"), agent=False)
        )
    assert f"tried: key {tmp_path / 'id'}" in error.message


async def test_an_agent_that_is_gone_is_passed_over(
    person: Person, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    await person.connect(server.port, login=SSHLogin(agent=True))


# Other ends


async def test_a_web_server_is_distinguished_from_an_ssh_server(person: Person) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad \x1b[31mRequest\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as listener:
        error = await failure(person, listener.sockets[0].getsockname()[1])
    assert "not an SSH server" in error.message
    assert "HTTP/1.1 400" in error.message
    assert "\x1b" not in error.message


async def test_a_name_that_does_not_resolve_is_said_so(person: Person) -> None:
    with pytest.raises(SshError, match="does not resolve"):
        from gputui.ssh.client import connect

        await connect(
            SSHTarget("no-such-host.invalid", 22, "root"),
            SSHLogin(agent=False),
            host_id=ID,
            hosts=person.hosts,
            ask=person.ask,
        )


async def test_a_jump_host_has_its_own_key_and_never_gets_the_instances_password(
    person: Person, server: Server, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    async with Server(client_keys=[key]) as jump:
        login = SSHLogin(key=str(tmp_path / "id"), agent=False, jump=f"me@127.0.0.1:{jump.port}")
        connection = await person.connect(server.port, login=login)
        assert [question.host_id for question in person.asked] == [f"jump/127.0.0.1:{jump.port}", ID]
        assert jump.passwords == []
        assert (await run(connection, "exit 0")).exit_code == 0
        jump.drop()
        await asyncio.wait_for(connection.ssh.wait_closed(), 5)
        assert connection.closed


async def test_a_refusal_behind_the_jump_host_is_waited_out(person: Person, tmp_path: Path) -> None:
    async with Server() as jump:
        person.secrets = [PASSWORD]
        clock = Meanwhile(2)
        clock.server = Server(port=free_port())
        login = SSHLogin(agent=False, jump=f"127.0.0.1:{jump.port}")
        await person.connect(clock.server.port, login=login, deadline=60, clock=clock)
        await clock.server.stop()
    assert len(clock.sleeps) == 2


# Commands


async def test_a_command_gives_its_output_and_exit_status(person: Person, server: Server) -> None:
    connection = await person.connect(server.port)
    assert (await run(connection, "exit 7")).exit_code == 7
    result = await run(connection, "hello")
    assert result.exit_code == 0
    assert result.output == "hello\x1b[31merror\r\n"


async def test_a_command_that_takes_too_long_is_ended(person: Person, server: Server) -> None:
    connection = await person.connect(server.port)
    result = await run(connection, "sleep", timeout=0.05)
    assert result.timed_out
    assert result.exit_code is None


async def test_a_connection_lost_under_a_command_is_an_error(person: Person, server: Server) -> None:
    connection = await person.connect(server.port)
    task = asyncio.create_task(run(connection, "sleep"))
    await server.started.wait()
    server.drop()
    with pytest.raises(SshError, match="lost"):
        await task


async def test_new_keys_can_be_accepted_and_changed_ones_never(person: Person) -> None:
    login = SSHLogin(agent=False, accept_new=True)
    async with Server() as server:
        await person.connect(server.port, login=login)
    assert not person.asked
    assert f"is remembered for this instance: {server.fingerprint}" in person.reports[-1]
    async with Server() as other:
        with pytest.raises(HostKeyError, match="has changed"):
            await person.connect(other.port, login=login)


async def test_known_hosts_are_read_and_written_off_the_loop(
    person: Person, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    read, remember = KnownHosts._read, KnownHosts.remember

    def reading(self: KnownHosts, path: Path) -> Any:
        threads.append(threading.get_ident())
        return read(self, path)

    def remembering(self: KnownHosts, *values: Any) -> None:
        threads.append(threading.get_ident())
        remember(self, *values)

    monkeypatch.setattr(KnownHosts, "_read", reading)
    monkeypatch.setattr(KnownHosts, "remember", remembering)
    await person.connect(server.port)
    assert len(threads) == 4
    assert threading.get_ident() not in threads
