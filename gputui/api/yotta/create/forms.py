"""The fields of pods, VMs and endpoints of Yotta, new ones and changes.

Speaks for CreatePodRequest, CreateVMRequest, CreateEndpointRequest and UpdateEndpointRequest of the data model, whose
names the fields have. User and password of a registry, which the document calls deprecated, are no fields: the id of
a credential is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gputui.api.common.form_values import Body, choice_field, read_flag
from gputui.api.common.readers import whole_number
from gputui.api.yotta.create import readers
from gputui.api.yotta.mapping import GPU_TYPES, VmType
from gputui.known_secrets import MASK
from gputui.late_dataclasses import dataclass
from gputui.models import Deployment, FieldKind, FormField, Phase, RegistryCredential, Role, Volume, gpu_label
from gputui.text import clean

PUBLICITIES = {"PUBLIC": "public", "PRIVATE": "private: needs a credential"}
RESOURCE_TYPES = ("GPU", "CPU")
MODES: Mapping[str, str] = {
    "ALB": "requests go to the workers directly",
    "QUEUE": "requests wait until a worker is free",
    "CUSTOM": "as the workers do it",
}
"""The data model's table ServiceMode."""

ENDPOINT_NAME_HELP = "1 to 20 letters, digits or @ . _ -, a letter first"
_NAMED = 5
"""Volumes that are named next to a field."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The current choices in an account, as far as they are known."""

    types: Sequence[VmType] = ()
    credentials: Sequence[RegistryCredential] = ()
    volumes: Sequence[Volume] = ()

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the types."""
        return tuple(dict.fromkeys(clean(each.region) for each in self.types))


def pod_fields(known: Choices) -> Sequence[FormField]:
    """Return the fields of a pod."""
    mounts = f"id:path in each line, as 123:/mnt/data; backup behind it backs it up{_available(known.volumes)}"
    return [
        FormField(
            "name", "Name", help="at most 255 characters", section="Pod", role=Role.NAME, read=readers.read_name
        ),
        *_image_fields(known.credentials),
        choice_field(
            "imagePublicType", "Image is", PUBLICITIES, "the kinds of images", required=False, default="PUBLIC"
        ),
        FormField(
            "regions",
            "Regions",
            FieldKind.MULTI,
            required=False,
            choices=known.regions,
            open_choices=True,
            help="where it may run; anywhere when left out",
            section="Where",
            role=Role.REGIONS,
            read=readers.read_regions,
        ),
        choice_field("resourceType", "Kind", RESOURCE_TYPES, "the kinds of resources", required=False, default="GPU"),
        choice_field(
            "gpuType",
            "GPU type",
            _gpu_types(known.types),
            help=_vms_now(known.types),
            section="Size",
            role=Role.GPU_MODELS,
            read=readers.read_code,
        ),
        FormField(
            "gpuCount",
            "GPUs",
            FieldKind.NUMBER,
            default="1",
            help="a power of two: 1, 2, 4, 8 …",
            role=Role.GPU_COUNT,
            read=readers.read_gpu_count,
        ),
        *_minimums(),
        _number("shmInGb", "Shared memory", unit="GB"),
        _number("containerVolumeInGb", "Container volume", unit="GB", section="Disks"),
        _number("persistentVolumeInGb", "Persistent volume", unit="GB", help="a new one"),
        FormField(
            "persistentMountPath",
            "Mounted at",
            required=False,
            help="where the persistent volume is",
            read=readers.path_reader("from the root, such as /mnt/data"),
        ),
        _lines("persistentVolumes", "Volumes", read=readers.read_volumes, help=mounts),
        _command("runs when the container starts"),
        _environment(),
        _lines("expose", "Ports", read=readers.read_ports, help="a port and its protocol in each line: 8080/http"),
    ]


def vm_fields(known: Choices) -> Sequence[FormField]:
    """Return the fields of a VM."""
    places: dict[str, list[VmType]] = {}
    for each in known.types:
        if each.id is not None:
            places.setdefault(str(each.id), []).append(each)
    types = {id_: _type_label(regions) for id_, regions in places.items()}
    mounts = f"id:path in each line, as 123:/mnt/data{_available(known.volumes)}"
    return [
        FormField("name", "Name", role=Role.NAME, read=readers.read_name),
        choice_field("vmTypeId", "Type", types, ids=True, role=Role.MACHINE_TYPE, read=readers.read_id),
        choice_field(
            "region",
            "Region",
            known.regions,
            help="one that has the type",
            role=Role.REGIONS,
            read=readers.read_code,
        ),
        FormField(
            "isSpot",
            "Spot",
            FieldKind.FLAG,
            required=False,
            default="false",
            help="cheaper; may be reclaimed at any time",
            role=Role.SPOT,
            read=lambda text: int(read_flag(text)),
        ),
        _lines("volumeMountPaths", "Volumes", read=readers.read_mounts, help=mounts),
    ]


def endpoint_fields(known: Choices) -> Sequence[FormField]:
    """Return the fields of an endpoint."""
    return [
        _endpoint_name(),
        choice_field("serviceMode", "Mode", MODES, "the modes", default="ALB"),
        FormField("workers", "Workers", FieldKind.NUMBER, default="1", role=Role.REPLICAS),
        *_image_fields(known.credentials, section="Image"),
        _resources(known.types),
        _gpus_per_worker("1"),
        *_minimums(),
        _worker_volume("20"),
        _command("runs when a worker starts"),
        _environment(),
        _port(),
        _webhook(),
    ]


def endpoint_update_fields(row: Deployment, known: Choices) -> tuple[FormField, ...]:
    """Return the fields that change an endpoint, with its current values as far as the API returns them."""
    unknown = "" if (resources := _resource_lines(row)) else "; the API does not return the current ones"
    size = _returned(row, "containerVolumeInGb")
    volume = str(size) if whole_number(size) else ""
    kept = "leave empty to keep the current one"
    hidden = MASK in row.webhook  # it must not be sent back
    not_returned = (
        *_minimums(),
        _credential("credentialId", known.credentials, section="Inside"),
        _command(f"runs when a container starts; {kept}", section=""),
        _environment(),
        _port(),
    )
    return (
        _endpoint_name(row.name),
        FormField("workers", "Workers", FieldKind.NUMBER, default=str(row.desired or ""), help="1 at least"),
        replace(_resources(known.types, default=resources, note=unknown), unknown=not resources),
        _gpus_per_worker(str(row.gpu_count or "")),
        replace(
            _worker_volume(volume, "" if volume else "; the API does not return the current one"), unknown=not volume
        ),
        *(replace(field, unknown=True) for field in not_returned),
        replace(_webhook("" if hidden else row.webhook, f"; {kept}" if hidden else ""), unknown=hidden),
    )


def with_gpu_counts(body: Body) -> Body:
    """Return the body of an endpoint with the number of GPUs in each of its resources, where the API has it."""
    count = body.pop("gpuCount", 1)
    resources = body.get("resources")
    if isinstance(resources, list):
        body["resources"] = [{**place, "gpuCount": place.get("gpuCount", count)} for place in resources]
    return body


def _endpoint_name(default: str = "") -> FormField:
    return FormField(
        "name",
        "Name",
        default=default,
        help=ENDPOINT_NAME_HELP,
        section="Endpoint",
        role=Role.NAME,
        read=readers.read_endpoint_name,
    )


def _resource_lines(row: Deployment) -> str:
    """Return the resources of an endpoint as its form has them; '' where they are not returned."""
    try:
        return ", ".join(f"{one['region']} {one['gpuType']} {one['gpuCount']}" for one in _returned(row, "resources"))
    except (KeyError, TypeError):
        return ""


def _returned(row: Deployment, name: str) -> Any:
    """Return a value of an endpoint that its row does not have; None where the API does not return it."""
    try:
        return json.loads(row.raw)[name]
    except (ValueError, KeyError, TypeError):
        return None


def _resources(types: Sequence[VmType], *, default: str = "", note: str = "") -> FormField:
    """Return the field with the places of workers: those in the list of types, or others."""
    places: dict[str, VmType] = {}
    for each in sorted(types, key=lambda one: not one.available):
        places.setdefault(f"{clean(each.region)} {clean(each.gpu_type)}", each)
    return FormField(
        "resources",
        "Resources",
        FieldKind.MULTI,
        default=default,
        choices=tuple(places),
        labels=tuple(map(_place_label, places.values())),
        open_choices=True,
        help=f"where workers may run and on what; or REGION TYPE, as us-east-1 NVIDIA_RTX_4090_24G{note}",
        section="Where",
        role=Role.PLACE,
        read=readers.read_resources,
    )


def _gpus_per_worker(default: str) -> FormField:
    help_ = "a power of two; 1 when left empty. A number after a resource comes first"
    return _number(
        "gpuCount",
        "GPUs per worker",
        default=default,
        help=help_,
        section="Size",
        role=Role.GPU_COUNT,
        read=readers.read_gpu_count,
    )


def _worker_volume(default: str, note: str = "") -> FormField:
    return FormField(
        "containerVolumeInGb",
        "Container volume",
        FieldKind.NUMBER,
        default=default,
        unit="GB",
        help=f"20 at least{note}",
        read=readers.read_endpoint_volume,
    )


def _port() -> FormField:
    help_ = "a port and its protocol: 8080/http"
    return FormField("expose", "Port", required=False, help=help_, read=readers.read_port)


def _webhook(default: str = "", note: str = "") -> FormField:
    help_ = f"an address, at most 512 characters{note}"
    return FormField("webhook", "Webhook", required=False, default=default, help=help_, read=readers.read_webhook)


def _place_label(place: VmType) -> str:
    """Describe a place: ``H200  US East 1 (us-east-1)``."""
    code, name = clean(place.region), clean(place.region_name)
    where = f"{name} ({code})" if name and name != code else code
    return f"{gpu_label(clean(place.gpu_type))}  {where}{'  none available now' if place.available is False else ''}"


def _minimums() -> tuple[FormField, ...]:
    return (
        _number("minSingleCardVramInGb", "GPU memory from", unit="GB", help="of each GPU"),
        _number("minSingleCardRamInGb", "RAM from", unit="GB", help="for each GPU"),
        _number("minSingleCardVcpu", "CPU cores from", help="for each GPU"),
    )


def _image_fields(credentials: Sequence[RegistryCredential], *, section: str = "") -> list[FormField]:
    return [
        FormField(
            "image",
            "Image",
            help="such as pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime",
            section=section,
            role=Role.IMAGE,
            read=readers.read_word,
        ),
        FormField(
            "imageRegistry", "Registry", required=False, help="Docker Hub when left out", read=readers.read_word
        ),
        _credential("containerRegistryAuthId", credentials),
    ]


def _credential(name: str, known: Sequence[RegistryCredential], section: str = "") -> FormField:
    return choice_field(
        name,
        "Credential",
        {row.ref.id: "  ".join(filter(None, (row.name, row.type))) for row in known},
        ids=True,
        required=False,
        help="for a private image" if known else "id, for a private image",
        section=section,
        read=readers.read_id,
    )


def _available(volumes: Sequence[Volume]) -> str:
    """Name volumes with their ids, which the field takes: ``; there are 301 datasets, 302 models``."""
    named = [f"{row.ref.id} {row.name}" for row in volumes if row.phase is Phase.RUNNING and not row.problem]
    more = " …" if len(named) > _NAMED else ""
    return f"; there are {', '.join(named[:_NAMED])}{more}" if named else ""


def _command(help: str, section: str = "Inside") -> FormField:  # noqa: A002  (the field's own word)
    return _lines("initializationCommand", "Command", read=readers.read_command, help=help, section=section)


def _environment() -> FormField:
    help_ = "a variable in each line: NAME=value"
    return _lines("environmentVars", "Environment", read=readers.read_environment, help=help_, variables=True)


_lines = partial(FormField, kind=FieldKind.LINES, required=False)
_number = partial(FormField, kind=FieldKind.NUMBER, required=False)


def _gpu_types(types: Iterable[VmType]) -> dict[str, str]:
    """Return the known codes with their descriptions, first those of which there are VMs now."""
    codes = dict.fromkeys([*_of_vms(types), *GPU_TYPES, *(each.gpu_type for each in types)])
    return {code: "  ".join(filter(None, (gpu_label(code), _size_of(code)))) for code in map(clean, codes)}


def _of_vms(types: Iterable[VmType]) -> list[str]:
    """Return the codes of which VMs are available now. The API reports that of no pod."""
    return list(dict.fromkeys(each.gpu_type for each in types if each.available))


def _vms_now(types: Iterable[VmType]) -> str:
    """Say what the order of the types has to do with the stock."""
    count = len(_of_vms(types))
    if not count:
        return "the API does not report which are available to pods"
    which = "the first has VMs" if count == 1 else f"the first {count} have VMs"
    return f"{which} available now; the API does not report it for pods"


def _size_of(code: str) -> str:
    """Return the memory of a GPU type, where its label does not say it."""
    size = f"{GPU_TYPES[code]}G" if code in GPU_TYPES else ""
    return "" if gpu_label(code).endswith(f" {size}") else size


def _type_label(places: Sequence[VmType]) -> str:
    """Describe a type of VM with its regions: ``H200  us-east-1, us-west-1 (not available)``."""
    regions = (clean(each.region) + ("" if each.available else " (not available)") for each in places)
    return f"{gpu_label(clean(places[0].gpu_type))}  {', '.join(dict.fromkeys(regions))}"
