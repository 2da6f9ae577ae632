"""The filters of Yotta's lists of instances, endpoints, volumes and tasks, all optional.

Speaks for ``regionList`` and ``statusList`` of pods, ``status`` of VMs, ``statusList`` of endpoints and workers. A
list whose call lacks a filter comes whole: VMs and workers have no regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gputui.api.common.filters import UsedFilters, choice_filter, optional
from gputui.api.common.form_values import read_several, within
from gputui.models import FieldKind, FormField, Resource, Role

STATUSES = ("running", "initializing", "stopped", "terminated")
"""The data model's table ResourceStatus."""
ENDPOINT_STATUSES = ("RUNNING", "INITIALIZING", "STOPPING", "STOPPED", "FAILED")

Parameters = dict[str, str | int]
"""Parts of a query, by the API's names."""

STORAGE_TYPES: Mapping[str, str] = {
    "S3": "S3: no limit, in no region",
    "R2": "R2: no limit, no fee for downloads",
    "CEPH": "CEPH: over the network, for pods",
    "VENDOR": "VENDOR: the disks of another vendor",
}
"""The data model's table StorageType."""
NEWEST, MOST_TASKS = 200, 2000
"""Tasks of a queue that are read, and that can be read: more would exceed the vendor's requests per second."""
TASK_STATUSES = ("PROCESSING", "DELIVERED", "SUCCESS", "FAILED")
"""The data model's table TaskStatus."""


class YottaFilters(UsedFilters):
    """The filters of one account. ``regions`` are those of the stock, ``queues`` the names of endpoints by id."""

    def __init__(
        self,
        account: str,
        *,
        regions: Callable[[], Sequence[str]],
        queues: Callable[[], Mapping[str, str]],
        changed: Callable[[Resource], None],
    ) -> None:
        super().__init__(account, changed)
        self._regions = regions
        self._queues = queues

    def fields(self, resource: Resource) -> Sequence[FormField]:
        """Return the filters of a list, with the known regions and queues."""
        match resource:
            case Resource.INSTANCES:
                return (
                    _several("regionList", "Regions of pods", self._regions(), "pods.regionList", _read_joined),
                    _several(
                        "podStatus", "Status of pods", [status.upper() for status in STATUSES], "pods.statusList"
                    ),
                    choice_filter(
                        "vmStatus", "Status of VMs", STATUSES, read=_read_status(str.lower), path="vms.status"
                    ),
                    _several("workerStatus", "Status of workers", ENDPOINT_STATUSES, "workers.statusList"),
                )
            case Resource.DEPLOYMENTS:
                return (_several("statusList", "Status", ENDPOINT_STATUSES, "statusList"),)
            case Resource.VOLUMES:
                read = _read_storage
                return (
                    choice_filter(
                        "storageType", "Storage", STORAGE_TYPES, whole="all", open_choices=False, read=read, path=None
                    ),
                    choice_filter("region", "Region", self._regions(), whole="all"),
                )
            case Resource.TASKS:
                return (
                    choice_filter("queue", "Queue", self._queues(), whole="all", role=Role.QUEUE, path=None),
                    choice_filter("status", "Status", TASK_STATUSES, read=_read_status(str.upper)),
                    optional(
                        "newest",
                        "Newest",
                        FieldKind.NUMBER,
                        help=f"how many of each queue are read; {NEWEST} when left out, {MOST_TASKS} at most",
                        role=Role.NEWEST,
                        read=within(1, MOST_TASKS, f"must be a whole number from 1 to {MOST_TASKS}"),
                        path=None,
                    ),
                )
        return ()

    def query(self, resource: Resource, part: str = "") -> Parameters:
        """Return the query of the list, or of one call that it consists of: ``pods``, ``vms``, ``workers``."""
        body = self.parameters(resource)
        found = body.get(part) if part else body
        items = found.items() if isinstance(found, dict) else ()
        return {name: value for name, value in items if isinstance(value, str | int)}


def _read_joined(text: str) -> str:
    return ",".join(read_several(text))


def _read_statuses(text: str) -> str:
    return _read_joined(text).upper()


def _read_status(case: Callable[[str], str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if "," in text:
            raise ValueError("takes one status; the others have to be left out")
        return case(text)

    return read


def _read_storage(text: str) -> str:
    if text.upper() not in STORAGE_TYPES:
        raise ValueError(f"must be one of {', '.join(STORAGE_TYPES)}")
    return text.upper()


def _several(
    name: str, label: str, choices: Sequence[str], path: str, read: Callable[[str], str] = _read_statuses
) -> FormField:
    kind = FieldKind.MULTI
    return optional(name, label, kind, choices=tuple(choices), open_choices=True, read=read, path=path)
