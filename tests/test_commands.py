"""The registry of what a user can do: names, keys, completion, and keymaps that are refused."""

from __future__ import annotations

import pkgutil
import re
import string
from collections import Counter
from importlib import import_module

import pytest
from textual.keys import _character_to_key

import gputui.screens.dialogs
import gputui.widgets
from gputui.app.views import VIEWS, view_class
from gputui.commands import BY_ID, BY_WORD, COMMANDS, Condition, Group, Here, complete, find
from gputui.config.keymap import MOVEMENT, key_problems, key_text
from gputui.models import Action

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
    assert key_problems({}) == []


def test_keys_work_in_every_terminal() -> None:
    keys = [key for command in COMMANDS for key in command.keys.split(",") if key]
    assert not [key for key in keys if re.fullmatch(r"f\d+|alt\+.*|ctrl\+[abkd]", key)]


def test_every_command_is_explained() -> None:
    assert all(command.title and command.tooltip for command in COMMANDS)


def test_every_command_works_in_some_view() -> None:
    views = [view_class(name) for name in VIEWS]
    assert [command.id for command in COMMANDS if not any(view.handles(command) for view in views)] == []


def test_a_command_is_offered_where_its_condition_or_else_its_action_holds() -> None:
    nowhere = Here(frozenset(), frozenset())
    on_row = Here(frozenset({Action.STOP}), frozenset({Condition.ROW, Condition.LOG}))
    assert [name for name in ("stop", "logs", "describe", "start", "browse") if BY_ID[name].offered(on_row)] == [
        "stop",
        "logs",
        "describe",
    ]
    assert [command.id for command in COMMANDS if command.group is Group.ROW and command.offered(nowhere)] == []
    assert BY_ID["help"].offered(nowhere)


def test_every_condition_decides_about_some_command() -> None:
    assert {*(one.when for one in COMMANDS), *(one.in_footer for one in COMMANDS)} >= set(Condition) - {Condition.ROW}


def test_what_is_in_the_footer_has_a_place_of_its_own_and_a_key() -> None:
    shown = [command for command in COMMANDS if command.footer]
    assert all(command.keys for command in shown)


@pytest.mark.parametrize("name", VIEWS)
def test_the_footer_of_a_view_begins_with_commands_of_its_own(name: str) -> None:
    view = view_class(name)
    assert [first for first in view.FOOTER if not (BY_ID[first].keys and view.handles(BY_ID[first]))] == []


