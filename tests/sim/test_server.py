"""The simulator as a program's part: ports, the printed configuration, start and end."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gputui.openssh_config import aliases
from gputui.sim.deepdock.default_world import DOCK
from gputui.sim.gpuhub.default_world import CLOUDS, PRIVATE
from gputui.sim.machines.world import World
from gputui.sim.server import Running, running_simulator
from gputui.sim.vendors import SimulatedAccount, SimulatedVendor
from gputui.sim.yotta.default_world import YOTTA
from gputui.sim.yotta.vendor import YottaVendor
from tests.sim.conftest import Sims


def eight_free_ports() -> int:
    """The first of eight consecutive ports that are free now; another suite at the same time looks elsewhere."""
    places = range(21700, 29000, 50)
    for first in random.SystemRandom().sample(places, len(places)):
        try:
            for port in range(first, first + 8):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no eight consecutive ports are free")


async def test_the_configuration_is_complete_for_every_account(sims: Sims) -> None:
    sim = await sims.start(ssh=True)
    accounts = tomllib.loads(sim.config_toml())["accounts"]
    assert list(accounts) == ["lab", "lab-b"]
    lab = accounts["lab"]
    assert lab["kind"] == "pody"
    assert lab["ssh"] == {"user": "root", "password": "podpass"}
    for name, account in accounts.items():
        assert account["base_url"] == sim.base_urls[name]
        client = await sims.client(sim, name, auth=(account["username"], account["password"]))
        assert (await client.get("/user/info")).json()["user"]["name"] == "alice"


async def test_the_clouds_accounts_say_all_it_takes_to_use_them(sims: Sims) -> None:
    sim = await sims.start(clouds=[*CLOUDS["small"][:2], PRIVATE])
    accounts = tomllib.loads(sim.config_toml())["accounts"]
    assert list(accounts) == ["hub", "autodl", "private", "lab", "lab-b"]
    assert accounts["hub"] == {
        "kind": "gpuhub",
        "token": "hub-token-6f1d2c",
        "base_url": sim.base_urls["hub"],
        "currency": "USD",
        "regions": ["sgp1", "Singapore-A", "Singapore-B"],
    }
    assert accounts["autodl"] == {
        "preset": "autodl",
        "token": "autodl-token-93be07",
        "base_url": sim.base_urls["autodl"],
    }
    assert accounts["private"]["preset"] == "autodl-private"
    for name in ("hub", "autodl", "private"):
        client = await sims.client(sim, name, auth=None)
        headers = {"Authorization": accounts[name]["token"]}
        answer = await client.post(
            "/api/v1/dev/deployment/list", headers=headers, json={"page_index": 1, "page_size": 1}
        )
        assert answer.json()["code"] == "Success"
        wallet = await client.post("/api/v1/dev/wallet/balance", headers=headers)
        assert wallet.status_code == (404 if name == "private" else 200)


async def test_the_account_of_a_deepdock_host_says_all_but_who_logs_in(sims: Sims) -> None:
    guarded = replace(DOCK, header=("X-Api-Key", "dock-key-77"))
    sim = await sims.start(docks=[guarded])
    text = sim.config_toml()
    assert tomllib.loads(text)["accounts"]["dock"] == {
        "kind": "deepdock",
        "base_url": sim.base_urls["dock"],
        "gpu_model": "RTX 4090",
        "gpu_memory": "24G",
        "price": 0,
        "header": {"name": "X-Api-Key", "value": "dock-key-77"},
    }
    assert "# Containers accept dock with the password podpass" in text


async def test_the_account_of_yotta_says_all_it_takes_to_use_it(sims: Sims) -> None:
    sim = await sims.start(yottas=[YOTTA])
    account = tomllib.loads(sim.config_toml())["accounts"]["yotta"]
    assert account == {
        "kind": "yotta",
        "base_url": sim.base_urls["yotta"],
        "api_key": "yotta-key-4c81ae",
        "ssh": {"user": "root", "password": "podpass"},
    }
    client = await sims.client(sim, "yotta", auth=None)
    answer = await client.get("/v2/pods", headers={"X-Api-Key": account["api_key"]})
    assert answer.json()["code"] == 10000


async def test_hosts_have_files_for_their_user_until_the_simulator_ends() -> None:
    quiet: dict[str, Sequence[Any]] = dict.fromkeys(("pody", "gpuhub", "deepdock", "yotta"), ())
    async with running_simulator(speed=0, plans=quiet) as sim:
        (account,) = tomllib.loads(sim.config_toml())["accounts"].values()
        assert (account["kind"], account["hosts"]) == ("ssh", ["*", "!bastion"])
        config = Path(account["ssh"]["config"])
        assert "gpu01" in aliases(config)
    assert not aliases(config)
    async with running_simulator(speed=0, ssh=False, plans=quiet) as sim:
        assert not sim.accounts


async def test_every_server_has_its_place_after_the_first_port() -> None:
    first = eight_free_ports()
    async with running_simulator(first, speed=0) as sim:
        offsets = {"hub": 0, "autodl": 6, "personal": 7, "lab": 1, "lab-b": 5, "dock": 3, "yotta": 2}
        assert sim.base_urls == {name: f"http://127.0.0.1:{first + offset}" for name, offset in offsets.items()}
        assert sim.ssh_port == first + 4


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    first = eight_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 6))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with running_simulator(first, speed=0):
                pass
    for offset in (0, 1):
        with socket.socket() as again:
            again.bind(("127.0.0.1", first + offset))


async def test_an_unplugged_server_refuses_until_plugged_in_again(sims: Sims) -> None:
    sim = await sims.start()
    client = await sims.client(sim)
    assert (await client.get("/version")).status_code == 200
    await sim.unplug("lab")
    with pytest.raises(httpx.ConnectError):
        await client.get("/version")
    await sim.plug("lab")
    assert (await client.get("/version")).status_code == 200


@pytest.mark.parametrize(
    ("faults", "request_line"),
    [("hang", "GET /version"), ("slow", "GET /version"), ("none", "POST /pod/stop?ins=main")],
)
async def test_requests_under_way_do_not_delay_the_end(
    faults: str, request_line: str, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = base64.b64encode(b"alice:wonderland").decode()
    async with running_simulator(speed=1, ssh=False, faults=faults) as sim:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.sites["lab"].port)
        writer.write(f"{request_line} HTTP/1.1\r\nhost: lab\r\nauthorization: Basic {credentials}\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.2)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 1.5
    assert (await reader.readline()).startswith(b"HTTP/1.1 ")
    writer.close()
    assert not caplog.records


class _Broken(SimulatedVendor):
    """A simulated vendor that cannot build its account."""

    kind = "yotta"
    port_offsets = (2,)

    def plans(self, size: str, variant: str = "") -> list[str]:
        return ["anything"]

    def build(self, world: World, plan: str, seed: int) -> SimulatedAccount:
        raise RuntimeError("nothing fits")


class _Echo(SimulatedVendor):
    """A simulated vendor from outside: one account without places among the ports."""

    kind = "echo"
    port_offsets = ()

    def plans(self, size: str, variant: str = "") -> list[str]:
        return [f"echo-{size}"]

    def build(self, world: World, plan: str, seed: int) -> SimulatedAccount:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("echo")(scope, receive, send)

        cloud = YottaVendor().build(world, YOTTA, seed)  # for its faults: these are not about it
        config = {"kind": "echo", "nested": {"on": True, "list": ["a", 1]}}
        return SimulatedAccount(plan, app, cloud.faults, config, None, comment="Says echo.")


async def test_a_vendor_brings_accounts_and_one_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gputui.sim.server.vendors", lambda: ([_Echo(), _Broken()], []))
    async with running_simulator(21680, speed=0, ssh=False) as sim:
        (account,) = tomllib.loads(sim.config_toml())["accounts"].values()
        base_url = sim.base_urls["echo-small"]
        assert account == {"kind": "echo", "nested": {"on": True, "list": ["a", 1]}, "base_url": base_url}
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            assert (await client.get(base_url)).text == "echo"
            sim.set_faults("down")
            assert (await client.get(base_url)).status_code == 502
    assert [str(problem) for problem in sim.problems] == [
        "gputui, which provides the kind yotta, fails (RuntimeError: nothing fits). Update or reinstall gputui."
    ]


async def test_an_empty_variant_needs_no_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.sim.server.vendors", lambda: ([_Echo()], []))
    async with running_simulator(0, speed=0, ssh=False, variants={"pody": ""}) as sim:
        assert set(sim.base_urls) == {"echo-small"}
    with pytest.raises(ValueError, match="unknown kind 'pody'"):
        async with running_simulator(0, speed=0, ssh=False, variants={"pody": "0.2.5"}):
            pass


async def test_a_cancelled_simulator_closes_its_ports() -> None:
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with running_simulator(0, speed=0, variants={"pody": "0.2.5", "gpuhub": "none"}) as running:
            started.set_result(running)
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    sim = await asyncio.wait_for(started, 10)
    async with httpx.AsyncClient(base_url=sim.base_urls["lab"], trust_env=False, verify=False) as client:
        assert (await client.get("/version")).content == b"[0,2,5]"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", sim.sites["lab"].port)) != 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "tiny"}, "unknown size 'tiny': one of small, large, huge"),
        ({"faults": "x"}, "unknown fault profile 'x'"),
        (
            {"variants": {"gpuhub": "many"}},
            "unknown variant 'many' of gpuhub: one of usual, none, private, personal, benchmark",
        ),
        ({"variants": {"nobody": "x"}}, "unknown kind 'nobody': one of gpuhub, pody, deepdock, yotta"),
        ({"variants": {"deepdock": "x"}}, "unknown variant 'x' of deepdock: one of usual"),
        ({"variants": {"pody": "9.9.9"}}, "unknown pody release '9.9.9': one of 0.1.9"),
    ],
)
async def test_unknown_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        async with running_simulator(0, **options):
            pass


async def test_a_command_that_runs_when_the_simulator_ends_has_no_exit_status() -> None:
    async with running_simulator(ssh=True, plans={"gpuhub": (), "yotta": (), "deepdock": (), "ssh": ()}) as sim:
        assert sim.ssh_port is not None
        connection = await asyncssh.connect(
            "127.0.0.1", sim.ssh_port, username="root", password="podpass", known_hosts=None, config=None
        )
        command = await connection.create_process("echo begun; sleep 300; echo done")
        assert await command.stdout.readline() == "begun\n"
    async with asyncio.timeout(5):
        await command.wait_closed()
    assert command.exit_status is None
