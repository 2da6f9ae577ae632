"""The app: wires fleet, screens, keys and terminal together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from gputui.app.clipboard import fits, load_tmux_buffer, osc52
from gputui.app.key_order import KeyOrder
from gputui.app.login import Login
from gputui.app.notices import Notices, place_of
from gputui.app.notifications import TerminalNotifications
from gputui.app.program import RunningProgram
from gputui.app.remembered import keep_choices
from gputui.app.suspend import EndingSignals
from gputui.app.terminal_driver import TerminalDriver
from gputui.app.theme import THEMES, variables
from gputui.app.views import Views
from gputui.commands import BY_ID
from gputui.config.preview import START, UiSettings
from gputui.errors import GputuiError
from gputui.fleet import Fleet
from gputui.history.preferences import Preferences
from gputui.screens.base.leases import LeaseNews, SessionLeases
from gputui.screens.base.rules import SessionRules
from gputui.screens.base.session import Session
from gputui.screens.base.view import View
from gputui.widgets.internal_errors import Failures
from gputui.widgets.textual_internals import (
    AWAITED_GROUP,
    SharedStylesheet,
    Workers,
    begin_in,
    draw_now,
    partial_update,
)

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.theme import Theme

    from gputui.agent.link import Link
    from gputui.app.garbage import SurvivorsAside
    from gputui.history.history import History
    from gputui.models import Offer

_GARBAGE_SECONDS = 60.0
_TERMINAL_SECONDS = 1.0
"""The time between two checks that the terminal is still there: Textual reads a lost one again and again."""


class GputuiApp(App[int]):
    """One window over all accounts.

    ``at_start`` is called as soon as the loop runs. The first frame is drawn from ``fleet`` as it is; then ``begin``
    returns the fleet that replaces it, started here. An error that it raises ends the program and is in ``failure``.
    ``report`` writes a crash report and returns its path. ``agent`` is the link to the user's agent, None where the
    session has none; ``leases`` and ``rules`` are those that it follows. ``garbage`` is the rule of the garbage
    collector, None for the usual one.
    """

    TITLE = "gputui"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = START
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True, id="quit-now"),
        Binding("ctrl+c", "hint_quit", show=False, system=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True, id="suspend"),
    ]
    _colors: ClassVar[dict[tuple[str, str | None], tuple[Theme, dict[str, str]]]] = {}
    """Each theme with the variables that follow from it, by its name and the number of colours of the terminal."""

    def __init__(
        self,
        fleet: Fleet,
        ui: UiSettings,
        *,
        at_start: Callable[[], None] | None = None,
        begin: Callable[[], Awaitable[Fleet]] | None = None,
        history: History | None = None,
        preferences: Preferences | None = None,
        note: str = "",
        program: Iterable[str] = ("gputui",),
        report: Callable[[BaseException], Path] | None = None,
        agent: Link | None = None,
        leases: SessionLeases | None = None,
        rules: SessionRules | None = None,
        garbage: SurvivorsAside | None = None,
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.stylesheet = SharedStylesheet(variables=self.get_css_variables())
        self._workers = Workers(self, self.worker_failed)
        self._failures = Failures(self, report)
        self._signals = EndingSignals(self, self._is_terminal_restored)
        self.views = Views(self)
        self._program = RunningProgram(
            self,
            self.views,
            self._failures,
            notify_deferred=self.notify_deferred,
            end_with=self._handle_exception,
            restore_signals=self._signals.catch,
            announce=lambda one: self._announcements.announce(one),  # noqa: PLW0108  (made later)
        )
        self.session = self.views.session = self._program.session = Session(
            fleet,
            self.views,
            self._program,
            history=history,
            preferences=preferences or Preferences(),
            say=self._say_later,
            utc=ui.utc,
            note=note,
            keys=ui.keys,
            custom_commands=ui.custom,
            region_presets=ui.regions,
            leases=leases or SessionLeases(),
            rules=rules or SessionRules(),
        )
        self.session.agent = agent
        self._garbage = garbage
        self._notices = Notices(self, self.session.messages)
        self.failure: GputuiError | None = None
        self._login = self._program.login = Login(
            self, self.session, tmux_window=ui.tmux_window, program=tuple(program)
        )
        self._at_start, self._begin = at_start, begin
        self._keys = KeyOrder(self, self.session, super().on_event)
        for theme in THEMES:
            self.register_theme(theme)
        self._wanted_theme = ui.theme
        self.default_theme = ui.theme if ui.theme in self.available_themes else THEMES[0].name
        self.theme = self.default_theme
        self.set_keymap(dict(ui.keys))
        keep_choices(self.session.memory, self, ui)
        self.session.memory.restore()
        self._announcements = TerminalNotifications(self, self._write_if_ours)
        self.session.stock_notifications.idle.add(self._notify_idle)
        self.session.leases.news.add(self._notify_lease)
        begin_in(self, self.views.start(ui.start))
        if lacking := self.session.preferences.notice:
            self.session.say(f"{lacking}: the defaults are used.")

    def get_css_variables(self) -> dict[str, str]:
        """Compute the colours of a theme once: Textual asks for them several times whenever a view opens."""
        theme = self.current_theme
        key = theme.name, self._color_system
        known = self._colors.get(key)
        if known is None or known[0] is not theme:
            known = self._colors[key] = theme, super().get_css_variables()
        self.theme_variables = known[1]
        return known[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Add the colours that every theme must have here."""
        return variables(self.current_theme, self._color_system)

    @property
    def _color_system(self) -> str | None:
        return "truecolor" if self.is_headless else self.console.color_system

    # --- life ------------------------------------------------------------------------------------------------

    def on_load(self) -> None:
        """Begin with what needs no screen."""
        if self._at_start is not None:
            self._at_start()

    async def on_mount(self) -> None:
        """Show the first view with what is known already; ask the back ends after it is painted."""
        # Every cell is drawn again: the screen was another program's.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_interval(_TERMINAL_SECONDS, self._signals.end_without_terminal)
        if self._garbage is not None:
            self.set_interval(_GARBAGE_SECONDS, self._garbage.tick)
        self.call_after_refresh(self._start_fleet)
        self.call_later(self.screen.call_later, draw_now, self.screen)
        self.theme_changed_signal.subscribe(self, lambda _: self.session.memory.note())
        self.notify_deferred()
        if self._wanted_theme not in (None, self.theme):
            themes = ", ".join(sorted(self.available_themes))
            self.notify(f"No theme {self._wanted_theme}. There are {themes}.", markup=False, timeout=12)

    async def draw(self) -> None:
        """Draw what has changed up to now, and return when that is done."""
        drawn = asyncio.Event()

        def draw(screen: Screen[Any]) -> None:
            draw_now(screen)
            drawn.set()

        # After the messages by which the view follows the rows.
        self.screen.call_later(draw, self.screen)
        await drawn.wait()

    def _start_fleet(self) -> None:
        self.run_worker(self._go_live(), group="fleet", name="the start", exit_on_error=False)

    async def _go_live(self) -> None:
        """Replace the first fleet, and start the new one."""
        if self._begin is not None:
            try:
                fleet = await self._begin()
            except GputuiError as error:
                self.failure = error
                self.exit(return_code=error.exit_code)
                return
            except Exception as error:  # noqa: BLE001  (without a fleet there is nothing to show)
                self._handle_exception(error)
                return
            self.session.fleet = fleet
            if self.session.config_problems and self.current_mode != START:
                home = self.session.key_of(f"view.{START}")
                self.session.say(f"The configuration has problems with custom commands: Home ({home}) has them.")
            view = self.views.opened[self.current_mode]
            if view.is_mounted:
                view.on_screen_resume()
        self.session.stock_notifications.follow(self.session.fleet)
        self.run_worker(
            self.session.leases.follow(self.session.fleet.clock.sleep),
            group="leases",
            name="the leases",
            exit_on_error=False,
        )
        self.run_worker(
            self.session.rules.follow(self.session.agent, self.session.fleet.clock.sleep),
            group="followed rules",
            name="the rules",
            exit_on_error=False,
        )
        self._announcements.follow(self.session.fleet)
        if self.session.agent is not None:
            following = self._announcements.follow_agent(self.session.agent)
            self.run_worker(following, group="agent", name="the agent's news", exit_on_error=False)
        self.session.fleet.login_hint = f"{self.session.key_of('ssh')} on the instance asks."
        unsubscribe = self.session.fleet.subscribe_feeds(self._can_do_more)
        try:
            await self.session.fleet.start()
        finally:
            unsubscribe()
            self._keys.early.over = True
            self._can_do_more()

    def _can_do_more(self) -> None:
        # As a message: in turn with the keys that come meanwhile, never between two of them.
        self.call_later(self._keys.carry_out_early)

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End the program: nothing that comes in is shown from now on, as the widgets are being removed."""
        try:
            self.session.end()
        finally:
            super().exit(result, return_code, message)

    def _notify_idle(self, offer: Offer) -> None:
        self._announcements.announce(self._program.notify_idle(offer))

    def _notify_lease(self, news: LeaseNews) -> None:
        """Show news of a lease, with the key that extends it; the agent announces them on the other ways."""
        severity = "warning" if news.bad else "information"
        key = f"{self.session.key_of('extend-lease')} on its row extends the lease: " if news.soon else ""
        self.notify(f"{key}{news.text}", title=news.title, severity=severity, timeout=30)
        if news.bad:
            self.bell()

    def _write_if_ours(self, sequence: str) -> None:
        """Write to the terminal, unless a shell has it."""
        if isinstance(driver := self._driver, TerminalDriver) and driver.active:
            driver.write(sequence)

    async def on_unmount(self) -> None:
        """Close the fleet, which writes its snapshot."""
        async with AsyncExitStack() as ends:  # the last one first; the failure of one leaves the others
            if self.session.agent is not None:
                ends.push_async_callback(self.session.agent.aclose)
            ends.push_async_callback(self.session.fleet.aclose)
            ends.push_async_callback(self._program.custom.aclose)
            ends.push_async_callback(self._announcements.aclose)

    async def run_async(self, **options: Any) -> int | None:
        """Run the app; from the first moment on, a signal that ends it gives the terminal back."""
        self._signals.catch()
        return await super().run_async(**options)

    def _is_terminal_restored(self) -> bool:
        return isinstance(self._driver, TerminalDriver) and self._driver.is_restored

    async def on_event(self, event: events.Event) -> None:
        """Handle keys one after the other (:class:`KeyOrder`)."""
        if isinstance(event, (events.Key, events.MouseDown)) and not event.is_forwarded:
            self._failures.input_came()
            self.session.attention.input_came()
            self.session.messages.note_key()
            if self._garbage is not None:
                self._garbage.input_came()
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif not event.is_forwarded:
            # One that is forwarded comes from a screen that has no use for it: another may be in front by now.
            await self._keys.take(event, at_once=event.key in self._bindings.key_to_bindings)

    @property
    def typed_at(self) -> float:
        """When the key was pressed that is handled now, as time.monotonic() has it."""
        return self._keys.typed_at

    def _fatal_error(self) -> None:
        """Print the path of the report, in place of Textual's traceback with its locals."""
        with suppress(Exception):  # one failure ends the program and is reported: the first
            self.session.end()
        error = self._exception
        if error is None or not self._failures.writes_reports:
            super()._fatal_error()
            return
        self._exit_renderables.append(Text(self._failures.last_words(error), no_wrap=True, overflow="ignore"))
        self._close_messages_no_wait()

    def worker_failed(self, worker: Worker[Any]) -> None:
        """Show what failed in the background: a known failure as such, anything else with its report."""
        if worker.group != AWAITED_GROUP and worker.error is not None and not self._exit:
            self._failures.show(worker.error, place_of(worker.node))

    async def _dispatch_action(self, namespace: DOMNode, action_name: str, params: Any) -> bool:
        try:
            return await super()._dispatch_action(namespace, action_name, params)
        except Exception as error:  # noqa: BLE001  (every key and command passes here)
            self.handler_failed(error)
            return True

    def handler_failed(self, error: Exception) -> None:
        """Show what a handler of a command, action, key or message has raised; the program continues.

        It ends when it was to end anyway, and when handlers fail again and again without input.
        """
        if self._exit or self._failures.repeat():
            self._handle_exception(error)
        else:
            self._failures.show(error, place_of(self.screen))

    def show_internal_error(self, error: BaseException) -> None:
        """Show that something failed that should not, and the path of the report; the program continues."""
        self._failures.show_internal_error(error)

    # --- the terminal ----------------------------------------------------------------------------------------

    def copy_to_clipboard(self, text: str) -> None:
        """Put a text on the clipboard of the user's own terminal, also from inside tmux and screen."""
        if not fits(text):
            self.notify("Too much for the clipboard: save it to a file.", severity="warning", markup=False)
            return
        self._clipboard = text
        if os.environ.get("TMUX"):
            self.run_worker(load_tmux_buffer(text), group="clipboard", exit_on_error=False)
        if self._driver is not None and not self.is_headless:
            self._driver.write(osc52(text))

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, partial_update(renderable))

    def action_suspend_process(self) -> None:
        """Suspend the program until the shell resumes it (``fg``)."""
        if isinstance(self._driver, TerminalDriver) and not self._driver.suspend():
            self.notify("There is no shell to suspend to.", severity="warning", markup=False, timeout=4)

    def action_leave(self) -> None:
        """End the program, asking first when something is still under way."""
        self._program.leave()

    def action_show_pinned(self, number: int) -> None:
        """Show a saved view of the bar of views, counted from 0."""
        pinned = self.session.saved_views.pinned()
        if number < len(pinned) and isinstance(self.screen, View):
            self.screen.commands.run(BY_ID["saved-views"], pinned[number].name)

    def pop_screen(self) -> AwaitComplete:
        """Close the dialog in front, and with it the messages about it."""
        self.session.messages.leave(self.screen)
        return super().pop_screen()

    def notify(self, message: str, **options: Any) -> None:
        """Show a message; one that comes while a shell has the terminal is shown after it."""
        options.pop("markup", None)  # a message is data
        self._notices.add(message, **options, now=not self._login.has_terminal)

    def _say_later(self, message: str) -> None:
        """Show a message from before the first view is open, in it."""
        self._notices.add(message, severity="warning", timeout=12, now=False)
        if self.is_running:
            self.notify_deferred()

    def notify_deferred(self, _: object = None) -> None:
        """Show the messages that came while a shell had the terminal."""
        self._notices.show_deferred()

    def clear_notifications(self) -> None:
        """Show none of the messages any more."""
        self.session.messages.clear()

    def action_hint_quit(self) -> None:
        """Show the key that quits: ctrl+c ends nothing here."""
        self.notify(f"{self.session.key_of('quit')} goes back and, in the main view, quits.", markup=False, timeout=4)
