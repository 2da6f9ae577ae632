"""What can be asked for of Yotta's lists of instances and endpoints, in the words of its calls.

Speaks for ``regionList`` and ``statusList`` of pods, ``status`` of VMs, ``statusList`` of endpoints and workers.
Every field may be left empty. What a call cannot narrow is listed whole: VMs and workers know no regions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gputui.api.common.form_values import given, problem_of, read_several, read_within
from gputui.models import FieldKind, Form, FormField, Resource

STATUSES = ("running", "initializing", "stopped", "terminated")
"""The data model's table ResourceStatus."""
ENDPOINT_STATUSES = ("RUNNING", "INITIALIZING", "STOPPING", "STOPPED", "FAILED")

Values = Mapping[str, str]
Parameters = dict[str, str | int]
"""Parts of a query, by the API's names."""

STORAGE_TYPES: Mapping[str, str] = {
    "S3": "S3: no limit, in no region",
    "R2": "R2: no limit, nothing to pay for what is read from outside",
    "CEPH": "CEPH: over the network, for pods",
    "VENDOR": "VENDOR: the disks of another vendor",
}
"""The data model's table StorageType."""
STORAGE_FIELD, _REGION = "storageType", "region"
NEWEST, MOST_TASKS = 200, 2000
"""Tasks of a queue that are read, and that can be read: more would be over what the vendor lets one ask a second."""
TASK_STATUSES = ("PROCESSING", "DELIVERED", "SUCCESS", "FAILED")
"""The data model's table TaskStatus."""
QUEUE_FIELD, _STATUS, _NEWEST = "queue", "status", "newest"
_REGIONS, _PODS, _VMS, _WORKERS, _ENDPOINTS = "regionList", "podStatus", "vmStatus", "workerStatus", "statusList"


def form(
    account: str, resource: Resource, regions: Sequence[str] = (), queues: Mapping[str, str] = MappingProxyType({})
) -> Form | None:
    """Return what can be asked for of a list; None where nothing can.

    ``regions`` are those known from the stock, ``queues`` the names of the endpoints that take tasks, by id.
    """
    fields: tuple[FormField, ...]
    match resource:
        case Resource.INSTANCES:
            fields = (
                _several(_REGIONS, "Regions of pods", regions),
                _several(_PODS, "Status of pods", [status.upper() for status in STATUSES]),
                FormField(
                    _VMS,
                    "Status of VMs",
                    FieldKind.CHOICE,
                    required=False,
                    choices=("", *STATUSES),
                    labels=("any", *STATUSES),
                    open_choices=True,
                ),
                _several(_WORKERS, "Status of workers", ENDPOINT_STATUSES),
            )
        case Resource.DEPLOYMENTS:
            fields = (_several(_ENDPOINTS, "Status", ENDPOINT_STATUSES),)
        case Resource.VOLUMES:
            fields = (
                FormField(
                    STORAGE_FIELD,
                    "Storage",
                    FieldKind.CHOICE,
                    required=False,
                    choices=("", *STORAGE_TYPES),
                    labels=("all", *STORAGE_TYPES.values()),
                ),
                FormField(
                    _REGION,
                    "Region",
                    FieldKind.CHOICE,
                    required=False,
                    choices=("", *regions),
                    labels=("all", *regions),
                    open_choices=True,
                ),
            )
        case Resource.TASKS:
            fields = (
                FormField(
                    QUEUE_FIELD,
                    "Queue",
                    FieldKind.CHOICE,
                    required=False,
                    choices=("", *queues),
                    labels=("all", *queues.values()),
                    open_choices=True,
                ),
                FormField(
                    _STATUS,
                    "Status",
                    FieldKind.CHOICE,
                    required=False,
                    choices=("", *TASK_STATUSES),
                    labels=("any", *TASK_STATUSES),
                    open_choices=True,
                ),
                FormField(
                    _NEWEST,
                    "Newest",
                    FieldKind.NUMBER,
                    required=False,
                    help=f"how many of each queue are read; {NEWEST} when left out, {MOST_TASKS} at most",
                ),
            )
        case _:
            return None
    return Form(account, resource.value, f"Filter {resource.value} of {account}", fields)


def check(resource: Resource, values: Values) -> dict[str, str]:
    """Return what is wrong, by field; empty when it may be asked for."""
    asked = form("", resource)
    if asked is None:
        return dict.fromkeys(values, "cannot be used: this list has no filters")
    known = [field.name for field in asked.fields]
    problems = {name: f"is no filter here; there are {', '.join(known)}" for name in values if name not in known}
    chosen = given(values, STORAGE_FIELD)
    if resource is Resource.VOLUMES and chosen and chosen.upper() not in STORAGE_TYPES:
        problems[STORAGE_FIELD] = f"must be one of {', '.join(STORAGE_TYPES)}"
    for name in (_VMS, _STATUS):
        if problem := _one_word(given(values, name)):
            problems[name] = problem
    if (count := given(values, _NEWEST)) and (problem := problem_of(_read_newest, count)):
        problems[_NEWEST] = problem
    return problems


def of_pods(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/pods``."""
    return _listed(values, regionList=_REGIONS, statusList=_PODS)


def of_vms(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/vms``."""
    status = given(values, _VMS).lower()
    return {"status": status} if status else {}


def of_workers(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/serverless/{id}/workers``."""
    return _listed(values, statusList=_WORKERS)


def of_endpoints(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/serverless``."""
    return _listed(values, statusList=_ENDPOINTS)


def of_volumes(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/volumes`` beside the type."""
    region = given(values, _REGION)
    return {"region": region} if region else {}


def of_tasks(values: Values) -> Parameters:
    """Return what is asked of ``GET /v2/serverless/{id}/tasks``."""
    status = given(values, _STATUS).upper()
    return {"status": status} if status else {}


def _read_newest(text: str) -> int:
    return read_within(text, 1, MOST_TASKS, f"must be a whole number from 1 to {MOST_TASKS}")


def newest(values: Values) -> int:
    """Return how many tasks of each queue are read: the newest."""
    return int(given(values, _NEWEST) or NEWEST)


def _listed(values: Values, **fields: str) -> Parameters:
    """Return parameters with commas between their values, by the fields that hold them; statuses in upper case."""
    sent: Parameters = {}
    for parameter, name in fields.items():
        if chosen := read_several(values.get(name, "")):
            sent[parameter] = ",".join(chosen if name == _REGIONS else [word.upper() for word in chosen])
    return sent


def _several(name: str, label: str, choices: Sequence[str]) -> FormField:
    return FormField(name, label, FieldKind.MULTI, required=False, choices=tuple(choices), open_choices=True)


def _one_word(text: str) -> str | None:
    return "takes one status; the others have to be left out" if "," in text else None
