"""Lists of several parts, of which some cannot be read."""

from __future__ import annotations

import pytest

from gputui.api.http.rows import LastRows, attempt, require_some
from gputui.errors import AuthError, GputuiError, RateLimitedError, UnavailableError
from gputui.models import Instance, PartialRows, Phase, Ref

AWAY = UnavailableError("lab: no answer.")
STAND_IN = Instance(Ref("lab", "pod", "pods"), "pods", Phase.UNKNOWN, "unknown")


def pod(name: str) -> Instance:
    return Instance(Ref("lab", "pod", name), name, Phase.RUNNING, "running")


def test_a_part_that_fails_keeps_its_last_rows_with_the_problem() -> None:
    last: LastRows[Instance] = LastRows()
    assert last.update("pods", [pod("a")], "the pods", STAND_IN) == [pod("a")]
    rows = last.update("pods", AWAY, "the pods", STAND_IN)
    assert [(row.name, row.problem) for row in rows] == [("a", "lab: no answer.")]
    assert isinstance(rows, PartialRows)
    assert rows.problem == "the pods cannot be read: lab: no answer."
    assert last.update("pods", [pod("a")], "the pods", STAND_IN) == [pod("a")]


def test_a_part_that_was_never_read_has_one_row_in_its_place() -> None:
    rows = LastRows[Instance]().update("pods", AWAY, "the pods", STAND_IN, whose="they cannot be read: ")
    assert [(row.name, row.problem) for row in rows] == [("pods", "they cannot be read: lab: no answer.")]


def test_parts_that_are_gone_are_forgotten() -> None:
    last: LastRows[Instance] = LastRows()
    last.keep("a", [pod("a")])
    last.keep("b", [pod("b")])
    last.retain({"b"})
    assert list(last) == [pod("b")]


@pytest.mark.parametrize("lasting", [AuthError("lab: no."), RateLimitedError("lab: slow down.", retry_after=1.0)])
def test_an_error_of_all_parts_ends_the_list(lasting: GputuiError) -> None:
    with pytest.raises(type(lasting)):
        require_some([[pod("a")], AWAY, lasting])


def test_a_list_fails_when_all_its_parts_do() -> None:
    require_some([])
    require_some([[pod("a")], AWAY])
    with pytest.raises(UnavailableError):
        require_some([AWAY, AWAY])


async def test_an_attempt_returns_its_error() -> None:
    async def fail() -> Instance:
        raise AWAY

    assert await attempt(fail()) is AWAY
