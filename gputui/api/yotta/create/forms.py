"""The forms of what is created on Yotta: a pod, a VM, an endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gputui.api.common.readers import whole_number
from gputui.api.yotta.mapping import ENDPOINT, GPU_TYPES, POD, VM, VmType
from gputui.known_secrets import MASK
from gputui.models import Deployment, FieldKind, Form, FormField, Phase, RegistryCredential, Role, Volume, gpu_label
from gputui.text import clean

KINDS = (POD, VM, ENDPOINT)
PUBLICITIES = ("PUBLIC", "PRIVATE")
RESOURCE_TYPES = ("GPU", "CPU")
MODES: Mapping[str, str] = {
    "ALB": "requests go to the workers directly",
    "QUEUE": "requests wait until a worker is free",
    "CUSTOM": "as the workers do it",
}
"""The data model's table ServiceMode."""

ENDPOINT_NAME_HELP = "1 to 20 letters, digits or @ . _ -, a letter first"
_NAMED = 5
"""Volumes that are named beside a field."""
_TITLES = {POD: "New pod", VM: "New VM", ENDPOINT: "New endpoint"}


@dataclass(frozen=True, slots=True)
class Known:
    """What an account has to choose from, as far as it is told."""

    types: Sequence[VmType] = ()
    credentials: Sequence[RegistryCredential] = ()
    volumes: Sequence[Volume] = ()


def form(account: str, kind: str, known: Known | None = None, note: str = "") -> Form:
    """Return the form of a kind, with what there is to choose from as far as it is known."""
    known = known or Known()
    match kind:
        case "pod":
            fields = _pod_fields(known)
        case "vm":
            fields = _vm_fields(known)
        case _:
            fields = _endpoint_fields(known)
    return Form(account, kind, f"{_TITLES[kind]} in {account}", tuple(fields), note=note)


def _pod_fields(known: Known) -> list[FormField]:
    codes = _gpu_types(known.types)
    return [
        FormField("name", "Name", help="at most 255 characters", group="Pod", role=Role.NAME),
        *_image_fields(known.credentials),
        FormField(
            "imagePublicType",
            "Image is",
            FieldKind.CHOICE,
            required=False,
            default="PUBLIC",
            choices=PUBLICITIES,
            labels=("public", "private: needs a credential"),
        ),
        FormField(
            "regions",
            "Regions",
            FieldKind.MULTI,
            required=False,
            choices=_regions(known.types),
            open_choices=True,
            help="where it may run; anywhere when left out",
            group="Placement",
            role=Role.REGIONS,
        ),
        FormField("resourceType", "Kind", FieldKind.CHOICE, required=False, default="GPU", choices=RESOURCE_TYPES),
        FormField(
            "gpuType",
            "GPU type",
            FieldKind.CHOICE,
            choices=tuple(codes),
            labels=tuple(codes.values()),
            open_choices=True,
            role=Role.GPU_MODELS,
        ),
        FormField(
            "gpuCount",
            "GPUs",
            FieldKind.NUMBER,
            default="1",
            help="a power of two: 1, 2, 4, 8 …",
            role=Role.GPU_COUNT,
        ),
        *_minimums(),
        _number("shmInGb", "Shared memory", unit="GB", group="Memory and disks"),
        _number("containerVolumeInGb", "Container volume", unit="GB"),
        _number("persistentVolumeInGb", "Persistent volume", unit="GB", help="a new one"),
        FormField("persistentMountPath", "Mounted at", required=False, help="where the persistent volume is"),
        FormField(
            "persistentVolumes",
            "Volumes",
            FieldKind.LINES,
            required=False,
            help=f"id:path in each line, as 123:/mnt/data; backup behind it backs it up{_there_are(known.volumes)}",
        ),
        FormField(
            "initializationCommand",
            "Command",
            FieldKind.LINES,
            required=False,
            help="runs when the container starts",
            group="Inside",
        ),
        _environment(),
        FormField(
            "expose",
            "Ports",
            FieldKind.LINES,
            required=False,
            help="a port and its protocol in each line: 8080/http",
        ),
    ]


