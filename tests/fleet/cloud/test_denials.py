"""Lists that an account may not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputui.api.capabilities import Lister
from gputui.errors import AccountDeniedError
from gputui.models import Resource, Row
from tests.fleet.cloud.hub import DEPLOYMENTS, EVENTS, FIRST, INSTANCES, Hub
from tests.fleet.fakes import FakeClock, running, settle


class Denied(Hub):
    """A cloud whose account may not use deployments."""

    def __init__(self) -> None:
        super().__init__()
        self.denied: AccountDeniedError | None = None
        self.asked = 0

    @property
    def listers(self) -> Mapping[Resource, Lister]:  # type: ignore[override]  # as in FakeBackend
        return dict.fromkeys((INSTANCES, DEPLOYMENTS, EVENTS, Resource.BLACKLIST), self.refuse)

    async def refuse(self) -> Sequence[Row]:
        self.asked += 1
        self.denied = AccountDeniedError("hub: deployments need a company-verified account.")
        raise self.denied

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        return self.denied

    def forget(self) -> None:
        self.denied = None


async def test_what_an_account_may_not_use_is_neither_polled_nor_offered(clock: FakeClock) -> None:
    hub = Denied()
    async with running(clock, hub) as fleet:
        fleet.poll([INSTANCES, DEPLOYMENTS])
        await settle()
        asked = hub.asked
        assert asked
        await clock.advance(600)
        assert hub.asked == asked
        assert fleet.runtime("hub").denial(DEPLOYMENTS) is hub.denied is not None
        assert not fleet.supports("hub", DEPLOYMENTS)
        assert fleet.creatable("hub") == ()
        fleet.refresh([DEPLOYMENTS])
        await settle()
        assert hub.asked > asked, "it is asked again on a refresh by the user"


async def test_rows_of_an_earlier_session_go_when_the_account_may_not_list_them(clock: FakeClock) -> None:
    hub = Denied()
    async with running(clock, hub) as fleet:
        fleet.take(fleet.runtime("hub"), DEPLOYMENTS, [FIRST])
        assert FIRST.ref in fleet.rows(DEPLOYMENTS)
        fleet.poll([DEPLOYMENTS])
        fleet.refresh([DEPLOYMENTS])
        await settle()
        assert fleet.runtime("hub").denial(DEPLOYMENTS) is not None
        assert not fleet.rows(DEPLOYMENTS)
        assert not fleet.rows(EVENTS), "that they may not be listed is no event of theirs"
