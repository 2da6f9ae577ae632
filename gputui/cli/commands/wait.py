"""``gputui wait``: end when instances or deployments have a state, or when GPUs are idle in the stock."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from gputui.cli import arguments, refs, session
from gputui.cli.output import notify, write_json
from gputui.cli.waits.goals import UNTIL, Goal, Look, Outcome, status_of
from gputui.cli.waits.readiness import GpuLoads
from gputui.cli.waits.rows import SEARCHED, RowWait
from gputui.cli.waits.stock import StockWait, Wanted
from gputui.cli.waits.until import look_until, report_end, span_words
from gputui.errors import ConfigError, GputuiError
from gputui.models import GpuSample, Ref, Resource

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet

STOCK = "stock"
_TIMEOUT = 600.0
_IDLE_MINUTES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        "gputui wait REF... --for running|ssh|idle|gone|stopped [OPTION]...\n"
        "       gputui wait stock MODEL [--count N] [--region REGION] [--price PRICE] [OPTION]..."
    )
    parser.description = (
        "Wait until all instances or deployments have a state, or until GPUs of a model are idle in one region. "
        "The exit status is 0 when that is so, 1 when it never will be, 2 for wrong usage, 3 when it could not be "
        "read, 4 when the time is over."
    )
    parser.add_argument("words", nargs="+", metavar="REF", help=f"{arguments.REF_HELP}; or: stock MODEL")
    parser.add_argument("--for", dest="goal", choices=[goal.value for goal in Goal], help="the state of each REF")
    parser.add_argument(
        "--timeout",
        type=arguments.seconds_or_zero,
        default=_TIMEOUT,
        metavar="SPAN",
        help="how long at most: 30s, 90m, 6h; 0 looks once (default: 10m)",
    )
    parser.add_argument(
        "--idle-for",
        type=arguments.span,
        metavar="SPAN",
        help=f"with --for idle: how long the GPUs are to be idle (default: {_IDLE_MINUTES}m)",
    )
    parser.add_argument(
        "--appear",
        action="store_true",
        help="wait for a REF, by its full name, a model or region that is not there yet",
    )
    arguments.add_accounts(parser)
    parser.add_argument("--count", type=arguments.count, metavar="N", help="of stock: idle GPUs in one region (1)")
    parser.add_argument(
        "--region", action="append", default=[], dest="regions", metavar="REGION", help="of stock: only this region;"
        " may be given several times"
    )  # fmt: skip
    parser.add_argument(
        "--price", type=arguments.price, metavar="PRICE", help="of stock: at most so much for a GPU and hour"
    )
    arguments.add_output(parser, "ref", "json")


def run(args: argparse.Namespace) -> int:
    """Wait; the exit status says how it ended (docs/cli.md)."""
    _check(args)
    config = session.load(args)
    accounts = session.choose(config, args.accounts)
    if args.goal is None:
        wanted = Wanted(args.words[1], args.count or 1, tuple(args.regions), args.price, args.appear)
        looks = asyncio.run(_wait_for_stock(args, config, accounts, wanted))
        goal = "there"
    else:
        chosen = {name: accounts[name] for name in refs.accounts_for(args.words, list(accounts))}
        looks = asyncio.run(_wait_for_rows(args, config, chosen))
        goal = {"ssh": "ready for an SSH login"}.get(args.goal, args.goal)
    _print(args, looks)
    report_end(looks, goal, args.timeout)
    return status_of(looks)


def _check(args: argparse.Namespace) -> None:
    """Raise ConfigError for words and options that do not go together."""
    stock_only = [("--count", args.count), ("--region", args.regions), ("--price", args.price)]
    if args.goal is None:
        if args.words[0] != STOCK:
            raise ConfigError("wait needs --for running|ssh|idle|gone|stopped.", hint="Or: gputui wait stock MODEL")
        if len(args.words) != 2:
            raise ConfigError(
                "wait stock takes one model.", hint='Write one with a space in quotes: gputui wait stock "RTX 4090"'
            )
        if args.idle_for is not None:
            raise ConfigError("--idle-for belongs to --for idle.")
        return
    for option, value in stock_only:
        if value:
            raise ConfigError(f"{option} belongs to stock: gputui wait stock MODEL {option} …")
    if args.idle_for is not None and args.goal != Goal.IDLE:
        raise ConfigError("--idle-for belongs to --for idle.")
    if args.appear and args.goal in (Goal.GONE, Goal.STOPPED):
        raise ConfigError(f"--appear has no meaning with --for {args.goal}.")


async def _wait_for_rows(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account]) -> list[Look]:
    goal = Goal(args.goal)
    texts: Sequence[str] = list(dict.fromkeys(args.words))
    _announce(f"until {', '.join(texts)} {UNTIL[goal] if len(texts) == 1 else f'are all {goal}'}", args.timeout)
    begun = monotonic()
    if len(accounts) > 1:
        texts, accounts = await _narrow(args, accounts, texts, goal)
    left = max(1.0, args.timeout - (monotonic() - begun)) if args.timeout else 0.0
    fleet = session.new_fleet(accounts, polling=config.polling)
    try:
        fleet.poll(SEARCHED[goal], [Resource.GPUS] if goal is Goal.IDLE else [])
        known: Mapping[Ref, Sequence[GpuSample]] = {}
        if goal is Goal.IDLE:
            with session.open_history() as history:
                known = history.gpu_samples(tuple(accounts), fleet.now())
        loads = GpuLoads(fleet, timedelta(minutes=args.idle_for or _IDLE_MINUTES), known)
        async with session.shared_requests(fleet, config, args):
            await fleet.start()
            wait = RowWait(fleet, texts, goal, appear=args.appear, loads=loads)
            return await look_until(fleet.clock, wait.look, texts, left)
    finally:
        await _close(fleet)


async def _narrow(
    args: argparse.Namespace, accounts: Mapping[str, Account], texts: Sequence[str], goal: Goal
) -> tuple[Sequence[str], Mapping[str, Account]]:
    """Return the full Refs of what the texts name and their accounts: others need not be read again and again.

    Where that is not known yet, the texts and accounts as they are.
    """
    found: list[refs.Match] = []
    # Names that are not found are reported when they are looked for again.
    with suppress(TimeoutError, GputuiError):
        async with asyncio.timeout(args.timeout or None), session.open_fleet(accounts) as fleet:
            found = refs.resolve(texts, await session.read(fleet, SEARCHED[goal]), certain=True)
    if not found or (args.appear and not all(match.whole for match in found)):
        return texts, accounts
    refs.report_shortened(found)
    names = {match.ref.account for match in found}
    return [str(match.ref) for match in found], {name: accounts[name] for name in accounts if name in names}


async def _wait_for_stock(
    args: argparse.Namespace, config: Config, accounts: Mapping[str, Account], wanted: Wanted
) -> list[Look]:
    _announce(f"for {wanted.words}", args.timeout)
    fleet = session.new_fleet(accounts, polling=config.polling)
    try:
        fleet.poll([Resource.STOCK])
        async with session.shared_requests(fleet, config, args):
            await fleet.start()
            return await look_until(
                fleet.clock, StockWait(fleet, wanted, args.accounts).look, [wanted.words], args.timeout
            )
    finally:
        await _close(fleet)


def _announce(what: str, seconds: float) -> None:
    notify(f"Waiting {what}, " + (f"{span_words(seconds)} at most." if seconds else "with one look."))


async def _close(fleet: Fleet) -> None:
    if warning := fleet.clock_warning():
        notify(f"gputui: {warning}")
    await fleet.aclose()


def _print(args: argparse.Namespace, looks: list[Look]) -> None:
    """Print on stdout: with JSON each thing with its outcome and its last row, else the Refs of what was reached."""
    if args.output == "json":
        from gputui.models.serialize import to_plain

        write_json(
            [
                {
                    "ref": str(row.ref) if row is not None else look.subject,
                    "for": args.goal or STOCK,
                    "outcome": look.outcome.value,
                    "state": look.state,
                    "row": None if row is None else to_plain(row),
                }
                for look in looks
                for row in (look.rows or (None,))
            ],
            sys.stdout,
        )
        return
    if all(look.outcome is Outcome.REACHED for look in looks):
        for look in looks:
            names = [str(row.ref) for row in look.rows] or [look.subject]
            sys.stdout.write("".join(f"{name}\n" for name in names))
