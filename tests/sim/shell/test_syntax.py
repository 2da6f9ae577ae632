"""The syntax of the simulated shell, and the keys that edit its lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.sim.shell.syntax import ShellSyntaxError, expand, parse
from gputui.sim.shell.terminal import edited

VARIABLES = {"HOME": "/root", "A": "a b", "?": "0"}


def words(line: str) -> list[list[str]]:
    def lookup(name: str) -> str:
        return VARIABLES.get(name, "")

    return [[text for word in command.words if (text := expand(word, lookup)) is not None] for command in parse(line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  # nothing", []),
        ("a b", [["a", "b"]]),
        ("a;b", [["a"], ["b"]]),
        ("'a b' \"c $HOME\" '$HOME'", [["a b", "c /root", "$HOME"]]),
        ('"\\"\\$HOME\\" ${HOME}" $', [['"$HOME" /root', "$"]]),
        ("a ${A}x $nope ''", [["a", "a bx", ""]]),
        ("a\\ b", [["a b"]]),
        ("a 2>/dev/null 2>&1", [["a"]]),
        ("a\nb", [["a"], ["b"]]),
        ("$nope; b", [[], ["b"]]),
        ("$nope''", [[""]]),
        ("a#b", [["a#b"]]),
    ],
)
def test_lines_become_words(line: str, expected: list[list[str]]) -> None:
    assert words(line) == expected


def test_commands_know_when_they_run() -> None:
    assert [command.when for command in parse("a && b || c; d")] == ["", "&&", "||", ""]


def test_redirections_are_kept_apart_from_the_words() -> None:
    (command,) = parse("a > x b 2> y < z")
    operators = [(operator, expand(target, lambda _: "")) for operator, target in command.redirections]
    assert operators == [(">", "x"), ("2>", "y"), ("<", "z")]
    assert len(command.words) == 2


@pytest.mark.parametrize("line", ["'a", '"a', "a |", "| a", "a >", "a > | b", "&& a", ";", "a &&", "a &"])
def test_what_bash_refuses_is_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        words(line)


@given(st.text(alphabet="ab$?{}'\"\\ |;&><#\n~é日", max_size=30))
def test_any_text_is_parsed_or_refused(line: str) -> None:
    try:
        commands = parse(line)
    except ShellSyntaxError:
        return
    assert all(command.words or command.redirections for command in commands)
    for command in commands:
        for word in command.words:
            expand(word, lambda _: "v")


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
