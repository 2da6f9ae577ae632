"""A cloud to look at: instances of deployments with prices and addresses, blocked hosts, prepaid time, money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gputui.models import (
    Action,
    Balance,
    Block,
    Deployment,
    Event,
    EventSource,
    FieldKind,
    Form,
    FormField,
    Instance,
    Money,
    Package,
    Phase,
    Ref,
    Resource,
    Row,
    Service,
    SSHTarget,
)
from tests.fleet.cloud.backend import CloudBackend
from tests.fleet.fakes import START, FakeFilters
from tests.screens.stage import Stage

GIB = 1 << 30
TRAIN = Ref("hub", "deployment", "53a677bb3e281b8")
BATCH = Ref("hub", "deployment", "9b01bb3e281b855")
CLOUD_RESOURCES = (
    Resource.STOCK,
    Resource.DEPLOYMENTS,
    Resource.INSTANCES,
    Resource.BLACKLIST,
    Resource.PACKAGES,
    Resource.BALANCES,
)
_FILTER = (
    FormField("status", "Status", FieldKind.MULTI, required=False, choices=("running", "stopped"), open_choices=True),
    FormField("released", "Released", FieldKind.FLAG, required=False, help="those that are gone as well"),
    FormField("price_to", "Price to", required=False, unit="per hour"),
)


def money(amount: str, currency: str = "USD") -> Money:
    """Return an amount."""
    return Money(Decimal(amount), currency)


class FakeCloud(CloudBackend):
    """A back end with all that a cloud has: ``asked`` has the filters in use, ``events`` what ``events_of`` lists."""

    def __init__(self, account: str, rows: Sequence[Row] = ()) -> None:
        super().__init__(account, CLOUD_RESOURCES)
        self.rows[Resource.INSTANCES] = list(rows)
        self.offered = frozenset({Action.STOP, Action.SSH, Action.BLOCK})
        self.offered_deployment = frozenset({Action.STOP, Action.DELETE, Action.SCALE})
        self.asked: dict[Resource, dict[str, str]] = {}
        self.events: list[Event] = []
        self.filters = FakeFilters(account, self.filter_form, self.use_filter, self.check_filter)

    def actions(self, row: Row) -> frozenset[Action]:
        if isinstance(row, Deployment):
            return self.offered_deployment
        return self.offered if isinstance(row, Instance) else frozenset()

    def filter_form(self, resource: Resource) -> Form | None:
        if resource is not Resource.INSTANCES:
            return None
        return Form(self.account, "filter", "Instances to ask for", _FILTER)

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        return {"price_to": "is not a number"} if not values.get("price_to", "0").isdecimal() else {}

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked[resource] = dict(values)

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        await self._enter("events_of")
        return [event for event in self.events if ref in (event.instance, event.parent)]


def container(account: str, name: str, status: str = "running", **more: Any) -> Instance:
    """Return an instance of the deployment ``train-a``, two GPUs for $1.80 an hour."""
    phases = {"running": Phase.RUNNING, "starting": Phase.PENDING, "shutting_down": Phase.STOPPING}
    given: dict[str, Any] = {
        "parent": TRAIN,
        "image": "image-db8346e037",
        "gpu_model": "RTX 5090",
        "gpu_count": 2,
        "cpu_count": 16,
        "memory_limit": 90 * GIB,
        "region": "sgp1",
        "host": "f94411a60c",
        "price": money("1.80"),
        "created_at": START - timedelta(hours=3),
        "updated_at": START - timedelta(hours=2),
        "version": "v3",
        "services": (Service(6006, f"https://{name}-6006.example.com"), Service(6008, "203.0.113.7:41008")),
        "raw": '{"uuid": "x"}',
    } | more
    if status == "running":
        given.setdefault("started_at", START - timedelta(hours=2))
        given.setdefault("ssh", SSHTarget("127.0.0.1", 21305, "root", generation=name))
    return Instance(
        Ref(account, "container", name), name, phases.get(status, Phase.STOPPED), status, container_id=name, **given
    )


def deployment(ref: Ref, name: str, type_: str = "ReplicaSet", **more: Any) -> Deployment:
    """Return a deployment that runs."""
    given: dict[str, Any] = {"desired": 2, "running": 2, "starting": 0, "finished": 0} | more
    return Deployment(ref, name, type_, Phase.RUNNING, "running", **given)


def block(account: str, host: str, minutes: float | None, region: str = "sgp1", **more: Any) -> Block:
    """Return a host that is blocked for so long from the first moment of the clock."""
    until = None if minutes is None else START + timedelta(minutes=minutes)
    created = more.pop("created_at", START - timedelta(hours=1))
    return Block(
        Ref(account, "block", f"{region}/{host}"),
        host,
        region,
        until,
        created_at=created,
        updated_at=more.pop("updated_at", created),
        **more,
    )


def reported(ref: Ref, status: str, at: datetime, before: str | None = None, seconds: float | None = None) -> Event:
    """Return an event as the back end reports it."""
    return Event(
        Ref(ref.account, "event", f"{ref.id}/{status}/{at.isoformat()}"),
        ref,
        ref.id,
        at,
        status,
        Phase.RUNNING if status == "running" else Phase.PENDING,
        before,
        seconds,
        EventSource.REPORTED,
        parent=TRAIN,
    )


def started(name: str, seconds: float, account: str = "hub") -> list[Event]:
    """Return the events of an instance that took so long from creating to running."""
    ref = Ref(account, "container", name)
    begin = START - timedelta(hours=3)
    return [
        reported(ref, "creating", begin),
        reported(ref, "running", begin + timedelta(seconds=seconds), "creating", seconds),
    ]


def hub() -> FakeCloud:
    """Return a cloud account with a bit of everything."""
    cloud = FakeCloud(
        "hub",
        [
            container("hub", "train-a-7f3c"),
            container("hub", "train-a-81ab", "starting", host="33ab01c2ff", ssh=None),
            container("hub", "batch-00c1", parent=BATCH, gpu_model="RTX 4090", gpu_count=1, price=money("0.61")),
            container("hub", "train-a-0old", "shutdown", services=(), stopped_at=START - timedelta(hours=1)),
        ],
    )
    cloud.rows[Resource.DEPLOYMENTS] = [
        deployment(TRAIN, "train-a"),
        deployment(BATCH, "batch", "Job", desired=40, running=1, finished=12),
    ]
    cloud.rows[Resource.BLACKLIST] = [
        block("hub", "33ab01c2ff", 95.5, comment="slow boot"),
        block("hub", "77de01aa10", 24 * 60 * 3, region="Singapore-B", updated_at=START - timedelta(minutes=5)),
    ]
    cloud.rows[Resource.PACKAGES] = [
        Package(Ref("hub", "package", "RTX 5090|sgp1"), "RTX 5090", ("sgp1",), total=360_000, balance=72_000)
    ]
    cloud.rows[Resource.BALANCES] = [Balance(Ref("hub", "balance", "hub"), money("412.50"))]
    return cloud


async def go_to(stage: Stage, name: str) -> None:
    """Put the cursor on an instance."""
    stage.table.select(Ref("hub", "container", name))
    await stage.settle()
