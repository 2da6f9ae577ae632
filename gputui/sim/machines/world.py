"""The simulated world: its hosts, and a clock with scheduled events."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from .clock import WorldClock
from .containers import Pod
from .hosts import Host, Network, NumbersOnly
from .nodes import TOTAL_LIMIT, Space

_RESTART_SECONDS = (4.0, 9.0)


class World:
    """All hosts and their clock. Call :meth:`advance` before reading: it catches up with the clock.

    The same seed, clock readings and calls produce the same world.
    """

    def __init__(self, clock: WorldClock, *, seed: int = 0, network: Network | None = None) -> None:
        self.clock = clock
        self.rng = random.Random(seed)  # noqa: S311  a pretend world has no secrets
        self.network: Network = network or NumbersOnly()
        self.space = Space(TOTAL_LIMIT)
        self.hosts: dict[str, Host] = {}
        self.time = self.started = clock.now()
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, event: Callable[[], object]) -> None:
        """Schedule an event, in world seconds from now."""
        heapq.heappush(self._agenda, (self.time + seconds, next(self._order), event))

    def soon(self, seconds: float, event: Callable[[], object]) -> None:
        """Schedule an event as :meth:`after`; in a frozen world it occurs at the next opportunity."""
        self.after(seconds if self.clock.speed else 0, event)

    async def elapse(self, seconds: float) -> None:
        """Let world seconds pass."""
        await self.clock.sleep(seconds)
        self.advance()

    def repeat(self, event: Callable[[], None], mean: float, rng: random.Random) -> None:
        """Schedule an event repeatedly, ``mean`` world seconds apart on average."""

        def occur() -> None:
            event()
            self.repeat(event, mean, rng)

        self.after(rng.uniform(0.5, 1.5) * mean, occur)

    def advance(self) -> float:
        """Catch up with the clock; the world time reached, in epoch seconds."""
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            self.time, _, event = heapq.heappop(self._agenda)
            event()
        self.time = max(self.time, now)
        return self.time

    def restart_by_itself(self, host: Host, pod: Pod) -> None:
        """Restart a pod as after a crash: it ends, and its restart policy starts it some seconds later."""
        host.stop(pod, "restarting")

        def back() -> None:
            if host.pods.get(pod.name) is pod and pod.status == "restarting":
                host.start(pod)

        self.after(host.rng.uniform(*_RESTART_SECONDS), back)
