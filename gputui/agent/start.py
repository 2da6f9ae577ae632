"""How sessions and commands find the agent, start one where none runs, and ask it.

Light: the full-screen program starts the agent before it imports what draws.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.agent.detached import can_fork, cores, fork_detached, start_detached
from gputui.agent.place import Place
from gputui.errors import AgentError, reason_of
from gputui.late_dataclasses import dataclass

if TYPE_CHECKING:
    from gputui.agent.client import Client
    from gputui.agent.protocol import Hello

SWITCH = "GPUTUI_AGENT"
"""The environment variable that keeps gputui from starting an agent by itself, as ``off``."""
START_SECONDS = 10.0
"""How long the start of an agent is waited for, in seconds."""
STOP_SECONDS = 20.0
"""How long the end of an agent is waited for: its services have ten seconds, and its connections some more."""
_RETRY_SECONDS = 0.02
_MENTIONED = re.compile(r"^\s*\[?\s*[\"']?agent\b", re.MULTILINE)


@dataclass(slots=True)
class AgentPlan:
    """How a session comes to its agent. ``program`` are the words that start one for ``config``.

    ``starts``: it is started with the session, else on demand. ``run`` is the agent itself, in the process that calls
    it, and returns its exit status. ``process`` is one that was started already.
    """

    config: Path
    program: Sequence[str]
    starts: bool = True
    run: Callable[[], int] | None = None
    process: int | None = None


def is_enabled() -> bool:
    """Return whether the environment permits that sessions share their requests, and start an agent."""
    return os.environ.get(SWITCH) != "off"


def why_off(config: Path) -> str:
    """Return why no agent is started for a configuration unless a user does so; '' where one is."""
    if not is_enabled():
        return f"{SWITCH}=off is set in the environment"
    try:
        text = config.read_text("utf-8-sig")
    except (OSError, ValueError):
        return ""  # whoever reads it in full reports that
    return "[agent] has enabled = false in the configuration" if is_turned_off(text) else ""


def is_turned_off(text: str) -> bool:
    """Return whether a configuration turns the agent off; one that cannot be read does."""
    if not _MENTIONED.search(text):
        return False
    import tomllib

    try:
        section = tomllib.loads(text).get("agent")
    except (ValueError, RecursionError):
        return True  # the program reports it
    return isinstance(section, dict) and section.get("enabled") is False


def refuse_where_off(state: Path, config: Path) -> None:
    """Raise AgentError where no agent runs, and none may be started."""
    _refuse_start(why_off(config), Place(state))


def _refuse_start(off: str, place: Place) -> None:
    if off and not place.is_locked():
        raise AgentError(f"No agent runs, and none is started: {off}.", hint="Start one: gputui agent --background")


def spawn(program: Sequence[str], place: Place) -> int:
    """Start an agent that outlives this process and its terminal; returns its process without waiting.

    ``program`` are the words that start gputui (:func:`gputui.cli.program.agent_program`). Raises AgentError.
    """
    place.prepare()
    try:
        return start_detached(program, str(place.output))
    except (OSError, NotImplementedError) as error:
        raise AgentError(f"The agent cannot be started: {program[0]}: {reason_of(error)}.") from None


def start_early(plan: AgentPlan, state: Path) -> int | None:
    """Start an agent where none runs, without waiting for it; returns its process, None where none was started.

    It is a copy of this process where the system permits: half of what it needs is imported already. With a single
    core it would only delay what is drawn first: it is started afterwards.
    """
    if cores() < 2:
        return None
    place = Place(state)
    try:
        if (connection := place.connect()) is not None:
            connection.close()
            return None
        if place.is_locked():
            return None
        if plan.run is None or not can_fork():
            return spawn(plan.program, place)
        place.prepare()
        return fork_detached(plan.run, "gputui agent", str(place.output))
    except (AgentError, OSError):
        return None  # the session says it where it needs the agent


def has_ended(pid: int) -> bool:
    """Return whether a process that was started here has ended, and release it."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


