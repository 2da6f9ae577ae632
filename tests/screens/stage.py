"""The real app over scripted back ends and a clock that a test moves: press keys, let time pass, read the screen.

lab = FakeBackend("lab")
async with staged(lab) as stage:
    await stage.press("X")
    assert "Stop main" in stage.text
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.events import Key, Resize
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from gputui.app.app import GputuiApp
from gputui.config.preview import UiSettings
from gputui.errors import GputuiError
from gputui.fleet.notifications.settings import Settings
from gputui.history.history import History
from gputui.history.preferences import Preferences
from gputui.models.notifications import Topic
from gputui.screens.base.leases import SessionLeases
from gputui.screens.base.rules import SessionRules
from gputui.screens.base.view import View
from gputui.widgets.bars.header import HeaderBar
from gputui.widgets.bars.title import TitleBar
from gputui.widgets.table.table import RecordTable
from tests.fleet.fakes import START, FakeBackend, FakeClock, make_fleet, settle

DEADLINE = 10.0
_MOST_ROUNDS = 20
_CHARACTERS = {_character_to_key(character): character for character in " /:@-.!?<>[]_,;#'\"=+*\\&$(){}"}
NARROW, WIDE = (80, 24), (120, 40)


def _has_to_draw(screen: Screen[Any]) -> bool:
    return bool(
        screen._dirty_widgets
        or screen._repaint_required
        or screen._layout_required
        or screen._scroll_required
        or screen._callbacks
        or screen._recompose_required
    )


class _Drawing:
    """Counts what would have been written to the terminal."""

    number = 0


class Stage:
    """A running app."""

    def __init__(self, app: GputuiApp, pilot: Pilot[int], clock: FakeClock) -> None:
        self.app = app
        self.pilot = pilot
        self.clock = clock
        self._drawn: tuple[object, list[str]] | None = None

    @property
    def fleet(self) -> Any:
        """The fleet the app shows."""
        return self.app.session.fleet

    @property
    def lines(self) -> list[str]:
        """The screen as a terminal shows it, a line a text: drawn again after Textual has drawn something."""
        screen = self.app.screen
        state = screen, screen.size, _Drawing.number
        if self._drawn is None or self._drawn[0] != state or _has_to_draw(screen):
            visible_screen_stack.set(self.app._background_screens)
            strips = screen._compositor.render_strips()
            texts = ["".join(segment.text for segment in strip if not segment.control).rstrip() for strip in strips]
            self._drawn = state, texts
        return self._drawn[1]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    @property
    def view(self) -> View:
        """The view in front, under any dialog."""
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, View))

    @property
    def table(self) -> RecordTable[Any]:
        """The main table of the view."""
        return self.view.query_one("#table", RecordTable)

    @property
    def names(self) -> list[str]:
        """The ids of the rows in the main table, in their order."""
        return [ref.id for ref in self.table.visible_refs]

    @property
    def here(self) -> str:
        """The id of the row under the cursor of the main table."""
        ref = self.table.cursor_ref
        return "" if ref is None else ref.id

    @property
    def header(self) -> str:
        """The top line in full."""
        return self.view.query_one(HeaderBar).content.plain

    @property
    def title(self) -> str:
        """The title of the view, next to the bar of views or under it."""
        return self.view.query_one(TitleBar).caption.plain

    @property
    def body(self) -> list[str]:
        """The lines under the title."""
        return self.lines[1 + self.view.query_one(TitleBar).size.height :]

    @property
    def toasts(self) -> str:
        """The messages that are shown in passing, all of each."""
        return "\n".join(f"{note.title} {note.text}" for note in self.app.session.messages.live)

    @property
    def dialogs(self) -> list[str]:
        """The kinds of what is in front of the view, the lowest first."""
        return [type(screen).__name__ for screen in self.app.screen_stack if not isinstance(screen, View)]

    @property
    def in_dialog(self) -> bool:
        """Whether a dialog is in front of the view."""
        return not isinstance(self.app.screen, View)

    def ended(self) -> bool:
        """Whether the app is on its way out."""
        return self.app._exit

    def line_of(self, text: str) -> str:
        """Return the first line that contains ``text``: under the title, which has messages of rows, else in it."""
        return next((line for line in (*self.body, *self.lines) if text in line), "")

    async def press(self, *keys: str) -> None:
        """Press keys, and let what each causes happen before the next."""
        for name in keys:
            self._send(name)
            await self.settle()

    async def burst(self, *keys: str) -> None:
        """Press keys all at once, as they come over a slow link or from a paste, then let it all happen."""
        for name in keys:
            self._send(name)
        taken = asyncio.Event()
        self.app.call_later(taken.set)
        await asyncio.wait_for(taken.wait(), DEADLINE)
        await self.settle()

    def _send(self, name: str) -> None:
        driver = self.app._driver
        assert driver is not None
        key = name if len(name) > 1 or name.isalnum() else _character_to_key(name)
        character = _CHARACTERS.get(key, key if len(key) == 1 else None)
        event = Key(key, character)
        event.set_sender(self.app)
        driver.send_message(event)

    async def type(self, text: str) -> None:
        """Type a text, as fast as fingers that do not wait."""
        await self.burst(*text)

    async def command(self, text: str) -> None:
        """Give a command in the command bar."""
        await self.burst("colon", *text, "enter")

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        size = Size(width, height)
        if size != self.app.size:
            driver: Any = self.app._driver
            driver._size = size
            self.app.post_message(Resize(size, size))
            await self.settle()
            self.app._check_resize()  # what a timer does, once the terminal has kept its size for a moment
            await self.settle()

    async def settle(self) -> None:
        """Let everything that needs neither time nor a thread happen, and be drawn.

        Pilot waits for the process to be idle, on the clock: too slow for many keys, and unsure on a busy machine.
        """
        for _ in range(_MOST_ROUNDS):
            await settle()
            if not _has_to_draw(self.app.screen):
                break
            self.app.screen._on_timer_update()

    async def advance(self, seconds: float) -> None:
        """Let time pass for the fleet."""
        await self.clock.advance(seconds)
        await self.settle()

    async def opened(self) -> None:
        """Wait until every back end is open (a thread does that), or known not to open, and has been asked."""

        def done() -> bool:
            runtimes = [self.fleet.runtime(name) for name in self.fleet.accounts]
            return all(runtime.opened is not None or runtime.may_open_again for runtime in runtimes)

        await self.until(done, "an open back end")
        await self.advance(0)

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait for something that a thread does."""
        end = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"{what or 'it'} never came; the screen:\n{self.text}\ntoasts: {self.toasts}")
            await asyncio.sleep(0.001)
            await self.settle()

    async def until_text(self, text: str) -> None:
        """Wait until the screen shows a text."""
        await self.until(lambda: text in self.text, repr(text))


