"""The grammar of the simulated shell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.sim.shell.syntax import ShellSyntaxError, parse
from gputui.sim.shell.terminal import edited

VARIABLES = {"HOME": "/root", "A": "a b", "?": "0"}


def words(line: str) -> list[list[list[str]]]:
    steps = parse(line, lambda name: VARIABLES.get(name, ""))
    return [[command.words for command in step.pipeline] for step in steps]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  # nothing", []),
        ("a b", [[["a", "b"]]]),
        ("a;b", [[["a"]], [["b"]]]),
        ("a | b c", [[["a"], ["b", "c"]]]),
        ("'a b' \"c $HOME\" '$HOME'", [[["a b", "c /root", "$HOME"]]]),
        ("a ${A}x $nope ''", [[["a", "a bx", ""]]]),
        ("a\\ b", [[["a b"]]]),
        ("a 2>/dev/null 2>&1", [[["a"]]]),
        ("a\nb", [[["a"]], [["b"]]]),
        ("$nope; b", [[[]], [["b"]]]),
        ("$nope''", [[[""]]]),
        ("a#b", [[["a#b"]]]),
    ],
)
def test_lines_become_words(line: str, expected: list[list[list[str]]]) -> None:
    assert words(line) == expected


def test_steps_know_when_they_run() -> None:
    steps = parse("a && b || c; d", lambda _: "")
    assert [step.when for step in steps] == ["", "&&", "||", ""]


def test_output_goes_to_files() -> None:
    (first, second) = parse("a > x; b >> y < z", lambda _: "")
    assert (first.pipeline[0].to_file, first.pipeline[0].append) == ("x", False)
    command = second.pipeline[0]
    assert (command.to_file, command.append, command.from_file) == ("y", True, "z")


@pytest.mark.parametrize("line", ["'a", '"a', "a |", "| a", "a >", "a > | b", "&& a", ";", "a &&"])
def test_what_bash_refuses_is_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        words(line)


@given(st.text(alphabet="ab$?{}'\"\\ |;&><#\n~é日", max_size=30))
def test_any_text_is_parsed_or_refused(line: str) -> None:
    try:
        steps = parse(line, lambda _: "v")
    except ShellSyntaxError:
        return
    assert all(command for step in steps for command in step.pipeline)
    longer = parse(line, lambda _: "")
    assert [step.when for step in longer] == [step.when for step in steps]


@pytest.mark.parametrize(
    ("text", "place", "key", "expected"),
    [
        ("abc", 3, "\x7f", ("ab", 2)),
        ("abc", 0, "\x7f", ("abc", 0)),
        ("abc", 1, "\x1b[3~", ("ac", 1)),
        ("abc", 1, "\x1b[D", ("abc", 0)),
        ("abc", 3, "\x1b[C", ("abc", 3)),
        ("abc", 2, "\x01", ("abc", 0)),
        ("abc", 0, "\x05", ("abc", 3)),
        ("abc", 2, "\x15", ("c", 0)),
        ("abc", 1, "\x0b", ("a", 1)),
        ("one two ", 8, "\x17", ("one ", 4)),
        ("ac", 1, "b", ("abc", 2)),
        ("abc", 1, "\x1b[99~", ("abc", 1)),
    ],
)
def test_keys_edit_the_line(text: str, place: int, key: str, expected: tuple[str, int]) -> None:
    assert edited(text, place, key) == expected
