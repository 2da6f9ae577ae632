"""The requests of all sessions that only read: each is sent once for all that need its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from gputui.agent.protocol import Data
from gputui.errors import AgentError, AuthError, InvalidError
from gputui.fleet.clock import Clock
from gputui.late_dataclasses import dataclass
from gputui.models.questions import Answer, Question

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.fleet import Fleet

KEPT_SECONDS = 90.0
"""How long an answer is kept after its request: the longest interval of polling is 60 s."""
_TIDY_SECONDS = 10.0
_MOMENT = 1e-6
_RENEW_SECONDS = 60.0
"""The least time between two readings of credentials that the server refuses, in seconds."""


@dataclass(slots=True)
class _Asked:
    """A request: when it began, by the monotonic clock, and its outcome."""

    at: float
    outcome: asyncio.Task[Answer]


class Reads:
    """Asks the servers of a fleet. The answers, failures too, serve whoever can do with their age."""

    def __init__(self, fleet: Callable[[], Fleet], clock: Clock) -> None:
        self.sent = 0
        """The requests that were sent to servers."""
        self.given = 0
        """The answers that were given."""
        self._fleet = fleet
        self._clock = clock
        self._asked: dict[Question, _Asked] = {}
        self._renewed: dict[str, float] = {}
        """When the credentials of an account were read again."""
        self._tidied = clock.monotonic()

    async def ask(self, question: Question, age: float) -> Answer | None:
        """Return an answer to a request that began less than ``age`` seconds ago; see :data:`.questions.Share`."""
        runtime = self._fleet().runtimes.get(question.account)
        opened = runtime.opened if runtime is not None else None
        if opened is None or opened.answer is None:
            return None
        now = self._clock.monotonic()
        self._tidy(now)
        asked = self._asked.get(question)
        # One that began at that very moment may have been the last that the session has seen.
        if asked is None or asked.at <= now - age + _MOMENT or asked.outcome.cancelled():
            self.sent += 1
            # In a context of its own: the one who asks first may go away.
            outcome = asyncio.create_task(self._answer(opened, question), context=Context())
            asked = self._asked[question] = _Asked(now, outcome)
        self.given += 1
        try:
            answer = await asyncio.shield(asked.outcome)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not asked.outcome.cancelled() or (task is not None and task.cancelling()):
                raise
            # Whoever asked would wait for ever.
            raise AgentError("The agent begins again with a changed configuration.") from None
        return replace(answer, age=self._clock.monotonic() - asked.at)

    async def _answer(self, opened: Backend, question: Question) -> Answer:
        """Ask the server; where it refuses the credentials, these are read again first, once in a while."""
        try:
            return await _answered(opened, question)
        except AuthError:
            now = self._clock.monotonic()
            if now < self._renewed.get(question.account, -inf) + _RENEW_SECONDS:
                raise
            self._renewed[question.account] = now
            opened.forget_credentials()
            return await _answered(opened, question)

    def forget(self) -> None:
        """Forget all answers: the fleet is another one."""
        for asked in self._asked.values():
            asked.outcome.cancel()
        self._asked.clear()

    def _tidy(self, now: float) -> None:
        if now - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = now
        old = [
            question
            for question, asked in self._asked.items()
            if asked.outcome.done() and now - asked.at > KEPT_SECONDS
        ]
        for question in old:
            del self._asked[question]


async def _answered(opened: Backend, question: Question) -> Answer:
    if opened.answer is None:
        raise AgentError("The agent does not ask this server.")
    return await opened.answer(question)


def question_to_plain(question: Question, age: float) -> dict[str, Any]:
    """Return a question as plain data. Bodies of requests are ASCII."""
    return {
        "account": question.account,
        "method": question.method,
        "path": question.path,
        "params": [list(pair) for pair in question.params],
        "content": None if question.content is None else question.content.decode("ascii"),
        "age": age,
    }


def question_from_plain(data: Mapping[str, Any]) -> tuple[Question, float]:
    """Read a question and the age that its answer may have. Raises InvalidError."""
    try:
        content = data["content"]
        question = Question(
            str(data["account"]),
            str(data["method"]),
            str(data["path"]),
            tuple((str(name), value if isinstance(value, int) else str(value)) for name, value in data["params"]),
            None if content is None else str(content).encode("ascii"),
        )
        return question, float(data["age"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidError(f"This is no question to a server ({type(error).__name__}).") from None


def answer_to_data(answer: Answer | None) -> Data:
    """Return an answer as data of the protocol; raises AgentError where the session has to ask by itself."""
    if answer is None:
        raise AgentError("The agent does not ask this server.")
    return Data({"latency": answer.latency, "ahead": answer.ahead, "age": answer.age}, answer.body)


def answer_from_data(data: object) -> Answer | None:
    """Read an answer; None for anything else."""
    if not isinstance(data, Data):
        return None
    known = {name: data.facts.get(name) for name in ("latency", "ahead", "age")}
    numbers = {name: float(value) for name, value in known.items() if isinstance(value, (int, float))}
    return Answer(data.body, numbers.get("latency"), numbers.get("ahead"), numbers.get("age", 0.0))
