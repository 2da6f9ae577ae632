"""The rules as a session shows and edits them: their files, and what the agent knows of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from gputui.completion import write_in_thread
from gputui.errors import AgentError, ConfigError, ForbiddenError, GputuiError
from gputui.fleet.signals import Listeners
from gputui.late_dataclasses import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from gputui.agent.link import Link
    from gputui.rules.book import RuleBook, RulesNow

_T = TypeVar("_T")
_SECONDS = 5.0
"""The time between two looks at the rules while no view shows them."""


@dataclass(slots=True)
class SessionRules:
    """The rules of the accounts. ``folder`` is the agent's, None where a session has no rules.

    ``ensure`` starts the agent where none runs; it blocks, and raises GputuiError. ``changed`` is called when the
    rules are read and differ.
    """

    folder: Path | None = None
    scope: str = ""
    ensure: Callable[[], None] = lambda: None
    changed: Listeners[None] = field(default_factory=Listeners)
    now: RulesNow | None = None
    """The rules as they were read last; None before that."""
    failure: str = ""
    """Why they could not be read."""
    read_only: bool = False
    """Whether this session changes nothing, so no rule either: the agent would act on it."""

    def book(self) -> RuleBook:
        """Return the rules in their files; raises ConfigError where the session has none."""
        from gputui.rules.book import RuleBook

        if self.folder is None:
            raise ConfigError("This session has no state directory for rules.")
        return RuleBook(self.folder, self.scope)

    async def follow(self, agent: Link | None, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Read the rules until cancelled, where there are any; ``sleep`` waits."""
        while self.folder is not None:
            if await asyncio.to_thread(_may_exist, self.folder / "rules"):
                await self.read(agent)
            await sleep(_SECONDS)

    async def read(self, agent: Link | None) -> None:
        """Read the rules, with what the agent knows of them where one runs."""
        if self.folder is None:
            return
        answer = await _ask(agent, "rules.status")
        failure, found = "", self.now
        try:
            found = await asyncio.to_thread(self.book().read, datetime.now(UTC), answer)
        except GputuiError as error:
            failure = str(error)
        if (found, failure) != (self.now, self.failure):
            self.now, self.failure = found, failure
            self.changed.notify(None)

    async def edit(self, agent: Link | None, work: Callable[[RuleBook], _T]) -> _T:
        """Edit the rules in a thread, let the agent read them, which is started where none runs. Raises GputuiError.

        Where no agent can be started, that is raised after the edit.
        """
        if self.read_only:
            raise ForbiddenError(
                "This session is read-only: no rule is created or changed.", hint="Start it without --read-only."
            )
        book = self.book()

        def save() -> tuple[_T, GputuiError | None]:
            done = work(book)
            try:
                self.ensure()
            except GputuiError as error:
                return done, error
            return done, None

        try:
            done, failure = await write_in_thread(save)
            if failure is None:
                await _ask(agent, "rules.changed")
        finally:
            await self.read(agent)
        if failure is not None:
            raise AgentError(
                f"The rule is saved, and nothing follows it: {failure.message}",
                hint="Start one: gputui agent --background",
            )
        return done


def _may_exist(directory: Path) -> bool:
    """Return whether there is a directory, or that is unknown: reading it then has the reason."""
    try:
        return directory.is_dir()
    except OSError:
        return True


async def _ask(agent: Link | None, name: str) -> Any:
    """Return the agent's answer; None where none is connected, or it does not answer."""
    client = None if agent is None else agent.client
    if client is None or client.closed:
        return None
    try:
        async with asyncio.timeout(3.0):
            return await client.call(name, {})
    except (AgentError, TimeoutError):
        return None
