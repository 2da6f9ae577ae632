"""The rules of a pody server: names of pods and tags, actions by state."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.api.common import docker
from gputui.models import Action, Image, Instance, Kind, Never, Phase, Resource, Row

_ANOTHER = "Create another one instead {new}."
_POD = Kind(
    "pods",
    frozenset({Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC, Action.COMMIT, Action.SSH}),
    resource=Resource.INSTANCES,
    instead={Action.SCALE: _ANOTHER, Action.UPDATE: _ANOTHER, Action.RESIZE: _ANOTHER, Action.RENAME: _ANOTHER},
)
RULES: Mapping[str, Kind] = {
    "pod": _POD,
    "image": Kind("images", frozenset({Action.DELETE}), resource=Resource.IMAGES),
    "gpu": Kind("GPUs", resource=Resource.GPUS),
    "process": Kind("processes", instead={Action.STOP: "Run kill in its pod {exec}."}, resource=Resource.PROCESSES),
    "offer": Kind("offers", frozenset({Action.CREATE}), resource=Resource.STOCK),
    "account": Kind("accounts", frozenset({Action.CREATE, Action.CHANGE_PASSWORD}), resource=Resource.ACCOUNTS),
}
"""The kinds of rows and the actions that the API has calls for, in any state."""


def never(row: Row, action: Action, *, commits: bool) -> Never | None:
    """Return why an action can never apply to a row, apart from the rules.

    ``commits``: this release has the call that saves pods.
    """
    if action is Action.COMMIT and isinstance(row, Instance) and not commits:
        return Never(
            _POD.nouns, cause="Pods cannot be saved as images: this release of pody has no such call (0.3.0 has)."
        )
    if action is Action.DELETE and isinstance(row, Image) and not row.own:
        return Never("images", cause="Only images of your own can be deleted.")
    return None


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a pod or a tag, by the server's rules; None when it may be sent."""
    if not 1 <= len(name) <= 20:
        return "must have 1 to 20 characters"
    if not (name.isascii() and name.isidentifier()):
        return "may contain letters, digits and underscores only, and no digit first"
    if name.startswith("_") or name.endswith("_"):
        return "cannot start or end with an underscore"
    return None


_PODS_ONLY: Mapping[Phase, frozenset[Action]] = {
    Phase.RUNNING: frozenset({Action.EXEC, Action.COMMIT}),
    Phase.STOPPED: frozenset({Action.COMMIT}),
    Phase.UNKNOWN: frozenset({Action.EXEC}),
}


def pod_actions(pod: Instance) -> frozenset[Action]:
    """Return what Docker and the server let one do to a container in this state."""
    return docker.container_actions(pod) | _PODS_ONLY.get(pod.phase, frozenset())
