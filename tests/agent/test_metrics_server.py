"""The metrics as a scraper gets them from an agent that runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gputui.agent.metrics_server import Address, MetricsService
from gputui.errors import AgentError
from gputui.models import Ref, Resource
from gputui.models.leases import Lease
from gputui.rules.files import RuleFiles
from tests.agent.conftest import Running, until
from tests.fleet.fakes import FakeBackend, pod


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def asked(port: int, request: str) -> tuple[str, str]:
    """The head and the body of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


@asynccontextmanager
async def metered(home: Path, port: int) -> AsyncIterator[Running]:
    """An agent of one account that serves metrics, once they are served."""
    found = Running(home)
    lab = found.backends["lab"] = FakeBackend("lab", [Resource.INSTANCES])
    lab.rows[Resource.INSTANCES] = [pod("lab", "main")]
    process = found.process = found.make(services=[partial(MetricsService, Address("127.0.0.1", port))])
    task = asyncio.create_task(process.run())
    try:
        await until(lambda: task.done() or ("agent" in vars(process) and process.agent.services))
        await found.pass_time(1)
        yield found
    finally:
        process.stop("the test is over")
        await asyncio.wait({task}, timeout=10)


async def test_a_scraper_gets_the_metrics_and_nothing_else_is_served(tmp_path: Path) -> None:
    port = free_port()
    async with metered(tmp_path, port) as agent:
        now = agent.clock.now()
        lease = Lease("abcd", Ref("lab", "pod", "main"), "main", now, until=now + timedelta(hours=8))
        RuleFiles(agent.process.agent.folder).save(lease)
        head, body = await asked(port, f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
        found = {family.name: family for family in text_string_to_metric_families(body)}
        assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4")
        assert f"Content-Length: {len(body.encode())}" in head
        running = [one.value for one in found["gputui_instances"].samples if one.labels["phase"] == "running"]
        assert running == [1]
        rules = [one.labels for one in found["gputui_rules"].samples if one.value]
        assert rules == [{"kind": "lease", "state": "waiting"}]
        for request, status in (
            ("GET / HTTP/1.1\r\nHost: localhost", "404"),
            ("POST /metrics HTTP/1.1\r\nHost: localhost", "405"),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example", "403"),
            ("nonsense", "405"),
        ):
            assert (await asked(port, f"{request}\r\n\r\n"))[0].startswith(f"HTTP/1.1 {status}")
        assert (await asked(port, "HEAD /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n"))[1] == ""
        assert agent.process.agent.busy == [f"metrics on 127.0.0.1:{port}"]


async def test_a_fault_is_an_answer_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the history cannot be read")

    port = free_port()
    async with metered(tmp_path, port) as agent:
        monkeypatch.setattr(MetricsService, "_read_spending", fail)
        head, body = await asked(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert head.startswith("HTTP/1.1 500")
        assert "metrics" in body
        assert "the metrics cannot be made" in agent.process.place.log.read_text()


async def test_an_address_in_use_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(AgentError, match=f"cannot be served on 127.0.0.1:{port}: Address already in use"):
            Address("127.0.0.1", port).check()


def test_a_host_that_is_not_known_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(address: tuple[str, int], **options: object) -> socket.socket:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.create_server", look_up)
    with pytest.raises(AgentError, match=r"cannot be served on gpu-hots:9400: Name or service not known\."):
        Address("gpu-hots", 9400).check()


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("9400", "127.0.0.1:9400", True),
        ("localhost:9400", "localhost:9400", True),
        ("[::1]:9400", "[::1]:9400", True),
        ("0.0.0.0:9400", "0.0.0.0:9400", False),
        ("gpu-host:9400", "gpu-host:9400", False),
    ],
)
def test_addresses_are_of_this_machine_unless_they_say_another(text: str, address: str, is_local: bool) -> None:
    parsed = Address.parse(text)
    assert (str(parsed), parsed.is_local) == (address, is_local)


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":9400", "a:b"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        Address.parse(text)
