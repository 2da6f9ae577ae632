"""GPUs whose processes cannot be seen, commands that do not end, and machines without an NVIDIA GPU."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from gputui.accelerators.nvidia import query
from gputui.accelerators.nvidia.query import Question
from gputui.accelerators.nvidia.rows import reading
from gputui.accelerators.output import Part
from gputui.errors import SshError
from gputui.models import GpuProcess, Instance
from gputui.models.serialize import to_plain
from gputui.ssh.client import Connection
from gputui.ssh.nvidia import reader
from gputui.ssh.nvidia.reader import GpuReader
from tests.ssh.conftest import Person
from tests.ssh.nvidia import smi
from tests.ssh.nvidia.smi import AT, TRAIN, Machine
from tests.ssh.nvidia.test_reader import MIB, logged_into, look, only, seen
from tests.ssh.servers import Server


def unknown(processes: tuple[GpuProcess, ...]) -> dict[str, str | None]:
    """The reasons of unknown processes by the place of their GPU."""
    return {row.ref.id.split(":")[1]: row.problem for row in processes if row.processes is None}


def machine_memory() -> int:
    return int(Path("/proc/meminfo").read_text().split()[1]) * 1024


# --- processes that cannot be seen --------------------------------------------------------------------------------


async def test_a_busy_gpu_without_a_visible_process_has_a_row_of_unknown_ones(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.BUSY_UNSEEN)
    assert only(found).process_count is None
    (row,) = found.processes
    assert (row.gpu_index, row.pid, row.instance) == (0, None, TRAIN.ref)
    plain = to_plain(row)
    assert plain["processes"] is None
    assert plain["pid"] is None
    assert plain["problem"] == (
        "nvidia-smi lists none in there, though it is 97 % busy and 21.4G of its memory are in use"
    )


async def test_an_idle_gpu_has_no_row_of_processes(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.LAPTOP_525)
    assert found.processes == ()
    assert only(found).process_count == 0


async def test_a_row_of_a_process_is_one_process(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.RTX_470)
    assert [(row.processes, row.problem) for row in found.processes] == [(1, None)] * 2


async def test_a_lost_gpu_in_the_list_is_counted_once_and_its_processes_are_unknown(
    person: Person, tmp_path: Path
) -> None:
    found = await seen(person, tmp_path / "bin", smi.ONE_OF_EIGHT_LOST)
    assert [gpu.index for gpu in found.devices] == list(range(8))
    assert [gpu.process_count for gpu in found.devices] == [0, 0, None, 0, 0, 0, 0, 0]
    assert "is lost" in str(found.devices[2].problem)
    assert list(unknown(found.processes)) == ["2"]


async def test_a_gpu_that_is_listed_and_said_to_be_lost_is_one(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.ONE_OF_EIGHT_LOST) as (server, connection):
        path = server.place / "gpus"
        path.write_text(
            path.read_text() + "Unable to determine the device handle for GPU 0000:41:00.0: GPU is lost.\n"
        )
        assert len((await look(connection))[0].devices) == 8


async def test_gpus_that_need_a_reset_or_are_lost_claim_no_number_of_processes(
    person: Person, tmp_path: Path
) -> None:
    found = await seen(person, tmp_path / "bin", smi.BROKEN)
    assert [gpu.process_count for gpu in found.devices][1:] == [None, None]
    assert set(unknown(found.processes)) >= {"1", "2"}


async def test_a_gpu_without_any_figure_claims_no_number_of_processes(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.NO_FIGURES)
    assert only(found).process_count is None
    assert unknown(found.processes) == {"0": "the driver gives no figures of the GPU"}


async def test_what_the_driver_says_instead_of_processes_is_the_reason(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.NOT_PERMITTED)
    assert only(found).process_count is None
    assert "[Insufficient Permissions]" in str(unknown(found.processes)["0"])


def test_a_line_that_cannot_be_read_makes_no_shorter_list() -> None:
    gpu = "0, GPU-a, NVIDIA L4, 23034, 2, 0, 16.1, 40, [N/A], 0, [N/A]\n"
    answer = {"gpus": Part(gpu, 0), "apps": Part("GPU-a, 12, python, 300\nGPU-a, [N/A], python, 300\n", 0)}
    found = reading(Question(), answer, TRAIN, AT)
    assert [row.pid for row in found.processes] == [12, None]
    assert only(found).process_count is None


async def test_a_gpu_in_the_memory_of_the_machine_is_marked_and_has_its_sizes(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.SPARK_580) as (server, connection):
        found, question = await look(connection)
        gpu = only(found)
        assert gpu.memory_shared
        total = machine_memory()
        assert gpu.memory_total == total
        assert gpu.memory_used is not None
        assert 0 < gpu.memory_used < total
        assert (gpu.process_count, gpu.problem) == (2, None)
        assert [row.gpu_memory_used for row in found.processes] == [18 * MIB, 43008 * MIB]
        server.commands.clear()
        await look(connection, question)
        assert len(server.commands) == 1, "the memory is asked for at once the next time"


async def test_compute_instances_of_one_gpu_instance_are_distinguished_with_their_processes(
    person: Person, tmp_path: Path
) -> None:
    found = await seen(person, tmp_path / "bin", smi.H100_MIG_SHARED)
    assert [gpu.mig for gpu in found.devices] == ["", "1c.3g.40gb #1.0", "1c.3g.40gb #1.1", "1g.10gb+me #9"]
    assert [gpu.process_count for gpu in found.devices] == [2, 1, 1, 1]
    assert [(row.ref.id, row.gpu_memory_used) for row in found.processes] == [
        ("53a-f9-1:0.1:777", 400 * MIB),
        ("53a-f9-1:0.1.1:777", 600 * MIB),
        ("53a-f9-1:0.9:778", 500 * MIB),
    ]


async def test_a_busy_part_of_a_gpu_has_a_row_of_unknown_processes(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.A100_MIG) as (server, connection):
        (server.place / "apps").write_text("")
        found, _ = await look(connection)
    counts = {gpu.mig: gpu.process_count for gpu in found.devices if gpu.mig}
    assert counts["3g.40gb #2"] is None, "9 GB of it are in use"
    assert "0.2" in unknown(found.processes)
    assert "0" not in unknown(found.processes), "a part says it, the whole does not repeat it"


# --- text, and machines of other makers ---------------------------------------------------------------------------


async def test_text_without_a_line_end_is_shown(person: Person, tmp_path: Path) -> None:
    with pytest.raises(SshError, match=r"fails \(exit status 3\): no nvidia gpu here"):
        await seen(person, tmp_path / "bin", smi.NO_LINE_END)


@pytest.mark.parametrize(
    ("makers", "words"),
    [
        (("rocm-smi",), "accelerators of AMD"),
        (("npu-smi",), "accelerators of Huawei Ascend"),
        (("npu-smi", "amd-smi"), "accelerators of AMD and Huawei Ascend"),
    ],
)
@pytest.mark.parametrize("machine", [smi.SILENT, smi.NO_LIBRARY, smi.NO_DRIVER])
async def test_machines_of_other_makers_get_no_advice_about_nvidia(
    person: Person, tmp_path: Path, makers: tuple[str, ...], words: str, machine: Machine
) -> None:
    with pytest.raises(SshError) as caught:
        await seen(person, tmp_path / "bin", Machine(machine.name, machine.status, makers=makers))
    assert words in caught.value.message
    assert "toolkit" not in str(caught.value)


# --- commands that do not end -------------------------------------------------------------------------------------


def test_each_program_has_a_limit_and_no_stdin() -> None:
    command = query.probe_command(Question(mig=True, pids=(1,)))
    assert 'l="timeout -k 2 15"' in command
    assert command.count("$l nvidia-smi") == command.count("nvidia-smi") == 4
    assert command.count("</dev/null 2>&1") >= 5
    assert query.time_limit(command) > 4 * 8, "one that takes 8 s a call gives figures"


async def test_one_that_hangs_is_ended_on_its_host_and_no_other_is_started(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "CALL_SECONDS", 1)
    mark = tmp_path / "hangs"
    machine = Machine("silent", first=f"cat {mark}")
    os.mkfifo(mark)
    async with logged_into(person, tmp_path / "bin", machine) as (server, connection):
        with pytest.raises(SshError, match="gave no answer within 15s"):
            await look(connection)
        assert len(server.calls()) == 1, "after the first call that hangs there is no second"
        assert _running(str(mark)) == 0


def _running(words: str) -> int:
    listed = subprocess.run(["pgrep", "-fc", f"^cat {words}"], capture_output=True, text=True, check=False)
    return int(listed.stdout or 0)


class HangingServer(Server):
    """Prints ``says`` and does not end before ``released``."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.says = says
        self.commands: list[str] = []
        self.released = asyncio.Event()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        self.commands.append(process.command or "")
        process.stdout.write(self.says.encode())
        await self.released.wait()
        return 0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_SHELL_SECONDS", 0.2)
    monkeypatch.setattr(query, "time_limit", lambda command: 0.2)