def _vm_fields(known: Known) -> list[FormField]:
    types = known.types
    places: dict[str, list[VmType]] = {}
    for each in types:
        if each.id is not None:
            places.setdefault(str(each.id), []).append(each)
    return [
        FormField("name", "Name", group="VM", role=Role.NAME),
        FormField(
            "vmTypeId",
            "Type",
            FieldKind.CHOICE,
            choices=tuple(places),
            labels=tuple(map(_type_words, places.values())),
            open_choices=True,
            role=Role.MACHINE_TYPE,
        ),
        FormField(
            "region",
            "Region",
            FieldKind.CHOICE,
            choices=_regions(types),
            open_choices=True,
            help="one that has the type",
            role=Role.REGIONS,
        ),
        FormField(
            "isSpot",
            "Spot",
            FieldKind.FLAG,
            required=False,
            default="false",
            help="cheaper; it may be taken away at any time",
        ),
        FormField(
            "volumeMountPaths",
            "Volumes",
            FieldKind.LINES,
            required=False,
            help=f"id:path in each line, as 123:/mnt/data{_there_are(known.volumes)}",
            group="Disks",
        ),
    ]


def _endpoint_fields(known: Known) -> list[FormField]:
    return [
        FormField("name", "Name", help=ENDPOINT_NAME_HELP, group="Endpoint", role=Role.NAME),
        *_image_fields(known.credentials),
        FormField(
            "serviceMode",
            "Mode",
            FieldKind.CHOICE,
            default="ALB",
            choices=tuple(MODES),
            labels=tuple(MODES.values()),
        ),
        FormField("workers", "Workers", FieldKind.NUMBER, default="1", role=Role.REPLICAS),
        _resources(known.types),
        _gpus_per_worker("1"),
        *_minimums(),
        FormField(
            "containerVolumeInGb",
            "Container volume",
            FieldKind.NUMBER,
            default="20",
            unit="GB",
            help="20 at least",
        ),
        FormField(
            "initializationCommand",
            "Command",
            FieldKind.LINES,
            required=False,
            help="runs when a worker starts",
            group="Inside",
        ),
        _environment(),
        FormField("expose", "Port", required=False, help="a port and its protocol: 8080/http"),
        FormField("webhook", "Webhook", required=False, help="an address, at most 512 characters"),
    ]


def endpoint_update_fields(
    row: Deployment, credentials: Sequence[RegistryCredential] = (), types: Sequence[VmType] = ()
) -> tuple[FormField, ...]:
    """Return the fields that change an endpoint, with what is told of it now."""
    untold = "" if (resources := _resource_lines(row)) else "; the API does not return the current ones"
    return (
        FormField("name", "Name", default=row.name, help=ENDPOINT_NAME_HELP, group="Endpoint", role=Role.NAME),
        FormField("workers", "Workers", FieldKind.NUMBER, default=str(row.desired or ""), help="1 at least"),
        _resources(types, default=resources, note=untold),
        _gpus_per_worker(str(row.gpu_count or "")),
        FormField(
            "containerVolumeInGb",
            "Container volume",
            FieldKind.NUMBER,
            default=_volume_size(row),
            unit="GB",
            help="20 at least" if _volume_size(row) else "20 at least; the API does not return the current one",
        ),
        *_minimums(),
        _credential("credentialId", credentials, group="Inside"),
        FormField(
            "initializationCommand",
            "Command",
            FieldKind.LINES,
            required=False,
            help="runs when a container starts; leave empty to keep the current one",
        ),
        _environment(),
        FormField("expose", "Port", required=False, help="a port and its protocol: 8080/http"),
        FormField(
            "webhook",
            "Webhook",
            required=False,
            # What is masked in it must not be sent back.
            default="" if MASK in row.webhook else row.webhook,
            help="an address, at most 512 characters; leave empty to keep the current one",
        ),
    )


def _resource_lines(row: Deployment) -> str:
    """Return the resources of an endpoint as they are written in its form; '' where they are not returned."""
    try:
        told = json.loads(row.raw).get("resources") or []
        return ", ".join(f"{one['region']} {one['gpuType']} {one['gpuCount']}" for one in told)
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""


def _volume_size(row: Deployment) -> str:
    """Return the container volume of an endpoint in GB; '' where it is not returned."""
    try:
        told = json.loads(row.raw).get("containerVolumeInGb")
    except (ValueError, AttributeError):
        return ""
    return str(told) if whole_number(told) else ""


