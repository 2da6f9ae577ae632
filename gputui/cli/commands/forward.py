"""``gputui forward``: ports of this machine forwarded to an instance, until Ctrl+C."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from gputui.cli import arguments, refs, session
from gputui.cli.output import format_table, notify, report_error
from gputui.cli.signals import until_interrupted
from gputui.cli.ssh_login import FAILED, connect
from gputui.errors import ExitCode, GputuiError
from gputui.formatting import counted, format_bytes
from gputui.models import Action, Instance, Resource
from gputui.models.forwards import LOOPBACK, ForwardSpec
from gputui.presentation.refusals import only_text
from gputui.presentation.service_ports import service_ports

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet
    from gputui.fleet.forwards import Forwards, Link, OpenForward
    from gputui.ssh.client import Connection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_ref(parser)
    parser.add_argument(
        "ports",
        nargs="*",
        default=[],
        type=arguments.ports,
        metavar="[LOCAL:]PORT",
        help="a port of the instance; before it, this machine's (default: any free); without one, list known ports",
    )
    parser.add_argument(
        "-D",
        "--socks",
        nargs="?",
        type=arguments.local_port,
        const=0,
        metavar="PORT",
        help="a SOCKS5 proxy whose connections start in the instance, on this port (default: any free)",
    )
    parser.add_argument(
        "--bind",
        type=arguments.address,
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"listen on this address of this machine (default: {LOOPBACK}, for this machine alone)",
    )
    parser.add_argument("--no-reconnect", action="store_true", help="end when the connection is lost")


def run(args: argparse.Namespace) -> int:
    """Forward until interrupted; without a port list those that are known."""
    accounts = refs.accounts(args, [args.ref])
    specs = [ForwardSpec(remote, local, args.bind) for local, remote in args.ports]
    if args.socks is not None:
        specs.append(ForwardSpec(None, args.socks, args.bind))
    if not specs:
        return asyncio.run(_list(accounts, args.ref))
    with until_interrupted():
        return asyncio.run(_forward(accounts, args.ref, specs, reconnects=not args.no_reconnect))


async def _find(fleet: Fleet, text: str) -> Instance:
    matches, _ = await refs.find(
        fleet, [text], [Resource.INSTANCES], only=only_text(Action.SSH, "instances"), login=True
    )
    refs.report_shortened(matches)
    return cast(Instance, matches[0].row)  # the only kind that was looked for


async def _list(accounts: Mapping[str, Account], text: str) -> int:
    from gputui.fleet.forwards import refuse_container

    async with session.open_fleet(accounts) as fleet:
        instance = await _find(fleet, text)
        refuse_container(instance)
        rows = [(str(one.port), one.service, one.source) for one in service_ports(instance)]
        sys.stdout.write(format_table(("PORT", "SERVICE", "SOURCE"), rows, right=frozenset({0})))
    return ExitCode.OK


async def _forward(
    accounts: Mapping[str, Account], text: str, specs: Sequence[ForwardSpec], *, reconnects: bool
) -> int:
    from gputui.fleet.forwards import Forwards

    async with session.open_fleet(accounts) as fleet:
        instance = await _find(fleet, text)

        def login(one: Instance) -> AbstractAsyncContextManager[Connection]:
            """Lease a connection; each login may ask: the user is at the terminal."""
            return fleet.connections.lease(one, partial(connect, fleet, one))

        forwards = Forwards(login, fleet.get, fleet.clock)
        try:
            opened = await forwards.open(instance, specs, login(instance))
            return await _serve(forwards, opened, reconnects=reconnects)
        except GputuiError as error:
            report_error(error)
            return FAILED
        finally:
            await forwards.aclose()


async def _serve(forwards: Forwards, opened: Sequence[OpenForward], *, reconnects: bool) -> int:
    try:
        for one in opened:
            sys.stdout.write(f"{one.forward.local}\n")
            sys.stdout.flush()
            _introduce(one)
        bind = opened[0].forward.spec.bind
        if not ip_address(bind).is_loopback:
            notify(f"gputui: {bind} is open to other machines: they reach the instance through it without a login.")
        reports = Reports(opened, reconnects=reconnects)
        forwards.listeners.add(reports.take)
        reports.take(opened[0].link)
        await reports.ended.wait()
        return FAILED
    finally:
        notify(totals(opened))


def _introduce(one: OpenForward) -> None:
    spec, local, name = one.forward.spec, one.forward.local, one.forward.name
    if spec.remote_port is None:
        notify(f"{local} is a SOCKS5 proxy through {name} until Ctrl+C.")
    else:
        notify(f"{local} forwards to port {spec.remote_port} of {name} until Ctrl+C.")


def totals(opened: Sequence[OpenForward]) -> str:
    """Return the traffic of forwards in one line."""
    forwards = [one.forward for one in opened]
    sent, received = (sum(getattr(one, each) for one in forwards) for each in ("sent", "received"))
    connections = counted(sum(one.opened for one in forwards), "connection")
    return f"gputui: {connections}, {format_bytes(sent)} sent, {format_bytes(received)} received."


class Reports:
    """Prints each change of a link, and each new failure of a connection; ``ended`` when there will be no more."""

    def __init__(self, opened: Sequence[OpenForward], *, reconnects: bool) -> None:
        self.ended = asyncio.Event()
        self._opened = opened
        self._reconnects = reconnects
        self._lost = ""
        self._failed = dict.fromkeys(opened, "")

    def take(self, link: Link) -> None:
        """Print what is new of a link."""
        lost = "" if link.error is None else str(link.error)
        if lost != self._lost:
            ends = link.failed or not self._reconnects
            notify(f"gputui: {lost}{'' if ends else ' Connecting again …'}" if lost else "gputui: connected again.")
            self._lost = lost
        if lost and (link.failed or not self._reconnects):
            self.ended.set()
        for one in self._opened:
            if (error := one.forward.error) != self._failed[one]:
                self._failed[one] = error
                notify(f"gputui: {one.forward.local}: {error}")
