"""GPUs read over SSH: recorded answers of nvidia-smi, replayed by a real shell behind a real connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from gputui.accelerators.nvidia.mig import mig_gpus
from gputui.accelerators.nvidia.query import Question
from gputui.errors import SshError
from gputui.models import GpuDevice, GpuReading, Instance, Ref
from gputui.ssh.client import Connection
from gputui.ssh.nvidia.reader import GpuReader, read_gpus
from tests.ssh.conftest import Person
from tests.ssh.nvidia import smi
from tests.ssh.nvidia.smi import AT, RECORDED, TRAIN, Machine
from tests.ssh.servers import Server

MIB = 2**20
OWN_COMMAND = " ".join(Path("/proc/self/cmdline").read_text().split("\0")).strip()


class ShellServer(Server):
    """Hands each command to a real shell, which finds its programs in ``place`` first."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        self.place = place
        self.commands: list[str] = []
        self.says = ""
        self.cut_at: int | None = None

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        assert process.command is not None
        self.commands.append(process.command)
        if self.says.startswith("only "):
            process.stdout.write(self.says.removeprefix("only ").encode())
            return 1
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            process.command,
            env={**os.environ, "PATH": f"{self.place}:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await shell.communicate()
        process.stdout.write((self.says.encode() + output)[: self.cut_at])
        return shell.returncode or 0

    def calls(self) -> list[str]:
        """The programs that were run since the last time."""
        path = self.place / "calls"
        lines = path.read_text().splitlines()
        path.write_text("")
        return lines


@asynccontextmanager
async def logged_into(person: Person, place: Path, machine: Machine) -> AsyncIterator[tuple[ShellServer, Connection]]:
    machine.install(place)
    server = ShellServer(place)
    async with server:
        yield server, await person.connect(server.port)


async def look(connection: Connection, question: Question | None = None) -> tuple[GpuReading, Question]:
    return await read_gpus(connection, TRAIN, question or Question(), lambda: AT)


async def seen(person: Person, place: Path, machine: Machine) -> GpuReading:
    async with logged_into(person, place, machine) as (_, connection):
        return (await look(connection))[0]


def only(reading: GpuReading) -> GpuDevice:
    (device,) = reading.devices
    return device


# --- driver generations -------------------------------------------------------------------------------------------


async def test_a_gpu_has_all_its_figures_and_its_processes_all_of_theirs(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.RTX_470)
    gpu = only(found)
    assert gpu.ref == Ref("hub", "gpu", "53a-f9-1:0")
    assert (gpu.host, gpu.index, gpu.model) == ("train-1", 0, "RTX 3090")
    assert (gpu.memory_total, gpu.memory_used, gpu.process_count) == (24268 * MIB, 9412 * MIB, 2)
    assert (gpu.through, gpu.uuid[:8], gpu.problem) == (TRAIN.ref, "GPU-b7a4", None)
    assert gpu.sample is not None
    assert (gpu.sample.at, gpu.sample.utilization, gpu.sample.power) == (AT, 100, 348.92)
    assert (gpu.sample.temperature, gpu.sample.fan) == (74, 81)
    first, second = found.processes
    assert first.ref == Ref("hub", "process", "53a-f9-1:0:5120")
    assert (first.instance, first.instance_name, first.inside) == (TRAIN.ref, "train-1", True)
    assert (first.gpu_index, first.pid, first.gpu_memory_used) == (0, 5120, 9401 * MIB)
    assert first.command == "python3.9 -m vllm.entrypoints.api_server"
    assert (first.uptime, first.memory_used) == (812, 3670016 * 1024)
    assert second.gpu_memory_used is None, "[N/A] is not a figure"


async def test_a_driver_from_before_mig_is_asked_without_it_and_never_with_it_again(
    person: Person, tmp_path: Path
) -> None:
    async with logged_into(person, tmp_path / "bin", smi.V100_418) as (server, connection):
        found, question = await look(connection)
        assert [gpu.process_count for gpu in found.devices] == [1, 0]
        assert found.devices[0].sample is not None
        assert found.devices[0].sample.fan is None
        assert found.processes[0].command.startswith("python train.py")
        server.commands.clear()
        await look(connection, question)
        assert len(server.commands) == 1
        assert "mig.mode" not in server.commands[0]


@pytest.mark.parametrize(
    ("machine", "errors"),
    [(smi.HOPPER_550, [0, 2, *[0] * 6]), (smi.RTX_470, [None]), (smi.OLD_CARD, [None]), (smi.SPARK_580, [None])],
)
async def test_memory_errors_are_counted_where_there_is_ecc_and_unknown_elsewhere(
    person: Person, tmp_path: Path, machine: smi.Machine, errors: list[int | None]
) -> None:
    found = await seen(person, tmp_path / "bin", machine)
    assert [gpu.ecc_errors for gpu in found.devices] == errors


async def test_an_older_name_of_a_field_is_used_and_a_comma_in_a_path_is_part_of_it(
    person: Person, tmp_path: Path
) -> None:
    found = await seen(person, tmp_path / "bin", smi.K80_390)
    (process,) = found.processes
    assert process.command == "/opt/a, b/python"
    assert process.gpu_memory_used == 204 * MIB


async def test_a_laptop_without_fan_and_power_is_fine(person: Person, tmp_path: Path) -> None:
    gpu = only(await seen(person, tmp_path / "bin", smi.LAPTOP_525))
    assert gpu.problem is None
    assert gpu.sample is not None
    assert (gpu.sample.power, gpu.sample.fan, gpu.sample.temperature) == (None, None, 44)
    assert gpu.process_count == 0


async def test_eight_gpus_have_their_own_processes(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.HOPPER_550)
    assert [gpu.index for gpu in found.devices] == list(range(8))
    assert [gpu.process_count for gpu in found.devices] == [1] * 7 + [0]
    assert [(process.gpu_index, process.pid) for process in found.processes] == [(i, 4000 + i) for i in range(7)]
    assert found.processes[3].command.endswith("--local-rank 3")


async def test_what_works_unseen_does_not_make_a_gpu_idle(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.IN_CONTAINER)
    assert [process.pid for process in found.processes] == [None]
    assert only(found).process_count is None


async def test_wsl_reports_neither_name_nor_memory_of_a_process(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.WSL)
    (process,) = found.processes
    assert (process.pid, process.gpu_memory_used) == (4127, None)
    assert only(found).process_count == 1


async def test_a_card_that_reports_no_processes_has_an_unknown_number_of_them(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.OLD_CARD)
    assert [process.pid for process in found.processes] == [None]
    assert only(found).process_count is None
    assert only(found).problem is None


async def test_the_problem_of_a_gpu_is_in_its_row(person: Person, tmp_path: Path) -> None:
    fan, reset, lost = (await seen(person, tmp_path / "bin", smi.BROKEN)).devices
    assert fan.problem == "the driver does not report: power draw, fan speed"
    assert fan.memory_total == 11264 * MIB
    assert "needs a reset" in str(reset.problem)
    assert reset.memory_total is None
    assert (lost.index, "is lost" in str(lost.problem)) == (2, True)


async def test_a_warning_among_the_figures_is_ignored(person: Person, tmp_path: Path) -> None:
    gpu = only(await seen(person, tmp_path / "bin", smi.CORRUPT_ROM))
    assert (gpu.memory_used, gpu.problem) == (2 * MIB, None)


# --- divided GPUs -------------------------------------------------------------------------------------------------


async def test_a_divided_gpu_has_a_row_for_each_part_and_processes_are_on_theirs(
    person: Person, tmp_path: Path
) -> None:
    async with logged_into(person, tmp_path / "bin", smi.A100_MIG) as (server, connection):
        found, question = await look(connection)
        whole, large, small, other = found.devices
        assert whole.ref.id == "53a-f9-1:0"
        assert whole.sample is not None
        assert (whole.sample.utilization, whole.process_count, whole.mig) == (None, 2, "")
        assert (large.ref.id, large.mig, large.index) == ("53a-f9-1:0.2", "3g.40gb #2", 0)
        assert (large.memory_total, large.memory_used) == (40192 * MIB, 9046 * MIB), "not its BAR1 aperture's"
        assert (small.ref.id, small.mig) == ("53a-f9-1:0.7", "1g.10gb #7")
        assert small.uuid.startswith("MIG-41b3359c")
        assert (large.process_count, small.process_count) == (1, 1)
        assert (other.index, other.mig, other.process_count) == (1, "", 0)
        assert [process.ref.id for process in found.processes] == ["53a-f9-1:0.2:3007", "53a-f9-1:0.7:3011"]
        assert {process.gpu_index for process in found.processes} == {0}
        server.commands.clear()
        again, _ = await look(connection, question)
        assert again == found
        assert len(server.commands) == 1, "what was found out is asked for at once the next time"


def test_two_compute_instances_of_one_gpu_instance_stay_two_rows() -> None:
    xml = (RECORDED / "a100-mig.xml.txt").read_text()
    second = xml.replace("<gpu_instance_id>7<", "<gpu_instance_id>2<").replace(
        "<compute_instance_id>0</compute_instance_id>\n\t\t\t\t<fb",
        "<compute_instance_id>1</compute_instance_id>\n<fb",
    )
    (gpu,) = mig_gpus((RECORDED / "mig-450.listed.txt").read_text(), second).values()
    assert [(part.gpu_instance, part.compute_instance, part.profile) for part in gpu.devices] == [
        (2, 0, "1c.3g.20gb"),
        (2, 1, "1c.3g.20gb"),
    ]


# --- one command a look -------------------------------------------------------------------------------------------


async def test_a_look_is_one_command_once_the_processes_are_known(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.RTX_470) as (server, connection):
        _, question = await look(connection)
        assert len(server.commands) == 2
        server.commands.clear()
        server.calls()
        found, question = await look(connection, question)
        assert len(server.commands) == 1
        assert [call.split("=")[0] for call in server.calls()] == [
            "nvidia-smi --query-gpu",
            "nvidia-smi --query-compute-apps",
            "ps",
        ]
        assert found.processes[0].command == "python3.9 -m vllm.entrypoints.api_server"


@pytest.mark.parametrize("ps", ["busybox", "none"])
async def test_without_a_ps_that_helps_proc_is_read(person: Person, tmp_path: Path, ps: str) -> None:
    # This very process is used as the one on the GPU: its /proc is a real one.
    machine = Machine("blackwell-570", ps=ps)
    async with logged_into(person, tmp_path / "bin", machine) as (server, connection):
        apps = server.place / "apps"
        apps.write_text(apps.read_text().replace("4120", str(os.getpid())))
        found, question = await look(connection)
        (process,) = found.processes
        assert process.command == OWN_COMMAND
        assert process.uptime is not None
        assert 0 <= process.uptime < 86400
        assert process.memory_used is not None
        assert process.memory_used > MIB
        server.commands.clear()
        await look(connection, question)
        assert len(server.commands) == 1
        assert "ps -ww" not in server.commands[0]


async def test_a_process_unknown_to_the_host_keeps_the_figures_of_the_driver(person: Person, tmp_path: Path) -> None:
    found = await seen(person, tmp_path / "bin", smi.BLACKWELL_570)
    (process,) = found.processes
    assert (process.command, process.uptime) == ("python", None)


async def test_processes_that_are_all_gone_by_then_are_no_reason_to_do_without_ps(
    person: Person, tmp_path: Path
) -> None:
    machine = Machine("rtx-470", processes={})
    async with logged_into(person, tmp_path / "bin", machine) as (_, connection):
        assert (await look(connection))[1].ps


async def test_a_reader_keeps_what_it_found_out(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.V100_418) as (server, connection):

        @asynccontextmanager
        async def lease(_: Instance) -> AsyncIterator[Connection]:
            yield connection

        read = GpuReader(lease, lambda: AT)
        await read(TRAIN)
        server.commands.clear()
        await read(TRAIN)
        assert len(server.commands) == 1


# --- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (smi.NO_DEVICES, "has no GPU"),
        (smi.NO_DRIVER, "does not reach the NVIDIA driver"),
        (smi.MISMATCH, "driver of the host was updated"),
        (smi.NO_CGROUP, "has lost its GPUs"),
        (smi.NO_RIGHTS, "may not use nvidia-smi"),
        (smi.NO_LIBRARY, "libnvidia-ml is missing"),
        (smi.LOST, "has lost a GPU"),
        (smi.SILENT, "printed nothing (exit status 3)"),
        (smi.STRANGE, "fails (exit status 137): Killed"),
    ],
)
async def test_why_nothing_can_be_read_is_said_with_a_way_out(
    person: Person, tmp_path: Path, machine: Machine, words: str
) -> None:
    with pytest.raises(SshError) as caught:
        await seen(person, tmp_path / "bin", machine)
    assert words in caught.value.message
    assert "train-1" in caught.value.message
    assert caught.value.hint


