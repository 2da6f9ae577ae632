"""The DeepDock client against the answers of its reference, and against those that nobody documented."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gputui.api import open_backend
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.errors import (
    AuthError,
    ConflictError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    ServerError,
    SshError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.models import (
    Action,
    GpuSample,
    HostInfo,
    Image,
    Instance,
    Offer,
    PartialRows,
    Phase,
    PortMapping,
    Ref,
    Secret,
    SSHTarget,
)
from tests.api.conftest import FakeTime
from tests.api.creating import problems, shown
from tests.api.deepdock.server import (
    CONTAINERS,
    CREATED,
    CUDA,
    IMAGES,
    METRICS,
    NOW,
    SERIES,
    by_method,
    container,
    deepdock_account,
    script,
    series,
)
from tests.api.server import Answer, Hang, Reply, Reset, ScriptedServer, as_json, page

ONE = Ref("dock", "container", "container_1")
CREATE = {"name": "train_a", "image": CUDA, "user_name": "alice", "password": "hunter2 & more", "gpu_ids": "0"}
TRUNCATED = Reply(200, b'{"message": "pul', announce=400, reset=True)


class Clock:
    """Our own time of day."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def backend(server: ScriptedServer, fake_time: FakeTime, clock: Clock) -> AsyncIterator[DeepdockBackend]:
    account = deepdock_account(server.url, 'gpu_model = "NVIDIA GeForce RTX 4090"\ngpu_memory = "24G"')
    made = DeepdockBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic, now=clock)
    yield made
    await made.aclose()


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(deepdock_account("http://127.0.0.1:1")), DeepdockBackend)


