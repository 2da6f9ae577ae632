"""Any content of a row of Yotta's: it never breaks a list, and never reaches the terminal unclean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from gputui.api.common.names import SafeNames
from gputui.api.http.rows import UnreadableRowError, read_each
from gputui.api.yotta import mapping
from gputui.models import Deployment, Instance, Phase, Ref
from gputui.text import clean
from tests.api.yotta.server import endpoint, pod, vm, worker

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["ssh root@h -p 1", "12", "-1", "1e999", "NaN", "\x1b[2J", "\ud800", ""]
)
NUMBERS = st.integers() | st.sampled_from([10**400, -(10**400), 2**63]) | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)

Make = Callable[[mapping.Scope, object], Instance | Deployment]


def _worker(scope: mapping.Scope, row: object) -> Instance:
    parent = Deployment(Ref("y", "endpoint", "e"), "e", "ALB", Phase.RUNNING, "RUNNING")
    return mapping.to_worker(scope, parent, row)


ROWS: list[tuple[Make, dict[str, object]]] = [
    (mapping.to_pod, pod()),
    (mapping.to_vm, vm()),
    (mapping.to_endpoint, endpoint(resources=[{"region": "r", "gpuType": "g", "gpuCount": 1}])),
    (_worker, worker(region="r", gpuType="g", gpuCount=1, sshCmd="ssh root@h")),
]


FIELDS = sorted({name for _, good in ROWS for name in good})


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_no_value_of_a_field_breaks_its_row(changes: dict[str, object]) -> None:
    for make, good in ROWS:
        try:
            row = make(mapping.Scope("y", "USD", SafeNames("y")), good | changes)
        except UnreadableRowError as error:
            assert changes.keys() & {"id", "workerId"}
            assert clean(error.reason) == error.reason
            continue
        shown = (row.ref.id, row.name, row.status, row.image or "")
        assert all(clean(text) == text for text in shown)
        assert clean(row.raw, multiline=True) == row.raw


@given(JSON)
def test_whatever_comes_in_place_of_a_row_breaks_nothing(row: object) -> None:
    scope = mapping.Scope("y", "USD", SafeNames("y"))
    for make, _ in ROWS:
        read_each([row], partial(make, scope))
    mapping.to_offers(
        scope, *mapping.to_vm_types([row, {"gpuType": "X", "regions": [row]}, {"gpuType": row, "regions": row}])
    )
