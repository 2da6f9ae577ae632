"""The simulator of the demo on a thread, and its packages: an installation has them with the extra ``demo``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from threading import Thread

from gputui.errors import ConfigError
from gputui.extras import has_extra, need_extra


def has_simulator() -> bool:
    """Say whether the packages of the simulator are installed; imports none of them."""
    return has_extra("demo")


def need_simulator() -> None:
    """Raise ConfigError, with the command that installs them, where the packages of the simulator are missing."""
    need_extra("The simulator", "demo", "the demo")


@contextmanager
def simulator_in_thread(size: str, seed: int, speed: float, faults: str) -> Iterator[Callable[[], str]]:
    """Yield a function that starts a simulator and returns the configuration for it; raises what prevents the start.

    The simulator has a thread and a loop of its own, so that it never delays the screen; it ends with the context.
    """
    started: SimpleQueue[str | Exception] = SimpleQueue()
    stops: list[Callable[[], object]] = []

    async def serve() -> None:
        from gputui.sim.server import running_simulator

        end = asyncio.Event()
        async with running_simulator(size=size, seed=seed, speed=speed, faults=faults) as running:
            stops.append(partial(asyncio.get_running_loop().call_soon_threadsafe, end.set))
            started.put(running.config_toml())
            await end.wait()

    def run_it() -> None:
        try:
            asyncio.run(serve())
        except ValueError as error:
            started.put(ConfigError(f"The simulator has no such world: {error}."))
        except Exception as error:  # noqa: BLE001  (raised where the start is waited for)
            started.put(error)

    thread = Thread(target=run_it, name="simulator", daemon=True)

    def start() -> str:
        thread.start()
        answer = started.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    try:
        yield start
    finally:
        if thread.ident is not None:
            for stop in stops:
                stop()
            thread.join(timeout=5)
