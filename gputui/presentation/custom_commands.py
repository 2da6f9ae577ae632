"""Custom commands with the values of a row. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from string import Formatter

from gputui.errors import InvalidError
from gputui.models import Instance, Row
from gputui.models.custom_commands import FIELDS, CustomCommand, fields_in
from gputui.presentation.actions import name_of


def values_of(row: Row, options: Sequence[str], ssh: str) -> dict[str, str]:
    """Return the fields of a row, quoted for the shell; those that are unknown are left out.

    ``options`` are those of ssh for it, ``ssh`` the whole command, '' where there is no way in.
    """
    ref = row.ref
    plain = {
        "ref": str(ref),
        "account": ref.account,
        "kind": ref.kind,
        "id": ref.id,
        "name": name_of(row),
        "region": getattr(row, "region", None) or "",
    }
    found = {name: shlex.quote(text) for name, text in plain.items() if text}
    if not isinstance(row, Instance) or row.ssh is None or not ssh:
        return found
    target = row.ssh
    found["host"] = shlex.quote(target.host)
    found["address"] = shlex.quote(f"{target.user}@{target.host}" if target.user else target.host)
    if target.port:
        found["port"] = str(target.port)
    if target.user:
        found["user"] = shlex.quote(target.user)
    found["ssh_args"] = shlex.join(options)
    found["rsync_args"] = f"-e {shlex.quote(shlex.join(['ssh', *options]))}"
    found["ssh"] = ssh
    return found


def filled(command: CustomCommand, row: Row, values: Mapping[str, str]) -> str:
    """Return the shell command; raises InvalidError where a field of it is unknown for the row."""
    lacking = [name for name in fields_in(command.run) if name not in values]
    if lacking:
        wanted = ", ".join(f"{{{name}}} ({FIELDS.get(name, 'no such field')})" for name in lacking)
        raise InvalidError(
            f"{command.name}: of {name_of(row)} these are not known: {wanted}.", hint="Nothing was run."
        )
    return Formatter().vformat(command.run, (), dict(values))
