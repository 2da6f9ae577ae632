"""Changes of what exists on Yotta: names, sizes, the settings of endpoints and credentials.

Speaks for UpdateVMRequest, RenameVolumeRequest, ResizeVolumeRequest, UpdateCredentialRequest and
UpdateEndpointRequest of the data model, whose names the fields have. Empty values are not sent and stay as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from gputui.actions import ACTIONS
from gputui.api.capabilities import Editor, PreparedChange, Values
from gputui.api.common.form_values import FormValues
from gputui.api.http.rows import attempt
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create.forms import Choices, endpoint_update_fields, with_gpu_counts
from gputui.api.yotta.create.readers import read_name, read_size
from gputui.api.yotta.mapping import CREDENTIAL, ENDPOINT, VM, VOLUME
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.schema import masked
from gputui.api.yotta.storage import YottaStorage
from gputui.errors import ConflictError, InvalidError
from gputui.formatting import kind_noun
from gputui.late_dataclasses import dataclass
from gputui.models import Action, ActionResult, Deployment, FieldKind, Form, FormField, Row, Volume

_GB = 2**30
_KEPT = "leave empty to keep the current one"
_STOP_FIRST = "Endpoints can be edited only when stopped: stop it first."


def _name_field(row: Row, *, required: bool = True) -> FormField:
    name = str(getattr(row, "name", ""))
    return FormField("name", "Name", required=required, default=name, help="at most 255 characters", read=read_name)


def _named(row: Row, known: Choices) -> Sequence[FormField]:
    return (_name_field(row),)


def _sized(row: Row, known: Choices) -> Sequence[FormField]:
    size = row.size if isinstance(row, Volume) else None
    default = "" if size is None else str(round(size / _GB))
    return (
        FormField(
            "sizeInGb", "Size", FieldKind.NUMBER, default=default, unit="GB", help="1 to 10240", read=read_size
        ),
    )


def _credential(row: Row, known: Choices) -> Sequence[FormField]:
    return (
        _name_field(row, required=False),
        FormField("username", "User", required=False, help=_KEPT, unknown=True),
        FormField("password", "Password", FieldKind.SECRET, required=False, help=_KEPT, unknown=True),
    )


def _endpoint(row: Row, known: Choices) -> Sequence[FormField]:
    return endpoint_update_fields(row, known) if isinstance(row, Deployment) else ()


def _endpoint_named(row: Row, known: Choices) -> Sequence[FormField]:
    """Return the fields of a new name: the API requires the other required fields with it."""
    return tuple(replace(field, section="") for field in _endpoint(row, known) if field.required)


@dataclass(frozen=True, slots=True)
class _Change:
    """How one action changes one kind of row: the request and its fields."""

    noun: str
    done: str
    fields: Callable[[Row, Choices], Sequence[FormField]]
    method: str = "PATCH"
    tail: str = ""
    hint: str = ""
    """The way out where the state of the row forbids the change."""


_CHANGES: Mapping[tuple[str, Action], _Change] = {
    (VM, Action.RENAME): _Change("renaming", "renamed", _named),
    (VOLUME, Action.RENAME): _Change("renaming", "renamed", _named, "POST", "/name"),
    (VOLUME, Action.RESIZE): _Change("resizing", "resized", _sized, "POST", "/resize"),
    (CREDENTIAL, Action.RENAME): _Change("renaming", "renamed", _named),
    (CREDENTIAL, Action.UPDATE): _Change("change", "changed", _credential),
    (ENDPOINT, Action.RENAME): _Change("renaming", "renamed", _endpoint_named, hint=_STOP_FIRST),
    (ENDPOINT, Action.UPDATE): _Change("change", "changed", _endpoint, hint=_STOP_FIRST),
}


class YottaEditor(Editor):
    """Changes the rows of an account."""

    def __init__(self, base_url: str, server: YottaClient, lists: YottaLists, storage: YottaStorage) -> None:
        self._base_url = base_url
        self._server = server
        self._lists = lists
        self._storage = storage

    async def form(self, row: Row, action: Action) -> Form:
        """Return the fields of the action with the current values; those of an endpoint are requested."""
        change, known = _change(row, action), Choices()
        if isinstance(row, Deployment):
            row, credentials, _ = await asyncio.gather(
                self._lists.endpoint(row.ref), self._storage.choices(), attempt(self._lists.vm_types())
            )
            known = Choices(self._lists.types, credentials)
        doing = ACTIONS[action].title or action.value.capitalize()
        title = f"{doing} {kind_noun(row.ref.kind)} {getattr(row, 'name', row.ref.id)}"
        return Form(row.ref.account, row.ref.kind, title, tuple(change.fields(row, known)), verb=action.value)

    def prepare(self, row: Row, action: Action, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        change = _change(row, action)
        given = FormValues(change.fields(row, Choices()), values, f"is no parameter of the {change.noun}")
        for field in given.fields:
            if field.default and not values.get(field.name, field.default).strip():
                given.refuse(field.name, "cannot be removed: the API keeps the current one when it gets none")
        if not given.problems and not given.read:
            given.refuse("name", "is empty, and so is all else: nothing would be changed")
        given.require(row.ref)
        body = with_gpu_counts(given.body()) if row.ref.kind == ENDPOINT else given.body()
        path = f"{self._lists.path_of(row.ref)}{change.tail}"

        async def send() -> ActionResult:
            name = getattr(row, "name", None) or row.ref.id
            what = f"{kind_noun(row.ref.kind)} {name}"
            try:
                await self._server.change(change.method, path, what=f"the {change.noun} of {what}", json=body)
            except ConflictError as error:
                if not change.hint:
                    raise
                raise ConflictError(error.message, hint=change.hint) from error
            return ActionResult(f"{name} {change.done}.")

        request = partial(given.shown, change.method, f"{self._base_url}{path}", body, masked)
        return PreparedChange(row.ref, values, send, request)


def _change(row: Row, action: Action) -> _Change:
    change = _CHANGES.get((row.ref.kind, action))
    if change is None:
        raise InvalidError(f"{row.ref}: {action.value} is not possible for it.")
    return change
