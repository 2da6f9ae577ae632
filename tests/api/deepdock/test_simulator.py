"""The DeepDock client against the simulator, over HTTP: every call. The two share no code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from gputui.api.deepdock.account import DeepdockAccount
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.config.loader import parse_config
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
from gputui.models import Action, GpuDevice, HostInfo, Image, Instance, Phase, Ref
from gputui.sim.deepdock.default_world import DOCK, DockPlan
from gputui.sim.deepdock.gpu_series import PERIOD
from gputui.sim.deepdock.host import DockHost, Machine
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running, running_simulator
from tests.sim.conftest import START, Hands

QUIET = replace(DOCK, quiet=True)
CUDA = "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04"
NEW = "nvidia/cuda:12.2.0-runtime-ubuntu20.04"
TRAIN = Ref("dock", "container", "train-7b")
UNSAFE = "\x1b\x07\u202e\x9b\x85\r"


@dataclass
class Place:
    """A simulator whose time a test moves, and the client of its host, which shares that time."""

    running: Running
    backend: DeepdockBackend
    hands: Hands

    @property
    def host(self) -> DockHost:
        host = self.running.world.hosts["dock"]
        assert isinstance(host, DockHost)
        return host

    def wait(self, seconds: float) -> None:
        self.hands.now += seconds
        self.running.world.advance()

    async def container(self, name: str) -> Instance:
        row = await self.backend.fetch(Ref("dock", "container", name))
        assert isinstance(row, Instance)
        return row


@asynccontextmanager
async def dock(plan: DockPlan = QUIET, *, faults: str = "none") -> AsyncIterator[Place]:
    hands = Hands()

    async def sleep(seconds: float) -> None:
        hands.now += seconds

    clock = WorldClock(speed=1.0, start=START, monotonic=hands, sleep=sleep)
    async with running_simulator(
        clock=clock, ssh=False, faults=faults, plans={"deepdock": [plan], "gpuhub": [], "yotta": []}
    ) as running:
        account = parse_config(running.config_toml(), name="simulator", private=True).accounts["dock"]
        assert isinstance(account, DeepdockAccount)
        backend = DeepdockBackend(account, sleep=sleep, monotonic=hands, now=lambda: running.world.time)
        try:
            yield Place(running, backend, hands)
        finally:
            await backend.aclose()


async def test_every_list() -> None:
    async with dock() as there:
        containers = {row.name: row for row in await there.backend.instances()}
        pods = {pod.instance: pod for pod in there.host.pods.values()}
        assert {name: row.status for name, row in containers.items()} == {n: pod.status for n, pod in pods.items()}
        assert all(row.problem is None and row.container_id and row.created_at for row in containers.values())
        assert containers["train-7b"].gpu_indices == (0, 1)
        assert {name for name, row in containers.items() if row.ssh} == {
            name for name, row in containers.items() if row.phase is Phase.RUNNING
        }

        devices = await there.backend.gpus()
        assert [device.index for device in devices] == list(range(8))
        assert all(device.model == "RTX 4090" and device.problem is None for device in devices)
        assert devices[0].instances == ("train-7b",)
        assert devices[4].instances == ("ablation", "finetune-lora")

        (offer,) = await there.backend.stock()
        assert (offer.idle, offer.total) == (2, 8)

        (host,) = await there.backend.hosts()
        assert (host.gpu_count, host.cpu_count, host.memory_total) == (8, 64, 256 * 2**30)

        images = await there.backend.images()
        assert {image.reference for image in images if image.tag} >= {CUDA, "localhost:5000/team/trainer:2025-11"}
        assert [image.name for image in images if not image.tag] == [
            image.ref.id for image in images if not image.tag
        ]
        assert all(image.size for image in images)


async def test_identity_is_the_host() -> None:
    async with dock() as there:
        info = await there.backend.account_info()
        assert dict(info.host_spec).keys() == {"GPUs", "CPU cores", "RAM", "RAM available", "clock"}


async def test_the_life_of_a_container() -> None:
    async with dock() as there:
        backend = there.backend
        form = await backend.creators["container"].form()
        fields = {field.name: field for field in form.fields}
        assert fields["gpu_ids"].labels[0].endswith("train-7b")
        values = {"name": "fresh", "image": CUDA, "user_name": "alice", "password": "s3cret & more"}
        values |= {"gpu_ids": "6,7", "env": "HF_HOME=/data\nLANG=C"}
        assert CUDA in fields["image"].choices
        made = await backend.creators["container"].prepare(values).send()
        assert made.created == Ref("dock", "container", "fresh")

        row = await there.container("fresh")
        assert (row.phase, row.gpu_indices, row.image) == (Phase.RUNNING, (6, 7), CUDA)
        assert row.container_id == made.generation
        pod = next(pod for pod in there.host.pods.values() if pod.instance == "fresh")
        assert (pod.user, pod.password, pod.env) == ("alice", "s3cret & more", {"HF_HOME": "/data", "LANG": "C"})
        assert (await backend.ssh_target(row.ref)).generation == made.generation
        await backend.restart(row.ref)
        assert backend.options(row, Action.DELETE)
        with pytest.raises(ConflictError):
            await backend.delete(row.ref)
        await backend.stop(row.ref)
        stopped = await there.container("fresh")
        assert (stopped.phase, stopped.ssh) == (Phase.STOPPED, None)
        assert not backend.options(stopped, Action.DELETE)
        with pytest.raises(SshError):
            await backend.ssh_target(row.ref)
        await backend.start(row.ref)
        await backend.delete(row.ref, force=True)
        with pytest.raises(NotFoundError):
            await backend.fetch(row.ref)


async def test_the_life_of_an_image() -> None:
    async with dock() as there:
        backend = there.backend
        made = await backend.creators["image"].prepare({"repo_tag": NEW}).send()
        assert made.created is not None
        image = await backend.fetch(made.created)
        assert isinstance(image, Image)
        assert (image.name, image.tag) == ("nvidia/cuda", "12.2.0-runtime-ubuntu20.04")
        assert Action.DELETE in backend.actions(image)
        await backend.delete(image.ref)
        assert image.ref not in {row.ref for row in await backend.images()}


@pytest.mark.parametrize("name", ["localhost:5000/team/trainer:2025-11", "jupyter/base-notebook:latest"])
async def test_an_image_with_slashes_and_colons_can_be_deleted(name: str) -> None:
    async with dock() as there:
        await there.backend.delete(Ref("dock", "image", name))
        assert there.host.image(name) is None


async def test_an_image_that_lost_its_tag_is_deleted_by_its_id() -> None:
    async with dock() as there:
        lost = next(image for image in await there.backend.images() if not image.tag)
        await there.backend.delete(lost.ref)
        assert lost.ref not in {image.ref for image in await there.backend.images()}


async def test_an_image_without_a_tag_is_the_latest_one() -> None:
    async with dock() as there:
        assert (await there.backend.creators["image"].prepare({"repo_tag": "hello-world"}).send()).created == Ref(
            "dock", "image", "hello-world:latest"
        )
        assert Ref("dock", "image", "hello-world:latest") in {image.ref for image in await there.backend.images()}


async def test_what_the_server_refuses_has_an_error_of_its_kind() -> None:
    async with dock() as there:
        right = {"name": "fresh", "image": CUDA, "user_name": "alice", "password": "x"}
        with pytest.raises(ConflictError, match="already exists"):
            await there.backend.creators["container"].prepare(right | {"name": "train-7b"}).send()
        with pytest.raises(NotFoundError, match=r"dock: No such image: nothing:here \(HTTP 404\)\."):
            await there.backend.creators["container"].prepare(right | {"image": "nothing:here"}).send()
        with pytest.raises(NotFoundError, match="GPU 8 not found"):
            await there.backend.creators["container"].prepare(right | {"gpu_ids": "8"}).send()
        with pytest.raises(NotFoundError, match="pull access denied for unknown/image"):
            await there.backend.creators["image"].prepare({"repo_tag": "unknown/image:1"}).send()
        with pytest.raises(NotFoundError, match="manifest for ubuntu:1 not found"):
            await there.backend.creators["image"].prepare({"repo_tag": "ubuntu:1"}).send()
        for verb in ("start", "stop", "restart", "delete"):
            with pytest.raises(NotFoundError):
                await getattr(there.backend, verb)(Ref("dock", "container", "nowhere"))
        with pytest.raises(NotFoundError):
            await there.backend.delete(Ref("dock", "image", "nothing:here"))


@pytest.mark.parametrize("offset", [8, 5.75, -9.5, 0])
@pytest.mark.parametrize("skew", [0.0, 7.3, -4000.0, 260.0])
async def test_samples_are_where_they_were_taken_whatever_the_hosts_clock_says(offset: float, skew: float) -> None:
    plan = replace(QUIET, machine=Machine(utc_offset=offset * 3600, skew=skew), gpus=2)
    async with dock(plan) as there:
        for _ in range(4):
            devices = await there.backend.gpus()
            for device in devices:
                taken = [sample.number * PERIOD for sample in there.host.series[device.index].samples]
                placed = [sample.at.timestamp() for sample in device.series]
                assert len(placed) == 360
                assert max(abs(ours - theirs) for ours, theirs in zip(placed, taken, strict=True)) < 2.2
                assert placed[-1] <= there.running.world.time
            there.wait(14.0)
        (host,) = await there.backend.hosts()
        assert isinstance(host, HostInfo)
        assert host.clock_ahead == pytest.approx(skew, abs=2)


async def test_an_answer_without_a_new_sample_gives_the_very_same_rows() -> None:
    async with dock() as there:
        first = await there.backend.gpus()
        there.wait(1.0)
        second = await there.backend.gpus()
        there.wait(PERIOD)
        third = await there.backend.gpus()
        assert second is first
        assert third is not first
        assert [device.series[:-1] for device in third] == [device.series[1:] for device in first]


async def test_stock_follows_load_and_assignment() -> None:
    async with dock() as there:

        async def idle() -> int | None:
            (offer,) = await there.backend.stock()
            return offer.idle

        await there.backend.instances()
        assert await idle() == 2
        values = {"name": "fresh", "image": CUDA, "user_name": "alice", "password": "x", "gpu_ids": "7"}
        await there.backend.creators["container"].prepare(values).send()
        await there.backend.instances()
        assert await idle() == 1
        await there.backend.delete(Ref("dock", "container", "train-7b"), force=True)
        await there.backend.instances()
        there.wait(120)
        assert await idle() == 3


async def test_series_with_holes_and_in_disorder_are_put_in_order() -> None:
    async with dock(faults="samples") as there:
        for device in await there.backend.gpus():
            times = [sample.at for sample in device.series]
            assert 200 < len(times) < 360
            assert all(earlier < later for earlier, later in pairwise(times))
            assert device.problem is None
            assert (there.running.world.time - times[-1].timestamp()) < 200


async def test_a_gpu_that_has_disappeared_is_gone() -> None:
    async with dock() as there:
        assert len(await there.backend.gpus()) == 8
        there.running.set_faults("lostgpu")
        there.wait(1.0)
        assert [device.index for device in await there.backend.gpus()] == list(range(7))
        there.running.set_faults("none")
        there.wait(1.0)
        back = (await there.backend.gpus())[7]
        assert isinstance(back, GpuDevice)
        assert len(back.series) == 360


async def test_an_empty_host_has_nothing() -> None:
    async with dock(faults="empty") as there:
        for lister in (there.backend.instances, there.backend.gpus, there.backend.images, there.backend.stock):
            assert list(await lister()) == []
        (host,) = await there.backend.hosts()
        assert host.gpu_count == 0


async def test_a_host_that_reports_no_port_has_no_login() -> None:
    async with dock(faults="noport") as there:
        row = await there.container("train-7b")
        assert Action.SSH not in there.backend.actions(row)
        with pytest.raises(SshError, match="has no SSH address"):
            await there.backend.ssh_target(TRAIN)


async def test_a_pull_whose_connection_breaks_is_unknown_and_continues() -> None:
    async with dock(faults="pullcut") as there:
        with pytest.raises(UnknownOutcomeError, match=f"the pull of image {NEW} was sent"):
            await there.backend.creators["image"].prepare({"repo_tag": NEW}).send()
        ref = there.backend.creators["image"].prepare({"repo_tag": NEW}).ref
        assert ref not in {image.ref for image in await there.backend.images()}
        there.wait(600)
        assert ref in {image.ref for image in await there.backend.images()}


async def test_a_pull_without_room_fails_in_the_servers_words() -> None:
    async with dock(faults="nospace") as there:
        with pytest.raises(ServerError, match="no space left on device"):
            await there.backend.creators["image"].prepare({"repo_tag": NEW}).send()


async def test_a_header_opens_a_server_that_wants_one() -> None:
    async with dock(replace(QUIET, header=("X-Api-Key", "k-1"))) as there:
        assert await there.backend.instances()
        account = parse_config(there.running.config_toml(), name="s", private=True).accounts["dock"]
        stranger = DeepdockBackend(account.model_copy(update={"header": None}))  # type: ignore[arg-type]  # a dock's
        with pytest.raises(AuthError, match="requires credentials"):
            await stranger.identify()
        await stranger.aclose()


async def test_spoiled_answers_keep_the_good_rows() -> None:
    async with dock(faults="garbage") as there:
        rows = await there.backend.instances()
        assert len(rows) == len(there.host.pods)
        assert 0 < len([row for row in rows if row.problem]) < len(rows)
        devices = {device.index: device for device in await there.backend.gpus()}
        assert set(devices) == {*range(8), 99}
        assert all(device.problem for device in devices.values())
        assert all(len(devices[index].series) > 200 for index in range(8))
        assert await there.backend.images()
        with pytest.raises(ProtocolError, match="ram_total_mb should be a number"):
            await there.backend.hosts()


async def test_hostile_names_are_harmless_and_can_be_acted_on() -> None:
    async with dock(faults="hostile") as there:
        rows = await there.backend.instances()
        images = await there.backend.images()
        texts = [f"{row.name}{row.image}{row.raw}{row.problem}" for row in rows]
        texts += [f"{image.name}{image.tag}{image.raw}" for image in images]
        texts += [f"{device.instances}" for device in await there.backend.gpus()]
        assert not any(character in text for text in texts for character in UNSAFE)
        for word in ("title", "click", "reboot"):
            for row in rows:
                if word in row.name:
                    await there.backend.stop(row.ref)
                    await there.backend.delete(row.ref, force=True)
            for image in images:
                if word in image.name:
                    await there.backend.delete(image.ref)
        left = [row.name for row in await there.backend.instances()]
        assert not any(word in name for name in left for word in ("title", "click", "reboot"))


@pytest.mark.parametrize(
    ("profile", "kind"),
    [("html", ProtocolError), ("truncated", ProtocolError), ("down", UnavailableError), ("auth", AuthError)],
)
async def test_a_server_gone_wrong_has_an_error_of_its_kind(profile: str, kind: type[GputuiError]) -> None:
    async with dock(faults=profile) as there:
        for lister in there.backend.listers.values():
            with pytest.raises(kind, match=r"^dock: "):
                await lister()


async def test_a_complaint_of_fastapi_is_reported_at_its_field() -> None:
    async with dock() as there:
        path = "/containers/create"
        with pytest.raises(InvalidError) as caught:
            await there.backend._client.transport.change("POST", path, json={"env": {"A": 1}}, what="x")
        assert caught.value.fields.keys() == {"name", "image", "user_name", "password", "env"}
