"""Logins to hosts of the user's OpenSSH configuration: jump hosts, commands, keys, and the user's known_hosts."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import asyncssh
import pytest

from gputui.errors import ConfigError, HostKeyError, SshError
from gputui.models import Secret, SSHLogin, SSHTarget
from gputui.ssh import client
from gputui.ssh.client import Connection, connect
from gputui.ssh.jump_hosts import JumpHosts
from gputui.ssh.pool import ConnectionPool
from tests.ssh.conftest import LoadAgent, Person
from tests.ssh.servers import PASSWORD, Server
from tests.ssh.test_credentials import made

pytestmark = pytest.mark.filterwarnings("ignore:.*bcrypt.kdf.. called with only 1 round")
ID = "mine/host/gpu01"


class Ssh:
    """The user's ~/.ssh, and logins by alias."""

    def __init__(self, home: Path, person: Person) -> None:
        self.folder = home / ".ssh"
        self.folder.mkdir()
        self.known_hosts = self.folder / "known_hosts"
        self.person = person
        self.jumps: JumpHosts | None = None

    def configure(self, text: str) -> None:
        (self.folder / "config").write_text(text)

    def key(self, name: str, passphrase: str | None = None) -> asyncssh.SSHKey:
        key = asyncssh.generate_private_key("ssh-ed25519", comment=name)
        key.write_private_key(self.folder / name, passphrase=passphrase, rounds=1)
        key.write_public_key(self.folder / f"{name}.pub")
        return key

    def trust(self, *servers: Server) -> None:
        with self.known_hosts.open("a") as file:
            for server in servers:
                line = server.host_keys[0].export_public_key("openssh").decode().split()
                file.write(f"[127.0.0.1]:{server.port} {line[0]} {line[1]}\n")

    async def connect(self, alias: str, login: SSHLogin | None = None, *, asks: bool = True) -> Connection:
        connection = await connect(
            SSHTarget("shown", 1, "", alias=alias),
            login or SSHLogin(agent=False),
            host_id=ID,
            hosts=self.person.hosts,
            ask=self.person.ask,
            ask_secret=self.person.ask_secret if asks else None,
            progress=self.person.reports.append,
            deadline=0,
            jumps=self.jumps,
        )
        self.person.opened.append(connection)
        return connection


@pytest.fixture
def ssh(home: Path, person: Person) -> Ssh:
    return Ssh(home, person)


async def run(connection: Connection, text: str) -> str:
    return str((await connection.ssh.run(text)).stdout)


def entry(alias: str, server: Server, more: str = "") -> str:
    return f"Host {alias}\n  HostName 127.0.0.1\n  Port {server.port}\n  User root\n{more}"


async def test_an_alias_logs_in_with_the_keys_and_the_known_hosts_of_the_user(ssh: Ssh) -> None:
    async with Server(password=None, client_keys=[ssh.key("rack")]) as server:
        ssh.configure(entry("gpu01", server, "  IdentityFile ~/.ssh/missing\n  IdentityFile ~/.ssh/rack\n"))
        ssh.trust(server)
        connection = await ssh.connect("gpu01")
        assert await run(connection, "hello") == "hello"
        assert connection.endpoint.where == f"{ID} at 127.0.0.1:{server.port}"
        assert not ssh.person.asked


async def test_a_new_key_is_asked_about_and_added_to_the_file_of_the_user(ssh: Ssh) -> None:
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        ssh.configure(entry("gpu01", server))
        await ssh.connect("gpu01")
        await ssh.connect("gpu01")
        (question,) = ssh.person.asked
        assert question.key.fingerprint == server.fingerprint
        assert ssh.known_hosts.read_text().startswith(f"[127.0.0.1]:{server.port} ssh-ed25519 ")
        assert not ssh.person.hosts.keys(ID)


async def test_a_changed_key_is_refused_with_its_line(ssh: Ssh) -> None:
    async with Server() as old, Server() as new:
        ssh.trust(old)
        ssh.known_hosts.write_text(ssh.known_hosts.read_text().replace(str(old.port), str(new.port)))
        ssh.configure(entry("gpu01", new))
        with pytest.raises(HostKeyError, match=r"has changed: remembered .*known_hosts:1\)") as caught:
            await ssh.connect("gpu01")
        assert "ssh-keygen -f" in caught.value.hint
        assert not new.passwords


async def test_several_names_of_one_address_log_in_at_once_without_a_key_that_seems_changed(ssh: Ssh) -> None:
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        names = [f"h{number}" for number in range(6)]
        ssh.configure("".join(entry(name, server, "  StrictHostKeyChecking accept-new\n") for name in names))
        await asyncio.gather(*map(ssh.connect, names))
        assert len(set(ssh.known_hosts.read_text().splitlines())) == 1


