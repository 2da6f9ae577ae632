"""The program on its simulator without a terminal: press keys, wait until all is there, take a picture."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from distribution.pictures.scenes import Scene, Shown
from distribution.pictures.svg import drawn_everywhere, lines_of
from gputui.cli.simulator import simulator_in_thread
from gputui.models import FeedState, HealthState

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from gputui.app.app import GputuiApp
    from gputui.fleet import Fleet

SEED = 1
"""The world of ``gputui demo``."""
_LOOK_SECONDS = 0.4
_ANSWERING = frozenset({HealthState.OK, HealthState.SLOW, HealthState.DEGRADED})


class NotShownError(Exception):
    """A picture is not complete in time; the message names what is missing."""


class Demo:
    """The running program. ``seconds`` is how long a picture is waited for.

    ``calm``: how long it is also waited for accounts that answer slowly, or not everything, to be as usual.
    """

    def __init__(self, app: GputuiApp, pilot: Pilot[int], *, seconds: float, calm: float) -> None:
        self._app = app
        self._pilot = pilot
        self._seconds = seconds
        self._calm = calm

    async def picture(self, scene: Scene) -> str:
        """Go to a scene and return its picture as SVG. Raises NotShownError."""
        from textual.pilot import WaitForScreenTimeout  # not before the environment is as wanted

        if self._app.size != scene.size:
            await self._pilot.resize_terminal(*scene.size)
        for key in scene.keys:
            if isinstance(key, Shown):
                await self._wait(scene, (key.text,), 0.0)
            else:
                with suppress(WaitForScreenTimeout):  # a busy machine; the words of the scene are awaited below
                    await self._pilot.press(key)
        return drawn_everywhere(await self._wait(scene, scene.shows, self._calm))

    async def _wait(self, scene: Scene, texts: Sequence[str], calm: float) -> str:
        """Return what Textual exports as soon as the accounts have answered and the screen has these texts."""
        begun = time.monotonic()
        while True:
            fleet, waited = self._app.session.fleet, time.monotonic() - begun
            missing = [*unanswered(fleet)]
            if not missing or waited > self._seconds:
                await self._app.draw()
                exported = self._app.export_screenshot(title=f"gputui: {scene.name}")
                lines = lines_of(exported)
                missing += _not_in(lines, texts)
                if not missing and (waited > calm or is_calm(fleet)):
                    return exported
                if missing and waited > self._seconds:
                    raise NotShownError(
                        f"{scene.name}: missing after {self._seconds:g} s: {'; '.join(missing)}.\n" + "\n".join(lines)
                    )
            await asyncio.sleep(_LOOK_SECONDS)


def unanswered(fleet: Fleet) -> Iterator[str]:
    """Yield which accounts are not open or do not answer, and which of the lists that they poll were not read."""
    for name, health in fleet.health().items():
        runtime = fleet.runtime(name)
        if runtime.opened is None:
            yield f"{name} is not open" if runtime.open_error is None else f"{name}: {runtime.open_error}"
            continue
        for resource, poller in runtime.pollers.items():
            if poller.active and (feed := runtime.feed(resource)).state is not FeedState.FRESH:
                yield f"{name}: {resource.value} not read" + (f" ({feed.error})" if feed.error else "")
        if health.state not in _ANSWERING:
            yield f"{name} is {health.state.value}" + (f" ({health.message})" if health.message else "")


def is_calm(fleet: Fleet) -> bool:
    """Say whether all accounts answer in full and as fast as usual."""
    return all(health.state is HealthState.OK and not health.message for health in fleet.health().values())


def _not_in(lines: Sequence[str], texts: Iterable[str]) -> Iterator[str]:
    return (f"{text!r} on the screen" for text in texts if not any(text in line for line in lines))


@asynccontextmanager
async def running_demo(*, seconds: float = 120.0, calm: float = 0.0) -> AsyncIterator[Demo]:
    """Run the program on the world of ``gputui demo`` while the context lasts."""
    from gputui.api import open_backend
    from gputui.app.app import GputuiApp
    from gputui.config.loader import load_config
    from gputui.config.paths import history_path
    from gputui.config.preview import UiSettings
    from gputui.fleet import Fleet
    from gputui.history.history import History

    with (
        tempfile.TemporaryDirectory(prefix="gputui-pictures-") as directory,
        simulator_in_thread("small", SEED, 1.0, "none") as start_simulator,
    ):
        state = Path(directory)
        path = state / "config.toml"
        path.touch(mode=0o600)
        path.write_text(await asyncio.to_thread(start_simulator), "utf-8")
        config = load_config(path)
        history = History(history_path(state))
        fleet = Fleet(
            config.accounts, open_backend=open_backend, history=history, polling=config.polling, state_dir=state
        )
        app = GputuiApp(
            fleet, UiSettings(utc=True, mouse=False), history=history, preferences=history.preferences("")
        )
        try:
            async with app.run_test(size=(120, 34)) as pilot:
                yield Demo(app, pilot, seconds=seconds, calm=calm)
                app.exit()
        finally:
            history.close()
