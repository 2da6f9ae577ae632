"""Logins and shells on a real OpenSSH server, with real remote pseudo-terminals and programs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gputui.errors import HostKeyError, SshError
from gputui.models import SSHLogin, SSHTarget
from gputui.models.forwards import ForwardSpec
from gputui.ssh.client import Connection, connect
from gputui.ssh.forwards import Forward
from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
from gputui.ssh.shell import ShellEnd, interactive
from tests.ssh.commands import run
from tests.ssh.pty import Terminal

from .conftest import ID, LogIn
from .openssh import OpenSSH, program

SHELL = "PS1='ready> ' exec sh -i"


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    terminal = Terminal()
    yield terminal
    assert terminal.settings() == terminal.before
    terminal.close()


def start(connection: Connection, terminal: Terminal, command: str = SHELL) -> asyncio.Task[ShellEnd]:
    shell = interactive(connection, term="xterm", command=command, stdin_fd=terminal.slave, stdout_fd=terminal.slave)
    return asyncio.create_task(asyncio.wait_for(shell, 60))


async def test_the_fingerprint_asked_about_is_the_servers(
    log_in: LogIn, openssh: OpenSSH, asked: list[HostKeyQuestion]
) -> None:
    await (await log_in()).close()
    await (await log_in()).close()
    assert [question.key.fingerprint for question in asked] == [openssh.fingerprint()]


async def test_a_changed_key_is_refused(log_in: LogIn, openssh: OpenSSH, hosts: KnownHosts) -> None:
    await (await log_in()).close()
    openssh.stop()
    openssh.start("other_host")
    with pytest.raises(HostKeyError) as caught:
        await log_in()
    assert openssh.fingerprint() in caught.value.message
    assert openssh.fingerprint("other_host") in caught.value.message
    hosts.forget(ID)
    await (await log_in()).close()


async def test_a_key_the_server_does_not_know_is_named(log_in: LogIn, openssh: OpenSSH) -> None:
    with pytest.raises(SshError, match=r"tried: key .*other_host"):
        await log_in(SSHLogin(key=str(openssh.folder / "other_host"), agent=False))


@pytest.fixture
def agent(openssh: OpenSSH, tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "agent")
    process = subprocess.Popen([program("ssh-agent", "openssh-client"), "-D", "-a", path], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    subprocess.run(["ssh-add", "-q", openssh.key], env={**os.environ, "SSH_AUTH_SOCK": path}, check=True)
    yield path
    process.terminate()
    process.wait()


async def test_the_agents_key_logs_in(log_in: LogIn, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SshError, match="nothing to log in with"):
        await log_in(SSHLogin(agent=True))
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    await (await log_in(SSHLogin(agent=True))).close()


async def test_a_jump_host_connects_further(log_in: LogIn, openssh: OpenSSH, asked: list[HostKeyQuestion]) -> None:
    jump = f"{openssh.user}@127.0.0.1:{openssh.port}"
    connection = await log_in(SSHLogin(key=str(openssh.key), agent=False, jump=jump))
    assert (await run(connection, "echo through")).output == "through\n"
    await connection.close()
    assert [question.host_id for question in asked] == [f"jump/127.0.0.1:{openssh.port}", ID]


async def test_a_server_that_starts_later_is_waited_for(log_in: LogIn, openssh: OpenSSH) -> None:
    openssh.stop()
    task = asyncio.ensure_future(log_in())
    await asyncio.sleep(0.7)
    await asyncio.to_thread(openssh.start)
    await (await task).close()


async def test_commands_end_with_their_status(log_in: LogIn) -> None:
    connection = await log_in()
    assert (await run(connection, "exit 7")).exit_code == 7
    assert (await run(connection, "kill -KILL $$")).exit_code == 128 + 9
    assert (await run(connection, "echo out; echo err >&2")).output == "out\nerr\n"
    started = time.monotonic()
    assert (await run(connection, "sleep 60", timeout=0.2)).timed_out
    assert time.monotonic() - started < 10
    await connection.close()


async def test_a_port_is_forwarded_and_one_without_a_service_named(log_in: LogIn, openssh: OpenSSH) -> None:
    connection = await log_in()
    for port, greeting, error in ((openssh.port, b"SSH-2.0-OpenSSH", ""), (1, b"", "port 1 of main refuses")):
        tunnel = await forwarded(ForwardSpec(port), connection)
        assert (await first_line(tunnel.local_port)).startswith(greeting)
        assert tunnel.error.startswith(error)
        await tunnel.close()
    await connection.close()


async def test_a_proxy_reaches_what_the_proxy_of_ssh_reaches(log_in: LogIn, openssh: OpenSSH) -> None:
    connection = await log_in()
    tunnel = await forwarded(ForwardSpec(None), connection)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    ssh = await asyncio.create_subprocess_exec(
        *(
            program("ssh", "openssh-client"),
            *options,
            "-i",
            str(openssh.key),
            "-p",
            str(openssh.port),
            "-D",
            str(port),
        ),
        *(f"{openssh.user}@127.0.0.1", "echo ready; cat"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert ssh.stdout is not None
        assert await ssh.stdout.readline() == b"ready\n"
        for host in (b"\x03\x09localhost", b"\x01\x7f\x00\x00\x01"):
            request = b"\x05\x01\x00\x05\x01\x00" + host + openssh.port.to_bytes(2)
            answers = [await first_line(one, request) for one in (tunnel.local_port, port)]
            assert answers[0] == answers[1]
            assert b"SSH-2.0-OpenSSH" in answers[0]
    finally:
        ssh.kill()
        await ssh.wait()
    await tunnel.close()
    await connection.close()


async def test_a_server_that_permits_no_forwards_is_named(tmp_path: Path, hosts: KnownHosts) -> None:
    folder = tmp_path / "strict"
    folder.mkdir()
    strict = OpenSSH(folder, "AllowTcpForwarding no")
    strict.start()
    try:
        connection = await connect(
            SSHTarget("127.0.0.1", strict.port, strict.user),
            SSHLogin(key=str(strict.key), agent=False, accept_new=True),
            host_id=ID,
            hosts=hosts,
            ask=never_asked,
        )
        tunnel = await forwarded(ForwardSpec(strict.port), connection)
        assert await first_line(tunnel.local_port) == b""
        assert tunnel.error == f"the SSH server of main does not permit a forward to port {strict.port} of main"
        await tunnel.close()
        await connection.close()
    finally:
        strict.stop()


async def never_asked(_: HostKeyQuestion) -> bool:
    raise AssertionError("a question")


async def forwarded(spec: ForwardSpec, connection: Connection) -> Forward:
    tunnel = Forward(spec, "main")
    await tunnel.listen()
    tunnel.link(connection)
    return tunnel


async def first_line(port: int, request: bytes = b"") -> bytes:
    """Connect to a port of this machine, send a request, and return the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_shell_with_job_control_and_sizes(log_in: LogIn, terminal: Terminal) -> None:
    connection = await log_in()
    shell = start(connection, terminal)
    await terminal.until(b"ready> ")
    terminal.resize(133, 41)
    await asyncio.sleep(0.1)  # the signal and the typing reach the program in no certain order
    terminal.type(b"stty size\r")
    await terminal.until(b"41 133")
    await terminal.until(b"ready> ")
    terminal.type(b"sh -c 'echo st\"\"arted; exec sleep 100'\r")
    await terminal.until(b"started")
    terminal.type(b"\x1a")
    await terminal.until(b"Stopped")
    await terminal.until(b"ready> ")
    terminal.type(b"fg\r")
    await terminal.until(b"sleep 100")
    terminal.type(b"\x03")
    # The interrupt throws away what is typed ahead of it, so it has to have come before anything is typed.
    await terminal.until(b"^C")
    await terminal.until(b"ready> ")
    terminal.type(b"exit 6\r")
    assert await shell == ShellEnd(6)
    await connection.close()


