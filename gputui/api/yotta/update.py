"""What can be changed afterwards on Yotta: names, sizes, the settings of endpoints and credentials.

Speaks for UpdateVMRequest, RenameVolumeRequest, ResizeVolumeRequest, UpdateCredentialRequest and
UpdateEndpointRequest of the data model, whose names the fields have. What is left empty is not sent, and so stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gputui.api.capabilities import Editor, PreparedChange, Values
from gputui.api.common.form_values import refuse
from gputui.api.http.rows import attempt
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create import fields, rentals
from gputui.api.yotta.create.forms import endpoint_update_fields
from gputui.api.yotta.create.storage import CREDENTIAL_READERS, read_size
from gputui.api.yotta.create.values import Readers, body_of, problems_of, shown_request
from gputui.api.yotta.mapping import ENDPOINT, VM, called
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.storage import YottaStorage
from gputui.api.yotta.storage_mapping import CREDENTIAL, VOLUME
from gputui.errors import ConflictError, InvalidError
from gputui.models import Action, ActionResult, Deployment, FieldKind, Form, FormField, Row, Volume

_GB = 2**30


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
        FormField("username", "User", required=False, help="leave empty to keep the current one"),
        FormField(
            "password", "Password", FieldKind.SECRET, required=False, help="leave empty to keep the current one"
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


class YottaEditor(Editor):
    """Changes the things of an account."""

    def __init__(self, base_url: str, server: YottaClient, lists: YottaLists, storage: YottaStorage) -> None:
        self._base_url = base_url
        self._server = server
        self._lists = lists
        self._storage = storage

    async def form(self, row: Row, action: Action) -> Form:
        """Return what the action asks for, with what there is now; an endpoint is asked for anew."""
        fields = self._change(row, action).fields(row)
        if isinstance(row, Deployment):
            endpoint, credentials, _ = await asyncio.gather(
                self._lists.endpoint(row.ref), self._storage.choices(), attempt(self._lists.vm_types())
            )
            row, fields = endpoint, endpoint_update_fields(endpoint, credentials, self._lists.types)
            if action is Action.RENAME:
                fields = _endpoint_named(endpoint)
        title = f"{action.value.capitalize()} {called(row.ref.kind)} {getattr(row, 'name', row.ref.id)}"
        return Form(row.ref.account, row.ref.kind, title, fields, verb=action.value)

    def prepare(self, row: Row, action: Action, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        change = self._change(row, action)
        problems = problems_of(change.fields(row), change.readers, values, f"the {change.verb}")
        sent = {} if problems else body_of(change.fields(row), change.readers, values)
        if not problems and not sent:
            problems["name"] = "is empty, and so is all else: nothing would be changed"
        refuse(row.ref, problems)
        if row.ref.kind == ENDPOINT:
            sent = fields.with_gpu_counts(sent)
        path = f"{self._path(row)}{change.tail}"

        async def send() -> ActionResult:
            what = f"{called(row.ref.kind)} {row.ref.id}"
            try:
                await self._server.change(change.method, path, what=f"the {change.verb} of {what}", json=sent)
            except ConflictError as error:
                if not change.hint:
                    raise
                raise ConflictError(error.message, hint=change.hint) from error
            return ActionResult(f"{what[:1].upper()}{what[1:]} {change.done}.")

        return PreparedChange(row.ref, values, send, shown_request(change.method, f"{self._base_url}{path}", sent))

    def _change(self, row: Row, action: Action) -> _Change:
        change = _CHANGES.get((row.ref.kind, action))
        if change is None:
            raise InvalidError(f"{row.ref}: {action.value} is not possible for it.")
        return change

    def _path(self, row: Row) -> str:
        kept = row.ref.kind in (VOLUME, CREDENTIAL)
        return self._storage.path_of(row.ref) if kept else self._lists.path_of(row.ref)
