"""Volumes and registry credentials of Yotta's answers as rows. Speaks for the data model's Volume and Credential."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.api.yotta import schema
from gputui.api.yotta.mapping import UNKNOWN, Scope, gigabytes
from gputui.api.yotta.prices import uncertain
from gputui.api.yotta.schema import Id, Number, Text, Time, Whole, YottaRow
from gputui.models import Phase, RegistryCredential, Volume
from gputui.text import clean

VOLUME, CREDENTIAL = "volume", "credential"

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


class VolumeRow(YottaRow):
    """A volume of ``GET /v2/volumes``."""

    id: Id
    name: Text = None
    size_in_gb: Number = None
    region: Text = None
    storage_type: Text = None
    status: Text = None
    vendor_volume_type: Text = None
    mount_count: Whole = None
    cost: Number = None
    created_at: Time = None


class CredentialRow(YottaRow):
    """A credential of ``GET /v2/container-registry-auths``."""

    id: Id
    name: Text = None
    type: Text = None
    created_at: Time = None


def to_volume(scope: Scope, row: object) -> Volume:
    """Make the row of a volume; raises UnreadableRowError where it has no id.

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
    """Make the row of a credential; raises UnreadableRowError where it has no id."""
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
