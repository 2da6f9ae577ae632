"""What can be changed afterwards on Yotta: names, sizes, the settings of endpoints and credentials.

Speaks for UpdateVMRequest, RenameVolumeRequest, ResizeVolumeRequest, UpdateCredentialRequest and
UpdateEndpointRequest of the data model, whose names the fields have. What is left empty is not sent, and so stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gputui.api.common.form_values import readable_json, refuse
from gputui.api.yotta.client import YottaServer
from gputui.api.yotta.create import fields, rentals
from gputui.api.yotta.create.forms import endpoint_update_fields
from gputui.api.yotta.create.storage import CREDENTIAL_READERS, read_size
from gputui.api.yotta.create.values import Body, Readers, body_of, problems_of
from gputui.api.yotta.mapping import ENDPOINT, VM, called
from gputui.api.yotta.resources import YottaLists, tried
from gputui.api.yotta.schema import masked
from gputui.api.yotta.storage import YottaStorage
from gputui.api.yotta.storage_mapping import CREDENTIAL, VOLUME
from gputui.errors import ConflictError, InvalidError
from gputui.models import Action, ActionResult, Deployment, FieldKind, Form, FormField, PreparedRequest, Row, Volume

_GB = 2**30

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Change:
    """How one action changes one kind of thing: the request, its fields, how their values are read."""

    method: str
    tail: str
    verb: str
    done: str
    fields: Callable[[Row], tuple[FormField, ...]]
    readers: Readers
    hint: str = ""
    """What to do when the state of the thing does not allow the change."""


_STOP_FIRST = "Endpoints can be edited only when stopped: stop it first."


def _named(row: Row) -> tuple[FormField, ...]:
    return (FormField("name", "Name", default=str(getattr(row, "name", "")), help="at most 255 characters"),)


def _sized(row: Row) -> tuple[FormField, ...]:
    size = row.size if isinstance(row, Volume) else None
    default = "" if size is None else str(round(size / _GB))
    return (FormField("sizeInGb", "Size", FieldKind.NUMBER, default=default, unit="GB", help="1 to 10240"),)


def _credential(row: Row) -> tuple[FormField, ...]:
    name = str(getattr(row, "name", ""))
    return (
        FormField("name", "Name", required=False, default=name, help="at most 255 characters"),
        FormField("username", "User", required=False, help="the one there is stays when left empty"),
        FormField(
            "password", "Password", FieldKind.SECRET, required=False, help="the one there is stays when left empty"
        ),
    )


def _endpoint(row: Row) -> tuple[FormField, ...]:
    return endpoint_update_fields(row) if isinstance(row, Deployment) else ()


def _endpoint_named(row: Row) -> tuple[FormField, ...]:
    """Return what a renaming sends: the API wants all that is required repeated with the new name."""
    return tuple(field for field in _endpoint(row) if field.required)


_CHANGES: Mapping[tuple[str, Action], _Change] = {
    (VM, Action.RENAME): _Change("PATCH", "", "renaming", "renamed", _named, {"name": fields.read_pod_name}),
    (VOLUME, Action.RENAME): _Change("POST", "/name", "renaming", "renamed", _named, {"name": fields.read_pod_name}),
    (VOLUME, Action.RESIZE): _Change("POST", "/resize", "resizing", "resized", _sized, {"sizeInGb": read_size}),
    (CREDENTIAL, Action.RENAME): _Change(
        "PATCH", "", "renaming", "renamed", _named, {"name": CREDENTIAL_READERS["name"]}
    ),
    (CREDENTIAL, Action.UPDATE): _Change("PATCH", "", "change", "changed", _credential, CREDENTIAL_READERS),
    (ENDPOINT, Action.RENAME): _Change(
        "PATCH", "", "renaming", "renamed", _endpoint_named, rentals.ENDPOINT_UPDATE_READERS, _STOP_FIRST
    ),
    (ENDPOINT, Action.UPDATE): _Change(
        "PATCH", "", "change", "changed", _endpoint, rentals.ENDPOINT_UPDATE_READERS, _STOP_FIRST
    ),
}


class YottaUpdates:
    """Changes the things of an account."""

    def __init__(self, base_url: str, server: YottaServer, lists: YottaLists, storage: YottaStorage) -> None:
        self._base_url = base_url
        self._server = server
        self._lists = lists
        self._storage = storage

    async def form(self, row: Row, action: Action) -> Form:
        """Return what the action asks for, with what there is now; an endpoint is asked for anew."""
        fields = self._change(row, action).fields(row)
        if isinstance(row, Deployment):
            endpoint, credentials, _ = await asyncio.gather(
                self._lists.endpoint(row.ref), self._storage.choices(), tried(self._lists.vm_types())
            )
            row, fields = endpoint, endpoint_update_fields(endpoint, credentials, self._lists.types)
            if action is Action.RENAME:
                fields = _endpoint_named(endpoint)
        title = f"{action.value.capitalize()} {called(row.ref.kind)} {getattr(row, 'name', row.ref.id)}"
        return Form(row.ref.account, row.ref.kind, title, fields, verb=action.value)

    def check(self, row: Row, action: Action, values: Values) -> dict[str, str]:
        """Return what is wrong, by field."""
        change = self._change(row, action)
        problems = problems_of(change.fields(row), change.readers, values, f"the {change.verb}")
        if not problems and not body_of(change.fields(row), change.readers, values):
            problems["name"] = "is empty, and so is all else: nothing would be changed"
        return problems

    def prepare(self, row: Row, action: Action, values: Values) -> PreparedRequest:
        """Return the request without its secrets; raises InvalidError."""
        change = self._change(row, action)
        refuse(row.ref, self.check(row, action, values))
        sent = self._body(row, action, values)
        shown = masked(sent | ({"password": "***"} if "password" in sent else {}))
        body = readable_json(shown if isinstance(shown, dict) else {})
        return PreparedRequest(change.method, f"{self._base_url}{self._path(row)}{change.tail}", body)

    async def send(self, row: Row, action: Action, values: Values) -> ActionResult:
        """Change it, sent once."""
        self.prepare(row, action, values)
        change = self._change(row, action)
        what = f"{called(row.ref.kind)} {row.ref.id}"
        try:
            await self._server.change(
                change.method,
                f"{self._path(row)}{change.tail}",
                what=f"the {change.verb} of {what}",
                json=self._body(row, action, values),
            )
        except ConflictError as error:
            if not change.hint:
                raise
            raise ConflictError(error.message, hint=change.hint) from error
        return ActionResult(f"{what[:1].upper()}{what[1:]} {change.done}.")

    def _body(self, row: Row, action: Action, values: Values) -> Body:
        change = self._change(row, action)
        sent = body_of(change.fields(row), change.readers, values)
        return fields.with_gpu_counts(sent) if row.ref.kind == ENDPOINT else sent

    def _change(self, row: Row, action: Action) -> _Change:
        change = _CHANGES.get((row.ref.kind, action))
        if change is None:
            raise InvalidError(f"{row.ref}: {action.value} is not possible for it.")
        return change

    def _path(self, row: Row) -> str:
        kept = row.ref.kind in (VOLUME, CREDENTIAL)
        return self._storage.path_of(row.ref) if kept else self._lists.path_of(row.ref)
