"""``gputui get odds``: from what was observed of the stock, without a request."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.config.paths import history_path
from gputui.history.history import History
from gputui.models import Money, Ref, Resource
from gputui.models.stock import StockSpan
from tests.fleet.fakes import FakeBackend

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def history(home: Path, clouds: dict[str, Backend]) -> History:
    clouds["hub"] = FakeBackend("hub", (Resource.STOCK,))
    return History(history_path(home / "state"))


def observe(
    history: History, region: str, model: str, idle: int, weeks: tuple[int, ...], price: str = "0.90"
) -> None:
    """Note that so many were idle for the hour before that of now, and in it, so many weeks ago each."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ref = Ref("hub", "offer", f"{region}/{model}")
    spans = []
    for week in sorted(weeks, reverse=True):
        begin = hour - timedelta(weeks=week)
        money = Money(Decimal(price), "USD")
        spans.append(StockSpan(ref, model, region, 0, begin - timedelta(hours=1), begin, money))
        spans.append(StockSpan(ref, model, region, idle, begin, begin + timedelta(minutes=45), money))
        spans.append(
            StockSpan(ref, model, region, 0, begin + timedelta(minutes=45), begin + timedelta(hours=1), money)
        )
    # Each observation of an account begins where the last has ended.
    history.stock_hours.add(spans, hour)


def test_odds_are_of_this_hour_of_the_week_and_say_what_they_are_from(history: History, run: Run) -> None:
    observe(history, "sgp1", "RTX 5090", 4, (1, 2, 3))
    history.close()
    status, out, err = run("get", "odds", "RTX 5090", "--count", "4")
    assert status == 0
    heading, line = out.splitlines()
    assert heading.split()[:3] == ["MODEL", "ACCOUNT", "REGION"]
    assert line.startswith("RTX 5090  hub      sgp1")
    assert "75 %" in line
    assert "38 %" in line
    assert err.startswith("Odds of 4 or more idle; this hour is ")
    status, out, _ = run("get", "odds", "--count", "5", "-o", "json")
    (row,) = json.loads(out)
    assert (status, row["count"], row["chance"], row["now"]["chance"], row["now"]["hours"]) == (0, 5, 0.0, 0.0, 3)
    assert (row["observed_seconds"], len(row["week"]), row["cheapest"]) == (6 * 3600, 2, None)
    assert row["waits"][0]["seconds"] == 2 * 3600
    assert row["waits"][0]["at_least"] is True


def test_what_was_never_observed_is_unknown_and_few_hours_are_marked(history: History, run: Run) -> None:
    observe(history, "sgp1", "RTX 5090", 4, (1,))
    history.close()
    _, out, err = run("get", "odds")
    assert "75 % ?" in out
    assert "?: observed in fewer than 3 hours" in err


def test_without_any_observation_it_says_how_to_get_some(history: History, run: Run) -> None:
    history.close()
    assert run("get", "odds") == (
        0, "", "No stock has been observed yet. That takes Stock on the screen, or a watch (gputui watch).\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("odds", "Z9000"), "No stock of Z9000 was observed."),
        (("odds", "--watch"), "odds are from the past"),
        (("odds", "--count", "0"), "count"),
        (("instances", "H100"), "MODEL and --count belong to odds"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(history: History, run: Run, line: tuple[str, ...], said: str) -> None:
    observe(history, "sgp1", "RTX 5090", 4, (1,))
    history.close()
    status, out, err = run("get", *line)
    assert (status != 0, out) == (True, "")
    assert said in err


def test_a_history_that_cannot_be_read_is_not_taken_for_an_empty_one(history: History, home: Path, run: Run) -> None:
    history.commands()
    history.close()
    with sqlite3.connect(history_path(home / "state")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, out, err = run("get", "odds")
    assert (status, out) == (1, "")
    assert "No stock was observed" not in err
    assert err.startswith("gputui: the history was written by a newer gputui")
