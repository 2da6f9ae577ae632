"""Commands of the user's own: templates of shell commands for a row."""

from __future__ import annotations

from enum import StrEnum
from string import Formatter

from gputui.late_dataclasses import dataclass

FIELDS = {
    "ref": "account/kind/id",
    "account": "its account",
    "kind": "its kind: pod, container, vm, …",
    "id": "its id",
    "name": "its name",
    "region": "its region",
    "host": "the host of its SSH",
    "port": "the port of its SSH",
    "user": "the user of its SSH",
    "address": "user@host, or the host alone",
    "ssh_args": "the options of ssh: port, key, jump host",
    "rsync_args": "the same as the -e of rsync",
    "ssh": "the whole ssh command",
    "path": "a path of this machine, which is asked for",
}
"""The fields of a template, and what they are. Each is quoted for the shell."""
ANY = "any"


class Mode(StrEnum):
    """Where a command runs: in this terminal, in the background with a message at its end, or it is copied only."""

    TERMINAL = "terminal"
    BACKGROUND = "background"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class CustomCommand:
    """A template under a name. ``scope`` are the lists whose rows it is for; ``confirm``: it is asked about first."""

    name: str
    run: str
    key: str = ""
    mode: Mode = Mode.TERMINAL
    confirm: bool = True
    scope: tuple[str, ...] = ("instances",)


def fields_in(template: str) -> list[str]:
    """Return the fields of a template, each once; raises ValueError where its braces are not closed."""
    found = []
    for _, name, spec, conversion in Formatter().parse(template):
        if name is not None:
            found.append(f"{name}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}")
    return list(dict.fromkeys(found))


def quoted_fields(template: str) -> list[str]:
    """Return the fields of a template that are inside quotes of the shell, where their own quoting would end these.

    A name from a server could then run as a command.
    """
    found, quote = [], ""
    for literal, name, _, _ in Formatter().parse(template):
        escaped = False
        for character in literal:
            if escaped:
                escaped = False
            elif character == "\\" and quote != "'":
                escaped = True
            elif character in "'\"" and quote in ("", character):
                quote = "" if quote else character
        if name is not None and (quote or escaped):
            found.append(name)
    return found
