"""What can be asked for of Yotta's lists of instances and endpoints, in the words of its calls.

Speaks for ``regionList`` and ``statusList`` of pods, ``status`` of VMs, ``statusList`` of endpoints and workers.
Every field may be left empty. What a call cannot narrow is listed whole: VMs and workers know no regions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.api.form_values import given, read_several
from gputui.models import FieldKind, Form, FormField, Resource

STATUSES = ("running", "initializing", "stopped", "terminated")
"""The data model's table ResourceStatus."""
ENDPOINT_STATUSES = ("RUNNING", "INITIALIZING", "STOPPING", "STOPPED", "FAILED")

Values = Mapping[str, str]
Parameters = dict[str, str | int]
"""Parts of a query, by the API's names."""

_REGIONS, _PODS, _VMS, _WORKERS, _ENDPOINTS = "regionList", "podStatus", "vmStatus", "workerStatus", "statusList"


def form(account: str, resource: Resource, regions: Sequence[str] = ()) -> Form | None:
    """Return what can be asked for of a list; None where nothing can. ``regions`` are those known from the stock."""
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
    if problem := _one_word(given(values, _VMS)):
        problems[_VMS] = problem
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