def make_app(
    clock: FakeClock,
    *backends: FakeBackend,
    state_dir: Path,
    history: History | None = None,
    read_only: bool = False,
    unopenable: dict[str, GputuiError] | None = None,
    ui: UiSettings | None = None,
    report: Callable[[BaseException], Path] | None = None,
    preferences: Preferences | None = None,
    notify: Collection[Topic] = (Topic.STOCK,),
    start: str = "instances",
    leases: SessionLeases | None = None,
    rules: SessionRules | None = None,
) -> GputuiApp:
    """Return the app, not run, over a fleet that it starts itself; times are UTC."""
    clock.waits_for_threads = False  # what a screen shows meanwhile is looked at, and then waited for (Stage.until)
    fleet = make_fleet(
        clock, *backends, history=history, read_only=read_only, unopenable=unopenable, state_dir=state_dir
    )
    fleet.restore()
    fleet.notify = Settings(frozenset(notify))
    settings = replace(ui or UiSettings(utc=True, mouse=False), start=start)
    app = GputuiApp(
        fleet, settings, history=history, report=report, preferences=preferences, leases=leases, rules=rules
    )
    app.animation_level = "none"
    # Textual draws nothing for 50 ms after another view comes in front: time that no test should have to wait for.
    app.delay_update = lambda delay=0.0: None  # type: ignore[method-assign]
    return app


@contextmanager
def drawn_when_read() -> Iterator[None]:
    """Draw a screen where a test reads or photographs it, not after each change: no terminal shows those.

    Drawing is a third of the time of a test with an app in it.
    """
    render_update = Compositor.render_update

    def skip_update(
        compositor: Compositor, full: bool = False, screen_stack: Any = None, simplify: bool = False
    ) -> Any:
        if full:
            return render_update(compositor, full, screen_stack, simplify)
        _Drawing.number += 1
        compositor._dirty_regions.clear()
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", skip_update)
        yield


@asynccontextmanager
async def staged(
    *backends: FakeBackend,
    size: tuple[int, int] = WIDE,
    view: str = "",
    clock: FakeClock | None = None,
    state_dir: Path | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """Run the app over these back ends; ``view`` is the key of the view to begin with."""
    clock = clock or FakeClock()
    app = make_app(clock, *backends, state_dir=state_dir or Path("/nonexistent/gputui"), **options)
    with drawn_when_read():
        async with app.run_test(size=size, notifications=True) as pilot:
            stage = Stage(app, pilot, clock)
            await stage.opened()
            if view:
                await stage.press(view)
                await stage.advance(0)
            yield stage
            if not stage.ended():
                assert stage.lines  # that the last state can be drawn


# --- time -------------------------------------------------------------------------------------------------------


class _StillTime(datetime):
    """A clock on the wall that has stopped at the fleet's first moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return START.astimezone(tz or UTC)


def stop_the_clock(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Make ages and times of day the same in every run; also in these modules."""
    for module in ("gputui.formatting", "gputui.presentation.columns.context", *modules):
        monkeypatch.setattr(f"{module}.datetime", _StillTime)


_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def unsafe_on(stage: Stage) -> list[str]:
    """Return the lines of the screen that contain what could act on a terminal."""
    return [line for line in stage.lines if _UNSAFE.search(line)]