@pytest.mark.parametrize(
    "text, candidates",
    [
        ("resta", ["restart"]),
        ("lo", ["logs"]),
        ("re", ["refresh", "regions", "release", "rename", "renew", "resize", "restart"]),
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


@pytest.mark.parametrize(
    "keys",
    [
        {"ssh": "J"},
        {"ssh": "x", "exec": "s"},
        {"ssh": "s,ctrl+o"},
        {"ssh": "?", "help": "f1"},
        {"ssh": "ctrl+slash", "describe": "ctrl+plus", "open": "shift+f6", "copy": "alt+ctrl+pagedown"},
        {
            "ssh": "j",
            "table.down": "down",
            "heatmap.down": "down",
            "charts.down": "down",
            "log.down": "down",
            "details.down": "down",
            "lanes.down": "down",
        },
        {"table.open": "J", "open": "enter"},
        {"text.next": "right_parenthesis"},
        {"entry.complete": "ctrl+o"},
        {"reader.copy": "x"},
        {"ssh": "n", "new": "ctrl+o"},  # next match has it in a log, as before
        {"match-next": "f5", "find": "ctrl+slash"},
    ],
)
def test_a_keymap_may_move_and_swap_keys(keys: dict[str, str]) -> None:
    assert key_problems(keys) == []


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"shh": "w"}, "shh: there is no such command; did you mean ssh?"),
        ({"table.dwon": "w"}, "table.dwon: there is no such command; did you mean table.down?"),
        ({"quit-now": "w"}, "quit-now: there is no such command"),
        ({"stop": ""}, "stop: is empty"),
        ({"stop": "s,"}, "stop: has a comma too many"),
        ({"stop": "ctrl+++"}, "stop: ctrl+++ is no key"),
        ({"stop": "ctrl+"}, "stop: ctrl+ is no key"),
        ({"stop": "control+o"}, "stop: control+o is no key"),
        ({"stop": "f25"}, "stop: f25 is no key"),
        ({"stop": "n o"}, "stop: 'n o' contains a space"),
        ({"stop": " w"}, "stop: ' w' contains a space"),
        ({"stop": "w, f5"}, "stop: ' f5' contains a space"),
        ({"stop": "ctrl+O"}, "stop: ctrl+O is not sent by terminals; write ctrl+o"),
        ({"stop": "ctrl+/"}, "stop: ctrl+/ is not sent by terminals; write ctrl+slash"),
        ({"stop": "shift+w"}, "stop: shift+w is not sent by terminals; write the character that it makes"),
        ({"stop": "ctrl+alt+o"}, "stop: ctrl+alt+o is not sent by terminals; write alt+ctrl+o"),
        ({"stop": "ctrl+m"}, "stop: ctrl+m is enter to a terminal"),
        ({"stop": "ctrl+["}, "stop: ctrl+[ is escape to a terminal"),
        ({"stop": "ctrl+q"}, "stop: ctrl+q is reserved by the program"),
        ({"stop": "ctrl+c"}, "stop: ctrl+c is reserved by the program"),
        ({"entry.submit": "slash"}, "entry.submit: slash could no longer be typed"),
        ({"ssh": "x"}, "ssh: x is the key of exec already"),
        ({"ssh": "/"}, "ssh: / is the key of filter already"),
        ({"ssh": "j"}, "ssh: j is the key of table.down already"),
        ({"ssh": "right"}, "ssh: right is the key of heatmap.right already"),
        ({"ssh": "enter"}, "ssh: enter is the key of open already"),
        ({"table.last": "r"}, "table.last: r is the key of refresh already"),
        ({"menu.down": "escape"}, "menu.down: escape is the key of dialog.cancel already"),
        ({"text.next": "c"}, "text.next: c is the key of reader.copy already"),
        ({"ssh": "w", "exec": "w"}, "exec: w is the key of ssh already"),
        ({"match-next": "q"}, "match-next: q is the key of quit already"),
        ({"find": "e"}, "find: e is the key of"),
        ({"error-next": "j"}, "error-next: j is the key of log.down already"),
    ],
)
def test_a_keymap_that_would_not_do_what_it_says_is_refused(keys: dict[str, str], problem: str) -> None:
    assert [text for text in key_problems(keys) if text.startswith(problem)], key_problems(keys)


def test_everything_wrong_with_a_keymap_is_reported_at_once() -> None:
    problems = key_problems({"shh": "w", "ssh": "x", "stop": "n o"})
    assert [problem.partition(": ")[0] for problem in problems] == ["shh", "stop", "ssh"]


def test_the_keys_of_widgets_are_listed_as_they_are() -> None:
    declared = {
        binding.id: binding.key
        for package in (gputui.widgets, gputui.screens.dialogs)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for kind in vars(import_module(module.name)).values()
        if isinstance(kind, type) and kind.__module__ == module.name
        for binding in vars(kind).get("BINDINGS", ())
    }
    assert declared == MOVEMENT


@pytest.mark.parametrize("character", sorted(set(string.punctuation) - set("/:@?<>+-[]|*!")))
def test_symbols_are_called_as_textual_calls_them(character: str) -> None:
    assert key_problems({"ssh": _character_to_key(character)}) == []


@pytest.mark.parametrize(
    ("text", "command", "argument"),
    [
        ("events", "view.events", ""),
        ("events  train", "events-of", "train"),
        ("tasks sdxl", "tasks-of", "sdxl"),
        ("processes train", "processes-of", "train"),
        ("events-of train", "events-of", "train"),
        ("run", "exec", ""),
        ("desc lab", "describe", "lab"),
        ("stock", "view.stock", ""),
        ("audit", "log", ""),
        ("log", "log", ""),
        ("log train", "logs", "train"),
    ],
)
def test_a_word_or_its_unique_beginning_names_a_command(text: str, command: str, argument: str) -> None:
    found, behind = find(text)
    assert (found and found.id, behind) == (command, argument)


@pytest.mark.parametrize("text", ["", "s", "re main", "nonsense", "lo"])
def test_an_ambiguous_beginning_names_none(text: str) -> None:
    assert find(text)[0] is None
