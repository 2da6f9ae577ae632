"""The audit log of changes: an entry before each is sent, and its outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gputui.fleet.clock import Clock
from gputui.known_secrets import mask
from gputui.models import Outcome, Ref
from gputui.own_name import own_name
from gputui.redaction import redact

if TYPE_CHECKING:
    from gputui.history.history import History


class Auditor:
    """Writes entries in threads. Without a history nothing is written."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._audits: set[asyncio.Future[Any]] = set()
        self.by_agent = False
        """Whether the changes are those that the agent makes for rules: the entries name it with the user."""

    async def finish(self) -> None:
        """Wait for the outcomes that are still being written."""
        while self._audits:  # the outcome of one that was not sent is written after its entry
            await asyncio.wait(self._audits)

    async def begin(self, ref: Ref, action: str, summary: str) -> int:
        """Write that a change is about to be sent; raises GputuiError where that is not possible."""
        if (history := self._history) is None:
            return 0
        at = self._clock.now()
        begun = asyncio.get_running_loop().run_in_executor(
            None,
            lambda: history.audit_log.begin(
                at=at,
                user=f"{own_name()} (agent)" if self.by_agent else own_name(),
                account=ref.account,
                ref=str(ref),
                action=str(action),
                summary=mask(summary),
            ),
        )
        self._audits.add(begun)
        begun.add_done_callback(self._audits.discard)
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            begun.add_done_callback(self._end_unsent)
            raise

    def _end_unsent(self, begun: asyncio.Future[int]) -> None:
        if begun.exception() is None:
            self.end_soon(begun.result(), Outcome.FAILED, "cancelled before it was sent")

    async def end(self, entry: int, outcome: Outcome, detail: str) -> None:
        """Write the outcome of an entry."""
        written = self.end_soon(entry, outcome, detail)
        if written is not None:
            await asyncio.shield(written)

    def end_soon(self, entry: int, outcome: Outcome, detail: str) -> asyncio.Future[None] | None:
        """Write the outcome of an entry in a thread, even when the caller is cancelled."""
        if (history := self._history) is None:
            return None
        at = self._clock.now()
        written = asyncio.get_running_loop().run_in_executor(
            None, lambda: history.audit_log.finish(entry, at=at, outcome=outcome, detail=redact(detail))
        )
        self._audits.add(written)
        written.add_done_callback(self._audits.discard)
        return written
