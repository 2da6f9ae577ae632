"""Listeners are notified of what has happened to the rows."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from gputui.fleet.store import Store
from gputui.models import Change, Ref, Resource, Row
from tests.fleet.fakes import pod

INSTANCES = Resource.INSTANCES
snapshots = st.tuples(
    st.sampled_from(["lab", "hub"]),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["running", "exited", "created"]))),
)


def apply(rows: dict[Ref, Row], change: Change) -> None:
    """Follow a change as a consumer does, who may rely on what the three parts promise."""
    for ref in change.removed:
        del rows[ref]
    for row in change.added:
        assert row.ref not in rows
        rows[row.ref] = row
    for row in change.updated:
        assert rows[row.ref] != row
        rows[row.ref] = row


@given(st.lists(snapshots, max_size=12))
def test_changes_applied_one_after_another_are_the_rows(sequence: list[tuple[str, list[tuple[str, str]]]]) -> None:
    store = Store()
    followed: dict[Ref, Row] = {}
    latest: dict[str, dict[Ref, Row]] = {}
    for account, names in sequence:
        rows = [pod(account, name, status) for name, status in names]
        latest[account] = {row.ref: row for row in rows}
        apply(followed, store.replace(account, INSTANCES, rows))
        assert followed == dict(store.rows(INSTANCES))
        assert followed == {ref: row for part in latest.values() for ref, row in part.items()}
        assert store.part(account, INSTANCES) == latest[account]


def test_a_row_that_comes_again_unchanged_stays_the_same_object_and_is_no_change() -> None:
    store = Store()
    first = pod("lab", "main")
    store.replace("lab", INSTANCES, [first])
    assert not store.replace("lab", INSTANCES, [pod("lab", "main")])
    assert store.rows(INSTANCES)[first.ref] is first
    assert store.part("lab", INSTANCES)[first.ref] is first


def test_a_fresher_row_takes_its_place_and_an_unknown_one_none() -> None:
    store = Store()
    store.replace("lab", INSTANCES, [pod("lab", "main")])
    stopped = pod("lab", "main", "exited")
    assert store.update(stopped) == Change(updated=(stopped,))
    assert not store.update(stopped)
    assert not store.update(pod("lab", "other"))
    assert store.find(stopped.ref) == (INSTANCES, stopped)
    assert store.replace("lab", INSTANCES, [pod("lab", "main")]).updated == (pod("lab", "main"),)


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=8), st.integers(1, 5))
def test_appended_rows_push_out_the_oldest(batches: list[list[int]], limit: int) -> None:
    store = Store()
    followed: dict[Ref, Row] = {}
    count = 0
    for batch in batches:
        rows = [pod("lab" if number % 2 else "hub", str(count := count + 1)) for number in batch]
        apply(followed, store.append(Resource.EVENTS, rows, limit=limit))
        assert followed == dict(store.rows(Resource.EVENTS))
    assert [ref.id for ref in followed] == [str(number) for number in range(1, count + 1)][-limit:]


def test_one_percent_of_ten_thousand_rows_changed_costs_little_more_than_comparing_them() -> None:
    store = Store()
    store.replace("lab", INSTANCES, [pod("lab", str(number)) for number in range(10_000)])
    rows = [pod("lab", str(number), "running" if number % 100 else "exited") for number in range(10_000)]
    old = list(store.rows(INSTANCES).values())
    comparing = min(_time(lambda: [before == row for before, row in zip(old, rows, strict=True)]) for _ in range(3))
    started = time.perf_counter()
    change = store.replace("lab", INSTANCES, rows)
    took = time.perf_counter() - started
    assert len(change.updated) == 100
    assert took < 8 * comparing


def _time(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