@pytest.mark.parametrize("policy", ["accept-new", "yes"])
async def test_the_configuration_decides_on_new_keys(ssh: Ssh, policy: str) -> None:
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        ssh.configure(entry("gpu01", server, f"  StrictHostKeyChecking {policy}\n"))
        if policy == "yes":
            with pytest.raises(HostKeyError, match="StrictHostKeyChecking forbids the question"):
                await ssh.connect("gpu01")
        else:
            await ssh.connect("gpu01")
            assert f"added to {ssh.known_hosts}" in ssh.person.reports[-1]
        assert not ssh.person.asked
        await ssh.connect("gpu01", SSHLogin(agent=False, accept_new=True))


async def test_a_certificate_of_a_trusted_authority_makes_a_host_known(ssh: Ssh) -> None:
    authority, key = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    certificate = authority.generate_host_certificate(key, "gpu01", principals=["rack.example"])
    line = authority.export_public_key("openssh").decode().strip()
    ssh.known_hosts.write_text(f"@cert-authority *.example {line}\n")
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        await server.stop()
        server.host_keys = [(key, certificate)]  # type: ignore[list-item]  # a pair for asyncssh
        async with server:
            ssh.configure(entry("gpu01", server, "  HostKeyAlias rack.example\n"))
            await ssh.connect("gpu01")
            assert not ssh.person.asked
            ssh.configure(entry("gpu01", server, "  HostKeyAlias other.example\n"))
            await ssh.connect("gpu01")
            assert len(ssh.person.asked) == 1
            assert "other.example ssh-ed25519" in ssh.known_hosts.read_text()


async def test_a_certificate_of_the_user_is_offered_first(ssh: Ssh) -> None:
    authority, key = asyncssh.generate_private_key("ssh-ed25519"), ssh.key("rack")
    authority.generate_user_certificate(key, "me", principals=["root"]).write_certificate(
        ssh.folder / "rack-cert.pub"
    )
    async with Server(password=None) as server:
        server.authorities.append(authority)
        ssh.configure(entry("gpu01", server, "  IdentityFile ~/.ssh/rack\n"))
        ssh.trust(server)
        await ssh.connect("gpu01")
        assert server.offers == ["a certificate"]


async def test_a_chain_of_jump_hosts_is_followed_and_each_is_known_by_its_own_name(ssh: Ssh) -> None:
    key = ssh.key("id_ed25519")
    async with AsyncExitStack() as stack:
        outer, inner, target = [
            await stack.enter_async_context(Server(password=None, client_keys=[key])) for _ in range(3)
        ]
        ssh.configure(
            entry("outer", outer)
            + entry("inner", inner, "  ProxyJump outer\n")
            + entry("gpu01", target, "  ProxyJump inner\n")
            + entry("gpu02", target, "  ProxyJump outer,inner\n")
        )
        assert await run(await ssh.connect("gpu01"), "hello") == "hello"
        assert [question.port for question in ssh.person.asked] == [outer.port, inner.port, target.port]
        assert await run(await ssh.connect("gpu02"), "hello") == "hello"
        assert len(ssh.person.asked) == 3
        assert [len(server.connections) for server in (outer, inner)] == [3, 3]


async def test_logins_through_one_jump_host_share_the_connection_to_it(ssh: Ssh) -> None:
    key = ssh.key("id_ed25519")
    pool = ConnectionPool(idle=0)
    ssh.jumps = JumpHosts(pool)
    async with Server(password=None, client_keys=[key]) as gate, Server(password=None, client_keys=[key]) as server:
        ssh.trust(gate, server)
        ssh.configure(entry("gw", gate) + "".join(entry(f"h{n}", server, "  ProxyJump gw\n") for n in range(4)))
        connections = await asyncio.gather(*(ssh.connect(f"h{number}") for number in range(4)))
        assert (len(gate.connections), len(server.connections)) == (1, 4)
        await connections[0].close()
        assert await run(connections[1], "hello") == "hello"
        for connection in connections[1:]:
            await connection.close()
        await pool.aclose()
        assert all(one.is_closed() for one in gate.connections)


async def test_a_circle_of_jump_hosts_is_refused_by_name(ssh: Ssh) -> None:
    ssh.configure("Host a\n  ProxyJump b\nHost b\n  ProxyJump c\nHost c\n  ProxyJump a\n")
    with pytest.raises(SshError, match="in a circle: a → b → c → a"):
        await ssh.connect("a")
    ssh.configure("".join(f"Host h{number}\n  ProxyJump h{number + 1}\n" for number in range(20)))
    with pytest.raises(SshError, match="through more than 8 hosts"):
        await ssh.connect("h0")


