"""A cloud with deployments to look at and to change: a scripted back end with a form of every kind of field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gputui.models import (
    REQUIRED,
    Action,
    ActionResult,
    Deployment,
    FieldKind,
    Form,
    FormField,
    Instance,
    Money,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Role,
    Row,
)
from tests.fleet.fakes import START, FakeBackend
from tests.screens.world import GIB, offer

PHASES = {"running": Phase.RUNNING, "stopped": Phase.STOPPED, "starting": Phase.PENDING, "failed": Phase.FAILED}
IMAGES = tuple(f"base-image-{number:02}" for number in range(20))
IMAGE_NAMES = tuple(f"PyTorch {number}.0 · CUDA 11.{number % 9}" for number in range(20))


def usd(amount: str) -> Money:
    """Return dollars."""
    return Money(Decimal(amount), "USD")


def deployment(account: str, name: str, status: str = "running", **more: Any) -> Deployment:
    """Return a replica set with everything a row can show; its id is ``uuid-<name>``."""
    given: dict[str, Any] = {
        "desired": 4,
        "starting": 0,
        "running": 4,
        "finished": 0,
        "gpu_models": ("RTX 5090",),
        "gpu_count": 2,
        "regions": ("sgp1", "Singapore-B"),
        "cuda_from": 118,
        "cuda_to": 128,
        "cpu_from": 8,
        "cpu_to": 64,
        "memory_from": 32 * GIB,
        "memory_to": 256 * GIB,
        "price_from": usd("0.90"),
        "price_to": usd("1.50"),
        "price_estimate": usd("5.20"),
        "image": "base-image-02",
        "command": "python train.py --epochs 3",
        "ports": (("6006", "http"), ("6008", "tcp")),
        "reuse": True,
        "reuse_scope": "all",
        "created_at": START.replace(hour=9),
        "raw": f'{{"name": "{account}"}}',
    }
    row = Deployment(
        Ref(account, "deployment", f"uuid-{name}"), name, "ReplicaSet", PHASES.get(status, Phase.UNKNOWN), status
    )
    return replace(row, **(given | more))


def container(account: str, name: str, parent: str, status: str = "running", **more: Any) -> Instance:
    """Return an instance of a deployment."""
    row = Instance(
        Ref(account, "container", f"uuid-{name}"),
        name,
        PHASES.get(status, Phase.UNKNOWN),
        status,
        parent=Ref(account, "deployment", f"uuid-{parent}"),
        gpu_model="RTX 5090",
        gpu_count=2,
        price=usd("1.20"),
        created_at=START.replace(hour=9),
    )
    return replace(row, **more)


class Cloud(FakeBackend):
    """Makes what it is asked for, and records it in ``received``."""

    creatable: tuple[str, ...] = ("deployment",)
    previews = True
    kinds = {"deployment": Resource.DEPLOYMENTS, "container": Resource.INSTANCES}  # noqa: RUF012  (a protocol's)

    def __init__(self, account: str = "hub", *rows: Deployment) -> None:
        super().__init__(account, (Resource.DEPLOYMENTS, Resource.INSTANCES, Resource.STOCK, Resource.IMAGES))
        self.rows[Resource.DEPLOYMENTS] = list(rows)
        self.rows[Resource.STOCK] = [offer(account, "RTX 5090", 3, 64, region="sgp1", vendor_name="RTX 5090")]
        self.received: list[object] = []
        self.wrong: dict[str, str] = {}
        self.operations[Action.SCALE] = self.scale

    def actions(self, row: Row) -> frozenset[Action]:
        if not isinstance(row, Deployment):
            return frozenset({Action.STOP})
        scale = {Action.SCALE} if row.type == "ReplicaSet" and row.phase is Phase.RUNNING else set()
        return frozenset({Action.STOP, Action.DELETE, *scale})

    async def create_form(self, kind: str) -> Form:
        return Form(self.account, kind, f"New {kind} in {self.account}", fields(), note="Prices are per hour.")

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        wrong = dict(self.wrong)
        for field in fields():
            if field.required and field.shown_with(values) and not values.get(field.name):
                wrong[field.name] = REQUIRED
        low, high = values.get("price_from", ""), values.get("price_to", "")
        if low and high and float(low) > float(high):
            wrong["price_to"] = f"must not be below {low}"
        return wrong

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        return PreparedRequest("POST", "https://cloud.example/deployment", json.dumps(dict(values), indent=2))

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref(self.account, kind, f"uuid-{values['name']}")

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.received.append(dict(values))
        result = await super().create(kind, values)
        made = deployment(self.account, values["name"], "starting", running=0)
        self.rows[Resource.DEPLOYMENTS] = [*self.rows[Resource.DEPLOYMENTS], made]
        return result

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        self.received.append(replicas)
        return await self._do(Action.SCALE, f"wants {replicas}")


def fields() -> tuple[FormField, ...]:
    """Return a form with every kind of field, such as clouds ask for."""
    kinds = ("ReplicaSet", "Job", "Container")
    return (
        FormField("name", "Name", section="Deployment", help="What you call it", role=Role.NAME),
        FormField("deployment_type", "Type", FieldKind.CHOICE, default="ReplicaSet", choices=kinds),
        FormField(
            "replica_num",
            "Replicas",
            FieldKind.NUMBER,
            default="1",
            when=("deployment_type", ("ReplicaSet", "Job")),
            role=Role.REPLICAS,
        ),
        FormField(
            "parallelism_num", "In parallel", FieldKind.NUMBER, when=("deployment_type", ("Job",)), role=Role.PARALLEL
        ),
        FormField("reuse_container", "Reuse stopped", FieldKind.FLAG, required=False, default="false"),
        FormField(
            "dc_list",
            "Regions",
            FieldKind.MULTI,
            section="Where",
            choices=("sgp1", "Singapore-A", "Singapore-B"),
            labels=("Singapore (Primary)",),
            default="sgp1",
            role=Role.REGIONS,
        ),
        FormField(
            "gpu_name_set",
            "GPU models",
            FieldKind.MULTI,
            choices=("RTX 4090", "RTX 5090", "H100"),
            open_choices=True,
            help="Any of them will do",
            role=Role.GPU_MODELS,
        ),
        FormField("gpu_num", "GPUs each", FieldKind.NUMBER, default="1", role=Role.GPU_COUNT),
        FormField("price_from", "Price from", FieldKind.NUMBER, unit="$/h", default="0.10", role=Role.PRICE_FLOOR),
        FormField("price_to", "Price to", FieldKind.NUMBER, unit="$/h", default="1.50", role=Role.PRICE_LIMIT),
        FormField(
            "image_uuid",
            "Image",
            FieldKind.CHOICE,
            section="Workload",
            choices=IMAGES,
            labels=IMAGE_NAMES,
            open_choices=True,
            help="One of yours, or of the public ones",
            role=Role.IMAGE_ID,
        ),
        FormField("cmd", "Command", FieldKind.LINES, help="Runs when an instance starts"),
        FormField("token", "Token", FieldKind.SECRET, required=False),
    )
