"""What an hour costs, and when prepaid time is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from gputui.analytics.cost import Total, billed, by_account, in_order
from gputui.analytics.cost_lines import parts
from gputui.analytics.run_out import Lasting, gpus_in_use, lasting, prepaid_until, run_out
from gputui.models import Balance, Deployment, GpuDevice, HostInfo, Instance, Money, Package, Phase, Ref, Row, Volume

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def container(name: str, price: str | None = "1.80", currency: str = "USD", **more: Any) -> Instance:
    given: dict[str, Any] = {
        "account": "hub",
        "phase": Phase.RUNNING,
        "gpu_model": "RTX 5090",
        "gpu_count": 2,
        "region": "sgp1",
    } | more
    return Instance(
        Ref(given.pop("account"), "container", name),
        name,
        status="",
        price=None if price is None else Money(Decimal(price), currency),
        **given,
    )


def package(balance: int | None = 72_000, regions: tuple[str, ...] = ("sgp1",)) -> Package:
    return Package(Ref("hub", "package", "p"), "RTX 5090", regions, total=360_000, balance=balance)


def total(rows: Sequence[Row]) -> Total:
    """Return the sum of one account's rows."""
    return by_account(rows).get(rows[0].ref.account, Total())


def test_an_hour_is_the_sum_over_what_runs_or_begins_to() -> None:
    rows = [
        container("a"),
        container("b", "0.70", phase=Phase.PENDING),
        container("stopped", phase=Phase.STOPPED),
        container("failed", phase=Phase.FAILED),
        container("unpriced", None),
    ]
    assert total(rows).amounts == {"USD": Money(Decimal("2.50"), "USD")}


def test_two_currencies_are_never_added() -> None:
    rows = [container("a"), container("b", "3.10", "CNY"), container("c", "0.20")]
    assert total(rows).amounts == {"USD": Money(Decimal("2.00"), "USD"), "CNY": Money(Decimal("3.10"), "CNY")}


def test_nothing_priced_is_no_amount_rather_than_zero() -> None:
    assert total([container("a", None)]).amounts == {}
    assert by_account([]) == {}


def test_a_sum_counts_what_it_lacks() -> None:
    chat = Deployment(
        Ref("hub", "endpoint", "1"),
        "chat",
        "ALB",
        Phase.RUNNING,
        "RUNNING",
        running=3,
        price=Money(Decimal(6), "USD"),
    )
    rows: list[Row] = [
        chat,
        *(container(f"worker-{number}", None, parent=chat.ref) for number in range(3)),
        container("a"),
        container("free", "0"),
        container("unpriced", None, gpu_count=8),
        container("begins", None, phase=Phase.PENDING, gpu_count=1),
        container("in-an-unknown-state", phase=Phase.UNKNOWN, gpu_count=4),
        container("stopped", None, phase=Phase.STOPPED),
        container("failed", None, phase=Phase.FAILED),
        container("not-read", None, phase=Phase.UNKNOWN, problem="no answer"),
    ]
    assert total(rows) == Total({"USD": Money(Decimal("7.80"), "USD")}, things=8, priced=5, gpus=13)
    lacking = [part for part in parts(rows) if part.per_hour is None]
    assert [(part.account, part.instances, part.gpus) for part in lacking] == [("hub", 3, 13)]


def test_an_own_server_without_a_stated_price_is_no_gap_in_a_bill() -> None:
    totals = by_account([container("a", None), container("b", None, account="lab"), container("c", account="hpc")])
    assert billed(totals, {"hub"}).keys() == {"hub", "hpc"}


def test_a_sum_with_an_estimate_in_it_is_one() -> None:
    estimate = replace(container("a"), price=Money(Decimal("0.20"), "USD", estimated=True))
    assert total([estimate, container("b")]).amounts == {"USD": Money(Decimal("2.00"), "USD", estimated=True)}


def test_a_stopped_deployment_costs_nothing_and_a_failed_one_what_it_is_said_to() -> None:
    price = Money(Decimal(2), "USD")
    stopped = Deployment(Ref("y", "endpoint", "1"), "a", "ALB", Phase.STOPPED, "STOPPED", running=0, price=price)
    failed = Deployment(Ref("y", "endpoint", "2"), "b", "ALB", Phase.FAILED, "FAILED", running=0, price=price)
    assert total([stopped]).amounts == {}
    assert total([failed]).amounts == {"USD": price}


# --- how long a balance lasts -------------------------------------------------------------------------------------


def balance(amount: str = "36", currency: str = "USD") -> Balance:
    return Balance(Ref("hub", "balance", "hub"), Money(Decimal(amount), currency))


