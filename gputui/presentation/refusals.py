"""Refusals: the cause and the way out, in the same words in the app and on the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from gputui.actions import ACTIONS
from gputui.formatting import status_text
from gputui.models import Action, Deployment, Never, Phase, Row
from gputui.presentation.actions import blocker, state_words

_COMMAND = re.compile(r"\{([a-z-]+)\}")

Shown = Callable[[str], str]
"""Returns the key or the command line of a command by its id: ``X``, ``gputui stop``."""


def never_text(action: Action, never: Never, account: str, shown: Shown) -> str:
    """Say that an API has no such call, and the alternative."""
    verb = (ACTIONS[action].verb or action + " {}").format(never.nouns)
    cause = never.cause or f"{account} cannot {verb}: its API has no such call."
    text = f"{cause} {never.instead}".rstrip()
    return _COMMAND.sub(lambda found: f"({shown(found[1])})", text)


def only_text(action: Action, nouns: str) -> str:
    """Say which kinds of things an action applies to: ``only deployments can be scaled``."""
    spec = ACTIONS[action]
    passive = spec.passive or "{} can be " + spec.done
    return f"only {passive.format(nouns)}"


def not_now_text(action: Action, row: Row, possible: Collection[Action], shown: Shown) -> str:
    """Say that the state of a row does not allow an action now, and the way out; ``possible`` are those it allows."""
    if why := blocker(action, row, shown("stop")):
        return why
    # Of a stopped row the status in its list says enough: paused, exited.
    status = status_text(getattr(row, "status", "")) if getattr(row, "phase", None) is Phase.STOPPED else ""
    state = status or state_words(row)
    of = f" of a {row.type}" if isinstance(row, Deployment) and row.type else ""
    subject = "SSH" if action is Action.SSH else action.value
    refused = f"{subject}{of} is not possible{f' while it is {state}' if state else ' for it now'}."
    return f"{refused} {_way_out(action, row, possible, shown)}".rstrip()


def _way_out(action: Action, row: Row, possible: Collection[Action], shown: Shown) -> str:
    phase = getattr(row, "phase", None)
    if phase in (Phase.PENDING, Phase.STOPPING):
        return "Wait until its state has changed."
    if ACTIONS[action].needs_running and Action.START in possible:
        return f"Start it first ({shown('start')})."
    if (
        phase is Phase.STOPPED
        and Action.STOP in possible
        and (action is Action.START or ACTIONS[action].needs_running)
    ):
        return f"Stop it ({shown('stop')}), then start it."  # paused: its API cannot continue it
    if ACTIONS[action].needs_stopped and Action.STOP in possible:
        return f"Stop it first ({shown('stop')})."
    return ""
