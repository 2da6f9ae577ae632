"""Hosts over SSH: rows, failures of single hosts, pace."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.api.ssh import looks
from gputui.api.ssh.backend import SshBackend
from gputui.errors import ConfigError, SshError, UnreachableError
from gputui.models import (
    Action,
    Instance,
    Missing,
    PartialRows,
    Phase,
    Ref,
    RemoteOutput,
    SSHTarget,
)
from tests.api.ssh.remote import (
    BOOT,
    NEXT_BOOT,
    FakeRemote,
    Machine,
    answer,
    gpus_part,
    host_part,
    openssh_config,
    ssh_backend,
)
from tests.fleet.fakes import FakeClock

GIB = 2**30
CONTAINER = "3f" * 32
INSPECTED = {
    "id": CONTAINER,
    "name": "/vllm",
    "image": "vllm/vllm-openai:v0.6.3",
    "status": "running",
    "pid": 4000,
    "created": "2026-02-01T08:00:00.123456789Z",
    "started": "2026-02-01T08:00:01Z",
    "finished": "0001-01-01T00:00:00Z",
    "ports": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8000"}, {"HostIp": "::", "HostPort": "8000"}]},
    "gpus": [{"Driver": "", "Count": 0, "DeviceIDs": ["1"], "Capabilities": [["gpu"]]}],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def host_of(backend: SshBackend, name: str = "gpu01") -> Instance:
    backend.forget()
    return next(row for row in await backend.instances() if row.ref == Ref("own", "host", name))


async def waited_for(backend: SshBackend, clock: FakeClock) -> Sequence[Instance]:
    """The list when the time for slow hosts is over."""
    listed = asyncio.ensure_future(backend.instances())
    while not clock.sleeping:  # noqa: ASYNC110  (the thread that reads the configuration has no event)
        await asyncio.sleep(0)
    await clock.advance(8)
    return await listed


class TestRows:
    async def test_hosts_are_named_without_a_look(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        assert backend.named_instances is not None
        (row,) = await backend.named_instances()
        assert (row.name, row.phase, row.ssh, remote.scripts) == (
            *("gpu01", Phase.UNKNOWN, SSHTarget("gpu01", 22, "", alias="gpu01"), []),
        )

    async def test_a_host_has_what_its_own_programs_say(self, clock: FakeClock) -> None:
        (row,) = await ssh_backend(FakeRemote({"gpu01": Machine()}), clock).instances()
        assert (row.name, row.phase, row.status, row.problem) == ("gpu01", Phase.RUNNING, "up", None)
        assert (row.gpu_count, row.gpu_model, row.cpu_count) == (2, "H100 SXM 80G", 64)
        assert (row.memory_limit, row.disk_size) == (500 * GIB, 1_024_000_000)
        assert (row.host, row.aliases) == ("gpu01", ("gpu-node-1",))
        assert row.started_at is not None
        assert (clock.now() - row.started_at).total_seconds() == 86400
        assert row.machine is not None
        assert (row.machine.load, row.machine.users) == ((2.13, 2.42, 2.51), ("alice", "bob"))
        assert (row.machine.kernel, row.machine.driver, row.machine.cuda) == ("6.8.0-45-generic", "550.54.14", "12.4")
        assert (row.machine.home_used, row.machine.home_size) == (102_400_000, 9_216_000_000)

    async def test_one_look_serves_every_list(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine().with_parts(apps="GPU-1, 4000, python3, 900")})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        gpus, processes, offers = await backend.gpus(), await backend.processes(), await backend.stock()
        assert len(remote.scripts) == 1
        assert [(gpu.index, gpu.process_count) for gpu in gpus] == [(0, 0), (1, 1)]
        assert [(one.pid, one.instance) for one in processes] == [(4000, Ref("own", "host", "gpu01"))]
        assert [(offer.region, offer.idle, offer.total) for offer in offers] == [("gpu01", 1, 2)]

    async def test_a_process_has_its_user_and_the_container_it_runs_in(self, clock: FakeClock) -> None:
        machine = Machine().with_parts(
            apps="GPU-1, 4000, python3, 900\nGPU-0, 4001, python3, 10",
            ps="   4000  3600 2048 vllm serve --api-key=hunter2222\n   4001 60 1024 train.py",
            owners="/proc/4000 root\n/proc/4001 bob",
            cgroups=f"/proc/4000/cgroup:0::/system.slice/docker-{CONTAINER}.scope\n/proc/4001/cgroup:0::/user.slice",
            docker=json.dumps(INSPECTED),
        )
        backend = ssh_backend(FakeRemote({"gpu01": machine}), clock)
        vllm, train = await backend.processes()
        assert (vllm.user, vllm.instance_name, vllm.instance) == (
            "root",
            "gpu01/vllm",
            Ref("own", "container", "gpu01/vllm"),
        )
        assert (vllm.uptime, vllm.memory_used, vllm.inside) == (3600.0, 2048 * 1024, False)
        assert "hunter2222" not in vllm.command
        assert (train.user, train.instance_name, train.command) == ("bob", "gpu01", "train.py")
        assert [gpu.instances for gpu in await backend.gpus()] == [("gpu01",), ("gpu01/vllm",)]

    async def test_a_container_is_entered_through_its_host(self, clock: FakeClock) -> None:
        machine = Machine().with_parts(docker=json.dumps(INSPECTED))
        backend = ssh_backend(FakeRemote({"bob@10.0.0.9:2222": machine}), clock)
        host, row = await backend.instances()
        assert (row.ref.id, row.parent, row.phase) == ("bob@10.0.0.9:2222/vllm", host.ref, Phase.RUNNING)
        assert (row.gpu_indices, row.gpu_model) == ((1,), "H100 SXM 80G")
        assert [(port.host_port, port.instance_port) for port in row.ports] == [(8000, 8000)]
        assert row.ssh == SSHTarget(
            "10.0.0.9", 2222, "bob", alias="bob@10.0.0.9:2222", enter=("docker", CONTAINER), host_row=host.ref
        )
        assert (row.stopped_at, row.started_at is not None) == (None, True)
        assert backend.actions(row) == {Action.SSH}
        assert backend.actions(replace(row, phase=Phase.STOPPED)) == frozenset()
        assert await backend.ssh_target(row.ref) == row.ssh

    async def test_a_divided_gpu_is_one_gpu_of_its_host(self, clock: FakeClock) -> None:
        recorded = Path(__file__).parents[2] / "ssh" / "nvidia" / "recorded"
        parts = {"gpus": "gpus", "apps": "apps", "parts": "listed", "mig": "xml"}
        texts = {part: (recorded / f"a100-mig.{file}.txt").read_text() for part, file in parts.items()}
        backend = ssh_backend(FakeRemote({"gpu01": Machine().with_parts(**texts)}), clock)
        assert (await host_of(backend)).gpu_count == 2
        assert [(offer.idle, offer.total) for offer in await backend.stock()] == [(1, 2)]

    async def test_users_are_unknown_where_the_system_keeps_no_list_of_them(self, clock: FakeClock) -> None:
        quiet = Machine().with_parts(who="")
        blind = quiet.with_parts(host=host_part() + "\nno utmp")
        backend = ssh_backend(FakeRemote({"quiet": quiet, "blind": blind}), clock)
        assert [row.machine and row.machine.users for row in await backend.instances()] == [(), None]

    async def test_impossible_figures_are_unknown(self, clock: FakeClock) -> None:
        machine = Machine().with_parts(
            host=host_part(uptime=float("nan"), load="nan inf 1e999").replace("cpus 64", f"cpus {'9' * 400}"),
            gpus=gpus_part().replace("81559", "9" * 40),
            root=f"x\n/dev/sda1 {'9' * 30} 4 6 40% /",
        )
        row = await host_of(ssh_backend(FakeRemote({"gpu01": machine}), clock))
        assert (row.cpu_count, row.started_at, row.disk_size, row.gpu_memory) == (None, None, None, None)
        assert row.machine is not None
        assert row.machine.load == ()


NVIDIA_ON_PCI, AMD_ON_PCI = "0x10de 0x030200", "0x1002 0x038000"
NO_DRIVER = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."


def amd_parts() -> dict[str, str]:
    """What AMD's tools print on a machine with two GPUs, of which a process uses the first."""
    recorded = Path(__file__).parents[2] / "accelerators" / "recorded"
    return {"rocm": (recorded / "mi250x.rocm.json").read_text(), "kfd": (recorded / "mi250x.kfd.txt").read_text()}


