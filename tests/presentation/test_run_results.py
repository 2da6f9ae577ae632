"""The results of a command on several instances: ends in words, equal outputs as one, differing lines marked."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.models import EndedBy, Ref, RunResult, RunRow, RunState, Way
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.runs import run_columns
from gputui.presentation.run_results import (
    count_text,
    end_text,
    first_line,
    group,
    lines_of,
    plain_of,
    text_of_groups,
)


def ended(name: str, stdout: bytes = b"", status: int | None = 0, **more: object) -> RunResult:
    known = RunResult(Ref("lab", "pod", name), name, RunState.ENDED, Way.SSH, status, stdout=stdout)
    return replace(known, **more)  # type: ignore[arg-type]


def test_equal_outputs_are_one_group_and_other_lines_are_marked() -> None:
    results = [
        ended("a", b"driver 550\ncuda 12.4\n"),
        ended("b", b"driver 535\ncuda 12.4\n"),
        ended("c", b"driver 550\ncuda 12.4\n"),
        ended("d", b"", 2, stderr=b"no such file\n"),
    ]
    assert text_of_groups(group(results)) == (
        "== 2 instances, exit code 0: a, c\n"
        "driver 550\n"
        "cuda 12.4\n"
        "== 1 instance, exit code 0: b\n"
        "! driver 535\n"
        "  cuda 12.4\n"
        "(1 line of the largest group missing)\n"
        "== 1 instance, exit code 2: d\n"
        "! 2> no such file\n"
        "(2 lines of the largest group missing)\n"
    )


def test_outputs_that_begin_alike_are_apart_and_the_size_of_binary_output_is_all_of_it() -> None:
    groups = group([ended("a", b"same\none"), ended("b", b"same\ntwo"), ended("c", bytes(9))], 5)
    assert [[line.text for line in found.lines] for found in groups] == [["same"], ["same"], ["(binary, 9B)"]]


def test_the_same_problem_is_one_group_though_it_names_the_instance() -> None:
    failed = [
        replace(ended(name, status=None), state=RunState.FAILED, problem=f"Not logged into {name}: no key.")
        for name in ("a", "b")
    ]
    assert [len(found.results) for found in group(failed)] == [2]


def test_ends_are_named_and_counted() -> None:
    results = [
        ended("a"),
        ended("b"),
        ended("c", status=1),
        ended("d", status=None, signal="KILL"),
        ended("e", status=None, signal="TERM", ended_by=EndedBy.TIMEOUT),
        RunResult(Ref("lab", "pod", "f"), "f"),
        replace(ended("g", status=None), state=RunState.FAILED, problem="down"),
    ]
    assert count_text(results) == "1 exit code 1, 1 signal KILL, 1 time limit, 1 not run, 1 waiting, 2 exit code 0"
    assert end_text(ended("x", status=3, ended_by=EndedBy.USER)) == "ended by you, exit code 3"


def test_output_for_a_terminal_has_no_control_characters_and_no_binary() -> None:
    hostile = ended("a", b"\x1b[31mred\x1b[0m\r\n\x1b]0;title\x07ok\x9b\n", stderr=b"\0\1\2" * 100)
    assert [line.text for line in lines_of(hostile)] == ["red", "ok\ufffd", "(binary, 300B)"]
    assert first_line(ended("a", b"\n \n  first\nsecond")) == "first"
    assert plain_of(hostile)["stdout"].startswith("\x1b[31m"), "JSON escapes it"


outputs = st.lists(st.sampled_from(["a", "b", "c\td", "", "é"]), max_size=6).map(
    lambda lines: "\n".join(lines).encode()
)


@given(st.lists(st.tuples(outputs, st.sampled_from([0, 1])), min_size=1, max_size=12))
def test_every_result_is_in_one_group_and_marks_are_the_surplus_over_the_largest(
    given_: list[tuple[bytes, int]],
) -> None:
    results = [ended(f"h{number}", output, status) for number, (output, status) in enumerate(given_)]
    groups = group(results)
    assert sorted(r.name for found in groups for r in found.results) == sorted(r.name for r in results)
    assert [len(found.results) for found in groups] == sorted((len(found.results) for found in groups), reverse=True)
    largest = Counter(line.text for line in groups[0].lines)
    for found in groups:
        own = Counter(line.text for line in found.lines)
        assert {(r.stdout, r.status) for r in found.results} == {(found.results[0].stdout, found.results[0].status)}
        assert sum(line.differs for line in found.lines) == (own - largest).total()
        assert found.missing == (largest - own).total()


def test_grouping_long_outputs_takes_one_pass() -> None:
    long = [ended(f"h{n}", b"".join(b"%d line\n" % (i * (n + 1)) for i in range(20_000))) for n in range(4)]
    begun = time.process_time()
    group(long)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ([ended("a"), ended("b")], "✓ succeeded"),
        ([ended("a"), ended("b", status=1)], "✗ 1 of 2 failed"),
        ([ended("a"), ended("b", state=RunState.UNKNOWN)], "? 1 of 2 unknown"),
        ([ended("a", status=1), ended("b", state=RunState.UNKNOWN)], "✗ 1 of 2 failed"),
        ([ended("a", state=RunState.UNKNOWN)], "? unknown"),
    ],
)
def test_an_unknown_end_is_not_listed_as_failed(results: list[RunResult], text: str) -> None:
    row = RunRow(Ref("lab", "run", "1"), "make", (), tuple(results), False, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
    state = next(column for column in run_columns(Context()) if column.key == "state")
    assert state.cell(row)[0] == text
