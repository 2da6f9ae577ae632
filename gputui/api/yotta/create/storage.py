"""New volumes and registry credentials of Yotta.

Speaks for CreateVolumeRequest and CreateCredentialRequest of the data model, whose names the fields have. For R2 one
of its tables requires a region and the other does not: it may be left out, and is sent where it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from gputui.api.common.form_values import FormValues, choice_field, read_line
from gputui.api.http.rows import attempt
from gputui.api.yotta.create.creator import YottaCreator
from gputui.api.yotta.create.forms import Choices
from gputui.api.yotta.create.readers import read_code, read_name, read_size
from gputui.api.yotta.filters import STORAGE_TYPES
from gputui.api.yotta.mapping import CREDENTIAL, VOLUME
from gputui.api.yotta.storage import REGISTRIES, SIZED
from gputui.models import FieldKind, FormField, Role, Row
from gputui.text import clean

MEDIA = ("NVMe", "HDD")


def volume_fields(known: Choices) -> Sequence[FormField]:
    """Return the fields of a new volume; those that its type does not have are not shown."""
    sized = ("storageType", tuple(sorted(SIZED)))
    return (
        FormField("name", "Name", help="at most 255 characters", role=Role.NAME, read=read_name),
        choice_field("storageType", "Storage", STORAGE_TYPES, "the types of storage", default="CEPH"),
        choice_field(
            "region",
            "Region",
            known.regions,
            required=False,
            when=("storageType", (*sized[1], "R2")),
            help="the region of the pods that mount it; optional for R2",
            required_when=sized,
            role=Role.REGIONS,
            read=read_code,
        ),
        FormField(
            "sizeInGb",
            "Size",
            FieldKind.NUMBER,
            default="100",
            unit="GB",
            when=sized,
            help="1 to 10240",
            read=read_size,
        ),
        choice_field(
            "vendorVolumeType",
            "Disk",
            MEDIA,
            "the kinds of disk",
            default=MEDIA[0],
            when=("storageType", ("VENDOR",)),
        ),
    )


def credential_fields(known: Choices) -> Sequence[FormField]:
    """Return the fields of a new credential."""
    return (
        FormField("name", "Name", help="at most 255 characters", role=Role.NAME, read=read_name),
        choice_field("type", "Registry", REGISTRIES, "the types of registry", default="DOCKER_HUB"),
        FormField("username", "User"),
        FormField("password", "Password", FieldKind.SECRET, help="or a token; cannot be shown again", read=read_line),
    )


class VolumeCreator(YottaCreator):
    """Creates volumes (``POST /v2/volumes``)."""

    kind, fields_of = VOLUME, staticmethod(volume_fields)

    async def request_choices(self) -> str:
        """Request the regions; others can be entered, too."""
        await attempt(self._lists.vm_types())
        return ""

    async def rows(self, given: FormValues) -> Sequence[Row]:
        """List the volumes of this name and type, however the list is filtered."""
        return await self._storage.volumes_called(clean(given.text("name")), given.text("storageType"))


class CredentialCreator(YottaCreator):
    """Creates registry credentials (``POST /v2/container-registry-auths``)."""

    kind, fields_of = CREDENTIAL, staticmethod(credential_fields)
