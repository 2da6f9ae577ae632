"""What GPUhub lets one do to deployments and containers, by the state they are in."""

from __future__ import annotations

from gputui.api.gpuhub_create import REPLICA_SET
from gputui.models import Action, Deployment, Instance, Phase


def deployment_actions(deployment: Deployment) -> frozenset[Action]:
    """Return what can be done to a deployment. Only replica sets can be scaled."""
    actions = {Action.DELETE}
    if deployment.phase not in (Phase.STOPPED, Phase.STOPPING):
        actions.add(Action.STOP)
        if deployment.type.lower() == REPLICA_SET.lower():
            actions.add(Action.SCALE)
    return frozenset(actions)


def container_actions(container: Instance) -> frozenset[Action]:
    """Return what can be done to a container. The host of one that has ended can be kept out too."""
    if container.container_id is None:
        return frozenset()  # a stand-in for containers that could not be read
    actions = {Action.BLOCK} if container.host else set()
    if container.phase in (Phase.RUNNING, Phase.PENDING, Phase.UNKNOWN):
        actions.add(Action.STOP)
    if container.phase in (Phase.RUNNING, Phase.UNKNOWN) and container.ssh:
        actions.add(Action.SSH)
    return frozenset(actions)
