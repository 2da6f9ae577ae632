"""The other sections of the home view: waste, what is under way, spending, watched stock, news, favourites."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gputui.analytics.budgets import BudgetState
from gputui.analytics.cost_lines import CostLine
from gputui.analytics.run_out import Lasting
from gputui.analytics.spend import SpendLine, SpendReport, Unobserved, Window
from gputui.analytics.starts import Start
from gputui.fleet.waste_findings import Findings
from gputui.models import (
    Action,
    Coverage,
    Deployment,
    Event,
    Instance,
    Money,
    Offer,
    Package,
    Pending,
    Phase,
    Ref,
    TransferRow,
)
from gputui.models.attempts import AttemptRow, AttemptState
from gputui.models.budgets import Budget
from gputui.models.periods import By
from gputui.models.waste import Waste, WasteReason
from gputui.presentation.home.favourites import Favourite, favourites
from gputui.presentation.home.lines import HomeSection, Opens
from gputui.presentation.home.news import news
from gputui.presentation.home.spending import Costs, spending
from gputui.presentation.home.stock import Watched, watched_stock
from gputui.presentation.home.under_way import Work, under_way
from gputui.presentation.home.waste import waste_section

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRAIN = Ref("hub", "deployment", "train")


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def texts(section: HomeSection) -> list[str]:
    return [f"{line.name}: {line.text}" for line in section.lines]


def pod(name: str, phase: Phase = Phase.RUNNING, **more: Any) -> Instance:
    return Instance(Ref("hub", "pod", name), name, phase, more.pop("status", phase.value), **more)


# --- under way ------------------------------------------------------------------------------------------------------


def test_what_the_user_has_begun_comes_before_starts_and_a_change_replaces_the_start_of_its_row() -> None:
    main, new = pod("main", Phase.PENDING, status="booting"), pod("new", Phase.PENDING, progress=0.43)
    ten = NOW - timedelta(seconds=10)
    later = NOW + timedelta(seconds=30)
    attempt = AttemptRow(
        Ref("hub", "attempt", "1"),
        "big",
        Action.CREATE,
        AttemptState.WAITING,
        2,
        ten,
        later,
        later,
        answer="No stock.",
    )
    copy = TransferRow(
        Ref("hub", "transfer", "1"),
        "data",
        "/a",
        "hub/pod/main:/b",
        "running",
        43,
        100,
        0,
        1,
        counted=True,
        left=70.0,
    )
    section = under_way(
        Work(
            changes=[
                (main.ref, Pending(Action.RESTART, ten), main, "instances"),
                (Ref("hub", "pod", "fresh"), Pending(Action.CREATE, ten), None, "instances"),
            ],
            starts={main.ref: Start(main, ten), new.ref: Start(new, ten, usual=31)},
            deployments={},
            bills=lambda name: True,
            attempts=[attempt],
            transfers=[copy],
        ),
        NOW,
        utc=True,
    )
    assert texts(section) == [
        "main: restarting…  by you",
        "fresh: creating…  by you",
        "big: create: 2 attempts, next at 2026-03-01 12:00:30: No stock.",
        "data: copy to hub/pod/main:/b  43 % of the bytes, 1m 10s left",
        "new: pending, image 43%, usually 31 s",
    ]
    assert [line.about for line in section.lines][:2] == [main.ref, None]
    assert [line.time for line in section.lines if line.time] == ["0:10", "0:10", "0:10", "0:10"]


def test_slow_starts_are_among_the_problems_and_several_of_a_deployment_are_one_line() -> None:
    rows = [pod(f"w{number}", Phase.PENDING, parent=TRAIN) for number in range(4)]
    starts = {
        row.ref: Start(row, NOW - timedelta(seconds=number), 31, slow=number == 0) for number, row in enumerate(rows)
    }
    train = Deployment(TRAIN, "train", "ReplicaSet", Phase.RUNNING, "running")
    section = under_way(Work(starts=starts, deployments={TRAIN: train}, bills=bool), NOW)
    assert [(line.name, line.text, line.time) for line in section.lines] == [
        ("train", "3 instances starting, usually 31 s", "0:03")
    ]
    assert section.more == Opens("instances", typed="phase:pending")
    assert not section.lines[0].stale
    old = under_way(Work(starts=starts, deployments={}, bills=bool, is_stale=lambda ref: True), NOW)
    assert all(line.stale for line in old.lines)
    assert under_way(Work(starts={}, deployments={}, bills=bool), NOW).quiet == "Nothing is under way."


# --- money ----------------------------------------------------------------------------------------------------------


def account(name: str, price: Money | None, **more: Any) -> CostLine:
    return CostLine(ref=Ref(name, "cost", "USD"), account=name, per_hour=price, whole=True, **more)


def test_what_runs_out_first_comes_first_and_the_sum_says_what_it_lacks() -> None:
    soon, later = (Lasting(NOW + timedelta(hours=hours), at_most=False, estimated=False) for hours in (3, 90))
    package = Package(Ref("hub", "package", "1"), "RTX 4090", (), 7200, 7200)
    section = spending(
        Costs(
            lines=[
                account("calm", usd("1.20"), balance=usd("100"), lasting=later, instances=2, gpus=4),
                account("own", usd("0"), instances=3),
                account("hub", usd("2"), balance=usd("6"), lasting=soon, lacking=2),
                replace(account("hub", None, lacking=2, gpus=2), whole=False),
            ],
            packages=[(package, NOW + timedelta(hours=2))],
        ),
        NOW,
    )
    assert texts(section) == [
        "RTX 4090 prepaid: used up in 2h 00m, 2h 00m of GPU time left",
        "hub: lasts 3h 00m, $6.00 left, 2 unpriced",
        "calm: lasts 3d 18h, $100.00 left, 2 instances, 4 GPUs",
    ]
    assert [line.loud for line in section.lines] == [True, True, False]
    assert section.note == "$3.20/h + 2 GPUs unpriced"


def test_the_sum_says_that_lists_of_cost_were_not_read() -> None:
    lines = [account("hub", usd("2"), instances=1)]
    assert spending(Costs(lines=lines, old=["lab"], coverage=Coverage.UNREAD), NOW).note == "$2.00/h + ?"
    assert spending(Costs(lines=lines, old=["hub"], coverage=Coverage.STALE), NOW).note == "$2.00/h ?"
    both = Coverage.STALE | Coverage.INCOMPLETE
    assert spending(Costs(lines=lines, old=["hub"], coverage=both), NOW).note == "$2.00/h ? + ?"
    assert spending(Costs(lines=lines), NOW).note == "$2.00/h"


def test_the_sums_have_the_order_of_the_currencies_that_accounts_have() -> None:
    lines = [account("autodl", Money(Decimal(3), "CNY")), account("hub", Money(Decimal(2), "USD"))]
    assert spending(Costs(lines=lines), NOW).note == "¥3.00/h  $2.00/h"
    assert spending(Costs(lines=lines, currencies=["USD", "CNY"]), NOW).note == "$2.00/h  ¥3.00/h"


def test_the_spending_of_today_is_with_its_account_and_in_the_heading() -> None:
    today = SpendReport(
        window=Window(NOW - timedelta(hours=12), NOW + timedelta(hours=12)),
        by=By.ACCOUNT,
        lines=[
            SpendLine(
                ref=Ref("hub", "spend", "hub"), by=By.ACCOUNT, key="hub", name="hub", accounts=("hub",), count=1,
                currency="USD",
                spent=usd("12.30"),
            )
        ],
        unobserved={"hub": Unobserved("hub", NOW - timedelta(days=9), ((0.0, 3600.0),))},
    )  # fmt: skip
    section = spending(Costs(lines=[account("hub", usd("2"), balance=usd("60"), instances=1)], today=today), NOW)
    assert texts(section) == ["hub: $60.00 left, today ≥ $12.30, 1 instance"]
    assert section.note == "$2.00/h   today ≥ $12.30"
    assert spending(Costs(today=today), NOW).quiet == "Nothing costs money, ≥ $12.30 spent today."

    # The order of the currencies is that of the accounts, in both sums: the amounts have no effect on it.
    yen = replace(today.lines[0], key="cloud", name="cloud", currency="CNY", spent=Money(Decimal("900"), "CNY"))
    known = {"cloud": replace(today.unobserved["hub"], account="cloud")}
    both = replace(today, lines=[yen, *today.lines], unobserved={**today.unobserved, **known})
    accounts = [account("hub", usd("2")), account("cloud", Money(Decimal("9"), "CNY"))]
    assert spending(Costs(lines=accounts, today=both), NOW).note == "$2.00/h  ¥9.00/h   today ≥ $12.30  ≥ ¥900.00"
    assert spending(Costs(lines=accounts[::-1], today=both), NOW).note.endswith("today ≥ ¥900.00  ≥ $12.30")

    # After the first reading no time was observed yet.
    first = replace(today, lines=[replace(today.lines[0], spent=None)])
    section = spending(Costs(lines=[account("hub", usd("2"), balance=usd("60"), instances=1)], today=first), NOW)
    assert texts(section) == ["hub: $60.00 left, today unknown, 1 instance"]
    assert section.note == "$2.00/h   today unknown"


def test_a_budget_has_a_line_from_its_first_level_on() -> None:
    day = Window(NOW - timedelta(hours=12), NOW + timedelta(hours=12))
    budgets = [BudgetState(Budget(name, usd("100"), "day"), day, usd(spent)) for name, spent in
               (("calm", "79"), ("near", "80"), ("over", "120.50"))]  # fmt: skip
    section = spending(Costs(budgets=budgets), NOW)
    assert [(line.name, line.text, line.style) for line in section.lines] == [
        ("budget over", "$120.50 of $100.00 today (120 %)", "bad"),
        ("budget near", "$80.00 of $100.00 today (80 %)", "warning"),
    ]


@pytest.mark.parametrize(
    "coverage, said",
    [
        (Coverage.COMPLETE, "Nothing costs money."),
        (Coverage.ABSENT, "Nothing costs money."),
        *((each, "") for each in Coverage if each is not Coverage.ABSENT),
    ],
)
def test_that_nothing_costs_money_is_said_only_when_all_was_read(coverage: Coverage, said: str) -> None:
    assert spending(Costs(coverage=coverage), NOW).quiet == said


def test_waste_has_its_sum_its_reasons_and_no_line_for_what_is_a_problem() -> None:
    idle = Waste(
        Ref("hub", "pod", "a"), WasteReason.IDLE, NOW - timedelta(hours=2), usd("1.8"), name="a", at_least=True,
        gpus=2, gpu_model="RTX 5090", text="12.0G of GPU memory in use",
    )  # fmt: skip
    stuck = Waste(Ref("hub", "pod", "b"), WasteReason.STUCK, NOW, usd("1"), "starting", name="b")
    prepaid = Waste(Ref("hub", "package", "1"), WasteReason.UNUSED, text="10 h prepaid, none used", name="RTX 4090")
    section = waste_section(
        [idle, stuck, prepaid], NOW, view_of=lambda ref: "instances", elsewhere=[stuck.ref], unknown=3
    )
    assert texts(section) == [
        "a: idle, 12.0G of GPU memory in use",
        "RTX 4090: not used, 10 h prepaid, none used",
    ]
    assert [(line.price, line.time, line.gpus) for line in section.lines] == [
        ("$1.80", "≥ 2h", "2 RTX 5090"),
        ("", "", ""),
    ]
    assert section.note == "$1.80/h + 3 instances of unknown load"
    assert "3 instances of unknown load" in waste_section([], NOW, view_of=lambda ref: "", unknown=3).quiet


def test_waste_of_which_nothing_is_known_now_stays_as_old_in_the_order_of_its_price() -> None:
    dear, cheap = (
        Waste(Ref("hub", "pod", name), WasteReason.IDLE, NOW, usd(price), name=name)
        for name, price in (("dear", "3"), ("cheap", "1"))
    )
    rows = Findings((cheap,), old=(dear,)).with_old
    section = waste_section(rows, NOW, view_of=lambda ref: "", old={dear.ref})
    assert [(line.name, line.stale) for line in section.lines] == [("dear", True), ("cheap", False)]


# --- watched stock, news, favourites --------------------------------------------------------------------------------


def test_watched_stock_has_what_is_idle_now_enough_first_and_says_what_was_not_read() -> None:
    few = Offer(Ref("hub", "offer", "us/H200"), "H200", "us", idle=1, total=8, price_from=usd("2"))
    many = Offer(Ref("hub", "offer", "sg/H200"), "H200", "sg", idle=5, total=8)
    unread = Ref("yotta", "offer", "us/B200")
    section = watched_stock(
        [Watched(few.ref, 4, few), Watched(many.ref, 1, many, enough=True), Watched(unread, 1, None)],
        lambda ref: False,
        key="w",
    )
    assert texts(section) == [
        "H200: sg: 5 idle of 8 GPUs",
        "H200: us: 1 idle of 8 GPUs, notifies from 4",
        "B200: us: not read yet",
    ]
    assert watched_stock([], lambda ref: False, key="w").quiet == "No stock is watched (w in Stock)."


def event(name: str, status: str, phase: Phase, minutes: float, **more: Any) -> Event:
    at = NOW - timedelta(minutes=minutes)
    return Event(Ref("hub", "event", f"{name}{minutes}"), Ref("hub", "pod", name), name, at, status, phase, **more)


def test_news_have_the_worst_event_of_each_instance_since_the_last_look() -> None:
    events = [
        event("old", "failed", Phase.FAILED, 600),
        event("a", "running", Phase.RUNNING, 50, before="starting", after_seconds=31),
        event("a", "failed", Phase.FAILED, 40, before="running"),
        event("a", "starting", Phase.PENDING, 30, before="failed"),
        slow := event("b", "running", Phase.RUNNING, 20, before="starting", after_seconds=352),
        event("c", "gone", Phase.STOPPED, 10, before="running", after_seconds=9),
        event("d", "running", Phase.RUNNING, 5),
    ]
    section = news(events, NOW - timedelta(hours=1), NOW, slow={slow.ref}, exists=lambda ref: ref.id != "c", utc=True)
    assert [(line.name, line.text, line.time) for line in section.lines] == [
        ("a", "running → failed", "40m"),
        ("b", "starting → running after 352 s, slow", "20m"),
        ("c", "running → gone", "10m"),
        ("d", "→ running", "5m"),
    ]
    assert section.note == "6 events since 2026-03-01 11:00, failures first"
    assert [line.about.kind for line in section.lines if line.about] == ["pod", "pod", "event", "pod"]


def test_a_favourite_that_is_not_listed_is_said_to_be_so() -> None:
    main, gone = pod("main", price=usd("1.8"), gpu_count=2, gpu_model="H200"), Ref("hub", "pod", "7f3a")
    section = favourites(
        [Favourite(main.ref, "main", main, "instances"), Favourite(gone, "trial", None, "instances")],
        lambda ref: False,
        key="*",
    )
    assert [(line.name, line.text, line.price, line.gpus) for line in section.lines] == [
        ("main", "running", "$1.80", "2 H200"),
        ("trial", "not listed now", "", ""),
    ]
