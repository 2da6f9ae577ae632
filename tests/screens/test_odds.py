"""The past of an offer: odds by hour of the week for N GPUs, and what is unknown."""

from __future__ import annotations

import gc
import warnings
from datetime import timedelta

from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Ref
from gputui.models.stock import StockSpan
from gputui.screens.stock.view import StockView
from tests.fleet.fakes import START
from tests.screens.stage import NARROW, Stage, staged
from tests.screens.stocks import at, hub, usd
from tests.screens.world import fail

OFFER = Ref("hub", "offer", "sgp1/RTX 5090")


def observed() -> History:
    """Return a history in which four were idle for half of the hour from noon, and none in the one before it."""
    history = History(None)
    spans = []
    for week in (3, 2, 1):
        noon = START - timedelta(weeks=week)
        spans += [
            StockSpan(
                OFFER,
                "RTX 5090",
                "sgp1",
                idle,
                noon + timedelta(minutes=begin),
                noon + timedelta(minutes=end),
                usd("0.90"),
            )
            for idle, begin, end in ((0, -60, 0), (4, 0, 30), (1, 30, 60))
        ]
    history.stock_hours.add(spans, START)
    return history


async def look(stage: Stage, said: str) -> None:
    """Open the past of the cell, and wait until the history has been read."""
    at(stage, "sgp1")
    await stage.press("o")
    await stage.until(lambda: said in stage.text)


async def test_the_odds_of_n_are_shown_by_hour_of_the_week_and_follow_plus_and_minus() -> None:
    async with staged(hub(), view="1", size=NARROW, history=observed()) as stage:
        await look(stage, "1 or more idle: 100 % of 3h 00m observed in 3 hours")
        assert "Sun 12:00–13:00 (now)" in stage.text
        assert "12 idle of 64 GPUs" in stage.text
        (line,) = [line for line in stage.lines if line.startswith(" ▸Sun‹")]
        assert line.split()[11:15] == ["·", "0", "10", "·"]
        await stage.press("plus")
        assert "2 or more idle: 50 % of 3h 00m" in stage.text
        await stage.press("left")
        assert "Sun 11:00–12:00   2 or more idle: 0 % of 3h 00m" in stage.text
        await stage.press("up")
        assert "Sat 11:00–12:00   2 or more idle: never observed" in stage.text
        await stage.press("minus", "minus")
        assert "1 or more idle" in stage.title
        assert "Waits      at least 1h 00m from Sun 2026-02-22 11:00" in stage.text
        assert "no hour is cheaper: $0.90/h in all observed" in stage.text
        await stage.press("escape")
        assert stage.view.NAME == "stock"


async def test_a_cell_that_was_never_observed_has_no_odds_and_says_how_it_gets_some() -> None:
    async with staged(hub(), view="1", history=History(None)) as stage:
        await look(stage, "Never observed yet")
        assert "(now)   1 or more idle: never observed" in stage.text


async def test_the_past_stays_while_the_stock_cannot_be_read() -> None:
    cloud = hub()
    async with staged(cloud, view="1", history=observed()) as stage:
        await look(stage, "100 % of 3h 00m")
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert "? old: the stock could not be read" in stage.text
        assert "100 % of 3h 00m" in stage.text


async def test_the_line_under_the_map_has_the_odds_of_this_hour_once_they_are_read() -> None:
    async with staged(hub(), view="1", history=observed()) as stage:
        at(stage, "sgp1")
        await stage.settle()
        await stage.advance(1)
        await stage.until(lambda: "idle at this hour of the week 100 %" in stage.text)
        await stage.press("left")
        assert "idle at this hour" not in stage.text


async def test_a_reading_of_the_odds_that_is_replaced_before_it_begins_is_given_up_without_a_warning() -> None:
    async with staged(hub(), view="1", history=observed()) as stage:
        view = stage.view
        assert isinstance(view, StockView)
        at(stage, "sgp1")
        await stage.advance(400)  # the odds of the cell are to be read again
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            view.odds_now.moved()
            stage.clock.elapsed += 1.0  # a move of its own, not a key that is repeated
            view.odds_now.moved()
            await stage.settle()
            gc.collect()
        assert not [str(one.message) for one in caught if issubclass(one.category, RuntimeWarning)]
