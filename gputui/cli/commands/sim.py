"""``gputui sim``: the simulator alone, on ports of this machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from gputui.cli import arguments
from gputui.cli.output import notify
from gputui.cli.simulator import need_simulator
from gputui.errors import ConfigError, ExitCode, reason_of

if TYPE_CHECKING:
    from gputui.sim.server import Running


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve simulated back ends on loopback ports, print a configuration for them, run until ended."
    )
    arguments.add_world(parser)
    parser.add_argument("--port", type=arguments.local_port, default=8700, help="the first port (default: 8700)")
    parser.add_argument("--release", metavar="VERSION", help="release of the simulated pody server")
    parser.add_argument("--clouds", metavar="SET", help="other clouds than the usual ones; see docs/simulator.md")
    parser.add_argument("--hosts", metavar="SET", help="more hosts than the usual ones; see docs/simulator.md")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; the configuration for it goes to stdout as soon as it can be used."""
    need_simulator()
    try:
        asyncio.run(_serve(args))
    except ValueError as error:
        raise ConfigError(f"The simulator has no such world: {error}.") from None
    except OSError as error:
        raise ConfigError(
            f"The simulator cannot listen on the ports from {args.port} on: {reason_of(error)}.",
            hint="Use other ports: gputui sim --port 9700",
        ) from None
    return ExitCode.OK


async def _serve(args: argparse.Namespace) -> None:
    from gputui.sim.server import running_simulator

    variants = {"pody": args.release or "", "gpuhub": args.clouds or "", "ssh": args.hosts or ""}
    serving = asyncio.current_task()
    assert serving is not None  # noqa: S101  (a coroutine that runs has its task)
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        serving.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        async with running_simulator(
            args.port,
            size=args.size,
            seed=args.seed,
            speed=args.speed,
            faults=args.faults,
            variants=variants,
        ) as running:
            _announce(running)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not ended:
            raise


def _announce(running: Running) -> None:
    sys.stdout.write(running.config_toml())
    sys.stdout.flush()
    for problem in running.problems:
        notify(f"gputui: {problem}")
    notify("The simulator runs until Ctrl+C. Save the above with mode 0600 and name the file in GPUTUI_CONFIG.")
