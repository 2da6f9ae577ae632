"""The base of back ends that speak HTTP: connections, clock and stated prices of one account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from gputui.api.capabilities import Backend
from gputui.api.common.account_client import AccountClient
from gputui.api.common.stated_prices import StatedPrices
from gputui.errors import InvalidError, SshError
from gputui.formatting import kind_noun, plural, status_text
from gputui.models import AccountInfo, Action, Instance, Kind, Never, Phase, Ref, Resource, Row, SSHTarget

if TYPE_CHECKING:
    from gputui.config.loader import Account


class HttpBackend(Backend):
    """One account on one HTTP server."""

    name = ""
    """The server's name in the account's details."""

    rules: Mapping[str, Kind] = MappingProxyType({})
    """The kinds of Refs: their lists, and the actions that the API has calls for, in any state."""

    without_ssh = "It may still be starting: try again in a moment."
    """The hint for an instance that runs and has no SSH address."""

    def __init__(self, account: Account, client: AccountClient) -> None:
        super().__init__(account.name)
        self.base_url = account.base_url
        self._connections = client
        self.answer = client.transport.answer
        self._prices = StatedPrices.of(account)
        if self._prices:
            self.spending |= {Resource.INSTANCES}

    @property
    def latency(self) -> float | None:
        """How long the last request took until its answer, in seconds."""
        return self._connections.transport.latency

    @property
    def clock_ahead(self) -> float | None:
        """How far the server's clock is ahead of this machine's, in seconds."""
        return self._connections.transport.clock.ahead

    def forget_credentials(self) -> None:
        """Resolve the secret again before the next request."""
        self._connections.forget_secret()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Fetch the current address of an instance's sshd; raises SshError where it does not run or has none."""
        require_kind(ref, *(kind for kind, resource in self.kinds.items() if resource is Resource.INSTANCES))
        return self.target_of(cast("Instance", await self.fetch(ref)))

    def target_of(self, row: Instance) -> SSHTarget:
        """Return the address of an instance as it is now; raises SshError where it does not run or has none."""
        ref = row.ref
        if row.phase not in (Phase.RUNNING, Phase.UNKNOWN):
            stopped = "Start it first." if Action.START in self.actions(row) else ""
            hint = "Wait until it runs." if row.phase is Phase.PENDING else stopped
            raise SshError(f"{ref} does not run (it is {status_text(row.status)}).", hint=hint)
        if row.ssh is None:
            raise SshError(f"{ref} has no SSH address.", hint=self.without_ssh)
        return row.ssh

    def actions(self, row: Row) -> frozenset[Action]:
        """Return the actions of its kind; a back end whose API permits them by state overrides this."""
        kind = self.rules.get(row.ref.kind)
        return frozenset() if kind is None else kind.actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row, by the rules."""
        if (kind := self.rules.get(row.ref.kind)) is not None:
            return kind.never(action)
        return Never(plural(kind_noun(row.ref.kind))) if self.rules else None

    def info(self) -> AccountInfo:
        """Return what is known of the account without a request."""
        return AccountInfo(Ref(self.account, "account", self.account), self.name, self.base_url, version="", user="")


def lists_of(rules: Mapping[str, Kind]) -> Mapping[str, Resource]:
    """Return the list that contains each kind of Ref."""
    return {name: kind.resource for name, kind in rules.items()}


def require_kind(ref: Ref, *kinds: str) -> None:
    """Raise InvalidError unless the Ref is of one of these kinds."""
    if ref.kind not in kinds:
        raise InvalidError(f"{ref} is not a {' or a '.join(kinds)}.")
