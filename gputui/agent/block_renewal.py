"""The service that renews blocks of hosts once, before they end, where the user has asked for it.

A renewal is claimed in the history before the request, and the audit log has the request before it is sent: it is
sent once, whatever happens. One without an answer is looked for in the blacklist, and never sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gputui.completion import write_in_thread
from gputui.errors import GputuiError, UnknownOutcomeError
from gputui.formatting import format_minutes
from gputui.models import Action, Block, FeedState, Instance, Phase, Resource
from gputui.models.notifications import Notification, Topic
from gputui.models.renewals import BlockRenewal, RenewalState
from gputui.presentation.blocks import place_of

if TYPE_CHECKING:
    from gputui.agent.services import AgentContext

PACE = 15.0
"""The time between two looks in seconds."""
BEFORE = timedelta(minutes=15)
"""So long before its end a block is renewed at most."""
_LISTS = (Resource.BLACKLIST, Resource.INSTANCES)


class BlockRenewalService:
    """Renews the blocks of one configuration file."""

    name = "block renewals"

    def __init__(self, agent: AgentContext) -> None:
        self._agent = agent
        self._fleet = agent.fleet
        self._scope = str(agent.config_path.absolute())
        self._renewals: list[BlockRenewal] = []
        self._own: set[tuple[str, str, str]] = set()
        """The hosts for which this service has a request under way."""

    @property
    def busy(self) -> bool:
        """Whether a block waits to be renewed."""
        return any(not one.state.over for one in self._renewals)

    @property
    def requests(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Any]]]:
        """It answers none: sessions read the history."""
        return {}

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await self.look()
                await self._fleet.clock.sleep(PACE)
        finally:
            self._fleet.polled_lists.keep((), owner=self)

    async def look(self) -> None:
        """Look at all renewals once."""
        self._renewals = await asyncio.to_thread(self._agent.history.block_renewals.read, self._scope)
        now = self._fleet.now()
        due = [one for one in self._renewals if not one.state.over and one.until - now <= _before(one)]
        self._fleet.polled_lists.keep(_LISTS if due else (), owner=self)
        for renewal in due:
            try:
                await self._look_at(renewal)
            except GputuiError as error:
                self._agent.log.warning("the block of %s was not renewed: %s", renewal.host, error)

    async def _look_at(self, renewal: BlockRenewal) -> None:
        account = self._fleet.accounts.get(renewal.account)
        if account is None:
            await self._end(renewal, RenewalState.FAILED, "its account is not in the configuration")
        elif account.read_only:
            await self._end(renewal, RenewalState.FAILED, f"{renewal.account} is read-only here")
        elif any(self._fleet.feed(renewal.account, list_).state is not FeedState.FRESH for list_ in _LISTS):
            await self._wait(renewal, "the lists of its account are not up to date")
        else:
            await self._decide(renewal, self._block_of(renewal))

    async def _decide(self, renewal: BlockRenewal, block: Block | None) -> None:
        """Renew one of which the lists are up to date, unless that has happened."""
        ends = None if block is None else block.until
        # The clock of the server may differ; a renewal moves the end by three quarters of the time at least.
        if ends is not None and ends > renewal.until + timedelta(minutes=renewal.minutes) / 2:
            await self._end(renewal, RenewalState.DONE, "it ends later than when that was asked for")
        elif renewal.state is RenewalState.SENDING:
            if renewal.place not in self._own:
                await self._end(renewal, RenewalState.UNKNOWN, "it was sent, and the blacklist does not show it")
        elif self._fleet.now() >= renewal.until:
            await self._end(renewal, RenewalState.EXPIRED, renewal.answer or "it ended before it could be renewed")
        elif block is None:
            await self._end(renewal, RenewalState.FAILED, "the host is not blocked any more")
        elif (instance := self._instance_on(renewal)) is None:
            await self._wait(renewal, "no instance on the host is known, and it is blocked through one")
        else:
            await self._send(renewal, instance)

    async def _send(self, renewal: BlockRenewal, instance: Instance) -> None:
        if not await self._claim(renewal):
            return  # another process sends it, or it was removed; or the history cannot be written
        self._own.add(renewal.place)
        arguments = {"minutes": str(renewal.minutes), "comment": renewal.reason}
        try:
            result = await self._fleet.act(instance.ref, Action.BLOCK, arguments=arguments, expected=instance)
        except UnknownOutcomeError as error:
            await self._end(renewal, RenewalState.UNKNOWN, error.message)
        except GputuiError as error:
            await self._end(renewal, RenewalState.FAILED, error.message)
        else:
            await self._end(renewal, RenewalState.DONE, result.message)
        finally:
            self._own.discard(renewal.place)

    async def _claim(self, renewal: BlockRenewal) -> bool:
        """Claim one; where the agent ends meanwhile, and nothing is sent, it waits again."""
        renewals = self._agent.history.block_renewals
        claimed: list[bool] = []
        try:
            await write_in_thread(lambda: claimed.append(renewals.claim(renewal)))
        except asyncio.CancelledError:
            if claimed == [True]:
                await write_in_thread(renewals.note, renewal, RenewalState.WAITING, renewal.answer)
            raise
        return claimed == [True]

    async def _wait(self, renewal: BlockRenewal, why: str) -> None:
        """Note why it is not renewed yet; it has ended when its time is over."""
        if renewal.state is RenewalState.WAITING and self._fleet.now() >= renewal.until:
            await self._end(renewal, RenewalState.EXPIRED, why)
        elif why != renewal.answer:
            await write_in_thread(self._agent.history.block_renewals.note, renewal, renewal.state, why)

    async def _end(self, renewal: BlockRenewal, state: RenewalState, answer: str) -> None:
        if not await write_in_thread(self._agent.history.block_renewals.note, renewal, state, answer):
            return
        if state is RenewalState.DONE:
            title, text = f"Block of {renewal.host} renewed", f"For {format_minutes(renewal.minutes)}: {answer}"
        else:
            title, text = f"Block of {renewal.host} not renewed", f"{renewal.account}, {renewal.region}: {answer}."
        self._agent.log.info("%s: %s", title, text)
        now = self._fleet.now()
        self._agent.notifier.announce(Notification(Topic.RULE, title, text, now, renewal.account, renewal.ref))

    def _block_of(self, renewal: BlockRenewal) -> Block | None:
        now = self._fleet.now()
        blocks = [
            row
            for row in self._fleet.all(Block)
            if (row.ref.account, row.region, row.host) == renewal.place and (row.until is None or row.until > now)
        ]
        return max(blocks, key=lambda row: (row.until is not None, row.until or now), default=None)

    def _instance_on(self, renewal: BlockRenewal) -> Instance | None:
        """Return an instance on the host, one that runs if there is one."""
        fleet = self._fleet
        here = [
            row
            for row in fleet.all(Instance)
            if place_of(row) == renewal.place and Action.BLOCK in fleet.actions(row)
        ]
        return min(here, key=lambda row: row.phase is not Phase.RUNNING, default=None)


def _before(renewal: BlockRenewal) -> timedelta:
    """Return how long before its end a block is renewed; of short ones a quarter of their time."""
    return min(BEFORE, timedelta(minutes=renewal.minutes) / 4)
