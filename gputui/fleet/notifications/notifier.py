"""Delivers the notifications of a fleet on the ways that the user has configured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gputui.errors import ConfigError, GputuiError, UnavailableError
from gputui.fleet.notifications.budgets import BudgetNews
from gputui.fleet.notifications.channels import Webhook, run_command
from gputui.fleet.notifications.observer import Observer
from gputui.fleet.notifications.settings import Settings
from gputui.models.notifications import ASKED_FOR, COMMAND, SCREEN, WEBHOOK, WECHAT, Notification, Topic
from gputui.redaction import as_failure, inner_failure

if TYPE_CHECKING:
    from gputui.fleet.fleet import Fleet

_GATHER_SECONDS = 2.0
"""How long notifications of one topic are gathered: many instances may fail at once."""
_TICK_SECONDS = 60.0
_CLOSE_SECONDS = 2.0
_MOST_WAITING = 50
"""Notifications that wait for a slow channel; of more, the newest are left out and counted."""


class Notifier:
    """Follows a fleet. ``show`` gets each notification at once, for the screen and the terminal.

    Command and webhook get them one after the other, each once; those of one topic within two seconds are one. A
    failure goes to ``on_problem``, of each way once until it works again.
    """

    def __init__(
        self,
        fleet: Fleet,
        settings: Settings,
        *,
        show: Callable[[Notification], None],
        on_problem: Callable[[GputuiError], None],
    ) -> None:
        self._fleet = fleet
        self._settings = settings
        self._show = show
        self._on_problem = on_problem
        self._observer = Observer(fleet, settings.topics - {Topic.STOCK}, self.announce)
        self._budgets = BudgetNews(fleet, self.announce)
        self._channels = self._open_channels()
        self._gathered: dict[tuple[Topic, tuple[str, ...]], list[Notification]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def _open_channels(self) -> list[_Channel]:
        settings = self._settings
        channels = []
        if command := settings.command:
            channels.append(_Channel(COMMAND, lambda one: run_command(command, one), self._on_problem))
        if settings.webhook is not None:
            channels.append(_Channel(WEBHOOK, Webhook(settings.webhook).send, self._on_problem))
        # Not one of the configured ways: only what names it is sent on it.
        channels.append(_Channel(WECHAT, self._send_message, self._on_problem))
        return channels

    async def _send_message(self, notification: Notification) -> None:
        """Send a notification with the call of a vendor: of its account, else of the first that has one."""
        names = sorted(self._fleet.runtimes, key=lambda name: name != notification.account)
        backends = [opened for name in names if (opened := self._fleet.runtimes[name].opened) is not None]
        send = next((backend.message for backend in backends if backend.message is not None), None)
        if send is None:
            raise ConfigError(
                "No account can send messages of WeChat.",
                hint="It needs an account whose vendor has such a call: docs/watches.md.",
            )
        await send(notification.title, notification.text)

    def start(self, *, follow: bool = True) -> None:
        """Follow the fleet from now on; without ``follow`` its budgets alone, and deliver what is announced."""
        self._budgets.follow()
        if follow:
            self._observer.follow()
            if self._settings.topics - {Topic.STOCK}:
                self._spawn(self._tick())
        for channel in self._channels:
            self._spawn(channel.run())

    async def aclose(self) -> None:
        """Stop; what waits for a channel is not sent any more. Bounded in time."""
        self._observer.close()
        self._budgets.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)

    def announce(self, notification: Notification) -> None:
        """Announce news on all ways, if its topic is chosen, or is one that is always announced."""
        if notification.topic not in self._settings.topics | ASKED_FOR:
            return
        key = notification.topic, notification.ways
        first = key not in self._gathered
        self._gathered.setdefault(key, []).append(notification)
        if first:
            self._spawn(self._deliver(key))

    async def _deliver(self, key: tuple[Topic, tuple[str, ...]]) -> None:
        await self._fleet.clock.sleep(_GATHER_SECONDS)
        notification = together(self._gathered.pop(key))
        ways = notification.ways
        if not ways or SCREEN in ways:
            self._show(notification)
        for channel in self._channels:
            if channel.name in (ways or (COMMAND, WEBHOOK)):
                channel.put(notification)

    async def _tick(self) -> None:
        while True:
            await self._fleet.clock.sleep(_TICK_SECONDS)
            self._observer.tick()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_problem(inner_failure("a notification", error))


def together(notifications: Sequence[Notification]) -> Notification:
    """Return one notification for those of a topic that came at once; the texts of all but the first are counted."""
    first = notifications[0]
    if len(notifications) == 1:
        return first
    return replace(first, title=f"{first.title}, {len(notifications) - 1:,} more")


class _Channel:
    """One way: sends what waits in its order, and reports its first failure."""

    def __init__(
        self, name: str, send: Callable[[Notification], Awaitable[None]], on_problem: Callable[[GputuiError], None]
    ) -> None:
        self.name = name
        self._send = send
        self._on_problem = on_problem
        self._waiting: asyncio.Queue[Notification] = asyncio.Queue(_MOST_WAITING)
        self._failed = False

    def put(self, notification: Notification) -> None:
        """Let a notification wait for its turn; where too many do, it is not sent, and that is reported."""
        if not self._waiting.full():
            self._waiting.put_nowait(notification)
        elif not self._failed:
            self._failed = True
            self._on_problem(UnavailableError(f"{_MOST_WAITING} notifications wait: later ones are not sent."))

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            notification = await self._waiting.get()
            try:
                await self._send(notification)
                self._failed = False
            except Exception as error:  # noqa: BLE001  (the next one may succeed)
                if not self._failed:
                    self._on_problem(as_failure(error, "a notification"))
                self._failed = True
