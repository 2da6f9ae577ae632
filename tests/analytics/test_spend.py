"""What was spent in a period: time × price, each instant once, and what the sum lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gputui.analytics.spend import SpendReport, Window, window
from gputui.analytics.spend_ledger import Ledger
from gputui.models import Money, Ref, Resource
from gputui.models.periods import By, Period
from gputui.models.spend import Charge, Look, SpendRecord

DAY = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
H = 3600.0
LIST = Resource.INSTANCES
TODAY = Window(DAY, DAY + timedelta(days=1))
NOON = DAY + timedelta(hours=12)


def charge(
    name: str = "a", price: str = "2", currency: str = "USD", *, account: str = "hub", owner: str = "",
    deployment: str = "", prepaid: bool = False, generation: str = "",
) -> Charge:  # fmt: skip
    return Charge(
        Ref(account, "container", name), LIST, generation, name, deployment and f"{account}/deployment/{deployment}",
        deployment, owner, "", currency if price else "", price, prepaid=prepaid,
    )  # fmt: skip


def record(
    *spans: tuple[Charge, float, float],
    looks: Sequence[tuple[float, float]] = ((0, 12),),
    partial: Sequence[tuple[float, float]] = (),
    begun: float = -24,
) -> SpendRecord:
    """Make a record of spans in hours of the day; the lists of all accounts were read during ``looks``."""
    charges = list(dict.fromkeys(each for each, _, _ in spans))
    accounts = sorted({each.ref.account for each in charges}) or ["hub"]
    at = DAY.timestamp()
    return SpendRecord(
        dict(enumerate(charges)),
        sorted(
            [(charges.index(each), at + H * since, at + H * until) for each, since, until in spans],
            key=lambda span: span[1],
        ),
        [
            Look(account, LIST, whole, at + H * since, at + H * until)
            for account in accounts
            for whole, ranges in ((True, looks), (False, partial))
            for since, until in ranges
        ],
        dict.fromkeys(accounts, at + H * begun),
    )


def report(found: SpendRecord, by: By = By.ACCOUNT, period: Window = TODAY, now: datetime = NOON) -> SpendReport:
    return Ledger(found, now).report(period, by)


def dollars(text: str) -> Money:
    return Money(Decimal(text), "USD")


def test_an_hour_at_a_price_costs_that_and_only_the_part_within_the_period_counts() -> None:
    found = report(record((charge(), -5, 1.5), (charge("b", "0.50"), 2, 3)))
    assert found.totals == {"USD": dollars("3.5000")}
    assert (found.lines[0].seconds, found.lines[0].count) == (2.5 * H, 2)


def test_currencies_are_never_added() -> None:
    found = report(record((charge(), 0, 1), (charge("b", "3", "CNY"), 0, 1)))
    assert [line.spent for line in found.lines] == [dollars("2.0000"), Money(Decimal("3.0000"), "CNY")]
    assert set(found.totals) == {"USD", "CNY"}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (By.ACCOUNT, [("hub", "7.0000"), ("lab", "2.0000")]),
        (By.DEPLOYMENT, [("train", "6.0000"), ("", "2.0000"), ("", "1.0000")]),
        (By.OWNER, [("mei", "6.0000"), ("", "3.0000")]),
        (By.LABEL, [("", "9.0000")]),
        (By.INSTANCE, [("a", "4.0000"), ("b", "2.0000"), ("d", "2.0000"), ("c", "1.0000")]),
    ],
)
def test_spending_is_added_up_by_what_it_belongs_to(by: By, expected: list[tuple[str, str]]) -> None:
    found = report(
        record(
            (charge("a", owner="mei", deployment="train"), 0, 2),
            (charge("b", owner="mei", deployment="train"), 0, 1),
            (charge("c", "1"), 0, 1),
            (charge("d", account="lab"), 0, 1),
        ),
        by,
    )
    assert [(line.name, line.spent and str(line.spent.amount)) for line in found.lines] == expected


def test_time_before_the_deployments_were_read_belongs_to_their_names_and_owners() -> None:
    unread = replace(charge(deployment="d1"), parent="d1")
    read = replace(unread, parent="train", owner="mei")
    found = record((unread, 0, 3), (read, 5, 12), looks=[(0, 3), (5, 12)])
    assert [(line.name, line.seconds) for line in report(found, By.OWNER).lines] == [("mei", 10 * H)]
    (line,) = report(found, By.DEPLOYMENT).lines
    assert (line.name, line.estimated_seconds) == ("train", 2 * H)


def test_two_prices_seen_at_the_same_time_count_once_the_newer_one() -> None:
    old, new = charge(), charge(price="3")
    found = report(record((old, 0, 4), (new, 1, 2)))
    assert found.totals == {"USD": dollars("9.0000")}
    assert report(record((old, 0, 2), (new, 1, 3))).totals == {"USD": dollars("8.0000")}


def test_what_a_wrong_clock_recorded_of_the_future_does_not_count_yet() -> None:
    found = report(record((charge(), 0, 1), (charge(), 11, 20), (charge(), 15, 16)))
    assert found.totals == {"USD": dollars("4.0000")}


def test_unpriced_time_is_named_in_the_line_of_its_group() -> None:
    (line,) = report(record((charge(), 0, 1), (charge("b", ""), 0, 3))).lines
    assert (line.spent, line.unpriced, line.count) == (dollars("2.0000"), 3 * H, 2)
    (alone,) = report(record((charge("b", ""), 0, 3))).lines
    assert (alone.spent, alone.unpriced) == (None, 3 * H)


def test_what_has_no_price_is_in_the_line_of_the_currency_of_its_account() -> None:
    """An owner who pays in two currencies has the unpriced thing next to the sum of its own."""
    found = record(
        (charge("a", "5", owner="mei"), 0, 1),
        (charge("b", "3", "CNY", account="lab", owner="mei"), 0, 1),
        (charge("c", "", account="lab", owner="mei"), 0, 2),
        (charge("d", "", account="new", owner="mei"), 0, 4),
    )
    lines = report(found, By.OWNER).lines
    assert [(line.currency, line.spent and str(line.spent.amount), line.unpriced / H) for line in lines] == [
        ("USD", "5.0000", 0),
        ("CNY", "3.0000", 2),
        ("", None, 4),
    ]
    # In an account with two currencies it may be either.
    found = record((charge(), 0, 1), (charge("b", "3", "CNY"), 0, 1), (charge("c", ""), 0, 2))
    assert [(line.currency, line.unpriced / H) for line in report(found).lines] == [("USD", 0), ("CNY", 0), ("", 2)]


@pytest.mark.parametrize(
    ("spans", "looks", "begun", "spent"),
    [
        ([(12, 12)], [(12, 12)], 12, None),
        ([(-3, -1), (12, 12)], [(-3, -1), (12, 12)], -24, None),
        ([(12, 12)], [(0, 12)], -24, Decimal(0)),
        ([(11, 12)], [(11, 12)], 11, Decimal(2)),
    ],
    ids=["the first reading", "the first reading of the day", "it began just now", "observed since"],
)
def test_what_was_not_observed_yet_is_unknown_and_not_zero(
    spans: Sequence[tuple[float, float]], looks: Sequence[tuple[float, float]], begun: float, spent: Decimal | None
) -> None:
    given = [(charge(), since, until) for since, until in spans]
    found = report(record(*given, looks=looks, begun=begun), now=NOON + timedelta(seconds=20))
    (line,) = found.lines
    assert (line.spent and line.spent.amount) == spent
    assert [money.amount for money in found.totals.values()] == ([] if spent is None else [spent])
    assert line.currency == "USD"


def test_the_first_reading_of_what_a_package_pays_for_is_unknown_too() -> None:
    found = record((charge(prepaid=True), 12, 12), looks=[(12, 12)], begun=12)
    (line,) = report(found, now=NOON + timedelta(seconds=20)).lines
    assert line.spent is None


def test_prepaid_time_costs_nothing_and_is_named() -> None:
    (line,) = report(record((charge(prepaid=True), 0, 2), (charge(), 2, 3))).lines
    assert (line.spent, line.prepaid, line.seconds) == (dollars("2.0000"), 2 * H, H)


def test_a_gap_is_named_and_what_was_probably_spent_in_it_is_a_figure_of_its_own() -> None:
    found = report(record((charge(), 0, 3), (charge(), 5, 12), looks=[(0, 3), (5, 12)]))
    assert found.totals == {"USD": dollars("20.0000")}
    assert found.estimates == {"USD": Money(Decimal("4.0000"), "USD", estimated=True)}
    at = DAY.timestamp()
    assert found.unobserved["hub"].gaps == ((at + 3 * H, at + 5 * H),)
    assert found.lines[0].estimated_seconds == 2 * H


@pytest.mark.parametrize(
    "after",
    [charge(price="3"), charge(generation="another")],
    ids=["another price", "another thing of its name"],
)
def test_nothing_is_estimated_where_the_same_did_not_run_before_and_after(after: Charge) -> None:
    found = report(record((charge(), 0, 3), (after, 5, 12), looks=[(0, 3), (5, 12)]))
    assert found.estimates == {}


def test_time_in_which_it_was_seen_not_to_run_is_not_estimated() -> None:
    found = report(record((charge(), 0, 3), (charge(), 5, 12), looks=[(0, 4), (4.5, 12)]))
    assert found.estimates == {"USD": Money(Decimal("1.0000"), "USD", estimated=True)}


def test_a_gap_over_midnight_is_estimated_for_the_part_within_the_day() -> None:
    found = report(record((charge(), -3, -2), (charge(), 8, 12), looks=[(-3, -2), (8, 12)]))
    assert found.totals == {"USD": dollars("8.0000")}
    assert found.estimates == {"USD": Money(Decimal("16.0000"), "USD", estimated=True)}
    assert found.unobserved["hub"].seconds == 8 * H


def test_the_last_minutes_are_no_gap_before_they_are_written() -> None:
    assert report(record((charge(), 0, 11.97), looks=[(0, 11.97)])).unobserved["hub"].gaps == ()
    assert report(record((charge(), 0, 11), looks=[(0, 11)])).unobserved["hub"].seconds == H


def test_a_time_before_the_first_recording_is_no_gap_and_is_known() -> None:
    found = report(record((charge(), 10, 12), looks=[(10, 12)], begun=10))
    assert found.unobserved["hub"].gaps == ()
    assert found.lacks("hub")


def test_lists_that_lack_rows_are_named() -> None:
    found = report(record((charge(), 0, 12), looks=[(0, 6), (8, 12)], partial=[(6, 8)]))
    assert (found.unobserved["hub"].partial, found.unobserved["hub"].gaps) == (2 * H, ())


def test_the_forecast_goes_on_with_what_runs_now() -> None:
    found = report(record((charge(), 0, 12), (charge("gone", "5"), 0, 1)))
    forecast = found.forecasts["USD"]
    assert (forecast.money.amount, forecast.at_least) == (Decimal("53.0000"), False)
    assert found.lines[0].per_hour == dollars("2")


@pytest.mark.parametrize("more", [charge("b", ""), charge("b", prepaid=True)], ids=["unpriced", "prepaid"])
def test_a_forecast_is_a_lower_bound_while_something_is_not_in_it(more: Charge) -> None:
    assert report(record((charge(), 0, 12), (more, 0, 12))).forecasts["USD"].at_least


def test_the_forecast_has_the_price_of_what_is_prepaid_from_the_end_of_that_on() -> None:
    prepaid = charge("b", prepaid=True)
    found = record((charge(), 0, 12), (prepaid, 0, 12))
    forecast = (
        Ledger(found, NOON, {prepaid.ref: DAY + timedelta(hours=20)}).report(TODAY, By.ACCOUNT).forecasts["USD"]
    )
    assert (forecast.money.amount, forecast.at_least) == (Decimal("56.0000"), False)


def test_there_is_no_forecast_when_nothing_was_looked_at_lately_or_the_period_is_over() -> None:
    found = report(record((charge(), 0, 10), looks=[(0, 10)]))
    assert (found.forecasts, found.outdated) == ({}, ["hub"])
    later = report(record((charge(), 0, 12)), now=DAY + timedelta(days=2))
    assert (later.forecasts, later.outdated) == ({}, ())


def test_an_account_can_be_added_up_alone() -> None:
    found = record((charge(), 0, 1), (charge("b", account="lab"), 0, 1))
    alone = Ledger(found, NOON).report(TODAY, By.ACCOUNT, ["lab"])
    assert [line.name for line in alone.lines] == list(alone.unobserved) == ["lab"]


@pytest.mark.parametrize(
    ("period", "since", "until", "hours"),
    [
        (Period.TODAY, "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", 23),
        (Period.WEEK, "2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00", 167),
        (Period.MONTH, "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00", 743),
    ],
)
def test_periods_are_those_of_the_calendar_where_clocks_are_changed(
    period: Period, since: str, until: str, hours: int
) -> None:
    found = window(period, datetime(2026, 3, 29, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert found == Window(datetime.fromisoformat(since), datetime.fromisoformat(until))
    assert (found.until - found.since) == timedelta(hours=hours)
