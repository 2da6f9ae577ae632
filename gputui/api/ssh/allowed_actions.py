"""The actions on hosts and their containers."""

from __future__ import annotations

from collections.abc import Mapping

from gputui.models import Action, Instance, Kind, Phase, Resource

_LOGIN = frozenset({Action.SSH})
_OTHERS = frozenset(Action) - _LOGIN - {Action.CREATE, Action.EXEC}
_CAUSE = "gputui changes nothing on a host of yours."
_INSTEAD = "Log in and do it there {ssh}."
_INSTEAD_OF_EXEC = "Log in over SSH instead {ssh}."

RULES: Mapping[str, Kind] = {
    "host": Kind(
        "hosts",
        _LOGIN,
        {Action.EXEC: _INSTEAD_OF_EXEC, **dict.fromkeys(_OTHERS, _INSTEAD)},
        dict.fromkeys(_OTHERS, _CAUSE),
        resource=Resource.INSTANCES,
    ),
    "container": Kind(
        "containers on hosts",
        _LOGIN,
        {Action.EXEC: _INSTEAD_OF_EXEC, **dict.fromkeys(_OTHERS, _INSTEAD)},
        dict.fromkeys(_OTHERS, _CAUSE),
        resource=Resource.INSTANCES,
    ),
    "gpu": Kind("GPUs", resource=Resource.GPUS),
    "process": Kind("processes", resource=Resource.PROCESSES),
    "offer": Kind("offers", resource=Resource.STOCK),
    "account": Kind("accounts", resource=Resource.ACCOUNTS),
}
"""The kinds of rows and the actions on them, in any state."""


def instance_actions(row: Instance) -> frozenset[Action]:
    """Return the actions on a host, or on a container, which can be entered only while it runs."""
    return _LOGIN if row.parent is None or row.phase is Phase.RUNNING else frozenset()
