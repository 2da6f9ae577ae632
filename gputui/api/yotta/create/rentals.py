"""What is created on Yotta, pods, VMs and endpoints: the forms, what is wrong in them, the requests.

Speaks for CreatePodRequest, CreateVMRequest and CreateEndpointRequest of the data model, whose names the fields have.
User and password of a registry, which the document calls deprecated, are no fields: the id of a credential is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import among, given, read_count, read_flag, refuse
from gputui.api.http.rows import attempt
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create import fields
from gputui.api.yotta.create.forms import MODES, PUBLICITIES, RESOURCE_TYPES, Known, form
from gputui.api.yotta.create.values import Body, Readers, body_of, problems_of, shown_request
from gputui.api.yotta.mapping import ENDPOINT, POD, VM, Scope, VmType, called, made_ref
from gputui.api.yotta.resources import YottaLists
from gputui.api.yotta.storage import YottaStorage
from gputui.errors import GputuiError
from gputui.models import ActionResult, Deployment, Form, Instance, Ref, RegistryCredential
from gputui.text import clean

PATHS: Mapping[str, str] = {POD: "/v2/pods", VM: "/v2/vms", ENDPOINT: "/v2/serverless"}


def _command(text: str) -> str:
    if "\0" in text:
        raise ValueError("may hold no NUL")
    return text.replace("\r\n", "\n")


_READERS: Mapping[str, Callable[[str], object]] = {
    "image": fields.read_word,
    "imageRegistry": fields.read_word,
    "imagePublicType": among(PUBLICITIES, "the kinds of images"),
    "containerRegistryAuthId": fields.read_id,
    "resourceType": among(RESOURCE_TYPES, "the kinds of resources"),
    "regions": fields.read_regions,
    "region": fields.read_code,
    "gpuType": fields.read_code,
    "gpuCount": fields.read_gpu_count,
    **dict.fromkeys(
        (
            "minSingleCardVramInGb",
            "minSingleCardRamInGb",
            "minSingleCardVcpu",
            "shmInGb",
            "containerVolumeInGb",
            "persistentVolumeInGb",
            "workers",
        ),
        read_count,
    ),
    "persistentMountPath": fields.read_path,
    "initializationCommand": _command,
    "environmentVars": fields.read_environment,
    "expose": fields.read_ports,
    "persistentVolumes": fields.read_volumes,
    "vmTypeId": fields.read_id,
    "isSpot": lambda text: int(read_flag(text)),
    "volumeMountPaths": fields.read_mounts,
    "resources": fields.read_resources,
    "serviceMode": among(tuple(MODES), "the modes"),
    "webhook": fields.read_webhook,
}
_OF_KIND: Mapping[tuple[str, str], Callable[[str], object]] = {
    (POD, "name"): fields.read_pod_name,
    (VM, "name"): fields.read_pod_name,
    (ENDPOINT, "name"): fields.read_endpoint_name,
    (ENDPOINT, "containerVolumeInGb"): fields.read_endpoint_volume,
    (ENDPOINT, "expose"): fields.read_port,
}


def check(kind: str, values: Mapping[str, str], types: Iterable[VmType] = ()) -> dict[str, str]:
    """Return what is wrong, by field; empty when it may be sent. ``types`` are those of VM, as far as known."""
    problems = problems_of(form("", kind).fields, _readers(kind), values, f"a new {kind}")
    for name, problem in _together(kind, values, types):
        problems.setdefault(name, problem)
    return problems


def body(kind: str, values: Mapping[str, str]) -> Body:
    """Return what is sent for values that passed :func:`check`; optional parameters only where they are given."""
    made = body_of(form("", kind).fields, _readers(kind), values)
    if kind == ENDPOINT:
        made = fields.with_gpu_counts(made)
    return {name: value for name, value in made.items() if value not in ([], {})}


def _together(kind: str, values: Mapping[str, str], types: Iterable[VmType]) -> Iterable[tuple[str, str]]:
    """Yield what is wrong with values that fit each for itself."""
    if kind == POD:
        if given(values, "imagePublicType") == "PRIVATE" and not given(values, "containerRegistryAuthId"):
            yield "containerRegistryAuthId", "is missing: a private image needs a credential"
        if given(values, "persistentVolumeInGb") and not given(values, "persistentMountPath"):
            yield "persistentMountPath", "is missing: the persistent volume needs a place"
        if given(values, "persistentMountPath") and not given(values, "persistentVolumeInGb"):
            yield "persistentVolumeInGb", "is missing: there is a path for it"
    if kind == VM:
        number, region = given(values, "vmTypeId"), given(values, "region")
        places = [each.region for each in types if str(each.id) == number]
        if places and region and region not in places:
            yield "region", f"does not have this type; it is in {', '.join(map(clean, dict.fromkeys(places)))}"


def _readers(kind: str) -> Readers:
    return {**_READERS, **{name: reader for (of, name), reader in _OF_KIND.items() if of == kind}}


ENDPOINT_UPDATE_READERS: Readers = {**_readers(ENDPOINT), "credentialId": fields.read_id}
"""How the values of UpdateEndpointRequest are read: as those of a new one, but for the name of the credential."""


class RentalCreator(Creator):
    """Creates pods (``POST /v2/pods``), VMs (``/v2/vms``) or endpoints (``/v2/serverless``) of an account."""

    def __init__(
        self,
        kind: str,
        scope: Scope,
        base_url: str,
        server: YottaClient,
        lists: YottaLists,
        storage: YottaStorage,
    ) -> None:
        self._kind = kind
        self._scope = scope
        self._base_url = base_url
        self._server = server
        self._lists = lists
        self._storage = storage

    async def form(self) -> Form:
        """Return the form, with the GPU types, regions and credentials there are now, and the volumes last listed."""
        types, credentials = await asyncio.gather(attempt(self._lists.vm_types()), self._credentials())
        note = f"The available types are unknown: {types.message}" if isinstance(types, GputuiError) else ""
        known = Known(self._lists.types, credentials, self._storage.known)
        return form(self._scope.account, self._kind, known, note)

    async def _credentials(self) -> Sequence[RegistryCredential]:
        return () if self._kind == VM else await self._storage.choices()

    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        refuse(self._scope.account, check(self._kind, values, self._lists.types))
        sent, path = body(self._kind, values), PATHS[self._kind]
        name, kind = clean(given(values, "name")), called(self._kind)

        async def send() -> ActionResult:
            what = f"the creation of {kind} {name}"
            data = await self._server.change("POST", path, what=what, json=sent, creates=True)
            created = made_ref(self._scope, self._kind, data)
            generation = created.id if created and self._kind != ENDPOINT else ""
            return ActionResult(
                f"{kind[:1].upper()}{kind[1:]} {name} created.", created=created, generation=generation
            )

        request = shown_request("POST", f"{self._base_url}{path}", sent)
        return PreparedChange(
            Ref(self._scope.account, self._kind, name), values, send, request, lambda: self._named(name)
        )

    async def _named(self, name: str) -> Collection[Ref]:
        rows: Sequence[Instance | Deployment]
        if self._kind == ENDPOINT:
            rows = await self._lists.endpoints()
        else:
            rows = await (self._lists.pods() if self._kind == POD else self._lists.vms())
        return [row.ref for row in rows if row.name == name]
