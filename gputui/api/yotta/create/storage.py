"""New volumes and registry credentials of Yotta: the forms, what is wrong in them, the requests.

Speaks for CreateVolumeRequest and CreateCredentialRequest of the data model, whose names the fields have. For R2 one
of its tables wants a region and the other does not: it may be left out, and is sent where it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import among, given, read_within, refuse
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create import fields
from gputui.api.yotta.create.values import Body, Readers, body_of, problems_of, shown_request
from gputui.api.yotta.filters import STORAGE_TYPES
from gputui.api.yotta.mapping import Scope, made_ref
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.storage import CREDENTIALS, VOLUMES, YottaStorage
from gputui.api.yotta.storage_mapping import CREDENTIAL, REGISTRIES, SIZED, VOLUME
from gputui.errors import GputuiError
from gputui.models import ActionResult, FieldKind, Form, FormField, Ref, Role
from gputui.text import clean

MEDIA = ("NVMe", "HDD")
LONGEST_NAME = 255
LARGEST = 10240
"""The largest volume, in GB."""


def read_size(text: str) -> int:
    """Read a size of a volume in whole GB."""
    return read_within(text, 1, LARGEST, f"must be whole GB from 1 to {LARGEST}")


def read_secret(text: str) -> str:
    """Read a password or a token: anything without control characters."""
    if clean(text) != text:
        raise ValueError("may hold no control characters")
    return text


_VOLUME_READERS: Readers = {
    "name": fields.read_pod_name,
    "storageType": among(STORAGE_TYPES, "the types of storage"),
    "region": fields.read_code,
    "sizeInGb": read_size,
    "vendorVolumeType": among(MEDIA, "the kinds of disk"),
}
CREDENTIAL_READERS: Readers = {
    "name": fields.read_pod_name,
    "type": among(REGISTRIES, "the types of registry"),
    "username": fields.read_line,
    "password": read_secret,
}


def volume_fields(regions: Sequence[str] = ()) -> tuple[FormField, ...]:
    """Return the fields of a new volume; what its type does not have does not show."""
    sized = ("storageType", tuple(sorted(SIZED)))
    return (
        FormField("name", "Name", help="at most 255 characters", group="Volume", role=Role.NAME),
        FormField(
            "storageType",
            "Storage",
            FieldKind.CHOICE,
            default="CEPH",
            choices=tuple(STORAGE_TYPES),
            labels=tuple(STORAGE_TYPES.values()),
        ),
        FormField(
            "region",
            "Region",
            FieldKind.CHOICE,
            required=False,
            choices=tuple(regions),
            open_choices=True,
            when=("storageType", (*sized[1], "R2")),
            help="that of the pods that mount it; R2 may do without",
            required_when=sized,
            role=Role.REGIONS,
        ),
        FormField("sizeInGb", "Size", FieldKind.NUMBER, default="100", unit="GB", when=sized, help="1 to 10240"),
        FormField(
            "vendorVolumeType",
            "Disk",
            FieldKind.CHOICE,
            default=MEDIA[0],
            choices=MEDIA,
            when=("storageType", ("VENDOR",)),
        ),
    )


CREDENTIAL_FIELDS: tuple[FormField, ...] = (
    FormField("name", "Name", help="at most 255 characters", group="Credential", role=Role.NAME),
    FormField(
        "type",
        "Registry",
        FieldKind.CHOICE,
        default="DOCKER_HUB",
        choices=tuple(REGISTRIES),
        labels=tuple(REGISTRIES.values()),
    ),
    FormField("username", "User"),
    FormField("password", "Password", FieldKind.SECRET, help="or a token; cannot be shown again"),
)


class _Named(Creator):
    """What both kinds have in common: they are made by one request, and found by their name."""

    kind = ""
    path = ""

    def __init__(self, scope: Scope, base_url: str, server: YottaClient, storage: YottaStorage) -> None:
        self._scope = scope
        self._base_url = base_url
        self._server = server
        self._storage = storage

    def fields(self) -> tuple[FormField, ...]:
        """Return the fields of the form."""
        raise NotImplementedError

    def check(self, values: Values) -> dict[str, str]:
        """Return what is wrong, by field."""
        raise NotImplementedError

    def body(self, values: Values) -> Body:
        """Return what is sent."""
        raise NotImplementedError

    async def form(self) -> Form:
        """Return the form."""
        return Form(self._scope.account, self.kind, f"New {self.kind} in {self._scope.account}", self.fields())

    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        refuse(self._scope.account, self.check(values))
        sent, name = self.body(values), clean(given(values, "name"))

        async def send() -> ActionResult:
            what = f"the creation of {self.kind} {name}"
            data = await self._server.change("POST", self.path, what=what, json=sent, creates=True)
            return ActionResult(
                f"{self.kind.capitalize()} {name} created.", created=made_ref(self._scope, self.kind, data)
            )

        request = shown_request("POST", f"{self._base_url}{self.path}", sent)
        return PreparedChange(
            Ref(self._scope.account, self.kind, name), values, send, request, lambda: self.find(values)
        )

    async def find(self, values: Values) -> Collection[Ref]:
        """Return the rows that such a create may have made."""
        raise NotImplementedError


class VolumeCreator(_Named):
    """Creates volumes (``POST /v2/volumes``)."""

    kind, path = VOLUME, VOLUMES

    def __init__(
        self, scope: Scope, base_url: str, server: YottaClient, storage: YottaStorage, lists: YottaLists
    ) -> None:
        super().__init__(scope, base_url, server, storage)
        self._lists = lists

    def fields(self) -> tuple[FormField, ...]:
        """Return the fields, with the regions there are."""
        return volume_fields(tuple(dict.fromkeys(clean(each.region) for each in self._lists.types)))

    async def form(self) -> Form:
        """Return the form, with the regions there are now."""
        with suppress(GputuiError):  # they can be written, too
            await self._lists.vm_types()
        return await super().form()

    def check(self, values: Values) -> dict[str, str]:
        """Return what is wrong, by field: what has a size has a region as well."""
        return problems_of(self.fields(), _VOLUME_READERS, values, "a new volume")

    def body(self, values: Values) -> Body:
        """Return what is sent: what the type has."""
        return body_of(self.fields(), _VOLUME_READERS, values)

    async def find(self, values: Values) -> Collection[Ref]:
        """Return the volumes of this name and type."""
        name = clean(given(values, "name"))
        return [row.ref for row in await self._storage.volumes_called(name, given(values, "storageType"))]


class CredentialCreator(_Named):
    """Creates registry credentials (``POST /v2/container-registry-auths``)."""

    kind, path = CREDENTIAL, CREDENTIALS

    def fields(self) -> tuple[FormField, ...]:
        """Return the fields."""
        return CREDENTIAL_FIELDS

    def check(self, values: Values) -> dict[str, str]:
        """Return what is wrong, by field."""
        return problems_of(CREDENTIAL_FIELDS, CREDENTIAL_READERS, values, "a new credential")

    def body(self, values: Values) -> Body:
        """Return what is sent."""
        return body_of(CREDENTIAL_FIELDS, CREDENTIAL_READERS, values)

    async def find(self, values: Values) -> Collection[Ref]:
        """Return the credentials of this name."""
        name = clean(given(values, "name"))
        return [row.ref for row in await self._storage.credentials() if row.name == name]
