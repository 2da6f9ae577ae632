"""Moments as people write them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from gputui.presentation.times import parse_end, parse_time

NOW = datetime(2026, 11, 25, 14, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2 h", NOW - timedelta(hours=2)),
        ("30s", NOW - timedelta(seconds=30)),
        ("3d", NOW - timedelta(days=3)),
        ("9:05", datetime(2026, 11, 25, 9, 5, tzinfo=UTC)),
        ("09:05:07", datetime(2026, 11, 25, 9, 5, 7, tzinfo=UTC)),
        ("2026-11-24 14:05", datetime(2026, 11, 24, 14, 5, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T14:05:00+08:00", datetime(2026, 11, 24, 6, 5, tzinfo=UTC)),
    ],
)
def test_each_way_to_write_one_is_read(text: str, meant: datetime) -> None:
    assert parse_time(text, NOW, utc=True) == meant


def test_a_time_of_day_is_the_last_one_and_an_end_comes_after_its_beginning() -> None:
    evening = parse_time("23:50", NOW, utc=True)
    assert evening == datetime(2026, 11, 24, 23, 50, tzinfo=UTC)
    assert parse_time("00:10", NOW, utc=True, after=evening) == datetime(2026, 11, 25, 0, 10, tzinfo=UTC)
    noon = parse_time("12:00", NOW, utc=True)
    assert parse_time("15:00", NOW, utc=True, after=noon) == datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00+02:00",
        "9999-12-31T23:59-05:00",
        "",
        "soon",
        "25:00",
        "2026-13-01",
        "999999999d",
        "-5m",
        "1:2:3:4",
    ],
)
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="must be such as 90m"):
        parse_time(text, NOW)


@pytest.mark.parametrize(
    ("now", "meant"),
    [
        (datetime(2026, 10, 24, 18, tzinfo=UTC), datetime(2026, 10, 25, 17, tzinfo=UTC)),
        (datetime(2026, 3, 28, 19, tzinfo=UTC), datetime(2026, 3, 29, 16, tzinfo=UTC)),
        (datetime(2026, 7, 1, 10, tzinfo=UTC), datetime(2026, 7, 1, 16, tzinfo=UTC)),
    ],
)
def test_an_end_tomorrow_is_by_the_clock_of_tomorrow(
    monkeypatch: pytest.MonkeyPatch, now: datetime, meant: datetime
) -> None:
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        found = parse_end("18:00", now)
    time.tzset()
    assert found == meant
