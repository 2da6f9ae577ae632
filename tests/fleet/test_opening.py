"""In which order back ends are opened."""

from __future__ import annotations

import asyncio
import threading

from gputui.config.loader import Account
from gputui.fleet import Fleet
from tests.fleet.fakes import FakeBackend, FakeClock
from tests.threads import held_threads


async def test_accounts_that_cost_money_are_opened_first_and_one_that_hangs_delays_no_other(clock: FakeClock) -> None:
    hang, begun = threading.Event(), list[str]()
    backends = {name: FakeBackend(name) for name in ("lab", "hub")}
    accounts: dict[str, Account] = {
        "lab": Account(name="lab", kind="fake", base_url="http://lab"),
        "hub": Account(name="hub", kind="fake", base_url="http://hub", price=1.0),
    }

    def open_backend(account: Account) -> FakeBackend:
        begun.append(account.name)
        if account.name == "hub":
            hang.wait(10)
        return backends[account.name]

    fleet = Fleet(accounts, open_backend=open_backend, history=None, polling=None, clock=clock)
    starting = asyncio.create_task(fleet.start())
    try:
        with held_threads():
            while not begun:
                await clock.advance()
                await asyncio.sleep(0.01)
            assert begun == ["hub"]
            while not fleet.runtime("lab").was_opened:
                await clock.advance(0.2)
                await asyncio.sleep(0.01)
        assert begun == ["hub", "lab"]
        assert not starting.done()
        assert not fleet.runtime("hub").was_opened
    finally:
        hang.set()
        await starting
        await fleet.aclose()
    assert fleet.runtime("hub").was_opened
