"""What Yotta lets one do to pods, VMs, workers and endpoints, by the state they are in."""

from __future__ import annotations

from gputui.api.yotta_wire import GONE, POD, VM
from gputui.models import Action, Deployment, Instance, Phase


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