async def test_every_typed_byte_arrives(log_in: LogIn, terminal: Terminal) -> None:
    connection = await log_in()
    shell = start(connection, terminal, "stty raw -echo; printf go; head -c 20000 | sha256sum")
    await terminal.until(b"go")
    data = bytes(range(256)).replace(b"~", b"x") * 79
    for at in range(0, 20000, 400):
        terminal.type(data[:20000][at : at + 400])
        await asyncio.sleep(0.001)
    await terminal.until(hashlib.sha256(data[:20000]).hexdigest().encode())
    await shell
    await connection.close()


async def test_50_mb_arrive_whole_in_little_memory(log_in: LogIn, terminal: Terminal) -> None:
    size = 50 * 2**20
    connection = await log_in()
    shell = start(connection, terminal, f"stty raw; head -c {size} /dev/zero | tr '\\0' x; printf end; sleep 1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await terminal.until(b"end")
    assert terminal.read_total == size + len("end")
    assert await shell == ShellEnd(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
    await connection.close()


async def test_ctrl_c_ends_a_flood_at_once(log_in: LogIn, terminal: Terminal) -> None:
    connection = await log_in()
    shell = start(connection, terminal)
    await terminal.until(b"ready> ")
    terminal.type(b"cat /dev/zero | tr '\\0' x\r")
    await terminal.until(b"x" * 1000)
    started = time.monotonic()
    terminal.type(b"\x03")
    await terminal.until(b"ready> ")
    assert time.monotonic() - started < 2
    terminal.type(b"exit\r")
    await shell
    await connection.close()


async def test_a_server_that_vanishes_is_a_dropped_connection(
    log_in: LogIn, openssh: OpenSSH, terminal: Terminal
) -> None:
    connection = await log_in()
    shell = start(connection, terminal, "printf '\\033[?1049h\\033[?1000hfull screen'; exec sleep 1000")
    await terminal.until(b"full screen")
    openssh.stop()
    end = await shell
    assert end.dropped
    await terminal.until(b"\x1b[?1000l\x1b[?1049l\x1b[0m")
    await connection.close()
