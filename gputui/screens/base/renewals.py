"""The blocks that the agent renews, as a session shows and changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.completion import write_in_thread
from gputui.errors import GputuiError
from gputui.models import LONGEST_BLOCK, Block, Ref
from gputui.models.renewals import BlockRenewal, RenewalState
from gputui.own_name import own_name

if TYPE_CHECKING:
    from gputui.history.history import History
    from gputui.screens.base.session import Session

DEFAULT_MINUTES = 24 * 60
"""The time of a block that does not say when it began."""


class Renewals:
    """The blocks that the agent renews, as the history has them; ``of`` are those that wait, by the Ref of the block.

    A change is shown after it is stored.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.of: Mapping[Ref, BlockRenewal] = {}
        self._texts: Mapping[Ref, str] = {}

    def text(self, ref: Ref) -> str:
        """Return the state of the renewal of a block; '' for none."""
        return self._texts.get(ref, "")

    def problem(self) -> str:
        """Return why nothing can be renewed in this session; '' where it can."""
        if self._session.leases.folder is None or self._session.history is None:
            return "Nothing is renewed in this session: it has no agent."
        return ""

    async def read(self) -> bool:
        """Read them; returns whether that changed what is shown."""
        history, scope = self._session.history, self._session.leases.scope
        if history is None or not scope:
            return False
        found = {one.place: one for one in await asyncio.to_thread(history.block_renewals.read, scope)}
        rows = {
            row.ref: one
            for row in self._session.fleet.all(Block)
            if (one := found.get((row.ref.account, row.region, row.host))) is not None
        }
        self.of = {ref: one for ref, one in rows.items() if one.state is RenewalState.WAITING}
        before, self._texts = self._texts, {ref: _state_text(one) for ref, one in rows.items()}
        return before != self._texts

    async def add(self, rows: Sequence[Block]) -> None:
        """Have blocks renewed. Raises GputuiError where that cannot be stored, or no agent can be started."""
        history = self._session.history
        now = self._session.fleet.now()
        renewals = []
        for row in rows:
            if row.until is None:
                continue
            begun = row.updated_at or row.created_at
            minutes = DEFAULT_MINUTES if begun is None else round((row.until - begun).total_seconds() / 60)
            renewal = BlockRenewal(
                self._session.leases.scope,
                row.ref.account,
                row.region,
                row.host,
                min(max(minutes, 1), LONGEST_BLOCK),
                row.comment,
                row.until,
                now,
                own_name(),
            )
            renewals.append(renewal)
        if history is not None:
            await write_in_thread(self._store, history, renewals)
        await self.read()

    def _store(self, history: History, renewals: Sequence[BlockRenewal]) -> None:
        for renewal in renewals:
            if not history.block_renewals.add(renewal):
                why = f": {history.problem}" if history.problem else ""
                raise GputuiError(f"The renewal of the block of {renewal.host} cannot be stored{why}.")
        self._session.leases.ensure()

    async def remove(self, renewals: Sequence[BlockRenewal]) -> None:
        """Have blocks not renewed."""
        if (history := self._session.history) is not None:
            await write_in_thread(_remove, history, renewals)
        await self.read()


def _remove(history: History, renewals: Sequence[BlockRenewal]) -> None:
    for one in renewals:
        history.block_renewals.remove(one)


def _state_text(renewal: BlockRenewal) -> str:
    if renewal.state is RenewalState.DONE:
        return "renewed"
    if renewal.state is RenewalState.WAITING:
        return f"once: {renewal.answer}" if renewal.answer else "once"
    return f"{renewal.state}: {renewal.answer}"
