"""A back end with volumes and registry credentials, and what can be changed of them; asked for in the plain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from gputui.api.capabilities import Editor, PreparedChange
from gputui.api.common.form_values import refuse
from gputui.errors import InvalidError
from gputui.models import (
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
    RegistryCredential,
    Resource,
    Role,
    Row,
    Volume,
)
from tests.fleet.fakes import START, FakeBackend, pod

GIB = 1 << 30
PASSWORD = "correct-horse-battery"
"""What no screen, log or list may show."""
_PHASES = {"active": Phase.RUNNING, "error": Phase.FAILED, "creating": Phase.PENDING, "resizing": Phase.PENDING}
_REGISTRIES = {
    "DOCKER_HUB": "Docker Hub",
    "ECR": "Amazon Elastic Container Registry",
    "PRIVATE": "private registry",
}


def volume(account: str, name: str, status: str = "active", **more: Any) -> Volume:
    """Return a volume of 200 GiB that nothing has mounted, for 3 cents an hour; its id is ``id-<name>``."""
    given: dict[str, Any] = {
        "type": "CEPH",
        "size": 200 * GIB,
        "region": "us-east-1",
        "mounts": 0,
        "price": Money(Decimal("0.03"), "USD"),
        "created_at": START - timedelta(days=9),
        "raw": '{"storageType": "CEPH"}',
    } | more
    kind = given.pop("type")
    return Volume(
        Ref(account, "volume", f"id-{name}"), name, kind, _PHASES.get(status, Phase.UNKNOWN), status, **given
    )


def credential(account: str, name: str, kind: str = "DOCKER_HUB", **more: Any) -> RegistryCredential:
    """Return a credential; its id is ``id-<name>``."""
    created = more.pop("created_at", START - timedelta(hours=3))
    ref = Ref(account, "credential", f"id-{name}")
    return RegistryCredential(ref, name, kind, _REGISTRIES.get(kind, ""), created, **more)


class StoreEditor(Editor):
    """Edits the rows of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def form(self, row: Row, action: Action) -> Form:
        await self._store._enter("form")
        title = f"{action.value.capitalize()} {getattr(row, 'name', '')}"
        return Form(self._store.account, row.ref.kind, title, fields_of(row, action))

    def prepare(self, row: Row, action: Action, values: Mapping[str, str]) -> PreparedChange:
        fields = fields_of(row, action)
        names = {field.name for field in fields}
        missing = [field.name for field in fields if field.required and not values.get(field.name, "").strip()]
        unknown = {name: "unknown field" for name in values if name not in names}
        refuse(self._store.account, self._store.wrong | dict.fromkeys(missing, "is missing") | unknown)
        shown = {name: "***" if name == "password" else value for name, value in values.items() if value}
        request = PreparedRequest("PATCH", f"https://yotta.example/{row.ref.kind}", json.dumps(shown, indent=2))
        return PreparedChange(row.ref, values, lambda: self._store.update(row, action, values), lambda: request)


class Store(FakeBackend):
    """Answers the actions of forms from its rows; ``received`` has what it was asked to make and to change."""

    creatable: tuple[str, ...] = ("volume", "credential")

    def __init__(self, account: str = "yotta", *rows: Row) -> None:
        super().__init__(account, (Resource.VOLUMES, Resource.CREDENTIALS, Resource.INSTANCES, Resource.DEPLOYMENTS))
        self.kinds = {**FakeBackend.kinds, "volume": Resource.VOLUMES, "credential": Resource.CREDENTIALS}
        self.kinds |= {"vm": Resource.INSTANCES, "endpoint": Resource.DEPLOYMENTS}
        for row in rows:
            home = self.kinds[row.ref.kind]
            self.rows[home] = [*self.rows[home], row]
        self.received: list[tuple[object, str, dict[str, str]]] = []
        self.wrong: dict[str, str] = {}
        self.refused: InvalidError | None = None
        self.editor = StoreEditor(self)

    def actions(self, row: Row) -> frozenset[Action]:
        match row:
            case Volume():
                ready = row.status == "active" and not row.mounts
                more = {Action.DELETE} if ready else set()
                more |= {Action.RESIZE} if ready and row.size is not None else set()
                return frozenset({Action.RENAME, *more})
            case RegistryCredential():
                return frozenset({Action.UPDATE, Action.DELETE})
            case Deployment():
                return frozenset({Action.UPDATE, Action.STOP})
            case Instance():
                return frozenset({Action.RENAME} if row.ref.kind == "vm" else {Action.STOP})
        return frozenset()

    async def update(self, row: Row, action: Action, values: Mapping[str, str]) -> ActionResult:
        self.received.append((action, row.ref.id, dict(values)))
        if self.refused is not None:
            refused, self.refused = self.refused, None
            raise refused
        result = await self._do(action, "")
        home = self.kinds[row.ref.kind]
        self.rows[home] = [_changed(each, values) if each.ref == row.ref else each for each in self.rows[home]]
        return result

    async def delete(self, ref: Ref) -> ActionResult:
        self.received.append((Action.DELETE, ref.id, {}))
        result = await super().delete(ref)
        home = self.kinds[ref.kind]
        self.rows[home] = [row for row in self.rows[home] if row.ref != ref]
        return result

    async def create_form(self, kind: str) -> Form:
        return Form(self.account, kind, f"New {kind} in {self.account}", _NEW[kind])

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        shown = [field for field in _NEW[kind] if field.shown_with(values)]
        return {field.name: "is missing" for field in shown if field.required and not values.get(field.name)}

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref(self.account, kind, f"id-{values['name']}")

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        self.received.append((Action.CREATE, kind, dict(values)))
        await self._do(Action.CREATE, "created")
        make = volume if kind == "volume" else credential
        made = make(self.account, values["name"])
        self.rows[self.kinds[kind]] = [*self.rows[self.kinds[kind]], made]
        return ActionResult(f"{kind.capitalize()} {values['name']} created.", created=made.ref)