def _resources(types: Sequence[VmType], *, default: str = "", note: str = "") -> FormField:
    """Return the field with the places workers may run in: those that the list of types names, or others."""
    places: dict[str, VmType] = {}
    for each in sorted(types, key=lambda one: not one.available):
        places.setdefault(f"{clean(each.region)} {clean(each.gpu_type)}", each)
    return FormField(
        "resources",
        "Resources",
        FieldKind.MULTI,
        default=default,
        choices=tuple(places),
        labels=tuple(map(_place_words, places.values())),
        open_choices=True,
        help=f"where workers may run and on what; or REGION TYPE, as us-east-1 NVIDIA_RTX_4090_24G{note}",
        group="Placement",
        role=Role.PLACE,
    )


def _gpus_per_worker(default: str) -> FormField:
    help_ = "a power of two; 1 when left empty. A number after a resource comes first"
    return FormField("gpuCount", "GPUs per worker", FieldKind.NUMBER, required=False, default=default, help=help_)


def _place_words(place: VmType) -> str:
    """Say what a place is: ``H200  US East 1 (us-east-1)``."""
    code, name = clean(place.region), clean(place.region_name)
    where = f"{name} ({code})" if name and name != code else code
    return f"{gpu_label(clean(place.gpu_type))}  {where}{'  none available now' if place.available is False else ''}"


def _minimums() -> tuple[FormField, ...]:
    return (
        _number("minSingleCardVramInGb", "GPU memory from", unit="GB", help="of each GPU"),
        _number("minSingleCardRamInGb", "RAM from", unit="GB", help="for each GPU"),
        _number("minSingleCardVcpu", "CPU cores from", help="for each GPU"),
    )


def _image_fields(credentials: Sequence[RegistryCredential]) -> list[FormField]:
    return [
        FormField("image", "Image", help="such as pytorch/pytorch:2.0.0-cuda11.7-cudnn8-runtime", role=Role.IMAGE),
        FormField("imageRegistry", "Registry", required=False, help="Docker Hub when left out"),
        _credential("containerRegistryAuthId", credentials),
    ]


def _credential(name: str, known: Sequence[RegistryCredential], group: str = "") -> FormField:
    return FormField(
        name,
        "Credential",
        FieldKind.CHOICE,
        required=False,
        choices=tuple(row.ref.id for row in known),
        labels=tuple("  ".join(filter(None, (row.name, row.type))) for row in known),
        open_choices=True,
        help="for a private image" if known else "id, for a private image",
        group=group,
    )


def _there_are(volumes: Sequence[Volume]) -> str:
    """Name volumes by their ids, which are written here: ``; there are 301 datasets, 302 models``."""
    named = [f"{row.ref.id} {row.name}" for row in volumes if row.phase is Phase.RUNNING and not row.problem]
    more = " …" if len(named) > _NAMED else ""
    return f"; there are {', '.join(named[:_NAMED])}{more}" if named else ""


def _environment(group: str = "") -> FormField:
    return FormField(
        "environmentVars",
        "Environment",
        FieldKind.LINES,
        required=False,
        help="a variable in each line: NAME=value",
        group=group,
        variables=True,
    )


def _number(name: str, label: str, *, unit: str = "", help: str = "", group: str = "") -> FormField:  # noqa: A002  (the field's own word)
    return FormField(name, label, FieldKind.NUMBER, required=False, unit=unit, help=help, group=group)


def _gpu_types(types: Iterable[VmType]) -> dict[str, str]:
    """Return the codes there are, those in stock first, with what they are in words."""
    stock = [each.gpu_type for each in types if each.available]
    codes = dict.fromkeys([*stock, *GPU_TYPES, *(each.gpu_type for each in types)])
    known = {clean(code): "available as VM" if code in stock else "" for code in codes}
    return {code: "  ".join(filter(None, (gpu_label(code), _size_of(code), there))) for code, there in known.items()}


def _size_of(code: str) -> str:
    """Return the memory of a GPU type, where its label does not say it."""
    size = f"{GPU_TYPES[code]}G" if code in GPU_TYPES else ""
    return "" if gpu_label(code).endswith(f" {size}") else size


def _regions(types: Iterable[VmType]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean(each.region) for each in types))


def _type_words(places: Sequence[VmType]) -> str:
    """Say what a type of VM is and where: ``H200  us-east-1, us-west-1 (not available)``."""
    regions = (clean(each.region) + ("" if each.available else " (not available)") for each in places)
    return f"{gpu_label(clean(places[0].gpu_type))}  {', '.join(dict.fromkeys(regions))}"
