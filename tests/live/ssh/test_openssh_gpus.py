"""Looks at GPUs on a real OpenSSH server: start-up files that get in the way, and an nvidia-smi that hangs."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.accelerators.nvidia import query
from gputui.errors import SshError
from gputui.models import Instance, Phase, Ref, SSHLogin, SSHTarget
from gputui.ssh.client import Connection, connect
from gputui.ssh.known_hosts import KnownHosts
from gputui.ssh.nvidia.reader import GpuReader
from tests.ssh.nvidia import smi
from tests.ssh.nvidia.smi import Machine

from .conftest import ID
from .openssh import OpenSSH
from .users import processes_of, throw_away_user

USER = "gputui-looks"
TRAIN = Instance(Ref("hub", "container", "a"), "train-1", Phase.RUNNING, "running")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with throw_away_user(USER) as home:
        yield home


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the user may reach, for programs and the key."""
    path = Path(f"/tmp/{USER}-{os.getpid()}")
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def read(
    openssh: OpenSSH, hosts: KnownHosts, home: Path, place: Path
) -> Iterator[Callable[[Machine, str], GpuReader]]:
    """Return a reader that logs in as the user, finds this machine's programs, and meets this ``.bashrc``."""

    def make(machine: Machine, bashrc: str = "") -> GpuReader:
        machine.install(place / "bin")
        (place / "bin" / "calls").chmod(0o666)
        (home / ".bashrc").write_text(f"export PATH={place}/bin:$PATH\n{bashrc}\n")
        shutil.copy(openssh.key.with_suffix(".pub"), openssh.folder / "authorized_keys")
        for folder in (openssh.folder, *openssh.folder.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        (openssh.folder / "authorized_keys").chmod(0o644)
        connections: list[Connection] = []

        @asynccontextmanager
        async def lease(_: Instance) -> AsyncIterator[Connection]:
            if not connections:
                connections.append(await log_in())
            yield connections[0]

        async def accept(_: object) -> bool:
            return True

        async def log_in() -> Connection:
            return await connect(
                SSHTarget("127.0.0.1", openssh.port, USER),
                SSHLogin(key=str(openssh.key), agent=False),
                host_id=ID,
                hosts=hosts,
                ask=accept,
                deadline=20,
            )

        return GpuReader(lease, lambda: datetime.now(UTC))

    yield make
    for pid in processes_of(USER):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


Read = Callable[..., GpuReader]


async def test_a_bashrc_that_reads_its_input_is_no_obstacle(read: Read) -> None:
    found = await read(smi.RTX_470, "read answer")(TRAIN)
    assert [process.pid for process in found.processes] == [5120, 5188]


async def test_a_bashrc_that_starts_another_shell_is_named_as_the_cause(read: Read) -> None:
    with pytest.raises(SshError) as caught:
        await read(smi.RTX_470, "exec fish")(TRAIN)
    assert "runs no command over SSH" in caught.value.message
    assert "~/.bashrc" in caught.value.hint
    assert "driver" not in str(caught.value)


async def test_a_bashrc_that_waits_for_ever_is_named_as_the_cause(read: Read) -> None:
    with pytest.raises(SshError) as caught:
        await read(smi.RTX_470, "sleep 300")(TRAIN)
    assert "did not start a command within 15s" in caught.value.message
    assert "~/.bashrc" in caught.value.hint


async def test_a_hanging_nvidia_smi_leaves_no_process_behind(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "CALL_SECONDS", 2)
    look = read(Machine("hangs", first="sleep 300"))
    most = 0
    for _ in range(3):
        looking = asyncio.ensure_future(look(TRAIN))
        while not looking.done():
            await asyncio.sleep(0.2)
            most = max(most, await asyncio.to_thread(_running, "sleep 300"))
        with pytest.raises(SshError, match="gave no answer"):
            looking.result()
    assert most == 1
    assert await asyncio.to_thread(_running, "sleep 300") == 0


async def test_one_that_nothing_ends_is_there_once(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits in the driver hears no signal. Here it is one that its time limit does not reach."""
    monkeypatch.setattr(query, "_limits", lambda: "l=")
    monkeypatch.setattr(query, "time_limit", lambda command: 1.0)
    look = read(Machine("hangs", first="sleep 300"))
    with pytest.raises(SshError, match="gave no answer"):
        await look(TRAIN)
    for _ in range(5):
        with pytest.raises(SshError, match="has not ended yet"):
            await look(TRAIN)
    assert await asyncio.to_thread(_running, "sleep 300") == 1


async def test_a_slow_nvidia_smi_gives_figures(read: Read) -> None:
    started = time.monotonic()
    found = await read(Machine("rtx-470", first="sleep 8"))(TRAIN)
    assert time.monotonic() - started > 16
    assert found.devices[0].model == "RTX 3090"


def _running(words: str) -> int:
    return len(processes_of(USER, words))
