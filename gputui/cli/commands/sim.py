"""``gputui sim``: the simulator by itself; and the simulator on a thread, for the demo."""

from __future__ import annotations

import argparse
import asyncio
import queue
import signal
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from gputui.cli.output import say
from gputui.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from gputui.sim.server import Running


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; the configuration for it goes to stdout as soon as it can be used."""
    try:
        asyncio.run(_serve(args))
    except ValueError as error:
        raise ConfigError(f"The simulator has no such world: {error}.") from None
    except OSError as error:
        raise ConfigError(
            f"The simulator cannot listen on the ports from {args.port} on: {error.strerror or error}.",
            hint="Take others: gputui sim --port 9700",
        ) from None
    return ExitCode.OK


async def _serve(args: argparse.Namespace) -> None:
    from gputui.sim.server import serve

    variants = {"pody": args.release or "", "gpuhub": args.clouds or ""}
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
        await serve(
            args.port,
            size=args.size,
            seed=args.seed,
            speed=args.speed,
            faults=args.faults or "none",
            variants=variants,
            ready=_announce,
        )
    except asyncio.CancelledError:
        if not ended:
            raise


def _announce(running: Running) -> None:
    sys.stdout.write(running.config_toml())
    sys.stdout.flush()
    say("The simulator runs until Ctrl+C. Save the above with mode 0600 and name the file in GPUTUI_CONFIG.")


class SimulatorThread:
    """A simulator on a thread and loop of its own, on free ports, so that it never holds up the screen's loop."""

    def __init__(self, *, size: str, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._started: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def __enter__(self) -> SimulatorThread:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout=5)

    def start(self) -> str:
        """Start it, wait until it serves, and return a configuration for it. Raises what keeps it from starting."""
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        answer = self._started.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  (told to whoever waits in start)
            self._started.put(error)

    async def _serve(self) -> None:
        from gputui.sim.server import running_simulator

        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with running_simulator(size=self._size, seed=self._seed) as running:
            self._started.put(running.config_toml())
            await self._end.wait()