@pytest.mark.usefixtures("impatient")
async def test_while_the_last_probe_is_running_no_new_one_starts(person: Person) -> None:
    async with HangingServer("\n@gputui shell 4242\n\n@gputui begin gpus\n") as server:
        connection = await person.connect(server.port)

        @asynccontextmanager
        async def lease(_: Instance) -> AsyncIterator[Connection]:
            yield connection

        read = GpuReader(lease, lambda: AT)
        with pytest.raises(SshError, match="nvidia-smi in train-1 gave no answer"):
            await read(TRAIN)
        for _ in range(5):
            with pytest.raises(SshError, match="has not ended yet: no further one is started"):
                await read(TRAIN)
        assert isinstance(server, HangingServer)
        assert len(server.commands) == 1
        server.released.set()
        for _ in range(100):
            await asyncio.sleep(0)
            if await read._unended.is_there(connection) is False:
                break
        with pytest.raises(SshError):
            await read(TRAIN)
        assert len(server.commands) == 2, "it has ended: the next look is made"


@pytest.mark.usefixtures("impatient")
async def test_over_another_connection_the_process_itself_is_looked_for(person: Person) -> None:
    async with HangingServer("\n@gputui shell 4242\n") as server:
        connections = [await person.connect(server.port), await person.connect(server.port)]

        @asynccontextmanager
        async def lease(_: Instance) -> AsyncIterator[Connection]:
            yield connections[0]

        read = GpuReader(lease, lambda: AT)
        with pytest.raises(SshError, match="gave no answer"):
            await read(TRAIN)
        await connections.pop(0).close()
        assert isinstance(server, HangingServer)
        server.says = "1\n"
        server.released.set()
        with pytest.raises(SshError, match="has not ended yet"):
            await read(TRAIN)
        assert "/proc/4242/cmdline" in server.commands[-1]
        server.says = "0\n"
        with pytest.raises(SshError, match="runs no command"):
            await read(TRAIN)
        assert "nvidia-smi" in server.commands[-1]


@pytest.mark.usefixtures("impatient")
async def test_a_shell_that_starts_nothing_is_not_taken_for_a_hanging_driver(person: Person) -> None:
    async with HangingServer("Welcome!\n") as server:
        with pytest.raises(SshError) as caught:
            await look(await person.connect(server.port))
    assert "The shell of train-1 did not start a command" in caught.value.message
    assert "~/.bashrc" in caught.value.hint
    assert "driver" not in str(caught.value)
