"""From an action and its arguments to the back end's operation."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping

from gputui.api.capabilities import Backend
from gputui.errors import InvalidError
from gputui.models import Action, ActionResult, ExecResult, Ref

Call = Callable[[], Awaitable[ActionResult]]
Arguments = Mapping[str, str]


def call_of(backend: Backend, ref: Ref, action: Action, arguments: Arguments) -> Call:
    """Return the call of an action without a form on this back end; raises InvalidError where it has none."""
    operation = backend.operations.get(action)
    given = _READERS[action](arguments) if action in _READERS else {}
    if operation is None:
        raise InvalidError(f"{ref.account}: {action} cannot be done to {ref.id}.")
    if unknown := given.keys() - inspect.signature(operation).parameters.keys():
        names = " and ".join(sorted(unknown))
        raise InvalidError(
            f"{ref.account}: {action} of {ref.id} takes no {names}.",
            fields=dict.fromkeys(unknown, "has no effect here"),
        )

    async def call() -> ActionResult:
        result = await operation(ref, **given)
        return _ended(result) if isinstance(result, ExecResult) else result

    return call


def _stop(arguments: Arguments) -> dict[str, object]:
    return _flags(arguments, "decrease_replicas", "no_cache") | (
        {"command": command} if (command := arguments.get("command", "").strip()) else {}
    )


def _flags(arguments: Arguments, *names: str) -> dict[str, object]:
    """Return the options of these names that are chosen."""
    return {name: True for name in names if arguments.get(name) == "true"}


def _whole_number(name: str, arguments: Arguments) -> int:
    text = arguments.get(name, "")
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 10**9):
        raise InvalidError(f"Not a number of {name}: {text}", fields={name: "must be a whole number above 0"})
    return int(text)


def _exec(arguments: Arguments) -> dict[str, object]:
    command, limit = arguments.get("command", ""), arguments.get("timeout", "")
    if not command.strip():
        raise InvalidError("There is no command to run.", fields={"command": "is empty"})
    try:
        return {"command": command, "timeout": float(limit) if limit else None}
    except ValueError:
        raise InvalidError(f"Not a time limit: {limit}", fields={"timeout": "is not a number of seconds"}) from None


def _ended(result: ExecResult) -> ActionResult:
    if result.timed_out:
        return ActionResult("ended by the time limit", exec=result)
    return ActionResult("ended" if result.exit_code is None else f"exit code {result.exit_code}", exec=result)


_READERS: Mapping[Action, Callable[[Arguments], dict[str, object]]] = {
    Action.STOP: _stop,
    Action.DELETE: lambda arguments: _flags(arguments, "force", "stop_first"),
    Action.SCALE: lambda arguments: {"replicas": _whole_number("replicas", arguments)},
    Action.BLOCK: lambda arguments: {
        "minutes": _whole_number("minutes", arguments),
        "comment": arguments.get("comment", ""),
    },
    Action.COMMIT: lambda arguments: (
        {"tag": arguments.get("tag", "")}
        | ({"message": message} if (message := arguments.get("message", "")) else {})
        | _flags(arguments, "stop_first")
    ),
    Action.EXEC: _exec,
    Action.CHANGE_PASSWORD: lambda arguments: {"password": arguments.get("password", "")},
}
"""How the arguments of actions are read, to those of the operation by name."""
