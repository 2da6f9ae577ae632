"""Hosts over SSH on a real OpenSSH server: login shells and start-up files in the way, programs that hang."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

import pytest

from gputui.api import open_backend
from gputui.config.loader import parse_config
from gputui.errors import ForbiddenError
from gputui.fleet import Fleet, process_ends
from gputui.fleet.orders import Order
from gputui.fleet.remote_run import RemoteRun
from gputui.models import GpuProcess, Instance, Ref, Resource
from gputui.ssh import scripts
from tests.ssh.nvidia import smi
from tests.ssh.nvidia.smi import Machine

from .openssh import OpenSSH
from .users import processes_of, throw_away_user

USER = "gputui-hosts"
GPU01 = Ref("own", "host", "gpu01")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with throw_away_user(USER) as home:
        yield home


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the user may reach, for the programs of a machine."""
    path = Path(f"/tmp/{USER}-{os.getpid()}")
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


class Host:
    """The server as the host gpu01 of a person's OpenSSH configuration, logged in to as the user."""

    def __init__(self, openssh: OpenSSH, home: Path, place: Path, own: Path) -> None:
        self._openssh, self._home, self._place, self._own = openssh, home, place, own
        (own / ".ssh").mkdir(mode=0o700)
        (own / ".ssh" / "config").write_text(
            f"Host gpu01\n  HostName 127.0.0.1\n  Port {openssh.port}\n  User {USER}\n  IdentityFile {openssh.key}\n"
            "  StrictHostKeyChecking accept-new\n"
        )
        (own / ".ssh" / "config").chmod(0o600)
        for folder in (openssh.folder, *openssh.folder.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        (openssh.folder / "authorized_keys").chmod(0o644)

    def be(self, machine: Machine, *, bashrc: str = "", shell: str = "/bin/bash") -> None:
        """Give the user this machine's programs, start-up file and login shell."""
        machine.install(self._place / "bin")
        (self._place / "bin" / "calls").chmod(0o666)
        (self._home / ".bashrc").write_text(f"export PATH={self._place}/bin:$PATH\n{bashrc}\n")
        subprocess.run(["usermod", "--shell", shell, USER], check=True)

    @asynccontextmanager
    async def fleet(self, timeout: int = 30) -> AsyncIterator[Fleet]:
        """A fleet with an account of this host alone."""
        text = f'[accounts.own]\nkind = "ssh"\nhosts = ["gpu0*"]\ntimeout = {timeout}\nssh = {{ agent = false }}\n'
        accounts = parse_config(text, name="config.toml", private=True).accounts
        fleet = Fleet(accounts, open_backend=open_backend, history=None, polling=None, state_dir=self._own / "state")
        await fleet.start()
        try:
            yield fleet
        finally:
            await fleet.aclose()


@pytest.fixture
def host(
    openssh: OpenSSH, home: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield Host(openssh, home, place, own)
    for pid in processes_of(USER):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def read(fleet: Fleet) -> Instance:
    """Look at the host and return its row."""
    backend = fleet.runtime("own").backend
    backend.forget()
    row = next(row for row in await backend.listers[Resource.INSTANCES]() if row.ref == GPU01)
    assert isinstance(row, Instance)
    return row


async def test_a_look_reads_the_machine_and_its_gpus(host: Host) -> None:
    host.be(smi.RTX_470, bashrc="echo 'Welcome to gpu01'")
    async with host.fleet() as fleet:
        row = await read(fleet)
        processes = await fleet.runtime("own").backend.listers[Resource.PROCESSES]()
    assert (row.status, row.problem) == ("up", None)
    assert row.gpu_model == "RTX 3090"
    assert row.cpu_count == len(os.sched_getaffinity(0))
    assert row.machine is not None
    assert row.machine.boot_id == BOOT_ID
    assert row.machine.kernel == os.uname().release
    assert len(processes) == 2


@pytest.mark.parametrize("shell", ["fish", "tcsh", "dash", "rbash"])
async def test_any_login_shell_will_do(host: Host, shell: str) -> None:
    if (path := shutil.which(shell)) is None:
        pytest.skip(f"there is no {shell}")
    host.be(smi.RTX_470, shell=path)
    async with host.fleet() as fleet:
        await fleet.read([Resource.INSTANCES])
        (row,) = fleet.all(Instance)
        run = RemoteRun(fleet, [row], Order('echo "it\'s" $0; read x || echo closed >&2; exit 3'))
        await run.run()
    assert (row.status, row.problem) == ("up", None)
    (result,) = run.results
    assert (result.stdout, result.stderr, result.status) == (b"it's sh\n", b"closed\n", 3)


async def test_a_process_of_the_user_is_ended_and_that_of_another_one_refused(host: Host) -> None:
    host.be(smi.RTX_470)
    own = await asyncio.create_subprocess_exec("setpriv", "--reuid", USER, "--clear-groups", "sleep", "4713")
    other = await asyncio.create_subprocess_exec("sleep", "4713")
    try:
        async with host.fleet() as fleet:
            await fleet.read([Resource.INSTANCES])
            for process, words in ((own, "has ended after TERM"), (other, "belongs to root: permission denied")):
                row = GpuProcess(
                    *(Ref("own", "process", str(process.pid)), "gpu01", 0, process.pid, "sleep 4713", "gpu01", GPU01)
                )
                seen = await process_ends.look(fleet, row)
                assert seen.owner == (USER if process is own else "root")
                with nullcontext() if process is own else pytest.raises(ForbiddenError, match=words):
                    assert words in await process_ends.end(fleet, row, seen)
        assert await own.wait() == -signal.SIGTERM
        assert other.returncode is None
    finally:
        for process in (own, other):
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.parametrize(
    ("bashrc", "words"),
    [
        ("read answer", "started no command"),
        ("echo '1) shell  2) quit'; read choice; exit 1", "1) shell 2) quit"),
        ("exec cat", "started no command"),
        ("echo 'Maintenance until noon.'; exit 3", "Maintenance until noon."),
    ],
)
async def test_a_start_up_file_in_the_way_is_the_reason(
    host: Host, bashrc: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "START_SECONDS", 1.0)
    host.be(smi.RTX_470, bashrc=bashrc)
    async with host.fleet() as fleet:
        row = await read(fleet)
    assert row.status == "unknown"
    assert words in (row.problem or "")


async def test_a_program_that_hangs_ends_with_the_look(host: Host, place: Path) -> None:
    host.be(Machine("hangs", first="sleep 300"))
    shutil.copy("/bin/false", place / "bin" / "timeout")
    async with host.fleet(timeout=1) as fleet:
        row = await read(fleet)
        assert row.status == "up"
        assert row.problem is not None
        assert "did not answer everything within 1s" in row.problem
    assert await asyncio.to_thread(processes_of, USER, "sleep 300") == []


async def test_a_server_that_is_off_is_not_reachable_and_back_without_a_new_login_of_the_user(
    host: Host, openssh: OpenSSH
) -> None:
    host.be(smi.RTX_470)
    async with host.fleet() as fleet:
        row = await read(fleet)
        assert (row.status, row.problem) == ("up", None)
        openssh.stop()
        row = await read(fleet)
        assert (row.status, row.gpu_model) == ("unreachable", "RTX 3090")
        openssh.start()
        row = await read(fleet)
        assert (row.status, row.problem) == ("up", None)
