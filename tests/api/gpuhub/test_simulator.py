"""The GPUhub client against the simulator, over HTTP: every call, both variants, every fault. They share no code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.config.loader import parse_config
from gputui.errors import (
    AuthError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
)
from gputui.models import Action, Deployment, Instance, Phase, Ref, Resource
from gputui.sim.gpuhub.default_world import CLOUD_SETS
from gputui.sim.gpuhub.plans import CloudPlan
from gputui.sim.server import Running, running_simulator
from tests.api.creating import look

VALUES = {
    "name": "from-the-test",
    "deployment_type": "ReplicaSet",
    "replica_num": "2",
    "dc_list": "sgp1,Singapore-A",
    "gpu_name_set": "RTX 4090,RTX 5090",
    "gpu_num": "1",
    "cuda_v_from": "11.8",
    "cuda_v_to": "12.8",
    "cpu_num_from": "1",
    "cpu_num_to": "256",
    "memory_size_from": "1",
    "memory_size_to": "2048",
    "price_from": "0",
    "price_to": "90",
    "image_uuid": "image-db8346e037",
    "cmd": "sleep infinity",
    "cmd_before_shutdown": "sync",
}


@dataclass
class World:
    """A simulator whose time is stopped, and the client of one of its clouds."""

    running: Running
    backend: GpuhubBackend

    async def first(self, *, type: str = "ReplicaSet") -> Instance:  # noqa: A002  (a deployment's own word)
        """A running container of the first deployment of a type."""
        of = {row.ref for row in await self.backend.deployments() if row.type == type}
        return next(row for row in await self.backend.instances() if row.parent in of and row.phase is Phase.RUNNING)

    async def deployment(self, ref: Ref) -> Deployment:
        row = await self.backend.fetch(ref)
        assert isinstance(row, Deployment)
        return row


async def no_wait(_: float) -> None:
    """Let back-offs pass at once."""


@asynccontextmanager
async def cloud(
    account: str = "hub", *, faults: str = "none", clouds: tuple[CloudPlan, ...] | None = None
) -> AsyncIterator[World]:
    plans: dict[str, Any] = {"deepdock": (), "yotta": ()}
    if clouds is not None:
        plans["gpuhub"] = clouds
    async with running_simulator(speed=0.0, ssh=False, faults=faults, plans=plans) as running:
        config = parse_config(running.config_toml(), name="simulator", private=True)
        configured = config.accounts[account]
        assert isinstance(configured, GpuhubAccount)
        backend = GpuhubBackend(configured, sleep=no_wait)
        try:
            yield World(running, backend)
        finally:
            await backend.aclose()


@pytest.mark.parametrize("account", ["hub", "autodl"])
async def test_every_list_is_read_and_every_row_found_again(account: str) -> None:
    async with cloud(account) as world:
        currency = {"hub": "USD", "autodl": "CNY"}[account]
        for resource, lister in world.backend.listers.items():
            rows = await lister()
            assert rows or resource is Resource.BLACKLIST
            assert len({row.ref for row in rows}) == len(rows)
            for row in rows[:3]:
                assert world.backend.kinds[row.ref.kind] is resource
                assert (await world.backend.fetch(row.ref)).ref == row.ref
        instances = [row for row in await world.backend.instances() if row.ref.kind == "container"]
        assert all(row.problem is None and row.parent and row.host and row.region for row in instances)
        assert {row.price.currency for row in instances if row.price} == {currency}
        deployments = {row.ref: row for row in await world.backend.deployments()}
        running = [row for row in instances if row.phase is Phase.RUNNING]
        assert len(running) == sum(row.running or 0 for row in deployments.values())
        assert {row.region for row in await world.backend.stock()} >= {row.region for row in instances}


async def test_a_private_cloud_is_read_in_its_own_way() -> None:
    async with cloud("private", clouds=CLOUD_SETS["private"]) as world:
        offers = await world.backend.stock()
        assert offers
        assert {offer.region for offer in offers} == {"private"}
        row = await world.first()
        await world.backend.changes.block(row.ref, minutes=60)
        assert [block.host for block in await world.backend._lists.blacklist()] == [row.host]


async def test_events_show_how_every_container_started() -> None:
    async with cloud() as world:
        events = await world.backend.events()
        row = await world.first()
        own = [event for event in events if event.instance == row.ref]
        assert own[0].status == "creating"
        assert own[-1].status == row.status
        assert list(await world.backend.events_of(row.ref)) == own
        assert row.parent is not None
        assert set(own) <= set(await world.backend.events_of(row.parent))
        assert await world.backend.events() == []
        await world.backend.changes.stop(row.ref)
        fresh = await world.backend.events()
        assert {event.status for event in fresh if event.instance == row.ref} >= {"shutting_down", "shutdown"}


async def test_a_deployment_is_created_scaled_stopped_and_deleted() -> None:
    async with cloud() as world:
        backend = world.backend
        assert await look(backend, "deployment", VALUES) == []
        made = (await backend.creators["deployment"].prepare(VALUES).send()).created
        assert made is not None
        assert await look(backend, "deployment", VALUES) == [made]
        row = await world.deployment(made)
        assert (row.desired, row.type, row.regions) == (2, "ReplicaSet", ("sgp1", "Singapore-A"))
        assert (row.memory_from, row.memory_to, row.cuda_from) == (2**30, 2048 * 2**30, 118)
        assert row.price_to is not None
        assert row.price_to.amount == 90
        assert '"cmd_before_shutdown": "sync"' in row.raw
        await backend.changes.scale(made, 3)
        assert (await world.deployment(made)).desired == 3
        await backend.changes.stop(made)
        stopped = await world.deployment(made)
        assert stopped.phase is Phase.STOPPED
        assert backend.actions(stopped) == {Action.DELETE}
        await backend.changes.delete(made)
        with pytest.raises(NotFoundError):
            await backend.fetch(made)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"deployment_type": "Job", "replica_num": "5", "parallelism_num": "2"}, (5, 2)),
        ({"deployment_type": "Container", "replica_num": ""}, None),
    ],
)
async def test_every_type_of_deployment_is_taken(changed: dict[str, str], expected: tuple[int, int] | None) -> None:
    async with cloud() as world:
        made = (await world.backend.creators["deployment"].prepare(VALUES | changed).send()).created
        assert made is not None
        row = await world.deployment(made)
        assert row.type == changed["deployment_type"]
        assert expected is None or (row.desired, row.parallelism) == expected
        with pytest.raises(InvalidError) as caught:
            await world.backend.changes.scale(made, 3)
        assert caught.value.request_id


async def test_a_container_is_stopped_with_its_options() -> None:
    async with cloud() as world:
        row = await world.first()
        assert row.parent is not None
        before = await world.deployment(row.parent)
        await world.backend.changes.stop(row.ref, decrease_replicas=True, no_cache=True, command="sync")
        after = await world.deployment(row.parent)
        assert before.desired is not None
        assert after.desired == before.desired - 1
        assert row.ref not in {instance.ref for instance in await world.backend.instances() if instance.ssh}
        ended = await world.backend.fetch(row.ref)
        assert isinstance(ended, Instance)
        assert ended.phase is Phase.STOPPED


async def test_a_blacklisted_host_is_listed_and_extended() -> None:
    async with cloud() as world:
        row = await world.first()
        await world.backend.changes.block(row.ref, minutes=60, comment="slow boot")
        (first,) = await world.backend._lists.blacklist()
        assert (first.host, first.region, first.comment) == (row.host, row.region, "slow boot")
        await world.backend.changes.block(row.ref, minutes=600)
        (second,) = await world.backend._lists.blacklist()
        assert first.until is not None
        assert second.until is not None
        assert second.until > first.until


async def test_a_running_container_says_where_to_log_in() -> None:
    async with cloud() as world:
        row = await world.first()
        target = await world.backend.ssh_target(row.ref)
        assert (target.user, target.generation) == ("root", row.ref.id)
        assert target.password is not None
        assert target.password.reveal()
        assert target == row.ssh


async def test_filters_are_applied_by_the_server() -> None:
    async with cloud() as world:
        backend = world.backend
        every = await backend.instances()
        backend.filters.prepare(Resource.INSTANCES, {"status": "running"})()
        running = await backend.instances()
        assert {row.status for row in running} == {"running"}
        backend.filters.prepare(Resource.INSTANCES, {"container_uuid": running[0].ref.id})()
        assert [row.ref for row in await backend.instances()] == [running[0].ref]
        backend.filters.prepare(Resource.INSTANCES, {"memory_size_from": "100000"})()
        assert await backend.instances() == []
        backend.filters.prepare(Resource.INSTANCES, {"released": "true", "date_from": "365d"})()
        assert len(await backend.instances()) >= len(every)
        name = (await backend.deployments())[0].name
        backend.filters.prepare(Resource.DEPLOYMENTS, {"name": name})()
        assert {row.name for row in await backend.deployments()} == {name}
        backend.filters.prepare(Resource.STOCK, {"regions": "sgp1", "gpu_name_set": "RTX 5090"})()
        assert {(row.region, row.vendor_name) for row in await backend.stock()} == {("sgp1", "RTX 5090")}


async def test_what_the_cloud_refuses_is_reported_in_its_words() -> None:
    async with cloud() as world:
        with pytest.raises(NotFoundError, match="no such deployment") as caught:
            await world.backend.changes.stop(Ref("hub", "deployment", "nowhere"))
        assert caught.value.request_id
        with pytest.raises(NotFoundError, match="no such image: image-unknown"):
            await world.backend.creators["deployment"].prepare(VALUES | {"image_uuid": "image-unknown"}).send()


FAULTS: dict[str, tuple[type[GputuiError], ...]] = {
    "down": (UnavailableError,),
    "html": (ProtocolError,),
    "truncated": (ProtocolError,),
    "auth": (AuthError,),
}


@pytest.mark.parametrize("faults", FAULTS)
async def test_a_cloud_that_fails_is_distinguished(faults: str) -> None:
    async with cloud(faults=faults) as world:
        for lister in world.backend.listers.values():
            with pytest.raises(FAULTS[faults]):
                await lister()


@pytest.mark.parametrize("faults", ["down", "html", "truncated"])
async def test_a_create_without_an_answer_is_looked_for_by_its_name(faults: str) -> None:
    async with cloud() as world:
        world.running.set_faults(faults)
        with pytest.raises(UnknownOutcomeError):
            await world.backend.creators["deployment"].prepare(VALUES).send()
        world.running.set_faults("none")
        made = await look(world.backend, "deployment", VALUES)
        assert len(made) == (faults == "truncated")


async def test_a_cloud_that_wants_to_be_left_alone_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.api.http.rate_limit.MAX_WAIT", 0.0)
    async with cloud(faults="ratelimited") as world:
        with pytest.raises(RateLimitedError) as caught:
            for _ in range(3):
                await world.backend.deployments()
        assert caught.value.retry_after == pytest.approx(3, abs=0.5)


async def test_one_region_that_fails_leaves_the_others() -> None:
    async with cloud() as world:
        before = await world.backend.stock()
        world.running.set_faults("region")
        after = await world.backend.stock()
        assert [row.ref for row in after] == [row.ref for row in before]
        assert {row.region for row in after if row.problem} == {"Singapore-B"}


async def test_garbage_spoils_its_own_rows_alone() -> None:
    async with cloud() as world:
        good = {row.ref: row for row in await world.backend.instances()}
        deployments = len(await world.backend.deployments())
        world.running.set_faults("garbage")
        world.backend.forget()
        for resource, lister in world.backend.listers.items():
            assert await lister() or resource is Resource.BLACKLIST
        spoiled = {row.ref: row for row in await world.backend.instances()}
        assert spoiled.keys() == good.keys()
        assert len(await world.backend.deployments()) == deployments
        assert any(row.status == "hibernating" and row.phase is Phase.UNKNOWN for row in spoiled.values())
        assert any("gpu_num should not be negative" in (row.problem or "") for row in spoiled.values())
        assert any(row.ssh == good[ref].ssh and not row.problem for ref, row in spoiled.items() if row.ssh)


async def test_hostile_names_are_harmless() -> None:
    async with cloud(faults="hostile") as world:
        for lister in world.backend.listers.values():
            for row in await lister():
                assert all(code not in str(row) for code in ("\x1b", "\x9b", "\u202e", "\\x1b"))


async def test_lists_that_shift_while_they_are_read_lose_and_double_nothing() -> None:
    async with cloud(clouds=CLOUD_SETS["benchmark"]) as world:
        deployments = {row.ref for row in await world.backend.deployments()}
        instances = {row.ref for row in await world.backend.instances()}
        world.running.set_faults("shifting")
        world.backend.forget()
        found = [row.ref for row in await world.backend.deployments()]
        assert len(found) == len(set(found))
        assert set(found) >= deployments
        containers = [row.ref for row in await world.backend.instances()]
        assert len(containers) == len(set(containers))
        assert set(containers) >= instances


async def test_a_large_cloud_is_listed_whole() -> None:
    async with cloud(clouds=CLOUD_SETS["benchmark"]) as world:
        assert len(await world.backend.deployments()) == 100
        assert len(await world.backend.instances()) >= 1000
        offers = await world.backend.stock()
        assert len({offer.region for offer in offers}) == 12
        assert len({offer.gpu_model for offer in offers}) >= 25