class TestMakers:
    async def test_gpus_of_two_makers_are_all_listed_with_numbers_of_their_own(self, clock: FakeClock) -> None:
        machine = Machine().with_parts(apps="GPU-1, 4000, python3, 900", **amd_parts())
        backend = ssh_backend(FakeRemote({"gpu01": machine}), clock)
        row = await host_of(backend)
        assert (row.gpu_count, row.gpu_model, row.problem) == (4, "H100 SXM 80G, MI250X/MI250", None)
        assert row.machine is not None
        assert row.machine.driver == "550.54.14, 6.2.4"
        assert [(gpu.index, gpu.process_count) for gpu in await backend.gpus()] == [(0, 0), (1, 1), (2, 1), (3, 0)]
        assert [(one.gpu_index, one.pid) for one in await backend.processes()] == [(1, 4000), (2, 28389)]
        assert [(offer.gpu_model, offer.idle, offer.total) for offer in await backend.stock()] == [
            ("H100 SXM 80G", 1, 2),
            ("MI250X/MI250", 1, 2),
        ]

    @pytest.mark.parametrize(
        ("pci", "problem", "numbers"),
        [
            (f"{AMD_ON_PCI}\n{AMD_ON_PCI}", None, [0, 1]),
            (f"{NVIDIA_ON_PCI}\n{AMD_ON_PCI}", "nvidia-smi in gpu01 does not reach the NVIDIA driver.", [1, 2]),
        ],
    )
    async def test_a_driver_that_fails_counts_where_the_machine_has_a_gpu_of_its_maker(
        self, clock: FakeClock, pci: str, problem: str | None, numbers: list[int]
    ) -> None:
        machine = Machine(statuses={"gpus": 9}).with_parts(gpus=NO_DRIVER, versions="", pci=pci, **amd_parts())
        backend = ssh_backend(FakeRemote({"gpu01": machine}), clock)
        row = await host_of(backend)
        assert (row.problem, row.gpu_count) == (problem, None if problem else 2)
        assert [gpu.index for gpu in await backend.gpus()] == numbers

    async def test_no_two_gpus_have_one_number_where_a_tool_leaves_one_out(self, clock: FakeClock) -> None:
        machine = Machine().with_parts(gpus=gpus_part(3).replace("0, GPU-0", "5, GPU-0"), **amd_parts())
        gpus = await ssh_backend(FakeRemote({"gpu01": machine}), clock).gpus()
        assert [gpu.index for gpu in gpus] == [1, 2, 5, 6, 7]

    async def test_gpus_that_no_tool_reads_are_unknown_and_not_none(self, clock: FakeClock) -> None:
        parts = {name: text for name, text in Machine().parts.items() if name not in ("gpus", "apps", "versions")}
        machines = {
            "gpu01": Machine(parts | {"pci": f"{NVIDIA_ON_PCI}\n{NVIDIA_ON_PCI}\n0x1a03 0x030000"}),
            "web": Machine(parts | {"pci": "0x1a03 0x030000"}),
        }
        gpu01, web = await ssh_backend(FakeRemote(machines), clock).instances()
        assert (gpu01.gpu_count, gpu01.problem) == (None, "gpu01 has 2 NVIDIA GPUs, but no nvidia-smi")
        assert (web.gpu_count, web.problem) == (0, None)

    async def test_a_tool_without_gpus_is_no_problem_on_a_machine_without_any(self, clock: FakeClock) -> None:
        machine = Machine(statuses={"gpus": 6}).with_parts(gpus="No devices were found", pci="0x1a03 0x030000")
        row = await host_of(ssh_backend(FakeRemote({"jump": machine}), clock), "jump")
        assert (row.gpu_count, row.problem) == (0, None)

    async def test_a_driver_that_fails_after_the_first_look_loses_no_gpu(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine().with_parts(pci=f"{NVIDIA_ON_PCI}\n" * 2, **amd_parts())})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].parts["gpus"] = NO_DRIVER
        remote.machines["gpu01"].statuses["gpus"] = 9
        row = await host_of(backend)
        assert row.machine is not None
        assert (row.gpu_count, row.machine.gpus_lost) == (4, 0)


