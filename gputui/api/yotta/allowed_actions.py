"""The actions that Yotta permits on pods, VMs, workers and endpoints, by their state."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.api.yotta.mapping import ENDPOINT, GONE, POD, VM, WORKER
from gputui.api.yotta.storage import CREDENTIAL, VOLUME
from gputui.api.yotta.tasks import QUEUE, TASK
from gputui.models import Action, Deployment, Instance, Kind, Phase

_SSH = "Log in over SSH instead {ssh}."
_ANOTHER = "Create another one instead {new}."
_STOP_START = "Stop it {stop}, then start it {start}."
_BY_ITS_ENDPOINT = "Scale {scale} or stop {stop} its endpoint instead."
_INSIDE = "Open one {open} and choose an instance."
_VMS_STAY = "VMs cannot be {}, only deleted {{delete}}."
RULES: Mapping[str, Kind] = {
    POD: Kind(
        "pods",
        frozenset({Action.START, Action.STOP, Action.DELETE, Action.SSH}),
        instead={
            Action.RESTART: _STOP_START,
            Action.EXEC: _SSH,
            Action.SCALE: _ANOTHER,
            Action.UPDATE: _ANOTHER,
            Action.RENAME: _ANOTHER,
            Action.RESIZE: _ANOTHER,
        },
    ),
    VM: Kind(
        "VMs",
        frozenset({Action.DELETE, Action.RENAME, Action.SSH}),
        instead={
            Action.EXEC: _SSH,
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
        frozenset({Action.SSH}),
        instead={
            Action.START: _BY_ITS_ENDPOINT,
            Action.STOP: _BY_ITS_ENDPOINT,
            Action.RESTART: _BY_ITS_ENDPOINT,
            Action.DELETE: _BY_ITS_ENDPOINT,
            Action.SCALE: _BY_ITS_ENDPOINT,
            Action.UPDATE: "Edit its endpoint instead {update}.",
            Action.EXEC: _SSH,
        },
    ),
    ENDPOINT: Kind(
        "endpoints",
        frozenset({Action.START, Action.STOP, Action.SCALE, Action.UPDATE, Action.RENAME, Action.DELETE}),
        instead={
            Action.RESTART: _STOP_START,
            Action.RESIZE: "Change the number of its workers {scale}.",
            Action.EXEC: _INSIDE,
            Action.SSH: _INSIDE,
        },
    ),
    VOLUME: Kind(
        "volumes",
        frozenset({Action.DELETE, Action.RENAME, Action.RESIZE}),
        instead={Action.UPDATE: "A volume can be renamed {rename} and resized {resize}."},
    ),
    CREDENTIAL: Kind("credentials", frozenset({Action.UPDATE, Action.RENAME, Action.DELETE})),
    TASK: Kind("tasks", instead={Action.START: "Submit it again {new}.", Action.RESTART: "Submit it again {new}."}),
    QUEUE: Kind("queues"),
    "offer": Kind("offers", frozenset({Action.CREATE})),
    "account": Kind("accounts", frozenset({Action.CREATE})),
}
"""The actions that the API has calls for, in any state."""


def instance_actions(row: Instance) -> frozenset[Action]:
    """Return what can be done to a pod, a VM or a worker. Pausing a pod is its stop, resuming it its start."""
    if row.container_id is None or row.status.lower() in GONE:
        return frozenset()
    login = {Action.SSH} if row.ssh else set()
    match row.ref.kind, row.phase:
        case (_, Phase.STOPPING):
            return frozenset()
        case (kind, Phase.RUNNING) if kind == POD:
            return frozenset({Action.STOP, Action.DELETE} | login)
        case (kind, Phase.STOPPED) if kind == POD:
            return frozenset({Action.START, Action.DELETE})
        case (kind, Phase.UNKNOWN) if kind == POD:
            return frozenset({Action.START, Action.STOP, Action.DELETE} | login)
        case (kind, _) if kind == VM:
            return frozenset({Action.DELETE, Action.RENAME} | login)
        case (kind, _) if kind == POD:
            return frozenset({Action.DELETE} | login)
        case _:
            return frozenset(login)


def endpoint_actions(row: Deployment) -> frozenset[Action]:
    """Return what can be done to an endpoint. Only a stopped one can be edited."""
    if row.status.lower() in GONE:
        return frozenset()
    match row.phase:
        case Phase.STOPPED:
            return frozenset({Action.START, Action.UPDATE, Action.RENAME, Action.DELETE})
        case Phase.STOPPING:
            return frozenset({Action.DELETE})
        case Phase.FAILED:
            return frozenset({Action.START, Action.STOP, Action.DELETE})
        case Phase.UNKNOWN:
            return frozenset({Action.START, Action.STOP, Action.SCALE, Action.DELETE})
        case _:
            return frozenset({Action.STOP, Action.SCALE, Action.DELETE})
