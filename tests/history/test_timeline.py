"""What the history has of a window: the window alone, what cannot be read counted, what was not observed unknown."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gputui.history.history import History, StockSample
from gputui.history.observed import Observation, write_observed
from gputui.history.timeline import SLOTS, Wanted, read
from gputui.models import Event, GpuSample, Outcome, Phase, Ref
from gputui.models.timeline import TimeSpan

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
"""Not long ago: what is old is deleted when something is written."""
MAIN, GPU, OFFER = Ref("lab", "pod", "main"), Ref("lab", "gpu", "0"), Ref("lab", "offer", "gpu01/A100")
HOUR = TimeSpan(NOON, NOON + timedelta(hours=1))
LAB = Wanted(("lab",))


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def event(minutes: float, status: str, account: str = "lab") -> Event:
    ref = Ref(account, "event", f"main/{status}/{minutes}")
    return Event(ref, Ref(account, "pod", "main"), "main", at(minutes), status, Phase.RUNNING)


def test_only_the_window_and_the_accounts_that_are_wanted_are_read(path: Path) -> None:
    history = History(path)
    history.record(events=[event(-1, "a"), event(5, "b"), event(6, "c", "hub"), event(60, "d")])
    entry = history.audit_log.begin(
        at=at(7), user="al", account="lab", ref=str(MAIN), action="stop", summary="stop main"
    )
    history.audit_log.finish(entry, at=at(8), outcome=Outcome.DONE, detail="")
    record = read(history, HOUR, LAB)
    assert [one.status for one in record.events] == ["b"]
    assert [(one.action, one.outcome) for one in record.actions] == [("stop", Outcome.DONE)]
    assert record.oldest == at(-1)


def test_a_state_that_two_processes_observed_is_one_event(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1, "up"), event(1.1, "up"), event(2, "down")])
    assert [one.status for one in read(history, HOUR, LAB).events] == ["up", "down"]


def test_a_row_that_cannot_be_read_is_set_aside_and_the_others_are_there(path: Path) -> None:
    history = History(path)
    history.record(events=[event(1, "up"), event(2, "down")])
    with sqlite3.connect(path) as file:
        file.execute("UPDATE event SET phase = 'sideways' WHERE status = 'up'")
    record = read(history, HOUR, LAB)
    assert [one.status for one in record.events] == ["down"]
    assert len(record.wrong["event"]) == 1
    assert "1 row of the history" in history.skipped


def test_figures_are_known_where_there_are_samples_and_unknown_elsewhere(path: Path) -> None:
    history = History(path)
    samples = [(GPU, GpuSample(at(minutes), utilization=50.0)) for minutes in (10, 11, 12)]
    history.record(gpus=samples, stock=[StockSample(OFFER, at(-5), 3, 8), StockSample(OFFER, at(30), 0, 8)])
    record = read(history, HOUR, LAB)
    slot = SLOTS // 60
    assert [record.load[minute * slot] for minute in (9, 10, 11, 13)] == [None, 50.0, 50.0, None]
    assert [record.stock[minute * slot] for minute in (10, 31, 50)] == [None, 0, None]
    assert read(history, HOUR, Wanted(("lab",), frozenset(), frozenset())).stock == [None] * SLOTS


def test_the_times_of_observation_of_a_process_are_joined_and_written_once(path: Path) -> None:
    history, observation = History(path), Observation()
    for minute in (0, 1, 2, 10, 11):
        observation.note("lab", at(minute), 90)
    due = observation.due()
    assert write_observed(history, [(account, begin, end) for (account, begin), end in due.items()])
    observation.written(due)
    assert len(observation.due()) == 1  # what continues
    assert read(history, HOUR, LAB).observed == {"lab": [TimeSpan(at(0), at(2)), TimeSpan(at(10), at(11))]}


def test_a_month_of_history_opens_quickly(path: Path) -> None:
    history = History(path)
    history.record(events=[event(-minutes, f"s{minutes % 7}") for minutes in range(0, 40_000, 2)])
    history.record(stock=[StockSample(OFFER, at(-minutes / 4), minutes % 9, 9) for minutes in range(40_000)])
    began = time.process_time()
    record = read(history, TimeSpan(at(-1440), at(0)), LAB)
    assert time.process_time() - began < 1.0
    assert 700 <= len(record.events) <= 721
