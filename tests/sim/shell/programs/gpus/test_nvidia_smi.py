"""What nvidia-smi and ps print inside simulated containers, queried as for charts."""

from __future__ import annotations

import re

import pytest

from gputui.sim.deepdock.default_world import build_dock
from gputui.sim.gpuhub.building import build_cloud
from gputui.sim.machines.clock import WorldClock
from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import MIB
from gputui.sim.machines.hosts import Host
from gputui.sim.machines.world import World
from gputui.sim.shell.logins import run_captured
from tests.sim.conftest import START, build_world
from tests.sim.deepdock.docks import QUIET
from tests.sim.gpuhub.clouds import HUB

FIELDS = (
    "index,uuid,name,pci.bus_id,driver_version,memory.total,memory.used,utilization.gpu,utilization.memory,"
    "power.draw,power.limit,temperature.gpu,fan.speed,mig.mode.current"
)
APPS = "--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory"


@pytest.fixture(scope="module")
def world() -> World:
    world = build_world(WorldClock(speed=0, start=START))
    build_dock(world, QUIET)
    return world


async def run(host: Host, pod: Pod | None, line: str) -> tuple[int, str]:
    """A command's status and what it writes, in a container or on the host itself."""

    status, text = await run_captured(host, pod, line, timeout=5)
    return status, text.replace("\r\n", "\n")


async def in_container(world: World, name: str, line: str) -> str:
    """What a command writes in a container of the DeepDock host."""
    host = world.hosts["dock"]
    return (await run(host, host.pods[name], line))[1]