def test_a_balance_lasts_as_long_as_what_is_spent_lets_it() -> None:
    rows = [container("a"), container("other-account", "100", account="autodl"), container("yuan", "9", "CNY")]
    assert lasting(balance(), rows, [], NOW) == Lasting(NOW + timedelta(hours=20), at_most=False, estimated=False)
    assert lasting(balance("-1"), rows, [], NOW) == Lasting(NOW, at_most=False, estimated=False)


def test_with_something_unpriced_a_balance_ends_at_that_time_at_the_latest() -> None:
    rows = [container("a"), container("unpriced", None)]
    assert lasting(balance(), rows, [], NOW) == Lasting(NOW + timedelta(hours=20), at_most=True, estimated=False)


def test_what_draws_on_prepaid_time_is_not_paid_from_the_balance() -> None:
    rows = [container("prepaid"), container("a", "0.90", region="elsewhere")]
    assert lasting(balance(), rows, [package(360_000)], NOW) == Lasting(
        NOW + timedelta(hours=40), at_most=False, estimated=True
    )
    assert lasting(balance("27"), rows, [package(0)], NOW) == Lasting(
        NOW + timedelta(hours=10), at_most=False, estimated=False
    )


def test_a_balance_that_nothing_known_is_paid_from_has_no_end() -> None:
    assert lasting(balance(), [container("unpriced", None)], [], NOW) is None
    assert lasting(balance(), [container("yuan", "9", "CNY")], [], NOW) is None
    assert lasting(balance("1e40"), [container("a")], [], NOW) is None


def test_accounts_and_deployments_have_their_own_sums() -> None:
    train = Ref("hub", "deployment", "train")
    rows = [
        container("a", parent=train),
        container("b", parent=train),
        container("c", "0.50"),
        container("d", "3.10", "CNY", account="autodl"),
    ]
    assert {account: sums.amounts for account, sums in by_account(rows).items()} == {
        "hub": {"USD": Money(Decimal("4.10"), "USD")},
        "autodl": {"CNY": Money(Decimal("3.10"), "CNY")},
    }
    assert {(part.account, part.deployment): (part.instances, part.gpus) for part in parts(rows)} == {
        ("hub", train): (2, 4),
        ("hub", None): (1, 2),
        ("autodl", None): (1, 2),
    }


def test_what_states_its_price_as_a_whole_and_what_is_stored_are_in_the_sum() -> None:
    usd = Money(Decimal("3.60"), "USD")
    chat = Deployment(
        Ref("y", "endpoint", "1"), "chat", "QUEUE", Phase.RUNNING, "RUNNING", running=2, gpu_count=4, price=usd
    )
    disk = Money(Decimal("0.05"), "USD")
    rows: list[Row] = [
        chat,
        container("worker", None, account="y", parent=chat.ref),
        Volume(Ref("y", "volume", "1"), "data", "CEPH", Phase.RUNNING, "active", price=disk),
        Volume(Ref("y", "volume", "2"), "more", "CEPH", Phase.PENDING, "resizing", price=disk),
        Volume(Ref("y", "volume", "3"), "free", "S3", Phase.RUNNING, "active", price=Money(Decimal(0), "USD")),
        Volume(Ref("y", "volume", "4"), "broken", "CEPH", Phase.FAILED, "error", price=disk),
    ]
    assert total(rows).amounts == {"USD": Money(Decimal("3.75"), "USD")}
    assert [(part.deployment, part.per_hour, part.instances, part.gpus, part.volumes) for part in parts(rows)] == [
        (chat.ref, usd, 2, 8, 0),
        (None, Money(Decimal("0.15"), "USD"), 0, 0, 3),
    ]


def test_a_package_counts_the_gpus_of_its_account_model_and_regions() -> None:
    rows = [
        container("a"),
        container("written-otherwise", gpu_model="NVIDIA GeForce RTX 5090", gpu_count=1),
        container("elsewhere", region="Singapore-B"),
        container("other-model", gpu_model="RTX 4090"),
        container("other-account", account="lab"),
        container("begins", phase=Phase.PENDING),
    ]
    assert gpus_in_use(package(), rows) == (3, 0)
    assert gpus_in_use(package(regions=()), rows) == (5, 0)


def test_a_package_runs_out_after_its_seconds_over_the_gpus_in_use() -> None:
    assert run_out(package(72_000), [container("a")], NOW) == NOW + timedelta(hours=10)
    assert run_out(package(0), [container("a")], NOW) == NOW


def test_a_package_nothing_draws_on_or_without_a_balance_has_no_end() -> None:
    assert run_out(package(), [], NOW) is None
    assert run_out(package(None), [container("a")], NOW) is None
    assert run_out(package(), [container("a", gpu_count=0)], NOW) is None


