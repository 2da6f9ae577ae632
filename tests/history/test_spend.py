"""Spending in the history's file: two processes count once, gaps stay gaps, old months go."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gputui.history import spend
from gputui.history.history import History
from gputui.models import Ref, Resource
from gputui.models.spend import Charge, Look, Span
from tests.history.conftest import AT

T = AT.timestamp()
LIST = Resource.INSTANCES


def charge(name: str = "a", price: str = "1.80", account: str = "hub", label: str = "") -> Charge:
    return Charge(Ref(account, "container", name), LIST, name=name, currency="USD", price=price, label=label)


def span(since: float, until: float, of: Charge | None = None, joins: float = 0.0) -> Span:
    return Span(of or charge(), T + since, T + until, joins)


def look(since: float, until: float, *, whole: bool = True) -> Look:
    return Look("hub", LIST, whole, T + since, T + until)


def spans(
    history: History, accounts: tuple[str, ...] = ("hub",), at: datetime = AT
) -> list[tuple[str, float, float]]:
    found = history.spend.read(accounts, at)
    return [
        (found.charges[number].price, round(since - T, 3), round(until - T, 3))
        for number, since, until in found.spans
    ]


def test_a_span_is_extended_in_place_while_the_same_price_is_seen(path: Path) -> None:
    history = History(path)
    for until in (60, 120, 180):
        assert history.spend.record([span(0, until)], [look(0, until)], AT)
    assert spans(history) == [("1.80", 0, 180)]
    assert [(one.since - T, one.until - T) for one in history.spend.read(["hub"], AT).looks] == [(0, 180)]


def test_what_two_processes_see_at_the_same_time_counts_once(path: Path) -> None:
    one, other = History(path), History(path)
    one.spend.record([span(0, 60)], [look(0, 60)], AT)
    other.spend.record([span(30, 90)], [look(30, 90)], AT)
    one.spend.record([span(0, 120)], [look(0, 120)], AT)
    other.spend.record([span(30, 150)], [look(30, 150)], AT)
    assert spans(one) == spans(other) == [("1.80", 0, 150)]


def test_another_process_that_follows_soon_enough_continues_a_span_and_a_later_one_does_not(path: Path) -> None:
    one, other, third = History(path), History(path), History(path)
    one.spend.record([span(0, 60)], [], AT)
    other.spend.record([span(120, 180, joins=90)], [], AT)
    third.spend.record([span(300, 360, joins=90)], [], AT)
    assert spans(one) == [("1.80", 0, 180), ("1.80", 300, 360)]


def test_a_session_that_could_not_write_for_a_while_counts_all_that_it_has_seen(path: Path) -> None:
    one, other = History(path), History(path)
    one.spend.record([span(0, 60)], [look(0, 60)], AT)
    other.spend.record([span(300, 360)], [look(300, 360)], AT)
    one.spend.record([span(0, 420)], [look(0, 420)], AT)
    assert ("1.80", 0, 420) in spans(other)
    looks = other.spend.read(["hub"], AT).looks
    assert (0, 420) in [(each.since - T, each.until - T) for each in looks]


def test_another_price_is_another_span(path: Path) -> None:
    history = History(path)
    history.spend.record([span(0, 60), span(60, 90, charge(price="2.10"))], [], AT)
    assert spans(history) == [("1.80", 0, 60), ("2.10", 60, 90)]


def test_other_accounts_and_older_spans_are_not_read(path: Path) -> None:
    history = History(path)
    history.spend.record([span(0, 60), span(0, 60, charge(account="lab"))], [], AT)
    assert len(spans(history)) == 1
    assert spans(history, ("lab",), AT + spend.MARGIN + timedelta(seconds=61)) == []


def test_a_file_of_an_earlier_release_has_no_spending(path: Path) -> None:
    assert History(path).spend.read(["hub"], AT).spans == ()


def test_months_that_are_too_old_are_deleted_with_their_looks_and_charges(path: Path) -> None:
    history = History(path)
    history.spend.record([span(0, 60)], [look(0, 60)], AT)
    later = AT + timedelta(days=400)
    again = History(path)
    again.spend.record([Span(charge("b"), later.timestamp(), later.timestamp() + 60)], [], later)
    found = again.spend.read(["hub"], AT)
    assert ([one.name for one in found.charges.values()], found.looks) == (["b"], [])


def test_of_too_many_spans_the_oldest_month_is_deleted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spend, "MOST_SPANS", 3)
    history = History(path)
    day = 24 * 3600.0
    history.spend.record([span(days * day, days * day + 60, charge(str(days))) for days in (-32, -31, 0, 1)], [], AT)
    assert [since for _, since, _ in spans(history, at=AT - timedelta(days=60))] == [0, day]


def test_a_level_of_a_budget_is_claimed_by_one_process_in_each_period(path: Path) -> None:
    one, other = History(path), History(path)
    assert [one.spend.claim("team", AT, 80), other.spend.claim("team", AT, 80)] == [True, False]
    assert other.spend.claim("team", AT, 100)
    assert other.spend.claim("team", AT + timedelta(days=1), 80)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("spend_span", "until = 'soon'"), ("spend_span", "until = 9e999"), ("spend_charge", "price = 'NaN'"),
        ("spend_charge", "name = x'00'"), ("spend_charge", "ref = 'lab/container/a'"), ("spend_look", "until = 'x'"),
    ],
)  # fmt: skip
def test_a_wrong_row_of_spending_is_set_aside_and_leaves_the_others(path: Path, table: str, change: str) -> None:
    history = History(path)
    history.spend.record([span(0, 60), span(0, 60, charge("b", "3"))], [look(0, 60), look(90, 99)], AT)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {table} SET {change} WHERE rowid = 1" if table == "spend_charge" else
                           f"UPDATE {table} SET {change} WHERE since = (SELECT min(since) FROM {table})"
                           f" {'AND charge = 1' if table == 'spend_span' else ''}")  # fmt: skip
    connection.close()
    found = history.spend.read(["hub"], datetime(2026, 2, 1, tzinfo=UTC))
    assert (len(found.spans), len(found.looks)) == ((2, 1) if table == "spend_look" else (1, 2))
    assert "1 row of the history cannot be read" in history.problem


def test_the_prices_of_a_thing_are_the_newest_first_and_an_unknown_one_is_none(path: Path) -> None:
    history = History(path)
    assert history.spend.prices(charge().ref, LIST, AT) == []  # nothing is recorded yet
    history.spend.record(
        [
            span(0, 600),
            span(900, 1200),  # after a gap, at the same price
            span(1200, 1800, charge(price="")),
            span(1800, 2400, charge(price="2.10")),
            span(0, 2400, charge("b", price="9")),
        ],
        [],
        AT,
    )

    def seen(now: float) -> list[tuple[str, float, float | None]]:
        found = history.spend.prices(charge().ref, LIST, AT + timedelta(seconds=now))
        assert found is not None
        return [
            (
                "?" if one.price is None else str(one.price.amount),
                one.since.timestamp() - T,
                None if one.until is None else one.until.timestamp() - T,
            )
            for one in found
        ]

    assert seen(2460) == [("2.10", 1800, None), ("?", 1200, 1800), ("1.80", 0, 1200)]
    assert seen(7200)[0] == ("2.10", 1800, 2400)
    prices = [span(2400 + 60 * n, 2460 + 60 * n, charge(price=str(n + 3))) for n in range(6)]
    history.spend.record(prices, [], AT)
    assert [price for price, _, _ in seen(2760)] == ["8", "7", "6", "5", "4"]


def test_prices_that_cannot_be_read_are_not_none(path: Path) -> None:
    history = History(path)
    history.spend.record([span(0, 60)], [], AT)
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE spend_span RENAME TO away")
    assert history.spend.prices(charge().ref, LIST, AT) is None
    assert "history cannot be read" in history.problem


def test_the_prices_of_a_thing_are_found_by_keys(path: Path) -> None:
    history = History(path)
    history.spend.record([span(0, 60)], [], AT)
    with sqlite3.connect(path) as other:
        plan = " ".join(str(row[3]) for row in other.execute(f"EXPLAIN QUERY PLAN {spend._PRICES}", ("",) * 4))
    assert "SCAN" not in plan
