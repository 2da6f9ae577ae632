"""Custom commands with the values of a row. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import NamedTuple

from gputui.errors import InvalidError
from gputui.models import Row
from gputui.models.custom_commands import FIELDS, CustomCommand, fields_in
from gputui.presentation.actions import name_of


class SshWay(NamedTuple):
    """How ``ssh`` reaches an instance: its options, user ('' for that of its configuration), host and port.

    ``command`` is the whole command. With ``inside`` it enters a container of the host: copies to its address would
    be copies to the host.
    """

    options: Sequence[str]
    user: str
    host: str
    port: int | None
    command: str
    inside: bool = False

    @property
    def address(self) -> str:
        """The host with its user, as ssh and rsync take it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def values_of(row: Row, way: SshWay | None) -> dict[str, str]:
    """Return the fields of a row, quoted for the shell; those that are unknown are left out.

    ``way`` is that of ssh to it, None where there is none.
    """
    ref = row.ref
    plain = {
        "ref": str(ref),
        "account": ref.account,
        "kind": ref.kind,
        "id": ref.id,
        "name": name_of(row),
        "region": getattr(row, "region", None) or "",
        "ssh": "" if way is None else way.command,
    }
    found = {name: text if name == "ssh" else shlex.quote(text) for name, text in plain.items() if text}
    # An address that begins with a dash would be an option.
    if way is None or way.inside or way.address.startswith("-"):
        return found
    found["host"] = shlex.quote(way.host)
    found["address"] = shlex.quote(way.address)
    if way.port:
        found["port"] = str(way.port)
    if way.user:
        found["user"] = shlex.quote(way.user)
    found["ssh_args"] = shlex.join(way.options)
    found["rsync_args"] = f"-e {shlex.quote(shlex.join(['ssh', *way.options]))}"
    return found


def shell_command(command: CustomCommand, row: Row, values: Mapping[str, str]) -> str:
    """Return the shell command; raises InvalidError where a field of it is unknown for the row."""
    lacking = [name for name in fields_in(command.run) if name not in values]
    if lacking:
        wanted = ", ".join(f"{{{name}}} ({FIELDS.get(name, 'no such field')})" for name in lacking)
        raise InvalidError(
            f"{command.name}: of {name_of(row)} these are not known: {wanted}.", hint="Nothing was run."
        )
    return Formatter().vformat(command.run, (), dict(values))
