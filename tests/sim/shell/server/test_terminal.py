"""Keys edit the line of a simulated terminal."""

from __future__ import annotations

import pytest

from gputui.sim.shell.server.terminal import edited


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("abc", "\x7f", "ab"),
        ("", "\x7f", ""),
        ("abc", "\x15", ""),
        ("one two ", "\x17", "one "),
        ("one", "\x17", ""),
        ("abc", "\x1b[99~", "abc"),
        ("abc", "\x1b[D", "abc"),
    ],
)
def test_keys_delete_from_the_end_of_the_line(text: str, key: str, expected: str) -> None:
    assert edited(text, key) == expected
