"""``gputui ssh`` and ``gputui forward``: into an instance from the shell, by login or by port."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.api.capabilities import Backend, CanLogin
from gputui.cli import prompts, refs, report_error, session
from gputui.cli.commands.lifecycle import note_shortened
from gputui.cli.output import say
from gputui.cli.prompts import ask_secret, yes
from gputui.cli.signals import until_interrupted
from gputui.config.paths import known_hosts_path, state_dir
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError
from gputui.known_secrets import note
from gputui.models import Ref, Resource, Secret, SSHTarget

if TYPE_CHECKING:
    from gputui.config.loader import Config
    from gputui.ssh.client import Connection
    from gputui.ssh.credentials import SecretQuestion
    from gputui.ssh.known_hosts import HostKeyQuestion, KnownHosts
    from gputui.ssh.shell import ShellEnd

FAILED = 255
"""The exit status when there was no session or it broke, as ssh(1) has it."""


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
        say(f"This leads to port {remote} of {name_of_host(connection.endpoint.host_id)} until Ctrl+C.")
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
    async with session.backends(accounts) as opened:
        listing = await session.list_rows(opened, Resource.INSTANCES)
        listing.report()
        matches = await refs.resolve_among(
            [text],
            listing,
            (Resource.INSTANCES,),
            lambda resources: session.list_several(opened, resources),
            only="only instances can be logged into",
        )
        note_shortened(matches)
        ref = matches[0].ref
        if forget:
            _forget(hosts, str(ref))
        try:
            return await connect(config, ref, opened[ref.account], hosts)
        except GputuiError as error:
            report_error(error)
            return None


async def connect(config: Config, ref: Ref, backend: Backend | GputuiError, hosts: KnownHosts) -> Connection:
    """Log into an instance, asking at the terminal what there is to ask. Raises GputuiError."""
    from gputui.config.loader import ssh_login
    from gputui.fleet.logins import Logins
    from gputui.ssh import client
    from gputui.ssh.known_hosts import host_id_of

    if isinstance(backend, GputuiError):
        raise backend
    if not isinstance(backend, CanLogin):
        raise SshError(f"{ref}: its back end tells no address to log in at.")
    login = ssh_login(config.accounts[ref.account])
    with session.open_history() as history:
        logins = Logins(history)
        user = ""

        async def target() -> SSHTarget:
            found = await logins.complete(ref, await backend.ssh_target(ref))
            return found if found.user else replace(found, user=user)

        first = await target()
        if not login.user_of(first):
            user = _ask_user(ref)
            first = await target()
        with _progress() as progress:
            connection = await client.connect(
                first,
                login,
                host_id=host_id_of(ref, first),
                hosts=hosts,
                ask=_ask_host_key,
                ask_secret=_ask_secret,
                progress=progress,
                refetch=target,
            )
        if user:
            await logins.remember(ref, first.made, user)
        return connection


def _ask_user(ref: Ref) -> str:
    """Ask who logs in, where neither the back end nor the configuration tells."""
    missing = SshError(
        f"{ref}: its back end does not tell who may log in.",
        hint=f"Log in once with gputui ssh {ref}, or set ssh.user in [accounts.{ref.account}].",
    )
    if not prompts.interactive():
        raise missing
    sys.stderr.write("\r\x1b[K")
    with _interruptible():
        try:
            user = prompts.ask(f"User name in {ref.id}")
        except EOFError:
            user = ""
    if not user:
        raise missing
    return user


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


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show where the login is, in one line that is gone when it is done."""

    def show(text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        show("")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl+C end a question: the loop's own handler would only take effect after the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _ask_host_key(question: HostKeyQuestion) -> bool:
    if prompts.interactive():
        sys.stderr.write("\r\x1b[K")
    say(question.describe())
    if not prompts.interactive():
        say("Nobody is there to say whether to trust it: log in once with gputui ssh.")
        return False
    with _interruptible():
        try:
            return yes("Trust it from now on?")
        except EOFError:
            return False


async def _ask_secret(question: SecretQuestion) -> Secret | None:
    if not prompts.interactive():
        return None
    sys.stderr.write("\r\x1b[K")
    with _interruptible():
        try:
            answer = ask_secret(question.prompt.rstrip(": "))
        except EOFError:
            return None
    if not answer:
        return None
    note(answer)
    return Secret(answer)
