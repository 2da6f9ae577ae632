"""``gputui mcp``: the Model Context Protocol over stdio, for programs that use language models."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from gputui.cli import arguments, session
from gputui.cli.extras import need_packages
from gputui.cli.output import notify
from gputui.errors import ExitCode

if TYPE_CHECKING:
    from gputui.config.loader import Config

_PACKAGES = ("mcp",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve the Model Context Protocol on stdin and stdout. A client starts it; it changes nothing."
    )
    arguments.add_accounts(parser)


def run(args: argparse.Namespace) -> int:
    """Serve the client at the other end of stdin and stdout until it ends."""
    need_packages("gputui mcp", "mcp", _PACKAGES, "it")
    config = session.load(args)
    session.choose(config, args.accounts)
    if sys.stdin.isatty():
        notify("gputui mcp speaks a protocol on stdin and stdout: a client starts it (docs/mcp.md). Ctrl+C ends it.")
    try:
        asyncio.run(_serve(config, args))
    except KeyboardInterrupt:
        return ExitCode.OK
    return ExitCode.OK


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
            await serve(make_server(ReadTools(reader).tools(), instructions()))
        finally:
            await fleet.aclose()
