"""``gputui ssh`` and ``gputui forward``: into an instance from the shell, by login or by port."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.output import report_error, say
from gputui.cli.signals import until_interrupted
from gputui.cli.ssh_login import connect
from gputui.config.paths import known_hosts_path, state_dir
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError
from gputui.models import Resource

if TYPE_CHECKING:
    from gputui.config.loader import Config
    from gputui.ssh.client import Connection
    from gputui.ssh.known_hosts import KnownHosts
    from gputui.ssh.shell import ShellEnd

FAILED = 255
"""The exit status when there was no session or it broke, as ssh(1) has it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument(
        "--forget-host-key",
        action="store_true",
        help="forget the instance's remembered host key first, and ask again",
    )


def add_forward_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument(
        "ports",
        type=arguments.ports,
        metavar="[LOCAL:]PORT",
        help="the instance's port; before it, this machine's (default: any free)",
    )


def run(args: argparse.Namespace) -> int:
    """Log in; the exit status is the remote shell's, 255 when there was none."""
    from gputui.ssh.known_hosts import KnownHosts, is_jump_host

    hosts = KnownHosts(known_hosts_path(state_dir()))
    if args.forget_host_key and is_jump_host(args.ref):
        _forget(hosts, args.ref)
        return ExitCode.OK
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "ssh needs a terminal.", hint=f"For a command without one: gputui exec {args.ref} -- COMMAND"
        )
    config = session.load(args)
    return asyncio.run(_log_in(config, args.ref, hosts, forget=args.forget_host_key))


def forward(args: argparse.Namespace) -> int:
    """Lead a port of this machine's loopback address into an instance until interrupted."""
    from gputui.ssh.known_hosts import KnownHosts

    config = session.load(args)
    local, remote = args.ports
    with until_interrupted():
        return asyncio.run(_forward(config, args.ref, KnownHosts(known_hosts_path(state_dir())), local, remote))


async def _forward(config: Config, text: str, hosts: KnownHosts, local: int, remote: int) -> int:
    from gputui.ssh.client import forward as open_forward
    from gputui.ssh.known_hosts import name_of_host

    connection = await _connect_to(config, text, hosts)
    if connection is None:
        return FAILED
    try:
        opened = await open_forward(connection, local, remote)
        sys.stdout.write(f"127.0.0.1:{opened.local_port}\n")
        sys.stdout.flush()
        say(f"This forwards to port {remote} of {name_of_host(connection.endpoint.host_id)} until Ctrl+C.")
        await connection.ssh.wait_closed()
        say(f"gputui: the connection to {connection.endpoint.where} was lost.")
    except SshError as error:
        report_error(error)
    finally:
        await connection.close()
    return FAILED


def _forget(hosts: KnownHosts, host_id: str) -> None:
    known = hosts.forget(host_id)
    say(f"The host key of {host_id} is forgotten." if known else f"No host key of {host_id} was remembered.")


async def _log_in(config: Config, text: str, hosts: KnownHosts, *, forget: bool) -> int:
    connection = await _connect_to(config, text, hosts, forget=forget)
    return FAILED if connection is None else await _shell(connection)


async def _connect_to(config: Config, text: str, hosts: KnownHosts, *, forget: bool = False) -> Connection | None:
    """Log in to what the text names; a login that fails is said, and None."""
    accounts = session.choose(config, refs.accounts_for([text], list(config.accounts)))
    async with session.open_fleet(accounts) as fleet:
        matches, _ = await refs.find(fleet, [text], [Resource.INSTANCES], only="only instances can be logged into")
        refs.note_shortened(matches)
        ref = matches[0].ref
        if forget:
            _forget(hosts, str(ref))
        try:
            return await connect(config, ref, fleet, hosts)
        except GputuiError as error:
            report_error(error)
            return None


async def _shell(connection: Connection) -> int:
    from gputui.ssh.shell import interactive

    try:
        end = await interactive(connection)
    except SshError as error:
        report_error(error)
        return FAILED
    finally:
        await connection.close()
    if end.message:
        say(f"gputui: {end.message}")
    return exit_status(end)


def exit_status(end: ShellEnd) -> int:
    """Return what a shell would make of the end of a remote one."""
    if end.signal is not None:
        number = getattr(signal, f"SIG{end.signal}", None)
        return FAILED if number is None else 128 + int(number)
    return FAILED if end.exit_status is None else end.exit_status
