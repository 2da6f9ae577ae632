"""Values of answers in the notations that servers use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gputui.api.common.readers import parse_time, raw_json, read_time, whole_number

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-04T12:00:00Z",
        "2026-05-04T20:00:00+08:00",
        "2026-05-04T12:00:00",
        " 2026-05-04T12:00:00.000000000Z ",
        1777896000,
        1777896000000,
        "1777896000",
        "1777896000000",
        1777896000.0,
    ],
)
def test_a_time_is_read_in_every_notation(written: object) -> None:
    assert read_time(written) == NOON


@pytest.mark.parametrize("written", [None, "", " ", 0, "0", "0001-01-01T00:00:00Z"])
def test_a_time_that_was_not_reached_is_none(written: object) -> None:
    assert parse_time(written) is None


@pytest.mark.parametrize("written", ["yesterday", True, [], "9" * 400, 1e300, float("nan"), "2026-13-01"])
def test_what_is_no_time_is_an_error_or_left_out(written: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time(written)
    assert read_time(written) is None


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), ("3", 3), (" 3 ", 3), (3.0, 3), (3.5, None), (-1, None), (True, None), (None, None), ("x", None)],
)
def test_a_count_may_be_a_text(value: object, count: int | None) -> None:
    assert whole_number(value) == count


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_no_count(value: float) -> None:
    assert whole_number(value) is None


def test_json_is_shown_without_secrets_and_control_characters() -> None:
    shown = raw_json({"name": "a\x1b[31m", "password": "hunter2"})
    assert "hunter2" not in shown
    assert "\x1b" not in shown
    assert raw_json(b'{"id": 1}') == '{"id": 1}'
