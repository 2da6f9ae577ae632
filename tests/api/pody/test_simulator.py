"""The pody client against the simulator, over HTTP: every call, on every release. The two share no code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gputui.api.pody.account import PodyAccount
from gputui.api.pody.backend import PodyBackend
from gputui.config.loader import parse_config
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.models import Action, Image, Instance, Phase, Ref
from gputui.sim.machines.hosts import Host
from gputui.sim.pody.default_world import HOSTS
from gputui.sim.server import Running, running_simulator

SUPPORTED = ("0.1.15", "0.2.5", "0.3.4", "0.4.1")
RELEASES = ("0.1.9", *SUPPORTED)
COMMITTING = ("0.3.4", "0.4.1")
by_release = pytest.mark.parametrize("release", RELEASES)


@dataclass
class Lab:
    """A simulator whose time is stopped, and the client of its first account."""

    running: Running
    backend: PodyBackend

    @property
    def host(self) -> Host:
        return self.running.world.hosts["lab"]

    async def first(self, phase: Phase = Phase.RUNNING) -> Instance:
        return next(row for row in await self.backend.instances() if row.phase is phase)


async def no_wait(_: float) -> None:
    """Let back-offs pass at once."""


@asynccontextmanager
async def lab(release: str = "0.4.1", *, faults: str = "none") -> AsyncIterator[Lab]:
    # Every pod is a request of each list.
    hosts = [replace(plan, pods=8, others=4, release=release) for plan in HOSTS["small"]]
    plans: dict[str, Any] = {"pody": hosts, "gpuhub": (), "deepdock": (), "yotta": ()}
    async with running_simulator(speed=0.0, ssh=False, faults=faults, plans=plans) as running:
        account = parse_config(running.config_toml(), name="simulator", private=True).accounts["lab"]
        assert isinstance(account, PodyAccount)
        backend = PodyBackend(account, sleep=no_wait)
        try:
            yield Lab(running, backend)
        finally:
            await backend.aclose()


@by_release
async def test_identity_and_everything_about_the_account(release: str) -> None:
    async with lab(release) as there:
        info = await there.backend.account_info()
        pods = await there.backend.instances()
        assert (info.user, info.is_admin) == ("alice", False)
        assert info.version == ("before 0.1.15" if release == "0.1.9" else release)
        assert {"alice", "bob", "carol"} <= set(info.users)
        assert next(line.used for line in info.quota if line.name == "max_pods") == len(pods)
        # 0.1.9 has no /host/spec; that is reported, the rest is there.
        assert [problem.partition(":")[0] for problem in info.problems] == (["host"] if release == "0.1.9" else [])
        assert bool(info.usage) == (release >= "0.2.5")


@by_release
async def test_every_list(release: str) -> None:
    async with lab(release) as there:
        pods = {row.name: row for row in await there.backend.instances()}
        own = {pod.instance: pod for pod in there.host.pods_of("alice")}
        assert {name: row.status for name, row in pods.items()} == {name: pod.status for name, pod in own.items()}
        assert all(row.problem is None and row.container_id for row in pods.values())

        devices = await there.backend.gpus()
        assert [device.index for device in devices] == [gpu.index for gpu in there.host.gpus]
        assert {device.process_count for device in devices} == {
            len(there.host.on_gpu(device.index)) for device in devices
        }

        processes = await there.backend.processes()
        of_alice = [process for process in processes if process.instance_name in pods]
        assert of_alice
        assert all(process.instance and process.instance.id in pods for process in of_alice)
        others = [process for process in processes if process not in of_alice]
        assert others
        assert all(process.instance is None for process in others)

        (offer,) = await there.backend.stock()
        assert offer.idle == sum(not there.host.on_gpu(gpu.index) for gpu in there.host.gpus)
        assert offer.total == len(there.host.gpus)

        images = await there.backend.images()
        assert images
        assert all("\x1b" not in image.name for image in images)


@by_release
async def test_the_life_of_a_pod(release: str) -> None:
    async with lab(release) as there:
        backend = there.backend
        form = await backend.creators["pod"].form()
        values = {"ins": "fresh", "image": form.fields[1].choices[-1]}
        made = await backend.creators["pod"].prepare(values).send()
        ref = Ref("lab", "pod", "fresh")
        assert made.created == ref

        async def status() -> str:
            row = await backend.fetch(ref)
            assert isinstance(row, Instance)
            return row.status

        assert await status() == "running"
        assert (await backend.ssh_target(ref)).user == "root"
        assert (await backend.exec(ref, "echo hello")).output == "hello\n"
        assert (await backend.exec(ref, "exit 3")).exit_code == 3
        await backend.stop(ref)
        assert await status() == "exited"
        await backend.start(ref)
        await backend.restart(ref)
        assert await status() == "running"
        await backend.delete(ref)
        with pytest.raises(NotFoundError):
            await backend.fetch(ref)
        assert ref not in {row.ref for row in await backend.instances()}


@pytest.mark.parametrize("release", COMMITTING)
async def test_the_life_of_an_image(release: str) -> None:
    async with lab(release) as there:
        backend = there.backend
        row = await there.first()
        assert Action.COMMIT in backend.actions(row)
        ref = (await backend.commit(row.ref, tag="kept", message="with apex")).created
        assert ref is not None
        assert ref in {image.ref for image in await backend.images()}
        image = await backend.fetch(ref)
        assert isinstance(image, Image)
        assert (image.own, image.description) == (True, "with apex")
        assert image.size is not None
        assert image.created_at is not None
        made = await backend.creators["pod"].prepare({"ins": "again", "image": ref.id}).send()
        assert made.created is not None
        await backend.delete(made.created)
        assert Action.DELETE in backend.actions(image)
        await backend.delete(ref)
        assert ref not in {image.ref for image in await backend.images()}


@by_release
async def test_a_changed_password_counts_at_once(release: str) -> None:
    async with lab(release) as there:
        await there.backend.change_password("s3cret & more")
        assert there.host.users["alice"].password == "s3cret & more"
        assert await there.backend.instances()


@pytest.mark.parametrize("release", SUPPORTED)
async def test_what_the_server_refuses_has_an_error_of_its_kind(release: str) -> None:
    async with lab(release) as there:
        with pytest.raises(InvalidError, match="Invalid image name"):
            await there.backend.creators["pod"].prepare({"ins": "fresh", "image": "nothing:here"}).send()
        image = (await there.backend.images())[-1].ref.id
        with pytest.raises(ConflictError, match="already exists"):
            await there.backend.creators["pod"].prepare({"ins": "main", "image": image}).send()
        there.host.users["alice"].quota.max_pods = 1
        with pytest.raises(ForbiddenError, match="Exceed max pod limit"):
            await there.backend.creators["pod"].prepare({"ins": "fresh", "image": image}).send()
        with pytest.raises(NotFoundError):
            await there.backend.stop(Ref("lab", "pod", "nowhere"))
        there.host.users["alice"].password = "changed elsewhere"
        with pytest.raises(AuthError, match="wrong user name or password"):
            await there.backend.identify()


async def test_one_pod_that_cannot_be_inspected_keeps_the_others() -> None:
    async with lab(faults="inspect") as there:
        rows = await there.backend.instances()
        assert len([row for row in rows if row.problem]) == 1
        assert len(rows) == len(list(there.host.pods_of("alice")))


async def test_spoiled_answers_keep_the_good_rows() -> None:
    async with lab(faults="garbage") as there:
        rows = await there.backend.instances()
        assert len(rows) == len(list(there.host.pods_of("alice")))
        assert 0 < len([row for row in rows if row.problem]) < len(rows)
        assert all(device.problem for device in await there.backend.gpus() if device.process_count)
        assert await there.backend.processes()
        assert await there.backend.images()
        assert (await there.backend.identify()).user == "alice"


async def test_hostile_names_are_harmless_and_can_be_acted_on() -> None:
    async with lab(faults="hostile") as there:
        rows = await there.backend.instances()
        texts = [f"{row.name}{row.image}{row.raw}{row.problem}" for row in rows]
        texts += [f"{process.instance_name}{process.command}" for process in await there.backend.processes()]
        assert not any(character in text for text in texts for character in "\x1b\x07\u202e\x9b\x85\r")
        attack = next(row for row in rows if "title" in row.name)
        await there.backend.stop(attack.ref)
        assert [pod.status for pod in there.host.pods.values() if "title" in pod.instance] == ["exited"]


@pytest.mark.parametrize(
    ("profile", "kind"),
    [("html", ProtocolError), ("truncated", ProtocolError), ("down", UnavailableError), ("auth", AuthError)],
)
async def test_a_server_gone_wrong_has_an_error_of_its_kind(profile: str, kind: type[GputuiError]) -> None:
    async with lab(faults=profile) as there:
        with pytest.raises(kind, match=r"^lab: "):
            await there.backend.instances()


async def test_a_server_that_is_away_refuses_and_comes_back() -> None:
    async with lab() as there:
        assert await there.backend.instances()
        await there.running.unplug("lab")
        with pytest.raises(UnavailableError):
            await there.backend.stop(Ref("lab", "pod", "main"))
        await there.running.plug("lab")
        assert await there.backend.instances()


async def test_a_change_whose_answer_is_lost_happened_once() -> None:
    async with lab() as there:
        await there.backend.identify()
        there.running.set_faults("truncated")
        with pytest.raises(UnknownOutcomeError):
            await there.backend.exec(Ref("lab", "pod", "main"), "echo once")
        there.running.set_faults("none")
        assert isinstance(await there.backend.fetch(Ref("lab", "pod", "main")), Instance)


async def test_a_pod_that_breaks_names_the_failure() -> None:
    async with lab(faults="inspect") as there:
        with pytest.raises(ServerError, match="the server failed"):
            await there.backend.fetch(Ref("lab", "pod", "jupyter"))
