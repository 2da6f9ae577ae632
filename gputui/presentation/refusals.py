"""Why something cannot be done to a thing, and the way out: the same words on the screen and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from gputui.models import Action, Deployment, Never, Phase, Row
from gputui.presentation.actions import hindrance, state_words

_VERBS: Mapping[Action, str] = {
    Action.CREATE: "create {}",
    Action.START: "start {}",
    Action.STOP: "stop {}",
    Action.RESTART: "restart {}",
    Action.DELETE: "delete {}",
    Action.EXEC: "run commands in {}",
    Action.COMMIT: "save {} as images",
    Action.SCALE: "scale {}",
    Action.BLOCK: "block the hosts of {}",
    Action.UPDATE: "edit {}",
    Action.RENAME: "rename {}",
    Action.RESIZE: "resize {}",
    Action.SSH: "open shells in {}",
    Action.CHANGE_PASSWORD: "change the passwords of {}",
}
_NEEDS_A_START = frozenset({Action.EXEC, Action.SSH, Action.RESTART, Action.COMMIT})
_NEEDS_A_STOP = frozenset({Action.DELETE, Action.UPDATE, Action.RENAME, Action.RESIZE, Action.COMMIT})
_COMMAND = re.compile(r"\{([a-z-]+)\}")

Shown = Callable[[str], str]
"""Makes of a command's id what a person has to press or type: ``X``, ``gputui stop``."""


def never_text(action: Action, never: Never, account: str, shown: Shown) -> str:
    """Say that an API has no such call, and what does instead."""
    cause = never.cause or f"{account} cannot {_VERBS[action].format(never.nouns)}: its API has no such call."
    text = f"{cause} {never.instead}".rstrip()
    return _COMMAND.sub(lambda found: f"({shown(found[1])})", text)


_PASSIVE: Mapping[Action, str] = {
    Action.START: "{} can be started",
    Action.STOP: "{} can be stopped",
    Action.RESTART: "{} can be restarted",
    Action.DELETE: "{} can be deleted",
    Action.COMMIT: "{} can be saved as images",
    Action.SCALE: "{} can be scaled",
    Action.BLOCK: "the hosts of {} can be blocked",
    Action.UPDATE: "{} can be edited",
    Action.RENAME: "{} can be renamed",
    Action.RESIZE: "{} can be resized",
    Action.EXEC: "{} can run commands",
}


def only_text(action: Action, nouns: str) -> str:
    """Say which kinds of things an action applies to: ``only deployments can be scaled``."""
    return f"only {_PASSIVE[action].format(nouns)}"


def not_now_text(action: Action, row: Row, possible: Collection[Action], shown: Shown) -> str:
    """Say that the state of a thing does not allow it now, and what makes it possible; ``possible`` is what is."""
    if why := hindrance(action, row):
        return why
    state = state_words(row)
    of = f" of a {row.type}" if isinstance(row, Deployment) and row.type else ""
    refused = f"{action.value}{of} is not possible{f' while it is {state}' if state else ' for it now'}."
    return f"{refused} {_way_out(action, row, possible, shown)}".rstrip()


def _way_out(action: Action, row: Row, possible: Collection[Action], shown: Shown) -> str:
    phase = getattr(row, "phase", None)
    if phase in (Phase.PENDING, Phase.STOPPING):
        return "Wait until its state has changed."
    if action in _NEEDS_A_START and Action.START in possible:
        return f"Start it first ({shown('start')})."
    if action in _NEEDS_A_STOP and Action.STOP in possible:
        return f"Stop it first ({shown('stop')})."
    return ""
