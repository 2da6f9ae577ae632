"""The process of the agent: its lock and socket, its sessions, and when it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.agent.agent import Agent
from gputui.agent.client import RefusedError, connect
from gputui.agent.log import close_log, open_log
from gputui.agent.place import AgentInfo, Place
from gputui.agent.protocol import PROTOCOL, Hello, config_fingerprint, own_build
from gputui.agent.reads import answer_to_data, question_from_plain
from gputui.agent.rows import rows_as_read
from gputui.agent.server import Greeting, Handler, Server, Session
from gputui.agent.services import Factory, factories
from gputui.errors import AgentError, ExitCode, GputuiError
from gputui.fleet.clock import Clock
from gputui.models import Resource
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.agent.metrics_server import Address
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account, Config

GRACE = 30.0
"""How long the agent stays when nothing is left to do, in seconds."""
QUIET = 120.0
"""A session that has sent nothing for so long, in seconds, is suspended: nothing is polled for its screen."""
TICK = 5.0
"""The time between two looks at the configuration, the socket and what is left to do, in seconds."""
_FILES = ("GPUTUI_CONFIG", "GPUTUI_STATE_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK")

log = logging.getLogger("gputui.agent")


class Process:
    """One agent from its lock to its end. All that touches the machine is a parameter, so that tests can give it."""

    def __init__(
        self,
        config_path: Path,
        state: Path,
        *,
        load: Callable[[], Config],
        open_backend: Callable[[Account], Backend],
        services: Callable[[], Iterable[Factory]] = tuple,
        clock: Clock | None = None,
    ) -> None:
        self.place = Place(state)
        self.clock = clock or Clock()
        self.over = asyncio.Event()
        """Set when it has to end."""
        self._config_path = config_path.absolute()
        self._state = state
        self._load = load
        self._open_backend = open_backend
        self._services = services
        self._since = time.time()
        self._attached = 0
        self._polled_for: frozenset[Session] = frozenset()
        self.agent: Agent
        self.server: Server

    async def run(self) -> ExitCode:
        """Serve until there is nothing left to do. Raises AgentError where another agent has to be stopped first."""
        self.place.prepare()
        if (lock := await self._lock()) is None:
            return ExitCode.OK
        try:
            listening = self.place.listen()
            identity = self.place.identity()
            handler = open_log(self.place.log)
            try:
                return await self._serve(listening, identity)
            finally:
                if self.place.identity() == identity:  # else the directory was replaced, and is another agent's
                    self.place.clear()
                close_log(handler)
        finally:
            os.close(lock)

    def stop(self, reason: str) -> None:
        """End soon."""
        log.info("ending: %s", reason)
        self.over.set()

    async def _lock(self) -> int | None:
        """Take the lock of the one agent; None where the one that has it serves this configuration already.

        Raises what prevents both. A session that looks whether it is free has it for a moment; another agent may be
        about to listen, or to make room for this one.
        """
        refusal: AgentError | None = None
        for _ in range(25):
            if (lock := self.place.lock()) is not None:
                return lock
            try:
                client = await connect(self.place, Hello(str(self._config_path)))
            except RefusedError as error:
                refusal = error
            else:
                if client is not None:
                    await client.aclose()
                    return None
            await asyncio.sleep(0.1)
        raise refusal or self.place.not_answering()

    async def _serve(self, listening: Any, identity: tuple[int, int] | None) -> ExitCode:
        from gputui.config.paths import history_path
        from gputui.history.history import History

        info = AgentInfo(os.getpid(), os.uname().nodename, own_build(), str(self._config_path), self._since)
        self.place.write_info(info)
        self.server = Server(
            {"pid": info.pid, "config": info.config},
            self._greet,
            self._handler,
            self._sessions_changed,
            self.clock.monotonic,
        )
        history = History(history_path(self._state))
        self.agent = Agent(
            self._config_path,
            self._state,
            history=history,
            load=self._load,
            open_backend=self._open_backend,
            factories=self._services,
            publish=self.server.publish,
            clock=self.clock,
        )
        self.agent.opened.add(lambda _: self._poll_for_sessions())
        await self.server.start(listening)
        log.info("gputui %s, process %d, configuration %s", own_build(), info.pid, info.config)
        try:
            await self.agent.begin()
            gc.freeze()
            gc.enable()
            await self._until_over(identity)
        except GputuiError as error:
            log.error("%s", error)  # noqa: TRY400  (an error for the user, not a fault)
            raise
        finally:
            await self.agent.finish()
            await self.server.aclose()
            history.close()
            log.info("ended")
        return ExitCode.OK

    async def _until_over(self, identity: tuple[int, int] | None) -> None:
        idle_since: float | None = None
        while not self.over.is_set():
            if self._is_needed():
                idle_since = None
            elif idle_since is None:
                idle_since = self.clock.monotonic()
            elif self.clock.monotonic() - idle_since >= GRACE:
                self.stop("nothing is left to do")
                break
            tick = asyncio.ensure_future(self.clock.sleep(TICK))
            over = asyncio.ensure_future(self.over.wait())
            try:
                await asyncio.wait({tick, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                tick.cancel()
                over.cancel()
            if self.over.is_set():
                break
            if self.place.identity() != identity:
                self.stop("its socket is gone")
                break
            await self.agent.renew()
            self.agent.look_at_hosts_if_needed()
            if self._awake() != self._polled_for:
                self._poll_for_sessions()

    def _is_needed(self) -> bool:
        # Until the services run it is not known whether a rule waits for them.
        return bool(self.server.attached or self.agent.busy or not self.agent.serving.is_set())

    def _sessions_changed(self) -> None:
        if (attached := len(self.server.attached)) != self._attached:
            self._attached = attached
            log.info("sessions attached: %d", attached)
        if self.agent.ready.is_set():
            self._poll_for_sessions()

    # Sessions.

    def _greet(self, session: Session, hello: Mapping[str, Any]) -> Greeting:
        """Decide about a session: it has to be of this release and of this configuration."""
        if hello.get("control") is True:
            session.attached = False
            return Greeting()
        session.fingerprint = str(hello.get("fingerprint", ""))
        theirs, config = clean(str(hello.get("gputui", "?"))), clean(str(hello.get("config", "")))
        if self.over.is_set():
            return Greeting(AgentError(f"The agent (process {os.getpid()}) is ending."), retiring=True)
        if theirs != own_build() or hello.get("hello") != PROTOCOL:
            refusal = AgentError(
                f"The agent (process {os.getpid()}) is of gputui {own_build()}, not of {theirs}.",
                hint="Stop it with gputui agent stop: the next session starts another one.",
            )
        elif config != str(self._config_path):
            refusal = AgentError(
                f"The agent of {self._state} serves {self._config_path}, not {config}.",
                hint="Stop it with gputui agent stop, or give each configuration a GPUTUI_STATE_DIR of its own.",
            )
        elif self._is_needed() or self._suits(session.fingerprint):
            return Greeting()
        else:
            # Its credentials are in variables of its environment, or its proxies.
            refusal = AgentError("The agent was started with another environment.", hint="Start the session again.")
        if idle := not self._is_needed():
            self.stop(f"a session needs another agent: {refusal.message}")
        return Greeting(refusal, retiring=idle)

    def _handler(self, name: str) -> Handler:
        """Return what answers a request."""
        own: Mapping[str, Handler] = {
            "ready": self._ready,
            "ping": _ping,
            "ask": self._ask,
            "poll": self._poll,
            "rows": self._rows,
            "status": self._status,
            "stop": self._stop,
            "subscribe": _subscribe,
        }
        return own.get(name) or partial(self._ask_service, name)

    async def _ask_service(self, name: str, session: Session, arguments: Mapping[str, Any]) -> Any:
        await self.agent.serving.wait()
        handler = self.agent.request(name)
        if handler is None:
            raise AgentError(
                f"The agent does not know the request {clean(name)}.", hint="It may be of another release."
            )
        return await handler(arguments)

    def _suits(self, fingerprint: str) -> bool:
        """Whether this agent may serve a session of this fingerprint, now or once it has read its configuration."""
        return fingerprint in ("", self.agent.fingerprint, config_fingerprint(self._config_path))

    async def _ask(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        """Answer the request of a session whose configuration and environment are those of the agent."""
        await self._serves(session)
        return answer_to_data(await self.agent.reads.ask(*question_from_plain(arguments)))

    async def _serves(self, session: Session) -> None:
        """Wait until there is a fleet; raise AgentError where it is not what the session would have."""
        await self.agent.ready.wait()
        if not session.fingerprint or session.fingerprint != self.agent.fingerprint:
            raise AgentError("The session has another configuration or environment.")

    async def _poll(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        session.polled = frozenset(map(str, arguments.get("now", ())))
        session.polled_slowly = frozenset(map(str, arguments.get("slowly", ())))
        await self.agent.ready.wait()
        self._poll_for_sessions()
        return {}

    def _poll_for_sessions(self) -> None:
        """Poll the lists that are on the screens of all sessions: the agent records them."""
        sessions = self._polled_for = self._awake()
        self.agent.fleet.poll(
            _lists(name for session in sessions for name in session.polled),
            _lists(name for session in sessions for name in session.polled_slowly),
        )

    def _awake(self) -> frozenset[Session]:
        """Return the sessions that are not suspended: those ask for the lists on their screens."""
        now = self.clock.monotonic()
        return frozenset(one for one in self.server.sessions if now - one.heard < QUIET)

    async def _rows(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        """Return the rows of lists, each as soon as it is read: for the first frame of a session."""
        await self._serves(session)
        return rows_as_read(self.agent.fleet, _lists(map(str, arguments.get("lists", ()))))

    async def _ready(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        await self.agent.ready.wait()
        return {}

    async def _status(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "gputui": own_build(),
            "pid": os.getpid(),
            "host": os.uname().nodename,
            "since": self._since,
            "state_dir": str(self._state),
            "log": str(self.place.log),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
            "memory_bytes": memory_bytes(),
            "sessions": [one.pid for one in self.server.attached],
            **self.agent.status(),
        }

    async def _stop(self, session: Session, arguments: Mapping[str, Any]) -> Any:
        busy = self.agent.busy
        asyncio.get_running_loop().call_later(0.05, self.stop, f"process {session.pid} asked for it")
        return {"pid": os.getpid(), "busy": busy}


def _lists(names: Iterable[str]) -> frozenset[Resource]:
    known = {resource.value: resource for resource in Resource}
    return frozenset(known[name] for name in names if name in known)


async def _ping(session: Session, arguments: Mapping[str, Any]) -> Any:
    return {}


async def _subscribe(session: Session, arguments: Mapping[str, Any]) -> Any:
    session.topics.add(str(arguments.get("topic", "")))
    return {}


def memory_bytes() -> int:
    """Return the memory of this process; libraries that others have loaded as well count in part, where known."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def _leave_working_directory(state: Path) -> None:
    """Change to the agent's own directory: the one it was started in could not be unmounted or deleted.

    The files of the environment that libraries open later are made absolute first.
    """
    from gputui.config.paths import as_path

    for name in _FILES:
        if value := os.environ.get(name):
            os.environ[name] = str(as_path(value).absolute())
    place = Place(state)
    place.prepare()
    os.chdir(place.folder)


def run(config_path: Path, state: Path, *, metrics: Address | None = None) -> int:
    """Run the agent in this process until it ends, with metrics served there, and return the exit status."""
    config_path, state = config_path.absolute(), state.absolute()
    _leave_working_directory(state)
    # Imports leave next to no garbage, and a session waits for the first rows.
    gc.disable()
    from gputui.api import open_backend
    from gputui.config.loader import load_config

    def services() -> list[Factory]:
        found = factories()
        if metrics is not None:
            from gputui.agent.metrics_server import MetricsService

            found.append(partial(MetricsService, metrics))
        return found

    async def main() -> int:
        process = Process(
            config_path,
            state,
            load=partial(load_config, config_path),
            open_backend=open_backend,
            services=services,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, process.stop, number.name)
        return await process.run()

    return asyncio.run(main())
