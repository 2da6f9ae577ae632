"""A cloud in the fleet: its rows, the events that it reports, what a create makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from gputui.errors import UnknownOutcomeError
from gputui.models import (
    Action,
    ActionResult,
    Deployment,
    Event,
    EventSource,
    FieldKind,
    Form,
    FormField,
    Instance,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
)
from tests.fleet.cloud.backend import CloudBackend
from tests.fleet.fakes import START, FakeFilters

INSTANCES, EVENTS, DEPLOYMENTS = Resource.INSTANCES, Resource.EVENTS, Resource.DEPLOYMENTS
TRAIN = Deployment(Ref("hub", "deployment", "d1"), "train", "ReplicaSet", Phase.RUNNING, "running", desired=1)
FIRST = Instance(
    Ref("hub", "container", "d1-m1-a"), "train-a", Phase.RUNNING, "running", parent=TRAIN.ref, container_id="d1-m1-a"
)
LOST = UnknownOutcomeError("hub: the answer never came.")


class Hub(CloudBackend):
    """A cloud: ``there`` has what a search for created ones finds, ``made`` what it finds after a create."""

    creatable = ("deployment",)
    previews = finds = True

    def __init__(self, account: str = "hub") -> None:
        super().__init__(account, [INSTANCES, DEPLOYMENTS, EVENTS, Resource.BLACKLIST])
        self.rows[INSTANCES] = [FIRST]
        self.rows[DEPLOYMENTS] = [TRAIN]
        self.offered = frozenset({Action.STOP, Action.SCALE, Action.BLOCK, Action.DELETE})
        self.there: list[Ref] = []
        self.made: list[Ref] = []
        self.asked_for: dict[Resource, Mapping[str, str]] = {}
        self.forgot = 0
        self.filters = FakeFilters(account, self.filter_form, self.use_filter, self.check_filter)

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        return [happened("a", "running", 1)]

    def filter_form(self, resource: Resource) -> Form | None:
        field = FormField("status", "Status", FieldKind.TEXT, required=False)
        return Form("hub", resource.value, "Filter", (field,)) if resource is INSTANCES else None

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        wrong = {name: "is not known" for name in values if name not in ("status", "region")}
        return wrong | ({"region": "is not mine"} if values.get("region", self.account) != self.account else {})

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked_for[resource] = values

    def forget(self) -> None:
        self.forgot += 1

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        return PreparedRequest("POST", "http://127.0.0.1/deployment", "{}")

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref("hub", kind, values["name"])

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        await self._enter("find")
        return [*self.there, *(self.made if self.calls[Action.CREATE] else [])]

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        await self._do(Action.CREATE, "created")
        return ActionResult("created", created=Ref("hub", kind, "d9"))


def happened(name: str, status: str, second: int) -> Event:
    instance = Ref("hub", "container", f"d1-m1-{name}")
    return Event(
        Ref("hub", "event", f"{name}-{status}-{second}"),
        instance,
        f"train-{name}",
        START + timedelta(seconds=second),
        status,
        Phase.RUNNING,
        source=EventSource.REPORTED,
        parent=TRAIN.ref,
    )
