"""``--keep-trying``: a create or a start that finds no stock is sent again until a time, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.output import notify, report_error
from gputui.errors import ConfigError, ExitCode, NoStockError
from gputui.formatting import format_duration
from gputui.models import Money
from gputui.models.attempts import AttemptState

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.attempts import Attempt

Begin = Callable[[datetime, Money | None], "Attempt"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--keep-trying",
        type=arguments.span,
        metavar="SPAN",
        help="where there is no stock, send it again every 30 s for so long (90m, 6h, 7d), until Ctrl+C",
    )
    parser.add_argument(
        "--max-price",
        type=arguments.price,
        metavar="PRICE",
        help="with --keep-trying: stop again what turns out to cost more for an hour",
    )


def check(args: argparse.Namespace) -> None:
    """Raise ConfigError for options that have no effect, or a time that is too long."""
    if args.max_price is not None and args.keep_trying is None:
        raise ConfigError("--max-price has no effect without --keep-trying.")
    if args.keep_trying is not None:
        from gputui.fleet.attempts import LONGEST

        if timedelta(minutes=args.keep_trying) > LONGEST:
            raise ConfigError(f"--keep-trying can be {LONGEST.days}d at most.")


async def keep_trying(
    args: argparse.Namespace, fleet: Fleet, account: str, error: NoStockError, begin: Begin
) -> tuple[ExitCode, Attempt | None]:
    """Try again until it succeeds or the time is over, and report each answer on stderr.

    The status is that of the answer that ended it: of an unknown outcome as well.
    """
    status = report_error(error)
    if args.keep_trying is None:
        notify("--keep-trying 2h sends it again every 30 s.")
        return status, None
    price = args.max_price
    limit = None if price is None else Money(price, fleet.runtime(account).config.currency)
    over = asyncio.Event()
    attempt = begin(fleet.clock.now() + timedelta(minutes=args.keep_trying), limit)

    def changed(one: Attempt) -> None:
        if one is not attempt:
            return
        if one.over:
            over.set()
        elif one.tries and one.state is AttemptState.WAITING:
            left = (one.until - fleet.clock.now()).total_seconds()
            notify(f"try {one.tries}: {one.answer} {format_duration(left)} left.")
        elif one.state is AttemptState.CHECKING:
            notify(f"try {one.tries}: {one.answer} The price is being read.")

    remove = fleet.work.attempts.listeners.add(changed)
    try:
        await over.wait()
    except asyncio.CancelledError:
        await fleet.work.attempts.aclose()  # a request under way has an unknown outcome, which is reported
        raise
    finally:
        remove()
    notify(f"The time is over: {attempt.answer}" if attempt.state is AttemptState.EXPIRED else attempt.answer)
    if attempt.state is AttemptState.DONE:
        return ExitCode.OK, attempt
    return status if attempt.error is None else attempt.error.exit_code, attempt
