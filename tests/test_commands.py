"""The registry of what a user can do: names, keys, completion, and keymaps that are refused."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module

import pytest

from gputui.app import VIEWS
from gputui.commands import BY_ID, BY_WORD, COMMANDS, check_keys, complete, key_text
from gputui.errors import ConfigError

NAMES = {
    "NAME": ("train", "Train-2", "jupyter"),
    "ACCOUNT": ("lab", "attic"),
    "account": ("lab", "attic", "all"),
    "theme": ("gputui", "nord"),
}


def test_every_command_is_named_once() -> None:
    words = Counter(word for command in COMMANDS for word in (command.word, *command.aliases))
    assert [word for word, count in words.items() if count > 1] == []
    assert len(BY_ID) == len(COMMANDS)


def test_no_key_belongs_to_two_commands() -> None:
    check_keys({})


def test_keys_work_in_every_terminal() -> None:
    keys = [key for command in COMMANDS for key in command.keys.split(",") if key]
    assert not [key for key in keys if re.fullmatch(r"f\d+|alt\+.*|ctrl\+[abkd]", key)]


def test_every_command_is_explained() -> None:
    assert all(command.title and command.tooltip for command in COMMANDS)


def test_every_command_works_in_some_view() -> None:
    views = [getattr(import_module(f"gputui.screens.{name}"), kind) for name, kind in VIEWS.items()]
    assert [command.id for command in COMMANDS if not any(hasattr(view, command.handler) for view in views)] == []


def test_what_is_in_the_footer_has_a_place_of_its_own_and_a_key() -> None:
    shown = [command for command in COMMANDS if command.footer]
    assert all(command.keys for command in shown)


@pytest.mark.parametrize(
    "text, candidates",
    [
        ("resta", ["restart"]),
        ("re", ["refresh", "restart"]),
        ("nosuch", []),
        ("ssh tr", ["ssh train", "ssh Train-2"]),
        ("ssh ", ["ssh train", "ssh Train-2", "ssh jupyter"]),
        ("account a", ["account attic", "account all"]),
        ("new l", ["new lab"]),
        ("theme n", ["theme nord"]),
        ("quit x", []),
        ("nosuch x", []),
    ],
)
def test_completion(text: str, candidates: list[str]) -> None:
    assert complete(text, NAMES) == candidates


def test_completion_of_nothing_offers_everything() -> None:
    assert complete("", NAMES) == sorted(BY_WORD)


@pytest.mark.parametrize(
    "keys, text",
    [
        ("slash", "/"),
        ("escape,backspace", "esc backspace"),
        ("less_than_sign", "<"),
        ("ctrl+backslash", "ctrl+\\"),
        ("X", "X"),
        ("", ""),
    ],
)
def test_keys_are_written_as_one_types_them(keys: str, text: str) -> None:
    assert key_text(keys) == text


def test_a_keymap_may_move_and_swap_keys() -> None:
    check_keys({"ssh": "w"})
    check_keys({"ssh": "x", "exec": "s"})
    check_keys({"stop": ""})


def test_everything_wrong_with_a_keymap_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check_keys({"shh": "w", "ssh": "x"})
    said = str(caught.value)
    assert "ui.keys.shh: there is no such command" in said
    assert "x is the key of" in said
    assert "ssh" in caught.value.hint