def test_a_balance_beyond_any_calendar_has_no_end() -> None:
    assert run_out(package(10**18), [container("a")], NOW) is None


def test_spending_rises_when_a_package_is_used_up() -> None:
    rows = [container("prepaid"), container("a", "0.90", region="elsewhere")]
    # $9.00 in the 10 hours of the package, $27.00 at $2.70 an hour after it.
    assert lasting(balance("36"), rows, [package(72_000)], NOW) == Lasting(
        NOW + timedelta(hours=20), at_most=False, estimated=True
    )
    assert lasting(balance("9"), rows, [package(72_000)], NOW) == Lasting(
        NOW + timedelta(hours=10), at_most=False, estimated=True
    )


def test_money_is_spent_only_from_the_end_of_a_package_that_pays_for_all() -> None:
    assert lasting(balance("18"), [container("a")], [package(72_000)], NOW) == Lasting(
        NOW + timedelta(hours=20), at_most=False, estimated=True
    )


def test_packages_are_used_up_one_after_the_other() -> None:
    second = replace(package(36_000), ref=Ref("hub", "package", "q"), regions=("sgp1", "elsewhere"))
    rows = [container("a"), container("b", "3.60", region="elsewhere")]
    # Both pay 5 hours; the first then pays for "a" alone until 10 hours, at $3.60 an hour for "b".
    assert lasting(balance("36"), rows, [package(72_000), second], NOW) == Lasting(
        NOW + timedelta(hours=10) + timedelta(hours=18 / 5.4), at_most=False, estimated=True
    )


def test_what_has_no_price_after_its_package_makes_the_end_the_latest() -> None:
    rows = [container("prepaid", None), container("a", "0.90", region="elsewhere")]
    assert lasting(balance("36"), rows, [package(72_000)], NOW) == Lasting(
        NOW + timedelta(hours=40), at_most=True, estimated=True
    )
    assert lasting(balance("8"), rows, [package(72_000)], NOW) == Lasting(
        NOW + timedelta(seconds=32_000), at_most=False, estimated=True
    )


def test_all_gpus_are_those_of_the_host_and_never_one() -> None:
    everything = container("all", None, gpu_count=None, gpu_all=True, host="h07")
    unsaid = container("unsaid", None, gpu_count=None)
    host = HostInfo(Ref("hub", "host", "h07"), "h07", gpu_count=8)
    devices = [GpuDevice(Ref("hub", "gpu", str(number)), "h07", number) for number in range(4)]
    cases: list[tuple[list[Row], int, int]] = [
        ([everything, unsaid], 0, 2),
        ([everything, unsaid, host], 8, 1),
        ([everything, *devices], 4, 0),
        ([everything, replace(host, ref=Ref("lab", "host", "h07"))], 0, 1),
        ([replace(everything, host=None), host], 8, 0),
        ([replace(everything, host=None), host, replace(host, ref=Ref("hub", "host", "h08"), name="h08")], 0, 1),
        ([everything, *(replace(device, through=everything.ref) for device in devices)], 4, 0),
        ([everything, *(replace(device, through=unsaid.ref) for device in devices)], 0, 1),
    ]
    for rows, gpus, unsure in cases:
        assert total(rows) == Total({}, things=1 + (unsaid in rows), priced=0, gpus=gpus, unsure=unsure)
        (part,) = parts(rows)
        assert (part.gpus, part.gpus_unknown) == (gpus, unsure)
    assert run_out(package(), [replace(everything, gpu_count=None)], NOW) is None


def test_currencies_have_the_order_of_the_accounts() -> None:
    dollars, yuan = Total({"USD": Money(Decimal(1), "USD")}), Total({"CNY": Money(Decimal(1), "CNY")})
    for totals in ({"a": dollars, "b": yuan}, {"b": yuan, "a": dollars}):
        assert list(in_order(totals, ["a", "b"]).amounts) == ["USD", "CNY"]
        assert list(in_order(totals, ["b", "a"]).amounts) == ["CNY", "USD"]
        assert list(in_order(totals, ["b", "a"], ["USD", "CNY"]).amounts) == ["USD", "CNY"]
        # One that is not the account's own by the configuration comes after those that are.
        assert list(in_order(totals, ["b", "a"], ["EUR", "USD"]).amounts) == ["USD", "CNY"]


def test_prepaid_time_of_one_package_ends_when_all_that_use_it_have_used_it_up() -> None:
    rows = [container("a"), container("b"), container("other", gpu_model="H100")]
    assert prepaid_until([package(72_000)], rows, NOW) == {
        row.ref: NOW + timedelta(hours=5) for row in rows[:2]
    }  # four GPUs
    assert prepaid_until([package(72_000), replace(package(), ref=Ref("hub", "package", "q"))], rows, NOW) == {}
