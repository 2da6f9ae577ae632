"""GPUs, processes and stock of a pody host: one answer of gpu-ps."""

from __future__ import annotations

import asyncio

import pytest

from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    ServerError,
)
from gputui.models import (
    Action,
    Ref,
    Resource,
)
from tests.api.conftest import FakeTime
from tests.api.recorded import MAIN, NEW, OLD, pod, process, script
from tests.api.server import Reply, ScriptedServer, as_json


class TestGpus:
    async def test_three_lists_cost_one_request(
        self, server: ScriptedServer, backend: PodyBackend, fake_time: FakeTime
    ) -> None:
        script(server, NEW)
        await asyncio.gather(
            *(backend.listers[kind]() for kind in (Resource.GPUS, Resource.PROCESSES, Resource.STOCK))
        )
        fake_time.now += 0.4
        await backend.gpus()
        assert server.count("GET", "/host/gpu-ps") == 1
        fake_time.now += 0.2
        await backend.gpus()
        assert server.count("GET", "/host/gpu-ps") == 2

    async def test_a_failure_is_not_kept(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", Reply(500, b"Internal Server Error"), as_json({"0": []}))
        with pytest.raises(ServerError):
            await backend.gpus()
        assert len(await backend.gpus()) == 1

    async def test_a_caller_that_leaves_takes_nothing_from_the_others(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        leaving, staying = asyncio.create_task(backend.gpus()), asyncio.create_task(backend.stock())
        await server.arrived.wait()
        leaving.cancel()
        assert len(await staying) == 1

    async def test_devices(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        devices = await backend.gpus()
        assert [device.ref for device in devices] == [Ref("lab", "gpu", str(index)) for index in range(4)]
        first = devices[0]
        assert (first.model, first.memory_total, first.memory_used) == ("RTX 4090", 24 * 2**30, 721420288)
        assert (first.process_count, first.instances, first.host) == (2, ("main",), "127.0.0.1")
        assert (devices[2].process_count, devices[2].memory_used) == (0, 0)

    async def test_processes_are_mapped_to_own_pods(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        own, of_the_host, of_others = await backend.processes()
        assert (own.ref, own.instance, own.instance_name) == (Ref("lab", "process", "0:3936"), MAIN, "main")
        assert (own.pid, own.gpu_index, own.uptime, own.memory_used) == (3936, 0, 2309249.45, 709079040)
        assert (of_the_host.instance, of_the_host.instance_name) == (None, "")
        assert of_the_host.gpu_memory_used is None
        assert (of_others.instance, of_others.instance_name) == (None, "bob-exp")

    async def test_the_name_from_the_inspection_decides(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW, {"main": pod(name="odd_container")})
        server.on("/host/gpu-ps", as_json({"0": [process(pod_name="odd_container"), process(2, "team-alice-x")]}))
        await backend.instances()
        known, guessed = await backend.processes()
        assert known.instance == MAIN
        assert guessed.instance == Ref("lab", "pod", "x")

    async def test_stock(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        (offer,) = await backend.stock()
        assert (offer.ref, offer.gpu_model, offer.region) == (
            Ref("lab", "offer", "RTX 4090"),
            "RTX 4090",
            "127.0.0.1",
        )
        assert (offer.idle, offer.total, offer.gpu_memory) == (2, 4, 24 * 2**30)
        assert backend.actions(offer) == {Action.CREATE}

    async def test_a_host_without_gpus(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", as_json({}))
        assert await backend.stock() == []

    async def test_one_unreadable_process_spoils_itself_only(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/host/gpu-ps", as_json({"0": [process(), {"pid": "many"}, None, "row"], "1": []}))
        known, unknown = await backend.processes()
        assert (known.processes, unknown.processes, unknown.pid, unknown.gpu_index) == (1, None, None, 0)
        busy, idle = await backend.gpus()
        assert busy.problem == "3 processes cannot be read: pid should be a whole number"
        assert (busy.process_count, idle.problem) == (4, None)

    async def test_a_process_that_ends_while_it_is_listed_is_no_failure(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, OLD)
        server.on("/host/gpu-ps", as_json({"detail": "Process 3936 not found"}, 404), as_json({"0": []}))
        assert len(await backend.gpus()) == 1


async def test_reading_one_gpu_asks_for_that_gpu_only(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    await backend.fetch(Ref("lab", "gpu", "1"))
    assert [request.params for request in server.asked("/host/gpu-ps")] == [{"id": "1"}]