class TestStock:
    async def test_gpus_of_unknown_processes_are_not_idle_and_no_count_of_none(self, clock: FakeClock) -> None:
        unseen = Machine(statuses={"apps": 9}).with_parts(apps="Insufficient Permissions")
        busy = Machine().with_parts(gpus=f"{gpus_part(1, load=40)}\n{gpus_part(2).splitlines()[1]}")
        backend = ssh_backend(FakeRemote({"gpu01": unseen, "gpu02": busy}), clock)
        one, other = await backend.stock()
        assert (one.idle, one.problem) == (0, "their processes are unknown, so that none counts as idle")
        assert (other.idle, other.total, other.problem) == (1, 2, None)


class TestContainers:
    async def test_containers_of_both_engines_are_listed(self, clock: FakeClock) -> None:
        podman = {"Id": "ab" * 32, "Names": ["vllm"], "Image": "ollama", "State": "stopped"}
        machine = Machine().with_parts(docker=json.dumps(INSPECTED), podman=json.dumps([podman]))
        _, vllm, other = await ssh_backend(FakeRemote({"gpu01": machine}), clock).instances()
        assert (vllm.name, other.name, other.phase) == ("gpu01/vllm", "gpu01/podman:vllm", Phase.STOPPED)

    async def test_an_engine_that_refuses_the_user_is_named_on_the_host_alone(self, clock: FakeClock) -> None:
        refusal = (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
        )
        machine = Machine(statuses={"docker": 1}).with_parts(docker=refusal)
        rows = await ssh_backend(FakeRemote({"gpu01": machine}), clock).instances()
        assert not isinstance(rows, PartialRows)
        (row,) = rows
        assert row.machine is not None
        assert row.machine.containers_problem == "alice may not use docker (permission denied)"

    async def test_containers_are_unknown_and_not_gone_while_their_engine_fails(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine().with_parts(docker=json.dumps(INSPECTED))})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].parts["docker"] = "Cannot connect to the Docker daemon"
        remote.machines["gpu01"].statuses["docker"] = 1
        backend.forget()
        _, container = await backend.instances()
        assert (container.name, container.phase) == ("gpu01/vllm", Phase.UNKNOWN)
        assert container.problem == "gpu01/vllm was not listed: docker fails: Cannot connect to the Docker daemon"
        remote.machines["gpu01"].parts["docker"] = f"Error: No such container: {CONTAINER}"
        backend.forget()
        assert len(await backend.instances()) == 1


