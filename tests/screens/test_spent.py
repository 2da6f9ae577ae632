"""The spending of today, this week and this month in Cost and in Home."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gputui.history.history import History
from gputui.models import Money, Ref, Resource
from gputui.models.budgets import Budget
from gputui.models.periods import Period
from tests.fleet.fakes import START
from tests.screens.hub import BATCH, TRAIN, deployment, hub
from tests.screens.stage import NARROW, staged, stop_the_clock
from tests.screens.world import lab


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass on the wall, and do at once what a thread would do meanwhile."""
    stop_the_clock(monkeypatch, "gputui.screens.cost.view")

    async def do(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return work(*given, **named)

    monkeypatch.setattr(asyncio, "to_thread", do)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.sqlite3")


async def test_a_period_has_its_sums_and_each_line_opens_what_it_is_made_of(history: History) -> None:
    cloud = hub()
    cloud.rows[Resource.DEPLOYMENTS] = [deployment(TRAIN, "train-a"), deployment(BATCH, "batch")]
    async with staged(cloud, lab(), history=history, view="9", size=NARROW) as stage:
        await stage.advance(3600)
        await stage.press("]")
        await stage.until_text("$2.")
        assert stage.title.startswith("Cost   ≥ $2.")
        assert "today" in stage.body[0]
        assert "by account" in stage.body[0]
        assert "hub" in stage.line_of("$2.")
        assert "hub: recorded since 12:00." in stage.text
        assert "Forecast to the end of the day: ≥ ~$" in stage.text

        # An account opens its deployments, a deployment its instances, an instance its row.
        await stage.press("enter")
        await stage.until_text("train-a")
        assert "/ account:hub" in stage.title
        await stage.press("enter")
        await stage.until(lambda: "by instance" in stage.body[0])
        await stage.until(lambda: stage.view.table.row_count == 2)  # type: ignore[attr-defined]
        await stage.press("enter")
        assert stage.title.startswith("Instances")

        # Other accounts have other sums.
        await stage.press("9", "escape")
        await stage.command("account lab")
        assert "Nothing was recorded today in lab." in stage.text
        await stage.press("escape")

        # Back in Cost another grouping is chosen, and the cost of now again.
        await stage.press("9", "escape", "G", "o")
        await stage.until_text("no owner")
        await stage.pilot.click("#periods", offset=(22, 0))
        await stage.until_text("[this week]")
        await stage.pilot.click("#periods", offset=(2, 0))
        await stage.until_text("[now]")
        assert "$4.21/h" in stage.title
        await stage.press("G")
        assert "choose a period first" in stage.toasts


async def test_the_period_is_remembered_with_its_filter(history: History) -> None:
    preferences = history.preferences("")
    async with staged(hub(), history=history, preferences=preferences, view="9") as stage:
        await stage.press("]", "]")
        await stage.command("group owner")
        await stage.press("/")
        await stage.type("name:mei")
        await stage.press("enter")
    again = history.preferences("")
    async with staged(hub(), history=history, preferences=again, view="9") as stage:
        await stage.until_text("[this week]")
        assert "by owner" in stage.body[0]
        assert "/ name:mei" in stage.title
        assert stage.view.focused is not None
        assert stage.view.focused.id == "spent"
        # A line of Home is about the cost of now.
        stage.app.session.navigator.go("cost", select=Ref("hub", "cost", "USD"))
        await stage.settle()
        assert "[now]" in stage.body[0]
        assert stage.view.focused.id == "table"


async def test_what_was_never_recorded_is_not_said_to_be_free(history: History) -> None:
    async with staged(lab(), history=history, view="9") as stage:
        await stage.press("]", "]", "]")
        await stage.until_text("Nothing was recorded this month")
    async with staged(lab(), view="9") as stage:
        await stage.press("]")
        assert "Spending is not recorded" in stage.text


async def test_home_has_the_spending_of_today_and_the_budgets_that_warn(history: History) -> None:
    async with staged(hub(), history=history) as stage:
        stage.fleet.budgets = [Budget("team", Money(Decimal("2.50"), "USD"), "day")]
        await stage.advance(3600)
        await stage.press("0")
        await stage.until_text("today ≥ $2.")
        assert "of $2.50 today (9" in stage.line_of("budget team")
        await stage.press("9", "]")
        await stage.until_text("Budget team: ≥ $2.")


async def test_home_shows_spending_that_grows_by_itself_only_now_and_then(history: History) -> None:
    async with staged(hub(), history=history) as stage:
        await stage.advance(3600)
        await stage.press("0")
        await stage.until_text("today ≥ $2.")
        before = stage.line_of("today ≥ $2.")
        await stage.advance(300)
        assert stage.line_of("today ≥ $2.") == before
        await stage.press("9", "0")
        await stage.until(lambda: stage.line_of("today ≥ $2.") != before)
        before = stage.line_of("today ≥ $2.")
        await stage.advance(700)
        await stage.until(lambda: before not in stage.text)


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this machine be in a time zone that is 8 hours ahead."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("view", ["0", "9"])
async def test_days_begin_as_the_choice_of_utc_says(history: History, in_shanghai: None, view: str) -> None:
    def begin() -> object:
        return stage.fleet.spend.now.reports[Period.TODAY].window.since

    async with staged(hub(), history=history) as stage:
        await stage.press(view)
        assert begin() == START.replace(hour=0)
        await stage.press("U")
        assert begin() == START.replace(hour=16) - timedelta(days=1)