async def attach(
    place: Place, hello: Hello, program: Sequence[str] | None, *, pid: int | None = None
) -> Client | None:
    """Connect to the agent; where none runs, start one with ``program`` and wait for it.

    ``pid`` is the process of an agent that was started already. None where there is none, and none was to be started.
    Raises RefusedError where the agent serves other sessions only, AgentError where none could be started.
    """
    import asyncio

    from gputui.agent.client import LostError, RefusedError, connect

    end = time.monotonic() + START_SECONDS
    while True:
        try:
            if (client := await connect(place, hello)) is not None:
                return await _ready(client)
        except LostError:
            pass  # it has ended meanwhile, perhaps because its configuration cannot be used
        except RefusedError as refusal:
            if not refusal.retiring or program is None:
                raise
        if pid is not None and has_ended(pid):
            # Two were started at once: the other one serves.
            if not place.is_locked():
                raise AgentError(
                    f"The agent ended at its start: {_last_words(place)}.", hint=f"The log is {place.log}."
                )
            pid = None
        elif pid is None and program is None:
            return None
        elif pid is None and program is not None and not place.is_locked():
            pid = spawn(program, place)
        elif time.monotonic() > end or place.is_elsewhere():
            raise place.not_answering()
        await asyncio.sleep(_RETRY_SECONDS)


async def _ready(client: Client) -> Client:
    """Wait until an agent has a fleet; raises LostError where it ends instead."""
    try:
        await client.call("ready")
    except BaseException:
        await client.aclose()
        raise
    return client


def ensure_agent(program: Sequence[str], state: Path, config: Path, *, asked: bool = False) -> None:
    """Start an agent where none runs, and wait until it answers. Blocking; raises AgentError with the cause.

    Where the configuration or the environment turns the agent off, one is started only if a user has ``asked``.
    """
    import asyncio

    from gputui.agent.protocol import hello_of

    place = Place(state)
    off = "" if asked else why_off(config)
    _refuse_start(off, place)

    async def start() -> None:
        client = await attach(place, hello_of(config), None if off else program)
        if client is not None:
            await client.aclose()

    asyncio.run(start())


def ask_agent(
    state: Path, name: str, arguments: Mapping[str, Any] | None = None, *, config: Path | None = None
) -> Any:
    """Return the agent's answer to a request; None where no agent runs. Blocking; raises what the agent raises.

    ``config`` is the configuration that the agent has to serve; without it only ``status`` and ``stop`` are asked.
    """
    import asyncio

    from gputui.agent.client import connect
    from gputui.agent.protocol import Hello, hello_of

    hello = Hello("", control=True) if config is None else hello_of(config)

    async def ask() -> Any:
        client = await connect(Place(state), hello)
        if client is None:
            return None
        try:
            return await client.call(name, arguments)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def stop_agent(state: Path, *, timeout: float = STOP_SECONDS) -> Mapping[str, Any] | None:
    """End the agent, by a signal where it does not answer, and wait until it has ended; None where none runs.

    Returns its process and the names of the services that had something left to do. Raises AgentError.
    """
    place = Place(state)
    if not place.is_locked():
        return None
    info = place.read_info()
    answer = None
    with suppress(AgentError):
        answer = ask_agent(state, "stop")
    if answer is None:
        if not info.pid or info.host != os.uname().nodename:
            raise place.not_answering()
        with suppress(ProcessLookupError):
            os.kill(info.pid, signal.SIGTERM)
        answer = {"pid": info.pid, "busy": []}
    end = time.monotonic() + timeout
    while place.is_locked():
        if time.monotonic() > end:
            raise AgentError(f"The agent, process {info.pid}, does not end.", hint=f"The log is {place.log}.")
        time.sleep(_RETRY_SECONDS)
    return dict(answer)


def _last_words(place: Place) -> str:
    from gputui.agent.log import last_lines

    try:
        found = [line.strip().removesuffix(".") for line in last_lines(place.output, 5) if line.strip()]
    except OSError:
        found = []
    return found[-1] if found else "it has left no message"