class TestContainers:
    async def test_they_are_listed_as_the_reference_has_them(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        rows = await backend.instances()
        assert [row.name for row in rows] == ["container_1", "container_2"]
        assert rows[0] == Instance(
            ONE,
            "container_1",
            Phase.STOPPED,
            "exited",
            image=CUDA,
            gpu_model="RTX 4090",
            gpu_count=1,
            gpu_indices=(0,),
            host="127.0.0.1",
            created_at=datetime(2025, 11, 28, 14, 33, 52, 180994, tzinfo=UTC),
            container_id="e61c9453638e",
        )
        assert json.loads(rows[0].raw) == CONTAINERS["containers"][0]

    @pytest.mark.parametrize(
        ("status", "phase", "actions", "force"),
        [
            ("created", Phase.STOPPED, {Action.START, Action.DELETE}, False),
            ("running", Phase.RUNNING, {Action.STOP, Action.RESTART, Action.DELETE, Action.SSH}, True),
            ("Paused", Phase.STOPPED, {Action.STOP, Action.RESTART, Action.DELETE}, True),
            ("restarting", Phase.PENDING, {Action.STOP, Action.DELETE}, True),
            ("removing", Phase.STOPPING, set(), False),
            ("exited", Phase.STOPPED, {Action.START, Action.DELETE}, False),
            ("dead", Phase.FAILED, {Action.DELETE}, False),
            ("frozen", Phase.UNKNOWN, {Action.START, Action.STOP, Action.RESTART, Action.DELETE}, False),
        ],
    )
    async def test_a_status_has_its_phase_and_its_actions(
        self,
        server: ScriptedServer,
        backend: DeepdockBackend,
        status: str,
        phase: Phase,
        actions: set[Action],
        force: bool,
    ) -> None:
        script(server, containers={"containers": [container(status=status, ssh_port=22000)]})
        (row,) = await backend.instances()
        assert (row.phase, row.status) == (phase, status)
        assert backend.actions(row) == actions
        assert ("force" in backend.options(row, Action.DELETE)) is force

    @pytest.mark.parametrize(
        ("gpus", "indices", "count", "everything"),
        [
            (["0", "1"], (0, 1), 2, False),
            ([3, "3", " 1 "], (3, 1), 2, False),
            ([], (), 0, False),
            (None, None, None, False),
            ("all", None, None, True),
            (["all"], None, None, True),
            ("0,2", (0, 2), 2, False),
            (["GPU-5f3a", "GPU-77c1"], None, 2, False),
        ],
    )
    async def test_its_gpus(
        self,
        server: ScriptedServer,
        backend: DeepdockBackend,
        gpus: object,
        indices: object,
        count: object,
        everything: bool,
    ) -> None:
        script(server, containers={"containers": [container(gpus=gpus)]})
        (row,) = await backend.instances()
        assert (row.gpu_indices, row.gpu_count, row.gpu_all) == (indices, count, everything)
        assert row.gpu_model == ("RTX 4090" if everything or count else None)

    async def test_what_is_missing_is_not_known(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server, containers={"containers": [{"name": "a1", "status": "running", "surprise": {"deep": [None]}}]})
        (row,) = await backend.instances()
        assert row == Instance(Ref("dock", "container", "a1"), "a1", Phase.RUNNING, "running", host="127.0.0.1")

    @pytest.mark.parametrize(
        ("wrong", "problem"),
        [
            ({"status": None}, "status should be a text"),
            ({"ssh-port": "many"}, "ssh-port should be a whole number"),
            ({"created": 5}, "created should be a text"),
        ],
    )
    async def test_one_that_cannot_be_read_spoils_itself_alone(
        self, server: ScriptedServer, backend: DeepdockBackend, wrong: dict[str, object], problem: str
    ) -> None:
        script(server, containers={"containers": [container() | wrong, container("container_2"), 7, {"id": "x"}]})
        rows = await backend.instances()
        spoiled, good = rows
        assert isinstance(rows, PartialRows)
        assert [(missing.reason, missing.count) for missing in rows.missing] == [("name is missing", 2)]
        assert rows.blank == (f"container {spoiled.name} cannot be read: {problem}",)
        assert (spoiled.phase, spoiled.problem, good.problem) == (Phase.UNKNOWN, problem, None)

    @pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "yesterday", "", None])
    async def test_a_time_that_is_none_is_not_known(
        self, server: ScriptedServer, backend: DeepdockBackend, created: object
    ) -> None:
        script(server, containers={"containers": [container(created=created)]})
        (row,) = await backend.instances()
        assert (row.created_at, row.problem) == (None, None)

    async def test_names_nobody_should_see_are_harmless_and_can_be_acted_on(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        names = ["a\x1b[2J", "a\ufffd[2J", "../../images", "..", "x/y?z#"]
        rows = [container(name, image=["i\x1b"], status="run\x07ning") for name in names]
        script(server, containers={"containers": rows})
        listed = await backend.instances()
        assert len({row.ref for row in listed}) == len(names)
        assert not any("\x1b" in f"{row}{row.raw}" or "\x07" in f"{row}{row.raw}" for row in listed)
        for row in listed:
            with pytest.raises(GputuiError):
                await backend.stop(row.ref)
        assert [request.path for request in server.requests if request.method == "POST"] == [
            "/containers/a%1B%5B2J/stop",
            "/containers/a%EF%BF%BD%5B2J/stop",
            "/containers/..%2F..%2Fimages/stop",
            "/containers/%2E%2E/stop",
            "/containers/x%2Fy%3Fz%23/stop",
        ]

    @pytest.mark.parametrize("answer", [[], {}, {"containers": None}, {"containers": {}}, "x"])
    async def test_an_answer_of_another_kind_is_told(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: object
    ) -> None:
        script(server, containers=answer)
        with pytest.raises(ProtocolError, match="answers /containers with something unexpected"):
            await backend.instances()

    @pytest.mark.parametrize("verb", ["start", "stop", "restart"])
    async def test_they_start_stop_and_restart(
        self, server: ScriptedServer, backend: DeepdockBackend, verb: str
    ) -> None:
        script(server)
        done = await getattr(backend, verb)(ONE)
        assert done.message.startswith("Container container_1 ")
        assert server.count("POST", f"/containers/container_1/{verb}") == 1

    async def test_only_force_deletes_one_that_runs(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        await backend.delete(ONE)
        await backend.delete(ONE, force=True)
        assert [request.params for request in server.asked("/containers/container_1")] == [{}, {"force": "true"}]
        with pytest.raises(InvalidError):
            await backend.delete(Ref("dock", "image", CUDA), force=True)

    async def test_a_list_is_always_asked_for_anew(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        await backend.gpus()
        await backend.instances()
        await backend.instances()
        assert server.count("GET", "/containers") == 3


class TestLogin:
    async def test_the_target_is_the_servers_host_and_who_logs_in_is_not_told(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, containers={"containers": [container(status="running", ssh_port=22001)]})
        assert await backend.ssh_target(ONE) == SSHTarget("127.0.0.1", 22001, "", generation="e61c9453638e")

    async def test_without_an_sshd_it_says_why(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        rows = [container(), container("mute", status="running"), container("odd", status="running", ssh_port=70000)]
        script(server, containers={"containers": rows})
        with pytest.raises(SshError, match=r"does not run \(it is exited\)"):
            await backend.ssh_target(ONE)
        for name in ("mute", "odd"):
            with pytest.raises(SshError, match="has no port for SSH"):
                await backend.ssh_target(Ref("dock", "container", name))
        with pytest.raises(NotFoundError):
            await backend.ssh_target(Ref("dock", "container", "gone"))


class TestImages:
    async def test_they_are_listed_as_the_reference_has_them(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        first, second = await backend.images()
        assert first == Image(
            Ref("dock", "image", CUDA),
            "nvidia/cuda",
            "12.6.3-cudnn-runtime-ubuntu24.04",
            digest="sha256:8aef630a54bc5c5146ae5ce68e6af5caa3df0fb690bb91544175c91f307e4356",
            size=round(2008.44 * 2**20),
            own=None,
        )
        assert json.loads(second.raw) == IMAGES["images"][1]  # type: ignore[index]  # it is a list
        assert backend.actions(first) == {Action.DELETE}

    @pytest.mark.parametrize(
        ("row", "names"),
        [
            ({"id": "8aef", "tag": None, "digest": None, "size_mb": None}, ["8aef"]),
            ({"id": "8aef", "tag": "<none>:<none>"}, ["8aef"]),
            ({"id": "8aef", "tag": ""}, ["8aef"]),
            ({"id": "8aef", "tag": ["a:1", "b:2"]}, ["a:1", "b:2"]),
            ({"id": "8aef", "tag": "a:1", "size_mb": "large"}, ["a:1"]),
            ({"id": "8aef", "tag": "a:1", "size_mb": -1}, ["a:1"]),
            ({}, []),
            ("x", []),
            ({"id": 5, "tag": {}}, []),
        ],
    )
    async def test_whatever_a_row_lacks(
        self, server: ScriptedServer, backend: DeepdockBackend, row: object, names: list[str]
    ) -> None:
        script(server, images={"images": [row]})
        images = await backend.images()
        assert [image.reference for image in images] == names
        assert all(image.size is None for image in images)
        assert isinstance(images, PartialRows) is not bool(names)

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("nvidia/cuda:12", "/images/nvidia%2Fcuda%3A12"),
            ("8aef630a54bc", "/images/8aef630a54bc"),
            ("localhost:5000/a/b:1.0", "/images/localhost%3A5000%2Fa%2Fb%3A1.0"),
        ],
    )
    async def test_a_deleted_one_is_one_segment_of_the_path(
        self, server: ScriptedServer, backend: DeepdockBackend, name: str, path: str
    ) -> None:
        server.on(path, by_method(DELETE=as_json({"message": f"Image '{name}' removed successfully."})))
        assert (await backend.delete(Ref("dock", "image", name))).message == f"Image {name} deleted."
        assert server.requests[-1].params == {}

    async def test_a_pull_is_a_create(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        made = await backend.creators["image"].prepare({"repo_tag": "nvidia/cuda:12.2.0-runtime-ubuntu20.04"}).send()
        assert made.created == Ref("dock", "image", "nvidia/cuda:12.2.0-runtime-ubuntu20.04")
        assert made.message == "Image nvidia/cuda:12.2.0-runtime-ubuntu20.04 pulled, 1.1G."
        assert server.requests[-1].json == {"repo_tag": "nvidia/cuda:12.2.0-runtime-ubuntu20.04"}

    async def test_a_pull_waits_longer_than_any_other_call(self, server: ScriptedServer, fake_time: FakeTime) -> None:
        account = deepdock_account(server.url).model_copy(update={"timeout": 0.1})
        backend = DeepdockBackend(account, sleep=fake_time.sleep, monotonic=fake_time.monotonic)
        server.on("/images", Hang())
        pull = asyncio.create_task(backend.creators["image"].prepare({"repo_tag": "ubuntu"}).send())
        await server.arrived.wait()
        done, _ = await asyncio.wait([pull], timeout=0.4)
        assert not done
        pull.cancel()
        async with asyncio.timeout(5):
            await server.left.wait()
        await backend.aclose()

    @pytest.mark.parametrize("fault", [Reset(), TRUNCATED, page(), as_json({}, 504), as_json([])])
    async def test_a_pull_whose_answer_is_lost_has_an_unknown_outcome(
        self, server: ScriptedServer, backend: DeepdockBackend, fault: Answer
    ) -> None:
        server.on("/images", fault)
        with pytest.raises(UnknownOutcomeError, match="the pull of image ubuntu:latest was sent"):
            await backend.creators["image"].prepare({"repo_tag": "ubuntu"}).send()
        assert server.count("POST") == 1
        assert backend.creators["image"].prepare({"repo_tag": "ubuntu"}).ref == Ref("dock", "image", "ubuntu:latest")


class TestSshPort:
    async def test_it_is_listed_and_said_after_a_create(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server, containers={"containers": [container(status="running", ssh_port=22001)]})
        (row,) = await backend.instances()
        assert row.ports == (PortMapping(22001, 22),)
        server.on("/containers/create", as_json({"message": "container created", "id": "1bb0", "ssh-port": 22000}))
        values = {"name": "abc", "image": "i:1", "user_name": "u", "password": "secret-1"}
        assert (
            await backend.creators["container"].prepare(values).send()
        ).message == "Container abc created. SSH is on port 22000."


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

    async def test_they_name_the_containers_that_hold_them(
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
    async def test_an_answer_of_another_kind_is_told(
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
    async def test_idle_is_what_nobody_holds_and_nothing_loads(
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


class TestHost:
    async def test_it_is_what_the_reference_says(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server)
        (host,) = await backend.hosts()
        assert host == HostInfo(
            Ref("dock", "host", "127.0.0.1"),
            "127.0.0.1",
            gpu_count=1,
            cpu_count=4,
            memory_total=20006 * 2**20,
            memory_available=17092 * 2**20,
        )
        assert json.loads(host.raw) == METRICS

    async def test_an_account_is_its_host(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        server.on("/metrics", as_json(METRICS, Date="Mon, 01 Dec 2025 18:01:55 GMT"))
        info = await backend.account_info()
        assert (info.backend, info.version, info.user, info.quota) == ("deepdock", "", "", ())
        assert info.host_spec == (
            ("GPUs", "1"),
            ("CPU cores", "4"),
            ("RAM", "19.5G"),
            ("RAM available", "16.7G"),
            ("clock", "59 s behind ours"),
        )
        assert backend.actions(info) == {Action.CREATE}

    async def test_what_it_does_not_tell_is_left_out(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        server.on("/metrics", as_json({"gpu_count": 0, "ram_total_mb": 20006.5, "cpu_cores": None, "new": []}))
        assert (await backend.probe()).host_spec == (("GPUs", "0"), ("RAM", "19.5G"))

    @pytest.mark.parametrize(
        ("answer", "kind", "said"),
        [
            (page(), ProtocolError, "a web page instead of JSON"),
            (page(404), ProtocolError, "does not answer like a DeepDock server"),
            (Reply(200, b"# HELP go_gc_duration_seconds\n"), ProtocolError, "something that is not JSON"),
            (as_json({"status": "ok"}), ProtocolError, "something unexpected"),
            (as_json([]), ProtocolError, "should be an object"),
            (as_json({"detail": "Not Found"}, 404), ProtocolError, "does not know this call"),
            (as_json({"detail": "Not authenticated"}, 403), AuthError, "requires credentials"),
            (page(401), AuthError, "requires credentials"),
            (as_json({"detail": "NVML: driver not loaded"}, 500), ServerError, "driver not loaded"),
            (Reply(500, b"Internal Server Error"), ServerError, "failed at it"),
            (Reset(), UnavailableError, "broke off"),
        ],
    )
    async def test_a_probe_tells_what_is_wrong_with_the_address(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: Answer, kind: type[GputuiError], said: str
    ) -> None:
        server.on("/metrics", answer)
        with pytest.raises(kind, match=said) as caught:
            await backend.probe()
        assert caught.value.message.startswith("dock: ")
        if kind is AuthError:
            assert "header" in caught.value.hint


class TestHeader:
    async def test_it_goes_with_every_request_and_is_fetched_once(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script(server)
        monkeypatch.setenv("DEEPDOCK_KEY", "k1")
        account = deepdock_account(server.url, 'header = { name = "X-Api-Key", value = "env:DEEPDOCK_KEY" }')
        backend = DeepdockBackend(account, now=NOW.timestamp)
        await backend.gpus()
        monkeypatch.setenv("DEEPDOCK_KEY", "k2")
        await backend.stop(ONE)
        assert {request.headers.get("x-api-key") for request in server.requests} == {"k1"}
        await backend.aclose()

    async def test_a_value_that_no_header_can_have_is_told_without_it(self, server: ScriptedServer) -> None:
        account = deepdock_account(server.url, 'header = { name = "X-Api-Key", value = "hünter2" }')
        backend = DeepdockBackend(account)
        with pytest.raises(AuthError, match="the value of X-Api-Key holds a character") as caught:
            await backend.probe()
        assert "nter2" not in str(caught.value)
        assert server.requests == []
        await backend.aclose()


class TestCreate:
    async def test_a_container_is_asked_for_once_with_its_login(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        script(server)
        made = await backend.creators["container"].prepare(CREATE).send()
        assert (made.created, made.generation) == (Ref("dock", "container", "train_a"), CREATED["id"])
        (request,) = server.asked("/containers/create")
        assert request.json == {
            "name": "train_a",
            "image": CUDA,
            "user_name": "alice",
            "password": "hunter2 & more",
            "gpu_ids": [0],
        }
        assert "hunter2" not in f"{made}"
        assert backend.creators["container"].prepare(CREATE).login == ("alice", Secret("hunter2 & more"))

    async def test_the_form_has_what_the_host_has(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        script(server, containers={"containers": [container("train_a", status="running")]})
        form = await backend.creators["container"].form()
        fields = {field.name: field for field in form.fields}
        assert fields["image"].choices == (CUDA, "nvidia/cuda:12.2.0-runtime-ubuntu22.04")
        assert fields["gpu_ids"].labels == ("RTX 4090  9 %  2.9G  train_a",)
        assert fields["user_name"].default == "dock"
        assert form.note == ""
        assert problems(backend, "container", CREATE | {"gpu_ids": "1"}) == {
            "gpu_ids": "1 is not among the host's GPUs: 0"
        }

    async def test_the_form_of_an_empty_host_says_so(self, server: ScriptedServer) -> None:
        script(server, images={"count": 0, "images": []}, series={}, containers={"containers": []})
        backend = DeepdockBackend(deepdock_account(server.url, 'ssh = { user = "alice" }'))
        form = await backend.creators["container"].form()
        assert form.note == "The host has no image: pull one first. The host reports no GPU."
        assert next(field.default for field in form.fields if field.name == "user_name") == "alice"
        server.on("/metrics/gpus", Reply(500, b""))
        assert await backend.creators["container"].form() == form
        await backend.aclose()

    async def test_the_form_of_a_pull_needs_no_question(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        assert [field.name for field in (await backend.creators["image"].form()).fields] == ["repo_tag"]
        assert server.requests == []

    @pytest.mark.parametrize("kind", ["container", "image"])
    async def test_what_is_wrong_is_not_sent(
        self, server: ScriptedServer, backend: DeepdockBackend, kind: str
    ) -> None:
        with pytest.raises(InvalidError) as caught:
            await backend.creators[kind].prepare({}).send()
        assert caught.value.fields == problems(backend, kind, {})
        assert server.requests == []

    async def test_a_dry_run_sends_nothing(self, server: ScriptedServer, backend: DeepdockBackend) -> None:
        request = shown(backend, "container", CREATE)
        assert request.url == f"{server.url}/containers/create"
        assert "hunter2" not in request.body
        assert json.loads(shown(backend, "image", {"repo_tag": "ubuntu"}).body) == {"repo_tag": "ubuntu:latest"}
        assert server.requests == []

    async def test_what_a_dry_run_shows_cannot_act_on_the_terminal(self, backend: DeepdockBackend) -> None:
        request = shown(backend, "container", CREATE | {"env": "HF_TOKEN=hf_secret\nTITLE=\x9b31mé\u202e"})
        assert "\x9b" not in request.body and "\u202e" not in request.body
        assert "hf_secret" not in request.body
        assert json.loads(request.body)["env"] == {"HF_TOKEN": "***", "TITLE": "\x9b31mé\u202e"}

    async def test_what_the_server_refuses_is_told_at_its_field(
        self, server: ScriptedServer, backend: DeepdockBackend
    ) -> None:
        complaints = [
            {"type": "dict_type", "loc": ["body", "env"], "msg": "Input should be a valid list", "input": {"A": "s"}},
            {"type": "int", "loc": ["body", "gpu_ids", 0], "msg": "Input should be less than 1", "input": 7},
        ]
        server.on("/containers/create", as_json({"detail": complaints}, 422))
        with pytest.raises(InvalidError) as caught:
            await backend.creators["container"].prepare(CREATE | {"env": "A=s"}).send()
        assert caught.value.fields == {
            "env": "Input should be a valid list",
            "gpu_ids": "Input should be less than 1",
        }
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("answer", "kind", "said"),
        [
            (as_json({"detail": "Image 'x' not found"}, 404), NotFoundError, "dock: Image 'x' not found (HTTP 404)."),
            (as_json({"detail": "Name is in use"}, 409), ConflictError, "dock: Name is in use (HTTP 409)."),
            (
                as_json(
                    {
                        "detail": "500 Server Error for http+docker://localhost/v1.51/x: Internal Server Error "
                        '("could not select device driver")'
                    },
                    500,
                ),
                UnknownOutcomeError,
                "was sent, but the server reports: could not select device driver (HTTP 500).",
            ),
            (Reply(500, b"Internal Server Error"), UnknownOutcomeError, "the server failed at it"),
            *(
                (
                    as_json(
                        {"detail": f'{status} Server Error for http+docker://localhost/v1.51/x: Oops ("x")'}, status
                    ),
                    UnknownOutcomeError,
                    "the creation of container train_a was sent, but a server on the way gave up",
                )
                for status in (502, 504)
            ),
            (Reset(), UnknownOutcomeError, "the creation of container train_a was sent, but"),
            (page(), UnknownOutcomeError, "a web page instead of JSON"),
        ],
    )
    async def test_a_refusal_is_told_in_words(
        self, server: ScriptedServer, backend: DeepdockBackend, answer: Answer, kind: type[GputuiError], said: str
    ) -> None:
        server.on("/containers/create", answer)
        with pytest.raises(kind) as caught:
            await backend.creators["container"].prepare(CREATE).send()
        assert said in caught.value.message
        assert server.count("POST") == 1


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("dock/container/container_1", True),
        (f"dock/image/{CUDA}", True),
        ("dock/gpu/0", True),
        ("dock/offer/RTX 4090", True),
        ("dock/host/127.0.0.1", True),
        ("dock/account/dock", True),
        ("dock/container/gone", False),
        ("dock/image/gone", False),
        ("dock/gpu/9", False),
        ("dock/volume/1", False),
    ],
)
async def test_one_row_anew(server: ScriptedServer, backend: DeepdockBackend, ref: str, found: bool) -> None:
    script(server)
    if found:
        assert (await backend.fetch(Ref.parse(ref))).ref == Ref.parse(ref)
        return
    with pytest.raises(NotFoundError):
        await backend.fetch(Ref.parse(ref))


async def test_every_row_is_in_the_list_that_its_kind_names(server: ScriptedServer, backend: DeepdockBackend) -> None:
    script(server)
    for resource, lister in backend.listers.items():
        for row in await lister():
            assert backend.kinds[row.ref.kind] is resource