PIPE = (
    "import asyncio, os, sys\n"
    "async def main():\n"
    "    reader, writer = await asyncio.open_connection('127.0.0.1', int(sys.argv[1]))\n"
    "    loop = asyncio.get_running_loop()\n"
    "    async def up():\n"
    "        while data := await loop.run_in_executor(None, os.read, 0, 65536):\n"
    "            writer.write(data)\n"
    "        writer.close()\n"
    "    task = asyncio.create_task(up())\n"
    "    while data := await reader.read(65536):\n"
    "        os.write(1, data)\n"
    "asyncio.run(main())\n"
)


async def test_a_proxy_command_is_the_connection_and_ends_with_it(ssh: Ssh, tmp_path: Path) -> None:
    (tmp_path / "pipe.py").write_text(PIPE)
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        ssh.trust(server)
        command = f"echo noise >&2; echo $$ > {tmp_path}/pid; exec {sys.executable} {tmp_path}/pipe.py %p"
        ssh.configure(entry("gpu01", server, f"  ProxyCommand sh -c '{command}'\n"))
        connection = await ssh.connect("gpu01")
        assert await run(connection, "hello") == "hello"
        await connection.close()
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_program_left_by_a_proxy_command_does_not_delay_the_end_of_the_connection(
    ssh: Ssh, tmp_path: Path
) -> None:
    (tmp_path / "pipe.py").write_text(PIPE)
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")]) as server:
        ssh.trust(server)
        command = f"setsid sleep 4 </dev/null >/dev/null & exec {sys.executable} {tmp_path}/pipe.py %p"
        ssh.configure(entry("gpu01", server, f"  ProxyCommand sh -c '{command}'\n"))
        connection = await ssh.connect("gpu01")
        await asyncio.wait_for(connection.close(), 3)
        assert connection.closed


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo no route to gw >&2; exit 3", "failed with exit status 3: no route to gw"),
        ("echo Welcome to the menu", "did not connect to an SSH server"),
        ("/does/not/exist", "failed with exit status 127"),
        ("printf '\\033[2J' >&2; exit 1", "failed with exit status 1: .?"),
    ],
)
async def test_a_proxy_command_that_fails_or_prints_is_reported_with_its_words(
    ssh: Ssh, command: str, message: str
) -> None:
    script = ssh.folder / "proxy"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o700)
    ssh.configure(f"Host gpu01\n  ProxyCommand {script}\n")
    with pytest.raises(SshError, match=f"ProxyCommand of {ID} at gpu01:22 {message}") as caught:
        await ssh.connect("gpu01")
    assert "\x1b" not in caught.value.message


