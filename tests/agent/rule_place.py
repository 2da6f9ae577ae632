"""The agent around the service of rules, with one cloud, as a test ends and restarts it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from gputui.agent.runner import RuleService
from gputui.agent.uptime import Uptime
from gputui.errors import UnknownOutcomeError
from gputui.fleet import Clock, Fleet
from gputui.history.history import History
from gputui.models import Action, ActionResult, Instance, Money, Offer, Ref, Resource
from gputui.models.notifications import Notification
from gputui.models.rules import Candidate, Grab, RuleState, Setting, Watch
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from tests.fleet.fakes import START, FakeBackend, FakeClock, pod, running

STOCK = Resource.STOCK


NAME = "run-g7k2-1"


def offer(idle: int, price: str = "1.00") -> Offer:
    ref = Ref("hub", "offer", "sgp1/RTX 4090")
    return Offer(ref, "RTX 4090", "sgp1", idle=idle, total=8, price_from=Money(Decimal(price), "USD"))


class Cloud(FakeBackend):
    """A cloud whose pods have ids of their own, and are found by name."""

    creatable = ("pod",)
    finds = True
    names = True
    """Whether its answer says what was created."""

    def __init__(self) -> None:
        super().__init__("hub", (STOCK, Resource.INSTANCES))
        self.rows[STOCK] = [offer(0)]
        self.values: list[Mapping[str, str]] = []
        self.answers: list[Exception | None] = []

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        rows = self.rows[Resource.INSTANCES]
        return [row.ref for row in rows if isinstance(row, Instance) and row.name == values["name"]]

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.values.append(values)
        made = replace(pod("hub", f"p{len(self.values)}"), name=values["name"], price=Money(Decimal("1.00"), "USD"))
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or isinstance(answer, UnknownOutcomeError):
            self.rows[Resource.INSTANCES] = [*self.rows[Resource.INSTANCES], made]
        await self._do(Action.CREATE, "created")
        if answer is not None:
            raise answer
        return ActionResult("Pod created.", created=made.ref if self.names else None)


WATCH = Watch(
    "g7k2",
    "/config.toml",
    "me",
    START,
    grab=Grab(
        (
            Candidate(
                "hub",
                "pod",
                "run-g7k2-",
                (Setting("image", "cuda"),),
                name_field="name",
                limit_field="price_to",
                models=("RTX 4090",),
            ),
        ),
        1,
        Money(Decimal("1.50"), "USD"),
    ),
)


class FakeUptime(Uptime):
    """The time of a test's clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.boot = "1"
        self._fake = clock

    def __call__(self) -> float:
        return self._fake.monotonic()


@dataclass
class Place:
    """The agent around the service."""

    fleet: Fleet
    folder: Path
    clock: Clock
    config_path: Path = Path("/config.toml")
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test.rules"))
    history: History = field(default_factory=lambda: History(None))
    said: list[Notification] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files = RuleFiles(self.folder)
        self.journal: Journal[Entry] = Journal(self.folder, Entry)
        self.notifier = self
        self.begin()

    def announce(self, notification: Notification) -> None:
        self.said.append(notification)

    def publish(self, topic: str, data: Any) -> None:
        self.published.append((topic, data))

    def begin(self) -> None:
        """Start the service, as the agent does."""
        up = FakeUptime(self.clock) if isinstance(self.clock, FakeClock) else None
        self.service = RuleService(self, up)
        self.task = asyncio.create_task(self.service.run())

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop and threads work, and the clock go on, until a condition is met."""
        async with asyncio.timeout(20):
            while not condition():
                assert isinstance(self.clock, FakeClock)
                await self.clock.advance(0.5)
                await asyncio.sleep(0.001)

    @property
    def kinds(self) -> list[EntryKind]:
        return [one.kind for one in self.journal.entries("g7k2") if one.kind is not EntryKind.NOTIFIED]

    @property
    def is_over(self) -> bool:
        found = self.service.statuses()
        return bool(found) and found[0].state.over and EntryKind.OVER in self.kinds

    @property
    def answer(self) -> str:
        found = self.service.statuses()
        return found[0].answer if found else ""

    async def restart(self) -> None:
        """End the service and start the next one."""
        await self.end()
        self.begin()

    @property
    def state(self) -> RuleState:
        return self.service.statuses()[0].state


@dataclass
class CloudPlace(Place):
    """The same with one cloud."""

    hub: Cloud = field(default_factory=Cloud)


@asynccontextmanager
async def place(tmp_path: Path) -> AsyncIterator[CloudPlace]:
    clock, hub = FakeClock(), Cloud()
    async with running(clock, hub, watch=()) as fleet:
        found = CloudPlace(fleet, tmp_path / "agent", clock, hub=hub)
        try:
            yield found
        finally:
            await found.end()
