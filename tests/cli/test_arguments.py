"""Readers of arguments: what they accept, and the reason of a refusal."""

from __future__ import annotations

import argparse

import pytest

from gputui.cli import arguments
from gputui.cli.parser import build_parser


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("90", 90),
        ("0.2", 0.2),
        ("1.5s", 1.5),
        ("90m", 5400),
        ("6h", 21600),
        ("1d 12h", 129600),
        ("1m 30s", 90),
    ],
)
def test_a_time_limit_is_a_span_or_a_number_of_seconds(text: str, seconds: float) -> None:
    assert arguments.seconds(text) == arguments.seconds_or_zero(text) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "", "soon", "inf", "nan", "5 apples", "1h30", "s"])
def test_what_is_no_time_limit_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a time above 0, such as 30s, 90m or 6h"):
        arguments.seconds(text)


@pytest.mark.parametrize(
    "line",
    [
        "wait lab/pod/main --for running --timeout",
        "start lab/pod/main --wait --timeout",
        "create pod --wait --timeout",
        "exec lab/pod/main --timeout",
    ],
)
def test_each_time_limit_takes_the_same_forms_and_means_the_same(line: str) -> None:
    parser = build_parser()
    values = {parser.parse_args([*line.split(), text]).timeout for text in ("90", "90s", "1m 30s")}
    assert values == {90.0}
