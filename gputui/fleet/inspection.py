"""A look at the GPUs of many instances over SSH: logins, whose host keys are asked about together, then probes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.fleet.signals import Listeners
from gputui.fleet.ssh_gpu_reader import probe_gpus
from gputui.models import Instance, Ref

if TYPE_CHECKING:
    from gputui.fleet import Fleet
    from gputui.fleet.connections import Unasked
    from gputui.ssh.known_hosts import HostKey, HostKeyQuestion

    Trusted = Collection[tuple[str, HostKey]]
    Ask = Callable[[Sequence[HostKeyQuestion]], Awaitable[Trusted | None]]
    """Asks about new host keys; returns those that are trusted, by host and key, None where the user ended it."""

_AT_ONCE = 16
"""Logins at the same time."""


class Inspection:
    """Logs into instances and probes those that let it in, from then on.

    No user, password or code is asked for: an instance that needs one is counted in ``asking``. ``declined`` are
    those whose host key was not accepted. ``listeners`` are called after every step.
    """

    def __init__(
        self, fleet: Fleet, instances: Sequence[Instance], on_failure: Callable[[BaseException], None] | None = None
    ) -> None:
        self._fleet = fleet
        self._instances = {one.ref: one for one in instances}
        self.listeners: Listeners[None] = Listeners(on_failure)
        self.inspected: list[Instance] = []
        self.asking: list[Instance] = []
        self.declined: list[Instance] = []
        self.failures: dict[Ref, GputuiError] = {}
        self._work: asyncio.Future[None] | None = None

    @property
    def total(self) -> int:
        """The number of instances."""
        return len(self._instances)

    @property
    def done(self) -> int:
        """The number of instances whose login has ended one way or another."""
        return len(self.inspected) + len(self.asking) + len(self.declined) + len(self.failures)

    @property
    def complete(self) -> bool:
        """Whether every instance was inspected."""
        return len(self.inspected) == self.total

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._work is not None and not self._work.done()

    def name_of(self, ref: Ref) -> str:
        """Return the name of one of its instances."""
        return self._instances[ref].name

    def stop(self) -> None:
        """Stop the logins under way; what is probed already stays so."""
        if self._work is not None:
            self._work.cancel()

    async def run(self, ask: Ask) -> bool:
        """Inspect all of them; False where it was stopped. Raises SshError where host keys cannot be remembered."""
        self._work = asyncio.ensure_future(self._run(ask))
        self.listeners.notify(None)
        try:
            await asyncio.wait({self._work})
        finally:
            self._work.cancel()
            self.listeners.notify(None)
        if self._work.cancelled():
            return False
        self._work.result()
        return True

    async def _run(self, ask: Ask) -> None:
        left: Mapping[Ref, Instance] = self._instances
        refused = set[tuple[str, "HostKey"]]()
        while left:
            unanswered = await self._log_in(list(left.values()))
            questions = {(one.host_id, one.key): one for unasked in unanswered.values() for one in unasked.keys}
            new = [question for key, question in questions.items() if key not in refused]
            trusted = frozenset(await ask(new) or ()) if new else frozenset()
            refused |= questions.keys() - trusted
            left = {ref: self._instances[ref] for ref, one in unanswered.items() if self._may_try_again(one, refused)}
            for ref in unanswered.keys() - left.keys():
                (self.declined if unanswered[ref].keys else self.asking).append(self._instances[ref])
            if not trusted:
                self.asking += left.values()
                left = {}
            self.listeners.notify(None)

    @staticmethod
    def _may_try_again(unasked: Unasked, refused: Collection[tuple[str, HostKey]]) -> bool:
        """Whether no key of it was refused; one without keys waited for the login to its jump host."""
        return not any((one.host_id, one.key) in refused for one in unasked.keys)

    async def _log_in(self, instances: Sequence[Instance]) -> Mapping[Ref, Unasked]:
        """Log into these and probe them; returns the questions where a host key is not trusted yet."""
        slots, waiting = asyncio.Semaphore(_AT_ONCE), dict[Ref, "Unasked"]()

        async def one(instance: Instance) -> None:
            async with slots:
                if (unasked := await self._inspect(instance)) is not None:
                    waiting[instance.ref] = unasked
            self.listeners.notify(None)

        async with asyncio.TaskGroup() as group:
            for instance in instances:
                group.create_task(one(instance))
        return waiting

    async def _inspect(self, instance: Instance) -> Unasked | None:
        """Log into one and probe it; returns the questions where a host key is not trusted yet."""
        from gputui.fleet.connections import Unasked

        connections, unasked = self._fleet.connections, Unasked()
        try:
            async with connections.lease(instance, lambda: connections.log_in_unasked(instance, unasked)):
                pass
        except GputuiError as error:
            if unasked.keys or (unasked.reason and not unasked.asks):
                return unasked
            if unasked.reason:
                self.asking.append(instance)
            else:
                self.failures[instance.ref] = error
            return None
        probe_gpus(self._fleet, instance)
        self.inspected.append(instance)
        return None
