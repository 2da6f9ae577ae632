"""Hosts over SSH: rows, failures of single hosts, pace."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gputui.errors import ConfigError
from gputui.fleet.feed_health import incomplete
from gputui.models import (
    Action,
    PartialRows,
    Phase,
    Ref,
    SSHTarget,
)
from tests.api.ssh.hosts import host_of
from tests.api.ssh.remote import (
    FakeRemote,
    Machine,
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
        problem = f"no name in {home}/.ssh/config matches gpx*: correct hosts under [accounts.own]"
        for resource, read in backend.listers.items():
            rows = await read()
            assert not isinstance(rows, PartialRows), f"the file was read: no {resource} are missing"
        assert [row.name for row in await backend.instances()] == ["gpu01"]
        assert (backend.config_problems, (await backend.identify()).problems) == ((problem,), (problem,))
        openssh_config(home, "Host gpu01 gpx1\n")
        await backend.identify()
        assert not backend.config_problems, "a name that was added is found"

    async def test_hosts_of_a_pattern_whose_file_is_gone_are_missing_from_each_list(
        self, clock: FakeClock, home: Path
    ) -> None:
        openssh_config(home, "Host gpu01\n")
        backend = ssh_backend(FakeRemote({"gpu01": Machine(), "10.0.0.1": Machine()}), clock, "gpu0?", "10.0.0.1")
        before = {resource: await read() for resource, read in backend.listers.items()}
        (home / ".ssh" / "config").unlink()
        backend.forget()
        for resource, old in before.items():
            rows = await backend.listers[resource]()
            left = {row.ref for row in old} - {row.ref for row in rows}
            lacking = incomplete("own", resource, rows)
            assert left or not old
            assert lacking is not None and not lacking.all_named, "how many are left out is not known"
            assert isinstance(rows, PartialRows)
            assert all(rows.missing[0].may_be(ref) for ref in left), "none of them is reported as gone"
            assert not rows.missing[0].may_be(Ref("own", "host", "10.0.0.1"))

    async def test_patterns_that_match_nothing_are_an_error_that_names_the_file(
        self, clock: FakeClock, home: Path
    ) -> None:
        openssh_config(home, "Host web\n")
        with pytest.raises(ConfigError, match=rf"no name in {re.escape(str(home))}/.ssh/config matches gpu\*"):
            await ssh_backend(FakeRemote({}), clock, "gpu*").identify()
