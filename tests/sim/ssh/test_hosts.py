"""Simulated hosts as a client of OpenSSH's configuration sees them: logins, tools, containers, a flaky one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import asyncssh
import pytest

from gputui.accelerators.ascend import from_npu_smi
from gputui.accelerators.output import Part
from gputui.sim.machines.clock import WorldClock
from gputui.sim.ssh.default_world import GPU01, GPU04, JUMP
from gputui.sim.ssh.plans import SshPlan
from tests.sim.conftest import START, Hands
from tests.sim.ssh.hosts import Hosts, running_hosts


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    async with running_hosts() as hosts:
        yield hosts


async def test_the_files_of_the_user_open_every_host_also_through_a_jump_host(hosts: Hosts) -> None:
    assert hosts.config.parent.stat().st_mode & 0o777 == 0o700
    assert (hosts.config.parent / "id_ed25519").stat().st_mode & 0o777 == 0o600
    assert await hosts.output("gpu01", "hostname; whoami; pwd") == "gpu01\nops\n/home/ops\n"
    assert await hosts.output("gpu01", "chmod 700 .ssh; stat -c '%U %a' .ssh .ssh/*") == "ops 700\nops 600\n"
    assert await hosts.output("gpu03", "hostname") == "gpu03\n"
    for name in ("gpu01", "bastion"):
        with pytest.raises(asyncssh.PermissionDenied):
            async with hosts.connect(name, client_keys=None, password="podpass"):
                pass


async def test_a_host_that_takes_a_password_alone_takes_the_key_once_it_is_installed(hosts: Hosts) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with hosts.connect("gpu05"):
            pass
    key = (hosts.config.parent / "id_ed25519").read_text()
    public = asyncssh.import_private_key(key).export_public_key().decode()
    async with hosts.connect("gpu05", password="podpass") as connection:
        install = "umask 077; mkdir -p ~/.ssh && cat >> ~/.ssh/authorized_keys"
        assert (await connection.run(install, input=public)).exit_status == 0
    assert await hosts.output("gpu05", "grep -c ssh-ed25519 .ssh/authorized_keys") == "1\n"


async def test_nothing_but_the_hosts_behind_it_is_reached_through_a_jump_host(hosts: Hosts) -> None:
    async with hosts.connect("bastion") as bastion:
        for port in (hosts.sshd.port, 22, 80):
            with pytest.raises(asyncssh.ChannelOpenError):
                await bastion.open_connection("127.0.0.1", port)


async def test_a_lost_gpu_is_listed_without_figures(hosts: Hosts) -> None:
    query = "nvidia-smi --query-gpu=index,name,temperature.gpu,memory.used --format=csv,noheader,nounits"
    lines = (await hosts.output("gpu02", query)).splitlines()
    assert lines[2] == "2, NVIDIA A100-SXM4-80GB, [GPU is lost], [GPU is lost]"
    assert [line.split(", ")[0] for line in lines] == ["0", "1", "2", "3"]
    assert "is lost" in await hosts.output("gpu02", "journalctl -u kernel -n 2")


async def test_amd_gpus_and_their_processes_are_in_json_and_in_the_driver_s_files(hosts: Hosts) -> None:
    text = await hosts.output("amd01", "rocm-smi --showproductname --showid --showuse --showmeminfo vram --json")
    cards = json.loads(text)
    assert cards["card0"]["Card Series"] == "AMD Instinct MI300X"
    assert int(cards["card0"]["VRAM Total Memory (B)"]) == 192 << 30
    assert int(cards["card0"]["GPU use (%)"]) > 50
    used = await hosts.output("amd01", "grep -s '' /sys/class/kfd/kfd/proc/*/vram_*")
    keys = {card["GUID"] for card in cards.values()}
    assert {line.partition("vram_")[2].partition(":")[0] for line in used.splitlines()} == keys
    assert await hosts.output("amd01", "command -v amd-smi nvidia-smi") == "status 1\n"


async def test_ascend_accelerators_are_in_the_table_of_their_tool(hosts: Hosts) -> None:
    table = await hosts.output("npu01", "npu-smi info")
    assert len({len(line) for line in table.splitlines()}) == 1
    reading = from_npu_smi(Part(table, 0))
    assert [device.model for device in reading.devices] == ["Ascend 910B2C"] * 8
    assert reading.devices[0].memory_used and reading.devices[0].memory_used > 38 << 30
    assert [use.index for use in reading.uses] == [0, 1, 2, 3]


async def test_a_one_time_code_is_asked_for_with_the_password(hosts: Hosts) -> None:
    class Answers(asyncssh.SSHClient):
        def __init__(self, *answers: str) -> None:
            self.answers = answers
            self.asked: list[tuple[str, bool]] = []

        def kbdint_auth_requested(self) -> str:
            return ""

        def kbdint_challenge_received(
            self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
        ) -> tuple[str, ...] | None:
            if self.asked:
                return None
            assert instructions == "The one-time code of this simulated host is 246810."
            self.asked += prompts
            return self.answers

    right = Answers("podpass", "246810")
    async with hosts.connect("gpu06", client_factory=lambda: right) as connection:
        assert (await connection.run("hostname")).stdout == "gpu06\n"
    assert right.asked == [("Password: ", False), ("One-time code: ", True)]
    for wrong in (Answers("podpass", "1"), Answers("podpass"), Answers("246810", "podpass")):
        with pytest.raises(asyncssh.PermissionDenied):
            async with hosts.connect("gpu06", client_factory=lambda wrong=wrong: wrong):
                pass
    with pytest.raises(asyncssh.PermissionDenied):
        async with hosts.connect("gpu06", password="podpass"):
            pass


async def test_containers_are_listed_inspected_and_entered(hosts: Hosts) -> None:
    ids = (await hosts.output("gpu03", "docker ps -aq --no-trunc")).split()
    assert len(ids) == 3
    form = '{"name":{{json .Name}},"status":{{json .State.Status}},"gpus":{{json .HostConfig.DeviceRequests}}}'
    shown = await hosts.output("gpu03", f"docker inspect --type container --format '{form}' {' '.join(ids)}")
    rows = {row["name"]: row for row in map(json.loads, shown.splitlines())}
    assert {name: row["status"] for name, row in rows.items()} == {
        "/llm-serve": "running", "/notebook": "running", "/eval-old": "exited"
    }  # fmt: skip
    assert rows["/notebook"]["gpus"][0]["DeviceIDs"] == ["1"]
    inside = "docker exec -i notebook sh -c 'hostname; whoami; nvidia-smi -L | wc -l; cat' </etc/hostname"
    assert await hosts.output("gpu03", inside) == "notebook\nroot\n1\ngpu03\n"
    assert (await hosts.output("gpu03", "docker exec eval-old true")).startswith("Error response from daemon")
    assert await hosts.output("gpu01", "docker ps") == "bash: line 1: docker: command not found\nstatus 127\n"


async def test_files_are_copied_into_a_container_by_its_own_sftp_server(hosts: Hosts) -> None:
    async with hosts.connect("gpu03") as connection:
        inside = "docker exec -i notebook sh -c 'exec /usr/lib/openssh/sftp-server'"
        init, mkdir = b"\0\0\0\5\1\0\0\0\3", b"\0\0\0\x16\x0e\0\0\0\1\0\0\0\x09/tmp/made\0\0\0\0"
        result = await connection.run(inside, input=init + mkdir, encoding=None)
    assert isinstance(result.stdout, bytes)
    assert b"limits@openssh.com" in result.stdout
    assert result.exit_status == 0
    assert await hosts.output("gpu03", "docker exec notebook ls /tmp; ls /tmp") == "made\n"


async def test_logs_of_units_and_containers_are_read_by_time_and_place(hosts: Hosts) -> None:
    command = "journalctl --no-pager -o json --output-fields=MESSAGE --unit=ssh"
    newest = [json.loads(line) for line in (await hosts.output("gpu01", f"{command} --reverse -n 3")).splitlines()]
    times = [int(entry["__REALTIME_TIMESTAMP"]) for entry in newest]
    assert times == [times[0], times[0] - 5_000_000, times[0] - 10_000_000]
    after = await hosts.output("gpu01", f"{command} --after-cursor='{newest[1]['__CURSOR']}'")
    assert [json.loads(line) for line in after.splitlines()] == newest[:1]
    before = await hosts.output("gpu01", f"{command} -r --after-cursor='{newest[1]['__CURSOR']}' | head -n 1")
    assert json.loads(before) == newest[2]
    since = await hosts.output("gpu01", f"{command} --since=@{times[2] / 1e6} --until=@{times[1] / 1e6} | wc -l")
    assert since == "2\n"
    shown = await hosts.output("gpu01", "systemctl show -p LoadState -- ssh; systemctl show -p LoadState -- nope")
    assert shown == "LoadState=loaded\nLoadState=not-found\n"
    lines = (await hosts.output("gpu03", "docker logs --timestamps --tail 3 llm-serve")).splitlines()
    assert len(lines) == 3
    since = await hosts.output("gpu03", f"docker logs -t --since {lines[1].split()[0]} llm-serve")
    assert since.splitlines() == lines[1:]


async def test_processes_end_on_signals_of_their_users(hosts: Hosts) -> None:
    pids = {process.user: pid for pid, process in hosts["gpu01"].processes.items()}
    assert "Operation not permitted" in await hosts.output("gpu01", f"kill {pids['bob']}")
    assert await hosts.output("gpu01", f"kill {pids['ops']}; kill -0 {pids['ops']} && echo stays") == "stays\n"
    assert await hosts.output("gpu01", f"kill -KILL {pids['ops']}; cat /proc/{pids['ops']}/stat || echo gone") == (
        f"cat: /proc/{pids['ops']}/stat: No such file or directory\ngone\n"
    )


async def test_a_flaky_host_closes_connections_hangs_and_reboots() -> None:
    hands = Hands()
    plan = SshPlan(hosts=(GPU04, JUMP))
    async with running_hosts(plan, WorldClock(start=START, monotonic=hands)) as hosts:
        host = hosts["gpu04"]
        boot = await hosts.output("gpu04", "cat /proc/sys/kernel/random/boot_id")
        host.mood = "drops"
        with pytest.raises((asyncssh.Error, OSError)):
            async with hosts.connect("gpu04"):
                pass
        host.mood = "hangs"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                async with hosts.connect("gpu04"):
                    pass
        host.mood = ""
        host.reboot()
        assert await hosts.output("gpu04", "cat /proc/sys/kernel/random/boot_id") != boot
        assert not host.processes
        seen = set[tuple[str, bool]]()
        boots = set[str]()
        for _ in range(60):
            hands.now += 20
            host.world.advance()
            seen.add((host.mood, bool(host.system.lost_gpus)))
            boots.add(host.system.boot_id)
        assert {("", False), ("drops", False), ("hangs", False), ("", True), ("drops", True)} == seen
        assert len(boots) > 2


async def test_the_same_seed_makes_the_same_host() -> None:
    async with running_hosts(SshPlan(hosts=(GPU01,))) as one, running_hosts(SshPlan(hosts=(GPU01,))) as other:
        look = "nvidia-smi; ps -e -o pid,user,etimes,args | grep -v bash; cat /proc/loadavg /proc/uptime"
        assert await one.output("gpu01", look) == await other.output("gpu01", look)
