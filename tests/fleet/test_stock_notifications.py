"""Notifications about stock: kept from one session to the next, and compared with answers of this session alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gputui.fleet.stock_notifications import StockNotifications
from gputui.history.history import History
from gputui.history.preferences import Preferences
from gputui.models import Offer, Ref, Resource
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet, running

OFFER = Offer(Ref("hub", "offer", "us/H200"), "H200", "us", idle=3, total=8)


async def test_one_of_an_earlier_session_notifies_with_the_first_answer_once(tmp_path: Path) -> None:
    preferences = Preferences()
    StockNotifications(preferences).add(replace(OFFER, idle=0), 2)
    cloud, clock = FakeBackend("hub"), FakeClock()
    cloud.rows[Resource.STOCK] = [OFFER]
    history = History(tmp_path / "history.db")
    async with running(clock, cloud, history=history) as fleet:
        fleet.poll({Resource.STOCK})
        await clock.advance(10)
    fleet = make_fleet(clock, cloud, history=history)
    fleet.restore()
    again, notified = StockNotifications(preferences), list[Offer]()
    again.idle.add(notified.append)
    again.follow(fleet)
    assert fleet.find(Offer, OFFER.ref) is not None, "restored"
    assert (again.at_least(OFFER.ref), notified) == (2, [])
    await fleet.start()
    await clock.advance(30)
    assert notified == [OFFER], "the answer is the same as the last of the earlier session"
    again.remove(OFFER.ref)
    assert not StockNotifications(preferences).refs
    await fleet.aclose()
    history.close()
