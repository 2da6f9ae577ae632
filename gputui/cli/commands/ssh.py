"""``gputui ssh``: log into an instance."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from gputui.cli import arguments, refs, session, ssh_copy_id, ssh_stdio
from gputui.cli.output import notify, report_error
from gputui.cli.signals import until_interrupted
from gputui.cli.ssh_login import FAILED, connect, known_hosts
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError
from gputui.models import Action, Instance, Resource
from gputui.presentation.refusals import only_text

if TYPE_CHECKING:
    from gputui.config.accounts import SshConfig
    from gputui.config.loader import Account
    from gputui.ssh.client import Connection
    from gputui.ssh.known_hosts import KnownHosts
    from gputui.ssh.shell import ShellEnd


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_refs(parser)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--forget-host-key",
        action="store_true",
        help="forget the instance's remembered host key first, and ask again",
    )
    kinds.add_argument(
        "--stdio",
        action="store_true",
        help="connect stdin and stdout to its SSH server, as a ProxyCommand for other programs",
    )
    kinds.add_argument(
        "--copy-id",
        action="store_true",
        help="install your public key, on one instance or several, and check it by a login",
    )
    parser.add_argument(
        "-i",
        "--identity",
        metavar="FILE",
        help="the key for --copy-id (default: those of the agent, else the newest ~/.ssh/id_*.pub)",
    )


def run(args: argparse.Namespace) -> int:
    """Log in; the exit status is the remote shell's, 255 when there was none."""
    from gputui.ssh.known_hosts import is_jump_host

    if args.copy_id:
        return ssh_copy_id.run(args)
    if args.identity:
        raise ConfigError(
            "-i is for --copy-id.", hint="The key of a login is ssh.key in the account's configuration."
        )
    if len(args.refs) > 1:
        raise ConfigError(
            "A login is to one instance; several REFs are for --copy-id.",
            hint=f"To run a command: gputui exec {args.refs[0]} -- COMMAND",
        )
    (ref,) = args.refs
    if args.stdio:
        with until_interrupted():  # the signals with which ssh ends its ProxyCommand
            return ssh_stdio.run(refs.accounts(args, [ref]), ref, failed=FAILED)
    if args.forget_host_key and is_jump_host(ref):
        _forget(known_hosts(), ref)
        return ExitCode.OK
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("ssh needs a terminal.", hint=f"For a command without one: gputui exec {ref} -- COMMAND")
    return asyncio.run(_log_in(refs.accounts(args, [ref]), ref, forget=args.forget_host_key))


def _forget(hosts: KnownHosts, host_id: str) -> None:
    known = hosts.forget(host_id)
    notify(f"The host key of {host_id} is forgotten." if known else f"No host key of {host_id} was remembered.")


def _refuse_alias(instance: Instance, ssh: SshConfig) -> None:
    """Raise where the host key is in files of the user, which gputui only appends to."""
    if instance.ssh is None or not instance.ssh.alias:
        return
    from gputui.ssh.resolution import resolve
    from gputui.ssh.user_known_hosts import default_file, name_in_file, removal_command

    found = resolve(instance.ssh.alias, user=ssh.user or "", port=ssh.port, path=ssh.config_path)
    file = found.known_hosts[0] if found.known_hosts else default_file()
    command = removal_command(file, name_in_file(found.host, found.port, found.host_key_alias))
    raise ConfigError(f"The host key of {instance.ref} is in a file of OpenSSH.", hint=f"Forget it with {command}")


async def _log_in(accounts: Mapping[str, Account], text: str, *, forget: bool) -> int:
    from gputui.ssh.containers import shell_command
    from gputui.ssh.shell import interactive

    found = await _connect_to(accounts, text, forget=forget)
    if found is None:
        return FAILED
    connection, instance = found
    try:
        end = await interactive(connection, command=shell_command(instance.ssh))
    except SshError as error:
        report_error(error)
        return FAILED
    finally:
        await connection.close()
    if end.message:
        notify(f"gputui: {end.message}")
    return exit_status(end)


async def _connect_to(
    accounts: Mapping[str, Account], text: str, *, forget: bool = False
) -> tuple[Connection, Instance] | None:
    """Log into the instance that the text names; None where that fails, which is reported."""
    async with session.open_fleet(accounts) as fleet:
        only = only_text(Action.SSH, "instances")
        matches, _ = await refs.find(fleet, [text], [Resource.INSTANCES], only=only, login=True)
        refs.report_shortened(matches)
        row = cast(Instance, matches[0].row)  # the only kind that was looked for
        if forget:
            _refuse_alias(row, accounts[row.ref.account].ssh)
            _forget(known_hosts(), str(row.ref))
        try:
            return await connect(fleet, row), row
        except GputuiError as error:
            report_error(error)
            return None


def exit_status(end: ShellEnd) -> int:
    """Return the exit status of a remote shell, as a local one would have it."""
    if end.signal is not None:
        number = getattr(signal, f"SIG{end.signal}", None)
        return FAILED if number is None else 128 + int(number)
    return FAILED if end.exit_status is None else end.exit_status
