"""The agent as its services see it: fleet, history and notifications, for as long as one configuration applies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.agent.place import Place
from gputui.agent.protocol import NOTICE, PROBLEM, config_fingerprint, error_to_plain
from gputui.agent.reads import Reads
from gputui.agent.rows import is_polled
from gputui.agent.services import Factory, Handler, Service
from gputui.errors import AgentError, ConfigError, GputuiError
from gputui.fleet.clock import Clock, within
from gputui.fleet.signals import Listeners
from gputui.late_dataclasses import dataclass
from gputui.models import HealthState
from gputui.models.serialize import to_plain
from gputui.redaction import as_failure

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet
    from gputui.fleet.account_runtime import AccountRuntime
    from gputui.fleet.notifications.notifier import Notifier
    from gputui.history.history import History
    from gputui.models.notifications import Notification

END_SECONDS = 10.0
"""How long a service may take to finish a request when the agent ends or begins again, in seconds."""
_AGAIN_SECONDS = 30.0
_FIRST_SECONDS = 2.0
"""How long the services wait for the first answers of servers, in seconds."""

log = logging.getLogger("gputui.agent")


@dataclass(slots=True)
class _Running:
    """A service, and its task."""

    service: Service
    task: asyncio.Task[None]


class Agent:
    """Runs the services on a fleet of its own, which polls.

    ``publish`` sends data to the sessions that subscribed to a topic. ``load`` reads the configuration and raises
    ConfigError; it is called on a thread. ``factories`` returns what makes the services.
    """

    def __init__(
        self,
        config_path: Path,
        state: Path,
        *,
        history: History,
        load: Callable[[], Config],
        open_backend: Callable[[Account], Backend],
        factories: Callable[[], Iterable[Factory]],
        publish: Callable[[str, Any], None],
        clock: Clock | None = None,
    ) -> None:
        self.config_path = config_path
        self.state = state
        """The state directory."""
        self.folder = Place(state).folder
        """The folder of the agent in it, for the files of services."""
        self.history = history
        self.clock = clock or Clock()
        self.log = log
        self.publish = publish
        self.config: Config
        self.fleet: Fleet
        self.notifier: Notifier
        self.fingerprint = ""
        """The fingerprint of the configuration that applies (:func:`.protocol.config_fingerprint`)."""
        self.problem: GputuiError | None = None
        """Why the present configuration file cannot be used; the one before it applies."""
        self.reads = Reads(lambda: self.fleet, self.clock)
        """The requests of sessions, and those of the fleet itself."""
        self.opened: Listeners[None] = Listeners(partial(self._failed, "the agent"))
        """Called when there is a new fleet."""
        self.ready = asyncio.Event()
        """Set while there is a fleet."""
        self.serving = asyncio.Event()
        """Set while the services run."""
        self._load = load
        self._open_backend = open_backend
        self._factories = factories
        self._running: list[_Running] = []
        self._refused: str | None = None

    @property
    def services(self) -> list[Service]:
        """The services that run."""
        return [running.service for running in self._running]

    @property
    def busy(self) -> list[str]:
        """The names of the services that have something left to do."""
        return [service.name for service in self.services if service.busy]

    def request(self, name: str) -> Handler | None:
        """Return what answers a request of a session; None where no service does."""
        found = (service.requests.get(name) for service in self.services)
        return next((handler for handler in found if handler is not None), None)

    async def begin(self) -> None:
        """Read the configuration, start the fleet and the services. Raises ConfigError."""
        fingerprint = config_fingerprint(self.config_path)
        await self._open(await asyncio.to_thread(self._load), fingerprint)

    async def renew(self) -> None:
        """Read the configuration again where it has changed, and begin again with it.

        One that cannot be used is logged once; the one before it stays.
        """
        fingerprint = await asyncio.to_thread(config_fingerprint, self.config_path)
        if fingerprint in (self.fingerprint, self._refused):
            return
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            self._refused, self.problem = fingerprint, error
            log.warning("the changed configuration is not used: %s", error)
            return
        log.info("the configuration has changed: beginning again")
        await self.finish()
        await self._open(config, fingerprint)

    async def finish(self) -> None:
        """Stop the services, each with some time for a request under way, and close the fleet."""
        if not self.ready.is_set():
            return
        self.ready.clear()
        self.serving.clear()
        running, self._running = self._running, []
        for one in running:
            one.task.cancel()
        if running:
            await within(self.clock, END_SECONDS, asyncio.wait({one.task for one in running}))
        for one in running:
            if not one.task.done():
                log.error("%s did not end within %g s", one.service.name, END_SECONDS)
        await self.notifier.aclose()
        self.reads.forget()
        await self.fleet.aclose()

    async def _open(self, config: Config, fingerprint: str) -> None:
        from gputui.fleet import Fleet
        from gputui.fleet.notifications.notifier import Notifier
        from gputui.fleet.notifications.settings import Settings

        self.config, self.fingerprint, self.problem, self._refused = config, fingerprint, None, None
        self.fleet = Fleet(
            config.accounts,
            open_backend=self._open_backend,
            history=self.history,
            polling=config.polling,
            clock=self.clock,
            on_failure=partial(self._failed, "the fleet"),
            state_dir=self.state,
        )
        self.fleet.leaves_hosts = True
        self.fleet.mutations.auditor.by_agent = True
        self.fleet.share, self.fleet.answers_others = self.reads.ask, True
        self.fleet.idle_minutes = config.waste.idle_minutes
        self.fleet.budgets = config.budget_list
        self.fleet.notify = Settings.of(config.notify)
        self.fleet.restore()
        self.notifier = Notifier(self.fleet, self.fleet.notify, show=self._show, on_problem=self._say)
        self.notifier.start(follow=False)
        self.ready.set()
        self.opened.notify(None)
        await self.fleet.start()
        await within(self.clock, _FIRST_SECONDS, self._first_answers())
        # Imported only now: a session may wait for these answers.
        for factory in self._factories():
            service = factory(self)
            self._running.append(_Running(service, asyncio.create_task(self._keep_running(service))))
        self.serving.set()
        self.look_at_hosts_if_needed()
        log.info("%d accounts: %s", len(config.accounts), ", ".join(config.accounts))

    def look_at_hosts_if_needed(self) -> None:
        """Poll hosts over SSH only while a service has something to do: sessions look at them by themselves.

        A login may need an answer of the user, or fail again and again.
        """
        if self.fleet.leaves_hosts == bool(self.busy):
            self.fleet.leaves_hosts = not self.busy
            for runtime in self.fleet.runtimes.values():
                runtime.reconsider()

    async def _first_answers(self) -> None:
        """Wait until each account that is polled has answered once, or has failed to."""
        changed = asyncio.Event()
        unsubscribe = self.fleet.subscribe_feeds(changed.set)
        try:
            while any(runtime.health.state is HealthState.UNKNOWN for runtime in self._polled()):
                changed.clear()
                await changed.wait()
        finally:
            unsubscribe()

    def _polled(self) -> list[AccountRuntime]:
        return [runtime for runtime in self.fleet.runtimes.values() if is_polled(runtime)]

    async def _keep_running(self, service: Service) -> None:
        """Run a service; where it fails, that is reported, and it runs again after a while."""
        while True:
            try:
                await service.run()
            except Exception as error:  # noqa: BLE001  (the failure of one service must not end the others)
                self._failed(service.name, error)
            else:
                return
            await self.clock.sleep(_AGAIN_SECONDS)

    def _show(self, notification: Notification) -> None:
        log.info("%s: %s", notification.title, notification.text)
        self.publish(NOTICE, to_plain(notification))

    def _say(self, error: GputuiError) -> None:
        log.warning("a notification was not delivered: %s", error)

    def _failed(self, what: str, error: BaseException) -> None:
        log.error("%s failed: %s", what, error, exc_info=error)
        failure = as_failure(error, what) if isinstance(error, Exception) else AgentError(f"{what} failed.")
        problem = GputuiError(f"The agent: {failure.message}", hint=failure.hint or "gputui agent logs has more.")
        self.publish(PROBLEM, error_to_plain(problem))

    def _rests(self, account: str) -> str:
        """Return why an account is not polled now; '' where it is."""
        opened = self.fleet.runtime(account).opened
        is_left = self.fleet.leaves_hosts and opened is not None and opened.named_instances is not None
        return "looked at over SSH only for rules" if is_left else ""

    def status(self) -> Mapping[str, Any]:
        """Return what can be said about it, as plain data."""
        if not self.ready.is_set():
            return {"config": str(self.config_path), "ready": False}
        health = self.fleet.health()
        return {
            "config": str(self.config_path),
            "ready": True,
            "requests": {"sent": self.reads.sent, "answered": self.reads.given},
            "problem": str(self.problem) if self.problem else None,
            "accounts": [
                {"account": name, "state": one.state.value, "message": self._rests(name) or one.message}
                for name, one in health.items()
            ],
            "services": [{"name": service.name, "busy": service.busy} for service in self.services],
        }
