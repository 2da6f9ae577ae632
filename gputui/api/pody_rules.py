"""What a pody server allows: names of pods and tags, actions by state."""

from __future__ import annotations

from gputui.models import Action, Instance, Phase


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a pod or a tag, by the server's rules; None when it may be sent."""
    if not 1 <= len(name) <= 20:
        return "must have 1 to 20 characters"
    if not (name.isascii() and name.isidentifier()):
        return "may hold letters, digits and underscores only, and no digit first"
    if name.startswith("_") or name.endswith("_"):
        return "cannot start or end with an underscore"
    return None


def pod_actions(pod: Instance) -> frozenset[Action]:
    """Return what Docker lets one do to a container in this state."""
    match pod.phase:
        case Phase.RUNNING:
            login = {Action.SSH} if pod.ssh else set()
            return frozenset({Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC, Action.COMMIT} | login)
        case Phase.STOPPED if pod.status == "paused":
            return frozenset({Action.STOP, Action.RESTART, Action.DELETE, Action.COMMIT})
        case Phase.STOPPED:
            return frozenset({Action.START, Action.DELETE, Action.COMMIT})
        case Phase.STOPPING:
            return frozenset()
        case Phase.PENDING:
            return frozenset({Action.STOP, Action.DELETE})
        case Phase.FAILED:
            return frozenset({Action.DELETE})
        case _:
            return frozenset({Action.START, Action.STOP, Action.RESTART, Action.DELETE, Action.EXEC})