async def test_an_address_from_a_server_runs_no_command_of_the_configuration(ssh: Ssh, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    ssh.configure(f"Match exec 'touch {ran}'\nHost 127.0.0.1 *\n  ProxyCommand touch {ran}\n  ProxyJump 127.0.0.1\n")
    async with Server() as server:
        connection = await connect(
            SSHTarget("127.0.0.1", server.port, "root", Secret(PASSWORD)),
            SSHLogin(agent=False),
            host_id="lab/pod/main",
            hosts=ssh.person.hosts,
            ask=ssh.person.ask,
            deadline=0,
        )
        ssh.person.opened.append(connection)
        assert await run(connection, "hello") == "hello"
    assert not ran.exists()


async def test_a_proxy_command_that_hangs_is_ended_and_reported(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ATTEMPT_SECONDS", 0.2)
    ssh.configure("Host gpu01\n  ProxyCommand sleep 60\n")
    with pytest.raises(SshError, match=f"ProxyCommand of {ID} at gpu01:22 did not connect to an SSH server"):
        await ssh.connect("gpu01")


async def test_a_locked_key_asks_for_its_passphrase_only_when_the_server_takes_it(ssh: Ssh) -> None:
    pytest.importorskip("bcrypt")
    ssh.key("other", "secret")
    async with Server(password=None, client_keys=[ssh.key("rack", "open sesame")]) as server:
        ssh.trust(server)
        ssh.configure(entry("gpu01", server, "  IdentityFile ~/.ssh/other\n  IdentityFile ~/.ssh/rack\n"))
        ssh.person.secrets = ["wrong", "open sesame"]
        await ssh.connect("gpu01")
        assert [Path(prompt.split()[-1].rstrip(":")).name for prompt in ssh.person.asked_secrets] == ["rack", "rack"]
        with pytest.raises(SshError, match=r"nothing to log in with. Not tried: key .*other \(locked") as caught:
            await ssh.connect("gpu01", asks=False)
        assert "IdentityFile" in caught.value.hint


@pytest.mark.parametrize(
    ("more", "offers"),
    [("", ["rack", "other", "agent 1", "agent 3"]), ("  IdentitiesOnly yes\n", ["rack", "other"])],
)
async def test_files_that_the_agent_has_come_first_and_its_other_keys_last_or_never(
    ssh: Ssh, load_agent: LoadAgent, more: str, offers: list[str]
) -> None:
    other, rack = ssh.key("other"), ssh.key("rack", "locked")
    async with Server(password=None, most_attempts=6) as server:
        server.names |= {other.public_data: "other", rack.public_data: "rack"}
        load_agent(server, [made(), rack, made()])
        ssh.trust(server)
        ssh.configure(entry("gpu01", server, f"{more}  IdentityFile ~/.ssh/other\n  IdentityFile ~/.ssh/rack\n"))
        with pytest.raises(SshError, match=r"tried: key .*/rack in the agent, key .*/other"):
            await ssh.connect("gpu01", SSHLogin())
        assert server.offers == offers
        assert not ssh.person.asked_secrets


async def test_algorithms_of_the_configuration_do_not_make_a_known_key_look_changed(ssh: Ssh) -> None:
    keys = [asyncssh.generate_private_key("ecdsa-sha2-nistp256"), asyncssh.generate_private_key("ssh-ed25519")]
    async with Server(password=None, client_keys=[ssh.key("id_ed25519")], host_keys=keys) as server:
        ssh.trust(server)
        ssh.configure(entry("gpu01", server, "  HostKeyAlgorithms ssh-ed25519,ecdsa-sha2-nistp256\n"))
        await ssh.connect("gpu01")
        assert not ssh.person.asked


async def test_a_key_that_others_can_read_is_named_and_the_next_one_used(ssh: Ssh) -> None:
    ssh.key("open")
    (ssh.folder / "open").chmod(0o644)
    async with Server(password=None, client_keys=[ssh.key("rack")]) as server:
        ssh.trust(server)
        ssh.configure(entry("gpu01", server, "  IdentityFile ~/.ssh/open\n  IdentityFile ~/.ssh/rack\n"))
        await ssh.connect("gpu01")
        ssh.configure(entry("gpu01", server, "  IdentityFile ~/.ssh/open\n"))
        with pytest.raises(SshError, match=r"Not tried: key .*/open \(others can read it: chmod 600\)"):
            await ssh.connect("gpu01")


async def test_more_keys_than_a_server_lets_one_try_are_passed_over_by_name(ssh: Ssh) -> None:
    for number in range(7):
        ssh.key(f"k{number}")
    async with Server(password=None, most_attempts=6) as server:
        ssh.trust(server)
        files = "".join(f"  IdentityFile ~/.ssh/k{number}\n" for number in range(7))
        ssh.configure(entry("gpu01", server, files))
        with pytest.raises(SshError, match=r"tried: .*k4. Not tried: key .*k5, key .*k6"):
            await ssh.connect("gpu01")


async def test_the_account_s_own_settings_win(ssh: Ssh) -> None:
    async with Server(password=None, client_keys=[ssh.key("mine")]) as server:
        ssh.trust(server)
        ssh.configure("Host gpu01\n  HostName 127.0.0.1\n  Port 1\n  User nobody\n  IdentityFile ~/.ssh/other\n")
        login = SSHLogin(key=str(ssh.folder / "mine"), user="alice", port=server.port, agent=False)
        connection = await ssh.connect("gpu01", login)
        assert connection.endpoint.user == "alice"


@pytest.mark.parametrize("has_keys", [True, False])
async def test_the_jump_host_of_an_account_may_be_an_alias(ssh: Ssh, has_keys: bool) -> None:
    key = ssh.key("account")
    async with (
        Server(password=None, client_keys=[ssh.key("gate") if has_keys else key]) as gate,
        Server(password=None, client_keys=[key]) as server,
    ):
        ssh.trust(gate)
        ssh.configure(entry("gw", gate, "  IdentityFile ~/.ssh/gate\n" if has_keys else ""))
        login = SSHLogin(key=str(ssh.folder / "account"), agent=False, jump="gw")
        connection = await ssh.person.connect(server.port, login=login)
        assert await run(connection, "hello") == "hello"
        assert [question.host_id for question in ssh.person.asked] == ["lab/pod/main"]


async def test_a_line_that_cannot_be_used_is_reported_before_anything_is_connected(ssh: Ssh) -> None:
    ssh.configure("Host gpu01\n  Port many\n")
    with pytest.raises(ConfigError, match="config line 2: Port many is not a port"):
        await ssh.connect("gpu01")
