"""Whether this machine's clock is wrong."""

from __future__ import annotations

import pytest

from gputui.fleet.clock import clock_warning

HOUR = 3600.0


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        ({}, ""),
        ({"lab": None}, ""),
        ({"lab": 59.0}, ""),
        (
            {"lab": -3 * HOUR},
            "The clocks of this machine and of the server of lab differ by 3h 00m:",
        ),
        ({"lab": 0.0, "dock": 3 * HOUR}, ""),
        ({"lab": 0.0, "hub": 2.0, "dock": 3 * HOUR}, ""),
        ({"a": -9 * HOUR, "b": 0.0, "c": 9 * HOUR}, ""),
        (
            {"a": 3 * HOUR, "b": 3 * HOUR + 4},
            "This machine's clock is 3h 00m behind the servers' (a, b): all",
        ),
        (
            {"a": -61.0, "b": -62.0, "dock": 5 * HOUR, "e": None},
            "This machine's clock is 1m 00s ahead of the servers' (a, b): all ages are wrong by that.",
        ),
    ],
)
def test_this_machines_clock_is_wrong_where_most_servers_agree(ahead: dict[str, float | None], said: str) -> None:
    warning = clock_warning(ahead)
    assert warning.startswith(said) and bool(warning) is bool(said)
