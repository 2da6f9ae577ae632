"""Blocks that the agent renews once before they end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gputui.agent.block_renewal import BlockRenewalService
from gputui.errors import GputuiError, UnavailableError, UnknownOutcomeError
from gputui.fleet import Fleet
from gputui.history.history import History
from gputui.models import Action, ActionResult, Block, Instance, Phase, Ref, Resource
from gputui.models.notifications import Notification
from gputui.models.renewals import BlockRenewal, RenewalState
from tests.fleet.fakes import START, FakeBackend, FakeClock, running, settle
from tests.threads import no_thread_is_free

ENDS = START + timedelta(hours=1)
HOST = Instance(
    Ref("hub", "container", "c1"), "train-1", Phase.RUNNING, "running", host="h1", region="sgp1", container_id="c1"
)


class Hub(FakeBackend):
    """An account that blocks hosts."""

    def __init__(self, *rows: Instance) -> None:
        super().__init__("hub", (Resource.INSTANCES, Resource.BLACKLIST))
        self.rows[Resource.INSTANCES] = rows
        self.rows[Resource.BLACKLIST] = [block()]
        self.operations[Action.BLOCK] = self.block
        self.offered |= {Action.BLOCK}

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        return await self._do(Action.BLOCK, f"Host h1 is blocked for {minutes} min.")


def block(until: datetime = ENDS) -> Block:
    return Block(Ref("hub", "block", "sgp1/h1"), "h1", "sgp1", until, "slow boot")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@dataclass
class Said:
    said: list[Notification] = field(default_factory=list)

    def announce(self, notification: Notification) -> None:
        self.said.append(notification)


@dataclass
class Place:
    """The agent around the service."""

    fleet: Fleet
    history: History
    config_path: Path
    folder: Path
    backend: FakeBackend
    clock: FakeClock
    notifier: Said = field(default_factory=Said)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test.renewals"))

    def __post_init__(self) -> None:
        self.service = BlockRenewalService(self)

    def publish(self, topic: str, data: Any) -> None:
        """Publish nothing: no session is attached."""

    @property
    def now(self) -> BlockRenewal:
        (renewal,) = self.history.block_renewals.read(str(self.config_path))
        return renewal

    @property
    def sent(self) -> int:
        return self.backend.calls[Action.BLOCK]

    async def minutes(self, count: int) -> None:
        for _ in range(count * 2):
            await self.clock.advance(30)
            await self.service.look()


@asynccontextmanager
async def place(
    clock: FakeClock, tmp_path: Path, rows: tuple[Instance, ...] = (HOST,), *, read_only: bool = False
) -> AsyncIterator[Place]:
    history = History(tmp_path / "history.sqlite3")
    path = tmp_path / "config.toml"
    hub = Hub(*rows)
    renewal = BlockRenewal(str(path), "hub", "sgp1", "h1", 1440, "slow boot", ENDS, START, "alice")
    assert history.block_renewals.add(renewal)
    async with running(clock, hub, history=history, read_only=read_only) as fleet:
        yield Place(fleet, history, path, tmp_path / "agent", hub, clock)


async def test_a_block_is_renewed_once_shortly_before_it_ends(clock: FakeClock, tmp_path: Path) -> None:
    async with place(clock, tmp_path) as here:
        await here.minutes(40)
        assert (here.sent, here.service.busy) == (0, True)
        await here.minutes(10)
        assert (here.sent, here.now.state) == (1, RenewalState.DONE)
        await here.minutes(30)
        assert (here.sent, here.service.busy) == (1, False)
        assert [one.title for one in here.notifier.said] == ["Block of h1 renewed"]
        (entry,) = here.history.audit_log.entries()
        assert entry.summary == "block c1: minutes=1440, comment=slow boot"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnknownOutcomeError("no answer"), RenewalState.UNKNOWN),
        (UnavailableError("system busy"), RenewalState.FAILED),
    ],
)
async def test_one_that_fails_or_is_not_answered_is_never_sent_again(
    clock: FakeClock, tmp_path: Path, error: GputuiError, state: RenewalState
) -> None:
    async with place(clock, tmp_path) as here:
        here.backend.errors[Action.BLOCK] = error
        await here.minutes(70)
        assert (here.sent, here.now.state) == (1, state)
        assert [one.title for one in here.notifier.said] == ["Block of h1 not renewed"]


async def test_after_a_crash_the_blacklist_says_whether_it_was_renewed(clock: FakeClock, tmp_path: Path) -> None:
    async with place(clock, tmp_path) as here:
        await here.minutes(40)
        # The process ended behind its claim: before the request, or after it.
        assert here.history.block_renewals.claim(here.now)
        assert not here.history.block_renewals.claim(here.now)
        here.backend.rows[Resource.BLACKLIST] = [block(ENDS + timedelta(days=1))]
        await here.minutes(10)
        assert (here.sent, here.now.state) == (0, RenewalState.DONE)


async def test_after_a_crash_one_that_the_blacklist_does_not_show_is_unknown(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with place(clock, tmp_path) as here:
        here.history.block_renewals.claim(here.now)
        await here.minutes(50)
        assert (here.sent, here.now.state) == (0, RenewalState.UNKNOWN)


async def test_a_read_only_account_is_refused(clock: FakeClock, tmp_path: Path) -> None:
    async with place(clock, tmp_path, read_only=True) as here:
        await here.minutes(50)
        assert (here.sent, here.now.state, here.now.answer) == (0, RenewalState.FAILED, "hub is read-only here")


async def test_without_an_instance_on_the_host_it_waits_and_then_says_so(clock: FakeClock, tmp_path: Path) -> None:
    async with place(clock, tmp_path, (replace(HOST, host="h2"),)) as here:
        await here.minutes(50)
        assert (here.now.state, "no instance on the host" in here.now.answer) == (RenewalState.WAITING, True)
        await here.minutes(12)
        assert (here.sent, here.now.state) == (0, RenewalState.EXPIRED)
        assert "no instance on the host" in here.notifier.said[0].text


async def test_nothing_is_sent_for_a_host_that_is_not_blocked_or_whose_lists_are_old(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with place(clock, tmp_path) as here:
        await here.minutes(44)
        here.backend.errors[Resource.BLACKLIST] = UnavailableError("no answer")
        await here.minutes(5)
        assert (here.sent, here.now.answer) == (0, "the lists of its account are not up to date")
        del here.backend.errors[Resource.BLACKLIST]
        here.backend.rows[Resource.BLACKLIST] = []
        await here.minutes(3)
        assert (here.sent, here.now.state, here.now.answer) == (
            0, RenewalState.FAILED, "the host is not blocked any more",
        )  # fmt: skip


async def test_one_that_was_claimed_and_not_sent_when_the_agent_ends_is_sent_by_the_next(
    clock: FakeClock, tmp_path: Path
) -> None:
    async with place(clock, tmp_path) as here:
        await here.minutes(40)
        await clock.advance(600)
        with no_thread_is_free() as free:
            looking = asyncio.create_task(here.service._send(here.now, HOST))
            await settle()
            looking.cancel()
            await settle()
            free.set()
            await asyncio.wait({looking})
        assert (here.sent, here.now.state) == (0, RenewalState.WAITING)
        await here.minutes(1)
        assert (here.sent, here.now.state) == (1, RenewalState.DONE)
