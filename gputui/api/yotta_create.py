"""What is created on Yotta, pods, VMs and endpoints: the forms, what is wrong in them, the requests.

Speaks for CreatePodRequest, CreateVMRequest and CreateEndpointRequest of the data model, whose names the fields have.
User and password of a registry, which the document calls deprecated, are no fields: the id of a credential is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from gputui.api import yotta_fields as fields
from gputui.api.form_values import given, problem_of, readable_json, unknown_problem
from gputui.api.gpuhub_fields import read_count, read_flag
from gputui.api.yotta_forms import KINDS, MODES, PUBLICITIES, RESOURCE_TYPES, form
from gputui.api.yotta_shapes import masked
from gputui.api.yotta_wire import ENDPOINT, POD, VM, VmType
from gputui.errors import InvalidError
from gputui.models import FieldKind, FormField, PreparedRequest
from gputui.text import clean

PATHS: Mapping[str, str] = {POD: "/v2/pods", VM: "/v2/vms", ENDPOINT: "/v2/serverless"}

OTHERS = ("task", "volume", "credential")
"""What is created as well, by forms and requests of its own."""

Body = dict[str, object]


def _among(known: Sequence[str], called: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if problem := unknown_problem([text], known, called):
            raise ValueError(problem)
        return text

    return read


def _command(text: str) -> str:
    if "\0" in text:
        raise ValueError("may hold no NUL")
    return text.replace("\r\n", "\n")


_READERS: Mapping[str, Callable[[str], object]] = {
    "image": fields.read_word,
    "imageRegistry": fields.read_word,
    "imagePublicType": _among(PUBLICITIES, "the kinds of images"),
    "containerRegistryAuthId": fields.read_id,
    "resourceType": _among(RESOURCE_TYPES, "the kinds of resources"),
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
    "serviceMode": _among(tuple(MODES), "the modes"),
    "webhook": fields.read_webhook,
}
_OF_KIND: Mapping[tuple[str, str], Callable[[str], object]] = {
    (POD, "name"): fields.read_pod_name,
    (VM, "name"): fields.read_pod_name,
    (ENDPOINT, "name"): fields.read_endpoint_name,
    (ENDPOINT, "containerVolumeInGb"): fields.read_endpoint_volume,
    (ENDPOINT, "expose"): fields.read_port,
}
ENDPOINT_UPDATE_READERS: Mapping[str, Callable[[str], object]] = {
    **_READERS,
    **{name: reader for (kind, name), reader in _OF_KIND.items() if kind == ENDPOINT},
    "credentialId": fields.read_id,
}
"""How the values of UpdateEndpointRequest are read: as those of a new one, but for the name of the credential."""


def check(kind: str, values: Mapping[str, str], types: Iterable[VmType] = ()) -> dict[str, str]:
    """Return what is wrong, by field; empty when it may be sent. ``types`` are those of VM, as far as known."""
    known = {field.name: field for field in form("", require_kind(kind)).fields}
    problems = {clean(name): f"is no parameter of a new {kind}" for name in values if name not in known}
    for name, field in known.items():
        text = _text(values, field)
        problem = problem_of(_reader(kind, name), text) if text.strip() else "is missing" if field.required else None
        if problem:
            problems[name] = problem
    for name, problem in _together(kind, values, types):
        problems.setdefault(name, problem)
    return problems


def body(kind: str, values: Mapping[str, str]) -> Body:
    """Return what is sent for values that passed :func:`check`; optional parameters only where they are given."""
    made: Body = {}
    for field in form("", kind).fields:
        text = _text(values, field)
        if text.strip() and (value := _reader(kind, field.name)(text)) not in ([], {}):
            made[field.name] = value
    return made


def prepare(
    account: str, kind: str, values: Mapping[str, str], base_url: str, types: Iterable[VmType] = ()
) -> PreparedRequest:
    """Return the request as it would be sent, but for its secrets; raises InvalidError with ``fields``."""
    if problems := check(kind, values, types):
        text = "; ".join(f"{name} {problem}" for name, problem in problems.items())
        raise InvalidError(f"{account}: {text}.", fields=problems)
    shown = masked(body(kind, values))
    return PreparedRequest(
        "POST", f"{base_url}{PATHS[kind]}", readable_json(shown if isinstance(shown, dict) else {})
    )


def require_kind(kind: str) -> str:
    """Return the kind; raises InvalidError where nothing of it can be created."""
    if kind not in KINDS:
        raise InvalidError(f"There is no {clean(kind)} to create here; there are {', '.join((*KINDS, *OTHERS))}.")
    return kind


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


def _text(values: Mapping[str, str], field: FormField) -> str:
    """Return a value as it is read: lines as they were written, so that they keep their numbers and their spaces."""
    return values.get(field.name, "") if field.kind is FieldKind.LINES else given(values, field.name)


def _reader(kind: str, name: str) -> Callable[[str], object]:
    return _OF_KIND.get((kind, name)) or _READERS[name]
