"""Hosts ranked by evidence: few cases weigh less than many, and what is unknown is not fine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gputui.analytics.bad_hosts import HostRecord, Sign, host_records, wilson
from gputui.models import Ref
from gputui.models.hosts import Fact, HostFact
from gputui.presentation.bad_hosts import day_text, evidence

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def facts(host: str, fact: Fact, *seconds: float | None, account: str = "hub", detail: str = "") -> list[HostFact]:
    """Return facts of a host, one an hour."""
    return [
        HostFact(
            account, "sgp1", host, fact, Ref(account, "container", f"{host}{fact}{number}"), "1",
            NOON + timedelta(hours=number), duration, "hub/deployment/a", detail,
        )
        for number, duration in enumerate(seconds)
    ]  # fmt: skip


def ranked(*found: list[HostFact]) -> dict[str, HostRecord]:
    return {record.host: record for record in host_records(fact for some in found for fact in some)}


def test_two_failures_of_two_weigh_less_than_eighteen_of_twenty() -> None:
    records = ranked(
        facts("few", Fact.FAILED, *[None] * 2),
        facts("many", Fact.FAILED, *[None] * 18),
        facts("many", Fact.START, *[30.0] * 2),
        *(facts(host, Fact.START, *[30.0] * 12) for host in ("fine", "good", "well")),
    )
    assert list(records)[:3] == ["many", "few", "fine"]
    many, few, fine = list(records.values())[:3]
    assert (many.failed, many.starts, many.worst) == (18, 20, Sign.STARTS)
    assert many.score is not None
    assert few.score is not None
    assert many.score > 0.6 > few.score > 0.3
    assert (fine.score, fine.worst) == (0, None)
    assert many.signs[Sign.STARTS].usual == (0, 12)


def test_starts_are_slow_against_those_of_other_hosts_alone() -> None:
    records = ranked(facts("slow", Fact.START, 300, 320, 340, 20), facts("other", Fact.START, *[30.0] * 9))
    assert (records["slow"].slow, records["slow"].starts, records["slow"].usual_start) == (3, 4, 30)
    assert records["other"].slow == 0
    alone = ranked(facts("slow", Fact.START, 300, 320, 340))["slow"]
    assert (alone.slow, alone.usual_start) == (0, None)


def test_what_all_hosts_have_speaks_against_none() -> None:
    records = ranked(*(facts(host, Fact.LIFE, *[60.0] * 8, *[9000.0] * 2) for host in "abc"))
    assert [(record.short, record.lives, record.score) for record in records.values()] == [(0, 10, 0)] * 3


def test_lost_gpus_count_by_days_and_other_accounts_are_not_compared() -> None:
    records = ranked(
        facts("a", Fact.SEEN, *[None] * 60), facts("a", Fact.LOST, None, None, detail="2"),
        facts("b", Fact.START, 30, account="lab"),
    )  # fmt: skip
    gpus = records["a"].signs[Sign.GPUS]
    assert (records["a"].lost, gpus.bad, gpus.of, gpus.usual) == (4, 1, 3, None)
    assert records["a"].score == gpus.at_least == gpus.excess
    assert records["b"].signs[Sign.STARTS].usual is None


def test_memory_errors_count_by_days_and_those_of_an_unknown_time_are_named() -> None:
    (record,) = host_records(
        [
            *facts("a", Fact.SEEN, *[None] * 60),
            *facts("a", Fact.ECC, None, detail="2 before it was observed"), *facts("a", Fact.ECC, None, detail="3"),
        ]
    )  # fmt: skip
    gpus = record.signs[Sign.GPUS]
    assert (record.ecc, record.ecc_before, gpus.bad, gpus.of, record.worst) == (5, 2, 1, 3, Sign.GPUS)
    assert evidence(record) == "5 uncorrected ECC errors (2 before it was observed) on 1 of 3 days"
    assert day_text(record.days[0][1]) == "uncorrected ECC errors 2 times"


def test_a_host_that_no_other_is_compared_with_has_no_score() -> None:
    (alone,) = ranked(facts("a", Fact.LIFE, *[60.0] * 5), facts("a", Fact.FAILED, None)).values()
    assert (alone.short, alone.lives, alone.failed, alone.score) == (0, 0, 1, None)


def test_lives_are_short_only_next_to_those_of_their_group_elsewhere() -> None:
    tasks = facts("b", Fact.LIFE, *[120.0] * 9)
    hosts = (facts("a", Fact.LIFE, *[100.0] * 16), tasks, facts("c", Fact.LIFE, *[110.0] * 9))
    assert [(record.short, record.score) for record in ranked(*hosts).values()] == [(0, 0)] * 3
    long = [facts(host, Fact.LIFE, *[9000.0] * 9) for host in "bcd"]
    bad = ranked(facts("a", Fact.LIFE, *[100.0] * 8, 8000.0), *long)["a"]
    assert (bad.short, bad.lives, bad.worst) == (8, 9, Sign.LIVES)


def test_of_few_others_all_together_are_compared_with() -> None:
    records = ranked(
        facts("bad", Fact.FAILED, *[None] * 6), *(facts(host, Fact.START, 30.0, 30.0) for host in "abcd")
    )
    share = records["bad"].signs[Sign.STARTS]
    assert (share.usual, share.pooled) == ((0, 8), True)


def test_a_host_of_which_nothing_but_its_presence_is_known_has_no_share_of_starts() -> None:
    (record,) = host_records(facts("a", Fact.SEEN, None))
    assert record.signs[Sign.STARTS].at_least is None
    assert record.signs[Sign.GPUS].at_least == 0


@pytest.mark.parametrize(("bad", "of", "bound"), [(0, 9, 0.0), (2, 2, 0.342), (4, 9, 0.189), (18, 20, 0.699)])
def test_the_bound_is_that_of_wilson(bad: int, of: int, bound: float) -> None:
    assert wilson(bad, of) == pytest.approx(bound, abs=0.001)
