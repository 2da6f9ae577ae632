"""The metrics: what a scraper reads, by a parser that is not ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gputui.agent.exposition import MOST_SERIES, Family, text_of
from gputui.agent.metrics import METERED, _spending, families
from gputui.errors import UnavailableError
from gputui.models import Balance, GpuDevice, GpuSample, Money, Offer, Phase, Ref, Resource, Row
from gputui.models.periods import Period
from gputui.models.rules import RuleState, RuleStatus
from tests.analytics.test_spend import NOON, charge, record, report
from tests.fleet.fakes import FakeBackend, FakeClock, make_fleet, pod


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> Samples:
    """The samples of a text by name and labels; a duplicate is an error."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def of(samples: Samples, name: str, **labels: str) -> list[float]:
    """The figures of a metric whose labels include these."""
    return [value for (one, given), value in samples.items() if one == name and labels.items() <= dict(given).items()]


async def scraped(clock: FakeClock, *backends: FakeBackend, rules: Iterable[RuleStatus] | None = None) -> Samples:
    """Poll every list once, and scrape seven seconds later."""
    fleet = make_fleet(clock, *backends)
    await fleet.start()
    fleet.polled_lists.keep_slowly(METERED, owner=None)
    fleet.poll(())  # the screens of sessions change nothing in it
    await clock.advance(1)
    clock.elapsed += 7
    try:
        return parsed(text_of(families(fleet, rules)))
    finally:
        await fleet.aclose()


def backend(name: str = "lab", **rows: list[Row]) -> FakeBackend:
    """A back end with these lists."""
    made = FakeBackend(name, [Resource(resource) for resource in rows])
    made.rows = {Resource(resource): listed for resource, listed in rows.items()}
    return made


async def test_instances_are_counted_by_phase_and_lists_have_an_age(clock: FakeClock) -> None:
    samples = await scraped(clock, backend(instances=[pod("lab", "a"), replace(pod("lab", "b"), phase=Phase.FAILED)]))
    assert of(samples, "gputui_instances", phase="running") == [1]
    assert of(samples, "gputui_instances", phase="failed") == [1]
    assert of(samples, "gputui_instances", phase="stopped") == [0]
    assert of(samples, "gputui_list_age_seconds", account="lab", list="instances") == [8]
    assert of(samples, "gputui_account_up") == [1]


async def test_an_account_that_fails_has_no_figures_but_is_down(clock: FakeClock) -> None:
    lab = backend(instances=[pod("lab", "a")])
    lab.errors[Resource.INSTANCES] = UnavailableError("nothing answers")
    samples = await scraped(clock, lab, backend("other", instances=[]))
    assert of(samples, "gputui_instances", account="lab") == []
    assert of(samples, "gputui_list_failing", account="lab", list="instances") == [1]
    assert sum(of(samples, "gputui_instances", account="other")) == 0
    assert of(samples, "gputui_instances", account="other") != []


async def test_figures_that_a_gpu_does_not_report_have_no_sample(clock: FakeClock) -> None:
    sample = GpuSample(clock.now(), utilization=87.0)
    known = GpuDevice(Ref("lab", "gpu", "0"), "lab", 0, "RTX 4090", memory_total=24, sample=sample)
    silent = GpuDevice(Ref("lab", "gpu", "1"), "lab", 1, "RTX 4090")
    samples = await scraped(clock, backend(gpus=[known, silent]))
    assert of(samples, "gputui_gpu_utilization_ratio") == [0.87]
    assert of(samples, "gputui_gpu_memory_total_bytes", gpu="0") == [24]
    assert of(samples, "gputui_gpu_temperature_celsius") == of(samples, "gputui_gpu_memory_used_bytes") == []


async def test_costs_are_by_currency_and_say_how_many_prices_are_unknown(clock: FakeClock) -> None:
    dollar, yuan = Money(Decimal("0.81"), "USD"), Money(Decimal(3), "CNY")
    rows: list[Row] = [
        replace(pod("lab", "a"), price=dollar),
        replace(pod("lab", "b"), price=dollar),
        replace(pod("lab", "c"), price=yuan),
        pod("lab", "d"),
    ]
    balance = Balance(Ref("lab", "balance", "lab"), Money(Decimal("12.5"), "USD"))
    samples = await scraped(clock, backend(instances=rows, balances=[balance]))
    assert of(samples, "gputui_cost_per_hour", currency="USD") == [1.62]
    assert of(samples, "gputui_cost_per_hour", currency="CNY") == [3]
    assert of(samples, "gputui_cost_unpriced") == [1]
    assert of(samples, "gputui_balance") == [12.5]


async def test_stock_is_summed_by_model_and_region_with_the_least_price(clock: FakeClock) -> None:
    offer = Offer(Ref("lab", "offer", "1"), "RTX 5090", "sgp1", idle=2, price_from=Money(Decimal(2), "USD"))
    cheaper = replace(offer, ref=Ref("lab", "offer", "2"), idle=3, price_from=Money(Decimal("1.5"), "USD"))
    unknown = Offer(Ref("lab", "offer", "3"), "H100", "sgp1", available=True)
    old = replace(offer, ref=Ref("lab", "offer", "4"), region="sgp2", problem="the region does not answer")
    samples = await scraped(clock, backend(stock=[offer, cheaper, unknown, old]))
    assert of(samples, "gputui_stock_idle_gpus", model="RTX 5090") == [5]
    assert of(samples, "gputui_stock_price_per_hour") == [1.5]
    assert of(samples, "gputui_stock_idle_gpus", model="H100") == []
    assert of(samples, "gputui_stock_available") == [1]
    assert of(samples, "gputui_stock_idle_gpus", region="sgp2") == []


def test_spending_is_by_period_and_says_what_was_not_observed() -> None:
    spans = record((charge(), 0, 2), (charge("b", ""), 0, 1), looks=((0, 3),), begun=-24)
    samples = parsed(text_of(_spending({Period.TODAY: report(spans, now=NOON)})))
    assert of(samples, "gputui_spend", account="hub", currency="USD", period="today") == [4]
    assert of(samples, "gputui_spend_unpriced_seconds") == [3600]
    assert of(samples, "gputui_spend_unobserved_seconds") == [9 * 3600]


async def test_rules_are_counted_by_state_and_absent_where_they_are_not_known(clock: FakeClock) -> None:
    rule = RuleStatus(Ref("", "rule", "g7k2"), "watch", "RTX 5090", RuleState.TRYING)
    samples = await scraped(clock, backend(), rules=[rule])
    assert of(samples, "gputui_rules", kind="watch", state="trying") == [1]
    assert sum(of(samples, "gputui_rules")) == 1
    assert of(await scraped(clock, backend()), "gputui_rules") == []


def test_hostile_texts_are_escaped() -> None:
    family = Family("gputui_test", 'help with \\ and\nlines "quoted"')
    hostile = 'a"b\\c\nd{}=,é日本'
    family.add(1.5, label=hostile)
    text = text_of([family])
    assert parsed(text) == {("gputui_test", (("label", hostile),)): 1.5}
    assert len(text.splitlines()) == 3


def test_too_many_series_are_cut_and_counted() -> None:
    family = Family("gputui_test", "help")
    for number in range(MOST_SERIES + 5):
        family.add(number, label=str(number))
    samples = parsed(text_of([family]))
    assert len(of(samples, "gputui_test")) == MOST_SERIES
    assert of(samples, "gputui_series_omitted", metric="gputui_test") == [5]


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a name of a metric: 'a-b'"):
        text_of([Family("a-b", "help")])
