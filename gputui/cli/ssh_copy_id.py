"""``gputui ssh --copy-id``: the user's public key installed on instances, one after the other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gputui.cli import refs, session
from gputui.cli.output import announce, notify, report_error
from gputui.cli.prompts import confirm, interactive
from gputui.cli.ssh_login import connect
from gputui.config.paths import as_path
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError, UnknownOutcomeError
from gputui.models import Action, Instance, Outcome, Resource
from gputui.presentation.refusals import only_text

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.ssh.authorized_keys import OwnKey
    from gputui.ssh.client import Connection
    from gputui.ssh.key_files import NamedKey


def run(args: argparse.Namespace) -> int:
    """Install the key on all instances named; continues after a failure and returns the worst exit status."""
    only = only_text(Action.SSH, "instances")
    with session.command_fleet(refs.accounts(args, args.refs)) as (runner, fleet):
        matches, status = runner.run(
            refs.find(fleet, args.refs, [Resource.INSTANCES], only=only, certain=True, login=True)
        )
        if any(not match.whole for match in matches):
            if not interactive():
                raise ConfigError("Give full names: a shortened one is asked about, and this is not a terminal.")
            lines = [f"{match.text} is {match.ref}" for match in matches]
            if not confirm(lines, question="Install your public key there?", typed=None):
                notify("Nothing was done.")
                return ExitCode.REFUSED
        rows = [cast(Instance, match.row) for match in matches]
        path = as_path(args.identity).absolute() if args.identity else None
        return max(status, runner.run(_install_on_all(fleet, rows, path)))


async def _install_on_all(fleet: Fleet, rows: Sequence[Instance], path: Path | None) -> ExitCode:
    from gputui.ssh.authorized_keys import own_keys

    worst = ExitCode.OK
    async with own_keys(path) as keys:
        for key in keys:
            notify(f"gputui: the key is {key}")
        for row in rows:
            try:
                announce(f"{row.ref}: {await _install(fleet, row, keys)}")
            except GputuiError as error:
                worst = max(worst, report_error(error, about=str(row.ref)))
    return worst


async def _install(fleet: Fleet, row: Instance, keys: Sequence[OwnKey]) -> str:
    """Install keys on one instance, written to the audit log, and return the outcome. Raises GputuiError."""
    from gputui.ssh.authorized_keys import install

    if row.ssh is not None and row.ssh.enter:
        raise SshError(
            "it is a container without an SSH server of its own: keys cannot log in there.",
            hint=f"Install the key on its host{f', {row.ssh.host_row}' if row.ssh.host_row else ''}.",
        )
    mutations = fleet.mutations
    mutations.writable(row.ref.account)
    async with fleet.connections.lease(row, lambda: connect(fleet, row)) as connection:
        summary = "install the public key " + ", ".join(key.public.fingerprint for key in keys)
        entry = await mutations.auditor.begin(row.ref, "copy-id", summary)
        try:
            added = await install(connection, keys)
        except GputuiError as error:
            unknown = isinstance(error, UnknownOutcomeError)
            await mutations.auditor.end(entry, Outcome.UNKNOWN if unknown else Outcome.FAILED, error.message)
            raise
        except BaseException:
            mutations.auditor.end_soon(entry, Outcome.UNKNOWN, "interrupted while it was sent")
            raise
        done = "the key is installed" if any(added) else "the key was there already"
        await mutations.auditor.end(entry, Outcome.DONE, done)
        private = [key.private for key in keys if key.private is not None]
        return f"{done}; {await _checked(connection, private)}"


async def _checked(connection: Connection, keys: Sequence[NamedKey]) -> str:
    """Return that a login with each key alone works. Raises SshError where it does not."""
    from gputui.ssh.authorized_keys import accepts

    if not keys:
        return "it was not checked by a login, as its private half is not here or is locked (ssh-add adds it)."
    refused = [key.name for key in keys if not await accepts(connection, key)]
    if refused:
        raise SshError(
            f"The key is in ~/.ssh/authorized_keys, and a login with it is refused ({', '.join(refused)}).",
            hint="The server may read keys elsewhere, or others may be able to write to the home directory there.",
        )
    return "a login with it works."