async def test_no_nvidia_smi_is_said(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.SILENT) as (server, connection):
        (server.place / "nvidia-smi").unlink()
        with pytest.raises(SshError, match="There is no nvidia-smi in train-1"):
            await look(connection)


async def test_one_that_may_not_be_run_is_said(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.SILENT) as (server, connection):
        (server.place / "nvidia-smi").chmod(0o644)
        with pytest.raises(SshError, match="may not use nvidia-smi"):
            await look(connection)


async def test_a_shell_that_runs_nothing_is_quoted(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.RTX_470) as (server, connection):
        server.says = 'only Please login as the user "ubuntu" rather than the user "root".\n'
        with pytest.raises(SshError, match="runs no command over SSH: it says 'Please login as"):
            await look(connection)
        server.says = "only "
        with pytest.raises(SshError, match="answers nothing"):
            await look(connection)


async def test_a_greeting_before_the_answer_does_no_harm(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.RTX_470) as (server, connection):
        server.says = "\x1b[1mWelcome, 0, GPU-x, to this machine\r\nno line end"
        assert only((await look(connection))[0]).model == "RTX 3090"


async def test_an_answer_that_breaks_off_is_not_taken_for_the_whole(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.HOPPER_550) as (server, connection):
        server.cut_at = 300
        with pytest.raises(SshError, match="is incomplete"):
            await look(connection)


async def test_a_connection_that_is_gone_is_said(person: Person, tmp_path: Path) -> None:
    async with logged_into(person, tmp_path / "bin", smi.RTX_470) as (server, connection):
        server.drop()
        await connection.wait_closed()
        with pytest.raises(SshError):
            await look(connection)
