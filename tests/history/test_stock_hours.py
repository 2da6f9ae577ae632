"""The stock by the hour: counted once whoever observes it, for months, with what earlier releases have seen."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.history import stock_hours, stock_samples
from gputui.history.history import History, StockSample
from gputui.models import Money, Ref
from gputui.models.stock import AVAILABLE, StockHour, StockPlace, StockSpan

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OFFER = Ref("hub", "offer", "sgp1/RTX 5090")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def span(begin: float, end: float, idle: int, price: str = "", ref: Ref = OFFER) -> StockSpan:
    """Return what was observed between two times, in minutes after noon."""
    money = Money(Decimal(price), "USD") if price else None
    return StockSpan(ref, "RTX 5090", "sgp1", idle, at(begin), at(end), money)


def seconds(history: History, ref: Ref = OFFER) -> dict[int, dict[int, int]]:
    """Return the seconds of each count, by the hours after noon."""
    found = history.stock_hours.read([ref], NOON - timedelta(days=99), NOON + timedelta(days=99))
    return {int((hour.begin - NOON).total_seconds()) // 3600: dict(hour.seconds) for hour in found}


def test_an_hour_has_the_seconds_of_each_count_and_the_least_price(path: Path) -> None:
    history = History(path)
    assert history.stock_hours.add([span(0, 30, 4, "0.90"), span(30, 75, 0, "0.70")], at(75))
    assert history.stock_hours.add([span(75, 80, AVAILABLE, "0.80")], at(80))
    assert History(path).stock_hours.read([OFFER], NOON, at(80)) == [
        StockHour(OFFER, NOON, {4: 1800, 0: 1800}, Money(Decimal("0.70"), "USD")),
        StockHour(OFFER, at(60), {0: 900, AVAILABLE: 300}, Money(Decimal("0.70"), "USD")),
    ]
    assert history.stock_hours.places() == [StockPlace(OFFER, "RTX 5090", "sgp1")]
    assert history.stock_hours.read([Ref("hub", "offer", "eu-1/H200")], NOON, at(80)) == []


def test_two_processes_that_observe_the_same_do_not_count_it_twice(path: Path) -> None:
    one, other = History(path), History(path)
    for minute in range(0, 60, 2):
        one.stock_hours.add([span(minute, minute + 2, 3)], at(minute + 2))
        other.stock_hours.add([span(max(minute - 1, 0), minute + 1, 3)], at(minute + 2))
    assert seconds(one) == {0: {3: 3600}}
    # Another account is observed for itself.
    lab = Ref("lab", "offer", "gpu01/A100")
    other.stock_hours.add([span(0, 30, 1, ref=lab)], at(60))
    assert seconds(one, lab) == {0: {1: 1800}}


def test_a_clock_that_was_wrong_does_not_end_the_counting(path: Path) -> None:
    history = History(path)
    history.stock_hours.add([span(60 * 24 * 9, 60 * 24 * 9 + 5, 3)], at(60 * 24 * 9 + 5))
    history.stock_hours.add([span(0, 5, 3)], at(5))
    assert seconds(history)[0] == {3: 300}


def test_hours_are_kept_for_months_and_not_for_ever(path: Path) -> None:
    history = History(path)
    old = -60 * 24 * (stock_hours.KEPT_DAYS + 1)
    history.stock_hours.add([span(old, old + 5, 3)], at(old + 5))
    history.stock_hours.add([span(-60 * 24 * 80, 5 - 60 * 24 * 80, 2)], at(5 - 60 * 24 * 80))
    History(path).stock_hours.add([span(0, 5, 1)], at(5))
    assert list(seconds(history)) == [-24 * 80, 0]


def test_prices_of_hours_that_are_gone_do_not_pile_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_hours, "MANY_PRICES", 1)
    History(path).stock_hours.add([span(0, 30, 4, "0.90")], at(30))
    later = 24 * 60 * (stock_hours.KEPT_DAYS + 1)
    History(path).stock_hours.add([span(later, later + 30, 4, "0.70")], at(later + 30))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT amount FROM stock_price").fetchall() == [("0.70",)]


def test_a_damaged_price_does_not_end_the_counting(path: Path) -> None:
    history = History(path)
    history.stock_hours.add([span(0, 20, 4, "0.90")], at(20))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE stock_price SET amount = 'x'")
    assert history.stock_hours.add([span(20, 40, 4, "0.80")], at(40))
    assert History(path).stock_hours.read([OFFER], NOON, at(40)) == [
        StockHour(OFFER, NOON, {4: 2400}, Money(Decimal("0.80"), "USD"))
    ]


def test_samples_of_earlier_releases_are_counted_where_the_account_was_observed(path: Path) -> None:
    assert History(path).stock(NOON) == []
    other = Ref("hub", "offer", "eu-1/H200")
    # Changes at these minutes; between 8 and 600 the program did not run, and nothing is known.
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, 8)",
            [
                (str(ref), at(minute).timestamp(), idle)
                for ref, minute, idle in (
                    (OFFER, 0, 4), (other, 3, 1), (OFFER, 5, 0), (other, 8, 2), (other, 600, 0), (other, 604, 1),
                )
            ],
        )  # fmt: skip
        connection.execute("INSERT INTO stock(ref, at, idle, total) VALUES ('damaged', 'never', 1, 8)")
    connection.close()
    for process in (History(path), History(path)):
        assert seconds(process) == {0: {4: 300, 0: 180}, 10: {0: 240}}
        assert seconds(process, other) == {0: {1: 300}, 10: {0: 240}}


def leave_samples(path: Path, *minutes: int) -> None:
    """Leave a file of an earlier release, with another count at each of these minutes after noon."""
    assert History(path).stock(NOON) == []
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, 8)",
            [(str(OFFER), at(minute).timestamp(), number % 2) for number, minute in enumerate(minutes)],
        )
    connection.close()


def test_a_process_that_ends_while_it_counts_samples_leaves_the_rest_to_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_samples(path, *range(0, 240, 4))
    monkeypatch.setattr(stock_samples, "_STEP_SECONDS", 1800.0)
    steps = 0

    def fails_at_the_third(*arguments: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            raise sqlite3.OperationalError("disk full")
        stock_hours.add_spans(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stock_samples, "add_spans", fails_at_the_third)
    history = History(path)
    assert history.stock_hours.places() == []
    assert "disk full" in history.problem
    counted = seconds(History(path))
    assert {hour: sum(found.values()) for hour, found in counted.items()} == {0: 3600, 1: 3600, 2: 3600, 3: 3360}
    assert steps > 5


def test_samples_are_counted_once_and_not_again_as_observed(path: Path) -> None:
    leave_samples(path, 0, 4, 8)
    one, other = History(path), History(path)
    assert seconds(one) == seconds(other) == {0: {0: 240, 1: 240}}
    # This process has observed the same time, and waited with it.
    one.stock_hours.add([span(0, 10, 3)], at(10))
    assert seconds(one) == {0: {0: 240, 1: 240, 3: 120}}


def test_samples_that_are_deleted_were_counted_before(path: Path) -> None:
    History(path).close()
    now = datetime.now(UTC)
    days = timedelta(days=20)
    history = History(path)
    history.stock(now)
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO stock(ref, at, idle, total) VALUES (?, ?, ?, 8)",
            [(str(OFFER), (now - days + timedelta(minutes=minute)).timestamp(), minute) for minute in (0, 4)],
        )
    connection.close()
    history.record(stock=[StockSample(OFFER, now, 1, 8)])
    assert history.stock(now - 2 * days)[0].at == now
    assert sum(sum(hour.seconds.values()) for hour in history.stock_hours.read([OFFER], now - 2 * days, now)) == 240


def test_an_older_release_still_uses_the_file(path: Path) -> None:
    History(path).stock_hours.add([span(0, 5, 3)], at(5))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize("damage", ["seconds = 'x'", "seconds = x'ff'", "hour = 1e30"])
def test_a_damaged_hour_is_set_aside_and_the_others_are_read(path: Path, damage: str) -> None:
    history = History(path)
    history.stock_hours.add([span(0, 5, 3), span(60, 65, 2)], at(65))
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE stock_hour SET {damage} WHERE hour = ?", (int(NOON.timestamp()) // 3600,))
    connection.close()
    assert seconds(history) == {1: {2: 300}}
    assert damage.startswith("hour") or history.problem.startswith("1 row of the history cannot be read")


@pytest.mark.parametrize("idle", [0, 1, 15, 16, 17, 31, 100, 999, 123_456])
def test_a_large_count_is_rounded_down_by_less_than_a_fifth(idle: int) -> None:
    stored = stock_hours.rounded(idle)
    assert stored == idle if idle <= stock_hours.EXACT else idle / 1.25 < stored <= idle
    assert stock_hours.rounded(stored) == stored
    assert stock_hours.decode(stock_hours.encode({AVAILABLE: 1, stored: 3600})) == {AVAILABLE: 1, stored: 3600}


@pytest.mark.parametrize("seconds", [0x7F, 0x80, 3600, 0x3FFF, 0x4000, 2**39])
def test_seconds_of_any_length_are_read_as_they_were_written(seconds: int) -> None:
    counts = {AVAILABLE: seconds, 0: 1, 126: seconds, 127: 2, 4096: seconds}
    assert stock_hours.decode(stock_hours.encode(counts)) == counts


@pytest.mark.parametrize(
    "damaged", [b"\x01", b"\x01\x80", b"\x01\x02\x03", b"\x80\x80", b"\x01" + b"\xff" * 7 + b"\x01"]
)
def test_bytes_that_are_no_seconds_by_count_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not seconds by count"):
        stock_hours.decode(damaged)
