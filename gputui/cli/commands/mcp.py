"""``gputui mcp``: the Model Context Protocol over stdio, for programs that use language models."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from gputui.cli import arguments, leases, rules, session
from gputui.cli.output import announce, notify
from gputui.cli.prompts import confirm, require_terminal
from gputui.config.paths import state_dir
from gputui.errors import ConfigError, ExitCode, NotFoundError
from gputui.extras import need_extra
from gputui.formatting import format_minutes, format_money
from gputui.models import Money
from gputui.own_name import own_name

if TYPE_CHECKING:
    from gputui.cli.mcp.reading import Reader
    from gputui.config.loader import Config

_BUDGET = re.compile(r"(\d{1,9}(?:\.\d{1,4})?)\s*([A-Za-z]{3})")


@arguments.described("an amount such as 20USD")
def money(text: str) -> Money:
    """Read an amount with its currency: ``20USD``."""
    found = _BUDGET.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return Money(Decimal(found[1]), found[2].upper())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve the Model Context Protocol on stdin and stdout; a client starts it. It changes nothing, unless it is "
        "started with --write: then changes are plans, each of which a person approves."
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("serve", "plans", "approve"),
        default="serve",
        help="serve a client (default), list the plans that wait for approval, or approve one",
    )
    parser.add_argument("plan", nargs="?", metavar="PLAN", help="with approve: the id of the plan")
    arguments.add_accounts(parser)
    parser.add_argument("--write", action="store_true", help="let the model prepare changes, for approval")
    parser.add_argument(
        "--budget",
        action="append",
        type=money,
        default=[],
        metavar="AMOUNT",
        help="with --write: the most that all plans of 24 hours may cost, such as 20USD; once for each currency",
    )
    parser.add_argument(
        "--lease",
        type=arguments.span,
        metavar="SPAN",
        help="with --write: after how long the agent ends what was created or started, such as 8h",
    )


def run(args: argparse.Namespace) -> int:
    """Serve the client at the other end of stdin and stdout until it ends, or list or approve plans."""
    if args.what == "plans":
        return _list()
    if args.what == "approve":
        return _approve(args)
    if args.plan is not None:
        raise ConfigError(f"{args.plan}: only approve takes a plan: gputui mcp approve {args.plan}")
    need_extra("gputui mcp", "mcp", "it")
    _check(args)
    config = session.load(args)
    session.choose(config, args.accounts)
    if sys.stdin.isatty():
        notify("gputui mcp speaks a protocol on stdin and stdout: a client starts it (docs/mcp.md). Ctrl+C ends it.")
    asyncio.run(_serve(config, args))
    return ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    """Raise ConfigError for options that do not go together, AgentError where leases could not be enforced."""
    if not args.write:
        if args.budget or args.lease:
            raise ConfigError("--budget and --lease are for a server with --write.")
        return
    if not args.budget or not args.lease:
        raise ConfigError(
            "--write needs a budget for 24 hours and a lease: what a model starts must end.",
            hint="gputui mcp --write --budget 20USD --lease 8h",
        )
    if args.read_only:
        raise ConfigError("--write and --read-only do not go together.")
    currencies = [one.currency for one in args.budget]
    if len(set(currencies)) < len(currencies):
        raise ConfigError("--budget is given twice for one currency.")
    from gputui.agent.start import refuse_where_off
    from gputui.cli.program import config_file

    refuse_where_off(state_dir(), config_file(args))


async def _serve(config: Config, args: argparse.Namespace) -> None:
    from gputui.cli.mcp.read_tools import ReadTools
    from gputui.cli.mcp.reading import Reader
    from gputui.cli.mcp.server import instructions, make_server, serve

    accounts = session.choose(config, args.accounts)
    with session.open_history() as history:
        fleet = session.new_fleet(accounts, history=history)
        try:
            await fleet.start()
            reader = Reader(fleet, config, history)
            if args.write:
                ended = await _serve_changes(args, reader)
            else:
                tools = ReadTools(reader, partial(rules.read, args)).tools()
                ended = await _until_ended(serve(make_server(tools, instructions())))
        finally:
            await fleet.aclose()
    if ended:
        os._exit(ExitCode.OK)  # a thread waits for a line of stdin, which may never come


async def _until_ended(serving: Coroutine[Any, Any, None]) -> bool:
    """Serve until the client has gone, or a signal ends it: True then."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    task, end = loop.create_task(serving), loop.create_task(ended.wait())
    await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
    end.cancel()
    if task.done():
        await task
        return False
    return True


async def _serve_changes(args: argparse.Namespace, reader: Reader) -> bool:
    from gputui.cli.mcp.budget import Budget
    from gputui.cli.mcp.changes import Writing
    from gputui.cli.mcp.leasing import Leasing
    from gputui.cli.mcp.plans import Desk, Plans
    from gputui.cli.mcp.read_tools import ReadTools
    from gputui.cli.mcp.server import CHANGES, instructions, make_server, serve
    from gputui.cli.mcp.write_tools import WriteTools

    desk, clock = Desk(state_dir()), reader.fleet.clock
    desk.prepare()
    plans = Plans(desk, clock.monotonic, clock.now)
    budget = Budget(args.budget, desk.folder, clock.now)
    leasing = Leasing(leases.book(args), args.lease, own_name(), partial(leases.ensure_agent, args))
    tools: list[Any] = [*ReadTools(reader, partial(rules.read, args)).tools()]
    writing = WriteTools(Writing(reader, plans, budget, leasing))
    tools += writing.tools()
    limits = " and ".join(format_money(one) for one in args.budget)
    text = instructions(CHANGES.format(lease=format_minutes(args.lease), budget=limits))
    try:
        return await _until_ended(serve(make_server(tools, text, plans)))
    finally:
        plans.close()
        await writing.finish()


def _list() -> int:
    """Print the plans that wait for approval."""
    from gputui.cli.mcp.plans import Desk

    now = datetime.now(UTC)
    waiting = Desk(state_dir()).waiting(now)
    for text in waiting:
        announce(f"{text.id}  {_left(text.expires, now)}  {text.question}")
    if not waiting:
        notify("No plan waits for approval.")
    return ExitCode.OK


def _approve(args: argparse.Namespace) -> int:
    """Show a plan, and approve it where the person says so."""
    from gputui.cli.mcp.plans import Desk

    if args.plan is None:
        raise ConfigError("approve needs the id of a plan: gputui mcp plans lists them.")
    require_terminal(dry_run=False)
    desk, now = Desk(state_dir()), datetime.now(UTC)
    text = desk.read(args.plan, now)
    lines: Sequence[str] = (f"Plan {text.id}, prepared by a language model; {_left(text.expires, now)}:", *text.lines)
    if not confirm(lines, question=text.question, typed=text.typed):
        notify("Nothing was approved.")
        return ExitCode.REFUSED
    if text.expires <= datetime.now(UTC):
        raise NotFoundError("The plan expired meanwhile. Nothing was approved.", hint="Let it be prepared again.")
    desk.approve(text)
    announce(f"{text.id}: approved. It is carried out when the model asks for that.")
    return ExitCode.OK


def _left(expires: datetime, now: datetime) -> str:
    seconds = max(0, int((expires - now).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02} left"
