"""The custom commands of a configuration with all that is wrong with them: none of it refuses the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from gputui.config.custom_commands import LONGEST_NAME
from gputui.config.keymap import custom_key_clashes, custom_key_problem
from gputui.config.problems import ordinal, problems_of
from gputui.config.sections import CommandConfig
from gputui.text import clean


def read_commands(data: object, keys: Mapping[str, str]) -> tuple[list[CommandConfig], list[str]]:
    """Return the commands that can be used, and the problems of all, each as ``where: problem; fix``.

    The commands are those of :func:`gputui.config.custom_commands.usable_commands`: a fault of the key alone leaves
    the command without it. ``keys`` are those of ``[ui.keys]``.
    """
    if not isinstance(data, list):
        return [], ["commands: must be a list of tables; write each as [[commands]]"]
    problems: list[str] = []
    usable: dict[str, CommandConfig] = {}
    labels = _labels(data)
    for label, table in zip(labels, data, strict=True):
        command = _read(table, label, problems)
        if command is not None and command.name not in {other.name for other in usable.values()}:
            usable[label] = command
    names = Counter(_text_of(table, "name") for table in data)
    del names[""]
    problems += [
        f"commands: {clean(name)} is the name of {count} commands; give each its own"
        for name, count in names.items()
        if count > 1
    ]
    written = {label: _text_of(table, "key") for label, table in zip(labels, data, strict=True)}
    written = {label: key for label, key in written.items() if key and custom_key_problem(key) is None}
    # A command that is left out takes no key from one that is not.
    in_use = {label: key for label, key in written.items() if label in usable}
    clashes = custom_key_clashes(keys, in_use | written)
    problems += [f"{label}: {problem}" for label, problem in clashes.items()]
    commands = [
        command.model_copy(update={"key": ""}) if label in clashes else command for label, command in usable.items()
    ]
    return commands, problems


def _read(table: object, label: str, problems: list[str]) -> CommandConfig | None:
    """Return a command, without its key where that alone is at fault; None where it cannot be used."""
    try:
        return CommandConfig.model_validate(table)
    except ValidationError as error:
        problems += problems_of(CommandConfig, error, (label,))
        if isinstance(table, dict) and all(each["loc"][:1] == ("key",) for each in error.errors()):
            return CommandConfig.model_validate({name: value for name, value in table.items() if name != "key"})
    return None


def _text_of(table: object, key: str) -> str:
    """Return a text of a table that may be anything; '' for none."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""


def _labels(commands: Sequence[object]) -> list[str]:
    """Return for each custom command how problems name it: by its name, or by its place without a usable one."""
    found: list[str] = []
    for number, table in enumerate(commands, 1):
        name = clean(_text_of(table, "name"))
        label = f"commands.{name}"
        usable = name and len(name) <= LONGEST_NAME and label not in found
        found.append(label if usable else f"the {ordinal(number)} [[commands]]")
    return found
