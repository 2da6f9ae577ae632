"""Every private part of Textual that gputui depends on.

It is among the widgets because they are the lowest layer that uses Textual; screens and the app import it from here.
What can only be used from inside a subclass is used there and named in ``PRIVATE``. tests/widgets/
test_textual_internals.py compares both with the installed Textual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import Input, Select, TextArea
from textual.worker import Worker, WorkerState
from textual.worker_manager import WorkerManager

T = TypeVar("T")

PRIVATE: Final[Mapping[type[Any], tuple[str, ...]]] = {
    App: (
        "_bindings",
        "_check_bindings",
        "_clipboard",
        "_close_messages_no_wait",
        "_context",
        "_dispatch_action",
        "_display",
        "_driver",
        "_exception",
        "_exit",
        "_exit_renderables",
        "_fatal_error",
        "_handle_exception",
        "_notifications",
        "_unnotify",
        "_workers",
    ),
    Screen: ("_on_timer_update",),
    MessagePump: ("_on_message",),
    LinuxDriver: (
        "_app",
        "_disable_mouse_support",
        "_enable_mouse_support",
        "_mouse",
        "_mouse_pixels",
        "_must_signal_resume",
        "_writer_thread",
    ),
    WorkerManager: ("_remove_worker",),
    Input: ("_watch_value",),
    TextArea: ("_on_key", "_replace_via_keyboard"),
    Select: ("_options",),
    Stylesheet: ("_parse_cache", "_variables"),
    ChopsUpdate: ("chop_ends", "chops", "spans"),
}
"""The private names of each class that are used or overridden (``ChopsUpdate`` is private as a whole)."""

_RULES_OF_A_SHEET = 512
_THEMES = 8


class SharedStylesheet(Stylesheet):
    """A stylesheet that parses its sources once per theme and process.

    Textual parses all of them twice whenever a view is opened for the first time.
    """

    _parsed: Final[LRUCache[frozenset[tuple[str, str]], LRUCache[tuple[Any, ...], list[RuleSet]]]] = LRUCache(_THEMES)

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._share()

    def _share(self) -> None:
        key = frozenset(self._variables.items())
        rules = self._parsed.get(key)
        if rules is None:
            rules = self._parsed[key] = LRUCache(_RULES_OF_A_SHEET)
        self._parse_cache = rules

    def set_variables(self, variables: dict[str, str]) -> None:
        """Use the colours of another theme; what was parsed with the same ones remains valid."""
        if variables != self._variables:
            self._parse_cache = LRUCache(1)  # the next line empties it
            super().set_variables(variables)
            self._share()

    def reparse(self) -> None:
        """Apply the variables to all sources; the rules remain as they were where that fails."""
        self.parse()


class PartialUpdate(ChopsUpdate):
    """Writes the spans, and nothing next to them.

    Textual writes each changed part of a line together with everything of its widget that is before it. Over a slow
    link that is most of what a changed cell at the right end of a wide map costs.
    """

    def render_segments(self, console: Console) -> str:
        """Return what to write to the terminal."""
        written: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, left), min(end, right)
                if strip is None or first >= last:
                    continue
                part = strip if (first, last) == (x, end) else strip.crop(first - x, last - x)
                written += [Control.move_to(first, y).segment.text, part.render(console)]
        return "".join(written)


def partial_update(update: T) -> T | PartialUpdate:
    """Return a partial update that writes no more than it has to; anything else as it is."""
    if isinstance(update, ChopsUpdate):
        return PartialUpdate(update.chops, update.spans, update.chop_ends)
    return update


AWAITED_GROUP = "awaited"
"""The group of workers whose starter awaits them, and shows what they raise."""


class Workers(WorkerManager):
    """Calls ``on_failure`` with every worker that raised.

    Textual posts a worker's state to the node that started it and no further: with ``exit_on_error=False`` a failure
    in a screen or widget would end in silence.
    """

    def __init__(self, app: App[Any], on_failure: Callable[[Worker[Any]], None]) -> None:
        super().__init__(app)
        self._on_failure = on_failure

    def _remove_worker(self, worker: Worker[Any]) -> None:
        super()._remove_worker(worker)
        if worker.state is WorkerState.ERROR and not worker.exit_on_error:
            self._on_failure(worker)


def is_ending(app: App[Any]) -> bool:
    """Return whether the app was asked to exit."""
    return app._exit


def app_context(app: App[Any]) -> AbstractContextManager[None]:
    """Return a context in which code outside of a message handler may use the app."""
    return app._context()


async def run_binding(app: App[Any], key: str, *, priority: bool = False) -> bool:
    """Run what a key is bound to, by a binding with priority or by any; returns whether there is one."""
    return await app._check_bindings(key, priority=priority)


def draw_now(screen: Screen[Any]) -> None:
    """Lay out and draw what has changed, without waiting for Textual's next tick (up to 16 ms)."""
    screen._on_timer_update()


def remove_notification(app: App[Any], title: str, text: str) -> None:
    """Remove notifications with these words, without drawing."""
    for shown in tuple(app._notifications):
        if (shown.title, shown.message) == (title, text):
            app._unnotify(shown, refresh=False)


def select_values(select: Select[Any]) -> set[Any]:
    """Return the values that can be selected."""
    return {value for _, value in select._options}


def mute(app: App[Any]) -> Driver | None:
    """Drop everything the app writes to the terminal; returns what ``unmute`` takes."""
    driver = app._driver
    if driver is not None:
        driver.write = _drop  # type: ignore[method-assign, assignment]
    return driver


def unmute(driver: Driver | None) -> None:
    """Let the app write to the terminal again."""
    if driver is not None:
        del driver.write


def detach_output(app: App[Any]) -> None:
    """Drop everything the app writes from now on, and do not wait for the thread that writes."""
    driver = mute(app)
    if driver is not None:
        driver._writer_thread = None  # type: ignore[attr-defined]


def _drop(_data: str) -> None:
    """Write nothing."""
