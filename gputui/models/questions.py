"""Requests that change nothing, as one process makes them for another of the same user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import field

from gputui.late_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A request to the server of an account that only reads; ``content`` is its body."""

    account: str
    method: str
    path: str
    params: tuple[tuple[str, str | int], ...] = ()
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server. ``latency`` is how long it took, ``ahead`` by how much the server's clock is ahead.

    Both are in seconds, None where unknown. ``age`` is how long ago the request began.
    """

    body: bytes = field(repr=False)
    latency: float | None = None
    ahead: float | None = None
    age: float = 0.0


Share = Callable[[Question, float], Awaitable[Answer | None]]
"""Returns an answer to a question which was asked less than so many seconds ago, or is asked now, once for all.

None where the caller has to ask its server itself. Raises GputuiError as a request does.
"""


class Sharing:
    """How the requests of one reading of a list are shared.

    An answer to a request that began after ``since`` is good enough, by the same clock as ``monotonic``.
    """

    def __init__(self, share: Share, since: float, monotonic: Callable[[], float]) -> None:
        self.asked_here = False
        """Whether at least one request was not answered by the other process."""
        self.age = 0.0
        """The age of the oldest answer of the other process, in seconds."""
        self.answered = False
        """Whether at least one was."""
        self._share = share
        self._since = since
        self._monotonic = monotonic

    async def answer(self, question: Question) -> Answer | None:
        """Return the other process's answer; None where the server has to be asked here."""
        answer = await self._share(question, max(0.0, self._monotonic() - self._since))
        if answer is None:
            self.asked_here = True
        else:
            self.answered = True
            self.age = max(self.age, answer.age)
        return answer


sharing: ContextVar[Sharing | None] = ContextVar("sharing", default=None)
"""How requests of the present task are shared: those of lists that are polled are, all others are not."""
