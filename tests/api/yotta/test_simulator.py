"""The Yotta client against the simulator, over HTTP: every call. The two share no code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from gputui.api.yotta.account import YottaAccount
from gputui.api.yotta.backend import YottaBackend
from gputui.config.loader import parse_config
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    SshError,
    UnavailableError,
)
from gputui.models import Action, Deployment, Instance, Phase, Ref, Resource
from gputui.sim.machines.clock import WorldClock
from gputui.sim.server import Running, running_simulator
from gputui.sim.yotta.cloud import YottaCloud
from gputui.sim.yotta.default_world import YOTTA, YottaPlan
from tests.api.creating import look, problems
from tests.sim.conftest import START, Hands

QUIET = replace(YOTTA, quiet=True)
POD = {
    "name": "fresh",
    "image": "pytorch/pytorch:2.7.1",
    "gpuType": "NVIDIA_RTX_4090_24G",
    "gpuCount": "2",
    "regions": "us-east-1",
}
ENDPOINT = {
    "name": "fresh",
    "image": "vllm/vllm-openai:v0.9.1",
    "resources": "us-east-1 NVIDIA_RTX_4090_24G 1",
    "workers": "2",
    "containerVolumeInGb": "20",
    "serviceMode": "QUEUE",
}


async def vm_type(backend: YottaBackend) -> dict[str, str]:
    """Return a type of VM that is available, with its region, as the form takes them."""
    offer = next(offer for offer in await backend._lists.offers() if offer.available)
    return {"vmTypeId": offer.type_id, "region": offer.region}


UNSAFE = "\x1b\x07\u202e\x9b\x85\r"
LONG = 3600.0


@dataclass
class Place:
    """A simulator whose time a test moves, and the client of its account, which shares that time."""

    running: Running
    backend: YottaBackend
    hands: Hands

    @property
    def cloud(self) -> YottaCloud:
        cloud = self.running.accounts["yotta"].state
        assert isinstance(cloud, YottaCloud)
        return cloud

    def wait(self, seconds: float) -> None:
        self.hands.now += seconds
        self.running.world.advance()

    async def instances(self) -> dict[Ref, Instance]:
        rows = await self.backend.listers[Resource.INSTANCES]()
        return {row.ref: row for row in rows if isinstance(row, Instance)}

    async def instance(self, ref: Ref | None) -> Instance:
        assert ref is not None
        row = await self.backend.fetch(ref)
        assert isinstance(row, Instance)
        return row

    async def endpoint(self, ref: Ref | None) -> Deployment:
        assert ref is not None
        row = await self.backend.fetch(ref)
        assert isinstance(row, Deployment)
        return row

    async def named(self, kind: str, name: str) -> Instance:
        rows = await self.instances()
        return next(row for row in rows.values() if (row.ref.kind, row.name) == (kind, name))


@asynccontextmanager
async def yotta(plan: YottaPlan = QUIET, *, faults: str = "none", ssh: bool = False) -> AsyncIterator[Place]:
    hands = Hands()

    async def sleep(seconds: float) -> None:
        hands.now += seconds

    clock = WorldClock(speed=1.0, start=START, monotonic=hands, sleep=sleep)
    async with running_simulator(
        clock=clock, ssh=ssh, faults=faults, plans={"deepdock": [], "gpuhub": [], "yotta": [plan]}
    ) as running:
        account = parse_config(running.config_toml(), name="simulator", private=True).accounts["yotta"]
        assert isinstance(account, YottaAccount)
        backend = YottaBackend(account, sleep=sleep, monotonic=hands)
        try:
            yield Place(running, backend, hands)
        finally:
            await backend.aclose()


async def test_every_list() -> None:
    async with yotta() as there:
        rows = await there.instances()
        pods, vms = ({row.name: row for row in rows.values() if row.ref.kind == kind} for kind in ("pod", "vm"))
        assert {name: row.status for name, row in pods.items()} == {
            pod.order.name: pod.status.upper() for pod in there.cloud.pods.values()
        }
        assert {name: row.status for name, row in vms.items()} == {
            vm.order.name: vm.status for vm in there.cloud.vms.values()
        }
        workers = [row for row in rows.values() if row.ref.kind == "worker"]
        held = [worker for each in there.cloud.serverless.endpoints.values() for worker in each.workers]
        assert sorted(row.name for row in workers) == sorted(held)
        assert all(row.problem is None and row.created_at and row.container_id for row in rows.values())
        assert (pods["llama-ft"].gpu_model, pods["llama-ft"].gpu_count) == ("H100 SXM 80G", 2)
        node = vms["h100-node"]
        assert (node.cpu_count, node.memory_limit, node.region) == (128, 768 * 2**30, "us-west-1")

        endpoints = {row.name: row for row in await there.backend.endpoints()}
        assert {name: (row.status, row.type, row.desired) for name, row in endpoints.items()} == {
            each.order.name: (each.status.upper(), each.order.mode, each.order.workers)
            for each in there.cloud.serverless.endpoints.values()
        }
        assert endpoints["chat-prod"].price is not None
        assert endpoints["chat-prod"].price.amount > Decimal(0)
        assert {row.parent for row in workers} <= {row.ref for row in endpoints.values()}

        offers = await there.backend._lists.offers()
        shelves = there.cloud.market.shelves
        assert {(offer.vendor_name, offer.region) for offer in offers} == shelves.keys()
        assert all(
            offer.available is (shelf.idle >= shelf.kind.in_vm) and offer.gpu_memory == shelf.kind.memory * 2**30
            for offer in offers
            for shelf in (shelves[offer.vendor_name, offer.region],)
        )


async def test_more_vms_than_fit_on_one_page_are_all_listed() -> None:
    async with yotta() as there:
        order = next(iter(there.cloud.vms.values())).order
        for number in range(230):
            there.cloud.add(
                there.cloud.vms, replace(order, name=f"n-{number}"), "us-east-1", there.running.world.time
            )
        assert len([ref for ref in await there.instances() if ref.kind == "vm"]) == len(there.cloud.vms)


async def test_the_key_is_all_one_needs() -> None:
    async with yotta() as there:
        assert (await there.backend.identify()).backend == "Yotta"
        account = parse_config(
            there.running.config_toml().replace(YOTTA.key, "guess"), name="simulator", private=True
        ).accounts["yotta"]
        assert isinstance(account, YottaAccount)
        stranger = YottaBackend(account)
        with pytest.raises((AuthError, ForbiddenError)):
            await stranger.identify()
        await stranger.aclose()


async def test_the_life_of_a_pod() -> None:
    async with yotta(ssh=True) as there:
        backend = there.backend
        form = {field.name: field for field in (await backend.creators["pod"].form()).fields}
        assert POD["gpuType"] in form["gpuType"].choices
        assert POD["regions"] in form["regions"].choices
        volume = next(volume for volume in there.cloud.volumes.values() if volume.name == "checkpoints")
        values = POD | {
            "environmentVars": "HF_HOME=/data\nTOKEN=a b ",
            "expose": "8080/http",
            "persistentVolumes": f"{volume.id}:/mnt/data",
            "initializationCommand": "pip install -r requirements.txt",
        }
        assert problems(backend, "pod", values) == {}
        assert await look(backend, "pod", values) == []
        made = await backend.creators["pod"].prepare(values).send()
        assert list(await look(backend, "pod", values)) == [made.created]
        row = await there.instance(made.created)
        assert (row.phase, row.ssh, row.container_id) == (Phase.PENDING, None, made.generation)
        order = there.cloud.pods[int(row.ref.id)].order
        assert (order.env, order.mounts) == ({"HF_HOME": "/data", "TOKEN": "a b "}, (volume.id,))

        there.wait(LONG)
        row = await there.instance(made.created)
        assert (row.phase, row.gpu_model, row.gpu_count) == (Phase.RUNNING, "RTX 4090", 2)
        target = await backend.ssh_target(row.ref)
        assert (target.user, target.host, target.generation) == ("root", "127.0.0.1", row.ref.id)
        assert backend.actions(row) == {Action.STOP, Action.DELETE, Action.SSH}
        with pytest.raises(ConflictError, match="code 12001"):
            await backend.start(row.ref)

        await backend.stop(row.ref)
        row = await there.instance(row.ref)
        assert row.phase is Phase.STOPPED
        assert backend.actions(row) == {Action.START, Action.DELETE}
        with pytest.raises(SshError):
            await backend.ssh_target(row.ref)
        await backend.start(row.ref)
        await backend.delete(row.ref)
        row = await there.instance(row.ref)
        assert (row.status, backend.actions(row)) == ("TERMINATED", frozenset())
        there.wait(LONG)
        with pytest.raises(NotFoundError, match="code 13000"):
            await backend.fetch(row.ref)


async def test_the_life_of_a_vm() -> None:
    async with yotta() as there:
        backend = there.backend
        fields = (await backend.creators["vm"].form()).fields
        values = {field.name: field.default for field in fields} | {"name": "fresh", "isSpot": "true"}
        values |= await vm_type(backend)
        assert problems(backend, "vm", values) == {}
        made = await backend.creators["vm"].prepare(values).send()
        there.wait(LONG)
        row = await there.instance(made.created)
        assert (row.phase, row.name, row.region) == (Phase.RUNNING, "fresh", values["region"])
        assert there.cloud.vms[int(row.ref.id)].order.spot
        await backend.delete(row.ref)
        assert (await there.instance(row.ref)).status == "terminated"
        there.wait(LONG)
        with pytest.raises(NotFoundError, match="code 11000"):
            await backend.delete(row.ref)


async def test_the_life_of_an_endpoint() -> None:
    async with yotta() as there:
        backend = there.backend
        made = (
            await backend.creators["endpoint"]
            .prepare(ENDPOINT | {"webhook": "https://example.com/h", "expose": "8000/http"})
            .send()
        )
        there.wait(LONG)
        row = await there.endpoint(made.created)
        assert (row.phase, row.type, row.running, row.desired) == (Phase.RUNNING, "QUEUE", 2, 2)
        workers = [each for each in (await there.instances()).values() if each.parent == row.ref]
        assert [worker.phase for worker in workers] == [Phase.RUNNING] * 2
        assert await backend.fetch(workers[0].ref) == workers[0]

        await backend.scale(row.ref, 3)
        there.wait(LONG)
        assert (await there.endpoint(row.ref)).running == 3
        await backend.stop(row.ref)
        there.wait(LONG)
        row = await there.endpoint(row.ref)
        assert (row.phase, row.running) == (Phase.STOPPED, 0)
        with pytest.raises(ConflictError, match="code 12001"):
            await backend.stop(row.ref)
        await backend.start(row.ref)
        there.wait(LONG)
        assert (await there.endpoint(row.ref)).phase is Phase.RUNNING
        await backend.delete(row.ref)
        there.wait(LONG)
        with pytest.raises(NotFoundError):
            await backend.fetch(row.ref)


async def test_lists_are_narrowed_on_the_server() -> None:
    async with yotta() as there:
        backend = there.backend
        backend.filters.prepare(
            Resource.INSTANCES, {"regionList": "us-east-1,us-west-1", "podStatus": "running", "vmStatus": "stopped"}
        )()
        rows = [row for row in (await there.instances()).values() if row.ref.kind != "worker"]
        expected = {
            pod.order.name
            for pod in there.cloud.pods.values()
            if pod.region in {"us-east-1", "us-west-1"} and pod.status == "running"
        }
        assert {row.name for row in rows if row.ref.kind == "pod"} == expected
        assert [row.name for row in rows if row.ref.kind == "vm"] == ["old-notebook"]
        backend.filters.prepare(Resource.INSTANCES, {})()
        assert len([ref for ref in await there.instances() if ref.kind == "pod"]) == len(there.cloud.pods)
        backend.filters.prepare(Resource.DEPLOYMENTS, {"statusList": "FAILED,STOPPED"})()
        assert {row.name for row in await backend.endpoints()} == {"bad-image", "asr-nightly"}


@pytest.mark.parametrize(
    ("kind", "values", "error", "words"),
    [
        ("pod", POD | {"gpuType": "NVIDIA_X"}, InvalidError, "gpuType is not known"),
        ("pod", POD | {"containerRegistryAuthId": "1"}, NotFoundError, "code 10007"),
        ("pod", POD | {"gpuCount": "4096"}, ConflictError, "not 4096 idle"),
        ("endpoint", ENDPOINT | {"workers": "1000"}, InvalidError, "workers must be at most 100"),
    ],
)
async def test_what_the_server_refuses_has_an_error_of_its_kind(
    kind: str, values: Mapping[str, str], error: type[GputuiError], words: str
) -> None:
    async with yotta() as there:
        assert problems(there.backend, kind, values) == {}
        with pytest.raises(error, match=words):
            await there.backend.creators[kind].prepare(values).send()


@pytest.mark.parametrize("kind", ["pod", "vm", "endpoint"])
async def test_the_defaults_of_a_form_are_accepted_by_the_server(kind: str) -> None:
    async with yotta() as there:
        form = await there.backend.creators[kind].form()
        values = {field.name: field.default for field in form.fields} | {"name": "fresh", "image": "a:1"}
        values |= {"gpuType": "NVIDIA_RTX_4090_24G"} if kind == "pod" else {}
        values |= {"resources": ENDPOINT["resources"]} if kind == "endpoint" else {}
        values |= await vm_type(there.backend) if kind == "vm" else {}
        values = {name: value for name, value in values.items() if name in {field.name for field in form.fields}}
        assert problems(there.backend, kind, values) == {}
        assert (await there.backend.creators[kind].prepare(values).send()).created


@pytest.mark.parametrize("faults", ["down", "html", "truncated"])
async def test_an_api_that_is_away_is_reported(faults: str) -> None:
    async with yotta(faults=faults) as there:
        for lister in there.backend.listers.values():
            with pytest.raises((UnavailableError, ProtocolError)):
                await lister()


async def test_credentials_that_are_no_longer_right_are_reported() -> None:
    async with yotta(faults="auth") as there:
        with pytest.raises((AuthError, ForbiddenError), match="not valid"):
            await there.instances()


async def test_a_rate_limit_says_when_it_ends() -> None:
    async with yotta(faults="ratelimited") as there:
        with pytest.raises(RateLimitedError) as raised:
            for _ in range(3):
                await there.instances()
        assert raised.value.retry_after > 0
        there.running.set_faults("none")
        there.wait(raised.value.retry_after)
        assert await there.instances()


async def test_spoiled_answers_keep_the_good_rows() -> None:
    async with yotta(faults="garbage") as there:
        rows = list((await there.instances()).values())
        assert {row.ref.kind for row in rows} == {"pod", "vm", "worker"}
        assert 0 < len([row for row in rows if row.problem]) < len(rows)
        assert await there.backend.endpoints()
        assert await there.backend._lists.offers()


async def test_names_that_attack_a_terminal_come_out_harmless() -> None:
    async with yotta(faults="hostile") as there:
        rows = [
            *(await there.instances()).values(),
            *await there.backend.endpoints(),
            *await there.backend._lists.offers(),
        ]
        assert not set(UNSAFE) & set(repr(rows))
        hostile = [row for row in rows if isinstance(row, Instance) and row.name == "[/x]"]
        assert {row.ref.kind for row in hostile} == {"pod", "vm"}
        raw = [row.raw for row in rows if isinstance(row, Instance | Deployment)]
        assert not set(UNSAFE) & set("".join(raw))
        form = await there.backend.creators["vm"].form()
        assert not set(UNSAFE) & set(repr(form))


async def test_pages_that_move_while_they_are_read_lose_nothing() -> None:
    async with yotta() as there:
        order = next(iter(there.cloud.vms.values())).order
        for number in range(230):
            there.cloud.add(
                there.cloud.vms, replace(order, name=f"n-{number}"), "us-east-1", there.running.world.time
            )
        there.running.set_faults("shifting")
        assert len([ref for ref in await there.instances() if ref.kind == "vm"]) == len(there.cloud.vms)
