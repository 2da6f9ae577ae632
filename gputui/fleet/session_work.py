"""The work of a session in the fleet's instances: copies, commands, forwards, attempts; each begins at first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from gputui.fleet.clock import within
from gputui.fleet.signals import Listeners
from gputui.models import Resource

if TYPE_CHECKING:
    from gputui.fleet.attempts import Attempt, Attempts
    from gputui.fleet.fleet import Fleet
    from gputui.fleet.forwards import Forwards
    from gputui.fleet.notifications.work import Work
    from gputui.fleet.remote_run import RemoteRun
    from gputui.fleet.runs import Runs
    from gputui.fleet.transfer import Transfer
    from gputui.fleet.transfers import Transfers
    from gputui.models.forwards import PortForward


class SessionWork:
    """The work of one session. It ends with the session; the notifications hear of it from ``listeners``."""

    def __init__(self, fleet: Fleet, on_failure: Callable[[BaseException], None] | None) -> None:
        self.listeners: Listeners[Work] = Listeners(on_failure)
        """Called with each change of a copy, a command in instances, or a series of attempts."""
        self._fleet = fleet
        self._on_failure = on_failure

    @cached_property
    def transfers(self) -> Transfers:
        """The copies of files to and from instances."""
        from gputui.fleet.transfers import Transfers, generation, reach

        transfers = Transfers(
            partial(reach, self._fleet),
            self._fleet.clock,
            auditor=self._fleet.mutations.auditor,
            writable=self._fleet.mutations.writable,
            generation=partial(generation, self._fleet),
            on_failure=self._on_failure,
        )
        transfers.listeners.add(self.listeners.notify)
        return transfers

    @cached_property
    def forwards(self) -> Forwards:
        """The ports of this machine that are forwarded to instances."""
        from gputui.fleet.forwards import Forwards

        fleet = self._fleet
        forwards = Forwards(fleet.connections.lease, fleet.get, fleet.clock, on_failure=self._on_failure)
        fleet.subscribe(Resource.INSTANCES, forwards.take)
        return forwards

    @cached_property
    def runs(self) -> Runs:
        """The commands that were run in instances."""
        from gputui.fleet.runs import Runs

        runs = Runs(self._on_failure)
        runs.listeners.add(self.listeners.notify)
        return runs

    @cached_property
    def attempts(self) -> Attempts:
        """The creates and starts that are tried again while there is no stock."""
        from gputui.fleet.attempts import Attempts

        attempts = Attempts(self._fleet, self._on_failure)
        attempts.listeners.add(self.listeners.notify)
        return attempts

    @property
    def attempts_under_way(self) -> Sequence[Attempt]:
        """The series of attempts that the end of the program would end."""
        return self.attempts.under_way if "attempts" in self.__dict__ else ()

    def forward_rows(self) -> list[PortForward]:
        """Return the forwards as they are now, without the libraries of SSH where there are none."""
        return [one.row() for one in self.forwards.all] if "forwards" in self.__dict__ else []

    @property
    def transfers_under_way(self) -> Sequence[Transfer]:
        """The copies that the end of the program would interrupt."""
        return self.transfers.busy if "transfers" in self.__dict__ else ()

    @property
    def runs_under_way(self) -> Sequence[RemoteRun]:
        """The commands that the end of the program would end."""
        return self.runs.under_way if "runs" in self.__dict__ else ()

    async def aclose(self, limit: float) -> None:
        """End all of it, each kind in ``limit`` seconds at most."""
        clock = self._fleet.clock
        if "attempts" in self.__dict__:
            await within(clock, limit, self.attempts.aclose())
        if "runs" in self.__dict__:
            await self.runs.aclose()
        if "transfers" in self.__dict__:
            await within(clock, limit, self.transfers.aclose())
        if "forwards" in self.__dict__:
            await within(clock, limit, self.forwards.aclose())
