"""The actions that Yotta permits on pods, VMs, workers and endpoints, by their state."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.api.yotta.mapping import CREDENTIAL, ENDPOINT, GONE, POD, VM, VOLUME, WORKER
from gputui.api.yotta.tasks import QUEUE, TASK
from gputui.models import Action, Deployment, Instance, Kind, Phase, Resource

_ANOTHER = "Create another one instead {new}."
_STOP_START = "Stop it {stop}, then start it {start}."
_BY_ITS_ENDPOINT = "Scale {scale} or stop {stop} its endpoint instead."
_INSIDE = "Open one {open} and choose an instance."
_VMS_STAY = "VMs cannot be {}, only deleted {{delete}}."
RULES: Mapping[str, Kind] = {
    POD: Kind(
        "pods",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.START, Action.STOP, Action.DELETE, Action.SSH}),
        instead={
            Action.RESTART: _STOP_START,
            **dict.fromkeys((Action.SCALE, Action.UPDATE, Action.RENAME, Action.RESIZE), _ANOTHER),
        },
    ),
    VM: Kind(
        "VMs",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.DELETE, Action.RENAME, Action.SSH}),
        instead={
            Action.SCALE: _ANOTHER,
            Action.UPDATE: "A VM can only be renamed {rename}.",
            Action.RESIZE: _ANOTHER,
        },
        causes={
            Action.START: _VMS_STAY.format("started or stopped"),
            Action.STOP: _VMS_STAY.format("stopped"),
            Action.RESTART: "VMs cannot be restarted from here: log in {ssh} and run reboot.",
        },
    ),
    WORKER: Kind(
        "workers",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.SSH}),
        instead={
            **dict.fromkeys(
                (Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.SCALE), _BY_ITS_ENDPOINT
            ),
            Action.UPDATE: "Edit its endpoint instead {update}.",
        },
    ),
    ENDPOINT: Kind(
        "endpoints",
        resource=Resource.DEPLOYMENTS,
        actions=frozenset({Action.START, Action.STOP, Action.SCALE, Action.UPDATE, Action.RENAME, Action.DELETE}),
        instead={
            Action.RESTART: _STOP_START,
            Action.RESIZE: "Change the number of its workers {scale}.",
            Action.EXEC: _INSIDE,
            Action.SSH: _INSIDE,
        },
    ),
    VOLUME: Kind(
        "volumes",
        resource=Resource.VOLUMES,
        actions=frozenset({Action.DELETE, Action.RENAME, Action.RESIZE}),
        instead={Action.UPDATE: "A volume can be renamed {rename} and resized {resize}."},
    ),
    CREDENTIAL: Kind(
        "credentials", frozenset({Action.UPDATE, Action.RENAME, Action.DELETE}), resource=Resource.CREDENTIALS
    ),
    TASK: Kind(
        "tasks",
        resource=Resource.TASKS,
        instead=dict.fromkeys((Action.START, Action.RESTART), "Submit it again {new}."),
    ),
    QUEUE: Kind("queues", resource=Resource.QUEUES),
    "offer": Kind("offers", frozenset({Action.CREATE}), resource=Resource.STOCK),
    "account": Kind("accounts", frozenset({Action.CREATE}), resource=Resource.ACCOUNTS),
}
"""The kinds of rows and the actions that the API has calls for, in any state."""

_POD_ACTIONS: Mapping[Phase, frozenset[Action]] = {
    Phase.RUNNING: frozenset({Action.STOP, Action.DELETE}),
    Phase.STOPPED: frozenset({Action.START, Action.DELETE}),
    Phase.UNKNOWN: frozenset({Action.START, Action.STOP, Action.DELETE}),
}
_ENDPOINT_ACTIONS: Mapping[Phase, frozenset[Action]] = {
    Phase.STOPPED: frozenset({Action.START, Action.UPDATE, Action.RENAME, Action.DELETE}),
    Phase.STOPPING: frozenset({Action.DELETE}),
    Phase.FAILED: frozenset({Action.START, Action.STOP, Action.DELETE}),
    Phase.UNKNOWN: frozenset({Action.START, Action.STOP, Action.SCALE, Action.DELETE}),
}


def instance_actions(row: Instance) -> frozenset[Action]:
    """Return what can be done to a pod, a VM or a worker. Pausing a pod is its stop, resuming it its start."""
    if row.container_id is None or row.status.lower() in GONE:
        return frozenset()
    login = {Action.SSH} if row.ssh else set()
    match row.ref.kind, row.phase:
        case (_, Phase.STOPPING):
            return frozenset()
        case (kind, phase) if kind == POD:
            return _POD_ACTIONS.get(phase, frozenset({Action.DELETE})) | login
        case (kind, _) if kind == VM:
            return frozenset({Action.DELETE, Action.RENAME} | login)
        case _:
            return frozenset(login)


def endpoint_actions(row: Deployment) -> frozenset[Action]:
    """Return what can be done to an endpoint. Only a stopped one can be edited."""
    if row.status.lower() in GONE:
        return frozenset()
    return _ENDPOINT_ACTIONS.get(row.phase, frozenset({Action.STOP, Action.SCALE, Action.DELETE}))
