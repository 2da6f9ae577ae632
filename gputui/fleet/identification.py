"""Who each account is at its server: asked once it is open, after a failure again once it answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

from gputui.errors import GputuiError
from gputui.models import AccountInfo
from gputui.models.questions import Sharing, sharing

if TYPE_CHECKING:
    from gputui.fleet.account_runtime import AccountRuntime
    from gputui.fleet.fleet import Fleet

_AGAIN_SECONDS = 60.0


class Identification:
    """Identifies the accounts of a fleet that polls, in tasks that ``spawn`` begins; ``keep`` gets the answers."""

    def __init__(
        self,
        fleet: Fleet,
        spawn: Callable[[Coroutine[None, None, None]], None],
        keep: Callable[[AccountRuntime, AccountInfo], None],
    ) -> None:
        self._fleet = fleet
        self._spawn = spawn
        self._keep = keep
        self._asked: dict[str, float] = {}

    def begin_when_due(self, runtime: AccountRuntime) -> None:
        """Identify an account; after a failure again, at intervals, once it answers other requests."""
        now = self._fleet.clock.monotonic()
        last = self._asked.get(runtime.name)
        if self._fleet.polls and (last is None or now - last >= _AGAIN_SECONDS):
            self._asked[runtime.name] = now
            self._spawn(self._identify(runtime))

    async def _identify(self, runtime: AccountRuntime) -> None:
        fleet = self._fleet
        if fleet.share is not None:
            since = fleet.clock.monotonic() - _AGAIN_SECONDS
            sharing.set(Sharing(fleet.share, since, fleet.clock.monotonic))
        with suppress(GputuiError):  # the failures of its lists are reported
            self._keep(runtime, await runtime.backend.identify())
