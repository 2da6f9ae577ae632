"""Volumes of a Yotta account, of four types that are requested one by one, and its registry credentials.

Speaks for the data model's Volume and Credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from gputui.api.http.rows import LastRows, RowCollector, attempt, require_some
from gputui.api.yotta import filters, schema
from gputui.api.yotta.mapping import CREDENTIAL, UNKNOWN, VOLUME, Scope, gigabytes
from gputui.api.yotta.prices import uncertain
from gputui.api.yotta.resources import PATHS, YottaLists
from gputui.api.yotta.schema import NamedRow, Number, Text, Whole
from gputui.errors import GputuiError
from gputui.models import Action, Phase, Ref, RegistryCredential, Volume
from gputui.text import clean

MOUNTED = "Only a volume that nothing has mounted can be deleted or resized: delete what mounts it first."

SIZED = frozenset({"CEPH", "VENDOR"})
"""The types that have a size; the others have no limit."""

REGISTRIES: Mapping[str, str] = {
    "DOCKER_HUB": "Docker Hub",
    "GCR": "Google Container Registry",
    "ECR": "Amazon Elastic Container Registry",
    "ACR": "Azure Container Registry",
    "PRIVATE": "private registry",
}
"""The data model's table CredentialType."""
_PHASES = {
    "creating": Phase.PENDING,
    "resizing": Phase.PENDING,
    "active": Phase.RUNNING,
    "deleting": Phase.STOPPING,
    "error": Phase.FAILED,
}
"""The data model's table VolumeStatus."""


class VolumeRow(NamedRow):
    """A volume of ``GET /v2/volumes``."""

    size_in_gb: Number = None
    region: Text = None
    storage_type: Text = None
    status: Text = None
    vendor_volume_type: Text = None
    mount_count: Whole = None
    cost: Number = None


class CredentialRow(NamedRow):
    """A credential of ``GET /v2/container-registry-auths``."""

    type: Text = None


def to_volume(scope: Scope, row: object) -> Volume:
    """Return the row of a volume; raises UnreadableRowError where it has no id.

    Its cost is taken for that of an hour, as an estimate.
    """
    wire, problem = schema.salvage(VolumeRow, row)
    ref, status = scope.ref(VOLUME, wire.id), clean((wire.status or "").strip()) or UNKNOWN
    return Volume(
        ref=ref,
        name=clean(wire.name or "") or ref.id,
        type=clean((wire.storage_type or "").strip()),
        phase=_PHASES.get(status.lower(), Phase.UNKNOWN),
        status=status,
        size=gigabytes(wire.size_in_gb),
        region=clean(wire.region or ""),
        medium=clean(wire.vendor_volume_type or ""),
        mounts=wire.mount_count,
        price=uncertain(wire.cost, scope.currency),
        created_at=wire.created_at,
        problem=problem,
        raw=schema.raw_text(row),
    )


def to_credential(scope: Scope, row: object) -> RegistryCredential:
    """Return the row of a credential; raises UnreadableRowError where it has no id."""
    wire, problem = schema.salvage(CredentialRow, row)
    ref, type_ = scope.ref(CREDENTIAL, wire.id), clean((wire.type or "").strip())
    return RegistryCredential(
        ref=ref,
        name=clean(wire.name or "") or ref.id,
        type=type_,
        registry=REGISTRIES.get(type_, ""),
        created_at=wire.created_at,
        problem=problem,
        raw=schema.raw_text(row),
    )


class YottaStorage:
    """The volumes and credentials of an account. A type that cannot be read keeps its last volumes, marked."""

    def __init__(self, scope: Scope, lists: YottaLists) -> None:
        self._scope = scope
        self._lists = lists
        self._types: Sequence[str] = tuple(filters.STORAGE_TYPES)
        self._query: filters.Parameters = {}
        self._last: LastRows[Volume] = LastRows()

    def filter_by(self, storage_type: str, query: filters.Parameters) -> None:
        """List volumes of one type, or of all where it is '', with a query from now on."""
        self._types = [storage_type] if storage_type else tuple(filters.STORAGE_TYPES)
        self._query = query
        self._last.retain()  # they were the answer to another request

    async def volumes(self) -> list[Volume]:
        """List the volumes of all types (``GET /v2/volumes``, which requires a type), all pages."""
        types = self._types
        found = await asyncio.gather(*(attempt(self._of_type(each, self._query)) for each in types))
        require_some(found)
        rows: RowCollector[Volume] = RowCollector()
        for kind, part in zip(types, found, strict=True):
            ref = self._scope.ref(VOLUME, f"{kind} volumes")
            stand_in = Volume(ref, ref.id, kind, Phase.UNKNOWN, "unknown")
            rows.add(self._last.update(kind, part, f"the {kind} volumes", stand_in, whose="they cannot be read: "))
        return rows.rows()

    async def volumes_called(self, name: str, storage_type: str) -> list[Volume]:
        """Request the volumes of a name and a type, however the list is filtered; raises GputuiError."""
        return [volume for volume in await self._of_type(storage_type, {}) if volume.name == name]

    @property
    def known(self) -> list[Volume]:
        """The volumes as they were last listed."""
        return list(self._last)

    async def _of_type(self, kind: str, params: filters.Parameters) -> list[Volume]:
        query = {"storageType": kind, **params}
        return await self._lists.paged(PATHS[VOLUME], query, partial(to_volume, self._scope))

    async def credentials(self) -> list[RegistryCredential]:
        """List the credentials (``GET /v2/container-registry-auths``)."""
        return await self._lists.all(PATHS[CREDENTIAL], {}, partial(to_credential, self._scope))

    async def choices(self) -> Sequence[RegistryCredential]:
        """Return the credentials to choose from; none where they cannot be read: their ids can be written, too."""
        found = await attempt(self.credentials())
        return () if isinstance(found, GputuiError) else found

    async def volume(self, ref: Ref) -> Volume:
        """Request one volume (``GET /v2/volumes/{id}``); raises NotFoundError."""
        return await self._lists.one(ref, partial(to_volume, self._scope))

    async def credential(self, ref: Ref) -> RegistryCredential:
        """Request one credential (``GET /v2/container-registry-auths/{id}``); raises NotFoundError."""
        return await self._lists.one(ref, partial(to_credential, self._scope))


def volume_actions(row: Volume) -> frozenset[Action]:
    """Return what can be done to a volume: only one that nothing has mounted is deleted or resized."""
    if row.phase is Phase.STOPPING or row.ref.id == f"{row.type} volumes":
        return frozenset()
    actions = {Action.RENAME}
    if row.mounts == 0:
        if row.phase in (Phase.RUNNING, Phase.FAILED, Phase.UNKNOWN):
            actions.add(Action.DELETE)
        if row.phase is Phase.RUNNING and row.size is not None:
            actions.add(Action.RESIZE)
    return frozenset(actions)
