"""The custom commands of a configuration that can be used. Without pydantic: the first frame has their keys.

What is wrong with the others is found when the file is checked (:mod:`gputui.config.command_problems`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from gputui.config.keymap import custom_key_clashes, custom_key_problem
from gputui.models import RESOURCES
from gputui.models.custom_commands import ANY, FIELDS, CustomCommand, Mode, fields_in, quoted_fields
from gputui.text import clean

LONGEST_NAME = 40
"""Characters of the name of a custom command."""
_KEYS = frozenset({"name", "run", "key", "mode", "confirm", "scope"})
_MODES = [mode.value for mode in Mode]


def usable_commands(tables: Sequence[object], keys: Mapping[str, str]) -> tuple[CustomCommand, ...]:
    """Return the commands of ``[[commands]]`` that can be used, each under a name and a key of its own.

    Of two with one name the first is used. One whose key cannot be, or is that of another command, has none;
    ``keys`` are those of ``[ui.keys]``.
    """
    found: dict[str, CustomCommand] = {}
    for table in tables:
        command = _read(table)
        if command is not None:
            found.setdefault(f"commands.{command.name}", command)
    taken = custom_key_clashes(keys, {label: command.key for label, command in found.items() if command.key})
    return tuple(replace(command, key="") if label in taken else command for label, command in found.items())


def _read(table: object) -> CustomCommand | None:
    if not isinstance(table, dict) or not table.keys() <= _KEYS:
        return None
    name, run, mode = table.get("name"), table.get("run"), table.get("mode", Mode.TERMINAL.value)
    confirm, scope, key = table.get("confirm", True), table.get("scope", ["instances"]), table.get("key", "")
    if not (_is_shown(name) and len(name) <= LONGEST_NAME and _is_shown(run) and template_problem(run) is None):
        return None
    if mode not in _MODES or not isinstance(confirm, bool) or not (isinstance(scope, list) and scope):
        return None
    if not all(isinstance(one, str) for one in scope) or scope_problem(scope) is not None:
        return None
    key = key if _is_shown(key) and custom_key_problem(key) is None else ""
    return CustomCommand(name, run, key, Mode(mode), confirm, tuple(scope))


def _is_shown(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value) and clean(value) == value


def template_problem(run: str) -> str | None:
    """Return the problem of a template: braces, unknown fields, fields inside quotes; None for none."""
    try:
        found = fields_in(run)
    except ValueError:
        return "has a brace that is not closed; write {{ and }} for braces themselves"
    problems = []
    if wrong := [f"{{{name}}}" for name in found if name not in FIELDS]:
        problems.append(f"has no field {_listed(wrong)}; the fields are {', '.join(FIELDS)}")
    if inside := [f"{{{name}}}" for name in dict.fromkeys(quoted_fields(run)) if name in FIELDS]:
        it = "it without, it is" if len(inside) == 1 else "them without, they are"
        problems.append(f"has {_listed(inside)} inside quotes; write {it} quoted for the shell")
    return "; it ".join(problems) or None


def scope_problem(names: Iterable[str]) -> str | None:
    """Return the problem of a scope: lists that there are not; None for none."""
    known = [*(resource.value for resource in RESOURCES), ANY]
    wrong = [name for name in names if name not in known]
    return f"has no list {_listed(wrong)}; the lists are {', '.join(known)}" if wrong else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(clean, names))
