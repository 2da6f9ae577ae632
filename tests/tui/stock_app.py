"""The program over a cloud whose time is stopped, for what the stock writes to a terminal.

``python -m tests.tui.stock_app``: 12 regions of 30 models; each SIGUSR1 changes one number, each SIGUSR2 all.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

from gputui.models import Offer, Resource
from tests.fleet.fakes import FakeClock
from tests.screens.stage import make_app
from tests.screens.world import GIB, backend, offer

REGIONS, MODELS = 12, 30


def offers() -> list[Offer]:
    """Return what is idle at first."""
    return [
        offer("hub", f"GPU {model:02}", (model * region) % 60, 64, region=f"region{region:02}", gpu_memory=32 * GIB)
        for region in range(REGIONS)
        for model in range(MODELS)
    ]


async def main() -> None:
    """Run it until it is left."""
    clock, hub = FakeClock(), backend("hub", stock=offers())
    app = make_app(clock, hub, state_dir=Path("/nonexistent/gputui"))
    work: set[asyncio.Task[None]] = set()

    def change(*, every: bool) -> None:
        hub.rows[Resource.STOCK] = [
            replace(row, idle=((row.idle or 0) + 1) % 60) if every or number == 2 * MODELS + 5 else row
            for number, row in enumerate(hub.rows[Resource.STOCK])
            if isinstance(row, Offer)
        ]
        work.add(asyncio.create_task(clock.advance(6)))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: change(every=False))
    loop.add_signal_handler(signal.SIGUSR2, lambda: change(every=True))
    await app.run_async(mouse=False)


if __name__ == "__main__":
    asyncio.run(main())