async def test_all_a_chart_needs_comes_in_one_line_a_gpu(world: World) -> None:
    text = await in_container(world, "train-7b", f"nvidia-smi --query-gpu={FIELDS} --format=csv,noheader,nounits")
    first, second = (line.split(", ") for line in text.splitlines())
    assert first[0] == "0"
    assert re.fullmatch(r"GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first[1])
    assert first[2:6] == ["NVIDIA GeForce RTX 4090", "00000000:1A:00.0", "570.133.20", "24576"]
    assert all(float(value) > 0 for value in first[6:13])
    assert first[13] == "[N/A]"
    assert second[0] == "1"


async def test_a_container_counts_its_own_gpus_from_0(world: World) -> None:
    host = world.hosts["dock"]
    text = await in_container(world, "serve-qwen", "nvidia-smi -L; nvidia-smi --query-gpu=index,uuid --format=csv")
    uuid = host.gpus[2].uuid
    assert text == f"GPU 0: NVIDIA GeForce RTX 4090 (UUID: {uuid})\nindex, uuid\n0, {uuid}\n"
    assert (await in_container(world, "serve-qwen", "nvidia-smi")).count("RTX 4090") == 1


async def test_headings_name_the_units_and_figures_have_them(world: World) -> None:
    text = await in_container(world, "train-7b", "nvidia-smi -i 1 --query-gpu=memory.total,power.limit --format=csv")
    assert text == "memory.total [MiB], power.limit [W]\n24576 MiB, 450.00 W\n"


async def test_what_a_card_does_not_have_is_not_available(world: World) -> None:
    host = world.hosts["lab-b"]
    _, text = await run(host, None, "nvidia-smi --query-gpu=fan.speed,mig.mode.current --format=csv,noheader")
    assert text == "[N/A], Disabled\n" * len(host.gpus)


async def test_memory_errors_are_those_since_the_boot_and_not_available_without_ecc(world: World) -> None:
    query = "nvidia-smi --query-gpu=ecc.mode.current,ecc.errors.uncorrected.volatile.total --format=csv,noheader"
    host = world.hosts["lab-b"]
    host.system.ecc_errors[1] = 3
    _, text = await run(host, None, query)
    assert text.splitlines()[:2] == ["Enabled, 0", "Enabled, 3"]
    _, text = await run(world.hosts["dock"], None, query)
    assert set(text.splitlines()) == {"[N/A], [N/A]"}


async def test_a_container_sees_its_own_processes_only(world: World) -> None:
    host = world.hosts["dock"]
    ours = [process for process in host.processes.values() if process.pod == "finetune-lora"]
    host.spawn(host.pods["serve-qwen"], "python next-door.py", (4,), 512 * MIB)
    text = await in_container(world, "finetune-lora", f"nvidia-smi {APPS} --format=csv")
    heading, *rows = text.splitlines()
    assert heading == "gpu_uuid, pid, process_name, used_gpu_memory [MiB]"
    (process,) = ours
    used = (process.gpu_memory_at(START) or 0) // MIB
    assert rows == [f"{host.gpus[4].uuid}, {process.pid}, /opt/conda/bin/python, {used} MiB"]
    _, everything = await run(host, None, f"nvidia-smi {APPS} --format=csv,noheader")
    assert len(everything.splitlines()) == sum(len(one.gpus) for one in host.processes.values())


async def test_memory_that_the_driver_does_not_report_is_not_available(world: World) -> None:
    query = "nvidia-smi -i 0 --query-compute-apps=used_memory --format=csv,noheader,nounits"
    _, text = await run(world.hosts["lab"], None, query)
    assert "[N/A]" in text.splitlines()


async def test_no_gpu_no_answer_and_an_unknown_field_is_named(world: World) -> None:
    host = world.hosts["dock"]
    assert await run(host, host.pods["builder"], "nvidia-smi") == (6, "No devices were found\n")
    unknown = await run(host, host.pods["train-7b"], "nvidia-smi --query-gpu=colour --format=csv")
    assert unknown == (2, 'Field "colour" is not a valid field to query.\n')


async def test_running_containers_of_a_cloud_use_their_gpus(world: World) -> None:
    running = [one for one in build_cloud(world, HUB).containers.values() if one.pod is not None]
    assert len(running) > 15
    for container in running:
        assert container.machine.host is not None
        gpus = "nvidia-smi --query-gpu=index,memory.used,utilization.gpu --format=csv,noheader,nounits"
        apps = f"nvidia-smi {APPS} --format=csv,noheader"
        _, text = await run(container.machine.host, container.pod, f"{gpus}; {apps}")
        lines = text.splitlines()
        count = len(container.gpu_ids)
        assert len(lines) == 2 * count
        assert [line.split(", ")[0] for line in lines[:count]] == [str(number) for number in range(count)]
        assert all(int(figure) > 0 for line in lines[:count] for figure in line.split(", ")[1:])
        assert not any("sleep" in line for line in lines)


async def test_ps_prints_chosen_columns_of_chosen_processes(world: World) -> None:
    host = world.hosts["dock"]
    process = next(one for one in host.processes.values() if one.pod == "notebook")
    line = f"ps -o pid=,etimes=,rss=,args= -p 1,{process.pid},99999"
    first, second = (await in_container(world, "notebook", line)).splitlines()
    assert re.fullmatch(r" +1 +\d+ +9000 sshd: .*", first)
    pid, age, resident, *args = second.split()
    assert (int(pid), int(age)) == (process.pid, 26 * 60)
    assert int(resident) == process.memory_at(START) // 1024
    assert " ".join(args) == process.command


async def test_ps_heads_its_columns_and_knows_other_containers_processes_not(world: World) -> None:
    host = world.hosts["dock"]
    text = await in_container(world, "builder", "ps -e -o pid,user,comm")
    assert text == "    PID USER     COMMAND\n      1 root     sshd\n   4711 dock     bash\n"
    stranger = next(iter(host.processes))
    assert await run(host, host.pods["builder"], f"ps -o pid= -p {stranger}") == (1, "")
    assert (await run(host, None, f"ps -o pid= -p {stranger}"))[0] == 0


@pytest.mark.parametrize("line", ["ps -o colour", "ps -p x", "ps -p"])
async def test_ps_says_what_it_cannot_do(world: World, line: str) -> None:
    status, text = await run(world.hosts["lab"], None, line)
    assert status == 1
    assert text.startswith("error: ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nope 2>/dev/null || echo none", "none\n"),
        ("command -v nvidia-smi >/dev/null 2>&1 && echo there", "there\n"),
        ("command -v nope || echo none", "none\n"),
        ("which ps", "/usr/bin/ps\n"),
        ("hostname 2> /dev/null; echo no >/dev/null; echo $$ </dev/null", "train-7b\n4711\n"),
        ("ls /nowhere 2>/dev/null; cat /nowhere 2>/dev/null || echo $?", "1\n"),
        ('sh -c \'A="x y"; B=; $B echo "$A"; [ "$A" = "x y" ] && exit 3; echo no\' || echo $?', "x y\n3\n"),
        ("ls -d /dev/kfd /workspace", "ls: cannot access '/dev/kfd': No such file or directory\n/workspace\n"),
        ("nope 2>&1 && echo yes || echo no", "bash: nope: command not found\nno\n"),
    ],
)
async def test_commands_can_be_joined_and_silenced(world: World, line: str, expected: str) -> None:
    assert await in_container(world, "train-7b", line) == expected