def _changed(row: Row, values: Mapping[str, str]) -> Row:
    new: dict[str, Any] = {}
    if "name" in values:
        new["name"] = values["name"]
    if "sizeInGb" in values:
        new["size"] = int(values["sizeInGb"]) * GIB
    return replace(row, **new)  # type: ignore[type-var]  # a row is a data class


def fields_of(row: Row, action: Action) -> tuple[FormField, ...]:
    """Return what an action asks for, filled with what there is."""
    name = FormField("name", "Name", default=str(getattr(row, "name", "")))
    match action, row:
        case Action.RESIZE, Volume(size=size):
            now = "" if size is None else str(size // GIB)
            return (FormField("sizeInGb", "Size", FieldKind.NUMBER, default=now, unit="GB"),)
        case Action.UPDATE, RegistryCredential(type=kind):
            return (
                name,
                FormField("type", "Registry", FieldKind.CHOICE, default=kind, choices=tuple(_REGISTRIES)),
                FormField("username", "User", required=False, help="kept when left out"),
                FormField("password", "Password", FieldKind.SECRET, required=False, help="kept when left out"),
            )
        case Action.UPDATE, Deployment():
            return (
                name,
                FormField("workers", "Workers", FieldKind.NUMBER, default="2"),
                FormField(
                    "environmentVars",
                    "Environment",
                    FieldKind.LINES,
                    required=False,
                    default="MODE=fast\nSEED=1",
                    variables=True,
                ),
                FormField("webhook", "Webhook", required=False),
            )
    return (name,)


_NEW = {
    "volume": (
        FormField("name", "Name", role=Role.NAME),
        FormField("storageType", "Storage", FieldKind.CHOICE, default="CEPH", choices=("S3", "R2", "CEPH", "VENDOR")),
        FormField(
            "sizeInGb", "Size", FieldKind.NUMBER, default="100", unit="GB", when=("storageType", ("CEPH", "VENDOR"))
        ),
    ),
    "credential": (
        FormField("name", "Name", role=Role.NAME),
        FormField("type", "Registry", FieldKind.CHOICE, default="DOCKER_HUB", choices=tuple(_REGISTRIES)),
        FormField("username", "User"),
        FormField("password", "Password", FieldKind.SECRET),
    ),
}


def vm(account: str, name: str) -> Instance:
    """Return a virtual machine that runs."""
    return replace(pod(account, name), ref=Ref(account, "vm", f"id-{name}"))


def endpoint(account: str, name: str) -> Deployment:
    """Return an endpoint that runs two workers."""
    ref = Ref(account, "endpoint", f"id-{name}")
    return Deployment(ref, name, "Endpoint", Phase.RUNNING, "RUNNING", desired=2, running=2, starting=0)


def store() -> Store:
    """Return an account with volumes of all kinds of storage and in all states, and two credentials."""
    return Store(
        "yotta",
        volume("yotta", "datasets", mounts=2, size=2048 * GIB, price=Money(Decimal("0.28"), "USD")),
        volume("yotta", "checkpoints"),
        volume("yotta", "scratch", "creating", type="VENDOR", medium="NVMe", region="FIN-01", size=50 * GIB),
        volume("yotta", "archive", type="S3", size=None, region="", price=Money(Decimal("0.00"), "USD")),
        volume("yotta", "mirror", "error", type="R2", size=None, region="us-west-1", price=None),
        credential("yotta", "docker-hub"),
        credential("yotta", "team-registry", "ECR", created_at=START - timedelta(days=40)),
        vm("yotta", "workstation"),
        endpoint("yotta", "chat"),
    )
