"""The store of a log's lines: order, borders of pages, filters."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from gputui.errors import GputuiError
from gputui.logs.store import LogFilter, LogStore
from gputui.models import LogLine, LogPosition, LogSeverity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lines(first: int, last: int, *, text: str = "línea {} 世界") -> list[LogLine]:
    return [LogLine(NOON, text.format(number), LogPosition("noon", str(number))) for number in range(first, last)]


def texts(store: LogStore) -> list[str]:
    return [line.text for line in store.read(store.first, store.last)]


def test_lines_are_in_order_whichever_end_they_come_at_and_none_is_there_twice() -> None:
    store = LogStore()
    store.add_newer(lines(50, 60))
    assert store.add_older(lines(40, 52)) == 10
    assert store.add_newer(lines(55, 70)) == 10
    assert store.add_older(lines(30, 40)) == 10
    assert texts(store) == [line.text for line in lines(30, 70)]


def test_a_line_keeps_its_number_when_older_ones_come() -> None:
    store = LogStore()
    store.add_newer(lines(10, 20))
    before = store.read(3, 5)
    store.add_older(lines(0, 10))
    assert store.read(3, 5) == before
    assert [line.number for line in store.read(-2, 2)] == [-2, -1, 0, 1]
    assert [line.text for line in store.read(-2, 2)] == [line.text for line in lines(8, 12)]


def test_an_empty_line_and_one_without_a_time_are_kept() -> None:
    store = LogStore()
    store.add_newer([LogLine(None, "", LogPosition("", "1")), LogLine(NOON, "x", LogPosition("", "2"))])
    assert [(line.time, line.text) for line in store.read(0, 2)] == [(None, ""), (NOON, "x")]


def test_a_filter_keeps_up_with_lines_at_both_ends() -> None:
    store = LogStore()
    store.add_newer(lines(100, 200))
    chosen = LogFilter(store, lambda text: " 1" in text and "5 " in text)
    while chosen.step(7):
        pass
    store.add_older(lines(0, 100))
    store.add_newer(lines(200, 300))
    assert chosen.behind == 200
    while chosen.step(7):
        pass
    shown = [store.read(chosen[index], chosen[index] + 1)[0].text.split()[1] for index in range(len(chosen))]
    assert shown == ["15", *(f"1{ten}5" for ten in range(10))]
    assert chosen[chosen.index_of(0)] == 5


def test_a_full_disk_is_said_and_the_lines_are_taken_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    store = LogStore()
    store.add_newer(lines(0, 3))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(GputuiError, match="No space left"):
            store.add_newer(lines(3, 6))
    assert len(store) == 3
    store.add_newer(lines(3, 6))
    assert texts(store) == [line.text for line in lines(0, 6)]


def test_a_line_keeps_the_severity_that_was_reported_and_a_log_without_times_is_known_as_one() -> None:
    store = LogStore()
    store.add_newer([LogLine(None, "refused", LogPosition("", "2"), LogSeverity.ERROR)])
    assert not store.timed
    store.add_older([LogLine(NOON, "step", LogPosition("", "1"))])
    assert [line.severity for line in store.read(-1, 1)] == [None, LogSeverity.ERROR]
    assert store.timed
