"""Keys one after the other: what one of them opens or focuses gets the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual.app import App
from textual.events import Event, Key
from textual.widget import Widget
from textual.widgets import Input

from gputui.app.early_keys import EarlyKeys
from gputui.screens import dialogs
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.widgets.textual_internals import draw_now, run_binding

_READY_SECONDS = 0.5
_READY_TRIES = 100
_TURNS = 40
_TURNS_BEFORE_A_FRAME = 8
_REPEAT_SECONDS = 0.3


class KeyOrder:
    """Carries out a key before the next one is looked at.

    Textual passes a key down to the widget in focus and back up before it looks for its binding; keys typed ahead
    meanwhile go where the focus was before. Here ``/`` and the letters behind it must not part ways: a letter that
    misses its text would be a command. ``pass_on`` is Textual's own way for an event.
    """

    def __init__(self, app: App[int], session: Session, pass_on: Callable[[Event], Awaitable[None]]) -> None:
        self._app = app
        self._pass_on = pass_on
        self.early = EarlyKeys(session)
        self.typed_at = 0.0
        """When the key was pressed that is handled now, as time.monotonic() has it."""
        self._closed_by = ""
        self._closed_at = 0.0

    async def take(self, event: Key, *, at_once: bool) -> None:
        """Carry out a key; unless ``at_once`` it may have to wait until its account is open."""
        await self._until_ready()
        await self.carry_out_early()
        if at_once or not self.early.add(event, self._view_with_keys()):
            await self._carry_out(event)

    async def carry_out_early(self) -> None:
        """Carry out keys typed before that was possible, where the same row is still under the cursor."""
        keys, dropped = self.early.take(self._view_with_keys())
        if dropped:
            text = "Keys typed before the accounts were open are ignored: another row is under the cursor now."
            self._app.notify(text, severity="warning", markup=False, timeout=8)
        for key in keys:
            await self._carry_out(key)

    def _view_with_keys(self) -> View | None:
        """Return the view that keys go to; None where a dialog or a line of text has them."""
        screen = self._app.screen
        return screen if isinstance(screen, View) and not isinstance(self._app.focused, Input) else None

    async def _carry_out(self, event: Key) -> None:
        await self._until_ready()
        self.typed_at = event.time
        closed_by, self._closed_by = self._closed_by, ""
        if closed_by == event.key and event.time - self._closed_at < _REPEAT_SECONDS:
            return  # the second press was meant for what the first one closed
        before = self._app.screen
        await self._in_order(event)
        if isinstance(before, dialogs.Dialog) and isinstance(self._app.screen, View):
            self._closed_by, self._closed_at = event.key, event.time

    async def _in_order(self, event: Key) -> None:
        app, focused = self._app, self._app.focused
        if isinstance(focused, Input):
            done = await run_binding(app, event.key, priority=True)
            # A key that is no text would come back here from the field, behind the keys typed ahead.
            if not done and (event.is_printable or not await run_binding(app, event.key)):
                await self._pass_on(event)
                await self._until_taken(focused)
            await self._take_turns()
            return
        # What follows from a key, the footer too, is drawn in one frame, and at once: Textual's own would come at its
        # next tick, up to 16 ms later, the rest at the one after that. Keys that wait share the frame of the last.
        with app.batch_update():
            done = await run_binding(app, event.key, priority=True) or await run_binding(app, event.key)
            if done:
                await self._take_turns()
        if done and not app.message_queue_size:
            draw_now(app.screen)
        else:
            app.screen.check_idle()
        if not done:
            await self._pass_on(event)
            if focused is not None:
                await self._until_taken(focused)
                await self._take_turns()

    async def _until_ready(self) -> None:
        """Wait, not for long, until the screen in front has its widgets."""
        for _ in range(_READY_TRIES):
            if self._app.screen.is_mounted:
                return
            await asyncio.sleep(_READY_SECONDS / _READY_TRIES)

    async def _take_turns(self) -> None:
        """Let what a key has started, in workers and by messages, open its dialog or move the focus.

        As long as it takes when more keys wait; else the frame should not wait for it.
        """
        for turn in range(_TURNS):
            if turn >= _TURNS_BEFORE_A_FRAME and not self._app.message_queue_size:
                return
            await asyncio.sleep(0)

    @staticmethod
    async def _until_taken(widget: Widget) -> None:
        """Wait until a widget has handled the keys it was given."""
        taken = asyncio.Event()
        if widget.call_later(taken.set):
            with suppress(TimeoutError):
                await asyncio.wait_for(taken.wait(), _READY_SECONDS)
