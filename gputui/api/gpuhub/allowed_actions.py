"""The actions that GPUhub permits on deployments and containers, by their state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gputui.api.gpuhub.fields import REPLICA_SET
from gputui.models import Action, Deployment, Instance, Kind, Never, Phase, Resource, Row

_GONE = frozenset({"releasing", "released", "removing", "removed"})
"""Statuses of container instances that are given back."""
_AGAIN = "Create another one instead {new}."
_BY_ITS_DEPLOYMENT = "Scale its deployment instead {scale}."
_INSIDE = "Open one {open} and choose an instance."
RULES: Mapping[str, Kind] = {
    "container": Kind(
        "containers",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.STOP, Action.BLOCK, Action.SSH}),
        instead={
            Action.START: _BY_ITS_DEPLOYMENT,
            Action.RESTART: "Stop it {stop}: its deployment starts another one, if it keeps replicas.",
            Action.DELETE: "Stop it {stop}, or delete its deployment.",
            Action.SCALE: _BY_ITS_DEPLOYMENT,
        },
    ),
    "deployment": Kind(
        "deployments",
        resource=Resource.DEPLOYMENTS,
        actions=frozenset({Action.STOP, Action.DELETE, Action.SCALE}),
        instead={
            **dict.fromkeys((Action.START, Action.RESTART, Action.UPDATE, Action.RENAME), _AGAIN),
            Action.RESIZE: "Change the number of its replicas {scale}.",
            **dict.fromkeys((Action.EXEC, Action.SSH, Action.BLOCK), _INSIDE),
        },
    ),
    "instance": Kind(
        "instances",
        resource=Resource.INSTANCES,
        actions=frozenset({Action.START, Action.STOP, Action.DELETE, Action.COMMIT, Action.SSH}),
        instead={
            Action.RESTART: "Stop it {stop}, then start it {start}.",
            **dict.fromkeys((Action.UPDATE, Action.RENAME, Action.RESIZE), _AGAIN),
            Action.EXEC: "Commands run over SSH while it runs.",
        },
    ),
    "block": Kind(
        "blocks",
        resource=Resource.BLACKLIST,
        instead={
            Action.DELETE: "A block ends at its time.",
            Action.UPDATE: "Block the host again {block}: the time starts again.",
        },
    ),
    "offer": Kind("offers", frozenset({Action.CREATE}), resource=Resource.STOCK),
    "event": Kind("events", resource=Resource.EVENTS),
    "image": Kind("images", resource=Resource.IMAGES),
    "package": Kind("packages", resource=Resource.PACKAGES),
    "balance": Kind("balances", resource=Resource.BALANCES),
    "account": Kind("accounts", frozenset({Action.CREATE}), resource=Resource.ACCOUNTS),
}
"""The kinds of rows and the actions that the API has calls for, in any state."""


def with_settings(kind: Kind) -> Kind:
    """Return a kind whose rows have settings that can be changed."""
    return replace(kind, actions=kind.actions | {Action.UPDATE})


def never(row: Row, action: Action) -> Never | None:
    """Return why an action can never apply to a row, apart from the rules."""
    if action is Action.SCALE and isinstance(row, Deployment) and row.type.lower() != REPLICA_SET.lower():
        return Never("deployments", cause=f"Only deployments of type {REPLICA_SET} can be scaled.")
    return None


def deployment_actions(deployment: Deployment) -> frozenset[Action]:
    """Return what can be done to a deployment. Only replica sets can be scaled."""
    actions = {Action.DELETE}
    if deployment.phase not in (Phase.STOPPED, Phase.STOPPING):
        actions.add(Action.STOP)
        if deployment.type.lower() == REPLICA_SET.lower():
            actions.add(Action.SCALE)
    return frozenset(actions)


def instance_actions(instance: Instance) -> frozenset[Action]:
    """Return what can be done to a container instance. Releasing and saving stop it first, once that is confirmed."""
    if instance.status.partition(" ")[0].lower() in _GONE:
        return frozenset()
    match instance.phase:
        case Phase.STOPPED | Phase.FAILED:
            return frozenset({Action.START, Action.DELETE, Action.COMMIT})
        case Phase.RUNNING:
            # Where it has no address yet, a login awaits it.
            return frozenset({Action.STOP, Action.DELETE, Action.COMMIT, Action.SSH})
        case Phase.PENDING:
            return frozenset({Action.STOP, Action.DELETE})
        case Phase.STOPPING:
            return frozenset({Action.DELETE, Action.COMMIT})
        case _:  # a status that is not known: the API decides
            return frozenset({Action.START, Action.STOP, Action.DELETE, Action.COMMIT, Action.SSH})


def container_actions(container: Instance) -> frozenset[Action]:
    """Return what can be done to a container. The host of one that has ended can be blocked, too."""
    if container.container_id is None:
        return frozenset()  # a placeholder for containers that could not be read
    actions = {Action.BLOCK} if container.host else set()
    if container.phase in (Phase.RUNNING, Phase.PENDING, Phase.UNKNOWN):
        actions.add(Action.STOP)
    if container.phase in (Phase.RUNNING, Phase.UNKNOWN) and container.ssh:
        actions.add(Action.SSH)
    return frozenset(actions)