class TestFailures:
    async def test_one_host_that_cannot_be_reached_spoils_its_own_row_alone(self, clock: FakeClock) -> None:
        machines = {"gpu01": Machine(problem=UnreachableError("No answer from gpu01 in time.")), "gpu02": Machine()}
        backend = ssh_backend(FakeRemote(machines), clock)
        rows = await backend.instances()
        assert [(row.name, row.phase, row.status, row.problem) for row in rows] == [
            ("gpu01", Phase.UNKNOWN, "unreachable", "No answer from gpu01 in time."),
            ("gpu02", Phase.RUNNING, "up", None),
        ]
        assert not isinstance(rows, PartialRows)
        gpus = await backend.gpus()
        assert {gpu.host for gpu in gpus} == {"gpu02"}
        assert isinstance(gpus, PartialRows)
        assert gpus.missing == (Missing("No answer from gpu01 in time.", 0, "gpu", "gpu01:"),)

    async def test_a_host_that_disappears_keeps_its_gpus_without_figures(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].problem = UnreachableError("gpu01 refused the connection.")
        row = await host_of(backend)
        assert (row.status, row.gpu_count, row.cpu_count) == ("unreachable", 2, 64)
        assert row.machine is not None
        assert (row.machine.load, row.machine.users, row.machine.boot_id) == ((), None, BOOT)
        assert [(gpu.problem, gpu.sample) for gpu in await backend.gpus()] == [
            ("gpu01 refused the connection.", None)
        ] * 2
        assert [offer.idle for offer in await backend.stock()] == [0]

    @pytest.mark.parametrize(
        ("says", "status", "words"),
        [
            (b"This account is currently not available.\n", 1, "This account is currently not available."),
            (b"", 127, "exit status 127"),
            (b"\xff\x1b[31m\x00" * 100, 0, "does not run the script"),
            (b"@gputui shell 1\n@gputui begin host\n" * 1000, 0, "does not run the script"),
        ],
    )
    async def test_a_host_without_a_shell_is_told_from_one_that_is_off(
        self, clock: FakeClock, says: bytes, status: int, words: str
    ) -> None:
        backend = ssh_backend(FakeRemote({"gpu01": Machine(says=says, status=status)}), clock)
        row = await host_of(backend)
        assert (row.status, row.phase) == ("unknown", Phase.UNKNOWN)
        assert words in (row.problem or "")
        assert isinstance(await backend.instances(), PartialRows)
        assert "\x1b" not in (row.problem or "")

    async def test_a_host_whose_nvidia_smi_fails_is_up(self, clock: FakeClock) -> None:
        machine = Machine(statuses={"gpus": 9}).with_parts(gpus="NVIDIA-SMI has failed: driver not loaded", apps="")
        row = await host_of(ssh_backend(FakeRemote({"gpu01": machine}), clock))
        assert (row.phase, row.status, row.gpu_count) == (Phase.RUNNING, "up", None)
        assert row.problem == "nvidia-smi in gpu01 does not reach the NVIDIA driver."

    async def test_a_look_that_hangs_is_shown_as_far_as_it_came_and_not_repeated_while_it_runs(
        self, clock: FakeClock
    ) -> None:
        remote = FakeRemote({"gpu01": Machine(status=None)})
        backend = ssh_backend(remote, clock, timeout=30)
        row = await host_of(backend)
        assert (row.status, row.gpu_count) == ("up", 2)
        assert row.problem == "gpu01 did not answer everything within 30s"
        remote.machines["gpu01"].says = b"\n@gputui x busy\n"
        await clock.advance(10)
        await host_of(backend)
        assert "alive 4711 815 60815" in remote.scripts[1][1]

    async def test_a_failed_host_is_asked_less_often_until_the_user_asks(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(problem=SshError("Not logged into gpu01."))})
        backend = ssh_backend(remote, clock)
        for _ in range(10):
            await backend.instances()
            await clock.advance(10)
        assert len(remote.scripts) == 4
        await host_of(backend)
        assert len(remote.scripts) == 5

    async def test_a_login_of_the_user_ends_the_wait_for_that_host_alone(self, clock: FakeClock) -> None:
        remote = FakeRemote({name: Machine(problem=SshError("Not logged in.")) for name in ("gpu01", "gpu02")})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].problem = None
        assert backend.logged_in(Ref("own", "host", "gpu01"))
        assert [row.status for row in await backend.instances()] == ["up", "unknown"]
        assert [name for name, _ in remote.scripts] == ["gpu01", "gpu02", "gpu01"]
        assert not backend.logged_in(Ref("own", "host", "gpu01"))

    async def test_nothing_is_started_while_a_look_may_run_whose_connection_was_lost(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(status=None, lost=True)})
        backend = ssh_backend(remote, clock)
        row = await host_of(backend)
        assert (row.status, row.problem) == ("unreachable", "The connection to gpu01 was lost during a look.")
        await host_of(backend)
        assert "alive 4711 815 60815" in remote.scripts[1][1]

    async def test_a_slow_host_does_not_delay_the_others(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine(), "gpu02": Machine()})
        run, free = remote.run, asyncio.Event()

        async def slow(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            output = await run(target, script, timeout=timeout, limit=limit)
            if target.alias == "gpu01":
                await free.wait()
            return output

        remote.run = slow  # type: ignore[method-assign]  # one host is slow
        backend = ssh_backend(remote, clock)
        listed = await waited_for(backend, clock)
        assert [(row.status, row.problem) for row in listed] == [
            ("unknown", "gpu01 has not answered yet."),
            ("up", None),
        ]
        await clock.advance(10)
        await waited_for(backend, clock)
        assert [name for name, _ in remote.scripts] == ["gpu01", "gpu02", "gpu02"]
        free.set()
        assert (await host_of(backend)).status == "up"
        await backend.aclose()

    async def test_hosts_that_hang_take_no_place_from_others(
        self, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(looks, "SLOW_SECONDS", 0.01)
        remote = FakeRemote({f"gpu{number}": Machine() for number in range(looks.AT_ONCE + 1)})
        run, last = remote.run, f"gpu{looks.AT_ONCE}"
        answered = asyncio.Event()

        async def hang(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            if target.alias != last:
                await asyncio.Event().wait()
            answered.set()
            return await run(target, script, timeout=timeout, limit=limit)

        remote.run = hang  # type: ignore[method-assign]  # all but one hang
        backend = ssh_backend(remote, clock)
        listed = asyncio.ensure_future(backend.instances())
        await answered.wait()
        await clock.advance(8)
        assert [row.name for row in await listed if row.status == "up"] == [last]
        await backend.aclose()


class TestHosts:
    async def test_patterns_are_of_names_in_the_openssh_configuration(self, clock: FakeClock, home: Path) -> None:
        openssh_config(home, "Host gpu01 gpu02 gpu03\nHost web\nHost *\n  User alice\n")
        remote = FakeRemote({name: Machine() for name in ("gpu01", "gpu02", "10.0.0.9")})
        backend = ssh_backend(remote, clock, "gpu0*", "!gpu03", "10.0.0.9")
        assert [row.name for row in await backend.instances()] == ["gpu01", "gpu02", "10.0.0.9"]
        assert (await backend.ssh_target(Ref("own", "host", "gpu02"))).alias == "gpu02"

    async def test_a_name_with_colons_is_a_host_like_any_other(self, clock: FakeClock, home: Path) -> None:
        openssh_config(home, "Host ::1 my:host gpu01\n")
        remote = FakeRemote({name: Machine() for name in ("::1", "my:host", "gpu01")})
        rows = await ssh_backend(remote, clock, "*").instances()
        assert [(row.name, row.status, row.ssh and row.ssh.alias) for row in rows] == [
            (name, "up", name) for name in ("::1", "my:host", "gpu01")
        ]

    async def test_a_pattern_without_a_host_is_reported_next_to_the_others(
        self, clock: FakeClock, home: Path
    ) -> None:
        openssh_config(home, "Include more\n")
        (home / ".ssh" / "more").write_text("Host gpu01 gpu02\n")
        backend = ssh_backend(FakeRemote({"gpu01": Machine()}), clock, "gpu0*", "gpx*", "!gpu02", "gpu01")
        rows = await backend.instances()
        problem = f"no name in {home}/.ssh/config matches gpx*"
        assert isinstance(rows, PartialRows)
        assert ([row.name for row in rows], rows.problem) == (["gpu01"], problem)
        assert (await backend.identify()).problems == (problem,)

    async def test_patterns_that_match_nothing_are_an_error_that_names_the_file(
        self, clock: FakeClock, home: Path
    ) -> None:
        openssh_config(home, "Host web\n")
        with pytest.raises(ConfigError, match=rf"no name in {re.escape(str(home))}/.ssh/config matches gpu\*"):
            await ssh_backend(FakeRemote({}), clock, "gpu*").identify()


class TestBoots:
    async def test_a_gpu_that_disappears_without_a_boot_is_lost(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        remote.machines["gpu01"].parts["gpus"] = gpus_part(1)
        row = await host_of(backend)
        assert row.machine is not None
        assert (row.gpu_count, row.machine.gpus_lost) == (2, 1)
        remote.machines["gpu01"].parts["host"] = host_part(NEXT_BOOT)
        row = await host_of(backend)
        assert row.machine is not None
        assert (row.gpu_count, row.machine.gpus_lost, row.machine.boot_id) == (1, 0, NEXT_BOOT)

    async def test_the_versions_are_read_once_a_boot(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        backend = ssh_backend(remote, clock)
        await backend.instances()
        del remote.machines["gpu01"].parts["versions"]
        row = await host_of(backend)
        assert row.machine is not None
        assert row.machine.cuda == "12.4"
        assert ["part versions" in script for _, script in remote.scripts] == [True, False]

    async def test_an_old_nvidia_smi_is_asked_again_without_what_it_refuses(self, clock: FakeClock) -> None:
        remote = FakeRemote({"gpu01": Machine()})
        run = remote.run

        async def old(target: SSHTarget, script: str, *, timeout: float, limit: int = 2**20) -> RemoteOutput:
            if "mig.mode.current" in script:
                nonce = script.partition("m='@gputui ")[2].partition("'")[0]
                refusal = 'Field "mig.mode.current" is not a valid field to query.'
                parts = {**remote.machines["gpu01"].parts, "gpus": refusal}
                return RemoteOutput(0, answer(nonce, parts, {"gpus": 2}), b"")
            remote.machines["gpu01"].parts["gpus"] = gpus_part().replace(", Disabled", "")
            return await run(target, script, timeout=timeout, limit=limit)

        remote.run = old  # type: ignore[method-assign]  # an old nvidia-smi
        row = await host_of(ssh_backend(remote, clock))
        assert (row.gpu_count, row.problem) == (2, None)
