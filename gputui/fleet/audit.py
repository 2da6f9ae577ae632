"""The audit log of what is done to things: an entry before it is sent, and how it ended."""

from __future__ import annotations

import asyncio
import getpass
from typing import TYPE_CHECKING

from gputui.fleet.clock import Clock
from gputui.known_secrets import mask
from gputui.models import Action, Ref
from gputui.redaction import redact

if TYPE_CHECKING:
    from gputui.history.history import History, Outcome


class Auditor:
    """Writes entries off the loop. Without a history nothing is written."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._audits: set[asyncio.Future[None]] = set()

    async def finish(self) -> None:
        """Wait for the ends of entries still being written."""
        if self._audits:
            await asyncio.wait(self._audits)

    async def begin(self, ref: Ref, action: Action, summary: str) -> int:
        """Write that something is about to be sent; raises GputuiError where that cannot be kept."""
        if (history := self._history) is None:
            return 0
        at = self._clock.now()
        begun = asyncio.get_running_loop().run_in_executor(
            None,
            lambda: history.begin_audit(
                at=at, user=_user(), account=ref.account, ref=str(ref), action=action.value, summary=mask(summary)
            ),
        )
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            begun.add_done_callback(self._end_unsent)
            raise

    def _end_unsent(self, begun: asyncio.Future[int]) -> None:
        from gputui.history.history import Outcome

        if begun.exception() is None:
            self.end_soon(begun.result(), Outcome.FAILED, "cancelled before it was sent")

    async def end(self, entry: int, outcome: Outcome, detail: str) -> None:
        """Write how it ended."""
        written = self.end_soon(entry, outcome, detail)
        if written is not None:
            await asyncio.shield(written)

    def end_soon(self, entry: int, outcome: Outcome, detail: str) -> asyncio.Future[None] | None:
        """Hand the end of an entry to a thread at once: it is written even when the one who waits is cancelled."""
        if (history := self._history) is None:
            return None
        at = self._clock.now()
        written = asyncio.get_running_loop().run_in_executor(
            None, lambda: history.finish_audit(entry, at=at, outcome=outcome, detail=redact(detail))
        )
        self._audits.add(written)
        written.add_done_callback(self._audits.discard)
        return written


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
