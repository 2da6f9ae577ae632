"""A cloud account for the command line: all that a back end may have, from a script; it records its changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gputui.errors import InvalidError
from gputui.models import (
    Action,
    ActionResult,
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
    Offer,
    Package,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Role,
    Row,
    Service,
)
from tests.fleet.cloud.backend import CloudBackend
from tests.fleet.fakes import FakeFilters

GIB = 1 << 30
NOW = datetime.now(UTC)
TRAIN = Ref("hub", "deployment", "53a677bb3e281b8")
BATCH = Ref("hub", "deployment", "9b01bb3e281b855")
_FIELDS = (
    FormField("name", "Name", role=Role.NAME),
    FormField("deployment_type", "Type", FieldKind.CHOICE, choices=("ReplicaSet", "Job", "Container")),
    FormField(
        "replica_num",
        "Replicas",
        FieldKind.NUMBER,
        when=("deployment_type", ("ReplicaSet", "Job")),
        role=Role.REPLICAS,
    ),
    FormField(
        "memory_size_from", "Memory from", FieldKind.NUMBER, required=False, unit="GB", section="Each instance"
    ),
    FormField(
        "image_uuid",
        "Image",
        FieldKind.CHOICE,
        default="image-1",
        choices=("image-1", "image-2"),
        labels=("PyTorch", "mine"),
        role=Role.IMAGE_ID,
    ),
)
_FILTERS: Mapping[Resource, tuple[FormField, ...]] = {
    Resource.INSTANCES: (
        FormField("status", "Status", FieldKind.MULTI, required=False, choices=("running", "shutdown")),
        FormField("released", "Released ones too", FieldKind.FLAG, required=False),
    ),
    Resource.DEPLOYMENTS: (FormField("name", "Name", required=False),),
    Resource.STOCK: (
        FormField("regions", "Regions", FieldKind.MULTI, required=False, choices=("sgp1",)),
        FormField("gpu_name_set", "GPU models", FieldKind.MULTI, required=False, open_choices=True),
    ),
}


class Cloud(CloudBackend):
    """A cloud: ``asked`` has the filters in use, ``created`` the values of what was created."""

    creatable = ("deployment",)
    previews = finds = True

    def __init__(self, account: str = "hub") -> None:
        super().__init__(account)
        self.created: list[dict[str, str]] = []
        self.found: Sequence[Ref] = []
        self.asked: dict[Resource, dict[str, str]] = {}
        self.filter_fields = dict(_FILTERS)
        self.rows |= _rows(account)
        self.filters = FakeFilters(account, self.filter_form, self.use_filter, self.check_filter)

    def actions(self, row: Row) -> frozenset[Action]:
        if isinstance(row, Deployment):
            actions = {Action.STOP, Action.DELETE} | ({Action.SCALE} if row.type == "ReplicaSet" else set())
            return frozenset(actions)
        runs = isinstance(row, Instance) and row.phase is not Phase.STOPPED
        return frozenset({Action.STOP, Action.SSH, Action.BLOCK}) if runs else frozenset()

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked[resource] = dict(values)

    def filter_form(self, resource: Resource) -> Form | None:
        fields = self.filter_fields.get(resource)
        return None if fields is None else Form(self.account, "filter", "Filter", fields)

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        return {} if values.get("released", "true") in {"true", "false"} else {"released": "must be true or false"}

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        await self._enter("events_of")
        events = [row for row in self.rows[Resource.EVENTS] if isinstance(row, Event)]
        return [event for event in events if ref in (event.instance, event.parent)]

    async def create_form(self, kind: str) -> Form:
        await self._enter("form")
        return Form(self.account, kind, "New deployment", _FIELDS)

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        problems = {name: "unknown field" for name in values if name not in {field.name for field in _FIELDS}}
        return problems | {
            field.name: "is missing"
            for field in _FIELDS
            if field.required and field.shown_with(values) and not values.get(field.name)
        }

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        if problems := self.check_create(kind, values):
            raise InvalidError("This deployment cannot be created.", fields=problems)
        body = ",\n".join(f'  "{name}": "{value}"' for name, value in values.items() if value)
        return PreparedRequest("POST", "https://api.example.com/api/v1/dev/deployment", f"{{\n{body}\n}}")

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref(self.account, "deployment", values["name"])

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        return self.found if self.created else []

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.created.append(dict(values))
        await self._do(Action.CREATE, "created")
        return ActionResult("", created=Ref(self.account, "deployment", "new-uuid"))


def cloud_event(
    name: str, status: str, at: datetime, before: str | None = None, seconds: float | None = None
) -> Event:
    """Return an event of an instance of TRAIN, as the back end reports it."""
    phase = {"running": Phase.RUNNING, "shutdown": Phase.STOPPED}.get(status, Phase.PENDING)
    return Event(
        Ref("hub", "event", f"{name}/{status}/{at.isoformat()}"),
        Ref("hub", "container", name),
        name,
        at,
        status,
        phase,
        before,
        seconds,
        EventSource.REPORTED,
        TRAIN,
    )


def came_up(name: str, seconds: float, *, ago: float = 3600) -> list[Event]:
    """Return the events of an instance of TRAIN that took so long to come up."""
    begin = NOW - timedelta(seconds=ago)
    return [
        cloud_event(name, "creating", begin),
        cloud_event(name, "running", begin + timedelta(seconds=seconds), "creating", seconds),
    ]


def money(amount: str) -> Money:
    """Return an amount."""
    return Money(Decimal(amount), "USD")


def blocked(account: str, host: str, minutes: int, region: str = "sgp1") -> Block:
    """Return a host that stays blocked for so long."""
    until = datetime.now(UTC) + timedelta(minutes=minutes, seconds=30)
    return Block(Ref(account, "block", f"{region}/{host}"), host, region, until, "slow boot", NOW)


def _rows(account: str) -> dict[Resource, Sequence[Row]]:
    train, batch = (Ref(account, ref.kind, ref.id) for ref in (TRAIN, BATCH))

    def one(name: str, status: str = "running", parent: Ref = train, price: str = "1.80") -> Instance:
        phases = {"running": Phase.RUNNING, "starting": Phase.PENDING}
        return Instance(
            Ref(account, "container", name),
            name,
            phases.get(status, Phase.STOPPED),
            status,
            parent,
            gpu_model="RTX 5090",
            gpu_count=2,
            region="sgp1",
            host=f"host-{name[-1]}",
            price=money(price),
            services=(Service(6006, f"https://{name}.example.com"),),
        )

    return {
        Resource.INSTANCES: [
            one("train-a"),
            one("train-b", "starting"),
            one("batch-c", parent=batch, price="0.60"),
            one("train-d", "shutdown"),
        ],
        Resource.DEPLOYMENTS: [
            Deployment(
                train,
                "train",
                "ReplicaSet",
                Phase.RUNNING,
                "running",
                desired=2,
                starting=1,
                running=1,
                finished=0,
                gpu_models=("RTX 5090", "RTX 4090"),
                gpu_count=2,
                cuda_from=118,
                memory_from=90 * GIB,
                price_from=money("0.90"),
                price_to=money("1.80"),
                ports=(("6006", "http"),),
                reuse=True,
                raw='{"uuid": "53a677bb3e281b8"}',
            ),
            Deployment(batch, "batch", "Job", Phase.RUNNING, "running", desired=20, running=1, finished=3),
        ],
        Resource.STOCK: [
            Offer(Ref(account, "offer", "sgp1/RTX 5090"), "RTX 5090", "sgp1", 2, 8, vendor_name="RTX 5090"),
            Offer(Ref(account, "offer", "sgp2"), "", "sgp2", problem="no answer"),
        ],
        Resource.EVENTS: [*came_up("train-b", 412.0, ago=600), *came_up("train-a", 38.0)],
        Resource.BLACKLIST: [blocked(account, "host-d", 95)],
        Resource.PACKAGES: [
            Package(Ref(account, "package", "RTX 5090|sgp1"), "RTX 5090", ("sgp1",), 360_000, 72_000)
        ],
        Resource.BALANCES: [Balance(Ref(account, "balance", account), money("412.50"), (("frozen", "$1.00"),))],
        Resource.IMAGES: [],
    }
