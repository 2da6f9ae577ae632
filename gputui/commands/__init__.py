"""The one registry of what a user can do: behind the keys, the command bar, the palette, the footer and the help.

Pure data. A view offers a command when one of its command sets has a handler for it (``do_<id with dots as
underscores>``) and the command's ``when``, else its ``action``, holds where the user is.
"""

from __future__ import annotations

from collections.abc import Mapping

from gputui.commands.command import Command, Condition, Group, Here
from gputui.commands.table import COMMANDS

__all__ = ["BY_ID", "BY_WORD", "COMMANDS", "Command", "Condition", "Group", "Here", "complete", "find"]

BY_ID: Mapping[str, Command] = {command.id: command for command in COMMANDS}
BY_WORD: Mapping[str, Command] = {word: command for command in COMMANDS for word in (command.word, *command.aliases)}
_BY_ANY_WORD = {**BY_WORD, **{command.former: command for command in COMMANDS if command.former}}


def find(text: str) -> tuple[Command | None, str]:
    """Return the command of a line of the command bar, and its argument. The beginning of its word is enough where
    no other command begins so."""
    word, _, argument = text.strip().partition(" ")
    argument = argument.strip()
    words = BY_WORD if argument else _BY_ANY_WORD
    command = words.get(word)
    if command is None:
        found = {found.id: found for name, found in words.items() if word and name.startswith(word)}
        command = next(iter(found.values())) if len(found) == 1 else None
    if command is not None and command.of_row and argument:
        command = BY_ID[command.of_row]
    return command, argument


def complete(text: str, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what the command bar can complete ``text`` to; ``names`` gives the arguments by what they are.

    The first word is completed over commands and aliases, the second over the names of its kind of argument.
    """
    word, space, rest = text.lstrip().partition(" ")
    if not space:
        return sorted(candidate for candidate in BY_WORD if candidate.startswith(word))
    command = BY_WORD.get(word)
    if command is not None and command.of_row:
        command = BY_ID[command.of_row]
    if command is None or not command.argument:
        return []
    candidates = names.get(command.argument if command.id not in ("theme", "account") else command.id, ())
    start = rest.lstrip()
    return [f"{word} {name}" for name in candidates if name.lower().startswith(start.lower())]
