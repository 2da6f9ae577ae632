"""The SFTP session: servers without one, servers that send something else, and its packets."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.errors import CopyError, LinkLostError
from gputui.models import SSHTarget
from gputui.ssh.sftp.answers import shown
from gputui.ssh.sftp.client import Sftp
from gputui.ssh.sftp.packets import Packets
from gputui.ssh.sftp.wire import Reader, WireError, attributes, string, u32
from tests.ssh.conftest import Person
from tests.ssh.servers import Server
from tests.ssh.sftp.conftest import Far
from tests.ssh.shells import ShellServer


async def test_a_server_without_sftp_is_named_with_the_way_out(person: Person, server: Server) -> None:
    connection = await person.connect(server.port)
    with pytest.raises(CopyError, match="offers no SFTP") as caught:
        await Sftp.open(connection)
    assert "Install" in caught.value.hint


async def test_a_login_shell_that_prints_is_quoted(far: Far) -> None:
    sftp = await Sftp.open(await far.connection())
    broken = Packets("lab at 127.0.0.1:22")
    broken.data_received(b"Welcome to \x1b[31mlab\n", None)
    with pytest.raises(CopyError, match=r"sends 'Welcome to .\[31mlab' instead of SFTP") as caught:
        await Sftp(broken, links_reversed=True).stat(b"/")
    assert "bashrc" in caught.value.hint
    sftp.close()


@pytest.mark.skipif(not Path("/usr/lib/openssh/sftp-server").exists(), reason="needs OpenSSH's sftp-server")
async def test_a_container_is_entered_for_its_own_sftp_server(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\ntest "$1 $2 $3" = "exec -i 7f3a" && shift 3 && exec "$@"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    target = SSHTarget("host", 22, "root", enter=("docker", "7f3a"))
    async with ShellServer() as server:
        sftp = await Sftp.open(await person.connect(server.port), target)
        assert (await sftp.lstat(str(docker).encode())).is_file
        monkeypatch.setattr("gputui.ssh.sftp.client._START", "exit 127")
        with pytest.raises(CopyError, match="ended its SFTP server at the start") as caught:
            await Sftp.open(await person.connect(server.port), target)
        assert "openssh-sftp-server" in caught.value.hint
        sftp.close()


@pytest.mark.parametrize("answer", [b"\x68" + u32(0) + u32(9), b"\x68" + u32(0) + u32(0), b"\x67" + u32(0)])
async def test_a_request_fails_whose_answer_cannot_be_read(answer: bytes) -> None:
    packets = Packets("lab at 127.0.0.1:22")
    sftp = Sftp(packets, links_reversed=True)
    packets.data_received(string(b"\x02" + u32(3)), None)
    asked = asyncio.ensure_future(sftp.real(b"."))
    await asyncio.sleep(0)
    packets.data_received(string(answer), None)
    with pytest.raises(CopyError, match="does not speak SFTP as expected"):
        await asyncio.wait_for(asked, 1)
    assert sftp.closed


async def test_requests_fail_when_the_link_is_lost(far: Far) -> None:
    sftp = await Sftp.open(await far.connection())
    far.server.drop()
    with pytest.raises(LinkLostError):
        await sftp.stat(b"/")
    assert sftp.closed


@given(st.binary(max_size=60))
def test_any_name_is_safe_to_show(name: bytes) -> None:
    text = shown(name)
    assert text.isprintable() or not set(text) & {"\n", "\r", "\x1b", "\x9b", "\x00"}
    text.encode()


@given(st.binary(max_size=200))
def test_bytes_that_are_no_answer_are_refused_as_such(data: bytes) -> None:
    for read in (Reader.attrs, Reader.names, Reader.string, Reader.u64):
        try:
            read(Reader(data))
        except WireError:
            continue


@given(st.integers(-(2**70), 2**70), st.integers(0, 0o177777))
def test_times_and_permissions_survive_the_wire_as_far_as_it_has_them(mtime_ns: int, mode: int) -> None:
    size = u32(1)[:0] + (7).to_bytes(8, "big")
    flags = attributes(mode=mode, mtime_ns=mtime_ns)
    with_size = u32(int.from_bytes(flags[:4], "big") | 1) + size + flags[4:]
    found = Reader(with_size).attrs()
    assert found is not None
    assert (found.size, found.mode) == (7, mode & 0o7777)
    assert found.seconds == min(max(mtime_ns // 10**9, 0), 2**32 - 1)


@given(st.binary(max_size=100))
def test_strings_survive_the_wire(data: bytes) -> None:
    assert Reader(string(data)).string() == data
