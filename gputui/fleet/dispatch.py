"""From an action and its arguments to the back end's call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gputui.actions import ACTIONS
from gputui.api.capabilities import (
    Backend,
    CanBlock,
    CanCommit,
    CanDelete,
    CanExec,
    CanForceDelete,
    CanRestart,
    CanScale,
    CanStart,
    CanStop,
    CanStopWithOptions,
    CanUpdate,
)
from gputui.errors import InvalidError
from gputui.models import Action, ActionResult, Ref, Row, StopOptions

Call = Callable[[], Awaitable[ActionResult]]


def call_of(backend: Backend, ref: Ref, action: Action, arguments: Mapping[str, str], row: Row | None = None) -> Call:
    """Return the call that an action is on this back end; raises InvalidError where it has none.

    What asks for values needs the ``row`` as it was when they were chosen.
    """
    match action:
        case Action.START if isinstance(backend, CanStart):
            return lambda: backend.start(ref)
        case Action.STOP if any(arguments.values()) and isinstance(backend, CanStopWithOptions):
            options = _stop_options(arguments)
            return lambda: backend.stop_with(ref, options)
        case Action.STOP if isinstance(backend, CanStop) and not any(arguments.values()):
            return lambda: backend.stop(ref)
        case Action.SCALE if isinstance(backend, CanScale):
            replicas = _whole_number("replicas", arguments)
            return lambda: backend.scale(ref, replicas)
        case Action.BLOCK if isinstance(backend, CanBlock):
            minutes, comment = _whole_number("minutes", arguments), arguments.get("comment", "")
            return lambda: backend.block(ref, minutes=minutes, comment=comment)
        case Action.RESTART if isinstance(backend, CanRestart):
            return lambda: backend.restart(ref)
        case Action.DELETE if arguments.get("force") == "true" and isinstance(backend, CanForceDelete):
            return lambda: backend.force_delete(ref)
        case Action.DELETE if isinstance(backend, CanDelete):
            return lambda: backend.delete(ref)
        case Action.COMMIT if isinstance(backend, CanCommit):
            return lambda: backend.commit(ref, tag=arguments.get("tag", ""), message=arguments.get("message", ""))
        case _ if ACTIONS[action].has_form and isinstance(backend, CanUpdate) and row is not None:
            if wrong := backend.check_update(row, action, arguments):
                raise InvalidError(f"{ref}: the {action} is not complete.", fields=wrong)
            return lambda: backend.update(row, action, arguments)
        case Action.EXEC if isinstance(backend, CanExec):
            return _exec_call(backend, ref, arguments)
    raise InvalidError(f"{ref.account}: {action} cannot be done to {ref.id}.")


def _stop_options(arguments: Mapping[str, str]) -> StopOptions:
    return StopOptions(
        decrease_replicas=arguments.get("decrease_replicas") == "true",
        no_cache=arguments.get("no_cache") == "true",
        command=arguments.get("command", ""),
    )


def _whole_number(name: str, arguments: Mapping[str, str]) -> int:
    text = arguments.get(name, "")
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 10**9):
        raise InvalidError(f"Not a number of {name}: {text}", fields={name: "must be a whole number above 0"})
    return int(text)


def _exec_call(backend: CanExec, ref: Ref, arguments: Mapping[str, str]) -> Call:
    command, limit = arguments.get("command", ""), arguments.get("timeout", "")
    if not command.strip():
        raise InvalidError("There is no command to run.", fields={"command": "is empty"})
    try:
        timeout = float(limit) if limit else None
    except ValueError:
        raise InvalidError(f"Not a time limit: {limit}", fields={"timeout": "is not a number of seconds"}) from None

    async def run() -> ActionResult:
        result = await backend.exec(ref, command, timeout=timeout)
        if result.timed_out:
            return ActionResult("ended by the time limit", exec=result)
        return ActionResult("ended" if result.exit_code is None else f"exit code {result.exit_code}", exec=result)

    return run
