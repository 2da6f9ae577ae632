"""SFTP on simulated machines: the shell's own files, bounded, and nothing of this machine."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from gputui.sim.machines.nodes import Space
from gputui.sim.server import Running
from gputui.sim.shell.server.sftp import SimulatedSftp
from tests.sim.conftest import Sims
from tests.sim.shell.server.test_sshd import connected, port_of


@pytest.fixture
async def connection(sims: Sims) -> AsyncIterator[asyncssh.SSHClientConnection]:
    sim = await sims.start(ssh=True)
    sim.world.space = Space(1 << 20)
    async with connected(port_of(sim, "main")) as connection:
        yield connection


async def test_files_copied_there_are_those_of_the_shell(
    connection: asyncssh.SSHClientConnection, tmp_path: Path
) -> None:
    local = tmp_path / "with space"
    local.write_bytes(bytes(range(256)) * 300)
    async with connection.start_sftp_client() as sftp:
        await sftp.put(str(local), "data.part", preserve=True)
        await sftp.posix_rename("data.part", "data.bin")
        shown = await connection.run("stat -c '%n %s %Y' data.bin; sha256sum data.bin; rm data.bin; mkdir -p d/e")
        assert str(shown.stdout).startswith(f"data.bin 76800 {int(local.stat().st_mtime)}\n")
        assert not await sftp.exists("data.bin")
        assert sorted(await sftp.listdir(".")) == [".", "..", ".bashrc", "d", "notes.txt", "train.py"]
        await sftp.get("train.py", str(tmp_path / "train.py"))
    assert (tmp_path / "train.py").read_text() == "import torch\n\nprint(torch.cuda.device_count())\n"


async def test_a_session_ends_with_a_status_which_scp_needs(connection: asyncssh.SSHClientConnection) -> None:
    process = await connection.create_process(subsystem="sftp", encoding=None)
    process.stdin.write(b"\0\0\0\5\1\0\0\0\3")  # version 3
    process.stdin.write_eof()
    assert (await process.wait(timeout=10)).exit_status == 0


async def test_a_full_disk_refuses_and_says_so(connection: asyncssh.SSHClientConnection) -> None:
    async with connection.start_sftp_client() as sftp:
        async with sftp.open("big", "wb") as file:
            with pytest.raises(asyncssh.SFTPError, match="No space left"):
                await file.write(bytes(2 << 20))
        assert (await sftp.statvfs(".")).bavail < 256
        await sftp.remove("big")
        await sftp.mkdir("loop")
        await sftp.symlink("/root/loop/again", "loop/again")
        with pytest.raises(asyncssh.SFTPError, match="symbolic links"):
            await sftp.stat("loop/again/x")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("missing")


async def test_no_path_leads_to_this_machine(connection: asyncssh.SSHClientConnection) -> None:
    here = str(Path(__file__))
    async with connection.start_sftp_client() as sftp:
        for path in (here, f"../../../..{here}", f"/proc/self/root{here}", "/etc/shadow"):
            assert not await sftp.exists(path)
        await sftp.symlink(here, "way-out")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("way-out")
    found = await connection.run(f"cat {here} <{here}; cat way-out; . {here}; ls /nonexistent")
    assert found.stdout == ""


def test_every_method_that_reaches_the_real_file_system_is_replaced() -> None:
    inherited = {
        name
        for name, method in inspect.getmembers(asyncssh.SFTPServer, inspect.isfunction)
        if not name.startswith("_") and getattr(SimulatedSftp, name) is method
    }
    assert inherited == {"convert_attrs"}


async def test_a_rate_holds_for_all_sessions_of_a_machine(sims: Sims) -> None:
    sim: Running = await sims.start(ssh=True)
    system = sim.world.hosts["lab"].system
    system.sftp_rate = 1000
    async with (
        connected(port_of(sim, "main")) as connection,
        connection.start_sftp_client() as sftp,
        sftp.open("slow", "wb") as file,
    ):
        await file.write(bytes(500))
        await file.write(bytes(1500))
    assert system.line_free_at == pytest.approx(sim.world.time + 2)
