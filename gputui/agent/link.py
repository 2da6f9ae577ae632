"""A session's link to the agent: requests of its lists go through it as long as it answers, else to the servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gputui.agent.client import Client, Listener, LostError, RefusedError
from gputui.agent.place import Place
from gputui.agent.protocol import hello_of
from gputui.agent.reads import answer_from_data, question_to_plain
from gputui.agent.start import AgentPlan, attach
from gputui.errors import AgentError, ConfigError
from gputui.models.questions import Answer, Question

if TYPE_CHECKING:
    from gputui.fleet import Fleet

AGAIN_SECONDS = 10.0
"""The time between two looks for an agent, in seconds."""
_SLOW_SECONDS = 3.0
"""After so long without an answer the agent is asked whether it is there."""
_ALIVE_SECONDS = 2.0


class Link:
    """The agent of a session, by its plan.

    A link that is lost is no failure: the session makes its requests by itself, and looks for an agent at intervals.
    """

    def __init__(self, state: Path, plan: AgentPlan) -> None:
        self.client: Client | None = None
        """The connection, None while there is none."""
        self.problem: AgentError | None = None
        """Why there is none, where that is known."""
        self._place = Place(state)
        self._plan = plan
        self._fleet: Fleet | None = None
        self._listeners: list[tuple[str, Listener]] = []
        self._on_other_build: Callable[[AgentError], None] | None = None
        self._other_build = ""
        """The refusal of an agent of another build that was reported."""
        self._connecting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> Client | None:
        """Connect to the agent, which is started first where the plan says so. None where there is none."""
        return await self._connect(start=self._plan.starts)

    async def ensure(self) -> Client:
        """Return the connection; where no agent runs, one is started. Raises AgentError with the cause."""
        client = await self._connect(start=True)
        if client is None:
            raise self.problem or AgentError("No agent runs.")
        return client

    async def _connect(self, *, start: bool) -> Client | None:
        async with self._connecting:
            if self.client is not None and not self.client.closed:
                return self.client
            self.client = None
            plan = self._plan
            hello = await asyncio.to_thread(hello_of, plan.config, attached=True)
            try:
                client = await attach(self._place, hello, plan.program if start else None, pid=plan.process)
            except AgentError as error:
                self.problem, plan.process = error, None
                self._report_other_build()
                return None
            plan.process = None
            if client is not None:
                self.problem, self.client = None, client
                try:
                    await self._begin(client)
                except BaseException:  # cancelled: the next one has all subscriptions
                    await client.aclose()
                    raise
            return client

    async def ask(self, question: Question, age: float) -> Answer | None:
        """Return the answer of the agent's request; see :data:`.questions.Share`."""
        client = self.client
        if client is None or client.closed:
            return None
        try:
            return answer_from_data(await self._patient(client, question_to_plain(question, age)))
        except (AgentError, ConfigError):
            # It is gone, serves this account no longer, or cannot read a secret that is here perhaps.
            return None

    async def _patient(self, client: Client, question: dict[str, Any]) -> Any:
        """Wait for an answer as long as the agent shows that it is there."""
        work = asyncio.ensure_future(client.call("ask", question))
        try:
            while not (await asyncio.wait({work}, timeout=_SLOW_SECONDS))[0]:
                if not await _is_alive(client):
                    await client.aclose()
                    raise LostError("The agent does not answer.")
            return work.result()
        finally:
            work.cancel()

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """Call ``listener`` with everything that the agent publishes about a topic, of later agents too."""
        self._listeners.append((topic, listener))
        if self.client is not None:
            with suppress(AgentError):
                await self.client.subscribe(topic, listener)

    def report_other_build(self, report: Callable[[AgentError], None]) -> None:
        """Report once an agent of another release or commit, which does not serve this session."""
        self._on_other_build = report
        self._report_other_build()

    def _report_other_build(self) -> None:
        error = self.problem
        if self._on_other_build is None or not isinstance(error, RefusedError) or not error.of_other_build:
            return
        if error.message != self._other_build:
            self._other_build = error.message
            self._on_other_build(error)

    def serve(self, fleet: Fleet, *, fresh: bool = False) -> None:
        """Let a fleet share its requests from now on; ``fresh``: those that began before now do not serve it."""
        self._fleet = fleet
        begun = fleet.clock.monotonic()

        async def ask_since(question: Question, age: float) -> Answer | None:
            return await self.ask(question, min(age, fleet.clock.monotonic() - begun))

        fleet.share = ask_since if fresh else self.ask
        fleet.polled_lists.listeners.add(lambda _: self._send_polled_lists())
        self._send_polled_lists()

    def keep(self) -> None:
        """Look for another agent whenever the link is lost, until it is closed; none is started."""
        self._task = asyncio.create_task(self._keep())

    async def aclose(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self.client is not None:
            await self.client.aclose()

    async def _keep(self) -> None:
        while True:
            client = await self._connect(start=False)
            if client is not None:
                await client.ended.wait()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _begin(self, client: Client) -> None:
        with suppress(AgentError):
            for topic, listener in self._listeners:
                await client.subscribe(topic, listener)
        self._send_polled_lists()

    def _send_polled_lists(self) -> None:
        """Let the agent poll what is on this screen: it records it."""
        if self._fleet is not None and self.client is not None and not self.client.closed:
            self.client.note(
                "poll",
                {
                    "now": sorted(self._fleet.polled_lists.now),
                    "slowly": sorted(self._fleet.polled_lists.shown_slowly),
                },
            )


async def _is_alive(client: Client) -> bool:
    try:
        async with asyncio.timeout(_ALIVE_SECONDS):
            await client.call("ping")
    except (TimeoutError, AgentError):
        return False
    return True
