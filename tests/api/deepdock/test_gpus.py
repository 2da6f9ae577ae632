"""GPUs of a DeepDock host and the stock that follows from them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    ProtocolError,
    ServerError,
)
from gputui.models import (
    Action,
    GpuSample,
    Offer,
    Ref,
)
from tests.api.conftest import FakeTime
from tests.api.deepdock.conftest import Clock
from tests.api.deepdock.server import (
    METRICS,
    NOW,
    SERIES,
    container,
    deepdock_account,
    script,
    series,
)
from tests.api.server import Reply, ScriptedServer, as_json


class TestGpus:
    async def test_the_samples_of_the_reference_show_as_old_ones_a_year_later(
        self, server: ScriptedServer, backend: DeepdockBackend, clock: Clock
    ) -> None:
        script(server)
        clock.at += timedelta(days=363)
        (device,) = await backend.gpus()
        assert (device.sample, device.memory_used, device.series) == (None, None, ())
        assert device.problem == "no reading since 2025-12-01: 9 % load, 2.9G used then"
        assert device.last is not None
        assert device.last.memory_used == round(2942.235264542079 * 2**20)

    async def test_they_have_the_samples_of_the_reference(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        (device,) = await backend.gpus()
        assert (device.ref, device.model, device.memory_total) == (Ref("dock", "gpu", "0"), "RTX 4090", 24 * 2**30)
        assert [sample.at for sample in device.series] == [
            datetime.fromisoformat(str(row["timestamp"])).replace(tzinfo=UTC) - timedelta(hours=1)
            for row in SERIES["0"]
        ]
        assert (
            device.sample
            == device.series[-1]
            == GpuSample(
                datetime(2025, 12, 1, 18, 2, 50, 643242, tzinfo=UTC),
                utilization=8.623762376237623,
                memory_used=round(2942.235264542079 * 2**20),
                power=20.358633663366337,
                temperature=50.9009900990099,
                fan=0.0,
            )
        )
        assert device.memory_used == device.sample.memory_used
        assert (device.instances, device.problem) == ((), None)

    async def test_the_same_answer_gives_the_very_same_rows(
        self, server: ScriptedServer, backend: DeepdockBackend, fake_time: FakeTime, clock: Clock
    ) -> None:
        script(server)
        first = await backend.gpus()
        fake_time.now += 2
        clock.at += timedelta(seconds=2)
        assert await backend.gpus() is first
        assert server.count("GET", "/metrics/gpus") == 2

    async def test_gpus_and_stock_come_from_one_answer(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        await asyncio.gather(backend.gpus(), backend.stock(), backend.gpus())
        assert server.count("GET", "/metrics/gpus") == 1
        assert server.count("GET", "/containers") == 1

    async def test_they_name_the_containers_that_use_them(
        self, server: ScriptedServer, backend: DeepdockBackend, fake_time: FakeTime
    ) -> None:
        rows = [
            container("train_b", status="running"),
            container("train_a", status="paused"),
            container("old", status="exited"),
            container("greedy", status="running", gpus="all"),
            container("untold", status="running", gpus=None),
        ]
        script(server, containers={"containers": rows}, series=SERIES | {"1": SERIES["0"]})
        zero, one = await backend.gpus()
        assert zero.instances == ("greedy", "train_a", "train_b")
        assert one.instances == ("greedy",)
        script(server, containers={"containers": rows[2:3]}, series=SERIES | {"1": SERIES["0"]})
        assert (await backend.gpus())[0].instances == zero.instances  # the list is new enough
        await backend.instances()
        assert [device.instances for device in await backend.gpus()] == [(), ()]

    async def test_without_the_containers_they_are_there_all_the_same_but_no_stock(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        server.on("/containers", as_json({"detail": "Docker is away"}, 500))
        assert len(await backend.gpus()) == 1
        with pytest.raises(ServerError, match="Docker is away"):
            await backend.stock()

    async def test_one_that_disappears_is_gone_and_a_host_may_have_none(
        self, server: ScriptedServer, backend: DeepdockBackend, fake_time: FakeTime
    ) -> None:
        script(server, series=SERIES | {"1": SERIES["0"]})
        assert [device.index for device in await backend.gpus()] == [0, 1]
        script(server)
        fake_time.now += 2
        assert [device.index for device in await backend.gpus()] == [0]
        script(server, series={})
        fake_time.now += 2
        assert list(await backend.gpus()) == []
        assert list(await backend.stock()) == []

    async def test_what_is_no_number_of_a_gpu_is_passed_over(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, series=SERIES | {"average": [], "9" * 5000: SERIES["0"]})
        assert [device.index for device in await backend.gpus()] == [0]

    async def test_one_without_samples_is_a_gpu_all_the_same(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, series={"0": [], "1": None, "10": SERIES["0"], "2": ["x"]})
        devices = await backend.gpus()
        assert [(device.index, device.sample is None) for device in devices] == [
            (0, True),
            (1, True),
            (2, True),
            (10, False),
        ]
        assert [device.problem for device in devices] == [
            None,
            "1 sample cannot be read",
            "1 sample cannot be read",
            None,
        ]

    async def test_figures_that_are_none_are_not_known(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        body = json.dumps(SERIES).replace("8.623762376237623", "NaN").replace("2942.235264542079", "null")
        script(server)
        server.on("/metrics/gpus", Reply(200, body.encode()))
        (device,) = await backend.gpus()
        assert device.sample is not None
        assert (device.sample.utilization, device.sample.memory_used, device.memory_used) == (None, None, None)
        assert device.sample.power == 20.358633663366337

    @pytest.mark.parametrize("answer", [[], {"detail": "NVML"}, {"error": []}, "x"])
    async def test_an_answer_of_another_kind_is_reported(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: object
    ) -> None:
        script(server, series=answer)
        with pytest.raises(ProtocolError, match="answers /metrics/gpus with something unexpected"):
            await backend.gpus()

    async def test_a_hosts_clock_that_is_wrong_moves_no_sample(
        self, server: ScriptedServer, backend: DeepdockBackend, clock: Clock
    ) -> None:
        """The host is an hour east and 90 s ahead: its newest sample is 4 s old, though it seems to be to come."""
        ahead = timedelta(seconds=90)
        newest = NOW + ahead - timedelta(seconds=4) + timedelta(hours=1)
        script(server)
        date = (NOW + ahead).strftime("%a, %d %b %Y %H:%M:%S GMT")
        server.on("/metrics/gpus", as_json({"0": series(newest)}, Date=date))
        server.on("/metrics", as_json(METRICS, Date=date))
        (device,) = await backend.gpus()
        assert device.sample is not None
        assert abs((device.sample.at - (NOW - timedelta(seconds=4))).total_seconds()) <= 2
        (host,) = await backend.hosts()
        assert host.clock_ahead == pytest.approx(90, abs=2)


class TestStock:
    @pytest.mark.parametrize(
        ("containers", "gpu", "idle"),
        [
            ([], series(NOW + timedelta(hours=1)), 1),
            ([], series(NOW + timedelta(hours=1), utilization=4.9, memory_used=1000), 1),
            ([], series(NOW + timedelta(hours=1), utilization=60), 0),
            ([], series(NOW + timedelta(hours=1), memory_used=1300), 0),
            ([], series(NOW + timedelta(hours=1), utilization=None, memory_used=None), 1),
            (
                [],
                [*series(NOW + timedelta(minutes=59, seconds=10), utilization=90), *series(NOW + timedelta(hours=1))],
                0,
            ),
            ([], [*series(NOW + timedelta(minutes=58), utilization=90), *series(NOW + timedelta(hours=1))], 1),
            ([], [], 1),
            ([container(status="exited")], series(NOW + timedelta(hours=1)), 1),
            ([container(status="running")], series(NOW + timedelta(hours=1)), 0),
            ([container(status="paused")], series(NOW + timedelta(hours=1)), 0),
            ([container(status="running", gpus="all")], series(NOW + timedelta(hours=1)), 0),
        ],
        ids=[
            "quiet",
            "a desktop's load",
            "load",
            "memory",
            "untold",
            "load in the last minute",
            "load before that",
            "no sample",
            "stopped",
            "running",
            "paused",
            "all",
        ],
    )
    async def test_idle_gpus_are_neither_assigned_nor_loaded(
        self, server: ScriptedServer, backend: DeepdockBackend, containers: object, gpu: object, idle: int
    ) -> None:
        script(server, containers={"containers": containers}, series={"0": gpu})
        (offer,) = await backend.stock()
        assert offer == Offer(
            Ref("dock", "offer", "RTX 4090"),
            "RTX 4090",
            "127.0.0.1",
            idle=idle,
            total=1,
            gpu_memory=24 * 2**30,
        )
        assert backend.actions(offer) == {Action.CREATE}

    async def test_gpus_without_a_model_are_called_gpus(self, server: ScriptedServer) -> None:
        script(server)
        backend = DeepdockBackend(deepdock_account(server.url), now=NOW.timestamp)
        (offer,) = await backend.stock()
        assert (offer.gpu_model, offer.gpu_memory) == ("GPU", None)
        await backend.aclose()
