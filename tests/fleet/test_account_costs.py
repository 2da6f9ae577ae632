"""The cost of accounts is added up again where their rows have changed, and only there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from gputui.analytics.cost import COSTING, SIZING, by_account, not_read
from gputui.fleet.account_costs import AccountCosts
from gputui.fleet.rows import Rows
from gputui.fleet.store import Store
from gputui.models import GpuDevice, Instance, Money, Phase, Ref, Resource, Row

ACCOUNTS = ("lab", "hub")


class _Rows:
    """As much of a fleet as the costs ask for."""

    def __init__(self) -> None:
        self.store = Store()
        self.accounts = dict.fromkeys(ACCOUNTS)

    def rows(self, resource: Resource, account: str) -> Mapping[Ref, Row]:
        return self.store.part(account, resource)

    def version(self, resource: Resource, account: str) -> int:
        return self.store.version(account, resource)


def instance(account: str, name: str, price: str | None, phase: Phase) -> Instance:
    money = None if price is None else Money(Decimal(price), "USD")
    problem = "not read" if phase is Phase.UNKNOWN else None
    return Instance(Ref(account, "pod", name), name, phase, "", price=money, gpu_all=price is None, problem=problem)


def gpu(account: str, index: int, used: int) -> GpuDevice:
    return GpuDevice(Ref(account, "gpu", str(index)), "host", index, memory_used=used)


accounts = st.sampled_from(ACCOUNTS)
readings = st.one_of(
    st.tuples(
        accounts,
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["1.80", "0", None]), st.sampled_from([*Phase])),
            max_size=4,
        ),
    ),
    st.tuples(accounts, st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True), st.integers(0, 9)),
)


@given(st.lists(readings, max_size=10))
def test_they_are_those_of_all_rows_after_every_change(given: Sequence[tuple[object, ...]]) -> None:
    fleet = _Rows()
    costs = AccountCosts(cast("Rows", fleet))
    for account, listed, *used in given:
        name = cast("str", account)
        if used:
            devices = [gpu(name, index, cast("int", used[0])) for index in cast("list[int]", listed)]
            fleet.store.replace(name, Resource.GPUS, devices)
        else:
            rows = [instance(name, *one) for one in cast("list[tuple[str, str | None, Phase]]", listed)]
            fleet.store.replace(name, Resource.INSTANCES, rows)
        everything = [row for each in (*COSTING, *SIZING) for row in fleet.store.rows(each).values()]
        assert costs.totals == by_account(everything)
        assert costs.unread == {row.ref.account for row in not_read(everything)}


def test_a_change_of_one_account_and_a_reading_of_a_gpu_leave_the_others() -> None:
    fleet = _Rows()
    costs = AccountCosts(cast("Rows", fleet))
    made: list[str] = []

    def make(account: str) -> None:
        costs.kept("test", account, None, lambda: made.append(account))

    for account in ACCOUNTS:
        fleet.store.replace(account, Resource.GPUS, [gpu(account, 0, 1)])
        make(account)
    made.clear()
    fleet.store.replace("hub", Resource.INSTANCES, [instance("hub", "a", "1.80", Phase.RUNNING)])
    fleet.store.replace("lab", Resource.GPUS, [gpu("lab", 0, 2)])
    for account in ACCOUNTS:
        make(account)
    assert made == ["hub"]
    fleet.store.replace("lab", Resource.GPUS, [gpu("lab", 0, 2), gpu("lab", 1, 0)])
    make("lab")
    assert made == ["hub", "lab"]
