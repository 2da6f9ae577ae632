"""New things of Yotta, each created by one request: what all kinds have in common; pods, VMs and endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import Body, FormValues
from gputui.api.http.rows import attempt
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create.forms import Choices, endpoint_fields, pod_fields, vm_fields, with_gpu_counts
from gputui.api.yotta.errors import no_stock
from gputui.api.yotta.mapping import ENDPOINT, POD, VM, Scope, made_ref
from gputui.api.yotta.resources import PATHS, YottaLists
from gputui.api.yotta.schema import masked
from gputui.api.yotta.storage import YottaStorage
from gputui.errors import ConflictError, GputuiError
from gputui.formatting import kind_noun
from gputui.models import ActionResult, Form, FormField, Ref, RegistryCredential, Row
from gputui.text import clean


class Parts(NamedTuple):
    """The parts of a back end that its creators use."""

    scope: Scope
    base_url: str
    server: YottaClient
    lists: YottaLists
    storage: YottaStorage


class YottaCreator(Creator):
    """Creates one kind of thing; after a lost answer it is found by its name."""

    kind = ""
    rents = False
    """Whether it needs GPUs that may not be free."""
    fields_of: Callable[[Choices], Sequence[FormField]]
    """Returns the fields, with these choices."""
    title = "New {kind} in {account}"
    verb, progress = "create", "Creating"
    _credentials: Sequence[RegistryCredential] = ()

    def __init__(self, rows: Callable[[], Awaitable[Sequence[Row]]], parts: Parts) -> None:
        self._rows = rows
        self._scope, self._base_url, self._server, self._lists, self._storage = parts
        self.account = self._scope.account
        self._noun = kind_noun(self.kind)
        self._fields: Sequence[FormField] = ()

    def fields(self) -> Sequence[FormField]:
        """Return the fields, with the choices that are known."""
        return self.fields_of(Choices(self._lists.types, self._credentials, self._storage.known))

    async def request_choices(self) -> str:
        """Request the choices of the fields; returns a note on those that are unknown."""
        return ""

    def relate(self, given: FormValues) -> None:
        """Refuse values that do not fit each other."""

    def body(self, given: FormValues) -> Body:
        """Return the body of the request."""
        return given.body()

    async def find(self, given: FormValues) -> Collection[Ref]:
        """Return the rows that such a create may have made."""
        return [row.ref for row in await self.rows(given) if getattr(row, "name", "") == clean(given.text("name"))]

    async def rows(self, given: FormValues) -> Sequence[Row]:
        """List the rows among which the new one would be."""
        return await self._rows()

    async def form(self) -> Form:
        """Return the form, with the current choices."""
        note = await self.request_choices()
        self._fields = self.fields()
        title = self.title.format(kind=self._noun, account=self.account)
        return Form(self.account, self.kind, title, tuple(self._fields), note, self.verb, self.progress)

    def read(self, values: Values) -> FormValues:
        """Read the values. Choices do not decide what is accepted: the fields of the last form serve."""
        given = FormValues(self._fields or self.fields(), values, f"is no parameter of a new {self.kind}")
        self.relate(given)
        return given

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = self.read(values)
        given.require(self.account)
        body, name = self.body(given), clean(given.text("name"))

        async def send() -> ActionResult:
            what = f"the creation of {self._noun} {name}"
            try:
                data = await self._server.change("POST", PATHS[self.kind], what=what, json=body, creates=True)
            except ConflictError as error:
                raise (no_stock(error) if self.rents else error) from None
            created = made_ref(self._scope, self.kind, data)
            generation = created.id if created and self.kind in (POD, VM) else ""
            message = f"{self._noun[:1].upper()}{self._noun[1:]} {name} created."
            return ActionResult(message, created=created, generation=generation)

        request = partial(given.shown, "POST", f"{self._base_url}{PATHS[self.kind]}", body, masked)
        return PreparedChange(Ref(self.account, self.kind, name), values, send, request, lambda: self.find(given))


class _RentalCreator(YottaCreator):
    """Creates what runs on GPUs."""

    rents = True

    async def request_choices(self) -> str:
        """Request the types of VM, whose regions and GPU types all kinds share."""
        types = await attempt(self._lists.vm_types())
        return f"The available types are unknown: {types.message}" if isinstance(types, GputuiError) else ""


class VmCreator(_RentalCreator):
    """Creates VMs (``POST /v2/vms``)."""

    kind, fields_of = VM, staticmethod(vm_fields)

    def relate(self, given: FormValues) -> None:
        """Refuse a region that does not have the type."""
        number, region = given.number("vmTypeId"), given.read.get("region")
        regions = list(dict.fromkeys(clean(each.region) for each in self._lists.types if each.id == number))
        if regions and region is not None and region not in regions:
            given.refuse("region", f"does not have this type; it is in {', '.join(regions)}")


class _ImageCreator(_RentalCreator):
    """Creates what runs an image, private ones with a credential."""

    async def request_choices(self) -> str:
        """Request types and credentials."""
        note, self._credentials = await asyncio.gather(super().request_choices(), self._storage.choices())
        return note


class PodCreator(_ImageCreator):
    """Creates pods (``POST /v2/pods``)."""

    kind, fields_of = POD, staticmethod(pod_fields)

    def relate(self, given: FormValues) -> None:
        """Refuse a private image without a credential, a volume without a path and the reverse."""
        if given.text("imagePublicType") == "PRIVATE" and not given.text("containerRegistryAuthId"):
            given.refuse("containerRegistryAuthId", "required: a private image needs a credential")
        volume, path = given.text("persistentVolumeInGb"), given.text("persistentMountPath")
        if volume and not path:
            given.refuse("persistentMountPath", "required: the persistent volume needs a place")
        if path and not volume:
            given.refuse("persistentVolumeInGb", "required: there is a path for it")


class EndpointCreator(_ImageCreator):
    """Creates endpoints (``POST /v2/serverless``)."""

    kind, fields_of = ENDPOINT, staticmethod(endpoint_fields)

    def body(self, given: FormValues) -> Body:
        """Return the body, with the number of GPUs in each of its resources."""
        return with_gpu_counts(given.body())
